/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The target's side of an accumulate: this process's memory is changed here and nowhere else, so
 * that accumulates are atomic with respect to each other (12.7.1).
 */
#include <string.h>

#include "core/object/err.h"
#include "core/win/win_message.h"
#include "provider/base/copy.h"

/* Pair types with room between or after their members are expanded this many at a time. */
enum { BATCH = 32, BATCH_BYTES = BATCH * 32 };

static bool run_inside(const struct win *w, const struct win_run *run, const struct datatype *t)
{
    size_t span = win_run_span(t, run->len);

    if (w->flavor == MPI_WIN_FLAVOR_DYNAMIC)
        return win_is_attached(w, run->at, span);
    return run->at <= (uint64_t)w->size && span <= (uint64_t)w->size - run->at;
}

static void combine(const struct win_apply *a, const void *in, char *at, MPI_Count n)
{
    if (a->op->kind == OP_REPLACE)
        copy_bytes(at, in, (size_t)n * (size_t)a->type->extent);
    else if (a->op->kind != OP_NO_OP)
        op_apply(a->op, in, at, n, a->type);
}

static void apply_dense(const struct win_apply *a, char *at, const char *in, size_t len)
{
    if (a->out)
        copy_bytes(a->out, at, len);
    combine(a, in, at, (MPI_Count)(len / (size_t)a->type->size));
}

/* Elements with gaps: packed in the message, spread in memory. */
static void apply_spread(const struct win_apply *a, char *at, const char *in, size_t len)
{
    size_t size = (size_t)a->type->size;
    _Alignas(16) char spread[BATCH_BYTES];

    if (a->out)
        datatype_pack(at, (MPI_Count)(len / size), a->type, 0, a->out, len);
    if (a->op->kind == OP_NO_OP)
        return;
    if (a->op->kind == OP_REPLACE) {
        /* Straight to the members: what lies between them may be changed by others meanwhile. */
        datatype_unpack(at, (MPI_Count)(len / size), a->type, 0, in, len);
        return;
    }
    for (size_t done = 0; done < len;) {
        size_t part = len - done < BATCH * size ? len - done : BATCH * size;
        MPI_Count n = (MPI_Count)(part / size);
        /* What lies between members is not written: op_apply stores each member by itself. */
        memset(spread, 0, (size_t)n * (size_t)a->type->extent);
        datatype_unpack(spread, n, a->type, 0, in + done, part);
        combine(a, spread, at, n);
        at += n * a->type->extent;
        done += part;
    }
}

/* in: the comparand, then the new value. */
static void apply_swap(const struct win_apply *a, char *at, const char *in)
{
    size_t size = (size_t)a->type->size;
    bool equal = !memcmp(at, in, size);

    memcpy(a->out, at, size);
    if (equal)
        memcpy(at, in + size, size);
}

void win_apply_run(struct win_apply *a, char *at, const char *in, size_t len)
{
    if (a->swap)
        apply_swap(a, at, in);
    else if (a->type->size == a->type->extent)
        apply_dense(a, at, in, len);
    else
        apply_spread(a, at, in, len);
    if (a->out)
        a->out += len;
}

void win_apply(struct win *w, const struct win_head *message, struct win_packet *answer,
               size_t *len)
{
    const struct win_run *run = (const struct win_run *)(message + 1);
    const char *in = (const char *)(run + message->runs);
    struct win_head *head = win_packet_head(answer);
    char *base = w->flavor == MPI_WIN_FLAVOR_DYNAMIC ? NULL : w->base;
    struct win_apply a = {.swap = message->kind == WIN_MESSAGE_SWAP,
                          .op = op_find((MPI_Op)(uintptr_t)message->op),
                          .type = datatype_find((MPI_Datatype)(uintptr_t)message->type)};

    *len = sizeof *head;
    for (int i = 0; i < message->runs; i++)
        if (!a.type || !a.op || !run_inside(w, &run[i], a.type))
            head->error = MPI_ERR_RMA_RANGE;
    if (head->error)
        return;
    if (message->kind != WIN_MESSAGE_ACCUMULATE)
        a.out = (char *)(head + 1);
    for (int i = 0; i < message->runs; i++) {
        win_apply_run(&a, (char *)((uintptr_t)base + run[i].at), in, run[i].len);
        in += a.op->kind == OP_NO_OP ? 0 : run[i].len;
    }
    if (a.out)
        *len = (size_t)(a.out - (char *)head);
    head->len = (uint32_t)(*len - sizeof *head);
}
