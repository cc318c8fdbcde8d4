/* SPDX-License-Identifier: BSD-3-Clause */
/* Operations on windows (12.3). */
#include "core/api/check_win.h"
#include "core/p2p/request.h"

/* A call's arguments as objects. */
struct rma {
    struct win *w;
    struct win_side origin, result, target;
    struct op *op;
    struct request *request;
};

static int check_side(void *buf, MPI_Count count, MPI_Datatype datatype, struct win_side *side)
{
    side->buf = buf;
    side->count = count;
    return check_buffer(buf, count, datatype, &side->type);
}

static int check_target(struct rma *a, MPI_Win win, int rank, MPI_Aint disp, MPI_Count count,
                        MPI_Datatype datatype)
{
    static char somewhere; /* the target's buffer is not ours to judge */
    int rc = check_win(win, &a->w);

    if (!rc)
        rc = check_win_rank(a->w, rank);
    if (!rc)
        rc = check_side(&somewhere, count, datatype, &a->target);
    a->target.buf = NULL;
    a->target.disp = disp;
    return rc;
}

/* Gives a started request its handle; the call's end. */
static int finish(struct rma *a, int rc, MPI_Request *request, const char *func)
{
    if (!rc && request && a->request == &request_sent)
        *request = (MPI_Request)request_sent.object.handle;
    else if (!rc && request)
        rc = request_publish(a->request, request);
    return rc ? api_fail_win(a->w, rc, func) : MPI_SUCCESS;
}

/* ---- Put and get ---- */

typedef int move_fn(struct win *w, const struct win_side *origin, int rank,
                    const struct win_side *target, struct request **request);

static int move(move_fn *call, void *buf, MPI_Count count, MPI_Datatype datatype, int rank,
                MPI_Aint disp, MPI_Count target_count, MPI_Datatype target_datatype, MPI_Win win,
                MPI_Request *request, const char *func)
{
    struct rma a = {0};
    int rc = check_target(&a, win, rank, disp, target_count, target_datatype);

    if (!rc)
        rc = check_side(buf, count, datatype, &a.origin);
    if (!rc)
        rc = call(a.w, &a.origin, rank, &a.target, request ? &a.request : NULL);
    return finish(&a, rc, request, func);
}

MPI_EXPORT(Put_c)
int PMPI_Put_c(const void *origin_addr, MPI_Count origin_count, MPI_Datatype origin_datatype,
               int target_rank, MPI_Aint target_disp, MPI_Count target_count,
               MPI_Datatype target_datatype, MPI_Win win)
{
    return move(win_put, (void *)origin_addr, origin_count, origin_datatype, target_rank,
                target_disp, target_count, target_datatype, win, NULL, __func__);
}
MPI_SMALL(Put,
          (const void *origin_addr, int origin_count, MPI_Datatype origin_datatype, int target_rank,
           MPI_Aint target_disp, int target_count, MPI_Datatype target_datatype, MPI_Win win),
          (origin_addr, origin_count, origin_datatype, target_rank, target_disp, target_count,
           target_datatype, win))

MPI_EXPORT(Get_c)
int PMPI_Get_c(void *origin_addr, MPI_Count origin_count, MPI_Datatype origin_datatype,
               int target_rank, MPI_Aint target_disp, MPI_Count target_count,
               MPI_Datatype target_datatype, MPI_Win win)
{
    return move(win_get, origin_addr, origin_count, origin_datatype, target_rank, target_disp,
                target_count, target_datatype, win, NULL, __func__);
}
MPI_SMALL(Get,
          (void *origin_addr, int origin_count, MPI_Datatype origin_datatype, int target_rank,
           MPI_Aint target_disp, int target_count, MPI_Datatype target_datatype, MPI_Win win),
          (origin_addr, origin_count, origin_datatype, target_rank, target_disp, target_count,
           target_datatype, win))

static int check_request_out(MPI_Request *request)
{
    return check_out(request, "request");
}

MPI_EXPORT(Rput_c)
int PMPI_Rput_c(const void *origin_addr, MPI_Count origin_count, MPI_Datatype origin_datatype,
                int target_rank, MPI_Aint target_disp, MPI_Count target_count,
                MPI_Datatype target_datatype, MPI_Win win, MPI_Request *request)
{
    int rc = check_request_out(request);

    if (rc)
        return api_fail_win(win_find(win), rc, __func__);
    return move(win_put, (void *)origin_addr, origin_count, origin_datatype, target_rank,
                target_disp, target_count, target_datatype, win, request, __func__);
}
MPI_SMALL(Rput,
          (const void *origin_addr, int origin_count, MPI_Datatype origin_datatype, int target_rank,
           MPI_Aint target_disp, int target_count, MPI_Datatype target_datatype, MPI_Win win,
           MPI_Request *request),
          (origin_addr, origin_count, origin_datatype, target_rank, target_disp, target_count,
           target_datatype, win, request))

MPI_EXPORT(Rget_c)
int PMPI_Rget_c(void *origin_addr, MPI_Count origin_count, MPI_Datatype origin_datatype,
                int target_rank, MPI_Aint target_disp, MPI_Count target_count,
                MPI_Datatype target_datatype, MPI_Win win, MPI_Request *request)
{
    int rc = check_request_out(request);

    if (rc)
        return api_fail_win(win_find(win), rc, __func__);
    return move(win_get, origin_addr, origin_count, origin_datatype, target_rank, target_disp,
                target_count, target_datatype, win, request, __func__);
}
MPI_SMALL(Rget,
          (void *origin_addr, int origin_count, MPI_Datatype origin_datatype, int target_rank,
           MPI_Aint target_disp, int target_count, MPI_Datatype target_datatype, MPI_Win win,
           MPI_Request *request),
          (origin_addr, origin_count, origin_datatype, target_rank, target_disp, target_count,
           target_datatype, win, request))

/* ---- Accumulates ---- */

static int check_op(MPI_Op op, struct op **out)
{
    struct op *o = op_find(op);

    if (!o)
        return check_bad_op(op);
    *out = o;
    return MPI_SUCCESS;
}

static int accumulate(const void *buf, MPI_Count count, MPI_Datatype datatype, int rank,
                      MPI_Aint disp, MPI_Count target_count, MPI_Datatype target_datatype,
                      MPI_Op op, MPI_Win win, MPI_Request *request, const char *func)
{
    struct rma a = {0};
    int rc = check_target(&a, win, rank, disp, target_count, target_datatype);

    if (!rc)
        rc = check_side((void *)buf, count, datatype, &a.origin);
    if (!rc)
        rc = check_op(op, &a.op);
    if (!rc && a.op->kind == OP_NO_OP)
        rc = err_set(MPI_ERR_OP, "MPI_NO_OP is for MPI_Get_accumulate and MPI_Fetch_and_op");
    if (!rc)
        rc = win_accumulate(a.w, &a.origin, NULL, rank, &a.target, a.op,
                            request ? &a.request : NULL);
    return finish(&a, rc, request, func);
}

MPI_EXPORT(Accumulate_c)
int PMPI_Accumulate_c(const void *origin_addr, MPI_Count origin_count, MPI_Datatype origin_datatype,
                      int target_rank, MPI_Aint target_disp, MPI_Count target_count,
                      MPI_Datatype target_datatype, MPI_Op op, MPI_Win win)
{
    return accumulate(origin_addr, origin_count, origin_datatype, target_rank, target_disp,
                      target_count, target_datatype, op, win, NULL, __func__);
}
MPI_SMALL(Accumulate,
          (const void *origin_addr, int origin_count, MPI_Datatype origin_datatype, int target_rank,
           MPI_Aint target_disp, int target_count, MPI_Datatype target_datatype, MPI_Op op,
           MPI_Win win),
          (origin_addr, origin_count, origin_datatype, target_rank, target_disp, target_count,
           target_datatype, op, win))

MPI_EXPORT(Raccumulate_c)
int PMPI_Raccumulate_c(const void *origin_addr, MPI_Count origin_count,
                       MPI_Datatype origin_datatype, int target_rank, MPI_Aint target_disp,
                       MPI_Count target_count, MPI_Datatype target_datatype, MPI_Op op, MPI_Win win,
                       MPI_Request *request)
{
    int rc = check_request_out(request);

    if (rc)
        return api_fail_win(win_find(win), rc, __func__);
    return accumulate(origin_addr, origin_count, origin_datatype, target_rank, target_disp,
                      target_count, target_datatype, op, win, request, __func__);
}
MPI_SMALL(Raccumulate,
          (const void *origin_addr, int origin_count, MPI_Datatype origin_datatype, int target_rank,
           MPI_Aint target_disp, int target_count, MPI_Datatype target_datatype, MPI_Op op,
           MPI_Win win, MPI_Request *request),
          (origin_addr, origin_count, origin_datatype, target_rank, target_disp, target_count,
           target_datatype, op, win, request))

static int fetch(const void *buf, MPI_Count count, MPI_Datatype datatype, void *result,
                 MPI_Count result_count, MPI_Datatype result_datatype, int rank, MPI_Aint disp,
                 MPI_Count target_count, MPI_Datatype target_datatype, MPI_Op op, MPI_Win win,
                 MPI_Request *request, const char *func)
{
    struct rma a = {0};
    int rc = check_target(&a, win, rank, disp, target_count, target_datatype);

    if (!rc)
        rc = check_op(op, &a.op);
    if (!rc && a.op->kind != OP_NO_OP)
        rc = check_side((void *)buf, count, datatype, &a.origin);
    if (!rc)
        rc = check_side(result, result_count, result_datatype, &a.result);
    if (!rc)
        rc = win_accumulate(a.w, &a.origin, &a.result, rank, &a.target, a.op,
                            request ? &a.request : NULL);
    return finish(&a, rc, request, func);
}

MPI_EXPORT(Get_accumulate_c)
int PMPI_Get_accumulate_c(const void *origin_addr, MPI_Count origin_count,
                          MPI_Datatype origin_datatype, void *result_addr, MPI_Count result_count,
                          MPI_Datatype result_datatype, int target_rank, MPI_Aint target_disp,
                          MPI_Count target_count, MPI_Datatype target_datatype, MPI_Op op,
                          MPI_Win win)
{
    return fetch(origin_addr, origin_count, origin_datatype, result_addr, result_count,
                 result_datatype, target_rank, target_disp, target_count, target_datatype, op, win,
                 NULL, __func__);
}
MPI_SMALL(Get_accumulate,
          (const void *origin_addr, int origin_count, MPI_Datatype origin_datatype,
           void *result_addr, int result_count, MPI_Datatype result_datatype, int target_rank,
           MPI_Aint target_disp, int target_count, MPI_Datatype target_datatype, MPI_Op op,
           MPI_Win win),
          (origin_addr, origin_count, origin_datatype, result_addr, result_count, result_datatype,
           target_rank, target_disp, target_count, target_datatype, op, win))

MPI_EXPORT(Rget_accumulate_c)
int PMPI_Rget_accumulate_c(const void *origin_addr, MPI_Count origin_count,
                           MPI_Datatype origin_datatype, void *result_addr, MPI_Count result_count,
                           MPI_Datatype result_datatype, int target_rank, MPI_Aint target_disp,
                           MPI_Count target_count, MPI_Datatype target_datatype, MPI_Op op,
                           MPI_Win win, MPI_Request *request)
{
    int rc = check_request_out(request);

    if (rc)
        return api_fail_win(win_find(win), rc, __func__);
    return fetch(origin_addr, origin_count, origin_datatype, result_addr, result_count,
                 result_datatype, target_rank, target_disp, target_count, target_datatype, op, win,
                 request, __func__);
}
MPI_SMALL(Rget_accumulate,
          (const void *origin_addr, int origin_count, MPI_Datatype origin_datatype,
           void *result_addr, int result_count, MPI_Datatype result_datatype, int target_rank,
           MPI_Aint target_disp, int target_count, MPI_Datatype target_datatype, MPI_Op op,
           MPI_Win win, MPI_Request *request),
          (origin_addr, origin_count, origin_datatype, result_addr, result_count, result_datatype,
           target_rank, target_disp, target_count, target_datatype, op, win, request))

static int check_predefined(const struct datatype *t)
{
    return t->predefined ? MPI_SUCCESS : err_set(MPI_ERR_TYPE, "the type must be predefined");
}

MPI_EXPORT(Fetch_and_op)
int PMPI_Fetch_and_op(const void *origin_addr, void *result_addr, MPI_Datatype datatype,
                      int target_rank, MPI_Aint target_disp, MPI_Op op, MPI_Win win)
{
    struct win *w = win_find(win);
    struct datatype *t = NULL;
    int rc = check_type(datatype, &t);

    if (!rc)
        rc = check_predefined(t);
    if (rc)
        return api_fail_win(w, rc, __func__);
    return fetch(origin_addr, 1, datatype, result_addr, 1, datatype, target_rank, target_disp, 1,
                 datatype, op, win, NULL, __func__);
}

MPI_EXPORT(Compare_and_swap)
int PMPI_Compare_and_swap(const void *origin_addr, const void *compare_addr, void *result_addr,
                          MPI_Datatype datatype, int target_rank, MPI_Aint target_disp, MPI_Win win)
{
    struct rma a = {0};
    int rc = check_target(&a, win, target_rank, target_disp, 1, datatype);

    if (!rc && (!origin_addr || !compare_addr || !result_addr))
        rc = check_bad_buffer();
    if (!rc)
        rc = win_compare_and_swap(a.w, origin_addr, compare_addr, result_addr, a.target.type,
                                  target_rank, target_disp);
    return finish(&a, rc, NULL, __func__);
}
