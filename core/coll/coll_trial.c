/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/coll/coll_trial.h"

#include <limits.h>

#include "core/coll/coll_cost.h"
#include "core/coll/shm_area.h"
#include "provider/base/clock.h"
#include "provider/base/count.h"
#include "provider/base/median.h"
#include "provider/base/param.h"

enum {
    LEAST = 16384, /* bytes of the whole operation */
    FIRST = 8,     /* operations before the first trial */
    BEFORE = 2,    /* operations by a row that are not timed: caches, pages, ways */
    EACH = BEFORE + TRIAL_TIMED,
    /* What takes a processor away for a while spoils one pass of two, of which the better counts;
     * long operations outlast it. */
    LONG = 256 << 10,
    LONGER = 32,    /* times as many operations between the next two trials, up to the parameter */
    FAR = 4,        /* what a formula gives that many times as much is no candidate */
    WORTH_NUM = 15, /* another row must take less than 15/16 of the time */
    WORTH_DEN = 16,
};

static int kind_of(enum coll_kind kind)
{
    switch (kind) {
    case COLL_BCAST:
        return 0;
    case COLL_ALLGATHER:
        return 1;
    case COLL_ALLTOALL:
        return 2;
    default:
        return -1;
    }
}

static struct coll_trial *trial_of(const struct coll *k, size_t n)
{
    unsigned size = 0;

    for (size_t most = 2 * LEAST; n >= most && size < TRIAL_SIZES - 1; most *= 2)
        size++;
    return &k->comm->area->trials.trial[kind_of(k->args.kind)][size];
}

/*
 * In a crowd times say who had the processor. An alltoall in place may need as much memory again,
 * by some ways: too much to be tried.
 */
bool coll_trial_serves(const struct coll *k, size_t n, unsigned traits)
{
    return k->blocking && n >= LEAST && param.coll_trials > 0 && traits & (AREA | DIRECT) &&
           kind_of(k->args.kind) >= 0 && k->comm->area->load <= 1 &&
           !(k->args.kind == COLL_ALLTOALL && traits & IN_PLACE);
}

/* Of those that are left none asks whether it is in place, which ranks may say differently. */
static unsigned common(unsigned traits)
{
    return traits & ~(unsigned)(IN_PLACE | NOT_IN_PLACE);
}

/* The candidates, by what their formulas give. */
static void begin(struct coll_trial *t, enum coll_kind kind, const struct coll_shape *s)
{
    const struct coll_row *rows[TRIAL_ROWS + 1];
    double costs[TRIAL_ROWS + 1];
    unsigned count = 0;

    for (unsigned i = 0; i < coll_row_count; i++) {
        const struct coll_row *r = &coll_rows[i];
        if (r->kind != kind || r->needs & ~s->traits)
            continue;
        double cost = r->cost(s);
        unsigned at = count;
        for (; at > 0 && cost < costs[at - 1]; at--) {
            costs[at] = costs[at - 1];
            rows[at] = rows[at - 1];
        }
        costs[at] = cost;
        rows[at] = r;
        count += count < TRIAL_ROWS;
    }
    while (count && costs[count - 1] > FAR * costs[0])
        count--;
    for (unsigned i = 0; i < count; i++)
        t->rows[i] = rows[i];
    t->count = count;
    t->traits = common(s->traits);
}

/* ---- All ranks together ---- */

static void conclude(struct coll_trial *t, bool known)
{
    unsigned least = t->best;

    for (unsigned i = 0; i < t->count; i++)
        if (t->all[i] < t->all[least])
            least = i;
    if (known && WORTH_DEN * t->all[least] < WORTH_NUM * t->all[t->best])
        t->best = least;
    t->operations = 0;
    long most = param.coll_trials < INT_MAX ? param.coll_trials : INT_MAX;
    t->pause = t->pause < most / LONGER ? t->pause * LONGER : (unsigned)most;
    count_add(&counts.coll_trials, 1);
}

/* Before the operation itself: adds up, and goes on as what that says. 2 log p alpha. */
static enum coll_step agree(struct coll *k)
{
    struct coll_trial *t = k->trial;

    if (k->round == 0) {
        coll_child(k, &(struct coll_args){
                          .kind = COLL_ALLREDUCE,
                          .comm = k->comm,
                          .send = {.buf = t->mine, .count = t->count, .type = &datatype_uint64},
                          .recv = {.buf = t->all},
                          .op = op_find(MPI_SUM),
                          .round = allreduce_doubling});
        return COLL_MORE;
    }
    k->trial = NULL;
    conclude(t, !k->error);
    k->round = 0;
    k->call = coll_take_row(k, t->rows[t->best]);
    return k->call(k);
}

static const struct coll_row agreement = {.round = agree};

const struct coll_row *coll_trial_row(struct coll *k, const struct coll_shape *s)
{
    struct coll_trial *t = trial_of(k, (size_t)s->n);

    if (!t->count) {
        begin(t, k->args.kind, s);
        t->pause = FIRST;
    }
    if (t->traits != common(s->traits))
        return coll_cheapest(k->args.kind, s);
    unsigned tried = t->operations++ - t->pause;
    if (t->operations <= t->pause || t->count == 1)
        return t->rows[t->best];
    k->trial = t;
    if (tried == (s->n < LONG ? 2u : 1u) * t->count * EACH)
        return &agreement;
    t->n = (size_t)s->n;
    k->trial_start = clock_ns();
    return t->rows[tried / EACH % t->count];
}

/* ---- One rank ---- */

void coll_trial_took(struct coll *k)
{
    struct coll_trial *t = k->trial;
    /* Two lengths of one class may take turns. */
    uint64_t took = (clock_ns() - k->trial_start) * LEAST / t->n;
    unsigned tried = t->operations - 1 - t->pause;

    if (tried % EACH < BEFORE)
        return;
    t->took[tried % EACH - BEFORE] = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
    if (tried % EACH < EACH - 1)
        return;
    uint64_t *mine = &t->mine[tried / EACH % t->count], now = median_of_3(t->took);
    if (tried < t->count * EACH || now < *mine)
        *mine = now;
}
