/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a collective does with data on its own rank: scratch memory, copies between layouts,
 * reductions.
 */
#include <stdlib.h>
#include <string.h>

#include "core/coll/coll_engine.h"
#include "core/object/err.h"
#include "provider/base/copy.h"

enum { PIECE = 4096 };

/*
 * The block that was last given back: long ones come from the system page by page, which costs more
 * than what is done with them.
 */
struct block {
    _Alignas(64) size_t room; /* behind it */
};

enum { KEEP_MOST = 4 * 1024 * 1024 };

static _Atomic(struct block *) spare;

static char *block_get(size_t bytes, size_t *room)
{
    struct block *b = atomic_exchange(&spare, NULL);

    if (b && b->room < bytes) {
        free(b);
        b = NULL;
    }
    if (!b) {
        b = aligned_alloc(64, sizeof *b + ((bytes + 63) & ~(size_t)63));
        if (!b)
            return NULL;
        b->room = bytes;
    }
    *room = b->room;
    return (char *)(b + 1);
}

void coll_scratch_free(struct coll *k)
{
    struct block *b = (struct block *)k->scratch - 1;

    if (k->scratch == k->small)
        return;
    if (b->room <= KEEP_MOST)
        b = atomic_exchange(&spare, b);
    free(b);
}

void coll_scratch_close(void)
{
    free(atomic_exchange(&spare, NULL));
}

bool coll_scratch(struct coll *k, size_t bytes)
{
    size_t room;

    if (bytes <= k->room)
        return true;
    char *block = block_get(bytes, &room);
    if (!block) {
        if (!k->error)
            coll_fail(k, err_set(MPI_ERR_NO_MEM, "MPI_%s: no memory for %zu bytes of its own",
                                 coll_names[k->args.kind], bytes));
        return false;
    }
    coll_scratch_free(k);
    k->scratch = block;
    k->room = room;
    return true;
}

void coll_room(struct coll *k, size_t bytes)
{
    (void)coll_scratch(k, bytes);
}

bool coll_room_behind(struct coll *k, size_t tables, size_t bytes)
{
    coll_room(k, tables + bytes);
    return coll_scratch(k, tables);
}

/* Where the items' lowest byte lies, seen from the address of the first. */
static MPI_Aint lowest(MPI_Count count, const struct datatype *t)
{
    return t->true_lb + (t->extent < 0 ? (count - 1) * t->extent : 0);
}

/* Rounded up, so that what follows in the same block is aligned. */
size_t coll_span(MPI_Count count, const struct datatype *t)
{
    MPI_Aint stride = t->extent < 0 ? -t->extent : t->extent;

    if (!count)
        return 0;
    return ((size_t)(t->true_extent + (count - 1) * stride) + 63) & ~(size_t)63;
}

char *coll_place(char *block, MPI_Count count, const struct datatype *t)
{
    return count ? block - lowest(count, t) : block;
}

/* Layouts that are both interrupted meet in a small packed piece. */
static void copy_by_pieces(const void *from, MPI_Count from_count, struct datatype *from_type,
                           void *to, MPI_Count to_count, struct datatype *to_type)
{
    char piece[PIECE];
    size_t at = 0, n;

    while ((n = datatype_pack(from, from_count, from_type, at, piece, sizeof piece)) > 0) {
        n = datatype_unpack(to, to_count, to_type, at, piece, n);
        if (!n)
            return;
        at += n;
    }
}

static void copy(const void *from, MPI_Count from_count, struct datatype *from_type, void *to,
                 MPI_Count to_count, struct datatype *to_type, size_t bytes)
{
    if (from_type->contiguous && to_type->contiguous)
        copy_over(datatype_address(to, to_type), datatype_address(from, from_type), bytes);
    else if (from_type->contiguous)
        datatype_unpack(to, to_count, to_type, 0, datatype_address(from, from_type), bytes);
    else if (to_type->contiguous)
        datatype_pack(from, from_count, from_type, 0, datatype_address(to, to_type), bytes);
    else
        copy_by_pieces(from, from_count, from_type, to, to_count, to_type);
}

void coll_copy(struct coll *k, const void *from, MPI_Count from_count, struct datatype *from_type,
               void *to, MPI_Count to_count, struct datatype *to_type)
{
    size_t have = from_count ? (size_t)from_count * (size_t)from_type->size : 0;
    size_t room = to_count ? (size_t)to_count * (size_t)to_type->size : 0;
    size_t bytes = have < room ? have : room;

    if (have != room && !k->error) {
        k->bad_peer = k->rank;
        k->bad_got = have;
        k->bad_want = room;
        coll_fail(k, MPI_ERR_TRUNCATE);
    }
    /* With an error the room for it may not be there. */
    if (!bytes || k->error || (from == to && from_type == to_type))
        return;
    if (bytes > COLL_LONG_WORK)
        lane_unlock();
    copy(from, from_count, from_type, to, to_count, to_type, bytes);
    if (bytes > COLL_LONG_WORK)
        lane_lock();
}

/*
 * The one place where a function of the program runs inside a collective: k->busy keeps other
 * threads out of this operation while the lane is free.
 */
void coll_reduce(struct coll *k, const void *in, void *inout, MPI_Count count)
{
    struct datatype *t = k->args.send.type;
    bool free_lane = op_is_user(k->args.op) || (size_t)count * (size_t)t->size > COLL_LONG_WORK;

    if (!count || k->error)
        return;
    if (free_lane)
        lane_unlock();
    op_apply(k->args.op, in, inout, count, t);
    if (free_lane)
        lane_lock();
}

void coll_fold(struct coll *k, bool tmp_is_from_below, MPI_Count count)
{
    if (tmp_is_from_below || k->args.op->commutative) {
        coll_reduce(k, k->tmp, k->acc, count);
    } else {
        char *folded = k->tmp;

        coll_reduce(k, k->acc, k->tmp, count);
        k->tmp = k->acc;
        k->acc = folded;
    }
}

const void *coll_own(const struct coll *k)
{
    return coll_in_place(&k->args.send) ? k->args.recv.buf : k->args.send.buf;
}

void coll_accumulate(struct coll *k, MPI_Count count)
{
    struct datatype *t = k->args.send.type;
    void *result = (void *)k->args.recv.buf;

    if (k->size > 1)
        coll_room(k, coll_span(count, t));
    k->acc = result;
    k->tmp = coll_place(k->scratch, count, t);
    coll_copy(k, coll_own(k), count, t, result, count, t);
}
