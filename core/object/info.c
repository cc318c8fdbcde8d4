/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "core/object/err.h"
#include "core/object/info.h"

struct info info_env;

void info_open(void)
{
    object_predefine(&info_env.object, OBJECT_INFO, MPI_INFO_ENV);
}

static void info_release(struct object *o)
{
    struct info *info = container_of(o, struct info, object);

    object_close(o);
    for (int i = 0; i < info->count; i++) {
        free(info->pairs[i].key);
        free(info->pairs[i].value);
    }
    free(info->pairs);
    free(info);
}

static int no_memory(void)
{
    return err_set(MPI_ERR_NO_MEM, "no memory for an info object");
}

int info_new(struct info **info)
{
    struct info *i = calloc(1, sizeof(*i));

    if (!i)
        return no_memory();
    object_init(&i->object, OBJECT_INFO, info_release);
    *info = i;
    return MPI_SUCCESS;
}

/* Locked. */
static struct info_pair *find(struct info *info, const char *key)
{
    for (int i = 0; i < info->count; i++)
        if (!strcmp(info->pairs[i].key, key))
            return &info->pairs[i];
    return NULL;
}

/* A new pair at the end; it owns both strings. Locked. */
static bool append(struct info *info, char *key, char *value)
{
    if (info->count == info->room) {
        int room = info->room ? 2 * info->room : 8;
        struct info_pair *pairs = realloc(info->pairs, room * sizeof(*pairs));
        if (!pairs)
            return false;
        info->pairs = pairs;
        info->room = room;
    }
    info->pairs[info->count++] = (struct info_pair){key, value};
    return true;
}

int info_set(struct info *info, const char *key, const char *value)
{
    char *k = strdup(key), *v = strdup(value);
    bool ok = k && v;

    if (ok) {
        lock_take(&info->lock);
        struct info_pair *p = find(info, key);
        if (p) {
            char *old = p->value;
            p->value = v;
            v = old;
        } else {
            ok = append(info, k, v);
            if (ok)
                k = v = NULL;
        }
        lock_drop(&info->lock);
    }
    free(k);
    free(v);
    return ok ? MPI_SUCCESS : no_memory();
}

bool info_copy(struct info *info, const char *key, char *value, size_t room, size_t *len)
{
    lock_take(&info->lock);
    const struct info_pair *p = find(info, key);
    if (p) {
        *len = strlen(p->value);
        if (room) {
            size_t n = *len < room - 1 ? *len : room - 1;
            memcpy(value, p->value, n);
            value[n] = '\0';
        }
    }
    lock_drop(&info->lock);
    return p;
}

int info_count(struct info *info)
{
    lock_take(&info->lock);
    int n = info->count;
    lock_drop(&info->lock);
    return n;
}

bool info_key(struct info *info, int n, char key[MPI_MAX_INFO_KEY])
{
    lock_take(&info->lock);
    bool found = n >= 0 && n < info->count;
    if (found)
        strcpy(key, info->pairs[n].key);
    lock_drop(&info->lock);
    return found;
}

int info_delete(struct info *info, const char *key)
{
    struct info_pair gone = {0};

    lock_take(&info->lock);
    struct info_pair *p = find(info, key);
    if (p) {
        gone = *p;
        info->count--;
        memmove(p, p + 1, (char *)&info->pairs[info->count] - (char *)p);
    }
    lock_drop(&info->lock);
    if (!gone.key)
        return err_set(MPI_ERR_INFO_NOKEY, "key \"%s\"", key);
    free(gone.key);
    free(gone.value);
    return MPI_SUCCESS;
}

int info_dup(struct info *from, struct info **info)
{
    struct info *to;
    int rc = info_new(&to);

    if (rc)
        return rc;
    lock_take(&from->lock);
    for (int i = 0; i < from->count && !rc; i++)
        rc = info_set(to, from->pairs[i].key, from->pairs[i].value);
    lock_drop(&from->lock);
    if (rc) {
        object_drop(&to->object);
        return rc;
    }
    *info = to;
    return MPI_SUCCESS;
}
