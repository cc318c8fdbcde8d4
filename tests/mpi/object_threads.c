/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads that use and change the same objects at once: error handlers, attributes and datatypes,
 * and, before MPI_Init and after MPI_Finalize too, info objects and error codes.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "mpitest.h"

enum { ROUNDS = 1000, THREADS = 4 };

static MPI_Comm comm;

/* Each of the functions in a thread of its own, several times over. */
static void together(void *(*const functions[])(void *), int n)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        CHECK(!pthread_create(&threads[i], NULL, functions[i % n], (void *)(intptr_t)(i + 1)));
    for (int i = 0; i < THREADS; i++)
        CHECK(!pthread_join(threads[i], NULL));
}

/* ---- Error handlers: one thread replaces what the other needs ---- */

static void quiet(MPI_Comm *c, int *error, ...)
{
    (void)c, (void)error;
}

static void *replaces_handler(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        MPI_Errhandler h;
        OK(MPI_Comm_create_errhandler(quiet, &h));
        OK(MPI_Comm_set_errhandler(comm, h));
        OK(MPI_Errhandler_free(&h));
    }
    return arg;
}

static void *needs_handler(void *arg)
{
    int n = 0;

    for (int i = 0; i < ROUNDS; i++) {
        MPI_Errhandler h;
        CHECK(MPI_Send(&n, 1, MPI_INT, 99, 0, comm) == MPI_ERR_RANK);
        OK(MPI_Comm_get_errhandler(comm, &h));
        OK(MPI_Errhandler_free(&h));
    }
    return arg;
}

/* ---- Attributes: every value that was set is deleted once ---- */

static atomic_int balance;
static int keyval;

static int delete (MPI_Comm c, int key, void *value, void *extra)
{
    (void)c, (void)key, (void)extra;
    atomic_fetch_sub(&balance, (int)(intptr_t)value);
    return MPI_SUCCESS;
}

static void *sets_attribute(void *arg)
{
    int flag;
    void *value;

    for (int i = 0; i < ROUNDS; i++) {
        atomic_fetch_add(&balance, (int)(intptr_t)arg);
        OK(MPI_Comm_set_attr(comm, keyval, arg));
        OK(MPI_Comm_get_attr(comm, keyval, &value, &flag));
        CHECK(!flag || ((intptr_t)value >= 1 && (intptr_t)value <= THREADS));
        if (i % 3 == 0)
            OK(MPI_Comm_delete_attr(comm, keyval));
        OK(MPI_Comm_get_attr(comm, MPI_TAG_UB, &value, &flag));
        OK(MPI_Comm_get_attr(comm, MPI_WTIME_IS_GLOBAL, &value, &flag));
    }
    return arg;
}

static void test_attributes(void)
{
    void *(*const set[])(void *) = {sets_attribute};
    void *value;
    int flag;

    OK(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, delete, &keyval, NULL));
    together(set, 1);
    OK(MPI_Comm_delete_attr(comm, keyval));
    OK(MPI_Comm_get_attr(comm, keyval, &value, &flag));
    CHECK(!flag && balance == 0);
    OK(MPI_Comm_free_keyval(&keyval));
}

/* ---- Datatypes: copied while their attributes and holders change ---- */

static MPI_Datatype shared;

static int copy_value(MPI_Datatype t, int key, void *extra, void *in, void *out, int *flag)
{
    (void)t, (void)key, (void)extra;
    atomic_fetch_add(&balance, (int)(intptr_t)in);
    *(void **)out = in;
    *flag = 1;
    return MPI_SUCCESS;
}

static int delete_value(MPI_Datatype t, int key, void *value, void *extra)
{
    (void)t;
    return delete (comm, key, value, extra);
}

static void *sets_type_attribute(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        atomic_fetch_add(&balance, (int)(intptr_t)arg);
        OK(MPI_Type_set_attr(shared, keyval, arg));
        OK(MPI_Type_commit(&shared));
    }
    return arg;
}

static void *copies_type(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        MPI_Datatype t;
        int n;

        OK(MPI_Type_dup(shared, &t));
        OK(MPI_Type_size(t, &n));
        CHECK(n == 2 * (int)sizeof(int));
        OK(MPI_Type_free(&t));
    }
    return arg;
}

static void test_types(void)
{
    void *(*const functions[])(void *) = {sets_type_attribute, copies_type};

    OK(MPI_Type_create_keyval(copy_value, delete_value, &keyval, NULL));
    OK(MPI_Type_contiguous(2, MPI_INT, &shared));
    OK(MPI_Type_commit(&shared));
    together(functions, 2);
    OK(MPI_Type_free(&shared));
    CHECK(balance == 0);
    OK(MPI_Type_free_keyval(&keyval));
}

/* ---- Info objects and error codes: at any time ---- */

static MPI_Info info;

static void *any_time(void *arg)
{
    char key[16], value[16];
    int flag, length, class, code, got;

    snprintf(key, sizeof key, "key %d", (int)(intptr_t)arg);
    for (int i = 0; i < ROUNDS / 4; i++) {
        snprintf(value, sizeof value, "%d", i);
        OK(MPI_Info_set(info, key, value));
        length = sizeof value;
        OK(MPI_Info_get_string(info, key, &length, value, &flag));
        CHECK(flag && atoi(value) == i);
        OK(MPI_Info_set(info, "all", key));
        OK(MPI_Add_error_class(&class));
        OK(MPI_Add_error_code(class, &code));
        OK(MPI_Add_error_string(code, key));
        OK(MPI_Error_class(code, &got));
        CHECK(got == class);
        OK(MPI_Remove_error_string(code));
        OK(MPI_Remove_error_code(code));
        OK(MPI_Remove_error_class(class));
    }
    return arg;
}

static void test_any_time(void)
{
    void *(*const functions[])(void *) = {any_time};
    int n;

    OK(MPI_Info_create(&info));
    together(functions, 1);
    OK(MPI_Info_get_nkeys(info, &n));
    CHECK(n == THREADS + 1);
    OK(MPI_Info_free(&info));
}

int main(int argc, char **argv)
{
    void *(*const handlers[])(void *) = {replaces_handler, needs_handler};
    int level;

    test_any_time();
    OK(MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level));
    OK(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
    OK(MPI_Comm_size(MPI_COMM_WORLD, &size));
    OK(MPI_Comm_dup(MPI_COMM_SELF, &comm));
    OK(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN));
    together(handlers, 2);
    test_attributes();
    test_types();
    test_any_time();
    OK(MPI_Comm_free(&comm));
    end("object_threads");
    test_any_time();
    return 0;
}
