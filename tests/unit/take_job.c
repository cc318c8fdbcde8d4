/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/take_job.h"

enum { HELLO = 99 };

struct take takes[OLDER + 1];
unsigned told;

/* ---- A process ---- */

void side_begin_unmet(struct side *s, bool counters)
{
    end_start(&s->e, &(struct end_want){.threading = FI_THREAD_DOMAIN, .counters = counters});
    CHECK(!fi_open_ops(&s->e.ep->fid, NODE_DIRECT_OPS, 0, (void **)&s->ops, NULL), "fi_open_ops");
    s->in = s->ops->inlet(s->e.ep);
    for (int i = 0; !counters && i < job_size; i++)
        CHECK(!s->ops->outlet(s->e.ep, s->e.addr[i], &s->out[i]), "outlet");
    job_barrier();
}

void side_begin(struct side *s, int rank, bool counters)
{
    side_begin_unmet(s, counters);
    for (int i = 1; i < job_size; i++) {
        if (rank == i)
            POST(&s->e, fi_tinject(s->e.ep, &i, sizeof(i), s->e.addr[0], HELLO));
        int who = 0;
        if (rank == 0) {
            POST(&s->e, fi_trecv(s->e.ep, &who, sizeof(who), NULL, s->e.addr[i], HELLO, 0, &who));
            end_wait_for(&s->e, &who);
            CHECK(who == i, "%d", who);
        }
    }
    job_barrier();
}

void side_end(struct side *s)
{
    end_quiet(&s->e);
    CHECK(!side_endpoint(s)->tagged.posted_count, "%zu are posted",
          side_endpoint(s)->tagged.posted_count);
    CHECK(list_empty(&side_endpoint(s)->tagged.arrivals), "a message is kept");
    CHECK(list_empty(&side_endpoint(s)->plain.arrivals), "an untagged message is kept");
    end_finish(&s->e);
}

/* ---- The sender ---- */

void side_say(struct side *s, uint64_t tag, size_t len, unsigned seed)
{
    unsigned char buf[NODE_CHUNK];

    fill(buf, len, seed);
    if (seed % 2)
        POST(&s->e, s->ops->inject(s->e.ep, buf, len, s->e.addr[0], tag, DATA + seed));
    else
        POST(&s->e, fi_tinjectdata(s->e.ep, buf, len, DATA + seed, s->e.addr[0], tag));
}

void side_come(struct side *s, int rank, uint64_t tag, unsigned seed, unsigned count)
{
    for (unsigned i = 0; rank == 1 && i < count; i++)
        side_say(s, tag, 8, seed + i);
    job_barrier();
}

static void say_so(struct side *s, enum side_way way, uint64_t tag, const unsigned char *buf,
                   size_t len, uint64_t data)
{
    struct iovec iov = {(void *)buf, len};
    struct fi_msg_tagged msg = {&iov, NULL, 1, s->e.addr[0], tag, 0, (void *)buf, data};

    if (way == INJECTED)
        POST(&s->e, fi_tinjectdata(s->e.ep, buf, len, data, s->e.addr[0], tag));
    else if (way == WITHOUT_DATA)
        POST(&s->e, fi_tinject(s->e.ep, buf, len, s->e.addr[0], tag));
    else if (way == UNTAGGED)
        POST(&s->e, fi_injectdata(s->e.ep, buf, len, data, s->e.addr[0]));
    else
        POST(&s->e, fi_tsendmsg(s->e.ep, &msg,
                                FI_COMPLETION | FI_REMOTE_CQ_DATA |
                                    (way == ANSWERED ? FI_DELIVERY_COMPLETE : 0)));
}

void side_say_and_wait(struct side *s, enum side_way way, uint64_t tag, size_t len, unsigned seed)
{
    static unsigned char buf[ROOM];

    fill(buf, len, seed);
    say_so(s, way, tag, buf, len, DATA + seed);
    job_barrier();
    if (way >= ANSWERED)
        end_wait_for(&s->e, buf);
    job_barrier();
}

/* ---- The receiver ---- */

struct node_posted *take_ready(struct take *t, size_t room, uint64_t tag, uint64_t ignore,
                               uint64_t source, node_direct_sink *sink)
{
    memset(t->buf, UNCHANGED, room + MARGIN);
    t->turn = 0;
    t->posted = (struct node_posted){
        .tag = tag, .ignore = ignore, .source = source, .buf = t->buf, .len = room, .sink = sink};
    return &t->posted;
}

void take_tell(struct node_posted *p, size_t len, uint64_t tag, uint64_t data)
{
    struct take *t = container_of(p, struct take, posted);

    CHECK(!t->turn, "told twice");
    t->turn = ++told;
    t->len = len;
    t->tag = tag;
    t->data = data;
}

void take_want_so(struct side *s, struct take *t, size_t room, uint64_t tag, uint64_t ignore,
                  uint64_t source)
{
    CHECK(!s->ops->post_or_take(s->e.ep, take_ready(t, room, tag, ignore, source, take_tell)),
          "post_or_take");
}

void take_want(struct side *s, struct take *t, uint64_t tag)
{
    take_want_so(s, t, 8, tag, 0, NODE_ANY);
}

void side_posts(struct side *s, size_t count)
{
    CHECK(side_endpoint(s)->tagged.posted_count == count, "%zu are posted, not %zu",
          side_endpoint(s)->tagged.posted_count, count);
}

void side_progress(struct side *s, unsigned count)
{
    unsigned before = told;
    bool queued;

    s->ops->progress(s->e.ep, &queued);
    CHECK(!queued, "something is in the queue");
    CHECK(told == before + count, "%u were told, not %u", told - before, count);
}

void take_filled(const unsigned char *buf, size_t len, unsigned seed)
{
    CHECK(filled(buf, len, seed), "%zu bytes, seed %u", len, seed);
    for (int i = 0; i < MARGIN; i++)
        CHECK(buf[len + i] == UNCHANGED, "%zu bytes, and byte %d after them", len, i);
}

void take_has(const struct take *t, unsigned turn, uint64_t tag, size_t len, unsigned seed)
{
    CHECK(t->turn == turn, "told as number %u, not %u", t->turn, turn);
    CHECK(t->tag == tag && t->len == len && t->data == DATA + seed, "tag %lx, %zu bytes, data %lx",
          t->tag, t->len, t->data);
    take_filled(t->buf, len, seed);
}

void take_completes(struct side *s, const struct take *t, uint64_t tag, size_t len, unsigned seed)
{
    struct fi_cq_tagged_entry c;

    end_wait(&s->e, &c);
    CHECK(c.op_context == t, "%p completed instead of %p", c.op_context, (const void *)t);
    CHECK(c.flags == (FI_RECV | FI_TAGGED | FI_REMOTE_CQ_DATA), "%lx", c.flags);
    CHECK(c.tag == tag && c.len == len && c.data == DATA + seed, "tag %lx, %zu bytes, data %lx",
          c.tag, c.len, c.data);
    CHECK(!t->turn, "told, too");
    take_filled(t->buf, len, seed);
}
