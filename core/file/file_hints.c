/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hints on files (14.2.8), by the names that MPI and ROMIO gave them. What is returned is what is
 * used; others are ignored, and so are values that a hint cannot have. All processes use rank 0's.
 */
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/coll/coll.h"
#include "core/coll/comm_make.h"
#include "core/file/file_access.h"
#include "core/object/hints.h"

#define MIB (INT64_C(1) << 20)

static const struct number {
    const char *key;
    size_t place;
    int base;
    int64_t least, most;
} numbers[] = {
    {"cb_buffer_size", offsetof(struct file_hints, cb_buffer_size), 10, 4096, 1024 * MIB},
    {"cb_nodes", offsetof(struct file_hints, cb_nodes), 10, 1, INT_MAX},
    {"ind_rd_buffer_size", offsetof(struct file_hints, read_buffer), 10, 4096, 1024 * MIB},
    {"striping_unit", offsetof(struct file_hints, striping_unit), 10, 1, 1024 * MIB},
    {"file_perm", offsetof(struct file_hints, file_perm), 8, 0, 0777},
};

static const struct choice {
    const char *key;
    size_t place;
} choices[] = {
    {"romio_cb_read", offsetof(struct file_hints, gather_read)},
    {"romio_cb_write", offsetof(struct file_hints, gather_write)},
    {"romio_ds_read", offsetof(struct file_hints, sieve_read)},
};

static const char *const words[] = {"automatic", "enable", "disable"};

enum { NUMBERS = sizeof numbers / sizeof *numbers, CHOICES = sizeof choices / sizeof *choices };

static void take_number(struct file_hints *h, const struct number *n, struct info *info)
{
    char value[32], *end;
    size_t len;

    if (!info_copy(info, n->key, value, sizeof value, &len) || !len || len >= sizeof value)
        return;
    long long v = strtoll(value, &end, n->base);
    if (!*end && v >= n->least && v <= n->most)
        memcpy((char *)h + n->place, &(int64_t){v}, sizeof(int64_t));
}

static void take_choice(struct file_hints *h, const struct choice *c, struct info *info)
{
    char value[16];
    size_t len;

    if (!info_copy(info, c->key, value, sizeof value, &len))
        return;
    for (uint8_t i = 0; i < 3; i++)
        if (!strcmp(value, words[i]))
            *((uint8_t *)h + c->place) = i;
}

static void set_defaults(struct file_hints *h, int64_t hosts)
{
    *h = (struct file_hints){.cb_buffer_size = 16 * MIB,
                             .cb_nodes = hosts,
                             .read_buffer = 4 * MIB,
                             .file_perm = 0666,
                             .striping_unit = 4096};
}

/* One process of each host gathers; all can count the hosts only together. */
static int count_hosts(struct comm *c, int64_t *hosts)
{
    int64_t first = comm_host_color(c) == (int)group_process(c->group, c->rank);

    return coll_allreduce(c, &first, hosts, 1, &datatype_int64, op_find(MPI_SUM));
}

int file_hints_take(struct file *f, struct info *info)
{
    struct file_hints h = f->hints;
    int rc = MPI_SUCCESS;

    if (!h.cb_buffer_size) {
        f->hosts = 1;
        rc = count_hosts(f->comm, &f->hosts);
        set_defaults(&h, f->hosts);
    }
    for (int i = 0; info && i < NUMBERS; i++)
        take_number(&h, &numbers[i], info);
    for (int i = 0; info && i < CHOICES; i++)
        take_choice(&h, &choices[i], info);
    if (h.cb_nodes > f->comm->size)
        h.cb_nodes = f->comm->size;
    if (!rc)
        rc = coll_bcast(f->comm, &h, sizeof h, &datatype_byte, 0);
    if (!rc)
        f->hints = h;
    return rc;
}

int file_set_info(struct file *f, struct info *info)
{
    return file_hints_take(f, info);
}

static int show(const struct file_hints *h, struct info *info)
{
    char text[32];
    int rc = info_set(info, HINT_MEMORY_KINDS, MEMORY_KINDS);

    for (int i = 0; i < NUMBERS && !rc; i++) {
        int64_t v;
        memcpy(&v, (const char *)h + numbers[i].place, sizeof v);
        snprintf(text, sizeof text, numbers[i].base == 8 ? "%llo" : "%lld", (long long)v);
        rc = info_set(info, numbers[i].key, text);
    }
    for (int i = 0; i < CHOICES && !rc; i++)
        rc = info_set(info, choices[i].key, words[*((const uint8_t *)h + choices[i].place)]);
    return rc;
}

int file_get_info(struct file *f, struct info **info)
{
    struct info *i;
    int rc = info_new(&i);

    if (rc)
        return rc;
    rc = info_set(i, "filename", f->name);
    if (!rc)
        rc = show(&f->hints, i);
    if (rc) {
        object_drop(&i->object);
        return rc;
    }
    *info = i;
    return MPI_SUCCESS;
}
