/* SPDX-License-Identifier: BSD-3-Clause */
/* provider/fabric's queues, over an endpoint that answers as the test says. */
#include <criterion/criterion.h>
#include <errno.h>
#include <unistd.h>

#include "provider/fabric/fabric_impl.h"

enum { OPS = 3 };

static struct fabric_peer peer;
static struct fabric_op ops[OPS];
static ssize_t answers[OPS]; /* of each one's post */
static int posted[OPS], post_count, ended[OPS];

static ssize_t senddata(struct fid_ep *ep, const void *buf, size_t len, void *desc, uint64_t data,
                        fi_addr_t dest, uint64_t tag, void *context)
{
    long i = (struct fabric_op *)context - ops;

    (void)ep, (void)buf, (void)len, (void)desc, (void)data, (void)dest, (void)tag;
    if (!answers[i])
        posted[post_count++] = (int)i;
    return answers[i];
}

/* The last is posted by the end of the first. */
static void done(struct fabric_op *op, const struct fabric_event *event)
{
    long i = op - ops;

    ended[i] = event->error;
    if (!i)
        cr_assert_eq(fabric_post(&ops[OPS - 1]), 0);
}

static void prepare(void)
{
    static struct fi_ops_tagged tagged = {.size = sizeof(tagged), .senddata = senddata};
    static struct fid_ep ep = {.tagged = &tagged};

    fabric.ends[0] = (struct fabric_end){.ep = &ep, .sends_max = 100};
    list_init(&fabric.blocked);
    list_init(&peer.waiting);
    list_init(&peer.blocked);
    for (int i = 0; i < OPS; i++) {
        ops[i] = (struct fabric_op){.done = done, .kind = OP_SEND, .iov_count = 1, .peer = &peer};
        answers[i] = -FI_EAGAIN;
    }
}

/* One that waits fails, and its end queues another to the same peer, which is still blocked. */
Test(post, queued_by_an_end)
{
    prepare();
    alarm(10);
    cr_assert_eq(fabric_post(&ops[0]), 0);
    cr_assert_eq(fabric_post(&ops[1]), 0);
    answers[0] = -FI_EIO;
    fabric_post_queued();
    cr_assert_eq(ended[0], -EIO);
    cr_assert_eq(post_count, 0);
    cr_assert_eq(atomic_load(&fabric.queued), 2);
    fabric_post_queued();
    cr_assert_eq(post_count, 0);
    answers[1] = answers[2] = 0;
    fabric_post_queued();
    cr_assert_eq(post_count, 2);
    cr_assert(posted[0] == 1 && posted[1] == 2, "%d before %d", posted[0], posted[1]);
    cr_assert_eq(atomic_load(&fabric.queued), 0);
    cr_assert(list_empty(&fabric.blocked));
}
