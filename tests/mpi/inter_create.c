/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Intercommunicators: made by every call, with the right members in the right order on both sides;
 * point-to-point messages of all kinds reach the remote group and are told from those of other
 * communicators; ids and memory come back.
 */
#include <unistd.h>

#include "tests/mpi/hosts.h"
#include "inter_test.h"

enum { LOOPS = 400 };

static int comm_rank(MPI_Comm comm)
{
    int r;

    OK(MPI_Comm_rank(comm, &r));
    return r;
}

static int comm_size(MPI_Comm comm)
{
    int n;

    OK(MPI_Comm_size(comm, &n));
    return n;
}

static int remote_size(MPI_Comm comm)
{
    int n;

    OK(MPI_Comm_remote_size(comm, &n));
    return n;
}

/* The members' ranks in the world. */
static int *members(MPI_Comm comm, int remote)
{
    int n = remote ? remote_size(comm) : comm_size(comm);
    int *ranks = malloc((size_t)n * sizeof *ranks), *world = malloc((size_t)n * sizeof *world);
    MPI_Group g, all;

    if (remote)
        OK(MPI_Comm_remote_group(comm, &g));
    else
        OK(MPI_Comm_group(comm, &g));
    OK(MPI_Comm_group(MPI_COMM_WORLD, &all));
    for (int i = 0; i < n; i++)
        ranks[i] = i;
    OK(MPI_Group_translate_ranks(g, n, ranks, all, world));
    OK(MPI_Group_free(&g));
    OK(MPI_Group_free(&all));
    free(ranks);
    return world;
}

/* Everybody hears from every member of the remote group who it is, and from nobody else. */
static void use(MPI_Comm inter)
{
    int n = remote_size(inter), *remote = members(inter, 1), *world = members(inter, 0);
    int *got = malloc((size_t)n * sizeof *got);
    MPI_Request *r = malloc(2 * (size_t)n * sizeof *r);
    MPI_Status s;

    CHECK(world[comm_rank(inter)] == rank);
    for (int i = 0; i < n; i++)
        OK(MPI_Irecv(&got[i], 1, MPI_INT, i, 1, inter, &r[i]));
    for (int i = 0; i < n; i++)
        OK(MPI_Isend(&rank, 1, MPI_INT, i, 1, inter, &r[n + i]));
    OK(MPI_Waitall(2 * n, r, MPI_STATUSES_IGNORE));
    for (int i = 0; i < n; i++)
        CHECK(got[i] == remote[i]);
    for (int i = 0; i < n; i++)
        OK(MPI_Isend(&rank, 1, MPI_INT, i, 2, inter, &r[i]));
    for (int i = 0; i < n; i++) {
        OK(MPI_Recv(got, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, inter, &s));
        CHECK(s.MPI_TAG == 2 && s.MPI_SOURCE >= 0 && s.MPI_SOURCE < n);
        CHECK(got[0] == remote[s.MPI_SOURCE]);
    }
    OK(MPI_Waitall(n, r, MPI_STATUSES_IGNORE));
    OK(MPI_Barrier(inter));
    free(remote);
    free(world);
    free(got);
    free(r);
}

/* ---- What it is ---- */

static void test_shape(enum cut cut)
{
    MPI_Comm local, inter = inter_make(cut, 3, &local), self = inter;
    int mine = side_of(cut, rank), flag = -1, result, len;
    char name[MPI_MAX_OBJECT_NAME];

    OK(MPI_Comm_test_inter(inter, &flag));
    CHECK(flag == 1);
    CHECK(comm_size(inter) == size_of(cut, mine) && comm_rank(inter) == rank_of(cut, rank));
    CHECK(remote_size(inter) == size_of(cut, !mine));
    for (int remote = 0; remote < 2; remote++) {
        int *world = members(inter, remote);

        for (int i = 0; i < size_of(cut, mine ^ remote); i++)
            CHECK(world[i] == world_of(cut, mine ^ remote, i));
        free(world);
    }
    OK(MPI_Comm_compare(inter, self, &result));
    CHECK(result == MPI_IDENT);
    OK(MPI_Comm_compare(inter, local, &result));
    CHECK(result == MPI_UNEQUAL);
    OK(MPI_Comm_get_name(inter, name, &len));
    CHECK(len == 0);
    OK(MPI_Comm_set_name(inter, "both sides"));
    OK(MPI_Comm_get_name(inter, name, &len));
    CHECK(!strcmp(name, "both sides") && len == 10);
    use(inter);
    OK(MPI_Comm_free(&local)); /* the intercommunicator does not need it */
    use(inter);
    OK(MPI_Comm_disconnect(&inter));
    CHECK(inter == MPI_COMM_NULL);
}

/* ---- Made of others ---- */

static int add_one(MPI_Comm comm, int keyval, void *extra, void *in, void *out, int *flag)
{
    (void)comm, (void)keyval, (void)extra;
    *(void **)out = (char *)in + 1;
    *flag = 1;
    return MPI_SUCCESS;
}

static void check_dup(MPI_Comm inter, MPI_Comm dup, int keyval, const char *hint)
{
    int result, flag;
    char *value, text[8] = "";
    MPI_Info info;

    OK(MPI_Comm_compare(inter, dup, &result));
    CHECK(result == MPI_CONGRUENT);
    OK(MPI_Comm_get_attr(dup, keyval, &value, &flag));
    CHECK(flag && value == (char *)42);
    OK(MPI_Comm_get_info(dup, &info));
    OK(MPI_Info_get(info, "mpi_assert_exact_length", sizeof text - 1, text, &flag));
    CHECK(flag && !strcmp(text, hint));
    OK(MPI_Info_free(&info));
    use(dup);
}

static void test_dup(enum cut cut)
{
    MPI_Comm local, inter = inter_make(cut, 3, &local), dups[4];
    MPI_Request r[2];
    MPI_Info info;
    int keyval;

    OK(MPI_Comm_create_keyval(add_one, MPI_COMM_NULL_DELETE_FN, &keyval, NULL));
    OK(MPI_Comm_set_attr(inter, keyval, (void *)41));
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "mpi_assert_exact_length", "true"));
    OK(MPI_Comm_idup(inter, &dups[0], &r[0]));
    OK(MPI_Comm_idup_with_info(inter, info, &dups[1], &r[1]));
    OK(MPI_Comm_dup(inter, &dups[2]));
    OK(MPI_Comm_dup_with_info(inter, info, &dups[3]));
    OK(MPI_Info_free(&info));
    OK(MPI_Waitall(2, r, MPI_STATUSES_IGNORE));
    for (int i = 0; i < 4; i++)
        check_dup(inter, dups[i], keyval, i % 2 ? "true" : "false");
    use(inter);
    for (int i = 0; i < 4; i++)
        OK(MPI_Comm_free(&dups[i]));
    OK(MPI_Comm_free_keyval(&keyval));
    OK(MPI_Comm_free(&inter));
    OK(MPI_Comm_free(&local));
}

/* Turned round, only the last of one side, and nobody on one side. */
static void test_subsets(enum cut cut)
{
    MPI_Comm local, inter = inter_make(cut, 3, &local), made;
    int mine = side_of(cut, rank), n = comm_size(inter), result;
    int backwards[1][3] = {{n - 1, 0, -1}}, last[1] = {n - 1};
    MPI_Group g, some;

    OK(MPI_Comm_group(inter, &g));
    OK(MPI_Group_range_incl(g, 1, backwards, &some));
    OK(MPI_Comm_create(inter, some, &made));
    CHECK(comm_rank(made) == n - 1 - comm_rank(inter));
    OK(MPI_Comm_compare(inter, made, &result));
    CHECK(result == (size == 2 ? MPI_CONGRUENT : MPI_SIMILAR));
    use(made);
    OK(MPI_Comm_free(&made));
    OK(MPI_Group_free(&some));
    if (mine)
        OK(MPI_Group_incl(g, 1, last, &some));
    else
        OK(MPI_Group_incl(g, n, (int[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                          &some));
    OK(MPI_Comm_create(inter, some, &made));
    if (mine && comm_rank(inter) != n - 1) {
        CHECK(made == MPI_COMM_NULL);
    } else {
        CHECK(remote_size(made) == (mine ? size_of(cut, 0) : 1));
        use(made);
        OK(MPI_Comm_compare(inter, made, &result));
        CHECK(result == (size_of(cut, 1) == 1 ? MPI_CONGRUENT : MPI_UNEQUAL));
        OK(MPI_Comm_free(&made));
    }
    OK(MPI_Group_free(&some));
    OK(MPI_Comm_create(inter, mine ? MPI_GROUP_EMPTY : g, &made));
    CHECK(made == MPI_COMM_NULL);
    OK(MPI_Group_free(&g));
    OK(MPI_Comm_free(&inter));
    OK(MPI_Comm_free(&local));
}

/* While the first collectives of a new one are under way, that have parts within each group too. */
static void test_meanwhile(enum cut cut)
{
    enum { UNDER_WAY = 8 };
    MPI_Comm local, inter = inter_make(cut, 3, &local), made;
    int in[UNDER_WAY], out[UNDER_WAY];
    MPI_Request r[UNDER_WAY];

    for (int i = 0; i < UNDER_WAY; i++) {
        out[i] = 10 * i + side_of(cut, rank);
        OK(MPI_Iallreduce(&out[i], &in[i], 1, MPI_INT, MPI_MAX, inter, &r[i]));
    }
    OK(MPI_Comm_split(inter, 0, 0, &made));
    use(made);
    OK(MPI_Comm_free(&made));
    OK(MPI_Waitall(UNDER_WAY, r, MPI_STATUSES_IGNORE));
    for (int i = 0; i < UNDER_WAY; i++)
        CHECK(in[i] == 10 * i + !side_of(cut, rank));
    OK(MPI_Comm_free(&inter));
    OK(MPI_Comm_free(&local));
}

/* Those of one color meet; those whose color is on one side only are alone, with nothing. */
static void test_split(enum cut cut)
{
    MPI_Comm local, inter = inter_make(cut, 3, &local), made;
    int mine = side_of(cut, rank), r = comm_rank(inter), n[2][3] = {{0}};
    int *hosts = hosts_of_ranks(), beside[2] = {0};

    for (int i = 0; i < size; i++)
        n[side_of(cut, i)][rank_of(cut, i) % 3]++;
    OK(MPI_Comm_split(inter, r % 3, -r, &made));
    if (!n[!mine][r % 3]) {
        CHECK(made == MPI_COMM_NULL);
    } else {
        CHECK(comm_size(made) == n[mine][r % 3] && remote_size(made) == n[!mine][r % 3]);
        CHECK(comm_rank(made) == n[mine][r % 3] - 1 - r / 3);
        use(made);
        OK(MPI_Comm_free(&made));
    }
    OK(MPI_Comm_split(inter, mine ? 4 : MPI_UNDEFINED, 0, &made));
    CHECK(made == MPI_COMM_NULL);
    OK(MPI_Comm_split(inter, mine ? 4 : 5, 0, &made));
    CHECK(made == MPI_COMM_NULL);
    OK(MPI_Comm_split_type(inter, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &made));
    for (int i = 0; i < size; i++)
        beside[side_of(cut, i)] += hosts[i] == hosts[rank];
    free(hosts);
    if (!beside[!mine]) {
        CHECK(made == MPI_COMM_NULL);
    } else {
        CHECK(comm_size(made) == beside[mine] && remote_size(made) == beside[!mine]);
        use(made);
        OK(MPI_Comm_free(&made));
    }
    OK(MPI_Comm_split_type(inter, MPI_UNDEFINED, 0, MPI_INFO_NULL, &made));
    CHECK(made == MPI_COMM_NULL);
    OK(MPI_Comm_free(&inter));
    OK(MPI_Comm_free(&local));
}

/* Leaders who know each other from an intercommunicator: ranks are those of its remote group. */
static void test_nested(enum cut cut)
{
    MPI_Comm local, outer = inter_make(cut, 3, &local), inter;
    int result;

    OK(MPI_Intercomm_create(local, 0, outer, 0, 5, &inter));
    OK(MPI_Comm_compare(outer, inter, &result));
    CHECK(result == MPI_CONGRUENT);
    use(inter);
    OK(MPI_Comm_free(&inter));
    OK(MPI_Comm_free(&outer));
    OK(MPI_Comm_free(&local));
}

static void test_merge(enum cut cut)
{
    MPI_Comm local, inter = inter_make(cut, 3, &local), all;

    for (int highs = 0; highs < 4; highs++) {
        int high = highs >> side_of(cut, rank) & 1;
        /* Rank 0 of the world is rank 0 of side 0, which so comes first where both say the same. */
        int first = highs == 1;

        OK(MPI_Intercomm_merge(inter, high, &all));
        CHECK(comm_size(all) == size);
        int *world = members(all, 0);
        for (int i = 0; i < size; i++) {
            int n = size_of(cut, first), side = i < n ? first : !first;
            CHECK(world[i] == world_of(cut, side, i < n ? i : i - n));
        }
        CHECK(world[comm_rank(all)] == rank);
        free(world);
        int sum = 0;
        OK(MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, all));
        CHECK(sum == size * (size - 1) / 2);
        OK(MPI_Comm_free(&all));
    }
    OK(MPI_Comm_free(&inter));
    OK(MPI_Comm_free(&local));
}

static void test_from_groups(enum cut cut)
{
    int mine = side_of(cut, rank), ranks[2][16];
    MPI_Group all, groups[2];
    MPI_Comm inter;

    OK(MPI_Comm_group(MPI_COMM_WORLD, &all));
    for (int side = 0; side < 2; side++) {
        int n = size_of(cut, side);

        for (int i = 0; i < n; i++)
            ranks[side][i] = world_of(cut, side, n - 1 - i);
        OK(MPI_Group_incl(all, n, ranks[side], &groups[side]));
    }
    int leader = size_of(cut, mine) - 1, there = size_of(cut, !mine) - 1;
    int lead = rank == ranks[mine][leader];
    OK(MPI_Intercomm_create_from_groups(groups[mine], leader, lead ? groups[!mine] : MPI_GROUP_NULL,
                                        lead ? there : -1, "org.example.inter", MPI_INFO_NULL,
                                        MPI_ERRORS_RETURN, &inter));
    for (int remote = 0; remote < 2; remote++) {
        int *world = members(inter, remote), side = mine ^ remote;

        CHECK(!memcmp(world, ranks[side], (size_t)size_of(cut, side) * sizeof *world));
        free(world);
    }
    CHECK(MPI_Send(NULL, 0, MPI_INT, size, 0, inter) != MPI_SUCCESS); /* the handler is there */
    use(inter);
    OK(MPI_Comm_free(&inter));
    for (int side = 0; side < 2; side++)
        OK(MPI_Group_free(&groups[side]));
    OK(MPI_Group_free(&all));
}

/* ---- Messages of all kinds, between partners of the same rank ---- */

static void test_modes(MPI_Comm inter, int partner, int there)
{
    enum { LONG = 300000 };
    char *out = malloc(LONG), *in = malloc(LONG), space[64 + MPI_BSEND_OVERHEAD];
    MPI_Request r[2];
    MPI_Status s;

    fill(out, LONG, rank);
    OK(MPI_Sendrecv(out, LONG, MPI_BYTE, partner, 5, in, LONG, MPI_BYTE, partner, 5, inter, &s));
    CHECK(says(&s, partner, 5, MPI_BYTE, LONG) && filled(in, LONG, there));
    memcpy(in, out, LONG);
    OK(MPI_Sendrecv_replace(in, LONG, MPI_BYTE, partner, 5, MPI_ANY_SOURCE, 5, inter, &s));
    CHECK(says(&s, partner, 5, MPI_BYTE, LONG) && filled(in, LONG, there));
    for (int n = 16; n <= LONG; n = n < LONG ? LONG : LONG + 1) { /* a short and a long one */
        OK(MPI_Irecv(in, n, MPI_BYTE, partner, 6, inter, &r[0]));
        OK(MPI_Issend(out, n, MPI_BYTE, partner, 6, inter, &r[1]));
        OK(MPI_Waitall(2, r, MPI_STATUSES_IGNORE));
        CHECK(filled(in, (size_t)n, there));
    }
    OK(MPI_Buffer_attach(space, sizeof space));
    OK(MPI_Bsend(out, 64, MPI_BYTE, partner, 7, inter));
    OK(MPI_Recv(in, 64, MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG, inter, &s));
    CHECK(says(&s, partner, 7, MPI_BYTE, 64) && filled(in, 64, there));
    OK(MPI_Buffer_detach(&(void *){NULL}, &(int){0}));
    free(out);
    free(in);
}

static void test_probes(MPI_Comm inter, int partner, int there)
{
    MPI_Request r;
    MPI_Message m;
    MPI_Status s;
    int got, flag = 0;

    OK(MPI_Isend(&rank, 1, MPI_INT, partner, 8, inter, &r));
    OK(MPI_Probe(MPI_ANY_SOURCE, MPI_ANY_TAG, inter, &s));
    CHECK(says(&s, partner, 8, MPI_INT, 1));
    while (!flag)
        OK(MPI_Iprobe(partner, 8, inter, &flag, &s));
    CHECK(says(&s, partner, 8, MPI_INT, 1));
    OK(MPI_Mprobe(MPI_ANY_SOURCE, 8, inter, &m, &s));
    CHECK(says(&s, partner, 8, MPI_INT, 1));
    OK(MPI_Mrecv(&got, 1, MPI_INT, &m, &s));
    CHECK(got == there && says(&s, partner, 8, MPI_INT, 1));
    OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
    OK(MPI_Issend(&rank, 1, MPI_INT, partner, 9, inter, &r));
    OK(MPI_Mprobe(MPI_ANY_SOURCE, 9, inter, &m, &s));
    OK(MPI_Mrecv(&got, 1, MPI_INT, &m, &s));
    CHECK(got == there && says(&s, partner, 9, MPI_INT, 1));
    OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
}

static void test_persistent(MPI_Comm inter, int partner, int there)
{
    enum { PARTS = 4, ITEMS = 30 };
    int out[PARTS * ITEMS] = {0}, in[PARTS * ITEMS];
    MPI_Request r[4];

    OK(MPI_Send_init(out, ITEMS, MPI_INT, partner, 10, inter, &r[0]));
    OK(MPI_Recv_init(in, ITEMS, MPI_INT, MPI_ANY_SOURCE, 10, inter, &r[1]));
    OK(MPI_Psend_init(out, PARTS, ITEMS, MPI_INT, partner, 11, inter, MPI_INFO_NULL, &r[2]));
    OK(MPI_Precv_init(in, PARTS, ITEMS, MPI_INT, partner, 11, inter, MPI_INFO_NULL, &r[3]));
    for (int round = 0; round < 6; round++) {
        int parted = round % 2, n = parted ? PARTS * ITEMS : ITEMS;

        for (int i = 0; i < n; i++)
            out[i] = rank * 1000 + round * 100 + i;
        memset(in, 0, sizeof in);
        OK(MPI_Startall(2, &r[2 * parted]));
        for (int i = PARTS - 1; parted && i >= 0; i--)
            OK(MPI_Pready(i, r[2]));
        OK(MPI_Waitall(2, &r[2 * parted], MPI_STATUSES_IGNORE));
        for (int i = 0; i < n; i++)
            CHECK(in[i] == there * 1000 + round * 100 + i);
    }
    for (int i = 0; i < 4; i++)
        OK(MPI_Request_free(&r[i]));
}

/* The same ranks and tags on four communicators at once; each message stays on its own. */
static void test_apart(MPI_Comm inter, MPI_Comm local, int partner)
{
    MPI_Comm comms[4] = {inter, MPI_COMM_NULL, local, MPI_COMM_NULL};
    int in[4], out[4], n = comm_size(local), r = comm_rank(local);
    MPI_Request reqs[8];

    OK(MPI_Comm_dup(inter, &comms[1]));
    OK(MPI_Intercomm_merge(inter, 0, &comms[3]));
    for (int i = 3; i >= 0; i--) {
        int to = i < 2 ? partner : i == 2 ? (r + 1) % n : (comm_rank(comms[3]) + 1) % size;

        out[i] = 100 * i + 7;
        if (i >= 2 || partner >= 0)
            OK(MPI_Isend(&out[i], 1, MPI_INT, to, 0, comms[i], &reqs[i]));
        else
            reqs[i] = MPI_REQUEST_NULL;
    }
    for (int i = 0; i < 4; i++) {
        in[i] = out[i];
        if (i >= 2 || partner >= 0)
            OK(MPI_Irecv(&in[i], 1, MPI_INT, MPI_ANY_SOURCE, 0, comms[i], &reqs[4 + i]));
        else
            reqs[4 + i] = MPI_REQUEST_NULL;
    }
    OK(MPI_Waitall(8, reqs, MPI_STATUSES_IGNORE));
    for (int i = 0; i < 4; i++)
        CHECK(in[i] == 100 * i + 7);
    OK(MPI_Comm_free(&comms[1]));
    OK(MPI_Comm_free(&comms[3]));
}

static void test_messages(enum cut cut)
{
    MPI_Comm local, inter = inter_make(cut, 3, &local);
    int r = comm_rank(inter), mine = side_of(cut, rank);
    int partner = r < remote_size(inter) ? r : MPI_PROC_NULL;

    if (partner >= 0) {
        int there = world_of(cut, !mine, partner);

        test_modes(inter, partner, there);
        test_probes(inter, partner, there);
        test_persistent(inter, partner, there);
    }
    test_apart(inter, local, partner);
    OK(MPI_Comm_free(&inter));
    OK(MPI_Comm_free(&local));
}

/* Freed while all kinds of operations are under way: each comes to its right end. */
static void test_early_free(enum cut cut)
{
    enum { LONG = 200000 };
    MPI_Comm local, inter = inter_make(cut, 3, &local);
    int mine = side_of(cut, rank), r = comm_rank(inter), sum = -1, n = 0;
    int partner = r < remote_size(inter) ? r : MPI_PROC_NULL, there = 0;
    char *in = malloc(LONG), *out = malloc(LONG);
    MPI_Request reqs[4];

    fill(out, LONG, rank);
    OK(MPI_Ibarrier(inter, &reqs[n++]));
    OK(MPI_Irecv(in, LONG, MPI_BYTE, partner, 1, inter, &reqs[n++]));
    OK(MPI_Iallreduce(&r, &sum, 1, MPI_INT, MPI_SUM, inter, &reqs[n++]));
    OK(MPI_Isend(out, LONG, MPI_BYTE, partner, 1, inter, &reqs[n++]));
    OK(MPI_Comm_free(&inter));
    OK(MPI_Comm_free(&local));
    inter = inter_make(cut, 3, &local); /* perhaps with the same ids */
    use(inter);
    OK(MPI_Waitall(n, reqs, MPI_STATUSES_IGNORE));
    for (int i = 0; i < size_of(cut, !mine); i++)
        there += i;
    CHECK(sum == there);
    CHECK(partner < 0 || filled(in, LONG, world_of(cut, !mine, partner)));
    OK(MPI_Comm_free(&inter));
    OK(MPI_Comm_free(&local));
    free(in);
    free(out);
}

/* ---- Many ---- */

static long memory_kb(void)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    CHECK(f && fscanf(f, "%ld %ld", &pages, &resident) == 2);
    fclose(f);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void make_and_free(int loops)
{
    for (int i = 0; i < loops; i++) {
        MPI_Comm local, inter = inter_make((enum cut)(i % CUTS), i, &local), dup, half, all;

        OK(MPI_Comm_dup(inter, &dup));
        OK(MPI_Comm_split(dup, 0, 0, &half));
        OK(MPI_Intercomm_merge(half, i % 2, &all));
        if (i % 50 == 0)
            use(half);
        OK(MPI_Comm_free(&all));
        OK(MPI_Comm_free(&half));
        OK(MPI_Comm_free(&dup));
        OK(MPI_Comm_free(&inter));
        OK(MPI_Comm_free(&local));
    }
}

static void test_many(int loops)
{
    make_and_free(100);
    long before = memory_kb();
    make_and_free(loops);
    long grown = memory_kb() - before;
    if (!getenv("ASAN_OPTIONS") && !getenv("TSAN_OPTIONS") && grown > 1024) {
        fprintf(stderr, "rank %d: %d rounds cost %ld KiB\n", rank, loops, grown);
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
}

/* Argument 1: rounds of making and freeing. */
int main(int argc, char **argv)
{
    begin(&argc, &argv);
    CHECK(size <= 16);
    for (int cut = 0; cut < CUTS && size > 1; cut++) {
        test_shape((enum cut)cut);
        test_dup((enum cut)cut);
        test_subsets((enum cut)cut);
        test_meanwhile((enum cut)cut);
        test_split((enum cut)cut);
        test_merge((enum cut)cut);
        test_from_groups((enum cut)cut);
        test_messages((enum cut)cut);
        test_early_free((enum cut)cut);
        test_nested((enum cut)cut);
    }
    if (size > 1)
        test_many(argc > 1 ? atoi(argv[1]) : LOOPS);
    return end("inter_create");
}
