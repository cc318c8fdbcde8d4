/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Collectives through a communicator's area: random mixes of nonblocking ones on three
 * communicators, many under way at once while the areas come into being, completed in an order that
 * differs between ranks; vectors from nothing to several slots; ranks that come late, so that the
 * others sleep; lengths that disagree. All ranks draw the same random numbers.
 *
 *     coll_area [OPERATIONS [SEED]]
 *     coll_area killed     one rank is killed while the others wait for it: the job ends
 */
#include <signal.h>
#include <unistd.h>

#include "mpitest.h"

enum { COMMS = 3, AT_ONCE = 24, LATE_EVERY = 97, KINDS = 14 };

static struct {
    MPI_Comm comm;
    int rank, size;
} comms[COMMS];

/* The function x -> a x + b modulo 2^32: composing two is associative and does not commute. */
struct affine {
    unsigned a, b;
};

static MPI_Datatype affine_type;
static MPI_Op compose;

/* inout = first in, then inout */
static void compose_all(void *in, void *inout, int *len, MPI_Datatype *type)
{
    struct affine *f = in, *g = inout;

    (void)type;
    for (int i = 0; i < *len; i++)
        g[i] = (struct affine){f[i].a * g[i].a, f[i].b * g[i].a + g[i].b};
}

struct task {
    MPI_Request request;
    int kind, c, n, root, in_place, number;
    int counts[64], displs[64];
    long *in, *out;
    struct affine *f, *g;
};

static struct task tasks[AT_ONCE];

static long value(const struct task *t, int from, int i)
{
    return t->number * 1000003L + from * 7919L + i * 31L;
}

static struct affine function(const struct task *t, int from, int i)
{
    return (struct affine){2u * (unsigned)(from + i) + 3, (unsigned)value(t, from, i)};
}

/* Those of ranks 0 to last, composed. */
static struct affine composed(const struct task *t, int last, int i)
{
    struct affine all = function(t, 0, i), f;
    int one = 1;

    for (int r = 1; r <= last; r++) {
        f = function(t, r, i);
        compose_all(&all, &f, &one, NULL);
        all = f;
    }
    return all;
}

static long sum(const struct task *t, int ranks, int i)
{
    long all = 0;

    for (int r = 0; r < ranks; r++)
        all += value(t, r, i);
    return all;
}

static int drawn_length(void)
{
    switch (rand() % 8) {
    case 0:
        return 0;
    case 1:
        return 200 + rand() % 2000;
    case 2:
        return rand() % 4 ? 100 : 20000 + rand() % 30000;
    default:
        return 1 + rand() % 9;
    }
}

static void draw(struct task *t, int number)
{
    int p, total = 0;

    *t = (struct task){.kind = rand() % KINDS, .c = rand() % COMMS, .number = number};
    t->n = drawn_length();
    t->root = rand();
    t->in_place = rand() % 3 == 0;
    p = comms[t->c].size;
    t->root %= p;
    for (int r = 0; r < p; r++) {
        t->counts[r] = (t->n + r * (number % 3)) % (t->n + 2);
        t->displs[r] = total;
        total += t->counts[r];
    }
    if (total < t->n * p)
        total = t->n * p;
    t->in = calloc((size_t)total + 1, sizeof *t->in);
    t->out = calloc((size_t)total + 1, sizeof *t->out);
    t->f = calloc((size_t)t->n + 1, sizeof *t->f);
    t->g = calloc((size_t)t->n + 1, sizeof *t->g);
    CHECK(t->in && t->out && t->f && t->g);
    t->out[total] = -7;
}

static void start_moves(struct task *t, MPI_Comm comm, int me, int p)
{
    MPI_Request *r = &t->request;
    int n = t->n, in_place = t->in_place;

    switch (t->kind) {
    case 0:
        OK(MPI_Ibarrier(comm, r));
        return;
    case 1:
        for (int i = 0; i < n && me == t->root; i++)
            t->out[i] = value(t, me, i);
        OK(MPI_Ibcast(t->out, n, MPI_LONG, t->root, comm, r));
        return;
    case 2:
        for (int i = 0; i < n; i++)
            t->in[i] = t->out[me * n + i] = value(t, me, i);
        OK(MPI_Iallgather(in_place ? MPI_IN_PLACE : t->in, n, MPI_LONG, t->out, n, MPI_LONG, comm,
                          r));
        return;
    case 3:
        for (int i = 0; i < n * p; i++)
            t->in[i] = t->out[i] = value(t, me, i);
        OK(MPI_Ialltoall(in_place ? MPI_IN_PLACE : t->in, n, MPI_LONG, t->out, n, MPI_LONG, comm,
                         r));
        return;
    case 4:
        in_place = in_place && me == t->root;
        for (int i = 0; i < n; i++)
            t->in[i] = t->out[me * n + i] = value(t, me, i);
        OK(MPI_Igather(in_place ? MPI_IN_PLACE : t->in, n, MPI_LONG, t->out, n, MPI_LONG, t->root,
                       comm, r));
        return;
    case 5:
        for (int i = 0; i < n * p; i++)
            t->in[i] = value(t, me, i);
        OK(MPI_Iscatter(t->in, n, MPI_LONG, t->out, n, MPI_LONG, t->root, comm, r));
        return;
    case 6:
        for (int i = 0; i < t->counts[me]; i++)
            t->in[i] = t->out[t->displs[me] + i] = value(t, me, i);
        OK(MPI_Iallgatherv(in_place ? MPI_IN_PLACE : t->in, t->counts[me], MPI_LONG, t->out,
                           t->counts, t->displs, MPI_LONG, comm, r));
    }
}

static void start_reductions(struct task *t, MPI_Comm comm, int me, int p)
{
    MPI_Request *r = &t->request;
    int n = t->n, in_place = t->in_place;

    for (int i = 0; i < n; i++)
        t->f[i] = t->g[i] = function(t, me, i);
    switch (t->kind) {
    case 7:
        for (int i = 0; i < n; i++)
            t->in[i] = t->out[i] = value(t, me, i);
        OK(MPI_Iallreduce(in_place ? MPI_IN_PLACE : t->in, t->out, n, MPI_LONG, MPI_SUM, comm, r));
        return;
    case 8:
        OK(MPI_Iallreduce(in_place ? MPI_IN_PLACE : t->f, t->g, n, affine_type, compose, comm, r));
        return;
    case 9:
        in_place = in_place && me == t->root;
        OK(MPI_Ireduce(in_place ? MPI_IN_PLACE : t->f, t->g, n, affine_type, compose, t->root, comm,
                       r));
        return;
    case 10:
        OK(MPI_Iscan(in_place ? MPI_IN_PLACE : t->f, t->g, n, affine_type, compose, comm, r));
        return;
    case 11:
        OK(MPI_Iexscan(in_place ? MPI_IN_PLACE : t->f, t->g, n, affine_type, compose, comm, r));
        return;
    case 12:
        for (int i = 0; i < t->displs[p - 1] + t->counts[p - 1]; i++)
            t->in[i] = t->out[i] = value(t, me, i);
        OK(MPI_Ireduce_scatter(in_place ? MPI_IN_PLACE : t->in, t->out, t->counts, MPI_LONG,
                               MPI_SUM, comm, r));
        return;
    case 13:
        for (int i = 0; i < n * p; i++)
            t->in[i] = t->out[i] = value(t, me, i);
        OK(MPI_Ireduce_scatter_block(in_place ? MPI_IN_PLACE : t->in, t->out, n, MPI_LONG, MPI_SUM,
                                     comm, r));
    }
}

static void check_moves(const struct task *t, int me, int p)
{
    int n = t->n, all = t->kind == 4 ? me == t->root : t->kind == 2;

    for (int i = 0; t->kind == 1 && i < n; i++)
        CHECK(t->out[i] == value(t, t->root, i));
    for (int i = 0; all && i < n * p; i++)
        CHECK(t->out[i] == value(t, i / n, i % n));
    for (int i = 0; t->kind == 3 && i < n * p; i++)
        CHECK(t->out[i] == value(t, i / n, me * n + i % n));
    for (int i = 0; t->kind == 5 && i < n; i++)
        CHECK(t->out[i] == value(t, t->root, me * n + i));
    for (int r = 0; t->kind == 6 && r < p; r++)
        for (int i = 0; i < t->counts[r]; i++)
            CHECK(t->out[t->displs[r] + i] == value(t, r, i));
}

static void check_reductions(const struct task *t, int me, int p)
{
    int last = t->kind == 10 ? me : t->kind == 11 ? me - 1 : p - 1;

    for (int i = 0; t->kind == 7 && i < t->n; i++)
        CHECK(t->out[i] == sum(t, p, i));
    if (t->kind == 8 || (t->kind == 9 && me == t->root) || t->kind == 10 ||
        (t->kind == 11 && me > 0))
        for (int i = 0; i < t->n; i++) {
            struct affine want = composed(t, last, i);
            CHECK(t->g[i].a == want.a && t->g[i].b == want.b);
        }
    for (int i = 0; t->kind == 12 && i < t->counts[me]; i++)
        CHECK(t->out[i] == sum(t, p, t->displs[me] + i));
    for (int i = 0; t->kind == 13 && i < t->n; i++)
        CHECK(t->out[i] == sum(t, p, me * t->n + i));
}

static void start(struct task *t)
{
    if (t->kind < 7)
        start_moves(t, comms[t->c].comm, comms[t->c].rank, comms[t->c].size);
    else
        start_reductions(t, comms[t->c].comm, comms[t->c].rank, comms[t->c].size);
}

static void complete(struct task *t)
{
    if (!t->in)
        return;
    OK(MPI_Wait(&t->request, MPI_STATUS_IGNORE));
    check_moves(t, comms[t->c].rank, comms[t->c].size);
    check_reductions(t, comms[t->c].rank, comms[t->c].size);
    free(t->in);
    free(t->out);
    free(t->f);
    free(t->g);
    t->in = NULL;
}

/* Each rank completes in an order of its own: by strides that all visit every place. */
static void complete_all(int stride)
{
    for (int i = 0; i < AT_ONCE; i++)
        complete(&tasks[i * stride % AT_ONCE]);
}

static void make_comms(void)
{
    OK(MPI_Comm_dup(MPI_COMM_WORLD, &comms[0].comm));
    OK(MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &comms[1].comm));
    OK(MPI_Comm_split(MPI_COMM_WORLD, 0, -rank, &comms[2].comm));
    for (int i = 0; i < COMMS; i++) {
        OK(MPI_Comm_rank(comms[i].comm, &comms[i].rank));
        OK(MPI_Comm_size(comms[i].comm, &comms[i].size));
    }
}

static void free_comms(void)
{
    for (int i = 0; i < COMMS; i++)
        OK(MPI_Comm_free(&comms[i].comm));
}

static void mix(int operations)
{
    static const int strides[] = {1, 5, 7, 11, 13, 17, 19, 23};

    for (int number = 0; number < operations; number++) {
        struct task *t = &tasks[number % AT_ONCE];
        int blocking = rand() % 16 == 0, all = rand() % 32 == 0;

        complete(t);
        if (number % LATE_EVERY == LATE_EVERY - 1 && rank == number % size)
            usleep(20000);
        draw(t, number);
        start(t);
        if (blocking)
            OK(MPI_Barrier(comms[t->c].comm));
        if (all)
            complete_all(strides[rank % 8]);
    }
    complete_all(strides[rank % 8]);
}

/* The communicator works on: whoever disagrees has gone the same number of steps. */
static void disagree(void)
{
    MPI_Comm comm;
    int a[32] = {0}, b[32], odd = rank == size - 1, sum_of_ranks = 0;

    if (size == 1)
        return;
    OK(MPI_Comm_dup(MPI_COMM_WORLD, &comm));
    OK(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN));
    for (int i = 0; i < 20; i++)
        OK(MPI_Barrier(comm));
    CHECK(MPI_Allreduce(a, b, odd ? 20 : 10, MPI_INT, MPI_SUM, comm) != MPI_SUCCESS);
    CHECK((MPI_Bcast(a, odd ? 10 : 20, MPI_INT, 0, comm) != MPI_SUCCESS) == odd);
    CHECK(MPI_Alltoall(a, 1, MPI_INT, b, odd ? 2 : 1, MPI_INT, comm) != MPI_SUCCESS || !odd);
    OK(MPI_Allreduce(&rank, &sum_of_ranks, 1, MPI_INT, MPI_SUM, comm));
    CHECK(sum_of_ranks == size * (size - 1) / 2);
    OK(MPI_Comm_free(&comm));
}

/*
 * Communicators that are gone before their ranks have agreed on an area: nothing that was started
 * on them had to wait for one.
 */
static void leave_early(void)
{
    enum { ROUNDS = 100, STARTS = 12 };
    int out = rank, in[64];

    for (int i = 0; i < ROUNDS; i++) {
        MPI_Comm comm;
        MPI_Request request;
        OK(MPI_Comm_dup(MPI_COMM_WORLD, &comm));
        for (int j = 0; j < STARTS; j++) {
            OK(MPI_Allgather_init(&out, 1, MPI_INT, in, 1, MPI_INT, comm, MPI_INFO_NULL, &request));
            OK(MPI_Request_free(&request));
        }
        OK(MPI_Comm_free(&comm));
    }
    for (int j = 0; j < STARTS; j++) { /* and one that stays so until MPI_Finalize */
        OK(MPI_Barrier_init(MPI_COMM_WORLD, MPI_INFO_NULL, &(MPI_Request){MPI_REQUEST_NULL}));
    }
}

static void killed(void)
{
    for (int i = 0; i < 50; i++)
        OK(MPI_Barrier(MPI_COMM_WORLD));
    if (rank == size - 1)
        raise(SIGKILL);
    MPI_Barrier(MPI_COMM_WORLD);
    CHECK(!"a barrier without one of its ranks ends");
}

static void does_nothing(void *in, void *inout, int *n, MPI_Datatype *t)
{
    (void)in, (void)inout, (void)n, (void)t;
}

/* Items of no bytes, at any place among a communicator's first operations: the next go on. */
static void reduce_nothing(void)
{
    MPI_Datatype none, items;
    MPI_Request r;
    MPI_Comm comm;
    MPI_Op op;
    int x = 0, y = 0;

    OK(MPI_Type_contiguous(0, MPI_INT, &none));
    OK(MPI_Type_create_resized(none, 0, 4, &items));
    OK(MPI_Type_commit(&items));
    OK(MPI_Op_create(does_nothing, 1, &op));
    for (int which = 0; which < 6; which++)
        for (int before = 6; before < 11; before++) {
            OK(MPI_Comm_dup(MPI_COMM_WORLD, &comm));
            for (int i = 0; i < before; i++)
                OK(MPI_Barrier(comm));
            if (which == 0)
                OK(MPI_Allreduce(&x, &y, 1, items, op, comm));
            else if (which == 1)
                OK(MPI_Reduce(&x, &y, 1, items, op, 0, comm));
            else if (which == 2)
                OK(MPI_Scan(&x, &y, 1, items, op, comm));
            else if (which == 3)
                OK(MPI_Reduce_scatter_block(&x, &y, 1, items, op, comm));
            else if (which == 4)
                OK(MPI_Exscan(&x, &y, 1, items, op, comm));
            else
                OK(MPI_Iallreduce(&x, &y, 1, items, op, comm, &r));
            OK(MPI_Barrier(comm));
            if (which == 5)
                OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
            OK(MPI_Barrier(comm));
            OK(MPI_Comm_free(&comm));
        }
    OK(MPI_Op_free(&op));
    OK(MPI_Type_free(&items));
    OK(MPI_Type_free(&none));
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    if (argc > 1 && !strcmp(argv[1], "killed"))
        killed();
    int operations = argc > 1 ? atoi(argv[1]) : 400, seed = argc > 2 ? atoi(argv[2]) : 1;

    OK(MPI_Type_contiguous(2, MPI_UNSIGNED, &affine_type));
    OK(MPI_Type_commit(&affine_type));
    OK(MPI_Op_create(compose_all, 0, &compose));
    srand((unsigned)seed);
    for (int i = 0; i < 4; i++) {
        make_comms();
        mix(operations / 4);
        free_comms();
    }
    reduce_nothing();
    disagree();
    leave_early();
    OK(MPI_Op_free(&compose));
    OK(MPI_Type_free(&affine_type));
    return end("coll_area");
}
