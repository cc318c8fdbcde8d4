/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "core/object/err.h"
#include "core/object/group.h"

struct group group_empty;

static uint32_t self;

void group_open(void)
{
    object_predefine(&group_empty.object, OBJECT_GROUP, MPI_GROUP_EMPTY);
    group_empty.rank = MPI_UNDEFINED;
}

void group_set_self(uint32_t process)
{
    self = process;
}

static void group_release(struct object *o)
{
    struct group *g = container_of(o, struct group, object);

    object_close(o);
    if (g->owner) {
        object_drop(&g->owner->object);
    } else {
        free(g->runs);
        free(g->list);
    }
    free(atomic_load_explicit(&g->index, memory_order_relaxed));
    free(g);
}

static int no_memory(void)
{
    return err_set(MPI_ERR_NO_MEM, "no memory for a group");
}

static int group_new(int size, struct group **group)
{
    struct group *g = calloc(1, sizeof(*g));

    if (!g)
        return no_memory();
    object_init(&g->object, OBJECT_GROUP, group_release);
    g->size = size;
    *group = g;
    return MPI_SUCCESS;
}

int group_range(uint32_t first, int32_t stride, int size, struct group **group)
{
    struct group *g;

    if (size == 0) {
        *group = &group_empty;
        return MPI_SUCCESS;
    }
    int rc = group_new(size, &g);
    if (rc)
        return rc;
    g->first = first;
    g->stride = size > 1 ? stride : 1;
    g->rank = group_rank_of(g, self);
    *group = g;
    return MPI_SUCCESS;
}

static bool is_sequence(const uint32_t *list, int size, int32_t *stride)
{
    int64_t step = size > 1 ? (int64_t)list[1] - list[0] : 1;

    if (step == 0 || step != (int32_t)step)
        return false;
    for (int i = 2; i < size; i++)
        if ((int64_t)list[i] - list[i - 1] != step)
            return false;
    *stride = (int32_t)step;
    return true;
}

/*
 * Cuts the list into runs, each as long as can be; how many, or 0 where they are more than `room`
 * or would take more memory than the list.
 */
static int cut(const uint32_t *list, int size, struct group_run *runs, int room)
{
    int n = 0;

    if ((size_t)room > size * sizeof(*list) / sizeof(*runs))
        room = (int)(size * sizeof(*list) / sizeof(*runs));
    for (int i = 0, next; i < size; i = next) {
        int64_t step = i + 1 < size ? (int64_t)list[i + 1] - list[i] : 1;

        if (n == room || step == 0 || step != (int32_t)step)
            return 0;
        for (next = i + 1; next < size && (int64_t)list[next] - list[next - 1] == step;)
            next++;
        runs[n++] = (struct group_run){list[i], (int32_t)step, i};
    }
    return n;
}

static int find_self(const struct group *g)
{
    for (int i = 0; i < g->size; i++)
        if (group_process(g, i) == self)
            return i;
    return MPI_UNDEFINED;
}

/* Owns its members: runs where few of them say it all, else the list, which is taken over. */
static int group_members(uint32_t *list, int size, struct group **group)
{
    struct group_run runs[GROUP_RUNS];
    struct group *g;
    int n = cut(list, size, runs, GROUP_RUNS), rc = group_new(size, &g);

    if (!rc && n && (g->runs = malloc((size_t)n * sizeof(*runs)))) {
        memcpy(g->runs, runs, (size_t)n * sizeof(*runs));
        g->nruns = n;
    } else if (!rc) {
        g->list = list;
    }
    if (rc || g->runs)
        free(list);
    if (rc)
        return rc;
    g->rank = find_self(g);
    *group = g;
    return MPI_SUCCESS;
}

int group_list(uint32_t *list, int size, struct group **group)
{
    int32_t stride;
    int rc;

    if (size == 0 || is_sequence(list, size, &stride)) {
        rc = size ? group_range(list[0], stride, size, group) : group_range(0, 1, 0, group);
        free(list);
        return rc;
    }
    return group_members(list, size, group);
}

/* What is made of a session's group is the session's. */
static int inherit(int rc, const struct group *from, struct group **group)
{
    if (!rc && *group != &group_empty)
        (*group)->session = from->session;
    return rc;
}

int group_copy(struct group *from, struct group **group)
{
    struct group *g;

    if (group_is_sequence(from))
        return inherit(group_range(from->first, from->stride, from->size, group), from, group);
    int rc = group_new(from->size, &g);
    if (rc)
        return rc;
    g->owner = from->owner ? from->owner : from;
    object_hold(&g->owner->object);
    g->runs = from->runs;
    g->nruns = from->nruns;
    g->list = from->list;
    g->rank = from->rank;
    g->session = from->session;
    *group = g;
    return MPI_SUCCESS;
}

/* ---- Looking up ---- */

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* The index, made now by whoever comes first; NULL when memory is out. */
static const uint64_t *group_index(struct group *g)
{
    uint64_t *index = atomic_load_explicit(&g->index, memory_order_acquire), *other = NULL;

    if (index)
        return index;
    index = malloc(g->size * sizeof(*index));
    if (!index)
        return NULL;
    for (int i = 0; i < g->size; i++)
        index[i] = (uint64_t)g->list[i] << 32 | (uint32_t)i;
    qsort(index, g->size, sizeof(*index), by_value);
    if (atomic_compare_exchange_strong_explicit(&g->index, &other, index, memory_order_acq_rel,
                                                memory_order_acquire))
        return index;
    free(index);
    return other;
}

/* The last run that starts at the member or before it. */
static const struct group_run *run_of(const struct group *g, int rank)
{
    int low = 0, high = g->nruns;

    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (g->runs[middle].start <= rank)
            low = middle;
        else
            high = middle;
    }
    return &g->runs[low];
}

uint32_t group_process_slow(const struct group *g, int rank)
{
    if (g->list)
        return g->list[rank];
    const struct group_run *r = run_of(g, rank);
    return r->first + (uint32_t)((rank - r->start) * r->stride);
}

static int rank_in_sequence(uint32_t first, int32_t stride, int size, uint32_t process)
{
    int64_t distance = (int64_t)process - first;

    if (size == 0 || distance % stride)
        return MPI_UNDEFINED;
    int64_t rank = distance / stride;
    return rank >= 0 && rank < size ? (int)rank : MPI_UNDEFINED;
}

static int rank_in_runs(const struct group *g, uint32_t process)
{
    for (int i = 0; i < g->nruns; i++) {
        const struct group_run *r = &g->runs[i];
        int end = i + 1 < g->nruns ? r[1].start : g->size;
        int rank = rank_in_sequence(r->first, r->stride, end - r->start, process);
        if (rank != MPI_UNDEFINED)
            return r->start + rank;
    }
    return MPI_UNDEFINED;
}

static int rank_in_index(const uint64_t *index, int size, uint32_t process)
{
    int low = 0, high = size;

    while (low < high) {
        int middle = low + (high - low) / 2;
        if (index[middle] >> 32 < process)
            low = middle + 1;
        else
            high = middle;
    }
    return low < size && index[low] >> 32 == process ? (int)(uint32_t)index[low] : MPI_UNDEFINED;
}

int group_rank_of(const struct group *g, uint32_t process)
{
    if (group_is_sequence(g))
        return rank_in_sequence(g->first, g->stride, g->size, process);
    if (g->runs)
        return rank_in_runs(g, process);
    const uint64_t *index = group_index((struct group *)g);
    if (index)
        return rank_in_index(index, g->size, process);
    for (int i = 0; i < g->size; i++)
        if (g->list[i] == process)
            return i;
    return MPI_UNDEFINED;
}

int group_compare(const struct group *a, const struct group *b)
{
    int i = 0;

    if (a->size != b->size)
        return MPI_UNEQUAL;
    if (group_is_sequence(a) && group_is_sequence(b) && a->first == b->first &&
        a->stride == b->stride)
        return MPI_IDENT;
    while (i < a->size && group_process(a, i) == group_process(b, i))
        i++;
    if (i == a->size)
        return MPI_IDENT;
    for (; i < a->size; i++)
        if (group_rank_of(b, group_process(a, i)) < 0)
            return MPI_UNEQUAL;
    return MPI_SIMILAR;
}

/* ---- Sets: members of a, in its order, that are or are not in b ---- */

static int append(uint32_t *list, int n, const struct group *a, const struct group *b, bool in)
{
    for (int i = 0; i < a->size; i++) {
        uint32_t process = group_process(a, i);
        if ((group_rank_of(b, process) >= 0) == in)
            list[n++] = process;
    }
    return n;
}

static int same(struct group *g, struct group **group)
{
    return g->size ? group_copy(g, group) : group_range(0, 1, 0, group);
}

int group_union(struct group *a, struct group *b, struct group **group)
{
    if (!b->size)
        return same(a, group);
    if (!a->size)
        return same(b, group);
    uint32_t *list = malloc(((size_t)a->size + b->size) * sizeof(*list));
    if (!list)
        return no_memory();
    int n = append(list, 0, a, &group_empty, false);
    return inherit(group_list(list, append(list, n, b, a, false), group), a, group);
}

static int subset(struct group *a, struct group *b, bool in, struct group **group)
{
    uint32_t *list = malloc(((size_t)a->size + 1) * sizeof(*list));

    if (!list)
        return no_memory();
    return inherit(group_list(list, append(list, 0, a, b, in), group), a, group);
}

int group_intersection(struct group *a, struct group *b, struct group **group)
{
    return subset(a, b, true, group);
}

int group_difference(struct group *a, struct group *b, struct group **group)
{
    return b->size ? subset(a, b, false, group) : same(a, group);
}

/* ---- Selections by rank ---- */

/* One bit a rank, for what has been named already. */
struct marks {
    uint64_t *bits;
};

static int marks_open(struct marks *m, int size)
{
    m->bits = calloc((size_t)size / 64 + 1, sizeof(*m->bits));
    return m->bits ? MPI_SUCCESS : no_memory();
}

static bool marked(const struct marks *m, int rank)
{
    return m->bits[rank / 64] >> (rank % 64) & 1;
}

static int mark(struct marks *m, const struct group *g, int rank)
{
    if (rank < 0 || rank >= g->size)
        return err_set(MPI_ERR_RANK, "rank %d, the group has %d members", rank, g->size);
    if (marked(m, rank))
        return err_set(MPI_ERR_RANK, "rank %d is named twice", rank);
    m->bits[rank / 64] |= (uint64_t)1 << (rank % 64);
    return MPI_SUCCESS;
}

/* Marks the ranks and, where `list` is not NULL, writes their processes; *n counts them. */
static int take_ranks(struct marks *m, const struct group *g, int count, const int *ranks,
                      uint32_t *list, int *n)
{
    for (int i = 0; i < count; i++) {
        int rc = mark(m, g, ranks[i]);
        if (rc)
            return rc;
        if (list)
            list[*n] = group_process(g, ranks[i]);
        ++*n;
    }
    return MPI_SUCCESS;
}

/* The same for triplets first, last, stride. */
static int take_ranges(struct marks *m, const struct group *g, int count, int ranges[][3],
                       uint32_t *list, int *n)
{
    for (int i = 0; i < count; i++) {
        int64_t first = ranges[i][0], last = ranges[i][1], stride = ranges[i][2];

        if (stride == 0)
            return err_set(MPI_ERR_ARG, "the stride of range %d is 0", i);
        if (stride > 0 ? first > last : first < last)
            return err_set(MPI_ERR_ARG, "range %d never gets from %d to %d in steps of %d", i,
                           ranges[i][0], ranges[i][1], ranges[i][2]);
        for (int64_t r = first; stride > 0 ? r <= last : r >= last; r += stride) {
            int rank = (int)r;
            int rc = take_ranks(m, g, 1, &rank, list, n);
            if (rc)
                return rc;
        }
    }
    return MPI_SUCCESS;
}

/* No rank is named twice, so the list never needs more room than the group has members. */
static int incl(struct group *g, int count, const int *ranks, int ranges[][3], struct group **group)
{
    uint32_t *list = malloc(((size_t)g->size + 1) * sizeof(*list));
    struct marks m;
    int n = 0;

    if (!list)
        return no_memory();
    int rc = marks_open(&m, g->size);
    if (rc)
        goto free_list;
    rc = ranks ? take_ranks(&m, g, count, ranks, list, &n)
               : take_ranges(&m, g, count, ranges, list, &n);
    free(m.bits);
    if (!rc)
        return inherit(group_list(list, n, group), g, group);
free_list:
    free(list);
    return rc;
}

static int excl(struct group *g, int count, const int *ranks, int ranges[][3], struct group **group)
{
    uint32_t *list = malloc(((size_t)g->size + 1) * sizeof(*list));
    struct marks m;
    int n = 0;

    if (!list)
        return no_memory();
    int rc = marks_open(&m, g->size);
    if (rc)
        goto free_list;
    rc = ranks ? take_ranks(&m, g, count, ranks, NULL, &n)
               : take_ranges(&m, g, count, ranges, NULL, &n);
    if (rc)
        goto free_marks;
    n = 0;
    for (int i = 0; i < g->size; i++)
        if (!marked(&m, i))
            list[n++] = group_process(g, i);
    free(m.bits);
    return inherit(group_list(list, n, group), g, group);
free_marks:
    free(m.bits);
free_list:
    free(list);
    return rc;
}

int group_incl(struct group *g, int n, const int *ranks, struct group **group)
{
    return n ? incl(g, n, ranks, NULL, group) : group_range(0, 1, 0, group);
}

int group_excl(struct group *g, int n, const int *ranks, struct group **group)
{
    return n ? excl(g, n, ranks, NULL, group) : same(g, group);
}

int group_range_incl(struct group *g, int n, int ranges[][3], struct group **group)
{
    return n ? incl(g, n, NULL, ranges, group) : group_range(0, 1, 0, group);
}

int group_range_excl(struct group *g, int n, int ranges[][3], struct group **group)
{
    return n ? excl(g, n, NULL, ranges, group) : same(g, group);
}
