/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moving data between memory that a datatype describes and its packed form: bulk copies that start
 * and stop at any byte, and the iterator. A regular loop is entered by a division, an irregular one
 * by a binary search; nothing walks from the beginning.
 */
#include <string.h>

#include "core/object/datatype_flat.h"

/* One direction of the copy, for blocks of one size that the compiler knows. */
#define PACK(n)   memcpy(packed, mem, n)
#define UNPACK(n) memcpy(mem, packed, n)
#define REGULAR(move, n)                                                                           \
    for (; count; count--) {                                                                       \
        move(n);                                                                                   \
        packed += (n);                                                                             \
        mem += stride;                                                                             \
    }                                                                                              \
    return
#define IRREGULAR(move, n)                                                                         \
    for (MPI_Count i = 0; i < count; i++) {                                                        \
        char *mem = base + disp[i];                                                                \
        move(n);                                                                                   \
        packed += (n);                                                                             \
    }                                                                                              \
    return
/* The sizes of what programs have columns of; anything else by a call of memcpy. */
#define BY_SIZE(loop, move, size)                                                                  \
    switch (size) {                                                                                \
    case 1:                                                                                        \
        loop(move, 1);                                                                             \
    case 2:                                                                                        \
        loop(move, 2);                                                                             \
    case 4:                                                                                        \
        loop(move, 4);                                                                             \
    case 8:                                                                                        \
        loop(move, 8);                                                                             \
    case 12:                                                                                       \
        loop(move, 12);                                                                            \
    case 16:                                                                                       \
        loop(move, 16);                                                                            \
    case 24:                                                                                       \
        loop(move, 24);                                                                            \
    case 32:                                                                                       \
        loop(move, 32);                                                                            \
    default:                                                                                       \
        loop(move, (size_t)(size));                                                                \
    }

static void pack_regular(char *mem, MPI_Aint stride, char *packed, MPI_Count count, MPI_Count size)
{
    BY_SIZE(REGULAR, PACK, size)
}

static void unpack_regular(char *mem, MPI_Aint stride, const char *packed, MPI_Count count,
                           MPI_Count size)
{
    BY_SIZE(REGULAR, UNPACK, size)
}

static void pack_irregular(char *base, const MPI_Aint *disp, char *packed, MPI_Count count,
                           MPI_Count size)
{
    BY_SIZE(IRREGULAR, PACK, size)
}

static void unpack_irregular(char *base, const MPI_Aint *disp, const char *packed, MPI_Count count,
                             MPI_Count size)
{
    BY_SIZE(IRREGULAR, UNPACK, size)
}

enum direction { OUT, IN };

static void move(const struct type_loop *l, char *mem, char *packed, MPI_Count from, MPI_Count len,
                 enum direction way);

/* n > 0. A short block in two moves that may overlap, which costs less than calling memcpy. */
static inline void copy_block(char *to, const char *from, size_t n)
{
    if (n > 32) {
        memcpy(to, from, n);
    } else if (n >= 16) {
        memcpy(to, from, 16);
        memcpy(to + n - 16, from + n - 16, 16);
    } else if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, from, 4);
        memcpy(to + n - 4, from + n - 4, 4);
    } else {
        to[0] = from[0];
        to[n / 2] = from[n / 2];
        to[n - 1] = from[n - 1];
    }
}

static void move_bytes(char *mem, char *packed, MPI_Count len, enum direction way)
{
    if (way == OUT)
        copy_block(packed, mem, (size_t)len);
    else
        copy_block(mem, packed, (size_t)len);
}

/* Bytes [from, from + len) of entry i. */
static void move_entry(const struct type_loop *l, MPI_Count i, char *mem, char *packed,
                       MPI_Count from, MPI_Count len, enum direction way)
{
    struct type_loop *child = type_loop_child(l, i);

    mem += type_loop_offset(l, i);
    if (child)
        move(child, mem, packed, from, len, way);
    else
        move_bytes(mem + from, packed, len, way);
}

/* `count` whole entries from `i` on, all blocks of one size. */
static void move_blocks(const struct type_loop *l, MPI_Count i, MPI_Count count, char *mem,
                        char *packed, enum direction way)
{
    if (l->disp && way == OUT)
        pack_irregular(mem, l->disp + i, packed, count, l->block);
    else if (l->disp)
        unpack_irregular(mem, l->disp + i, packed, count, l->block);
    else if (way == OUT)
        pack_regular(mem + i * l->stride, l->stride, packed, count, l->block);
    else
        unpack_regular(mem + i * l->stride, l->stride, packed, count, l->block);
}

/* Whole entries from `i` on, blocks of any size, while they fit `len`. Returns how many. */
static MPI_Count move_varied(const struct type_loop *l, MPI_Count i, MPI_Count len, char *mem,
                             char *packed, enum direction way)
{
    const MPI_Count *start = l->start;
    MPI_Count first = i, at = start[i], end = at + len;

    for (; i < l->count && start[i + 1] <= end; i++)
        move_bytes(mem + l->disp[i], packed + (start[i] - at), start[i + 1] - start[i], way);
    return i - first;
}

/* Copies bytes [from, from + len) of the loop's packed form, all of them there. */
static void move(const struct type_loop *l, char *mem, char *packed, MPI_Count from, MPI_Count len,
                 enum direction way)
{
    MPI_Count i = type_loop_find(l, &from);

    if (from) { /* the rest of an entry */
        MPI_Count n = type_loop_bytes(l, i) - from;
        n = n < len ? n : len;
        move_entry(l, i, mem, packed, from, n, way);
        packed += n;
        len -= n;
        i++;
    }
    if (!l->child && !l->children && len) {
        MPI_Count whole, bytes;
        if (l->block) {
            whole = len == l->size ? l->count : len / l->block;
            bytes = whole * l->block;
            move_blocks(l, i, whole, mem, packed, way);
        } else {
            whole = move_varied(l, i, len, mem, packed, way);
            bytes = l->start[i + whole] - l->start[i];
        }
        packed += bytes;
        len -= bytes;
        i += whole;
    }
    while (len) {
        MPI_Count n = type_loop_bytes(l, i);
        n = n < len ? n : len;
        move_entry(l, i, mem, packed, 0, n, way);
        packed += n;
        len -= n;
        i++;
    }
}

static size_t copy(char *buf, MPI_Count count, const struct datatype *t, size_t from, char *packed,
                   size_t len, enum direction way)
{
    const struct type_shape *s = &t->shape;
    size_t total = (size_t)count * (size_t)t->size;

    if (from >= total || !len)
        return 0;
    if (len > total - from)
        len = total - from;
    buf = type_at(buf, s->first);
    if (t->contiguous) {
        move_bytes(buf + from, packed, (MPI_Count)len, way);
        return len;
    }
    struct type_loop items = {.count = count,
                              .size = (MPI_Count)total,
                              .block = s->size,
                              .stride = t->extent,
                              .child = s->loop};
    const struct type_loop *l = s->loop;
    /* Items that go on in the step of their own loop: one loop, as type_shape_repeat does it. */
    if (l && !l->disp && l->count * l->stride == t->extent) {
        items.count = count * l->count;
        items.block = l->block;
        items.stride = l->stride;
        items.child = l->child;
    }
    move(count == 1 && l ? l : &items, buf, packed, (MPI_Count)from, (MPI_Count)len, way);
    return len;
}

size_t datatype_pack(const void *buf, MPI_Count count, const struct datatype *t, size_t from,
                     void *out, size_t len)
{
    return copy((char *)buf, count, t, from, out, len, OUT);
}

size_t datatype_unpack(void *buf, MPI_Count count, const struct datatype *t, size_t from,
                       const void *in, size_t len)
{
    return copy(buf, count, t, from, (char *)in, len, IN);
}

/* Finds the block that byte `at` is in, from the top. */
static void descend(struct type_iter *i)
{
    const struct type_shape *s = &i->type->shape;
    MPI_Count item = (MPI_Count)i->at / s->size, at = (MPI_Count)i->at - item * s->size;
    char *mem = type_at(i->buf, item * i->type->extent + s->first);
    MPI_Count bytes = s->size;

    i->leaf = NULL;
    for (const struct type_loop *l = s->loop; l;) {
        MPI_Count n = type_loop_find(l, &at);
        i->leaf = l;
        i->index = n;
        i->base = mem;
        mem += type_loop_offset(l, n);
        bytes = type_loop_bytes(l, n);
        l = type_loop_child(l, n);
    }
    i->block = mem + at;
    i->left = (size_t)(bytes - at);
}

void type_iter_begin(struct type_iter *i, const void *buf, MPI_Count count,
                     const struct datatype *t, size_t from)
{
    *i = (struct type_iter){.buf = (char *)buf, .count = count, .type = t, .at = from};
    i->end = (size_t)count * (size_t)t->size;
    if (from >= i->end)
        i->at = i->end;
    else if (t->contiguous) {
        i->block = type_at(i->buf, t->shape.first) + from;
        i->left = i->end - from;
    } else {
        descend(i);
    }
}

bool type_iter_next(struct type_iter *i, size_t most, struct iovec *piece)
{
    if (i->at == i->end)
        return false;
    if (!i->left) {
        const struct type_loop *l = i->leaf;
        if (l && ++i->index < l->count && !type_loop_child(l, i->index)) {
            i->block = i->base + type_loop_offset(l, i->index);
            i->left = (size_t)type_loop_bytes(l, i->index);
        } else {
            descend(i);
        }
    }
    size_t n = i->left < most ? i->left : most;
    *piece = (struct iovec){i->block, n};
    i->block += n;
    i->left -= n;
    i->at += n;
    return true;
}
