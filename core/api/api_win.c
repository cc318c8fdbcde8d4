/* SPDX-License-Identifier: BSD-3-Clause */
/* Windows: making and freeing them, their memory, names and hints (12.2). */
#include <limits.h>
#include <string.h>

#include "core/api/check_win.h"

/* ---- Making windows ---- */

/* What all creations have in common. */
static int check_creation(MPI_Comm comm, struct comm **c, MPI_Info info, struct info **i,
                          MPI_Win *win)
{
    int rc = check_comm(comm, c);

    if (!rc && comm_is_inter(*c))
        rc = err_set(MPI_ERR_COMM, "a window needs an intracommunicator");
    if (!rc)
        rc = check_hints(info, i);
    return rc ? rc : check_out(win, "win");
}

static int check_memory(MPI_Aint size, MPI_Aint unit)
{
    if (size < 0)
        return err_set(MPI_ERR_SIZE, "size %lld is negative", (long long)size);
    if (unit <= 0)
        return err_set(MPI_ERR_DISP, "disp_unit %lld is not positive", (long long)unit);
    return MPI_SUCCESS;
}

MPI_EXPORT(Win_create_c)
int PMPI_Win_create_c(void *base, MPI_Aint size, MPI_Aint disp_unit, MPI_Info info, MPI_Comm comm,
                      MPI_Win *win)
{
    struct comm *c = NULL;
    struct info *i = NULL;
    struct win *w;
    int rc = check_creation(comm, &c, info, &i, win);

    if (!rc)
        rc = check_memory(size, disp_unit);
    if (!rc && !base && size)
        rc = check_bad_buffer();
    if (!rc)
        rc = win_create(base, size, disp_unit, i, c, &w);
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *win = (MPI_Win)w->object.handle;
    return MPI_SUCCESS;
}
MPI_SMALL(Win_create,
          (void *base, MPI_Aint size, int disp_unit, MPI_Info info, MPI_Comm comm, MPI_Win *win),
          (base, size, disp_unit, info, comm, win))

typedef int allocate_fn(MPI_Aint size, MPI_Aint unit, struct info *info, struct comm *c,
                        void **base, struct win **win);

static int allocate(allocate_fn *make, MPI_Aint size, MPI_Aint unit, MPI_Info info, MPI_Comm comm,
                    void *baseptr, MPI_Win *win, const char *func)
{
    struct comm *c = NULL;
    struct info *i = NULL;
    struct win *w;
    void *base;
    int rc = check_creation(comm, &c, info, &i, win);

    if (!rc)
        rc = check_memory(size, unit);
    if (!rc)
        rc = check_out(baseptr, "baseptr");
    if (!rc)
        rc = make(size, unit, i, c, &base, &w);
    if (rc)
        return api_fail_comm(c, rc, func);
    memcpy(baseptr, &base, sizeof base);
    *win = (MPI_Win)w->object.handle;
    return MPI_SUCCESS;
}

MPI_EXPORT(Win_allocate_c)
int PMPI_Win_allocate_c(MPI_Aint size, MPI_Aint disp_unit, MPI_Info info, MPI_Comm comm,
                        void *baseptr, MPI_Win *win)
{
    return allocate(win_allocate, size, disp_unit, info, comm, baseptr, win, __func__);
}
MPI_SMALL(Win_allocate,
          (MPI_Aint size, int disp_unit, MPI_Info info, MPI_Comm comm, void *baseptr, MPI_Win *win),
          (size, disp_unit, info, comm, baseptr, win))

MPI_EXPORT(Win_allocate_shared_c)
int PMPI_Win_allocate_shared_c(MPI_Aint size, MPI_Aint disp_unit, MPI_Info info, MPI_Comm comm,
                               void *baseptr, MPI_Win *win)
{
    return allocate(win_allocate_shared, size, disp_unit, info, comm, baseptr, win, __func__);
}
MPI_SMALL(Win_allocate_shared,
          (MPI_Aint size, int disp_unit, MPI_Info info, MPI_Comm comm, void *baseptr, MPI_Win *win),
          (size, disp_unit, info, comm, baseptr, win))

MPI_EXPORT(Win_create_dynamic)
int PMPI_Win_create_dynamic(MPI_Info info, MPI_Comm comm, MPI_Win *win)
{
    struct comm *c = NULL;
    struct info *i = NULL;
    struct win *w;
    int rc = check_creation(comm, &c, info, &i, win);

    if (!rc)
        rc = win_create_dynamic(i, c, &w);
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *win = (MPI_Win)w->object.handle;
    return MPI_SUCCESS;
}

MPI_EXPORT(Win_attach)
int PMPI_Win_attach(MPI_Win win, void *base, MPI_Aint size)
{
    struct win *w = NULL;
    int rc = check_win(win, &w);

    if (!rc && size < 0)
        rc = err_set(MPI_ERR_SIZE, "size %lld is negative", (long long)size);
    if (!rc && !base && size)
        rc = check_bad_buffer();
    if (!rc)
        rc = win_attach(w, base, size);
    return rc ? api_fail_win(w, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Win_detach)
int PMPI_Win_detach(MPI_Win win, const void *base)
{
    struct win *w = NULL;
    int rc = check_win(win, &w);

    if (!rc)
        rc = win_detach(w, base);
    return rc ? api_fail_win(w, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Win_free)
int PMPI_Win_free(MPI_Win *win)
{
    struct win *w = NULL;
    bool gone = false;
    int rc = check_out(win, "win");

    if (!rc)
        rc = check_win(*win, &w);
    if (!rc)
        rc = win_free(w, &gone);
    if (gone)
        *win = MPI_WIN_NULL;
    return rc ? api_fail_win(gone ? NULL : w, rc, __func__) : MPI_SUCCESS;
}

/* ---- What a window is ---- */

static int shared_query(MPI_Win win, struct win **w, int rank, MPI_Aint *size, MPI_Aint *unit,
                        void *baseptr)
{
    void *base;
    int rc = check_win(win, w);

    if (!rc)
        rc = check_win_rank(*w, rank);
    if (!rc)
        rc = check_out(size, "size");
    if (!rc)
        rc = check_out(baseptr, "baseptr");
    if (!rc)
        rc = win_shared_query(*w, rank, size, unit, &base);
    if (!rc)
        memcpy(baseptr, &base, sizeof base);
    return rc;
}

MPI_EXPORT(Win_shared_query_c)
int PMPI_Win_shared_query_c(MPI_Win win, int rank, MPI_Aint *size, MPI_Aint *disp_unit,
                            void *baseptr)
{
    struct win *w = NULL;
    int rc = check_out(disp_unit, "disp_unit");

    if (!rc)
        rc = shared_query(win, &w, rank, size, disp_unit, baseptr);
    return rc ? api_fail_win(w, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Win_shared_query)
int PMPI_Win_shared_query(MPI_Win win, int rank, MPI_Aint *size, int *disp_unit, void *baseptr)
{
    struct win *w = NULL;
    MPI_Aint unit;
    int rc = check_out(disp_unit, "disp_unit");

    if (!rc)
        rc = shared_query(win, &w, rank, size, &unit, baseptr);
    if (!rc && unit > INT_MAX)
        rc = err_set(MPI_ERR_VALUE_TOO_LARGE,
                     "the displacement unit %lld does not fit an int: use "
                     "MPI_Win_shared_query_c",
                     (long long)unit);
    if (rc)
        return api_fail_win(w, rc, __func__);
    *disp_unit = (int)unit;
    return MPI_SUCCESS;
}

MPI_EXPORT(Win_get_group)
int PMPI_Win_get_group(MPI_Win win, MPI_Group *group)
{
    struct win *w = NULL;
    int rc = check_win(win, &w);

    if (!rc)
        rc = check_out(group, "group");
    if (!rc)
        rc = api_give_group(w->comm, false, group);
    return rc ? api_fail_win(w, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Win_get_info)
int PMPI_Win_get_info(MPI_Win win, MPI_Info *info_used)
{
    struct win *w = NULL;
    struct info *i = NULL;
    int rc = check_win(win, &w);

    if (!rc)
        rc = check_out(info_used, "info_used");
    if (!rc)
        rc = info_dup(w->info, &i);
    if (!rc)
        rc = object_publish(&i->object);
    if (rc)
        return api_fail_win(w, rc, __func__);
    *info_used = (MPI_Info)i->object.handle;
    return MPI_SUCCESS;
}

MPI_EXPORT(Win_set_info)
int PMPI_Win_set_info(MPI_Win win, MPI_Info info)
{
    struct win *w = NULL;
    struct info *i = NULL;
    int rc = check_win(win, &w);

    if (!rc)
        rc = check_info(info, &i);
    if (!rc)
        rc = win_set_info(w, i);
    return rc ? api_fail_win(w, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Win_get_name)
int PMPI_Win_get_name(MPI_Win win, char *win_name, int *resultlen)
{
    struct win *w = NULL;
    int rc = win == MPI_WIN_NULL ? check_running() : check_win(win, &w);

    if (!rc)
        rc = check_out(win_name, "win_name");
    if (!rc)
        rc = check_out(resultlen, "resultlen");
    if (rc)
        return api_fail_win(w, rc, __func__);
    strcpy(win_name, w ? w->name : "MPI_WIN_NULL");
    *resultlen = (int)strlen(win_name);
    return MPI_SUCCESS;
}

MPI_EXPORT(Win_set_name)
int PMPI_Win_set_name(MPI_Win win, const char *win_name)
{
    struct win *w = NULL;
    int rc = check_win(win, &w);

    if (!rc)
        rc = check_out(win_name, "win_name");
    if (rc)
        return api_fail_win(w, rc, __func__);
    size_t len = strnlen(win_name, sizeof w->name - 1);
    memcpy(w->name, win_name, len);
    w->name[len] = '\0';
    return MPI_SUCCESS;
}
