/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Attributes of communicators, datatypes and windows: what callbacks get and when they are called,
 * their errors, the order of deletion, and callbacks that call MPI. The same cases run on each kind
 * of object; only communicators and datatypes can be duplicated.
 */
#include <stdint.h>

#include "mpitest.h"

/* The calls of one kind of object, by handles as pointers. */
struct kind {
    const char *name;
    int (*key)(int (*copy)(void *, int, void *, void *, void *, int *),
               int (*delete)(void *, int, void *, void *), int *keyval, void *extra);
    int (*free_key)(int *keyval);
    int (*set)(void *handle, int keyval, void *value);
    int (*get)(void *handle, int keyval, void *value, int *flag);
    int (*delete)(void *handle, int keyval);
    int (*make)(void **handle);
    int (*dup)(void *handle, void **copy); /* NULL: there is no such call */
    int (*free)(void **handle);
    int predefined; /* a key that the program may not set */
    void *null;     /* the handle of none */
};

static const struct kind *kind;

/* ---- What callbacks see ---- */

enum { MOST = 64 };

static int deletes, copies, delete_fails;
static intptr_t deleted[MOST];
static void *seen_handle, *seen_extra;
static int seen_key;

static int copy(void *old, int keyval, void *extra, void *in, void *out, int *flag)
{
    seen_handle = old;
    seen_key = keyval;
    seen_extra = extra;
    copies++;
    *(void **)out = (char *)in + 1;
    *flag = (intptr_t)in != 13; /* this one is not copied */
    return MPI_SUCCESS;
}

static int delete (void *handle, int keyval, void *value, void *extra)
{
    seen_handle = handle;
    seen_key = keyval;
    seen_extra = extra;
    CHECK(deletes < MOST);
    deleted[deletes++] = (intptr_t)value;
    return delete_fails ? MPI_ERR_IO : MPI_SUCCESS;
}

static void forget(void)
{
    deletes = copies = delete_fails = 0;
}

static int saw(void *handle, int keyval)
{
    return seen_handle == handle && seen_key == keyval && seen_extra == &copies;
}

static int key(void)
{
    int keyval = MPI_KEYVAL_INVALID;

    OK(kind->key(copy, delete, &keyval, &copies));
    CHECK(keyval != MPI_KEYVAL_INVALID);
    return keyval;
}

static void *made(void)
{
    void *handle;

    OK(kind->make(&handle));
    return handle;
}

/* The value, or -1 where there is none. */
static intptr_t value(void *handle, int keyval)
{
    void *v = (void *)-2;
    int flag = -1;

    OK(kind->get(handle, keyval, &v, &flag));
    CHECK(flag ? v != (void *)-2 : v == (void *)-2);
    return flag ? (intptr_t)v : -1;
}

/* ---- The cases ---- */

static void test_set_and_delete(void)
{
    void *h = made();
    int k = key();

    forget();
    CHECK(value(h, k) == -1);
    OK(kind->set(h, k, (void *)1));
    CHECK(value(h, k) == 1 && deletes == 0);
    OK(kind->set(h, k, (void *)2)); /* the old value is deleted */
    CHECK(value(h, k) == 2 && deletes == 1 && deleted[0] == 1 && saw(h, k));
    OK(kind->delete (h, k));
    CHECK(value(h, k) == -1 && deletes == 2 && deleted[1] == 2);
    OK(kind->delete (h, k)); /* nothing there */
    CHECK(deletes == 2);
    OK(kind->set(h, k, NULL));
    CHECK(value(h, k) == 0);
    OK(kind->free(&h));
    CHECK(deletes == 3);
    OK(kind->free_key(&k));
    CHECK(k == MPI_KEYVAL_INVALID);
}

/* The last that was set goes first, a value that was replaced counting as set anew. */
static void test_order(void)
{
    void *h = made();
    int k[5];

    forget();
    for (int i = 0; i < 5; i++) {
        k[i] = key();
        OK(kind->set(h, k[i], (void *)(intptr_t)(10 + i)));
    }
    OK(kind->set(h, k[1], (void *)99));
    OK(kind->free(&h));
    const intptr_t order[] = {11, 99, 14, 13, 12, 10};
    CHECK(deletes == 6 && !memcmp(deleted, order, sizeof order));
    for (int i = 0; i < 5; i++)
        OK(kind->free_key(&k[i]));
}

/* A key that was freed serves on as long as something is set under it, and no longer. */
static void test_freed_key(void)
{
    void *h = made(), *v;
    int k = key(), old = k, next, flag;

    forget();
    OK(kind->set(h, k, (void *)7));
    OK(kind->free_key(&k));
    next = old;
    OK(kind->free_key(&next)); /* programs free copies of the number, too */
    OK(kind->set(h, old, (void *)8));
    CHECK(deletes == 1 && deleted[0] == 7 && seen_key == old);
    CHECK(value(h, old) == 8);
    next = key();
    CHECK(next != old && value(h, next) == -1 && deletes == 1);
    OK(kind->delete (h, old));
    CHECK(deletes == 2 && deleted[1] == 8 && seen_key == old);
    CHECK(kind->set(h, old, NULL) == MPI_ERR_KEYVAL);
    CHECK(kind->get(h, old, &v, &flag) == MPI_ERR_KEYVAL);
    CHECK(kind->delete (h, old) == MPI_ERR_KEYVAL);
    CHECK(kind->free_key(&old) == MPI_ERR_KEYVAL);
    OK(kind->free_key(&next));
    k = key();
    OK(kind->set(h, k, (void *)9));
    OK(kind->free_key(&k));
    OK(kind->free(&h));
    CHECK(deletes == 3 && deleted[2] == 9);
    h = made();
    CHECK(kind->set(h, kind->predefined, NULL) == MPI_ERR_KEYVAL);
    OK(kind->free(&h));
    k = MPI_KEYVAL_INVALID;
    CHECK(kind->free_key(&k) == MPI_ERR_KEYVAL);
    CHECK(kind->key(NULL, NULL, NULL, NULL) == MPI_ERR_ARG);
}

/* What an error of the class is said to be now. */
static int told(int class, const char *what)
{
    char text[MPI_MAX_ERROR_STRING];
    int length;

    OK(MPI_Error_string(class, text, &length));
    return strstr(text, what) != NULL;
}

/* Where deletion fails the object keeps the attribute, and the call fails with that error. */
static void test_delete_fails(void)
{
    void *h = made();
    int k = key();

    forget();
    OK(kind->set(h, k, (void *)5));
    delete_fails = 1;
    CHECK(kind->delete (h, k) == MPI_ERR_IO && value(h, k) == 5);
    CHECK(told(MPI_ERR_IO, "delete function"));
    CHECK(kind->set(h, k, (void *)6) == MPI_ERR_IO && value(h, k) == 5);
    CHECK(kind->free(&h) == MPI_ERR_IO && value(h, k) == 5);
    delete_fails = 0;
    OK(kind->free(&h));
    CHECK(deletes == 4 && deleted[3] == 5);
    OK(kind->free_key(&k));
}

static void test_dup(void)
{
    void *h = made(), *d = NULL;
    int k[2] = {key(), key()};

    forget();
    OK(kind->set(h, k[0], (void *)20));
    OK(kind->set(h, k[1], (void *)13));
    OK(kind->dup(h, &d));
    CHECK(copies == 2 && seen_handle == h && seen_extra == &copies);
    CHECK(value(d, k[0]) == 21 && value(d, k[1]) == -1);
    OK(kind->free(&h));
    CHECK(value(d, k[0]) == 21 && deletes == 2);
    OK(kind->free(&d));
    CHECK(deletes == 3 && deleted[2] == 21);
    for (int i = 0; i < 2; i++)
        OK(kind->free_key(&k[i]));
}

/* What was copied before the failure is deleted again, whatever deletion says. */
static int fails_copy(void *old, int keyval, void *extra, void *in, void *out, int *flag)
{
    copy(old, keyval, extra, in, out, flag);
    return MPI_ERR_IO;
}

static void test_copy_fails(void)
{
    void *h = made(), *d = NULL;
    int first = key(), second, third = key();

    OK(kind->key(fails_copy, delete, &second, NULL));
    forget();
    OK(kind->set(h, first, (void *)20));
    OK(kind->set(h, third, (void *)25));
    OK(kind->set(h, second, (void *)30));
    for (delete_fails = 0; delete_fails < 2; delete_fails++) {
        d = h;
        copies = deletes = 0;
        CHECK(kind->dup(h, &d) == MPI_ERR_IO && d == kind->null &&
              told(MPI_ERR_IO, "copy function"));
        CHECK(copies == 3 && deletes == 2 && deleted[0] == 26 && deleted[1] == 21);
    }
    delete_fails = 0;
    OK(kind->delete (h, second));
    OK(kind->dup(h, &d));
    OK(kind->free(&d));
    OK(kind->free(&h));
    OK(kind->free_key(&first));
    OK(kind->free_key(&second));
    OK(kind->free_key(&third));
}

/* ---- Callbacks that call MPI ---- */

static int other_key;
static void *other;

/* Sets, gets and deletes on the very object, and makes, frees and uses others. */
static int busy_delete(void *handle, int keyval, void *v, void *extra)
{
    void *temporary = made();
    MPI_Comm comm;
    int sum, one = 1;

    CHECK(value(handle, keyval) == -1); /* it is gone already */
    OK(kind->set(temporary, other_key, v));
    OK(kind->free(&temporary));
    if (value(handle, other_key) == -1)
        OK(kind->set(handle, other_key, (void *)77));
    else
        OK(kind->delete (handle, other_key));
    if (other)
        OK(kind->free(&other));
    other = NULL;
    OK(MPI_Comm_dup(MPI_COMM_SELF, &comm));
    OK(MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, comm));
    OK(MPI_Comm_free(&comm));
    return delete (handle, keyval, v, extra);
}

static int busy_copy(void *old, int keyval, void *extra, void *in, void *out, int *flag)
{
    void *temporary = made();

    OK(kind->set(temporary, other_key, in));
    OK(kind->free(&temporary));
    CHECK(value(old, keyval) == (intptr_t)in);
    OK(kind->set(old, other_key, in)); /* what is under way copies what was there at its start */
    return copy(old, keyval, extra, in, out, flag);
}

static void test_busy(void)
{
    void *h = made(), *d;
    int k;

    forget();
    other_key = key();
    other = made();
    OK(kind->key(busy_copy, busy_delete, &k, &copies));
    OK(kind->set(other, other_key, (void *)55));
    OK(kind->set(h, k, (void *)1));
    OK(kind->set(h, k, (void *)2));
    /* The temporary's, the other's, the first one itself. */
    CHECK(deletes == 3 && deleted[0] == 1 && deleted[1] == 55 && deleted[2] == 1);
    CHECK(value(h, k) == 2 && value(h, other_key) == 77);
    if (kind->dup) {
        OK(kind->dup(h, &d));
        CHECK(value(h, other_key) == 2 && value(d, k) == 3 && value(d, other_key) == 78);
        OK(kind->free(&d));
    }
    OK(kind->free(&h));
    OK(kind->free_key(&k));
    OK(kind->free_key(&other_key));
}

/* The delete function of the value that is replaced sets another: there is one in the end. */
static int replaces_delete(void *handle, int keyval, void *v, void *extra)
{
    if (v == (void *)1)
        OK(kind->set(handle, keyval, (void *)2));
    return delete (handle, keyval, v, extra);
}

static void test_replaced_inside(void)
{
    void *h = made();
    int k;

    forget();
    OK(kind->key(copy, replaces_delete, &k, &copies));
    OK(kind->set(h, k, (void *)1));
    OK(kind->set(h, k, (void *)3));
    CHECK(value(h, k) == 3 && deletes == 2 && deleted[0] + deleted[1] == 3);
    OK(kind->delete (h, k));
    CHECK(value(h, k) == -1 && deletes == 3);
    OK(kind->free(&h));
    OK(kind->free_key(&k));
    CHECK(deletes == 3);
}

static void test_predefined_functions(int (*null_copy)(void *, int, void *, void *, void *, int *),
                                      int (*dup)(void *, int, void *, void *, void *, int *),
                                      int (*null_delete)(void *, int, void *, void *))
{
    void *h = made(), *d = NULL;
    int stays, goes;

    OK(kind->key(null_copy, null_delete, &stays, NULL));
    OK(kind->key(dup, null_delete, &goes, NULL));
    OK(kind->set(h, stays, (void *)1));
    OK(kind->set(h, goes, (void *)2));
    if (kind->dup) {
        OK(kind->dup(h, &d));
        CHECK(value(d, stays) == -1 && value(d, goes) == 2);
        OK(kind->free(&d));
    }
    OK(kind->free(&h));
    OK(kind->free_key(&stays));
    OK(kind->free_key(&goes));
}

/* ---- The kinds ---- */

static int make_comm(void **h)
{
    int rc = MPI_Comm_dup(MPI_COMM_SELF, (MPI_Comm *)h);

    return rc ? rc : MPI_Comm_set_errhandler(*h, MPI_ERRORS_RETURN);
}

static int make_type(void **h)
{
    return MPI_Type_contiguous(2, MPI_INT, (MPI_Datatype *)h);
}

static int make_win(void **h)
{
    static int memory;
    int rc = MPI_Win_create(&memory, sizeof memory, 1, MPI_INFO_NULL, MPI_COMM_SELF, (MPI_Win *)h);

    return rc ? rc : MPI_Win_set_errhandler(*h, MPI_ERRORS_RETURN);
}

/* The functions differ in the types of their handles alone, which are all pointers. */
#define CALL(type, function) ((__typeof__(((struct kind *)0)->type))(void (*)(void))(function))
#define CALLS(Kind, maker, dupper, taken, nothing)                                                 \
    {                                                                                              \
        .name = #Kind, .key = CALL(key, MPI_##Kind##_create_keyval),                               \
        .free_key = MPI_##Kind##_free_keyval, .set = CALL(set, MPI_##Kind##_set_attr),             \
        .get = CALL(get, MPI_##Kind##_get_attr), .delete = CALL(delete, MPI_##Kind##_delete_attr), \
        .make = maker, .dup = CALL(dup, dupper), .free = CALL(free, MPI_##Kind##_free),            \
        .predefined = taken, .null = (void *)nothing                                               \
    }

static const struct kind kinds[] = {
    CALLS(Comm, make_comm, MPI_Comm_dup, MPI_TAG_UB, MPI_COMM_NULL),
    CALLS(Type, make_type, MPI_Type_dup, MPI_WIN_BASE, MPI_DATATYPE_NULL),
    CALLS(Win, make_win, NULL, MPI_WIN_BASE, MPI_WIN_NULL),
    /* MPI-1's names, for communicators */
    {.name = "Attr",
     .key = CALL(key, MPI_Keyval_create),
     .free_key = MPI_Keyval_free,
     .set = CALL(set, MPI_Attr_put),
     .get = CALL(get, MPI_Attr_get),
     .delete = CALL(delete, MPI_Attr_delete),
     .make = make_comm,
     .dup = CALL(dup, MPI_Comm_dup),
     .free = CALL(free, MPI_Comm_free),
     .predefined = MPI_TAG_UB,
     .null = (void *)MPI_COMM_NULL},
};

static void test_kind(void)
{
    test_set_and_delete();
    test_order();
    test_freed_key();
    test_delete_fails();
    if (kind->dup) {
        test_dup();
        test_copy_fails();
    }
    test_busy();
    test_replaced_inside();
}

/* A key is of one kind of object. */
static void test_foreign_keys(void)
{
    int k, flag;
    void *v;

    OK(MPI_Type_create_keyval(MPI_TYPE_DUP_FN, MPI_TYPE_NULL_DELETE_FN, &k, NULL));
    CHECK(MPI_Comm_set_attr(MPI_COMM_SELF, k, NULL) == MPI_ERR_KEYVAL);
    CHECK(MPI_Comm_get_attr(MPI_COMM_SELF, k, &v, &flag) == MPI_ERR_KEYVAL);
    CHECK(MPI_Comm_free_keyval(&k) == MPI_ERR_KEYVAL);
    OK(MPI_Type_free_keyval(&k));
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        kind = &kinds[i];
        test_kind();
    }
    kind = &kinds[0];
    test_predefined_functions((void *)MPI_COMM_NULL_COPY_FN, (void *)MPI_COMM_DUP_FN,
                              (void *)MPI_COMM_NULL_DELETE_FN);
    kind = &kinds[1];
    test_predefined_functions((void *)MPI_TYPE_NULL_COPY_FN, (void *)MPI_TYPE_DUP_FN,
                              (void *)MPI_TYPE_NULL_DELETE_FN);
    kind = &kinds[2];
    test_predefined_functions((void *)MPI_WIN_NULL_COPY_FN, (void *)MPI_WIN_DUP_FN,
                              (void *)MPI_WIN_NULL_DELETE_FN);
    kind = &kinds[3];
    test_predefined_functions((void *)MPI_NULL_COPY_FN, (void *)MPI_DUP_FN,
                              (void *)MPI_NULL_DELETE_FN);
    test_foreign_keys();
    return end("attributes");
}
