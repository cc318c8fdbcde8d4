/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes: callbacks are called when they should be, with what they should get, and may call in.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/object/attr.h"
#include "core/object/err.h"

typedef void fn(void);

static struct attrs a, b;
static void *const handle_a = (void *)0xa, *const handle_b = (void *)0xb;

/* What the callbacks saw. */
static int deletes, copies;
static intptr_t deleted[64];
static void *last_handle, *last_state;

static int delete_comm(MPI_Comm comm, int keyval, void *value, void *state)
{
    (void)keyval;
    last_handle = comm;
    last_state = state;
    deleted[deletes++] = (intptr_t)value;
    return MPI_SUCCESS;
}

static int delete_fails(MPI_Comm comm, int keyval, void *value, void *state)
{
    delete_comm(comm, keyval, value, state);
    return MPI_ERR_OTHER;
}

static int copy_next(MPI_Comm comm, int keyval, void *state, void *in, void *out, int *flag)
{
    (void)keyval;
    last_handle = comm;
    last_state = state;
    copies++;
    *(void **)out = (void *)((intptr_t)in + 1);
    *flag = (intptr_t)in != 13; /* this one stays */
    return (intptr_t)in == 99 ? MPI_ERR_ARG : MPI_SUCCESS;
}

static int new_key(fn *copy, fn *delete)
{
    int keyval;

    cr_assert_eq(attr_key_create(OBJECT_COMM, copy, delete, (void *)0x57, &keyval), MPI_SUCCESS);
    return keyval;
}

static int set(struct attrs *at, int keyval, intptr_t value)
{
    return attr_set(at, OBJECT_COMM, at == &a ? handle_a : handle_b, keyval, (void *)value);
}

/* The value, or -1 where there is none. */
static intptr_t get(struct attrs *at, int keyval)
{
    void *value;
    bool found;

    cr_assert_eq(attr_get(at, OBJECT_COMM, keyval, &value, &found), MPI_SUCCESS);
    return found ? (intptr_t)value : -1;
}

Test(attr, set_get_delete)
{
    int k = new_key(NULL, (fn *)delete_comm), k2 = new_key(NULL, NULL);

    cr_expect_eq(get(&a, k), -1);
    cr_expect_eq(set(&a, k, 5), MPI_SUCCESS);
    cr_expect_eq(set(&a, k2, 6), MPI_SUCCESS);
    cr_expect_eq(get(&a, k), 5);
    cr_expect_eq(set(&a, k, 7), MPI_SUCCESS, "replaces");
    cr_expect_eq(deletes, 1);
    cr_expect_eq(deleted[0], 5);
    cr_expect_eq(last_handle, handle_a);
    cr_expect_eq(last_state, (void *)0x57);
    cr_expect_eq(attr_delete(&a, OBJECT_COMM, handle_a, k), MPI_SUCCESS);
    cr_expect_eq(deleted[1], 7);
    cr_expect_eq(get(&a, k), -1);
    cr_expect_eq(get(&a, k2), 6);
    cr_expect_eq(attr_delete(&a, OBJECT_COMM, handle_a, k), MPI_SUCCESS, "nothing there");
    cr_expect_eq(deletes, 2);
}

Test(attr, last_in_first_out)
{
    int keys[10];

    for (int i = 0; i < 10; i++) {
        keys[i] = new_key(NULL, (fn *)delete_comm);
        set(&a, keys[i], i);
    }
    set(&a, keys[3], 33); /* set anew: the newest now */
    deletes = 0;
    cr_expect_eq(attr_delete_all(&a, OBJECT_COMM, handle_a), MPI_SUCCESS);
    intptr_t order[] = {33, 9, 8, 7, 6, 5, 4, 2, 1, 0};
    cr_assert_eq(deletes, 10);
    for (int i = 0; i < 10; i++)
        cr_expect_eq(deleted[i], order[i], "deletion %d is of %ld", i, deleted[i]);
    cr_expect_null(a.first);
}

Test(attr, copies)
{
    int none = new_key((fn *)MPI_COMM_NULL_COPY_FN, NULL),
        dup = new_key((fn *)MPI_COMM_DUP_FN, NULL), next = new_key((fn *)copy_next, NULL),
        stays = new_key((fn *)copy_next, NULL);

    set(&a, none, 1);
    set(&a, dup, 2);
    set(&a, next, 3);
    set(&a, stays, 13);
    cr_expect_eq(attr_copy_all(&a, OBJECT_COMM, handle_a, &b), MPI_SUCCESS);
    cr_expect_eq(copies, 2);
    cr_expect_eq(last_handle, handle_a);
    cr_expect_eq(get(&b, none), -1);
    cr_expect_eq(get(&b, dup), 2);
    cr_expect_eq(get(&b, next), 4);
    cr_expect_eq(get(&b, stays), -1, "flag was false");
    cr_expect_eq(get(&a, next), 3);
}

Test(attr, a_copy_that_fails)
{
    int first = new_key((fn *)MPI_COMM_DUP_FN, (fn *)delete_comm),
        bad = new_key((fn *)copy_next, NULL), last = new_key((fn *)MPI_COMM_DUP_FN, NULL);

    set(&a, first, 1);
    set(&a, bad, 99);
    set(&a, last, 2);
    cr_expect_eq(attr_copy_all(&a, OBJECT_COMM, handle_a, &b), MPI_ERR_ARG);
    cr_expect_eq(get(&b, first), 1);
    cr_expect_eq(get(&b, last), -1, "in the order in which they were set");
    cr_expect_eq(attr_delete_all(&b, OBJECT_COMM, handle_b), MPI_SUCCESS);
    cr_expect_eq(deletes, 1);
    cr_expect_eq(last_handle, handle_b);
}

Test(attr, a_delete_that_fails)
{
    int bad = new_key(NULL, (fn *)delete_fails), good = new_key(NULL, (fn *)delete_comm);

    set(&a, bad, 1);
    set(&a, good, 2);
    cr_expect_eq(attr_delete(&a, OBJECT_COMM, handle_a, bad), MPI_ERR_OTHER);
    cr_expect_eq(get(&a, bad), 1, "it is still there");
    cr_expect_eq(set(&a, bad, 3), MPI_ERR_OTHER);
    cr_expect_eq(get(&a, bad), 1);
    cr_expect_eq(attr_delete_all(&a, OBJECT_COMM, handle_a), MPI_ERR_OTHER);
    cr_expect_eq(get(&a, bad), 1);
}

Test(attr, clear_calls_all)
{
    int k = new_key(NULL, (fn *)delete_comm), bad = new_key(NULL, (fn *)delete_fails);

    set(&a, k, 1);
    set(&a, bad, 2);
    cr_expect_eq(attr_clear(&a, handle_a), MPI_ERR_OTHER);
    cr_expect_eq(deletes, 2);
    cr_expect_eq(deleted[1], 1);
    cr_expect(!a.first);
    cr_expect_eq(attr_clear(&a, handle_a), MPI_SUCCESS);
}

Test(attr, keys_outlive_their_freeing)
{
    int k = new_key((fn *)copy_next, (fn *)delete_comm);

    set(&a, k, 1);
    cr_expect_eq(attr_key_free(OBJECT_COMM, k), MPI_SUCCESS);
    cr_expect_eq(attr_key_free(OBJECT_COMM, k), MPI_SUCCESS, "again, which does nothing");
    cr_expect_eq(get(&a, k), 1, "it serves");
    cr_expect_eq(attr_copy_all(&a, OBJECT_COMM, handle_a, &b), MPI_SUCCESS);
    cr_expect_eq(copies, 1, "the copy function is still called");
    attr_delete_all(&a, OBJECT_COMM, handle_a);
    attr_delete_all(&b, OBJECT_COMM, handle_b);
    cr_expect_eq(deletes, 2, "and so is the delete function");
    /* Now the place is free; its next key has another number. */
    int next = new_key(NULL, NULL);
    cr_expect_neq(next, k);
    cr_expect_eq(set(&a, k, 1), MPI_ERR_KEYVAL);
    cr_expect_eq(attr_key_free(OBJECT_COMM, k), MPI_ERR_KEYVAL);
    cr_expect_eq(set(&a, next, 1), MPI_SUCCESS);
}

Test(attr, wrong_keys)
{
    int k = new_key(NULL, NULL), w;
    int wrong[] = {MPI_KEYVAL_INVALID, -1, MPI_TAG_UB, MPI_WIN_BASE, 4711, k + 1, 0x7fffffff};
    void *value;
    bool found;

    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_expect_eq(set(&a, wrong[i], 1), MPI_ERR_KEYVAL, "%d", wrong[i]);
        cr_expect_eq(attr_get(&a, OBJECT_COMM, wrong[i], &value, &found), MPI_ERR_KEYVAL);
        cr_expect_eq(attr_delete(&a, OBJECT_COMM, handle_a, wrong[i]), MPI_ERR_KEYVAL);
        cr_expect_eq(attr_key_free(OBJECT_COMM, wrong[i]), MPI_ERR_KEYVAL);
    }
    attr_key_create(OBJECT_WIN, NULL, NULL, NULL, &w);
    cr_expect_eq(set(&a, w, 1), MPI_ERR_KEYVAL, "a key for windows");
    cr_expect_not_null(err_detail(MPI_ERR_KEYVAL));
}

Test(attr, many_keys)
{
    enum { MANY = 20000 };
    int *keys = malloc(MANY * sizeof(*keys));

    for (int i = 0; i < MANY; i++)
        keys[i] = new_key(NULL, NULL);
    for (int i = 0; i < MANY; i += 2)
        attr_key_free(OBJECT_COMM, keys[i]);
    for (int i = 0; i < MANY; i++)
        cr_assert_eq(attr_delete(&a, OBJECT_COMM, handle_a, keys[i]),
                     i % 2 ? MPI_SUCCESS : MPI_ERR_KEYVAL);
    free(keys);
}

/* A delete function that uses attributes of the same object, and makes keys. */
static int helper_key;

static int delete_calls_in(MPI_Comm comm, int keyval, void *value, void *state)
{
    (void)value;
    (void)state;
    cr_expect_eq(get(&a, keyval), -1, "it is gone already");
    cr_expect_eq(set(&a, helper_key, 77), MPI_SUCCESS);
    for (int i = 0; i < 100; i++)
        new_key(NULL, NULL);
    last_handle = comm;
    return MPI_SUCCESS;
}

Test(attr, callbacks_may_call_in)
{
    int k = new_key(NULL, (fn *)delete_calls_in);

    helper_key = new_key(NULL, (fn *)delete_comm);
    set(&a, k, 1);
    cr_expect_eq(attr_delete(&a, OBJECT_COMM, handle_a, k), MPI_SUCCESS);
    cr_expect_eq(get(&a, helper_key), 77);
    set(&a, k, 1);
    cr_expect_eq(attr_delete_all(&a, OBJECT_COMM, handle_a), MPI_SUCCESS);
    cr_expect_null(a.first, "what the callback set is gone as well");
}

static void *churn(void *arg)
{
    int k = *(int *)arg, mine;

    for (intptr_t i = 1; i <= 5000; i++) {
        attr_key_create(OBJECT_COMM, NULL, NULL, NULL, &mine);
        if (attr_set(&a, OBJECT_COMM, handle_a, mine, (void *)i) ||
            attr_set(&a, OBJECT_COMM, handle_a, k, (void *)i) || get(&a, mine) != i ||
            attr_delete(&a, OBJECT_COMM, handle_a, mine) || attr_key_free(OBJECT_COMM, mine))
            return "wrong";
    }
    return NULL;
}

Test(attr, threads)
{
    pthread_t threads[4];
    int k = new_key(NULL, NULL);
    void *what;

    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, churn, &k);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &what);
        cr_expect_null(what);
    }
    cr_expect_eq(get(&a, k), 5000);
    attr_delete_all(&a, OBJECT_COMM, handle_a);
    cr_expect_null(a.first);
}
