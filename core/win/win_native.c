/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an origin does to a native window's memory by itself. Accumulates go run by run: a run of
 * aligned integers by the processor's atomics, any other under the target's lock, in a copy of it
 * where the memory is not mapped here. All are over when the call returns, which is all that their
 * ordering (12.7.2) needs.
 */
#include <errno.h>
#include <string.h>

#include "core/object/err.h"
#include "core/win/win_atomic.h"
#include "core/win/win_board.h"
#include "core/win/win_message.h"
#include "provider/base/copy.h"

enum {
    BATCH = 4096,     /* bytes of data that go through buffers of ours at once */
    SPAN = 2 * BATCH, /* bytes of memory that they may cover: pairs have holes */
    HOLD = 1 << 16,   /* bytes of data combined before others have their turn */
};

int win_native_copy(struct win *w, bool write, void *here, size_t len, int rank, uint64_t at)
{
    const struct win_target *t = &w->targets[rank];
    struct fabric_peer *peer;
    int e = 0, rc;

    if (w->flavor == MPI_WIN_FLAVOR_DYNAMIC && (rc = win_target_attached(w, rank, at, len)))
        return rc;
    if (t->reach == WIN_BY_STORE) {
        copy_over(write ? t->mapped + at : here, write ? here : t->mapped + at, len);
        return MPI_SUCCESS;
    }
    lane_lock();
    rc = comm_peer(w->comm, rank, &peer);
    if (!rc)
        e = write ? fabric_write_now(peer, here, len, &t->key, at)
                  : fabric_read_now(peer, here, len, &t->key, at);
    lane_unlock();
    if (e == -EFAULT)
        return err_set(MPI_ERR_RMA_RANGE, "rank %d has no memory at that displacement any more",
                       rank);
    return rc ? rc : e ? err_from_errno(e, "copying to or from a window's memory") : MPI_SUCCESS;
}

/* ---- Accumulates ---- */

/* An accumulate under way. */
struct work {
    struct win *w;
    int rank;
    struct win_apply apply;
    enum basic basic;
    win_atomic_fn *atomic; /* NULL: nothing but the lock */
};

/* Where the memory is mapped here. */
static int combine_here(struct work *k, char *at, const char *in, size_t len)
{
    struct win_apply *a = &k->apply;

    if (k->w->flavor == MPI_WIN_FLAVOR_DYNAMIC) {
        int rc = win_target_attached(k->w, k->rank, (uintptr_t)at, win_run_span(a->type, len));
        if (rc)
            return rc;
    }
    if (k->atomic && win_atomic_aligned(k->basic, (uintptr_t)at)) {
        k->atomic(at, in, a->out, len / (size_t)a->type->size);
        k->w->stored = true; /* one that nobody fetches is a plain store */
        if (a->out)
            a->out += len;
        return MPI_SUCCESS;
    }
    k->w->stored = true; /* also what is let go with a plain store */
    win_board_hold(k->w, k->rank);
    win_apply_run(a, at, in, len);
    win_board_let_go(k->w, k->rank);
    return MPI_SUCCESS;
}

/* A run's elements, from a copy of it; what lies between their members may be changed by others
 * meanwhile, and stays as it is. */
static int write_back(struct work *k, uint64_t at, char *copy, size_t span)
{
    const struct datatype *t = k->apply.type;
    struct type_iter i;
    struct iovec piece;
    int rc = MPI_SUCCESS;

    if (t->size == t->extent)
        return win_native_copy(k->w, true, copy, span, k->rank, at);
    type_iter_begin(&i, copy, (MPI_Count)span / t->extent, t, 0);
    while (!rc && type_iter_next(&i, SIZE_MAX, &piece)) {
        char *from = piece.iov_base;
        rc =
            win_native_copy(k->w, true, from, piece.iov_len, k->rank, at + (uint64_t)(from - copy));
    }
    return rc;
}

/* Where it is not. */
static int combine_there(struct work *k, uint64_t at, const char *in, size_t len)
{
    _Alignas(16) char copy[SPAN];
    size_t span = win_run_span(k->apply.type, len);
    int rc;

    win_board_hold(k->w, k->rank);
    rc = win_native_copy(k->w, false, copy, span, k->rank, at);
    if (!rc) {
        win_apply_run(&k->apply, copy, in, len);
        if (k->apply.op->kind != OP_NO_OP)
            rc = write_back(k, at, copy, span);
    }
    win_board_let_go(k->w, k->rank);
    return rc;
}

static int combine(struct work *k, uint64_t at, const char *in, size_t len)
{
    if (k->w->targets[k->rank].reach == WIN_BY_STORE)
        return combine_here(k, k->w->targets[k->rank].mapped + at, in, len);
    return combine_there(k, at, in, len);
}

/* The packed form of a side's data is its memory. */
static char *straight(const struct win_side *s)
{
    return s && s->buf && s->type->contiguous ? datatype_address(s->buf, s->type) : NULL;
}

int win_native_accumulate(struct win *w, const struct win_side *origin,
                          const struct win_side *result, int rank, const struct win_side *target,
                          const struct op *op, struct datatype *element, uint64_t at)
{
    struct work k = {.w = w,
                     .rank = rank,
                     .apply = {.op = op, .type = element},
                     .basic = element->basic,
                     .atomic = w->coarse ? NULL : win_atomic_table[op->kind][element->basic]};
    size_t total = (size_t)target->count * (size_t)target->type->size, size = (size_t)element->size;
    char *from = op->kind == OP_NO_OP ? NULL : straight(origin), *to = straight(result);
    bool packed = op->kind != OP_NO_OP && !from, unpacked = result && !to;
    bool here = w->targets[rank].reach == WIN_BY_STORE;
    size_t most = (packed || unpacked || !here ? BATCH : HOLD) / size * size;
    _Alignas(16) char in[BATCH], out[BATCH];
    struct win_walk walk;
    int rc = MPI_SUCCESS;

    win_walk_begin(&walk, target, element, at, 0);
    for (size_t done = 0; !rc && done < total;) {
        struct win_run run = win_walk_next(&walk, done, total - done < most ? total - done : most);
        if (packed)
            datatype_pack(origin->buf, origin->count, origin->type, done, in, run.len);
        k.apply.out = unpacked ? out : to ? to + done : NULL;
        rc = combine(&k, run.at, packed ? in : from ? from + done : in, run.len);
        if (unpacked && !rc)
            datatype_unpack(result->buf, result->count, result->type, done, out, run.len);
        done += run.len;
    }
    return rc;
}

int win_native_plain(struct win *w, const void *origin, void *result, int rank,
                     const struct win_side *target, const struct op *op, char *there)
{
    struct datatype *t = target->type;
    const char *from = origin;
    char *to = result;

    w->stored = true;
    for (MPI_Count left = target->count, n; left; left -= n) {
        n = left * t->size <= HOLD ? left : HOLD / t->size;
        size_t len = (size_t)(n * t->size);
        win_board_hold(w, rank);
        if (to)
            copy_bytes(to, there, len);
        if (op->kind == OP_REPLACE)
            copy_bytes(there, from, len);
        else
            op_apply(op, from, there, n, t);
        win_board_let_go(w, rank);
        there += len;
        from += len;
        to = to ? to + len : NULL;
    }
    return MPI_SUCCESS;
}

/* ---- Compare and swap ---- */

int win_native_swap(struct win *w, const void *origin, const void *compare, void *result,
                    struct datatype *t, int rank, uint64_t at)
{
    const struct win_target *target = &w->targets[rank];
    struct work k = {.w = w,
                     .rank = rank,
                     .apply = {.swap = true, .op = op_find(MPI_REPLACE), .type = t, .out = result}};
    _Alignas(16) char pair[32];
    size_t size = (size_t)t->size;

    if (target->reach == WIN_BY_STORE && w->flavor != MPI_WIN_FLAVOR_DYNAMIC && !w->coarse &&
        win_atomic_aligned(t->basic, (uintptr_t)target->mapped + at)) {
        win_atomic_swap(t->basic, target->mapped + at, compare, origin, result);
        return MPI_SUCCESS;
    }
    /* This process's part of a dynamic window is reached by the others under the lock. */
    memcpy(pair, compare, size);
    memcpy(pair + size, origin, size);
    return combine(&k, at, pair, size);
}
