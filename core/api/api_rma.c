/* SPDX-License-Identifier: BSD-3-Clause */
/* Operations on windows (12.3). */
#include "core/api/check_win.h"
#include "core/p2p/request.h"
#include "core/win/win_quick.h"

static char somewhere; /* for a target's buffer, which is not ours to judge */

HOT_INLINE int check_target(MPI_Win win, struct win **w, int rank, MPI_Aint disp, MPI_Count count,
                            MPI_Datatype datatype, struct win_side *target)
{
    int rc = check_win(win, w);

    *target = (struct win_side){.disp = disp, .count = count};
    if (LIKELY(!rc))
        rc = check_win_rank(*w, rank);
    if (LIKELY(!rc))
        rc = check_buffer(&somewhere, count, datatype, &target->type);
    return rc;
}

HOT_INLINE int give_request(int rc, struct request *r, MPI_Request *request)
{
    if (rc || !request)
        return rc;
    if (LIKELY(r == &request_sent)) { /* it is over: one handle does for all */
        *request = (MPI_Request)request_sent.object.handle;
        return MPI_SUCCESS;
    }
    return request_publish(r, request);
}

/* ---- Put and get ---- */

typedef int move_fn(struct win *w, const struct win_side *origin, int rank,
                    const struct win_side *target, struct request **request);

HOT_INLINE int move(move_fn *call, void *buf, MPI_Count count, MPI_Datatype datatype, int rank,
                    MPI_Aint disp, MPI_Count target_count, MPI_Datatype target_datatype,
                    MPI_Win win, MPI_Request *request, const char *func)
{
    struct win *w = NULL;
    struct win_side origin = {.buf = buf, .count = count}, target;
    struct request *r = NULL;
    int rc = check_target(win, &w, rank, disp, target_count, target_datatype, &target);

    if (LIKELY(!rc))
        rc = check_buffer(buf, count, datatype, &origin.type);
    if (LIKELY(!rc))
        rc = call(w, &origin, rank, &target, request ? &r : NULL);
    rc = give_request(rc, r, request);
    return LIKELY(!rc) ? MPI_SUCCESS : api_fail_win(w, rc, func);
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

HOT_INLINE int accumulate(const void *buf, MPI_Count count, MPI_Datatype datatype, int rank,
                          MPI_Aint disp, MPI_Count target_count, MPI_Datatype target_datatype,
                          MPI_Op op, MPI_Win win, MPI_Request *request, const char *func)
{
    struct win *w = NULL;
    struct win_side origin = {.buf = (void *)buf, .count = count}, target;
    struct request *r = NULL;
    struct op *o = NULL;
    int rc = check_target(win, &w, rank, disp, target_count, target_datatype, &target);

    if (LIKELY(!rc))
        rc = check_buffer(buf, count, datatype, &origin.type);
    if (LIKELY(!rc))
        rc = check_op(op, &o);
    if (LIKELY(!rc) && o->kind == OP_NO_OP)
        rc = err_set(MPI_ERR_OP, "MPI_NO_OP is for MPI_Get_accumulate and MPI_Fetch_and_op");
    if (LIKELY(!rc))
        rc = win_accumulate(w, &origin, NULL, rank, &target, o, request ? &r : NULL);
    rc = give_request(rc, r, request);
    return LIKELY(!rc) ? MPI_SUCCESS : api_fail_win(w, rc, func);
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

HOT_INLINE int fetch(const void *buf, MPI_Count count, MPI_Datatype datatype, void *result,
                     MPI_Count result_count, MPI_Datatype result_datatype, int rank, MPI_Aint disp,
                     MPI_Count target_count, MPI_Datatype target_datatype, MPI_Op op, MPI_Win win,
                     MPI_Request *request, const char *func)
{
    struct win *w = NULL;
    struct win_side origin = {.buf = (void *)buf, .count = count};
    struct win_side got = {.buf = result, .count = result_count}, target;
    struct request *r = NULL;
    struct op *o = NULL;
    int rc = check_target(win, &w, rank, disp, target_count, target_datatype, &target);

    if (LIKELY(!rc))
        rc = check_op(op, &o);
    if (LIKELY(!rc) && o->kind != OP_NO_OP)
        rc = check_buffer(buf, count, datatype, &origin.type);
    if (LIKELY(!rc))
        rc = check_buffer(result, result_count, result_datatype, &got.type);
    if (LIKELY(!rc))
        rc = win_accumulate(w, &origin, &got, rank, &target, o, request ? &r : NULL);
    rc = give_request(rc, r, request);
    return LIKELY(!rc) ? MPI_SUCCESS : api_fail_win(w, rc, func);
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

/* The long way of each, out of line so that the short one has the registers. */
static __attribute__((noinline)) int fetch_and_op(const void *origin_addr, void *result_addr,
                                                  MPI_Datatype datatype, int target_rank,
                                                  MPI_Aint target_disp, MPI_Op op, MPI_Win win,
                                                  const char *func)
{
    struct win *w = win_find(win);
    struct datatype *t = NULL;
    int rc = check_type(datatype, &t);

    if (!rc)
        rc = check_predefined(t);
    if (rc)
        return api_fail_win(w, rc, func);
    return fetch(origin_addr, 1, datatype, result_addr, 1, datatype, target_rank, target_disp, 1,
                 datatype, op, win, NULL, func);
}

static __attribute__((noinline)) int compare_and_swap(const void *origin_addr,
                                                      const void *compare_addr, void *result_addr,
                                                      MPI_Datatype datatype, int target_rank,
                                                      MPI_Aint target_disp, MPI_Win win,
                                                      const char *func)
{
    struct win *w = NULL;
    struct win_side target;
    int rc = check_target(win, &w, target_rank, target_disp, 1, datatype, &target);

    if (!rc && (!origin_addr || !compare_addr || !result_addr))
        rc = check_bad_buffer();
    if (!rc)
        rc = win_compare_and_swap(w, origin_addr, compare_addr, result_addr, target.type,
                                  target_rank, target_disp);
    return rc ? api_fail_win(w, rc, func) : MPI_SUCCESS;
}

MPI_EXPORT(Fetch_and_op)
int PMPI_Fetch_and_op(const void *origin_addr, void *result_addr, MPI_Datatype datatype,
                      int target_rank, MPI_Aint target_disp, MPI_Op op, MPI_Win win)
{
    if (win_quick_fetch(origin_addr, result_addr, datatype, target_rank, target_disp, op, win))
        return MPI_SUCCESS;
    return fetch_and_op(origin_addr, result_addr, datatype, target_rank, target_disp, op, win,
                        __func__);
}

MPI_EXPORT(Compare_and_swap)
int PMPI_Compare_and_swap(const void *origin_addr, const void *compare_addr, void *result_addr,
                          MPI_Datatype datatype, int target_rank, MPI_Aint target_disp, MPI_Win win)
{
    if (win_quick_swap(origin_addr, compare_addr, result_addr, datatype, target_rank, target_disp,
                       win))
        return MPI_SUCCESS;
    return compare_and_swap(origin_addr, compare_addr, result_addr, datatype, target_rank,
                            target_disp, win, __func__);
}
