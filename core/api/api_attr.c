/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Attributes and their keys (7.7), and the predefined ones of every communicator (9.1.2). The
 * deprecated names of MPI-1 are the same calls.
 */
#include <limits.h>
#include <pthread.h>

#include "core/api/check.h"
#include "core/object/err.h"
#include "core/win/win.h"
#include "provider/boot/boot.h"

static int key_create(enum object_class target, void (*copy)(void), void (*delete)(void),
                      int *keyval, void *extra_state, const char *func)
{
    int rc = check_running();

    if (!rc)
        rc = check_out(keyval, "keyval");
    if (!rc)
        rc = attr_key_create(target, copy, delete, extra_state, keyval);
    return rc ? api_fail(rc, func) : MPI_SUCCESS;
}

static int key_free(enum object_class target, int *keyval, const char *func)
{
    int rc = check_out(keyval, "keyval");

    if (!rc)
        rc = attr_key_free(target, *keyval);
    if (rc)
        return api_fail(rc, func);
    *keyval = MPI_KEYVAL_INVALID;
    return MPI_SUCCESS;
}

/* ---- Communicators ---- */

/* What MPI gives every communicator. It is there before anybody can have a pointer to it. */
static struct {
    pthread_once_t once;
    int tag_ub, io, host, wtime_is_global, appnum, universe_size;
} given = {PTHREAD_ONCE_INIT, INT_MAX, MPI_ANY_SOURCE, MPI_PROC_NULL, 0, 0, 0};

static void fill_in(void)
{
    const struct boot_info *b = boot_info();

    given.wtime_is_global = b->one_host;
    given.appnum = (int)b->appnum;
    given.universe_size = (int)b->universe_size;
}

/*
 * The value of such an attribute: a pointer to an int. False where the launcher did not say; *mine
 * false where the key is none of these.
 */
static bool predefined(int keyval, const int **value, bool *mine)
{
    pthread_once(&given.once, fill_in);
    *mine = true;
    switch (keyval) {
    case MPI_TAG_UB:
        *value = &given.tag_ub;
        return true;
    case MPI_IO:
        *value = &given.io;
        return true;
    case MPI_HOST:
        *value = &given.host;
        return true;
    case MPI_WTIME_IS_GLOBAL:
        *value = &given.wtime_is_global;
        return true;
    case MPI_APPNUM:
        *value = &given.appnum;
        return boot_info()->appnum_known;
    case MPI_LASTUSEDCODE:
        *value = err_last_used();
        return true;
    case MPI_UNIVERSE_SIZE:
        *value = &given.universe_size;
        return boot_info()->universe_size;
    default:
        *mine = false;
        return false;
    }
}

static int comm_get(MPI_Comm comm, int keyval, void *attribute_val, int *flag, const char *func)
{
    struct comm *c = NULL;
    const int *number;
    void *value = NULL;
    bool found = false, mine;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = check_out(attribute_val, "attribute_val");
    if (!rc)
        rc = check_out(flag, "flag");
    if (!rc) {
        found = predefined(keyval, &number, &mine);
        if (found)
            value = (void *)number;
        else if (!mine)
            rc = attr_get(&c->attrs, OBJECT_COMM, keyval, &value, &found);
    }
    if (rc)
        return api_fail_comm(c, rc, func);
    if (found)
        *(void **)attribute_val = value;
    *flag = found;
    return MPI_SUCCESS;
}

static int comm_set(MPI_Comm comm, int keyval, void *value, const char *func)
{
    struct comm *c = NULL;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = attr_set(&c->attrs, OBJECT_COMM, comm, keyval, value);
    return rc ? api_fail_comm(c, rc, func) : MPI_SUCCESS;
}

static int comm_delete(MPI_Comm comm, int keyval, const char *func)
{
    struct comm *c = NULL;
    int rc = check_comm(comm, &c);

    if (!rc)
        rc = attr_delete(&c->attrs, OBJECT_COMM, comm, keyval);
    return rc ? api_fail_comm(c, rc, func) : MPI_SUCCESS;
}

MPI_EXPORT(Comm_create_keyval)
int PMPI_Comm_create_keyval(MPI_Comm_copy_attr_function *comm_copy_attr_fn,
                            MPI_Comm_delete_attr_function *comm_delete_attr_fn, int *comm_keyval,
                            void *extra_state)
{
    return key_create(OBJECT_COMM, (void (*)(void))comm_copy_attr_fn,
                      (void (*)(void))comm_delete_attr_fn, comm_keyval, extra_state, __func__);
}

MPI_EXPORT(Keyval_create)
int PMPI_Keyval_create(MPI_Copy_function *copy_fn, MPI_Delete_function *delete_fn, int *keyval,
                       void *extra_state)
{
    return key_create(OBJECT_COMM, (void (*)(void))copy_fn, (void (*)(void))delete_fn, keyval,
                      extra_state, __func__);
}

MPI_EXPORT(Comm_free_keyval)
int PMPI_Comm_free_keyval(int *comm_keyval)
{
    return key_free(OBJECT_COMM, comm_keyval, __func__);
}

MPI_EXPORT(Keyval_free)
int PMPI_Keyval_free(int *keyval)
{
    return key_free(OBJECT_COMM, keyval, __func__);
}

MPI_EXPORT(Comm_get_attr)
int PMPI_Comm_get_attr(MPI_Comm comm, int comm_keyval, void *attribute_val, int *flag)
{
    return comm_get(comm, comm_keyval, attribute_val, flag, __func__);
}

MPI_EXPORT(Attr_get)
int PMPI_Attr_get(MPI_Comm comm, int keyval, void *attribute_val, int *flag)
{
    return comm_get(comm, keyval, attribute_val, flag, __func__);
}

MPI_EXPORT(Comm_set_attr)
int PMPI_Comm_set_attr(MPI_Comm comm, int comm_keyval, void *attribute_val)
{
    return comm_set(comm, comm_keyval, attribute_val, __func__);
}

MPI_EXPORT(Attr_put)
int PMPI_Attr_put(MPI_Comm comm, int keyval, void *attribute_val)
{
    return comm_set(comm, keyval, attribute_val, __func__);
}

MPI_EXPORT(Comm_delete_attr)
int PMPI_Comm_delete_attr(MPI_Comm comm, int comm_keyval)
{
    return comm_delete(comm, comm_keyval, __func__);
}

MPI_EXPORT(Attr_delete)
int PMPI_Attr_delete(MPI_Comm comm, int keyval)
{
    return comm_delete(comm, keyval, __func__);
}

/* ---- Datatypes ---- */

MPI_EXPORT(Type_create_keyval)
int PMPI_Type_create_keyval(MPI_Type_copy_attr_function *type_copy_attr_fn,
                            MPI_Type_delete_attr_function *type_delete_attr_fn, int *type_keyval,
                            void *extra_state)
{
    return key_create(OBJECT_DATATYPE, (void (*)(void))type_copy_attr_fn,
                      (void (*)(void))type_delete_attr_fn, type_keyval, extra_state, __func__);
}

MPI_EXPORT(Type_free_keyval)
int PMPI_Type_free_keyval(int *type_keyval)
{
    return key_free(OBJECT_DATATYPE, type_keyval, __func__);
}

MPI_EXPORT(Type_get_attr)
int PMPI_Type_get_attr(MPI_Datatype datatype, int type_keyval, void *attribute_val, int *flag)
{
    struct datatype *t = NULL;
    void *value = NULL;
    bool found = false;
    int rc = check_type(datatype, &t);

    if (!rc)
        rc = check_out(attribute_val, "attribute_val");
    if (!rc)
        rc = check_out(flag, "flag");
    if (!rc)
        rc = attr_get(&t->attrs, OBJECT_DATATYPE, type_keyval, &value, &found);
    if (rc)
        return api_fail(rc, __func__);
    if (found)
        *(void **)attribute_val = value;
    *flag = found;
    return MPI_SUCCESS;
}

MPI_EXPORT(Type_set_attr)
int PMPI_Type_set_attr(MPI_Datatype datatype, int type_keyval, void *attribute_val)
{
    struct datatype *t = NULL;
    int rc = check_type(datatype, &t);

    if (!rc)
        rc = attr_set(&t->attrs, OBJECT_DATATYPE, datatype, type_keyval, attribute_val);
    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Type_delete_attr)
int PMPI_Type_delete_attr(MPI_Datatype datatype, int type_keyval)
{
    struct datatype *t = NULL;
    int rc = check_type(datatype, &t);

    if (!rc)
        rc = attr_delete(&t->attrs, OBJECT_DATATYPE, datatype, type_keyval);
    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}

/* ---- Windows ---- */

static int check_win(MPI_Win win, struct win **out)
{
    struct win *w = win_find(win);

    if (!w)
        return check_bad_win(win);
    *out = w;
    return MPI_SUCCESS;
}

MPI_EXPORT(Win_create_keyval)
int PMPI_Win_create_keyval(MPI_Win_copy_attr_function *win_copy_attr_fn,
                           MPI_Win_delete_attr_function *win_delete_attr_fn, int *win_keyval,
                           void *extra_state)
{
    return key_create(OBJECT_WIN, (void (*)(void))win_copy_attr_fn,
                      (void (*)(void))win_delete_attr_fn, win_keyval, extra_state, __func__);
}

MPI_EXPORT(Win_free_keyval)
int PMPI_Win_free_keyval(int *win_keyval)
{
    return key_free(OBJECT_WIN, win_keyval, __func__);
}

MPI_EXPORT(Win_get_attr)
int PMPI_Win_get_attr(MPI_Win win, int win_keyval, void *attribute_val, int *flag)
{
    struct win *w = NULL;
    void *value = NULL;
    bool found = false;
    int rc = check_win(win, &w);

    if (!rc)
        rc = check_out(attribute_val, "attribute_val");
    if (!rc)
        rc = check_out(flag, "flag");
    if (!rc && win_keyval >= MPI_WIN_BASE && win_keyval <= MPI_WIN_MODEL)
        rc = win_predefined_attr(w, win_keyval, &value, &found);
    else if (!rc)
        rc = attr_get(&w->attrs, OBJECT_WIN, win_keyval, &value, &found);
    if (rc)
        return api_fail_win(w, rc, __func__);
    if (found)
        *(void **)attribute_val = value;
    *flag = found;
    return MPI_SUCCESS;
}

MPI_EXPORT(Win_set_attr)
int PMPI_Win_set_attr(MPI_Win win, int win_keyval, void *attribute_val)
{
    struct win *w = NULL;
    int rc = check_win(win, &w);

    if (!rc)
        rc = attr_set(&w->attrs, OBJECT_WIN, win, win_keyval, attribute_val);
    return rc ? api_fail_win(w, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Win_delete_attr)
int PMPI_Win_delete_attr(MPI_Win win, int win_keyval)
{
    struct win *w = NULL;
    int rc = check_win(win, &w);

    if (!rc)
        rc = attr_delete(&w->attrs, OBJECT_WIN, win, win_keyval);
    return rc ? api_fail_win(w, rc, __func__) : MPI_SUCCESS;
}
