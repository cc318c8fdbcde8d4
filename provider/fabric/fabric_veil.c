/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The proof that a message comes from the job. Whoever reaches a network endpoint's address can
 * send to it, and libfabric's providers for sockets ask nobody for a proof. So the job's secret is
 * in every message: match bits travel with 64 of its bits added to them (exclusive or), and a note
 * carries 32 more. A message without them fits no receive.
 *
 * The bits that the layers above leave empty (FABRIC_EMPTY_BITS) are the secret's alone. A receive
 * waits for each of them to be wrong: it takes strangers' messages away, cut to nothing, and counts
 * them. One of 256 has them right by chance; it stays with the provider, where each receive that is
 * posted passes it, and waits for ever for somebody who asks for the 23 bits of channel and context
 * that it has wrong.
 *
 * Messages on one host need none of this: the kernel lets nobody else in.
 */
#include <string.h>

#include "provider/base/count.h"
#include "provider/base/log.h"
#include "provider/boot/boot.h"
#include "provider/fabric/fabric_impl.h"

enum { TRAPS = 8 };

static_assert(__builtin_popcountll(FABRIC_EMPTY_BITS) == TRAPS, "a trap a bit");

static struct fabric_op traps[TRAPS];

void fabric_veil_dropped(void)
{
    count_add(&counts.strangers, 1);
    unsigned long n = counts.strangers;
    if (!(n & (n - 1))) /* a flood is told in a few lines */
        LOG(LOG_INFO, "messages without the job's secret, dropped: %lu", n);
}

static uint64_t empty_bit(int i)
{
    uint64_t bits = FABRIC_EMPTY_BITS;

    while (i--)
        bits &= bits - 1;
    return bits & -bits;
}

static int set_trap(struct fabric_end *e, int i)
{
    uint64_t bit = empty_bit(i);

    return fabric_trap(e, &traps[i], bit, ~bit);
}

static void trapped(struct fabric_op *op, const struct fabric_event *event)
{
    if (event->error == -ECANCELED)
        return;
    fabric_veil_dropped();
    set_trap(fabric_end_of(op), (int)(op - traps));
}

/* Bits of a tag that the provider carries. */
static uint64_t usable(const struct fi_info *info)
{
    uint64_t format = info->ep_attr->mem_tag_format;

    return format ? UINT64_MAX >> __builtin_clzll(format) : UINT64_MAX;
}

int fabric_veil_open(struct fabric_end *e)
{
    uint64_t bits = usable(e->info);
    uint8_t secret[BOOT_SECRET];

    if (e->index != END_NET || boot_info()->one_host)
        return 0;
    int rc = boot_secret(secret);
    if (rc)
        return rc;
    memcpy(&e->veil, secret, sizeof(e->veil));
    memcpy(&e->note_veil, secret + sizeof(e->veil), sizeof(e->note_veil));
    e->veil &= bits;
    for (int i = 0; i < TRAPS && bits == UINT64_MAX && !rc; i++) {
        traps[i] = (struct fabric_op){.done = trapped};
        rc = set_trap(e, i);
    }
    return rc;
}
