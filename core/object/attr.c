/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "core/object/attr.h"
#include "core/object/err.h"
#include "provider/base/lock.h"

/*
 * A keyval is a number that the standard's own (below 4096) cannot be, with a generation, so that
 * one that was freed is told from its successor: 1 << 30 | generation << 20 | place.
 */
enum { PLACE_BITS = 20, PLACES = 1 << PLACE_BITS, GENERATIONS = 1 << 10, KEYVAL_MARK = 1 << 30 };

struct key {
    enum object_class target; /* OBJECT_NONE: the place is free */
    bool freed;               /* by the program; attributes may still need it */
    int generation;
    int refs; /* one of the program's until freed, one an attribute */
    int next; /* free place, -1 for none */
    void (*copy)(void);
    void (*delete)(void);
    void *extra_state;
};

/* The lock also guards every list of attributes. It is never held while a callback runs. */
static struct {
    struct lock lock;
    int count, room, free;
    struct key *at;
} keys = {.free = -1};

/* ---- Keys; all locked but the two calls ---- */

static int keyval_of(int place)
{
    return KEYVAL_MARK | keys.at[place].generation << PLACE_BITS | place;
}

static struct key *key_at(int keyval)
{
    return &keys.at[keyval & (PLACES - 1)];
}

/*
 * The key behind a number of the program's, or NULL. One that was freed serves as long as any
 * attribute is under it (MPI-5.0 section 7.7.2): the program may still have to delete that.
 */
static struct key *key_find(enum object_class target, int keyval)
{
    int place = keyval & (PLACES - 1);

    if (keyval < KEYVAL_MARK || place >= keys.count || keyval != keyval_of(place))
        return NULL;
    struct key *k = &keys.at[place];
    return k->target == target ? k : NULL;
}

static int key_place(void)
{
    int place = keys.free;

    if (place >= 0) {
        keys.free = keys.at[place].next;
        return place;
    }
    if (keys.count == keys.room) {
        int room = keys.room ? 2 * keys.room : 64;
        struct key *at = keys.count < PLACES ? realloc(keys.at, room * sizeof(*at)) : NULL;
        if (!at)
            return -1;
        keys.at = at;
        keys.room = room;
    }
    keys.at[keys.count].generation = 0;
    return keys.count++;
}

static void key_drop(struct key *k)
{
    if (--k->refs)
        return;
    k->target = OBJECT_NONE;
    k->generation = (k->generation + 1) % GENERATIONS;
    k->next = keys.free;
    keys.free = (int)(k - keys.at);
}

static int bad_keyval(enum object_class target, int keyval)
{
    static const char *const targets[OBJECT_CLASSES] = {
        [OBJECT_COMM] = "communicators", [OBJECT_DATATYPE] = "datatypes", [OBJECT_WIN] = "windows"};

    if (keyval == MPI_KEYVAL_INVALID)
        return err_set(MPI_ERR_KEYVAL, "MPI_KEYVAL_INVALID");
    if (keyval > 0 && keyval < OBJECT_PREDEFINED)
        return err_set(MPI_ERR_KEYVAL, "%d is predefined and cannot be changed", keyval);
    return err_set(MPI_ERR_KEYVAL, "%d is no key for attributes of %s, or it has been freed",
                   keyval, targets[target]);
}

int attr_key_create(enum object_class target, void (*copy)(void), void (*delete)(void),
                    void *extra_state, int *keyval)
{
    lock_take(&keys.lock);
    int place = key_place();
    if (place >= 0) {
        struct key *k = &keys.at[place];
        *k = (struct key){.target = target,
                          .generation = k->generation,
                          .refs = 1,
                          .copy = copy,
                          .delete = delete,
                          .extra_state = extra_state};
        *keyval = keyval_of(place);
    }
    lock_drop(&keys.lock);
    return place >= 0 ? MPI_SUCCESS : err_set(MPI_ERR_NO_MEM, "no room for another attribute key");
}

int attr_key_free(enum object_class target, int keyval)
{
    lock_take(&keys.lock);
    struct key *k = key_find(target, keyval);
    if (k && !k->freed) {
        k->freed = true;
        key_drop(k);
    }
    lock_drop(&keys.lock);
    return k ? MPI_SUCCESS : bad_keyval(target, keyval);
}

/* ---- Callbacks: no lock held ---- */

static int call_delete(const struct key *k, void *handle, int keyval, void *value)
{
    if (!k->delete) /* MPI_X_NULL_DELETE_FN */
        return MPI_SUCCESS;
    switch (k->target) {
    case OBJECT_COMM:
        return ((MPI_Comm_delete_attr_function *)k->delete)(handle, keyval, value, k->extra_state);
    case OBJECT_DATATYPE:
        return ((MPI_Type_delete_attr_function *)k->delete)(handle, keyval, value, k->extra_state);
    default:
        return ((MPI_Win_delete_attr_function *)k->delete)(handle, keyval, value, k->extra_state);
    }
}

static int call_copy(const struct key *k, void *handle, const struct attr *a, void **out, int *flag)
{
    *flag = 0;
    if (!k->copy) /* MPI_X_NULL_COPY_FN */
        return MPI_SUCCESS;
    if (k->copy == (void (*)(void))MPI_COMM_DUP_FN) { /* the same number for all three */
        *out = a->value;
        *flag = 1;
        return MPI_SUCCESS;
    }
    switch (k->target) {
    case OBJECT_COMM:
        return ((MPI_Comm_copy_attr_function *)k->copy)(handle, a->keyval, k->extra_state, a->value,
                                                        out, flag);
    case OBJECT_DATATYPE:
        return ((MPI_Type_copy_attr_function *)k->copy)(handle, a->keyval, k->extra_state, a->value,
                                                        out, flag);
    default:
        return ((MPI_Win_copy_attr_function *)k->copy)(handle, a->keyval, k->extra_state, a->value,
                                                       out, flag);
    }
}

/* The code is the callback's own: an older detail of that number says something else. */
static int callback_returned(int rc, const char *which, int keyval)
{
    if (!rc)
        return MPI_SUCCESS;
    return err_set(rc, "returned by the %s function of attribute key %d", which, keyval);
}

/* ---- Attributes ---- */

/* The link that points to the attribute, or to the list's end. Locked. */
static struct attr **attr_link(const struct attrs *a, int keyval)
{
    struct attr **link = (struct attr **)&a->first;

    while (*link && (*link)->keyval != keyval)
        link = &(*link)->next;
    return link;
}

/* Calls the delete function of one that has been taken out. Locked on entry and on return, not in
 * between. */
static int bury(struct attr *gone, void *handle)
{
    struct key key = *key_at(gone->keyval);

    lock_drop(&keys.lock);
    int rc = call_delete(&key, handle, gone->keyval, gone->value);
    lock_take(&keys.lock);
    return rc;
}

static void attr_free(struct attr *gone)
{
    key_drop(key_at(gone->keyval));
    free(gone);
}

/*
 * Takes an attribute out and calls its key's delete function. Where that fails the attribute goes
 * back, as the newest: the object keeps it. Locked as above.
 */
static int remove_locked(struct attrs *a, struct attr **link, void *handle)
{
    struct attr *gone = *link;

    *link = gone->next;
    int rc = bury(gone, handle);
    if (rc) {
        gone->next = a->first;
        a->first = gone;
        return callback_returned(rc, "delete", gone->keyval);
    }
    attr_free(gone);
    return MPI_SUCCESS;
}

int attr_set(struct attrs *a, enum object_class target, void *handle, int keyval, void *value)
{
    struct attr *new = malloc(sizeof(*new));
    int rc = MPI_SUCCESS;

    if (!new)
        return err_set(MPI_ERR_NO_MEM, "no memory for an attribute");
    *new = (struct attr){.keyval = keyval, .value = value};
    lock_take(&keys.lock);
    struct key *k = key_find(target, keyval);
    if (k) {
        k->refs++; /* the key must outlive the old value's delete function */
        /* While that function runs it, or another thread, may set the attribute anew. */
        for (struct attr **link; !rc && *(link = attr_link(a, keyval));)
            rc = remove_locked(a, link, handle);
        if (rc) {
            key_drop(key_at(keyval));
        } else {
            new->next = a->first;
            a->first = new;
        }
    }
    lock_drop(&keys.lock);
    if (k && !rc)
        return MPI_SUCCESS;
    free(new);
    return k ? rc : bad_keyval(target, keyval);
}

int attr_get(const struct attrs *a, enum object_class target, int keyval, void **value, bool *found)
{
    lock_take(&keys.lock);
    bool good = key_find(target, keyval);
    if (good) {
        const struct attr *at = *attr_link(a, keyval);
        *found = at;
        if (at)
            *value = at->value;
    }
    lock_drop(&keys.lock);
    return good ? MPI_SUCCESS : bad_keyval(target, keyval);
}

int attr_delete(struct attrs *a, enum object_class target, void *handle, int keyval)
{
    int rc = MPI_SUCCESS;

    lock_take(&keys.lock);
    bool good = key_find(target, keyval);
    if (good) {
        struct attr **link = attr_link(a, keyval);
        if (*link)
            rc = remove_locked(a, link, handle);
    }
    lock_drop(&keys.lock);
    return good ? rc : bad_keyval(target, keyval);
}

int attr_delete_all(struct attrs *a, enum object_class target, void *handle)
{
    int rc = MPI_SUCCESS;

    (void)target;
    lock_take(&keys.lock);
    while (a->first && !rc)
        rc = remove_locked(a, &a->first, handle);
    lock_drop(&keys.lock);
    return rc;
}

int attr_clear(struct attrs *a, void *handle)
{
    int rc = MPI_SUCCESS;

    lock_take(&keys.lock);
    for (struct attr *gone; (gone = a->first);) {
        a->first = gone->next;
        int rc_one = bury(gone, handle);
        rc = rc ? rc : rc_one;
        attr_free(gone);
    }
    lock_drop(&keys.lock);
    return rc;
}

/* What the list holds now, oldest first, each with a reference to its key; NULL: none or no memory.
 */
static struct attr *snapshot(const struct attrs *from, int *count, bool *ok)
{
    struct attr *copy = NULL;
    int n = 0;

    lock_take(&keys.lock);
    for (const struct attr *at = from->first; at; at = at->next)
        n++;
    if (n)
        copy = malloc(n * sizeof(*copy));
    *ok = !n || copy;
    *count = copy ? n : 0;
    if (copy)
        for (const struct attr *at = from->first; at; at = at->next) {
            copy[--n] = *at;
            key_at(at->keyval)->refs++;
        }
    lock_drop(&keys.lock);
    return copy;
}

static int copy_one(const struct attr *at, void *old_handle, struct attrs *to)
{
    void *value = NULL;
    int flag;

    lock_take(&keys.lock);
    struct key key = *key_at(at->keyval);
    lock_drop(&keys.lock);
    int rc = call_copy(&key, old_handle, at, &value, &flag);
    if (rc || !flag)
        return callback_returned(rc, "copy", at->keyval);
    struct attr *new = malloc(sizeof(*new));
    if (!new)
        return err_set(MPI_ERR_NO_MEM, "no memory for an attribute");
    lock_take(&keys.lock);
    *new = (struct attr){at->keyval, value, to->first};
    to->first = new;
    key_at(at->keyval)->refs++;
    lock_drop(&keys.lock);
    return MPI_SUCCESS;
}

int attr_copy_all(const struct attrs *from, enum object_class target, void *old_handle,
                  struct attrs *to)
{
    int count, rc = MPI_SUCCESS;
    bool ok;
    struct attr *copy = snapshot(from, &count, &ok);

    (void)target;
    if (!ok)
        return err_set(MPI_ERR_NO_MEM, "no memory to copy attributes");
    for (int i = 0; i < count && !rc; i++)
        rc = copy_one(&copy[i], old_handle, to);
    lock_take(&keys.lock);
    for (int i = 0; i < count; i++)
        key_drop(key_at(copy[i].keyval));
    lock_drop(&keys.lock);
    free(copy);
    return rc;
}
