/* SPDX-License-Identifier: BSD-3-Clause */
/* Areas: agreement on one, turns, steps, and waking those who sleep. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/coll/shm_area.h"
#include "provider/base/log.h"
#include "provider/base/param.h"
#include "provider/base/segment.h"
#include "provider/boot/boot.h"
#include "provider/fabric/place.h"
#include "provider/fabric/wait.h"

/* ---- Agreement ---- */

/* Whether it can map the area, do without barriers, copy from all the others' memory; and the
 * processors for 1000 ranks of its host. */
enum { SAY_MAP, SAY_NO_BARRIER, SAY_FETCH, SAY_PROCESSORS, SAID };

/* In the scratch of the agreement. */
struct shm_setup {
    struct segment_offer offer; /* from rank 0; len 0 where it has none */
    int fd;                     /* of rank 0; -1 */
    /* What this rank says, and the least that any says. */
    uint64_t mine[SAID], least[SAID];
};

static size_t rows_at(int size)
{
    return sizeof(struct shm_head) + (size_t)size * sizeof(struct shm_done);
}

static size_t slots_at(int size)
{
    size_t end = rows_at(size) + (size_t)SHM_DEPTH * (size_t)size * sizeof(struct shm_line);

    return (end + 4095) & ~(size_t)4095;
}

static void set_memory(struct shm_area *a, char *memory)
{
    a->head = (struct shm_head *)memory;
    a->lines = (struct shm_line *)(memory + rows_at(a->size));
    a->slots = memory + slots_at(a->size);
}

static atomic_uint mapped; /* areas of this process; they are freed without the lane */

static int map(struct shm_area *a, int fd)
{
    void *memory;
    int rc = segment_map(fd, a->len, &memory);

    if (rc)
        return rc;
    set_memory(a, memory);
    mapped++;
    return 0;
}

static void unmap(struct shm_area *a)
{
    if (!a->head)
        return;
    segment_unmap(a->head, a->len);
    a->head = NULL;
    mapped--;
}

static void make(struct shm_area *a, struct shm_setup *s)
{
    if (mapped >= SHM_AREAS || segment_new(a->len, &s->fd, &s->offer)) {
        s->fd = -1;
        return;
    }
    if (map(a, s->fd))
        s->offer.len = 0;
}

static void join(struct shm_area *a, const struct shm_setup *s)
{
    int fd;

    if (mapped >= SHM_AREAS || s->offer.len != a->len || segment_open(&s->offer, &fd))
        return;
    map(a, fd);
    close(fd);
}

static void tell_offer(struct coll *k, struct shm_setup *s)
{
    coll_child(k, &(struct coll_args){
                      .kind = COLL_BCAST,
                      .comm = k->comm,
                      .send = {.buf = &s->offer, .count = sizeof s->offer, .type = &datatype_byte},
                      .round = bcast_binomial});
}

static void ask_all(struct coll *k, struct shm_setup *s)
{
    coll_child(
        k, &(struct coll_args){.kind = COLL_ALLREDUCE,
                               .comm = k->comm,
                               .send = {.buf = s->mine, .count = SAID, .type = &datatype_uint64},
                               .recv = {.buf = s->least},
                               .op = op_find(MPI_MIN),
                               .round = allreduce_doubling});
}

static void give_up(struct shm_area *a)
{
    a->state = SHM_FAILED;
    unmap(a);
    LOG(LOG_INFO, "no memory to share for the collectives of %d ranks", a->size);
}

static int rank_in_comm(const struct shm_area *a, int member)
{
    return a->ranks ? a->ranks[member] : member;
}

/* The kernel lets this process copy from all the others. */
static bool can_fetch(struct shm_area *a)
{
    struct fabric_peer *peer;

    for (int i = 0; i < a->size; i++)
        if (comm_peer(a->comm, rank_in_comm(a, i), &peer) || !fabric_fetches(peer, &a->whom[i]))
            return false;
    return true;
}

static void close_offer(struct shm_setup *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

/* Rank 0 offers, all map, and only if all could do so the area is used. 2 ceil(log p) alpha. */
static enum coll_step setup_round(struct coll *k)
{
    struct shm_area *a = k->args.state;
    struct shm_setup *s = (struct shm_setup *)k->scratch;

    switch (k->round) {
    case 0:
        if (!coll_scratch(k, sizeof *s)) {
            give_up(a);
            return COLL_LAST;
        }
        s = (struct shm_setup *)k->scratch;
        *s = (struct shm_setup){.fd = -1};
        if (k->rank == 0)
            make(a, s);
        tell_offer(k, s);
        return COLL_MORE;
    case 1:
        if (k->rank && !k->error)
            join(a, s);
        s->mine[SAY_MAP] = a->head != NULL;
        s->mine[SAY_NO_BARRIER] = !fabric_needs_barrier();
        s->mine[SAY_FETCH] = can_fetch(a);
        s->mine[SAY_PROCESSORS] = (uint64_t)(1000 / wait_load());
        ask_all(k, s);
        return COLL_MORE;
    default:
        close_offer(s);
        a->needs_barrier = !s->least[SAY_NO_BARRIER];
        a->fetches = s->least[SAY_FETCH];
        a->load = s->least[SAY_PROCESSORS] ? 1000.0 / (double)s->least[SAY_PROCESSORS] : 1000;
        a->state = SHM_READY;
        if (k->error || !s->least[SAY_MAP])
            give_up(a);
        return COLL_LAST;
    }
}

static struct list asking = LIST_INIT(asking); /* areas whose agreement is under way */

/* The program may have freed the communicator: nothing that it started has had to wait for this. */
static void setup_done(struct coll *k)
{
    struct shm_area *a = k->args.state;

    list_drop(&a->asking);
    object_drop(&a->comm->object);
}

static struct shm_area *area_new(struct comm *c, const int *ranks, int rank, int size)
{
    struct shm_area *a =
        aligned_alloc(alignof(struct shm_area),
                      (sizeof *a + alignof(struct shm_area) - 1) & -alignof(struct shm_area));

    /* The others will ask: without memory for this much, nothing else works either. */
    if (!a) {
        log_line(LOG_ERROR, "no memory for a communicator's collectives");
        return NULL;
    }
    memset(a, 0, sizeof *a);
    a->len = slots_at(size) + (size_t)SHM_SETS * SHM_SET;
    a->slot = (size_t)SHM_SET / (size_t)size & ~(size_t)63;
    a->part = a->slot / (size_t)size & ~(size_t)15;
    a->share = a->slot / (size_t)(size > 1 ? size - 1 : 1) & ~(size_t)63;
    a->rank = rank;
    a->size = size;
    a->ranks = ranks;
    a->comm = c;
    a->step = 1;
    list_init(&a->turns.queue);
    list_init(&a->active);
    list_init(&a->asking);
    a->setup.scratch = a->setup.small;
    c->area = a;
    return a;
}

void shm_make(struct comm *c)
{
    struct shm_area *a;

    if (c->size > SHM_MEMBERS || !fabric_is_shared())
        return;
    a = area_new(c, NULL, c->rank, c->size);
    if (!a)
        return;
    list_add_tail(&asking, &a->asking);
    object_hold(&c->object);
    coll_launch(
        &a->setup,
        &(struct coll_args){.kind = COLL_SHARE, .comm = c, .round = setup_round, .state = a},
        setup_done);
}

void shm_make_part(struct coll *k, const int *ranks, int rank, int size)
{
    struct coll_scope scope = {.ranks = ranks, .rank = rank, .size = size};
    struct shm_area *a;

    if (size < 2 || size > SHM_MEMBERS || !fabric_is_shared())
        return;
    a = area_new(k->comm, ranks, rank, size);
    if (a)
        coll_child(k, &(struct coll_args){.kind = COLL_SHARE,
                                          .comm = k->comm,
                                          .scope = &scope,
                                          .round = setup_round,
                                          .state = a});
}

void shm_free(struct shm_area *a)
{
    if (!list_empty(&a->asking))
        close_offer((struct shm_setup *)a->setup.scratch);
    list_drop(&a->asking);
    unmap(a);
    coll_release(&a->setup);
    free(a);
}

/* ---- Sleeping and waking ---- */

static struct list active = LIST_INIT(active); /* areas with an operation under way */
static unsigned sleeping;                      /* threads */

static void enter_sleepers(struct shm_area *a)
{
    if (!a->announced && a->state == SHM_READY) {
        atomic_fetch_add(&a->head->sleepers, 1);
        a->announced = true;
    }
}

static void leave_sleepers(struct shm_area *a)
{
    if (a->announced)
        atomic_fetch_sub(&a->head->sleepers, 1);
    a->announced = false;
}

static void watch_sleeps(void)
{
    sleeping++;
    for (struct list *l = active.next; l != &active; l = l->next)
        enter_sleepers(container_of(l, struct shm_area, active));
}

static void watch_woke(void)
{
    if (--sleeping)
        return;
    for (struct list *l = active.next; l != &active; l = l->next)
        leave_sleepers(container_of(l, struct shm_area, active));
}

const struct wait_watch shm_watch = {watch_sleeps, coll_poll, watch_woke};

void shm_wake_slow(struct shm_area *a)
{
    for (int i = 0; i < a->size; i++) {
        struct fabric_peer *peer;
        if (i != a->rank && !comm_peer(a->comm, rank_in_comm(a, i), &peer))
            fabric_wake(peer);
    }
}

/* ---- Turns ---- */

static void end_turn(struct shm_area *a)
{
    wait_expect(false);
    if (coll_end_turn(&a->turns)) {
        a->disagree = false;
        return;
    }
    list_drop(&a->active);
    leave_sleepers(a);
}

static bool take_turn(struct shm_area *a, struct coll *k)
{
    if (a->turns.current == k)
        return true;
    if (!coll_take_turn(&a->turns, k))
        return false;
    a->disagree = false;
    list_add_tail(&active, &a->active);
    return true;
}

/* Waits in the queue, as it may be an operation for the area; then all know, and choose alike. */
enum coll_step shm_pending(struct coll *k)
{
    struct shm_area *a = k->comm->area;

    if (!take_turn(a, k))
        return COLL_PARK;
    if (a->state == SHM_ASKING)
        return COLL_POLL;
    k->call = coll_select(k);
    if (!k->in_area)
        end_turn(a);
    return k->call(k);
}

enum coll_step shm_run(struct coll *k, coll_round_fn *body)
{
    struct shm_area *a = k->comm->area;
    enum coll_step step;

    if (!take_turn(a, k))
        return COLL_PARK;
    uint32_t before = a->step;
    step = body(k);
    k->went_on = a->step != before;
    if (a->owes_wake)
        shm_wake(a);
    if (step == COLL_POLL && !wait_polls())
        shm_expect(a, &k->args);
    if (step == COLL_LAST)
        end_turn(a);
    return step;
}

/* ---- Steps ---- */

/* Steps are compared by their distance, as they may wrap. */
static bool not_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) >= 0;
}

static void look_at_done(struct shm_area *a)
{
    uint32_t least = a->step - 1;

    for (int i = 0; i < a->size; i++) {
        uint32_t done = atomic_load_explicit(&a->head->done[i].step, memory_order_acquire);
        if (!not_before(done, least))
            least = done;
    }
    a->all_done = least;
}

bool shm_may_write(struct shm_area *a, size_t len)
{
    uint32_t last = a->step - SHM_DEPTH;

    if (len > SHM_INLINE && !not_before(last, a->set_used[a->set]))
        last = a->set_used[a->set];
    if (not_before(a->all_done, last))
        return true;
    look_at_done(a);
    return not_before(a->all_done, last);
}

bool shm_all_did(struct shm_area *a, uint32_t step)
{
    if (!not_before(a->all_done, step))
        look_at_done(a);
    return not_before(a->all_done, step);
}

/* Other threads may have the lane meanwhile. */
static void put_block(struct coll *k, void *to, const void *from, size_t bytes)
{
    if (bytes > COLL_LONG_WORK)
        lane_unlock();
    pace_copy(&k->comm->area->pace, to, from, bytes);
    if (bytes > COLL_LONG_WORK)
        lane_lock();
}

void shm_pack(struct coll *k, const void *buf, MPI_Count count, struct datatype *t, size_t from,
              void *to, size_t len)
{
    if (UNLIKELY(k->error))
        return;
    if (len >= PACE_LEAST && t->contiguous && from + len <= (size_t)count * (size_t)t->size)
        put_block(k, to, (const char *)datatype_address(buf, t) + from, len);
    else
        datatype_pack(buf, count, t, from, to, len);
}

void shm_put(struct coll *k, const void *buf, MPI_Count count, struct datatype *t, void *to)
{
    size_t bytes = (size_t)count * (size_t)t->size;

    if (UNLIKELY(k->error))
        return;
    if (bytes >= PACE_LEAST && t->contiguous)
        put_block(k, datatype_address(to, t), datatype_address(buf, t), bytes);
    else
        coll_copy(k, buf, count, t, to, count, t);
}

void shm_publish(struct shm_area *a, uint64_t bytes)
{
    struct shm_line *l = shm_line(a, a->rank);

    l->bytes = bytes;
    atomic_store_explicit(&l->step, a->step, memory_order_release);
    a->owes_wake = true;
}

void shm_disagree(struct coll *k, int rank, size_t want)
{
    struct shm_area *a = k->comm->area;

    a->disagree = true;
    if (k->error)
        return;
    uint64_t told = shm_line(a, rank)->bytes;
    k->bad_peer = rank_in_comm(a, rank);
    k->bad_got = told >= SHM_NO_DATA ? 0 : told;
    k->bad_want = want;
    coll_fail(k, told == SHM_NO_MEMORY ? MPI_ERR_NO_MEM : MPI_ERR_TRUNCATE);
}

bool shm_all(struct coll *k, int end, size_t (*bytes)(const struct coll *k, int rank))
{
    struct shm_area *a = k->comm->area;

    for (; k->mask < end; k->mask++) {
        if (!shm_has(a, k->mask))
            return false;
        size_t want = bytes ? bytes(k, k->mask) : 0;
        if (__builtin_expect(shm_line(a, k->mask)->bytes != want, 0))
            shm_disagree(k, k->mask, want);
    }
    k->mask = 0;
    return true;
}

void shm_next_in_set(struct shm_area *a, bool all)
{
    if (all)
        a->all_done = a->step - 1;
    atomic_store_explicit(&a->head->done[a->rank].step, a->step, memory_order_release);
    a->owes_wake = true;
    a->step++;
    /* The others have read this line when it was used last: fetch it before it is in a hurry. */
    __builtin_prefetch(shm_line(a, a->rank), 1);
}

/* The set's turn depends on nothing that members might disagree about, such as lengths. */
void shm_next(struct shm_area *a, bool all)
{
    a->set_used[a->set] = a->step;
    a->set = (a->set + 1) % SHM_SETS;
    shm_next_in_set(a, all);
}

void shm_close(void)
{
    while (!list_empty(&asking)) {
        struct comm *c = container_of(asking.next, struct shm_area, asking)->comm;
        atomic_store(&c->object.refs, 1); /* what its messages held went with the lane */
        object_drop(&c->object);
    }
}

/* ---- In a crowd ---- */

/* The number of this thread's processor, + 1; the others are told. */
static uint16_t tell_place(struct shm_area *a)
{
    _Atomic uint16_t *told = &a->head->place[a->rank];
    uint16_t here = (uint16_t)(place_here() + 1);

    if (atomic_load_explicit(told, memory_order_relaxed) != here)
        atomic_store_explicit(told, here, memory_order_relaxed);
    return here;
}

/* It has yet to do what this member has done. */
static bool is_behind(const struct shm_area *a, int rank, bool published)
{
    if (published)
        return !shm_has(a, rank);
    return !not_before(atomic_load_explicit(&a->head->done[rank].step, memory_order_relaxed),
                       a->step - 1);
}

/* Whether all who are behind have other processors; `root`: of one from which data comes, or -1. */
static bool comes_soon(struct shm_area *a, int root)
{
    uint16_t here = tell_place(a);
    bool published = shm_has(a, a->rank);

    for (int i = 0; i < a->size; i++) {
        uint16_t its = atomic_load_explicit(&a->head->place[i], memory_order_relaxed);
        if ((!its || its == here) && i != a->rank && is_behind(a, i, published || i == root))
            return false;
    }
    return here;
}

void shm_expect(struct shm_area *a, const struct coll_args *x)
{
    wait_expect(comes_soon(a, x->kind == COLL_BCAST || x->kind == COLL_SCATTER ? x->root : -1));
}

/* ---- What an area can serve ---- */

/* The operator reads items where they lie in a slot: forwards, and none too long for its place, or
 * of nothing. */
static bool fits_reduction(const struct coll *k, size_t place)
{
    const struct datatype *t = k->args.send.type;

    return t->size && t->extent > 0 && (size_t)t->true_extent <= place;
}

bool shm_fits_slot(const struct coll *k)
{
    const struct shm_area *a = k->comm->area;
    const struct coll_side *s = &k->args.send;

    return fits_reduction(k, a->slot) &&
           (!s->count || (size_t)s->count - 1 <=
                             (a->slot - (size_t)s->type->true_extent) / (size_t)s->type->extent);
}

bool shm_serves(const struct coll *k)
{
    const struct shm_area *a = k->comm->area;

    if (!a || a->state == SHM_FAILED || k->ranks != a->ranks || k->persistent ||
        k->channel != CHANNEL_COLL)
        return false;
    /* Parts of operations start in no common order, but for those that take turns themselves. */
    return k->parent ? k->parent->in_hosts && !k->parent->persistent : !a->ranks;
}

bool shm_fits(const struct coll *k)
{
    const struct shm_area *a = k->comm->area;
    bool root = k->rank == k->args.root;

    switch (k->args.kind) {
    case COLL_SCAN:
    case COLL_EXSCAN:
        return shm_fits_slot(k);
    case COLL_REDUCE:
    case COLL_ALLREDUCE:
        return fits_reduction(k, a->slot);
    case COLL_REDUCE_SCATTER:
    case COLL_REDUCE_SCATTER_BLOCK:
        return fits_reduction(k, a->part);
    case COLL_GATHER:
        return coll_bytes(k, root ? &k->args.recv : &k->args.send, 0) <= a->slot;
    default:
        return true;
    }
}

bool shm_fetches(const struct coll *k)
{
    const struct datatype *t = k->args.send.type;

    if (!k->comm->area->fetches)
        return false;
    return !k->args.op || (t->contiguous && t->size && t->size <= SHM_FETCHED);
}
