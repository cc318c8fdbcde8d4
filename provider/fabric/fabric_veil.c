/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The proof that a message comes from the job. Whoever reaches a network endpoint's address can
 * send to it. Where the provider asks who connects for a proof (a quirk), it is given one, made of
 * the job's secret. libfabric's providers for sockets ask nobody: there the secret is in every
 * message: match bits travel with 64 of its bits added to them (exclusive or), and a note carries
 * 32 more. A message without them fits no receive.
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
#include "provider/stream/stream_provider.h"

/* Of the secret: what is whose, one after the other. */
enum {
    VEIL_BYTES = sizeof(((struct fabric_end *)0)->veil),
    NOTE_VEIL_BYTES = sizeof(((struct fabric_end *)0)->note_veil),
    TRAPS = 8
};
static_assert(VEIL_BYTES + NOTE_VEIL_BYTES + STREAM_PROOF <= BOOT_SECRET,
              "the secret is too short");

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

uint64_t fabric_tag_mask(const struct fi_info *info)
{
    uint64_t format = info->ep_attr->mem_tag_format;

    return format ? UINT64_MAX >> __builtin_clzll(format) : UINT64_MAX;
}

/* Every message comes by a connection that has been proved: none needs a veil. */
static int prove(const struct fabric_end *e, const uint8_t *proof)
{
    struct stream_ops *ops;
    int rc = fi_open_ops(&e->ep->fid, STREAM_OPS, 0, (void **)&ops, NULL);

    if (rc)
        return fabric_errno(rc);
    ops->prove(e->ep, proof);
    return 0;
}

static int draw_veil(struct fabric_end *e, const uint8_t *secret)
{
    uint64_t bits = fabric_tag_mask(e->info);
    int rc = 0;

    memcpy(&e->veil, secret, VEIL_BYTES);
    memcpy(&e->note_veil, secret + VEIL_BYTES, NOTE_VEIL_BYTES);
    e->veil &= bits;
    for (int i = 0; i < TRAPS && bits == UINT64_MAX && !rc; i++) {
        traps[i] = (struct fabric_op){.done = trapped};
        rc = set_trap(e, i);
    }
    return rc;
}

/* A job on one host has no secret: its proof is known, and its endpoint is on loopback. */
int fabric_veil_open(struct fabric_end *e)
{
    uint8_t secret[BOOT_SECRET] = {0};
    bool one_host = boot_info()->one_host;
    const char *why;
    long proven;

    if (e->index != END_NET)
        return 0;
    int rc = one_host ? 0 : boot_secret(secret);
    if (rc)
        return rc;
    if (fabric_quirk(fabric_end_provider(e), QUIRK_PROVEN, &proven, &why))
        return prove(e, secret + VEIL_BYTES + NOTE_VEIL_BYTES);
    return one_host ? 0 : draw_veil(e, secret);
}
