/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Communicators made by every call and freed again, many times over: the right members in the right
 * order, messages kept apart, attributes copied, ids and memory given back.
 */
#include <unistd.h>

#include "tests/mpi/hosts.h"
#include "mpitest.h"

enum { LOOPS = 2500, OPEN = 300 }; /* LOOPS makes four communicators a time */

static int copies, deletes;

static int copy(MPI_Comm comm, int keyval, void *extra, void *in, void *out, int *flag)
{
    (void)comm, (void)keyval, (void)extra;
    *(void **)out = (char *)in + 1;
    *flag = 1;
    copies++;
    return MPI_SUCCESS;
}

static int delete (MPI_Comm comm, int keyval, void *value, void *extra)
{
    (void)comm, (void)keyval, (void)value, (void)extra;
    deletes++;
    return MPI_SUCCESS;
}

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

/* A sum that is only right where every member takes part in the same operation. */
static void use(MPI_Comm comm, int salt)
{
    int n = comm_size(comm), x = salt + comm_rank(comm), sum;

    OK(MPI_Allreduce(&x, &sum, 1, MPI_INT, MPI_SUM, comm));
    CHECK(sum == n * salt + n * (n - 1) / 2);
}

static void test_split(void)
{
    MPI_Comm halves, host, none;
    int *hosts = hosts_of_ranks(), beside = 0, before = 0;

    OK(MPI_Comm_split(MPI_COMM_WORLD, rank % 2, -rank, &halves));
    CHECK(comm_size(halves) == (size + 1 - rank % 2) / 2);
    CHECK(comm_rank(halves) == comm_size(halves) - 1 - rank / 2);
    use(halves, rank % 2 * 1000);
    OK(MPI_Comm_free(&halves));
    CHECK(halves == MPI_COMM_NULL);
    OK(MPI_Comm_split(MPI_COMM_WORLD, rank ? MPI_UNDEFINED : 0, 0, &none));
    CHECK(rank ? none == MPI_COMM_NULL : comm_size(none) == 1);
    if (!rank)
        OK(MPI_Comm_free(&none));
    OK(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host));
    for (int i = 0; i < size; i++) {
        beside += hosts[i] == hosts[rank];
        before += hosts[i] == hosts[rank] && i < rank;
    }
    CHECK(comm_size(host) == beside && comm_rank(host) == before);
    free(hosts);
    OK(MPI_Comm_disconnect(&host));
    CHECK(host == MPI_COMM_NULL);
    OK(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_UNDEFINED, 0, MPI_INFO_NULL, &none));
    CHECK(none == MPI_COMM_NULL);
}

/* Every second rank, in falling order. */
static MPI_Group some_group(void)
{
    MPI_Group world, some;
    int ranks[64], n = 0;

    for (int i = (size - 1) / 2 * 2; i >= 0; i -= 2)
        ranks[n++] = i;
    OK(MPI_Comm_group(MPI_COMM_WORLD, &world));
    OK(MPI_Group_incl(world, n, ranks, &some));
    OK(MPI_Group_free(&world));
    return some;
}

static void check_some(MPI_Comm comm, int salt)
{
    if (rank % 2) {
        CHECK(comm == MPI_COMM_NULL);
        return;
    }
    CHECK(comm_size(comm) == (size + 1) / 2 && comm_rank(comm) == (size - 1) / 2 - rank / 2);
    use(comm, salt);
    OK(MPI_Comm_free(&comm));
}

static void test_create(void)
{
    MPI_Group some = some_group();
    MPI_Comm comm;

    OK(MPI_Comm_create(MPI_COMM_WORLD, some, &comm));
    check_some(comm, 5);
    comm = MPI_COMM_NULL;
    if (rank % 2 == 0)
        OK(MPI_Comm_create_group(MPI_COMM_WORLD, some, 17, &comm));
    check_some(comm, 6);
    OK(MPI_Group_free(&some));
}

static void test_attributes(void)
{
    MPI_Comm comm;
    void *value;
    int key, flag;

    OK(MPI_Comm_create_keyval(copy, delete, &key, NULL));
    OK(MPI_Comm_set_attr(MPI_COMM_WORLD, key, (void *)100));
    OK(MPI_Comm_dup(MPI_COMM_WORLD, &comm));
    OK(MPI_Comm_get_attr(comm, key, &value, &flag));
    CHECK(flag && value == (void *)101 && copies == 1 && deletes == 0);
    OK(MPI_Comm_free(&comm));
    CHECK(deletes == 1);
    OK(MPI_Comm_delete_attr(MPI_COMM_WORLD, key));
    OK(MPI_Comm_free_keyval(&key));
    CHECK(deletes == 2);
}

static int fail_at_first(MPI_Comm comm, int keyval, void *extra, void *in, void *out, int *flag)
{
    copy(comm, keyval, extra, in, out, flag);
    return rank ? MPI_SUCCESS : MPI_ERR_IO;
}

/* A rank whose copy function fails has no duplicate; the others have one, and all go on. */
static void test_copy_fails(void)
{
    MPI_Comm base, comm[2];
    MPI_Request r = MPI_REQUEST_NULL;
    int good, fails;

    OK(MPI_Comm_dup(MPI_COMM_WORLD, &base));
    OK(MPI_Comm_set_errhandler(base, MPI_ERRORS_RETURN));
    copies = deletes = 0;
    OK(MPI_Comm_create_keyval(fail_at_first, delete, &fails, NULL));
    OK(MPI_Comm_create_keyval(copy, delete, &good, NULL));
    OK(MPI_Comm_set_attr(base, good, NULL));
    OK(MPI_Comm_set_attr(base, fails, NULL));
    int rc = MPI_Comm_idup(base, &comm[0], &r);
    CHECK(rank ? rc == MPI_SUCCESS : rc == MPI_ERR_IO && r == MPI_REQUEST_NULL);
    CHECK(MPI_Comm_dup(base, &comm[1]) == (rank ? MPI_SUCCESS : MPI_ERR_IO));
    use(base, 7);
    OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
    for (int i = 0; i < 2; i++)
        if (rank)
            OK(MPI_Comm_free(&comm[i]));
        else
            CHECK(comm[i] == MPI_COMM_NULL);
    CHECK(copies == 4 && deletes == (rank ? 4 : 2));
    OK(MPI_Comm_free(&base));
    OK(MPI_Comm_free_keyval(&good));
    OK(MPI_Comm_free_keyval(&fails));
}

/* Whether the communicator uses the hint with that value. */
static int hint(MPI_Comm comm, const char *key, const char *expected)
{
    MPI_Info used;
    char value[128];
    int length = sizeof(value), flag;

    OK(MPI_Comm_get_info(comm, &used));
    OK(MPI_Info_get_string(used, key, &length, value, &flag));
    OK(MPI_Info_free(&used));
    return flag && !strcmp(value, expected);
}

/* What is returned is what is used: unknown hints and values are not, a duplicate has none. */
static void test_hints(void)
{
    MPI_Info info;
    MPI_Comm comm, plain;
    MPI_Request r;

    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "mpi_assert_no_any_tag", "true"));
    OK(MPI_Comm_idup_with_info(MPI_COMM_WORLD, info, &comm, &r));
    OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
    use(comm, 3);
    CHECK(hint(comm, "mpi_assert_no_any_tag", "true"));
    CHECK(hint(comm, "mpi_assert_no_any_source", "false"));
    OK(MPI_Info_set(info, "mpi_assert_no_any_tag", "perhaps"));
    OK(MPI_Info_set(info, "mpi_assert_exact_length", "true"));
    OK(MPI_Info_set(info, "colour", "red"));
    OK(MPI_Comm_set_info(comm, info));
    CHECK(hint(comm, "mpi_assert_no_any_tag", "true"));
    CHECK(hint(comm, "mpi_assert_exact_length", "true"));
    CHECK(!hint(comm, "colour", "red"));
    CHECK(hint(comm, "mpi_memory_alloc_kinds",
               "system,mpi,mpi:alloc_mem,mpi:win_allocate,mpi:win_allocate_shared"));
    OK(MPI_Comm_dup(comm, &plain));
    CHECK(hint(plain, "mpi_assert_no_any_tag", "false"));
    OK(MPI_Comm_free(&plain));
    OK(MPI_Comm_free(&comm));
    OK(MPI_Comm_dup_with_info(MPI_COMM_WORLD, info, &comm));
    use(comm, 4);
    OK(MPI_Comm_free(&comm));
    OK(MPI_Info_free(&info));
}

/* Mistakes that every rank makes, told before anybody waits for anybody. */
static void test_errors(void)
{
    MPI_Comm c, dup, world = MPI_COMM_WORLD, self = MPI_COMM_SELF, null = MPI_COMM_NULL;
    MPI_Group all, own;
    MPI_Request r;

    OK(MPI_Comm_dup(MPI_COMM_WORLD, &c));
    OK(MPI_Comm_set_errhandler(c, MPI_ERRORS_RETURN));
    OK(MPI_Comm_set_errhandler(world, MPI_ERRORS_RETURN));
    OK(MPI_Comm_set_errhandler(self, MPI_ERRORS_RETURN));
    OK(MPI_Comm_group(c, &all));
    OK(MPI_Comm_group(self, &own));
    CHECK(MPI_Comm_dup(c, NULL) == MPI_ERR_ARG);
    CHECK(MPI_Comm_dup_with_info(c, MPI_INFO_NULL, NULL) == MPI_ERR_ARG);
    CHECK(MPI_Comm_idup(c, NULL, &r) == MPI_ERR_ARG && MPI_Comm_idup(c, &dup, NULL) == MPI_ERR_ARG);
    CHECK(MPI_Comm_split(c, 0, 0, NULL) == MPI_ERR_ARG);
    CHECK(MPI_Comm_split(c, -5, 0, &dup) == MPI_ERR_ARG);
    CHECK(MPI_Comm_split_type(c, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, NULL) == MPI_ERR_ARG);
    CHECK(MPI_Comm_split_type(c, 12345, 0, MPI_INFO_NULL, &dup) == MPI_ERR_ARG);
    CHECK(MPI_Comm_create(c, all, NULL) == MPI_ERR_ARG);
    CHECK(MPI_Comm_create(c, MPI_GROUP_NULL, &dup) == MPI_ERR_GROUP);
    CHECK(MPI_Comm_create_group(c, all, 0, NULL) == MPI_ERR_ARG);
    CHECK(MPI_Comm_create_group(c, all, -1, &dup) == MPI_ERR_TAG);
    if (size > 1)
        CHECK(MPI_Comm_create(self, all, &dup) == MPI_ERR_GROUP);
    CHECK(MPI_Comm_free(&world) == MPI_ERR_COMM && MPI_Comm_disconnect(&self) == MPI_ERR_COMM);
    CHECK(MPI_Comm_free(&null) == MPI_ERR_COMM && MPI_Comm_free(NULL) == MPI_ERR_ARG);
    OK(MPI_Group_free(&all));
    OK(MPI_Group_free(&own));
    OK(MPI_Comm_free(&c));
    OK(MPI_Comm_set_errhandler(world, MPI_ERRORS_ARE_FATAL));
    OK(MPI_Comm_set_errhandler(self, MPI_ERRORS_ARE_FATAL));
}

/* Many nonblocking duplications at once, among other collectives, and all of them used. */
static void test_open_many(void)
{
    static MPI_Comm comm[OPEN];
    static MPI_Request r[OPEN];

    for (int i = 0; i < OPEN; i++) {
        OK(MPI_Comm_idup(MPI_COMM_WORLD, &comm[i], &r[i]));
        if (i % 50 == 0)
            use(MPI_COMM_WORLD, i);
    }
    OK(MPI_Waitall(OPEN, r, MPI_STATUSES_IGNORE));
    for (int i = 0; i < OPEN; i++)
        use(comm[i], i);
    for (int i = OPEN - 1; i >= 0; i--)
        OK(MPI_Comm_free(&comm[i]));
}

static long resident_kib(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long pages = 0;

    CHECK(f && fscanf(f, "%*s %ld", &pages) == 1);
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void make_and_free(void)
{
    MPI_Comm comm;

    OK(MPI_Comm_dup(MPI_COMM_WORLD, &comm));
    OK(MPI_Comm_free(&comm));
    OK(MPI_Comm_split(MPI_COMM_WORLD, rank % 2, 0, &comm));
    OK(MPI_Comm_free(&comm));
    test_create();
}

/*
 * What 4 * LOOPS communicators may leave behind: a few bytes each at the most. Sanitizers and
 * valgrind keep freed memory back to catch late uses of it, so only the plain build by itself can
 * tell.
 */
enum { FLAT_KIB = 512, FLAT_KIB_KEPT = 64 * 1024 };

static void test_loops(void)
{
    /* The network's buffers are touched as they are used for the first time. */
    long before, after, most = hosts_is_one() ? FLAT_KIB : 2 * FLAT_KIB;

    if (SANITIZED || getenv("ORIEL_TEST_BRIEFLY"))
        most = FLAT_KIB_KEPT;

    for (int i = 0; i < LOOPS / 10; i++)
        make_and_free();
    before = resident_kib();
    for (int i = 0; i < LOOPS; i++)
        make_and_free();
    after = resident_kib();
    if (after > before + most) {
        fprintf(stderr, "rank %d: %ld KiB before, %ld after %d communicators\n", rank, before,
                after, 4 * LOOPS);
        CHECK(!"memory is flat");
    }
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    CHECK(size <= 64);
    test_attributes();
    test_copy_fails();
    test_split();
    test_create();
    test_hints();
    test_errors();
    test_open_many();
    test_loops();
    return end("comm_make");
}
