/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random collectives against naive references: operation, form (blocking, nonblocking, persistent,
 * with int and large counts), communicator (of some of the ranks, between two groups, with a
 * graph), root, counts, layouts, operator and type, in place or not; several at once, completed in
 * an order that differs between ranks. Which algorithms are forced is drawn too, once a run. All
 * that is written, and all that must not be, is looked at.
 *
 *     coll_fuzz [CASES [SEED]]
 *
 * Ranks draw alike; a failure names the case, and the same arguments on as many ranks bring it
 * back.
 */
#include "coll_fuzz.h"
#include "mpitest.h"

#include <unistd.h>

enum { MOST = 16, AT_ONCE = 6, EPOCH = 40, BYTES = 1 << 21 };

static const char *const names[KINDS] = {
    "Barrier",
    "Bcast",
    "Gather",
    "Gatherv",
    "Scatter",
    "Scatterv",
    "Allgather",
    "Allgatherv",
    "Alltoall",
    "Alltoallv",
    "Alltoallw",
    "Reduce",
    "Allreduce",
    "Reduce_scatter",
    "Reduce_scatter_block",
    "Scan",
    "Exscan",
    "Neighbor_allgather",
    "Neighbor_allgatherv",
    "Neighbor_alltoall",
    "Neighbor_alltoallv",
    "Neighbor_alltoallw",
};

struct place place;

static struct chance chance;
static long number; /* of the case */
static int seed;

static struct task tasks[AT_ONCE];

__attribute__((noreturn)) static void fail(const struct task *t, const char *what, long at)
{
    fprintf(stderr,
            "coll_fuzz: seed %d, case %ld: MPI_%s, form %d, rank %d of %d (%d in the other group), "
            "root %d/%d, %s, most %lld x %d x %d bytes, op %d/%d: %s %ld\n",
            seed, t->number, names[t->kind], t->form, place.rank, place.size, place.remote,
            t->root_side, t->root, t->in_place ? "in place" : "not in place", (long long)t->most,
            t->multiple, t->width, t->op.kind, t->op.what, what, at);
    MPI_Abort(MPI_COMM_WORLD, 1);
    abort();
}

bool is_reduction(enum kind k)
{
    return k >= REDUCE && k <= EXSCAN;
}

static bool is_v(enum kind k)
{
    return k == GATHERV || k == SCATTERV || k == ALLGATHERV || k == ALLTOALLV || k == ALLTOALLW ||
           k == NEIGHBOR_ALLGATHERV || k == NEIGHBOR_ALLTOALLV || k == NEIGHBOR_ALLTOALLW;
}

static bool is_w(enum kind k)
{
    return k == ALLTOALLW || k == NEIGHBOR_ALLTOALLW;
}

bool is_rooted(enum kind k)
{
    return (k >= BCAST && k <= SCATTERV) || k == REDUCE;
}

/* A rank of either group, as a number. */
static int id(int side, int rank)
{
    return side * 100 + rank;
}

/* Elements that go from one to another (or in edge `to` of a graph): none now and then. */
static MPI_Count elements(const struct task *t, int from, int to)
{
    if (!is_v(t->kind))
        return t->most * t->multiple;
    if (t->in_place && from > to) { /* the same in both directions */
        int swap = from;
        from = to;
        to = swap;
    }
    uint64_t h = hash(t->salt, (uint64_t)from, (uint64_t)to + 1000);
    return h % 4 == 0 ? 0 : (MPI_Count)(h / 8 % (uint64_t)(t->most + 1)) * t->multiple;
}

/* ---- Data ---- */

/* Item i of what goes from one to another. */
static void fetch(const struct task *t, int from, int to, MPI_Count i, const struct layout *l,
                  char *packed)
{
    for (int e = 0; e < l->elements; e++) {
        uint64_t value =
            hash(t->salt, (uint64_t)from * 1000 + (uint64_t)to, (uint64_t)(i * l->elements + e));

        memcpy(packed + e * t->width, &value, (size_t)t->width);
    }
}

static void put(const struct task *t, struct side *s, int part, int from, int to, bool expected)
{
    char packed[PACKED];

    for (MPI_Count i = 0; i < s->part[part].items; i++) {
        fetch(t, from, to, i, s->part[part].layout, packed);
        side_put(s, part, i, packed, expected);
    }
}

/* Item i of what the ranks first to last of a group contribute together. */
static void folded(const struct task *t, int side, int first, int last, MPI_Count i, char *packed)
{
    char next[PACKED];

    for (int r = first; r <= last; r++) {
        operation_value(&t->op, hash(t->salt, (uint64_t)id(side, r), (uint64_t)i), next);
        if (r > first)
            operation_fold(&t->op, packed, next);
        memcpy(packed, next, sizeof next);
    }
}

/* From item `at` of the vectors on. */
static void put_folded(const struct task *t, struct side *s, int part, int side, int first,
                       int last, MPI_Count at, bool expected)
{
    char packed[PACKED];

    for (MPI_Count i = 0; i < s->part[part].items; i++) {
        folded(t, side, first, last, at + i, packed);
        side_put(s, part, i, packed, expected);
    }
}

/* ---- Who has which part ---- */

static int other_side(void)
{
    return place.remote ? 1 - place.side : 0;
}

static int partners(void)
{
    return place.remote ? place.remote : place.size;
}

static int me(void)
{
    return id(place.side, place.rank);
}

bool is_root(const struct task *t)
{
    return place.rank == t->root && (!place.remote || place.side == t->root_side);
}

/* Between groups: in the group of the root, and not it. */
static bool is_idle(const struct task *t)
{
    return place.remote && is_rooted(t->kind) && place.side == t->root_side && !is_root(t);
}

/* The edge behind part n of what goes out, or comes in. */
static int nth_edge(bool out, int n)
{
    for (int i = 0; i < place.edges; i++)
        if ((out ? place.from : place.to)[i] == place.rank && !n--)
            return i;
    return -1;
}

static int degree(bool out)
{
    int n = 0;

    while (nth_edge(out, n) >= 0)
        n++;
    return n;
}

/* Of a part that is sent, or received: what `fetch` and `elements` know it by. */
static void key(const struct task *t, bool out, int part, int *from, int *to)
{
    int root = id(t->root_side, t->root), other = id(other_side(), part);
    int edge = t->kind >= NEIGHBOR_ALLGATHER ? nth_edge(out, part) : 0;

    switch (t->kind) {
    case BCAST:
        *from = root;
        *to = 0;
        return;
    case SCATTER:
    case SCATTERV:
        *from = root;
        *to = out ? other : me();
        return;
    case ALLTOALL:
    case ALLTOALLV:
    case ALLTOALLW:
        *from = out ? me() : other;
        *to = out ? other : me();
        return;
    case NEIGHBOR_ALLGATHER:
    case NEIGHBOR_ALLGATHERV:
        *from = out ? me() : place.from[edge];
        *to = 0;
        return;
    case NEIGHBOR_ALLTOALL:
    case NEIGHBOR_ALLTOALLV:
    case NEIGHBOR_ALLTOALLW:
        *from = 0;
        *to = edge;
        return;
    default:
        *from = out ? me() : other;
        *to = 0;
    }
}

/* How many parts this rank sends, or receives. */
static int parts_of(const struct task *t, bool out)
{
    switch (t->kind) {
    case BCAST:
        return is_root(t) == out && !is_idle(t);
    case GATHER:
    case GATHERV:
        return out ? !is_idle(t) && (!place.remote || !is_root(t)) : is_root(t) ? partners() : 0;
    case SCATTER:
    case SCATTERV:
        return out ? (is_root(t) ? partners() : 0) : !is_idle(t) && (!place.remote || !is_root(t));
    case ALLGATHER:
    case ALLGATHERV:
        return out ? 1 : partners();
    case NEIGHBOR_ALLGATHER:
    case NEIGHBOR_ALLGATHERV:
        return out ? 1 : degree(false);
    case NEIGHBOR_ALLTOALL:
    case NEIGHBOR_ALLTOALLV:
    case NEIGHBOR_ALLTOALLW:
        return degree(out);
    default:
        return partners();
    }
}

/* ---- Sides ---- */

/* Parts of w forms have different extents: each in a room of its own, `at` bytes on. */
static MPI_Aint lay_apart(struct part *p, MPI_Aint at)
{
    MPI_Aint room = (p->layout->extent < 0 ? -p->layout->extent : p->layout->extent) * p->items;

    p->at = at + 256 + (p->layout->extent < 0 ? room : 0);
    return at + 512 + room;
}

static void lay_out(struct task *t, bool out)
{
    struct chance own = {hash(t->salt, (uint64_t)me(), out)};
    const struct layout *l = layout_draw(&own, t->width, t->multiple);
    struct side *s = out ? &t->send : &t->recv;
    MPI_Aint at = 0;
    int from, to;

    s->parts = parts_of(t, out);
    for (int i = 0; i < s->parts; i++) {
        if (is_w(t->kind))
            l = layout_draw(&own, t->width, t->multiple);
        key(t, out, i, &from, &to);
        MPI_Count items = elements(t, from, to) / l->elements;
        s->part[i] = (struct part){l, items, at * l->extent};
        if (is_w(t->kind))
            at = lay_apart(&s->part[i], at);
        t->counts[out][i] = (int)(t->large[out][i] = items);
        t->displs[out][i] = (int)(is_w(t->kind) ? s->part[i].at : at);
        t->large_displs[out][i] = t->displs[out][i];
        t->types[out][i] = l->type;
        if (!is_w(t->kind))
            at += items + (is_v(t->kind) ? (MPI_Aint)below(&own, 3) : 0);
    }
    t->types[out][PARTS - 1] = l->type;
    side_open(s);
}

static void put_side(const struct task *t, struct side *s, bool out, bool expected)
{
    int from, to;

    for (int i = 0; i < s->parts; i++) {
        key(t, out, i, &from, &to);
        put(t, s, i, from, to, expected);
    }
}

/* The own contribution stands in the receive buffer already. */
static void put_in_place(const struct task *t)
{
    int from, to;

    if (t->kind == SCATTER || t->kind == SCATTERV)
        return;
    for (int i = 0; i < t->recv.parts; i++) {
        bool all = t->kind >= ALLTOALL && t->kind <= ALLTOALLW;
        if (!all && i != place.rank)
            continue;
        key(t, true, i, &from, &to);
        put(t, (struct side *)&t->recv, i, from, to, false);
    }
}

bool is_in_place(const struct task *t)
{
    return t->in_place && (!is_rooted(t->kind) || is_root(t));
}

static void prepare_moves(struct task *t)
{
    lay_out(t, true);
    lay_out(t, false);
    if (!is_in_place(t))
        put_side(t, &t->send, true, false);
    else if (t->kind == SCATTER || t->kind == SCATTERV)
        put_side(t, &t->send, true, false);
    else
        put_in_place(t);
    /* A root that scatters in place keeps its own part where it is. */
    if (is_in_place(t) && (t->kind == SCATTER || t->kind == SCATTERV))
        return;
    put_side(t, &t->recv, false, true);
}

/* ---- Reductions ---- */

/* Items of the whole vector, and of a rank's part of reduce_scatter: `most` a rank on average. */
static MPI_Count part_items(const struct task *t, int side, int sizes, int r)
{
    int others = place.remote ? (side == place.side ? place.remote : place.size) : 1;

    if (t->kind == REDUCE_SCATTER_BLOCK)
        return t->most * others;
    if (t->kind != REDUCE_SCATTER)
        return t->most;
    /* Both groups cut a vector of the same length: by turns more and less. */
    MPI_Count each = t->most * others, swing = each ? (MPI_Count)(t->salt % (uint64_t)each) : 0;
    if (r == sizes - 1 && sizes % 2)
        return each;
    return r % 2 ? each - swing : each + swing;
}

static MPI_Count items_before(const struct task *t, int r)
{
    MPI_Count sum = 0;

    for (int i = 0; i < r; i++)
        sum += part_items(t, place.side, place.size, i);
    return sum;
}

static bool is_reduce_scatter(const struct task *t)
{
    return t->kind == REDUCE_SCATTER || t->kind == REDUCE_SCATTER_BLOCK;
}

/* Parts 0 of both sides; in place there is part 1 of the receive buffer: what stood there before.
 */
static void prepare_reduction(struct task *t)
{
    MPI_Count before = is_reduce_scatter(t) ? items_before(t, place.rank) : 0;
    MPI_Count all = is_reduce_scatter(t) ? items_before(t, place.size) : t->most;
    MPI_Count own = part_items(t, place.side, place.size, place.rank);
    bool gives = !place.remote || (!is_idle(t) && !(t->kind == REDUCE && is_root(t)));
    bool gets = t->kind != REDUCE || is_root(t), from_below = t->kind == SCAN || t->kind == EXSCAN;
    int first = 0, last = t->kind == SCAN     ? place.rank
                          : t->kind == EXSCAN ? place.rank - 1
                                              : partners() - 1;

    t->send.parts = gives;
    t->send.part[0] = (struct part){t->op.layout, all, 0};
    t->recv.parts = gets ? 1 + is_in_place(t) : 0;
    t->recv.part[0] = (struct part){t->op.layout, own, 0};
    t->recv.part[1] = (struct part){t->op.layout, all, 0};
    side_open(&t->send);
    side_open(&t->recv);
    for (int i = 0; i < place.size; i++)
        t->counts[0][i] = (int)(t->large[0][i] = part_items(t, place.side, place.size, i));
    if (is_in_place(t)) {
        put_folded(t, &t->recv, 1, place.side, place.rank, place.rank, 0, false);
        if (is_reduce_scatter(t))
            side_ignore(&t->recv, 1);
    } else if (gives) {
        put_folded(t, &t->send, 0, place.side, place.rank, place.rank, 0, false);
    }
    if (!gets)
        return;
    if (last < first) { /* nothing comes before the first rank */
        side_ignore(&t->recv, 0);
        return;
    }
    put_folded(t, &t->recv, 0, from_below ? place.side : other_side(), first, last, before, true);
    side_heed(&t->recv, 0);
}

/* ---- A case from its beginning to its end ---- */

static MPI_Count draw_most(int parts, int unit)
{
    static const int scale[] = {1, 2, 9, 9, 40, 40, 300, 3000, 40000};
    MPI_Count most = below(&chance, (unsigned)scale[below(&chance, 9)] + 1);
    MPI_Count room = BYTES / (parts * unit * (place.size + place.remote));

    return most < room ? most : room;
}

static enum kind draw_kind(void)
{
    if (place.edges && below(&chance, 2))
        return NEIGHBOR_ALLGATHER + below(&chance, KINDS - NEIGHBOR_ALLGATHER);
    return below(&chance, place.remote ? SCAN : NEIGHBOR_ALLGATHER);
}

static void draw(struct task *t)
{
    static const int multiples[] = {1, 1, 2, 3, 4, 12};
    int all = place.size > place.remote ? place.size : place.remote;

    memset(t, 0, sizeof *t);
    t->request = MPI_REQUEST_NULL;
    t->number = number++;
    t->kind = draw_kind();
    t->form = (int)below(&chance, 6);
    t->salt = hash((uint64_t)seed, (uint64_t)t->number, below(&chance, 1u << 30));
    t->in_place = !place.remote && t->kind != BARRIER && t->kind != BCAST &&
                  t->kind < NEIGHBOR_ALLGATHER && below(&chance, 3) == 0;
    t->root_side = place.remote ? (int)below(&chance, 2) : 0;
    int sizes[2] = {place.side ? place.remote : place.size, place.side ? place.size : place.remote};
    t->root = (int)below(&chance, (unsigned)sizes[t->root_side]);
    t->width = 1 << below(&chance, 4);
    t->multiple = multiples[below(&chance, 6)];
    if (is_reduction(t->kind))
        t->op = operation_draw(&chance);
    t->most = is_reduction(t->kind) ? draw_most(place.remote ? all : 1, 16)
                                    : draw_most(all, t->width * t->multiple);
}

static void prepare(struct task *t)
{
    if (is_reduction(t->kind))
        prepare_reduction(t);
    else if (t->kind != BARRIER)
        prepare_moves(t);
}

static void check(struct task *t)
{
    long at;

    if (t->kind == BARRIER)
        return;
    if ((at = side_check(&t->send)) >= 0)
        fail(t, "the send buffer has changed at byte", at);
    if ((at = side_check(&t->recv)) >= 0)
        fail(t, "the receive buffer is wrong at byte", at);
    side_close(&t->send);
    side_close(&t->recv);
}

static void complete(struct task *t)
{
    int done = 0;

    if (t->form >= 2 && below(&(struct chance){t->salt + (uint64_t)rank}, 2))
        OK(MPI_Wait(&t->request, MPI_STATUS_IGNORE));
    while (t->form >= 2 && !done)
        OK(MPI_Test(&t->request, &done, MPI_STATUS_IGNORE));
    if (t->form >= 4)
        OK(MPI_Request_free(&t->request));
    check(t);
}

/* Some at once. What is persistent is started when all are there, in an order of this rank's own.
 */
static void batch(void)
{
    int n = 1 + (int)below(&chance, AT_ONCE), first = rank % n;

    for (int i = 0; i < n; i++)
        draw(&tasks[i]);
    for (int i = 0; i < n; i++) {
        prepare(&tasks[i]);
        start(&tasks[i]);
        if (below(&(struct chance){tasks[i].salt * 3 + (uint64_t)rank}, 200) == 0)
            usleep(2000);
    }
    for (int i = 0; i < n; i++)
        if (tasks[(first + i) % n].form >= 4)
            OK(MPI_Start(&tasks[(first + i) % n].request));
    for (int i = 0; i < n; i++)
        complete(&tasks[(first + i) % n]);
}

/* ---- Communicators ---- */

/* Edges from any to any, some of them several times, loops too. */
static void add_graph(void)
{
    int in[PARTS], out[PARTS], nin = 0, nout = 0, weights[PARTS];
    MPI_Comm graph;

    for (int i = 0; i < place.size; i++)
        for (int j = 0; j < place.size; j++)
            for (unsigned n = below(&chance, 4) ? 0 : 1 + below(&chance, 2); n; n--) {
                if (place.edges == PARTS / 2)
                    continue;
                place.from[place.edges] = i;
                place.to[place.edges++] = j;
            }
    for (int i = 0; i < place.edges; i++) {
        weights[i] = 1;
        if (place.to[i] == place.rank)
            in[nin++] = place.from[i];
        if (place.from[i] == place.rank)
            out[nout++] = place.to[i];
    }
    OK(MPI_Dist_graph_create_adjacent(place.comm, nin, in, weights, nout, out, weights,
                                      MPI_INFO_NULL, 0, &graph));
    OK(MPI_Comm_free(&place.comm));
    place.comm = graph;
}

/* Some of the ranks, in an order of their own, and the others; or a graph; or both as two groups.
 */
static void open_place(int epoch)
{
    struct chance all = {hash((uint64_t)seed, (uint64_t)epoch, 99)};
    unsigned shape = below(&all, 4), in = 1 + below(&all, (unsigned)size);
    int members = 0, color = 0, key = 0;
    MPI_Comm inter;

    /* `in` ranks, drawn one by one, are in the first group. */
    for (int r = 0; r < size; r++) {
        bool first = (int)below(&all, (unsigned)(size - r)) < (int)in - members;
        int order = (int)below(&all, 1000);

        members += first;
        if (r == rank) {
            color = !first;
            key = order;
        }
    }
    memset(&place, 0, sizeof place);
    chance.state = hash((uint64_t)seed, (uint64_t)epoch, 7 + (uint64_t)color);
    OK(MPI_Comm_split(MPI_COMM_WORLD, color, key, &place.comm));
    OK(MPI_Comm_rank(place.comm, &place.rank));
    OK(MPI_Comm_size(place.comm, &place.size));
    if (shape == 0)
        add_graph();
    if (shape != 1 || (int)in == size)
        return;
    /* A rank of world that is 0 in its group leads it: the other one must know it. */
    int lead[2] = {-1, -1}, leads[2];
    lead[color] = place.rank == 0 ? rank : -1;
    OK(MPI_Allreduce(lead, leads, 2, MPI_INT, MPI_MAX, MPI_COMM_WORLD));
    OK(MPI_Intercomm_create(place.comm, 0, MPI_COMM_WORLD, leads[!color], epoch, &inter));
    OK(MPI_Comm_free(&place.comm));
    place.comm = inter;
    place.side = color;
    OK(MPI_Comm_remote_size(inter, &place.remote));
    chance.state = hash((uint64_t)seed, (uint64_t)epoch, 6);
}

/* ---- Algorithms ---- */

static const struct {
    const char *operation, *name;
} algorithms[] = {
#define ALGORITHM(operation, name, round, needs, formula) {#operation, #name},
#include "core/coll/coll_table.def"
#undef ALGORITHM
};

enum { ALGORITHMS = sizeof algorithms / sizeof *algorithms };

/* Before MPI_Init reads the environment: what it says already is left alone. */
static void force(void)
{
    struct chance c = {(uint64_t)seed};
    static const char *const after[] = {"0", "3", "8", "-1"}, *const segment[] = {"64", "3000"};
    char name[64], value[64];

    for (int i = 0; i < ALGORITHMS;) {
        int first = i, which;

        while (i < ALGORITHMS && !strcmp(algorithms[i].operation, algorithms[first].operation))
            i++;
        which = first + (int)below(&c, (unsigned)(i - first));
        snprintf(name, sizeof name, "ORIEL_COLL_%s", algorithms[first].operation);
        if (below(&c, 4) && strncmp(algorithms[first].operation, "NEIGHBOR", 8))
            setenv(name, algorithms[which].name, 0);
    }
    setenv("ORIEL_COLL_AREA_AFTER", after[below(&c, 4)], 0);
    snprintf(value, sizeof value, "segment=%s", segment[below(&c, 2)]);
    if (below(&c, 2)) {
        setenv("ORIEL_COLL_COST_NODE", value, 0);
        setenv("ORIEL_COLL_COST_STACK", value, 0);
    }
}

int main(int argc, char **argv)
{
    long cases = argc > 1 ? atol(argv[1]) : 500;

    seed = argc > 2 ? atoi(argv[2]) : 1;
    force();
    begin(&argc, &argv);
    CHECK(size <= MOST);
    layouts_open();
    operations_open();
    for (int epoch = 0; number < cases; epoch++) {
        open_place(epoch);
        for (long until = number + EPOCH; number < until;)
            batch();
        OK(MPI_Comm_free(&place.comm));
        long most = number;
        OK(MPI_Allreduce(&most, &number, 1, MPI_LONG, MPI_MAX, MPI_COMM_WORLD));
    }
    operations_close();
    layouts_close();
    return end("coll_fuzz");
}
