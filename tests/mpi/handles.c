/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Handles that are not what a call needs: freed ones, those of other classes, null ones, numbers
 * that nobody ever gave out. Each is told with its class of error, and nothing crashes. And handles
 * as integers.
 */
#include <stdint.h>

#include "mpitest.h"

/* One handle of each class, live or freed, by the place of the class in the table below. */
static void *live[16], *freed[16];
/* Sends that are complete at once may share a request, which is never freed. */
static void *sent;

static int n, flag, len;
static MPI_Count count;
static void *any;

/* Calls on a handle, with every other argument right. */
static int comm_1(void *h)
{
    return MPI_Comm_rank(h, &n);
}
static int comm_2(void *h)
{
    return MPI_Comm_test_inter(h, &flag);
}
static int comm_3(void *h)
{
    return MPI_Barrier(h);
}
static int comm_4(void *h)
{
    return MPI_Send(&n, 1, MPI_INT, 0, 0, h);
}
static int comm_5(void *h)
{
    return MPI_Comm_get_attr(h, MPI_TAG_UB, &any, &flag);
}
static int comm_6(void *h)
{
    return MPI_Comm_free((MPI_Comm *)&h);
}
static int comm_7(void *h)
{
    return MPI_Comm_dup(h, (MPI_Comm *)&any);
}
static int comm_8(void *h)
{
    return MPI_Comm_set_errhandler(h, MPI_ERRORS_RETURN);
}
static int group_1(void *h)
{
    return MPI_Group_size(h, &n);
}
static int group_2(void *h)
{
    return MPI_Group_union(h, MPI_GROUP_EMPTY, (MPI_Group *)&any);
}
static int group_3(void *h)
{
    return MPI_Group_free((MPI_Group *)&h);
}
static int group_4(void *h)
{
    return MPI_Comm_create(MPI_COMM_SELF, h, (MPI_Comm *)&any);
}
static int type_1(void *h)
{
    return MPI_Type_size(h, &n);
}
static int type_2(void *h)
{
    return MPI_Send(&n, 1, h, 0, 0, MPI_COMM_SELF);
}
static int type_3(void *h)
{
    return MPI_Type_free((MPI_Datatype *)&h);
}
static int type_4(void *h)
{
    return MPI_Type_contiguous(2, h, (MPI_Datatype *)&any);
}
static int type_5(void *h)
{
    return MPI_Type_size_c(h, &count);
}
static int op_1(void *h)
{
    return MPI_Op_free((MPI_Op *)&h);
}
static int op_2(void *h)
{
    return MPI_Op_commutative(h, &n);
}
static int op_3(void *h)
{
    return MPI_Allreduce(&n, &len, 1, MPI_INT, h, MPI_COMM_SELF);
}
static int info_1(void *h)
{
    return MPI_Info_get_nkeys(h, &n);
}
static int info_2(void *h)
{
    return MPI_Info_set(h, "key", "value");
}
static int info_3(void *h)
{
    return MPI_Info_free((MPI_Info *)&h);
}
static int errhandler_1(void *h)
{
    return MPI_Comm_set_errhandler(MPI_COMM_SELF, h);
}
static int errhandler_2(void *h)
{
    return MPI_Errhandler_free((MPI_Errhandler *)&h);
}
static int request_1(void *h)
{
    return MPI_Cancel((MPI_Request *)&h);
}
static int request_2(void *h)
{
    return MPI_Request_free((MPI_Request *)&h);
}
static int request_3(void *h)
{
    return MPI_Start((MPI_Request *)&h);
}
static int win_1(void *h)
{
    return MPI_Win_fence(0, h);
}
static int win_2(void *h)
{
    return MPI_Win_get_group(h, (MPI_Group *)&any);
}
static int win_3(void *h)
{
    return MPI_Win_free((MPI_Win *)&h);
}
static int win_4(void *h)
{
    return MPI_Put(&n, 1, MPI_INT, 0, 0, 1, MPI_INT, h);
}
static int session_1(void *h)
{
    return MPI_Session_get_num_psets(h, MPI_INFO_NULL, &n);
}
static int session_2(void *h)
{
    return MPI_Session_finalize((MPI_Session *)&h);
}
static int message_1(void *h)
{
    return MPI_Mrecv(&n, 1, MPI_INT, (MPI_Message *)&h, MPI_STATUS_IGNORE);
}

enum { MOST_CALLS = 8 };

static const struct {
    int class;
    uintptr_t null;
    int (*call[MOST_CALLS])(void *h);
} classes[] = {
    {MPI_ERR_COMM,
     (uintptr_t)MPI_COMM_NULL,
     {comm_1, comm_2, comm_3, comm_4, comm_5, comm_6, comm_7, comm_8}},
    {MPI_ERR_GROUP, (uintptr_t)MPI_GROUP_NULL, {group_1, group_2, group_3, group_4}},
    {MPI_ERR_TYPE, (uintptr_t)MPI_DATATYPE_NULL, {type_1, type_2, type_3, type_4, type_5}},
    {MPI_ERR_OP, (uintptr_t)MPI_OP_NULL, {op_1, op_2, op_3}},
    {MPI_ERR_INFO, (uintptr_t)MPI_INFO_NULL, {info_1, info_2, info_3}},
    {MPI_ERR_ERRHANDLER, (uintptr_t)MPI_ERRHANDLER_NULL, {errhandler_1, errhandler_2}},
    {MPI_ERR_REQUEST, (uintptr_t)MPI_REQUEST_NULL, {request_1, request_2, request_3}},
    {MPI_ERR_WIN, (uintptr_t)MPI_WIN_NULL, {win_1, win_2, win_3, win_4}},
    {MPI_ERR_SESSION, (uintptr_t)MPI_SESSION_NULL, {session_1, session_2}},
    {MPI_ERR_REQUEST, (uintptr_t)MPI_MESSAGE_NULL, {message_1}},
};

enum { CLASSES = sizeof(classes) / sizeof(classes[0]), MESSAGE = CLASSES - 1 };

static void sum(void *in, void *inout, int *length, MPI_Datatype *type)
{
    (void)in, (void)inout, (void)length, (void)type;
}

static void handler(MPI_Comm *comm, int *code, ...)
{
    (void)comm, (void)code;
}

/* Makes one handle of each class. */
static void make(void *h[])
{
    MPI_Request send;

    OK(MPI_Comm_dup(MPI_COMM_SELF, (MPI_Comm *)&h[0]));
    OK(MPI_Comm_group(MPI_COMM_SELF, (MPI_Group *)&h[1]));
    OK(MPI_Type_contiguous(3, MPI_INT, (MPI_Datatype *)&h[2]));
    OK(MPI_Op_create(sum, 1, (MPI_Op *)&h[3]));
    OK(MPI_Info_create((MPI_Info *)&h[4]));
    OK(MPI_Comm_create_errhandler(handler, (MPI_Errhandler *)&h[5]));
    OK(MPI_Recv_init(&n, 1, MPI_INT, 0, 7, MPI_COMM_SELF, (MPI_Request *)&h[6]));
    OK(MPI_Win_create(&n, sizeof n, 1, MPI_INFO_NULL, MPI_COMM_SELF, (MPI_Win *)&h[7]));
    OK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, (MPI_Session *)&h[8]));
    OK(MPI_Isend(&n, 1, MPI_INT, 0, 9, MPI_COMM_SELF, &send));
    sent = send;
    OK(MPI_Mprobe(0, 9, MPI_COMM_SELF, (MPI_Message *)&h[MESSAGE], MPI_STATUS_IGNORE));
    OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
}

static void end_all(void *const h[])
{
    void *copy[16];

    memcpy(copy, h, sizeof copy);
    OK(MPI_Comm_free((MPI_Comm *)&copy[0]));
    OK(MPI_Group_free((MPI_Group *)&copy[1]));
    OK(MPI_Type_free((MPI_Datatype *)&copy[2]));
    OK(MPI_Op_free((MPI_Op *)&copy[3]));
    OK(MPI_Info_free((MPI_Info *)&copy[4]));
    OK(MPI_Errhandler_free((MPI_Errhandler *)&copy[5]));
    OK(MPI_Request_free((MPI_Request *)&copy[6]));
    OK(MPI_Win_free((MPI_Win *)&copy[7]));
    OK(MPI_Session_finalize((MPI_Session *)&copy[8]));
    OK(MPI_Mrecv(&n, 1, MPI_INT, (MPI_Message *)&copy[MESSAGE], MPI_STATUS_IGNORE));
}

/* Every call of the class on a handle that is none of it. */
static void refused(int class, void *h, const char *what)
{
    for (int i = 0; i < MOST_CALLS && classes[class].call[i]; i++) {
        int rc = classes[class].call[i](h), got = MPI_SUCCESS;

        if (rc)
            OK(MPI_Error_class(rc, &got));
        if (got == classes[class].class)
            continue;
        fprintf(stderr, "class %d, call %d, %s handle %p: error class %d, not %d\n", class, i, what,
                h, got, classes[class].class);
        CHECK(!"the handle is refused");
    }
}

/* Numbers near those that are given out: another generation, place or class, and any others. */
static void test_numbers(int class)
{
    uintptr_t base = (uintptr_t)live[class];

    for (int bit = 0; bit < 64; bit++)
        if ((void *)(base ^ (uintptr_t)1 << bit) != sent)
            refused(class, (void *)(base ^ (uintptr_t)1 << bit), "altered");
    srand48(class);
    for (int i = 0; i < 1000; i++)
        refused(class, (void *)((uintptr_t)lrand48() << 32 ^ (uintptr_t)lrand48()), "random");
}

static void test_class(int class)
{
    /* A null request or message is no error in some calls; their own tests know. */
    if (class != 6 && class != MESSAGE)
        refused(class, (void *)classes[class].null, "null");
    refused(class, freed[class], "freed");
    for (int other = 0; other < CLASSES; other++)
        if (other != class) {
            refused(class, live[other], "foreign");
            refused(class, freed[other], "foreign freed");
        }
    test_numbers(class);
}

/* ---- As integers (20.4) ---- */

#define BOTH(Name)                                                                                 \
    (int (*)(void *))(void (*)(void)) MPI_##Name##_toint,                                          \
        (void *(*)(int))(void (*)(void))MPI_##Name##_fromint

static const struct {
    int place; /* in `live`, -1 for a class of which nothing is live */
    uintptr_t predefined[2];
    int (*to)(void *h);
    void *(*from)(int number);
} conversions[] = {
    {0, {(uintptr_t)MPI_COMM_NULL, (uintptr_t)MPI_COMM_WORLD}, BOTH(Comm)},
    {1, {(uintptr_t)MPI_GROUP_NULL, (uintptr_t)MPI_GROUP_EMPTY}, BOTH(Group)},
    {2, {(uintptr_t)MPI_DATATYPE_NULL, (uintptr_t)MPI_DOUBLE}, BOTH(Type)},
    {3, {(uintptr_t)MPI_OP_NULL, (uintptr_t)MPI_SUM}, BOTH(Op)},
    {4, {(uintptr_t)MPI_INFO_NULL, (uintptr_t)MPI_INFO_ENV}, BOTH(Info)},
    {5, {(uintptr_t)MPI_ERRHANDLER_NULL, (uintptr_t)MPI_ERRORS_RETURN}, BOTH(Errhandler)},
    {6, {(uintptr_t)MPI_REQUEST_NULL, (uintptr_t)MPI_REQUEST_NULL}, BOTH(Request)},
    {7, {(uintptr_t)MPI_WIN_NULL, (uintptr_t)MPI_WIN_NULL}, BOTH(Win)},
    {8, {(uintptr_t)MPI_SESSION_NULL, (uintptr_t)MPI_SESSION_NULL}, BOTH(Session)},
    {MESSAGE, {(uintptr_t)MPI_MESSAGE_NULL, (uintptr_t)MPI_MESSAGE_NO_PROC}, BOTH(Message)},
    {-1, {(uintptr_t)MPI_FILE_NULL, (uintptr_t)MPI_FILE_NULL}, BOTH(File)},
};

/* Predefined handles are their own numbers; others have numbers that none of these is. */
static void test_integers(void)
{
    for (unsigned i = 0; i < sizeof conversions / sizeof conversions[0]; i++) {
        int (*to)(void *) = conversions[i].to;
        void *(*from)(int) = conversions[i].from;

        for (int k = 0; k < 2; k++) {
            uintptr_t h = conversions[i].predefined[k];

            CHECK(h && to((void *)h) == (int)h && from((int)h) == (void *)h);
        }
        CHECK(!from(-1) && !from(1 << 30));
        if (conversions[i].place < 0)
            continue;
        void *h = live[conversions[i].place];
        CHECK(to(h) >= 4096 && from(to(h)) == h);
    }
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    make(freed);
    end_all(freed);
    make(live); /* in the same places of the tables */
    for (int class = 0; class < CLASSES; class ++)
        test_class(class);
    test_integers();
    end_all(live);
    return end("handles");
}
