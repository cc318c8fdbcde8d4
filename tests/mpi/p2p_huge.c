/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages past 4 GiB and counts past 2^31, from rank 0 to rank 1. Needs twice the bytes in memory,
 * so it is no part of `make check` but of `make check-large`.
 *
 * p2p_huge.mpi [MEBIBYTES]: of the longest message; 5120 is the full size.
 */
#include <stdint.h>

#include "tests/mpi/mpitest.h"

static size_t most = (size_t)5120 << 20; /* bytes */
static char *buf;

/* Eight bytes each that tell where they stand. */
static uint64_t word(size_t i)
{
    return (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static void set(size_t len)
{
    uint64_t *w = (uint64_t *)buf;

    for (size_t i = 0; i < len / 8; i++)
        w[i] = word(i);
    for (size_t i = len / 8 * 8; i < len; i++)
        buf[i] = (char)i;
}

static void check(size_t len)
{
    const uint64_t *w = (const uint64_t *)buf;

    for (size_t i = 0; i < len / 8; i++)
        CHECK(w[i] == word(i));
    for (size_t i = len / 8 * 8; i < len; i++)
        CHECK(buf[i] == (char)i);
}

static void say(const char *what, size_t len, double seconds)
{
    printf("p2p_huge: %s, %zu bytes: %.1f s, %.0f MB/s\n", what, len, seconds,
           (double)len / seconds / 1e6);
}

/* The whole of it in one call; the receive is there before or after. */
static void whole(size_t len, MPI_Datatype type, MPI_Count count, int early, const char *what)
{
    MPI_Count n = -1;
    MPI_Request r;
    MPI_Status s;
    int small;

    if (rank == 0)
        set(len);
    if (rank == 1)
        memset(buf, 0, len);
    if (rank == 1 && early)
        OK(MPI_Irecv_c(buf, count, type, 0, 1, MPI_COMM_WORLD, &r));
    OK(MPI_Barrier(MPI_COMM_WORLD));
    double start = MPI_Wtime();
    if (rank == 0)
        OK(MPI_Send_c(buf, count, type, 1, 1, MPI_COMM_WORLD));
    if (rank == 1) {
        if (early) {
            OK(MPI_Wait(&r, &s));
        } else {
            OK(MPI_Probe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &s));
            CHECK(says(&s, 0, 1, type, count));
            OK(MPI_Recv_c(buf, count, type, MPI_ANY_SOURCE, 1, MPI_COMM_WORLD, &s));
        }
        say(what, len, MPI_Wtime() - start);
        CHECK(says(&s, 0, 1, type, count) && s.MPI_TAG == 1);
        OK(MPI_Get_elements_c(&s, MPI_BYTE, &n));
        CHECK(n == (MPI_Count)len);
        OK(MPI_Get_count(&s, MPI_BYTE, &small));
        CHECK(small == (len > INT32_MAX ? MPI_UNDEFINED : (int)len));
        check(len);
    }
}

/* A receive with less room: what fits is there, and nothing behind it is touched. */
static void cut(size_t len)
{
    MPI_Count room = (MPI_Count)(len - len / 8 - 3), n = -1;
    MPI_Status s;
    int class;

    if (rank == 0) {
        set(len);
        OK(MPI_Send_c(buf, (MPI_Count)len, MPI_BYTE, 1, 2, MPI_COMM_WORLD));
    }
    if (rank != 1)
        return;
    memset(buf, 'x', len);
    OK(MPI_Error_class(MPI_Recv_c(buf, room, MPI_BYTE, 0, 2, MPI_COMM_WORLD, &s), &class));
    CHECK(class == MPI_ERR_TRUNCATE);
    OK(MPI_Get_count_c(&s, MPI_BYTE, &n));
    CHECK(n == room);
    for (size_t i = 0; i < (size_t)room / 8; i++)
        CHECK(((uint64_t *)buf)[i] == word(i));
    for (size_t i = (size_t)room; i < len; i++)
        CHECK(buf[i] == 'x');
}

/* Every other byte of the buffer at one end, all of it at the other. */
static void scattered(size_t len, int sender_scatters)
{
    MPI_Datatype every_other;
    MPI_Count n = (MPI_Count)len;
    MPI_Status s;

    OK(MPI_Type_create_resized(MPI_BYTE, 0, 2, &every_other));
    OK(MPI_Type_commit(&every_other));
    OK(MPI_Barrier(MPI_COMM_WORLD));
    double start = MPI_Wtime();
    if (rank == 0) {
        for (size_t i = 0; i < len; i++)
            buf[sender_scatters ? 2 * i : i] = (char)(i * 7 + i / 251);
        OK(MPI_Send_c(buf, n, sender_scatters ? every_other : MPI_BYTE, 1, 3, MPI_COMM_WORLD));
    }
    if (rank == 1) {
        memset(buf, 'x', sender_scatters ? len : 2 * len);
        OK(MPI_Recv_c(buf, n, sender_scatters ? MPI_BYTE : every_other, 0, 3, MPI_COMM_WORLD, &s));
        say(sender_scatters ? "every other byte sent" : "every other byte received", len,
            MPI_Wtime() - start);
        CHECK(says(&s, 0, 3, MPI_BYTE, n));
        for (size_t i = 0; i < len; i++) {
            CHECK(buf[sender_scatters ? i : 2 * i] == (char)(i * 7 + i / 251));
            CHECK(sender_scatters || buf[2 * i + 1] == 'x');
        }
    }
    OK(MPI_Type_free(&every_other));
}

int main(int argc, char **argv)
{
    MPI_Datatype kib;

    begin(&argc, &argv);
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    if (argc > 1)
        most = strtoul(argv[1], NULL, 10) << 20;
    size_t half = most / 5 * 2 + 16; /* of the full size: 2^31 + 16 */
    buf = rank < 2 ? malloc(most) : NULL;
    CHECK(rank > 1 || buf);
    if (size > 1) {
        whole(most, MPI_BYTE, (MPI_Count)most, 0, "bytes, unexpected");
        whole(most, MPI_BYTE, (MPI_Count)most, 1, "bytes, expected");
        OK(MPI_Type_contiguous(1024, MPI_BYTE, &kib));
        OK(MPI_Type_commit(&kib));
        whole(most, kib, (MPI_Count)(most / 1024), 1, "items of 1 KiB");
        OK(MPI_Type_free(&kib));
        whole(half, MPI_CHAR, (MPI_Count)half, 0, "2^31 + 16 elements");
        whole(half, MPI_CHAR, (MPI_Count)half, 1, "2^31 + 16 elements, expected");
        cut(half);
        scattered(half, 1);
        scattered(half, 0);
    }
    free(buf);
    return end("p2p_huge");
}
