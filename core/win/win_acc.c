/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The origin's side of accumulates (12.3.4, 12.3.5): an operation is a stream of messages, each
 * with as many elements as it holds, sent as the target answers. The streams to a target go out one
 * after the other, which keeps their order.
 */
#include <string.h>

#include "core/object/err.h"
#include "core/win/win_atomic.h"
#include "core/win/win_message.h"
#include "provider/base/count.h"

/* The predefined type that stands for each basic kind. Kinds without arithmetic travel as bytes. */
static const MPI_Datatype basic_type[BASICS] = {
    [BASIC_INT8] = MPI_INT8_T,
    [BASIC_INT16] = MPI_INT16_T,
    [BASIC_INT32] = MPI_INT32_T,
    [BASIC_INT64] = MPI_INT64_T,
    [BASIC_UINT8] = MPI_UINT8_T,
    [BASIC_UINT16] = MPI_UINT16_T,
    [BASIC_UINT32] = MPI_UINT32_T,
    [BASIC_UINT64] = MPI_UINT64_T,
    [BASIC_INT128] = MPI_INTEGER16,
    [BASIC_BYTE] = MPI_BYTE,
    [BASIC_CHAR] = MPI_BYTE,
    [BASIC_BOOL] = MPI_C_BOOL,
    [BASIC_LOGICAL1] = MPI_LOGICAL1,
    [BASIC_LOGICAL2] = MPI_LOGICAL2,
    [BASIC_LOGICAL4] = MPI_LOGICAL4,
    [BASIC_LOGICAL8] = MPI_LOGICAL8,
    [BASIC_LOGICAL16] = MPI_LOGICAL16,
    [BASIC_FLOAT16] = MPI_REAL2,
    [BASIC_FLOAT] = MPI_FLOAT,
    [BASIC_DOUBLE] = MPI_DOUBLE,
    [BASIC_LONG_DOUBLE] = MPI_LONG_DOUBLE,
    [BASIC_FLOAT128] = MPI_REAL16,
    [BASIC_COMPLEX8] = MPI_C_FLOAT_COMPLEX,
    [BASIC_COMPLEX16] = MPI_C_DOUBLE_COMPLEX,
    [BASIC_COMPLEX32] = MPI_C_LONG_DOUBLE_COMPLEX,
    [BASIC_COMPLEX4] = MPI_COMPLEX4,
    [BASIC_COMPLEX_FLOAT128] = MPI_COMPLEX32,
    [BASIC_FLOAT_INT] = MPI_FLOAT_INT,
    [BASIC_DOUBLE_INT] = MPI_DOUBLE_INT,
    [BASIC_LONG_INT] = MPI_LONG_INT,
    [BASIC_SHORT_INT] = MPI_SHORT_INT,
    [BASIC_2INT] = MPI_2INT,
    [BASIC_2INT64] = MPI_2INTEGER,
    [BASIC_LONG_DOUBLE_INT] = MPI_LONG_DOUBLE_INT,
    [BASIC_2REAL] = MPI_2REAL,
    [BASIC_2DOUBLE] = MPI_2DOUBLE_PRECISION,
};

/* ---- Elements ---- */

/* What every element of the target's type is, as a named predefined type: its handle means the same
 * in every process, which that of a type of MPI_Type_create_f90_x does not. */
static int element_of(struct datatype *t, const struct op *op, struct datatype **element)
{
    bool moves_only = op->kind == OP_REPLACE || op->kind == OP_NO_OP;
    struct datatype *e = t;

    if (!t->predefined || t->contents)
        e = datatype_find(moves_only && t->basic == BASIC_NONE ? MPI_BYTE : basic_type[t->basic]);
    /* Two of Fortran's REAL may be what two of its DOUBLE PRECISION are elsewhere. */
    if (e && e->size < 0 && datatype_2real.basic == t->basic)
        e = &datatype_2real;
    if (!e)
        return err_set(MPI_ERR_TYPE, "an accumulate's type must be made of one predefined type");
    *element = e;
    return moves_only ? MPI_SUCCESS : op_check(op, e);
}

/*
 * Fills in the runs that a message of `room` bytes has room for, with their data; the answer, which
 * has the data and no runs, then fits as well. Returns the bytes of data.
 */
static size_t fill_runs(const struct win_stream *s, struct win_run *runs, uint16_t *count,
                        size_t room)
{
    size_t size = (size_t)s->element->size, from = s->at, left = room;
    struct win_walk k;

    win_walk_begin(&k, &s->target, s->element, s->base, s->at);
    *count = 0;
    while (from < s->total && left >= sizeof *runs + size) {
        size_t most = (left - sizeof *runs) / size * size;
        if (most > s->total - from)
            most = s->total - from;
        struct win_run run = win_walk_next(&k, from, most);
        runs[(*count)++] = run;
        from += run.len;
        left -= sizeof run + run.len;
    }
    return from - s->at;
}

/* ---- Messages ---- */

static size_t message_room(const struct win_stream *s)
{
    size_t left = s->total - s->at, most = win_message_max() - sizeof(struct win_head);

    if (s->kind == WIN_MESSAGE_SWAP)
        return sizeof(struct win_run) + 2 * left;
    /* One run is all that a contiguous target needs: a small packet will do. */
    if (s->target.type->contiguous && left + sizeof(struct win_run) < most)
        return left + sizeof(struct win_run);
    return most;
}

static void put_data(const struct win_stream *s, char *data, size_t len)
{
    size_t size = (size_t)s->element->size;

    if (s->kind == WIN_MESSAGE_SWAP) {
        memcpy(data, s->compare, size);
        memcpy(data + size, s->origin.buf, size);
    } else {
        datatype_pack(s->origin.buf, s->origin.count, s->origin.type, s->at, data, len);
    }
}

/* The next message of the stream, which moves on. `len`: of the message. */
static struct win_packet *next_packet(struct win_stream *s, size_t *len)
{
    size_t room = message_room(s);
    struct win_packet *p =
        win_packet_new(s->op.win, s->op.rank, s->kind, sizeof(struct win_head) + room);

    if (!p)
        return NULL;
    struct win_head *h = win_packet_head(p);
    struct win_run *runs = (struct win_run *)(h + 1);
    p->stream = s;
    p->from = s->at;
    p->left = 2;
    p->len = fill_runs(s, runs, &h->runs, room);
    h->op = s->op_handle;
    h->type = s->element_handle;
    if (s->kind == WIN_MESSAGE_SWAP)
        h->len = 2 * (uint32_t)p->len;
    else if (s->op_handle != (uintptr_t)MPI_NO_OP)
        h->len = (uint32_t)p->len;
    if (h->len)
        put_data(s, (char *)(runs + h->runs), p->len);
    s->at += p->len;
    *len = (size_t)((char *)(runs + h->runs) - p->bytes) + h->len;
    return p;
}

static void take_answer(const struct win_packet *p, const struct win_head *answer)
{
    const struct win_stream *s = p->stream;

    /* No question of the buffer: with addresses in the type, MPI_BOTTOM is one. */
    if (!answer->error && s->result.type && answer->len == p->len)
        datatype_unpack(s->result.buf, s->result.count, s->result.type, p->from, answer + 1,
                        p->len);
}

/* This process is the target: the same message, applied at once. */
static int apply_here(struct win_stream *s)
{
    struct win *w = s->op.win;
    size_t len;
    int rc = MPI_SUCCESS;

    while (!rc && s->at < s->total) {
        struct win_packet *p = next_packet(s, &len);
        struct win_packet *answer =
            p ? win_packet_new(w, s->op.rank, WIN_MESSAGE_ANSWER, sizeof(struct win_head) + p->len)
              : NULL;
        if (answer) {
            win_apply(w, win_packet_head(p), answer, &len);
            take_answer(p, win_packet_head(answer));
            rc = win_packet_head(answer)->error;
            win_packet_step(answer);
        } else {
            rc = err_set(MPI_ERR_NO_MEM, "no memory for an accumulate");
        }
        if (p) {
            p->left = 1;
            win_packet_step(p);
        }
    }
    return rc;
}

static int send_next(struct win_stream *s, struct win_target *t)
{
    size_t len;
    struct win_packet *p = next_packet(s, &len);
    int rc;

    if (!p)
        return err_set(MPI_ERR_NO_MEM, "no memory for an accumulate");
    t->credit--;
    s->op.left++;
    rc = win_packet_send(p, len);
    if (rc) {
        t->credit++;
        s->op.left--;
        p->left = 1;
        win_packet_step(p);
    }
    return rc;
}

void win_streams_run(struct win *w, int rank)
{
    struct win_target *t = &w->targets[rank];

    while (t->credit && !list_empty(&t->streams)) {
        struct win_stream *s = container_of(t->streams.next, struct win_stream, link);
        int rc = send_next(s, t);
        if (rc || s->at == s->total) {
            list_drop(&s->link);
            win_op_step(&s->op, rc);
        }
    }
}

static int answer_error(const struct win_head *answer)
{
    if (answer->error == MPI_ERR_RMA_RANGE)
        return err_set(MPI_ERR_RMA_RANGE,
                       "rank %u refused an access to memory that is not part of its window",
                       answer->rank);
    return answer->error;
}

void win_answered(struct win *w, const struct win_head *answer)
{
    struct win_packet *p = (struct win_packet *)(uintptr_t)answer->packet;
    struct win_stream *s = p->stream;

    take_answer(p, answer);
    win_packet_step(p);
    w->targets[answer->rank].credit++;
    win_op_step(&s->op, answer_error(answer));
    win_streams_run(w, (int)answer->rank);
}

/* ---- The operations ---- */

static void hold_type(struct datatype *t)
{
    if (t)
        object_hold(&t->object);
}

static void drop_type(struct datatype *t)
{
    if (t)
        object_drop(&t->object);
}

static void stream_free(struct win_op *op)
{
    struct win_stream *s = container_of(op, struct win_stream, op);

    drop_type(s->origin.type);
    drop_type(s->result.type);
    drop_type(s->target.type);
    pool_put(&win_pools.streams, s);
}

/* `model` has everything but what is done here. */
static int stream_start(struct win *w, int rank, const struct win_stream *model,
                        struct request **request)
{
    struct request *r = NULL;
    struct win_stream *s = pool_get(&win_pools.streams);

    if (!s)
        return err_set(MPI_ERR_NO_MEM, "no memory for an accumulate");
    if (request && !(r = win_request_new(w, model->target.type))) {
        pool_put(&win_pools.streams, s);
        return err_set(MPI_ERR_NO_MEM, "no memory for a request");
    }
    *s = *model;
    hold_type(s->origin.type);
    hold_type(s->result.type);
    hold_type(s->target.type);
    win_op_begin(&s->op, w, rank, r, stream_free);
    if (request)
        *request = r;
    if (rank == w->comm->rank) {
        win_op_step(&s->op, apply_here(s));
    } else {
        list_add_tail(&w->targets[rank].streams, &s->link);
        win_streams_run(w, rank);
    }
    return MPI_SUCCESS;
}

static int start(struct win *w, int rank, struct win_stream *model, struct request **request)
{
    int rc;

    lane_lock();
    rc = stream_start(w, rank, model, request);
    if (w->issued % 64 == 0 && w->pending)
        lane_progress();
    lane_unlock();
    return rc;
}

static int same_bytes(const struct win_side *side, size_t total, const char *what)
{
    size_t bytes = 0;
    int rc = win_side_bytes(side, &bytes);

    if (rc || bytes == total)
        return rc;
    return err_set(MPI_ERR_TRUNCATE, "the %s describes %zu bytes of data and the target %zu", what,
                   bytes, total);
}

/* Whether there is something to do, and where. */
static int look(struct win *w, int rank, const struct win_side *target, bool passive, uint64_t *at)
{
    int rc = win_may_access(w, rank, passive);

    return rc ? rc : win_target_range(w, rank, target, at);
}

/* Through messages. `model` has what depends on the call. */
static int accumulate_told(struct win *w, int rank, struct win_stream *model,
                           const struct win_side *target, size_t total, const struct op *op,
                           struct datatype *element, uint64_t at, struct request **request)
{
    model->target = *target;
    model->total = total;
    model->base = at;
    model->op_handle = (uint16_t)op->object.handle;
    model->element = element;
    model->element_handle = (uint16_t)element->object.handle;
    return start(w, rank, model, request);
}

static int check_sides(const struct win_side *origin, const struct win_side *result, size_t total,
                       const struct op *op)
{
    int rc = op->kind == OP_NO_OP ? MPI_SUCCESS : same_bytes(origin, total, "origin");

    return rc || !result ? rc : same_bytes(result, total, "result");
}

/* Elements of a predefined type without gaps, on both sides, in memory that is mapped here, and an
 * operator that accumulates take: what most programs do. */
static bool is_plain(const struct win *w, const struct win_side *origin,
                     const struct win_side *result, int rank, const struct win_side *target,
                     const struct op *op)
{
    const struct datatype *t = target->type;

    return rank >= 0 && w->targets[rank].reach == WIN_BY_STORE && w->board &&
           w->flavor != MPI_WIN_FLAVOR_DYNAMIC && t->predefined && t->contiguous && target->count &&
           op->kind != OP_NO_OP && !op_is_user(op) && origin->type == t &&
           origin->count == target->count &&
           (!result || (result->type == t && result->count == target->count));
}

static int accumulate_plain(struct win *w, const struct win_side *origin,
                            const struct win_side *result, int rank, const struct win_side *target,
                            const struct op *op, struct request **request)
{
    win_atomic_fn *fn = w->coarse ? NULL : win_atomic_table[op->kind][target->type->basic];
    uint64_t at;
    int rc = look(w, rank, target, request, &at);

    if (UNLIKELY(rc))
        return rc;
    win_count(&counts.win_accumulated, 1);
    win_request_done(request);
    char *there = w->targets[rank].mapped + at;
    if (LIKELY(fn && win_atomic_aligned(target->type->basic, (uintptr_t)there))) {
        fn(there, origin->buf, result ? result->buf : NULL, (size_t)target->count);
        w->stored |= !result;
        return MPI_SUCCESS;
    }
    return win_native_plain(w, origin->buf, result ? result->buf : NULL, rank, target, op, there);
}

/* Of any shape. `moves`: a put or get that goes this way, which is counted as what it is. */
static int accumulate_any(struct win *w, const struct win_side *origin,
                          const struct win_side *result, int rank, const struct win_side *target,
                          struct op *op, bool moves, struct request **request)
{
    size_t total = 0;
    struct datatype *element = NULL;
    uint64_t at;
    int rc = win_side_bytes(target, &total);

    if (rc)
        return rc;
    if (op_is_user(op))
        return err_set(MPI_ERR_OP, "accumulates take predefined operators only");
    /* Nothing is combined where there is no data: any type will do. */
    rc = element_of(total ? target->type : &datatype_int, op, &element);
    if (!rc)
        rc = check_sides(origin, result, total, op);
    if (!rc && rank != MPI_PROC_NULL)
        rc = look(w, rank, target, request, &at);
    if (rc)
        return rc;
    if (rank == MPI_PROC_NULL || !total) {
        win_request_done(request);
        return MPI_SUCCESS;
    }
    if (!moves)
        win_count(&counts.win_accumulated, 1);
    if (w->board) {
        win_request_done(request);
        return win_native_accumulate(w, origin, result, rank, target, op, element, at);
    }
    struct win_stream s = {.kind = result ? WIN_MESSAGE_FETCH : WIN_MESSAGE_ACCUMULATE};
    if (op->kind != OP_NO_OP)
        s.origin = *origin;
    if (result)
        s.result = *result;
    return accumulate_told(w, rank, &s, target, total, op, element, at, request);
}

int win_accumulate(struct win *w, const struct win_side *origin, const struct win_side *result,
                   int rank, const struct win_side *target, struct op *op, struct request **request)
{
    if (LIKELY(is_plain(w, origin, result, rank, target, op) &&
               (win_atomic_table[op->kind][target->type->basic] || !op_check(op, target->type))))
        return accumulate_plain(w, origin, result, rank, target, op, request);
    return accumulate_any(w, origin, result, rank, target, op, false, request);
}

int win_move_told(struct win *w, const struct win_side *origin, const struct win_side *result,
                  int rank, const struct win_side *target, struct request **request)
{
    struct op *op = op_find(result ? MPI_NO_OP : MPI_REPLACE);

    return accumulate_any(w, origin, result, rank, target, op, true, request);
}

/* Integers, logicals and bytes (12.3.5). */
static bool swappable(const struct datatype *t)
{
    return t->predefined && ((t->basic >= BASIC_INT8 && t->basic <= BASIC_LOGICAL16));
}

int win_compare_and_swap(struct win *w, const void *origin, const void *compare, void *result,
                         struct datatype *t, int rank, MPI_Aint disp)
{
    struct win_side target = {.disp = disp, .count = 1, .type = t};
    struct op *replace = op_find(MPI_REPLACE);
    struct datatype *element = NULL;
    uint64_t at;
    int rc;

    if (!swappable(t))
        return err_set(MPI_ERR_TYPE, "compare-and-swap takes integers, logicals and bytes only");
    if (rank == MPI_PROC_NULL)
        return MPI_SUCCESS;
    rc = look(w, rank, &target, false, &at);
    if (rc)
        return rc;
    win_count(&counts.win_accumulated, 1);
    if (w->board)
        return win_native_swap(w, origin, compare, result, t, rank, at);
    rc = element_of(t, replace, &element);
    if (rc)
        return rc;
    struct win_stream s = {.origin = {.buf = (void *)origin, .count = 1, .type = t},
                           .result = {.buf = result, .count = 1, .type = t},
                           .compare = compare,
                           .kind = WIN_MESSAGE_SWAP};
    return accumulate_told(w, rank, &s, &target, (size_t)t->size, replace, element, at, NULL);
}
