/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What all operations on a window have in common: may it be done, where, and when it is complete.
 */
#include "core/object/err.h"
#include "core/win/win_message.h"

struct win_pools win_pools;

int win_may_access_slow(struct win *w, int rank, bool passive)
{
    if (passive)
        return err_set(MPI_ERR_RMA_SYNC,
                       "operations with a request need a lock on the target (rank %d)", rank);
    if (w->access == WIN_ACCESS_FENCE) {
        if (!atomic_load_explicit(&w->fence_used, memory_order_relaxed))
            atomic_store_explicit(&w->fence_used, true, memory_order_relaxed);
        return MPI_SUCCESS;
    }
    if (w->access == WIN_ACCESS_START && w->targets[rank].started)
        return MPI_SUCCESS;
    return err_set(MPI_ERR_RMA_SYNC,
                   "no access epoch is open to rank %d: call MPI_Win_fence, _start or _lock first",
                   rank);
}

/* First byte and length of what count items of t cover, relative to the buffer's address. */
static bool type_span(const struct win_side *s, MPI_Aint *low, MPI_Aint *span)
{
    MPI_Aint last, high;

    if (__builtin_mul_overflow(s->count - 1, s->type->extent, &last) ||
        __builtin_add_overflow(last < 0 ? 0 : last, s->type->true_extent, &high))
        return false;
    *low = (last < 0 ? last : 0) + s->type->true_lb;
    *span = high - (last < 0 ? last : 0);
    return true;
}

int win_target_range_slow(const struct win *w, int rank, const struct win_side *target,
                          uint64_t *at)
{
    const struct win_target *t = &w->targets[rank];
    MPI_Aint start, low = 0, span = 0, end;
    bool empty = !target->count || !target->type->size;

    if (__builtin_mul_overflow(target->disp, t->unit, &start))
        goto out_of_range;
    *at = (uint64_t)start;
    if (empty || w->flavor == MPI_WIN_FLAVOR_DYNAMIC)
        return MPI_SUCCESS;
    if (!type_span(target, &low, &span) || __builtin_add_overflow(start, low, &low) || low < 0 ||
        __builtin_add_overflow(low, span, &end) || end > t->size)
        goto out_of_range;
    return MPI_SUCCESS;

out_of_range:
    return err_set(MPI_ERR_RMA_RANGE,
                   "displacement %lld (unit %lld) with %lld items is outside the %lld bytes of "
                   "rank %d's window",
                   (long long)target->disp, (long long)t->unit, (long long)target->count,
                   (long long)t->size, rank);
}

int win_side_large(const struct win_side *s)
{
    return err_set(MPI_ERR_COUNT, "%lld items of %lld bytes are more than memory can hold",
                   (long long)s->count, (long long)s->type->size);
}

void win_op_begin(struct win_op *op, struct win *w, int rank, struct request *request,
                  void (*free)(struct win_op *))
{
    op->win = w;
    op->rank = rank;
    op->left = 1;
    op->error = MPI_SUCCESS;
    op->request = request;
    op->free = free;
    w->targets[rank].pending++;
    w->pending++;
    w->issued++;
}

void win_op_step(struct win_op *op, int error)
{
    struct win *w = op->win;
    struct win_target *t = &w->targets[op->rank];

    if (error && !op->error)
        op->error = error;
    if (--op->left)
        return;
    if (op->request) {
        op->request->error = op->error;
        request_complete(op->request);
    } else if (op->error && !t->error) {
        t->error = op->error;
    }
    t->pending--;
    w->pending--;
    op->free(op);
}
