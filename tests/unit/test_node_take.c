/* SPDX-License-Identifier: BSD-3-Clause */
/* Receives that are posted only where their message is not there: node_direct_ops.post_or_take. */
#include "provider/base/param.h"
#include "tests/unit/take_job.h"

static void take_nothing(struct node_posted *p, size_t len, uint64_t tag, uint64_t data)
{
    (void)p, (void)len, (void)tag, (void)data;
}

/* It is over before the call returns, and was never posted. */
NODE_TEST(node_take, next, 2)
{
    static const size_t lens[] = {0, 1, 7, 8, 9, 39, 40, 41, 96};
    static const uint64_t ignored[] = {0, 0xff00000000000000, ~UINT64_C(0)};
    struct take *t = takes;
    struct side s;

    side_begin(&s, rank, false);
    for (unsigned i = 0; i < 2 * 3 * sizeof(lens) / sizeof(lens[0]); i++) {
        size_t len = lens[i / 6];
        uint64_t ignore = ignored[i % 3];
        if (rank == 1)
            side_say(&s, TAG | TOP, len, i);
        job_barrier();
        if (rank == 0) {
            take_want_so(&s, t, len, ignore ? TAG : TAG | TOP, ignore,
                         i % 2 ? NODE_ANY : s.e.addr[1]);
            take_has(t, i + 1, TAG | TOP, len, i);
            side_posts(&s, 0);
            CHECK(!s.ops->withdraw(s.e.ep, &t->posted), "was posted");
            CHECK(fi_cancel(&s.e.ep->fid, t) == -FI_ENOENT, "was posted");
            side_progress(&s, 0);
        }
        job_barrier();
    }
    if (rank == 1)
        CHECK(s.ops->inject(s.e.ep, takes, NODE_CHUNK + 1, s.e.addr[0], TAG, 0) == -FI_EMSGSIZE,
              "longer than a chunk");
    side_end(&s);
}

/* One whose message is there, but takes time to copy, is posted. */
NODE_TEST(node_take, next_in_a_chunk, 2)
{
    static const size_t lens[] = {97, 4096, 4097, NODE_CHUNK};
    struct take *t = takes;
    struct side s;

    side_begin(&s, rank, false);
    for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        if (rank == 1)
            side_say(&s, TAG, lens[i], i);
        job_barrier();
        if (rank == 0) {
            take_want_so(&s, t, lens[i], TAG, 0, s.e.addr[1]);
            side_posts(&s, 1);
            side_progress(&s, 1);
            take_has(t, i + 1, TAG, lens[i], i);
            side_posts(&s, 0);
        }
        job_barrier();
    }
    side_end(&s);
}

/* It is posted then, and is as any other that is. */
NODE_TEST(node_take, nothing_there, 2)
{
    struct take *t = takes;
    struct side s;

    side_begin(&s, rank, false);
    if (rank == 0) {
        take_want(&s, t, TAG);
        side_progress(&s, 0);
        side_posts(&s, 1);
    }
    job_barrier();
    side_come(&s, rank, TAG, 1, 1);
    if (rank == 0) {
        side_progress(&s, 1);
        take_has(t, 1, TAG, 8, 1);
        side_posts(&s, 0);
        take_want(&s, t, TAG);
        CHECK(s.ops->withdraw(s.e.ep, &t->posted), "is not posted");
        side_posts(&s, 0);
    }
    job_barrier();
    side_come(&s, rank, TAG, 2, 1);
    if (rank == 0) {
        take_want(&s, t, TAG);
        take_has(t, 2, TAG, 8, 2);
    }
    side_end(&s);
}

/* A peer is not known before progress has met it. */
NODE_TEST(node_take, first_of_a_peer, 2)
{
    struct take *t = takes;
    struct side s;

    side_begin_unmet(&s, false);
    side_come(&s, rank, TAG, 0, 1);
    if (rank == 0) {
        take_want(&s, t, TAG);
        CHECK(!told, "of a stranger");
        side_posts(&s, 1);
        take_completes(&s, t, TAG, 8, 0);
    }
    job_barrier();
    side_come(&s, rank, TAG, 1, 1);
    if (rank == 0) {
        take_want(&s, t, TAG);
        take_has(t, 1, TAG, 8, 1);
    }
    side_end(&s);
}

/* What has come goes to the older ones first, wherever they wait. */
NODE_TEST(node_take, older_first, 2)
{
    struct take *t = takes;
    struct side s;

    side_begin(&s, rank, false);
    for (unsigned wild = 0; wild < 8; wild++) {
        unsigned first = 3 * wild;
        if (rank == 0)
            for (int i = 0; i < 2; i++)
                take_want_so(&s, &t[i], 8, TAG, wild >> i & 1 ? ~UINT64_C(0) : 0, NODE_ANY);
        job_barrier();
        side_come(&s, rank, TAG, first, 3);
        if (rank == 0) {
            take_want_so(&s, &t[2], 8, TAG, wild >> 2 & 1 ? ~UINT64_C(0) : 0, NODE_ANY);
            for (unsigned i = 0; i < 3; i++)
                take_has(&t[i], first + i + 1, TAG, 8, first + i);
            side_posts(&s, 0);
        }
        job_barrier();
    }
    side_end(&s);
}

/* Fewer messages than receives; one was posted by `post`. */
NODE_TEST(node_take, too_few, 2)
{
    struct take *t = takes;
    struct side s;

    side_begin(&s, rank, false);
    if (rank == 0) {
        CHECK(!s.ops->post(s.e.ep, take_ready(&t[0], 8, TAG, 0, s.e.addr[1], take_tell)), "post");
        take_want(&s, &t[1], TAG);
        side_posts(&s, 2);
    }
    job_barrier();
    side_come(&s, rank, TAG, 0, 1);
    if (rank == 0) {
        take_want(&s, &t[2], TAG);
        take_has(&t[0], 1, TAG, 8, 0);
        CHECK(told == 1, "%u were told", told);
        side_posts(&s, 2);
    }
    job_barrier();
    side_come(&s, rank, TAG, 1, 2);
    if (rank == 0) {
        side_progress(&s, 2);
        take_has(&t[1], 2, TAG, 8, 1);
        take_has(&t[2], 3, TAG, 8, 2);
    }
    side_end(&s);
}

/* A new one serves a few of those that wait, then it waits, too. */
NODE_TEST(node_take, a_few_at_a_time, 2)
{
    struct side s;

    side_begin(&s, rank, false);
    for (int i = 0; rank == 0 && i < OLDER; i++)
        take_want(&s, &takes[i], TAG);
    job_barrier();
    side_come(&s, rank, TAG, 0, OLDER + 1);
    if (rank == 0) {
        take_want(&s, &takes[OLDER], TAG);
        CHECK(told > 0 && told < OLDER / 2, "%u were told", told);
        side_posts(&s, OLDER + 1 - told);
        side_progress(&s, OLDER + 1 - told);
        for (unsigned i = 0; i <= OLDER; i++)
            take_has(&takes[i], i + 1, TAG, 8, i);
    }
    side_end(&s);
}

/* What is next is another's: of one that waits, or that is still to come. */
NODE_TEST(node_take, of_another_tag, 2)
{
    struct take *t = takes;
    struct side s;

    side_begin(&s, rank, false);
    if (rank == 0)
        take_want(&s, &t[0], OTHER);
    job_barrier();
    side_come(&s, rank, OTHER, 0, 1);
    side_come(&s, rank, TAG, 1, 1);
    if (rank == 0) {
        take_want(&s, &t[1], TAG);
        take_has(&t[0], 1, OTHER, 8, 0);
        take_has(&t[1], 2, TAG, 8, 1);
    }
    job_barrier();
    side_come(&s, rank, OTHER, 2, 1);
    side_come(&s, rank, TAG, 3, 1);
    if (rank == 0) {
        take_want(&s, &t[1], TAG);
        CHECK(told == 2, "%u were told", told);
        side_posts(&s, 1);
        take_want(&s, &t[0], OTHER);
        take_has(&t[0], 3, OTHER, 8, 2);
        side_posts(&s, 1);
        side_progress(&s, 1);
        take_has(&t[1], 4, TAG, 8, 3);
    }
    side_end(&s);
}

/* A message of rank 2, and then one of rank 1. */
static void both_come(struct side *s, int rank)
{
    if (rank == 2)
        side_say(s, TAG, 8, 2);
    job_barrier();
    side_come(s, rank, TAG, 1, 1);
}

/* What is next is another sender's. */
NODE_TEST(node_take, of_another_source, 3)
{
    struct take *t = takes;
    struct side s;

    param_open(); /* not again */
    param.node_rings = 0;
    side_begin(&s, rank, false);
    both_come(&s, rank);
    if (rank == 0) {
        take_want_so(&s, &t[1], 8, TAG, 0, s.e.addr[1]);
        CHECK(!told, "%u were told", told);
        side_posts(&s, 1);
        take_want_so(&s, &t[2], 8, TAG, 0, s.e.addr[2]);
        take_has(&t[2], 1, TAG, 8, 2);
        side_progress(&s, 1);
        take_has(&t[1], 2, TAG, 8, 1);
    }
    side_end(&s);
}

/* Which of two rings has the next is not said; each receive gets its own. */
NODE_TEST(node_take, of_two_rings, 3)
{
    struct take *t = takes;
    struct side s;
    bool queued = false;

    side_begin(&s, rank, false);
    both_come(&s, rank);
    if (rank == 0) {
        for (int i = 1; i < 3; i++)
            take_want_so(&s, &t[i], 8, TAG, 0, s.e.addr[i]);
        while (told < 2)
            s.ops->progress(s.e.ep, &queued);
        CHECK(!queued, "in the queue");
        for (unsigned i = 1; i < 3; i++)
            take_has(&t[i], t[i].turn, TAG, 8, i);
    }
    side_end(&s);
}

/* It has two in the address vector: either is its name. */
NODE_TEST(node_take, source_of_two_names, 2)
{
    char mine[JOB_TEXT], all[2][JOB_TEXT];
    struct take *t = takes;
    fi_addr_t second;
    struct side s;

    side_begin(&s, rank, false);
    end_name(&s.e, mine);
    job_exchange(mine, all);
    CHECK(fi_av_insert(s.e.av, all[1], 1, &second, 0, NULL) == 1, "insert");
    CHECK(second != s.e.addr[1], "the same");
    side_come(&s, rank, TAG, 0, 1);
    if (rank == 0) {
        take_want_so(&s, t, 8, TAG, 0, second);
        take_has(t, 1, TAG, 8, 0);
    }
    side_end(&s);
}

/* A message without a tag is for another kind of receive. */
NODE_TEST(node_take, untagged, 2)
{
    struct take *t = takes;
    uint64_t value = 3;
    struct side s;

    side_begin(&s, rank, false);
    if (rank == 1)
        POST(&s.e, fi_injectdata(s.e.ep, &value, 8, DATA, s.e.addr[0]));
    job_barrier();
    if (rank == 0) {
        take_want_so(&s, t, 8, 0, ~UINT64_C(0), NODE_ANY);
        CHECK(!told, "it was taken");
        value = 0;
        POST(&s.e, fi_recv(s.e.ep, &value, 8, NULL, s.e.addr[1], &value));
        end_wait_for(&s.e, &value);
        CHECK(value == 3, "%lu", value);
        CHECK(s.ops->withdraw(s.e.ep, &t->posted), "is not posted");
    }
    side_end(&s);
}

static struct side *looking;

static void tell_and_look(struct node_posted *p, size_t len, uint64_t tag, uint64_t data)
{
    take_tell(p, len, tag, data);
    if (told == 1)
        end_progress(&looking->e);
}

/* An older receive's sink makes progress, which keeps the new one's message: it is found there. */
NODE_TEST(node_take, behind_a_sink_that_looks, 2)
{
    struct take *t = takes;
    struct side s;

    side_begin(&s, rank, false);
    looking = &s;
    if (rank == 0)
        CHECK(!s.ops->post_or_take(s.e.ep, take_ready(&t[0], 8, TAG, 0, NODE_ANY, tell_and_look)),
              "post");
    job_barrier();
    side_come(&s, rank, TAG, 0, 2);
    if (rank == 0) {
        CHECK(!s.ops->post_or_take(s.e.ep, take_ready(&t[1], 8, TAG, 0, NODE_ANY, tell_and_look)),
              "post");
        take_has(&t[0], 1, TAG, 8, 0);
        side_posts(&s, 0);
        take_completes(&s, &t[1], TAG, 8, 1);
    }
    side_end(&s);
}

static void is_truncated(struct side *s, const struct take *t, size_t room, size_t len,
                         unsigned seed)
{
    struct fi_cq_err_entry error;

    end_wait_error(&s->e, &error);
    CHECK(error.err == FI_ETRUNC && error.op_context == t, "err %d", error.err);
    CHECK(error.len == room && error.len + error.olen == len, "%zu + %zu", error.len, error.olen);
    CHECK(error.tag == TAG && error.data == DATA + seed, "data %lx", error.data);
    take_filled(t->buf, room, seed);
    CHECK(!t->turn, "told, too");
}

/* A message that was kept comes before those in the endpoint's queue. */
NODE_TEST(node_take, kept_first, 2)
{
    struct take *t = takes;
    struct side s;

    side_begin(&s, rank, false);
    side_come(&s, rank, OTHER, 0, 1);
    side_come(&s, rank, TAG, 1, 1);
    end_quiet(&s.e); /* keeps them */
    job_barrier();
    side_come(&s, rank, TAG, 2, 2);
    if (rank == 0) {
        take_want(&s, &t[0], TAG);
        take_has(&t[0], 1, TAG, 8, 1);
        take_want(&s, &t[1], TAG);
        side_posts(&s, 1); /* as long as any is kept, nobody looks at the queue */
        side_progress(&s, 1);
        take_has(&t[1], 2, TAG, 8, 2);
        take_want(&s, &t[2], OTHER);
        take_has(&t[2], 3, OTHER, 8, 0);
        take_want(&s, &t[0], TAG);
        take_has(&t[0], 4, TAG, 8, 3);
        side_posts(&s, 0);
    }
    job_barrier();
    side_come(&s, rank, OTHER, 4, 1);
    end_quiet(&s.e);
    job_barrier();
    side_come(&s, rank, TAG, 5, 1);
    if (rank == 0) {
        take_want(&s, &t[1], TAG);
        if (!t[1].turn)
            side_progress(&s, 1);
        take_has(&t[1], 5, TAG, 8, 5);
        take_want(&s, &t[2], OTHER);
        take_has(&t[2], 6, OTHER, 8, 4);
    }
    side_end(&s);
}

static size_t kept(struct side *s)
{
    size_t n = 0;

    for (struct list *l = side_endpoint(s)->tagged.arrivals.next;
         l != &side_endpoint(s)->tagged.arrivals; l = l->next)
        n++;
    return n;
}

/* Progress leaves messages without a receive where they are, but for a few; who waits for what is
 * behind them gets there. */
NODE_TEST(node_take, few_are_kept, 2)
{
    struct take *t = takes;
    struct side s;
    bool queued;

    side_begin(&s, rank, false);
    side_come(&s, rank, TAG, 0, 10);
    side_come(&s, rank, OTHER, 10, 1);
    if (rank == 0) {
        CHECK(s.ops->progress(s.e.ep, &queued), "there is more at once");
        size_t few = kept(&s);
        CHECK(few && few < 10, "%zu are kept", few);
        take_want(&s, &t[0], OTHER);
        unsigned calls = 0;
        while (!told && calls++ < 10)
            CHECK(s.ops->progress(s.e.ep, &queued) && !queued, "call %u", calls);
        take_has(&t[0], 1, OTHER, 8, 10);
        CHECK(kept(&s) == 10, "%zu are kept", kept(&s));
        for (unsigned i = 0; i < 10; i++) {
            take_want(&s, &t[1], TAG);
            take_has(&t[1], i + 2, TAG, 8, i);
        }
    }
    side_end(&s);
}

/* Progress that a receive has got its message by leaves the next one for the receive to come. */
NODE_TEST(node_take, next_is_left, 2)
{
    static const size_t lens[] = {8, 96, 97, NODE_CHUNK, NODE_CHUNK + 1, ROOM};
    struct fi_cq_tagged_entry c;
    struct take *t = takes;
    struct side s;

    side_begin(&s, rank, false);
    for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        static unsigned char buf[2][ROOM];
        struct fi_context2 context[2];
        for (int k = 0; rank == 1 && k < 2; k++) {
            fill(buf[k], lens[i], 2 * i + k);
            POST(&s.e, fi_tsenddata(s.e.ep, buf[k], lens[i], NULL, DATA + 2 * i + k, s.e.addr[0],
                                    k ? OTHER : TAG, &context[k]));
        }
        job_barrier();
        if (rank == 0) {
            bool queued;
            CHECK(!s.ops->post(s.e.ep, take_ready(&t[0], lens[i], TAG, 0, NODE_ANY, take_tell)),
                  "post");
            s.ops->progress(s.e.ep, &queued);
            CHECK(list_empty(&side_endpoint(&s)->tagged.arrivals), "%zu bytes: kept", lens[i]);
            if (lens[i] <= NODE_CHUNK)
                CHECK(t[0].turn && !queued, "%zu bytes: not told", lens[i]);
            else
                take_completes(&s, &t[0], TAG, lens[i], 2 * i);
            take_ready(&t[1], lens[i], OTHER, 0, NODE_ANY, NULL);
            POST(&s.e, fi_trecv(s.e.ep, t[1].buf, lens[i], NULL, FI_ADDR_UNSPEC, OTHER, 0, &t[1]));
            take_completes(&s, &t[1], OTHER, lens[i], 2 * i + 1);
        }
        for (int k = 0; rank == 1 && k < 2; k++)
            end_wait(&s.e, &c);
        job_barrier();
    }
    side_end(&s);
}

/* What is behind a message that no receive has asked for comes, though another's never end. */
NODE_TEST(node_take, behind_what_is_left, 3)
{
    enum { FLOOD = 240, LEN = 64 };
    struct take *t = takes;
    struct side s;

    side_begin(&s, rank, false);
    for (int who = 1; who < 3; who++) { /* the second one is looked at first from here on */
        if (rank == who)
            side_say(&s, TAG, 8, who);
        job_barrier();
        if (rank == 0) {
            bool queued;
            take_want(&s, &t[0], TAG);
            while (!t[0].turn)
                s.ops->progress(s.e.ep, &queued);
            take_has(&t[0], who, TAG, 8, who);
        }
        job_barrier();
    }
    for (int i = 0; rank == 2 && i < FLOOD; i++)
        side_say(&s, TAG, LEN, 7);
    job_barrier();
    if (rank == 1) {
        side_say(&s, OTHER, 20, 8);
        side_say(&s, OTHER + 1, 8, 9);
    }
    job_barrier();
    if (rank == 0) {
        static struct node_posted flood[FLOOD];
        unsigned calls = 0;
        bool queued;
        for (int i = 0; i < FLOOD; i++) {
            flood[i] = (struct node_posted){.tag = TAG,
                                            .source = s.e.addr[2],
                                            .buf = t[2].buf,
                                            .len = LEN,
                                            .sink = take_nothing};
            CHECK(!s.ops->post(s.e.ep, &flood[i]), "post");
        }
        CHECK(!s.ops->post(s.e.ep, take_ready(&t[1], 8, OTHER + 1, 0, s.e.addr[1], take_tell)),
              "post");
        while (!t[1].turn && calls++ < 20)
            s.ops->progress(s.e.ep, &queued);
        CHECK(t[1].turn && side_endpoint(&s)->tagged.posted_count, "after %u calls", calls);
        while (side_endpoint(&s)->tagged.posted_count)
            s.ops->progress(s.e.ep, &queued);
        take_ready(&t[0], 20, OTHER, 0, s.e.addr[1], NULL);
        POST(&s.e, fi_trecv(s.e.ep, t[0].buf, 20, NULL, s.e.addr[1], OTHER, 0, &t[0]));
        take_completes(&s, &t[0], OTHER, 20, 8);
    }
    side_end(&s);
}

/* One that was kept is too long, or counts. */
NODE_TEST(node_take, kept_otherwise, 2)
{
    struct take *t = takes;
    uint64_t before = 0;
    struct side s;

    side_begin(&s, rank, true);
    side_come(&s, rank, TAG, 0, 2);
    end_quiet(&s.e);
    if (rank == 0) {
        before = fi_cntr_read(s.e.cntr[END_RECV]);
        take_want(&s, &t[0], TAG);
        take_has(&t[0], 1, TAG, 8, 0);
        CHECK(fi_cntr_read(s.e.cntr[END_RECV]) == before + 1, "is not counted");
        take_want_so(&s, &t[1], 4, TAG, 0, NODE_ANY);
        is_truncated(&s, &t[1], 4, 8, 1);
    }
    side_end(&s);
}

/* ---- Older receives whose end is told in another way ---- */

static unsigned told_others, asked;

static void tell_other(struct node_posted *p, size_t len, uint64_t tag, uint64_t data)
{
    told_others++;
    take_tell(p, len, tag, data);
}

static bool allow(struct node_posted *p)
{
    (void)p;
    asked++;
    return true;
}

enum other { BY_QUEUE, BY_OTHER_SINK, BY_ASKING, OTHERS };

static void post_other(struct side *s, struct take *t, enum other other)
{
    struct node_posted *p = take_ready(t, 8, TAG, 0, NODE_ANY, tell_other);

    if (other == BY_QUEUE)
        POST(&s->e, fi_trecv(s->e.ep, t->buf, 8, NULL, FI_ADDR_UNSPEC, TAG, 0, t));
    else if (other == BY_OTHER_SINK)
        CHECK(!s->ops->post(s->e.ep, p), "post");
    else
        CHECK(!s->ops->post_asking(s->e.ep, p, allow), "post_asking");
}

/* They wait, and so does what comes behind them, until something else makes progress. */
static void behind_another(struct side *s, int rank, enum other other, bool by_progress,
                           unsigned seed)
{
    struct take *t = takes;
    bool queued;

    if (rank == 0) {
        take_want(s, &t[0], TAG);
        post_other(s, &t[1], other);
    }
    job_barrier();
    side_come(s, rank, TAG, seed, 3);
    if (rank == 0) {
        told = told_others = asked = 0;
        take_want(s, &t[2], TAG);
        take_has(&t[0], 1, TAG, 8, seed); /* in front of it */
        CHECK(told == 1 && !asked, "%u were told, %u asked", told, asked);
        side_posts(s, 2);
        if (by_progress) {
            s->ops->progress(s->e.ep, &queued);
            CHECK(queued == (other != BY_OTHER_SINK), "queued: %d", queued);
        }
        if (by_progress && other == BY_OTHER_SINK) {
            take_has(&t[1], 2, TAG, 8, seed + 1);
            take_has(&t[2], 3, TAG, 8, seed + 2);
        } else {
            take_completes(s, &t[1], TAG, 8, seed + 1);
            take_completes(s, &t[2], TAG, 8, seed + 2);
        }
        CHECK(asked == (other == BY_ASKING), "%u asked", asked);
        CHECK(told_others == (by_progress && other == BY_OTHER_SINK), "%u others", told_others);
    }
    job_barrier();
}

NODE_TEST(node_take, behind_others, 2)
{
    struct side s;

    side_begin(&s, rank, false);
    for (unsigned i = 0; i < 2 * OTHERS; i++)
        behind_another(&s, rank, i / 2, i % 2, 3 * i);
    side_end(&s);
}

/* What is in the queue already is seen before what comes after it. */
NODE_TEST(node_take, behind_the_queue, 2)
{
    struct take *t = takes;
    struct side s;
    bool queued;

    side_begin(&s, rank, false);
    if (rank == 0)
        post_other(&s, &t[0], BY_QUEUE);
    job_barrier();
    side_come(&s, rank, TAG, 0, 1);
    if (rank == 0) {
        s.ops->progress(s.e.ep, &queued);
        CHECK(queued, "nothing is in the queue");
    }
    job_barrier();
    side_come(&s, rank, TAG, 1, 1);
    if (rank == 0) {
        take_want(&s, &t[1], TAG);
        CHECK(!told, "before the older one");
        side_posts(&s, 1);
        take_completes(&s, &t[0], TAG, 8, 0);
        take_completes(&s, &t[1], TAG, 8, 1);
    }
    side_end(&s);
}

/* ---- What cannot be taken ---- */

NODE_TEST(node_take, longer_than_its_receive, 2)
{
    static const size_t lens[] = {1, 8, 9, 40, 41, 96, 97, NODE_CHUNK};
    struct take *t = takes;
    struct side s;

    side_begin(&s, rank, false);
    for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        if (rank == 1)
            side_say(&s, TAG, lens[i], i);
        job_barrier();
        if (rank == 0) {
            take_want_so(&s, &t[0], lens[i] - 1, TAG, 0, NODE_ANY);
            side_posts(&s, 1);
            take_filled(t[0].buf, 0, 0);
            is_truncated(&s, &t[0], lens[i] - 1, lens[i], i);
        }
        job_barrier();
    }
    side_end(&s);
}

/* The older one is too short, the new one would not be: each has its own all the same. */
NODE_TEST(node_take, longer_than_an_older_receive, 2)
{
    struct take *t = takes;
    struct side s;

    side_begin(&s, rank, false);
    if (rank == 0)
        take_want_so(&s, &t[0], 7, TAG, 0, NODE_ANY);
    job_barrier();
    side_come(&s, rank, TAG, 0, 2);
    if (rank == 0) {
        take_want(&s, &t[1], TAG);
        CHECK(!told, "%u were told", told);
        side_posts(&s, 2);
        is_truncated(&s, &t[0], 7, 8, 0);
        take_completes(&s, &t[1], TAG, 8, 1);
    }
    side_end(&s);
}

/* Those that take more than a copy end in the queue. */
NODE_TEST(node_take, more_than_a_copy, 2)
{
    static const struct {
        enum side_way way;
        size_t len;
    } rows[] = {{SENT, NODE_CHUNK + 1}, {SENT, ROOM}, {ANSWERED, 8}, {ANSWERED, NODE_CHUNK}};
    struct take *t = takes;
    struct side s;

    side_begin(&s, rank, false);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rank == 1) {
            side_say_and_wait(&s, rows[i].way, TAG, rows[i].len, i);
            continue;
        }
        job_barrier();
        take_want_so(&s, t, ROOM, TAG, 0, NODE_ANY);
        side_posts(&s, 1);
        take_completes(&s, t, TAG, rows[i].len, i);
        job_barrier();
    }
    side_end(&s);
}

/* Taken or delivered to another, it is counted, too. */
NODE_TEST(node_take, counted, 2)
{
    struct take *t = takes;
    uint64_t before = 0;
    struct side s;

    side_begin(&s, rank, true);
    if (rank == 0) {
        take_want(&s, &t[0], TAG);
        before = fi_cntr_read(s.e.cntr[END_RECV]);
    }
    job_barrier();
    side_come(&s, rank, TAG, 0, 2);
    if (rank == 0) {
        take_want(&s, &t[1], TAG);
        take_has(&t[0], 1, TAG, 8, 0);
        take_has(&t[1], 2, TAG, 8, 1);
        uint64_t count = fi_cntr_read(s.e.cntr[END_RECV]) - before;
        CHECK(count == 2, "%lu were counted", count);
    }
    side_end(&s);
}
