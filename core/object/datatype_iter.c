/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moving data between memory that a datatype describes and its packed form: bulk copies that start
 * and stop at any byte, and the iterator. A regular loop is entered by a division, an irregular one
 * by a binary search; nothing walks from the beginning.
 */
#include "core/object/datatype_copy.h"
#include "core/object/datatype_flat.h"

static void move(const struct type_loop *l, char *mem, char *packed, MPI_Count from, MPI_Count len,
                 enum copy_way way);

static void move_bytes(char *mem, char *packed, MPI_Count len, enum copy_way way)
{
    if (way == COPY_OUT)
        copy_block(packed, mem, (size_t)len);
    else
        copy_block(mem, packed, (size_t)len);
}

/* Bytes [from, from + len) of entry i. */
static void move_entry(const struct type_loop *l, MPI_Count i, char *mem, char *packed,
                       MPI_Count from, MPI_Count len, enum copy_way way)
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
                        char *packed, enum copy_way way)
{
    struct copy_grid g = {1, count, 0, l->stride};

    if (l->disp)
        copy_places(mem, l->disp + i, count, l->block, packed, way);
    else
        copy_grid(mem + i * l->stride, &g, l->block, packed, way);
}

/* Whole entries from `i` on, blocks of any size, while they fit `len`. Returns how many. */
static MPI_Count move_varied(const struct type_loop *l, MPI_Count i, MPI_Count len, char *mem,
                             char *packed, enum copy_way way)
{
    const MPI_Count *start = l->start;
    MPI_Count first = i, at = start[i], end = at + len;

    for (; i < l->count && start[i + 1] <= end; i++)
        move_bytes(mem + l->disp[i], packed + (start[i] - at), start[i + 1] - start[i], way);
    return i - first;
}

static bool is_leaf(const struct type_loop *l)
{
    return !l->child && !l->children;
}

/*
 * As many whole entries from `i` on as `len` has, where they are blocks, or rows of blocks, or
 * structs: all that there is in most types. Returns the bytes moved, 0 where it is another nest.
 */
static MPI_Count move_whole(const struct type_loop *l, MPI_Count *i, MPI_Count len, char *mem,
                            char *packed, enum copy_way way)
{
    const struct type_loop *child = l->child;
    MPI_Count whole, at = 0;

    if (is_leaf(l) && !l->block) {
        whole = move_varied(l, *i, len, mem, packed, way);
        *i += whole;
        return l->start[*i] - l->start[*i - whole];
    }
    if (!l->block || l->children || (child && (!is_leaf(child) || l->disp)))
        return 0;
    whole = len == l->size ? l->count : len / l->block;
    if (!whole)
        return 0;
    if (!child) {
        move_blocks(l, *i, whole, mem, packed, way);
    } else if (child->block && !child->disp) {
        struct copy_grid g = {whole, child->count, l->stride, child->stride};
        copy_grid(mem + *i * l->stride, &g, child->block, packed, way);
    } else {
        for (mem += *i * l->stride; at < whole * l->block; at += l->block, mem += l->stride) {
            if (child->block)
                move_blocks(child, 0, child->count, mem, packed + at, way);
            else
                move_varied(child, 0, child->size, mem, packed + at, way);
        }
    }
    *i += whole;
    return whole * l->block;
}

/* Copies bytes [from, from + len) of the loop's packed form, all of them there. */
static void move(const struct type_loop *l, char *mem, char *packed, MPI_Count from, MPI_Count len,
                 enum copy_way way)
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
    if (len) {
        MPI_Count bytes = move_whole(l, &i, len, mem, packed, way);
        packed += bytes;
        len -= bytes;
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
                   size_t len, enum copy_way way)
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
    if (t->even) {
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
    return copy((char *)buf, count, t, from, out, len, COPY_OUT);
}

size_t datatype_unpack(void *buf, MPI_Count count, const struct datatype *t, size_t from,
                       const void *in, size_t len)
{
    return copy(buf, count, t, from, (char *)in, len, COPY_IN);
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
