/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions and their process sets (11.3). */
#include <stdio.h>
#include <string.h>

#include "core/api/check.h"
#include "core/api/life.h"
#include "core/coll/comm_make.h"
#include "core/object/err.h"
#include "core/object/hints.h"
#include "core/object/pset.h"
#include "core/object/session.h"

static int check_session(MPI_Session session, struct session **out)
{
    struct session *s = session_find(session);

    if (!s)
        return check_bad_session(session);
    *out = s;
    return MPI_SUCCESS;
}

static int check_pset(const char *name, int *pset)
{
    int rc = check_out(name, "pset_name");

    if (rc)
        return rc;
    *pset = pset_find(name);
    if (*pset >= 0)
        return MPI_SUCCESS;
    return err_set(MPI_ERR_ARG, "this process is in no process set %s; %s is one that always is",
                   name, pset_uri(0));
}

static int publish_info(struct info *i, MPI_Info *info)
{
    int rc = object_publish(&i->object);

    if (rc) {
        object_drop(&i->object);
        return rc;
    }
    *info = (MPI_Info)i->object.handle;
    return MPI_SUCCESS;
}

/* ---- Life ---- */

/* The level that the info asks for under "thread_level"; without it, all of them. */
static int wanted_level(struct info *info)
{
    static const int levels[] = {MPI_THREAD_SINGLE, MPI_THREAD_FUNNELED, MPI_THREAD_SERIALIZED};
    char value[32];
    size_t len;

    if (info && info_copy(info, "thread_level", value, sizeof(value), &len))
        for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
            if (!strcmp(value, life_thread_name(levels[i])))
                return levels[i];
    return MPI_THREAD_MULTIPLE;
}

/* Whatever else the program hints at is ignored, and so does not come back (11.3.1). */
static int open_session(struct session *s, struct info *wishes)
{
    int rc = life_open(wanted_level(wishes));

    if (rc)
        return rc;
    rc = info_set(s->info, "thread_level", life_thread_name(api_thread_level));
    if (!rc)
        rc = info_set(s->info, HINT_MEMORY_KINDS, MEMORY_KINDS);
    if (!rc)
        rc = object_publish(&s->object);
    if (rc)
        life_close();
    return rc;
}

MPI_EXPORT(Session_init)
int PMPI_Session_init(MPI_Info info, MPI_Errhandler errhandler, MPI_Session *session)
{
    struct info *i = NULL;
    struct errhandler *h = NULL;
    struct session *s = NULL;
    int rc = check_errhandler_of(errhandler, OBJECT_SESSION, &h);

    if (!rc)
        rc = check_hints(info, &i);
    if (!rc)
        rc = check_out(session, "session");
    if (!rc)
        rc = session_new(h, &s);
    if (!rc && (rc = open_session(s, i)))
        object_drop(&s->object);
    if (rc)
        return api_fail_handler(h, MPI_SESSION_NULL, rc, __func__);
    *session = (MPI_Session)s->object.handle;
    return MPI_SUCCESS;
}

MPI_EXPORT(Session_finalize)
int PMPI_Session_finalize(MPI_Session *session)
{
    struct session *s = NULL;
    int rc = check_out(session, "session");

    if (!rc)
        rc = check_session(*session, &s);
    if (rc)
        return api_fail_session(s, rc, __func__);
    *session = MPI_SESSION_NULL;
    object_retire(&s->object);
    object_drop(&s->object);
    life_close();
    return MPI_SUCCESS;
}

MPI_EXPORT(Session_get_info)
int PMPI_Session_get_info(MPI_Session session, MPI_Info *info_used)
{
    struct session *s = NULL;
    struct info *copy;
    int rc = check_session(session, &s);

    if (!rc)
        rc = check_out(info_used, "info_used");
    if (!rc)
        rc = info_dup(s->info, &copy);
    if (!rc)
        rc = publish_info(copy, info_used);
    return rc ? api_fail_session(s, rc, __func__) : MPI_SUCCESS;
}

/* ---- Process sets ---- */

MPI_EXPORT(Session_get_num_psets)
int PMPI_Session_get_num_psets(MPI_Session session, MPI_Info info, int *npset_names)
{
    struct session *s = NULL;
    struct info *i = NULL;
    int rc = check_session(session, &s);

    if (!rc)
        rc = check_hints(info, &i);
    if (!rc)
        rc = check_out(npset_names, "npset_names");
    if (rc)
        return api_fail_session(s, rc, __func__);
    *npset_names = pset_count();
    return MPI_SUCCESS;
}

/* pset_len counts the terminating zero, going in and coming out; 0 asks for the length alone. */
MPI_EXPORT(Session_get_nth_pset)
int PMPI_Session_get_nth_pset(MPI_Session session, MPI_Info info, int n, int *pset_len,
                              char *pset_name)
{
    struct session *s = NULL;
    struct info *i = NULL;
    const char *name = NULL;
    int rc = check_session(session, &s);

    if (!rc)
        rc = check_hints(info, &i);
    if (!rc && !(name = pset_uri(n)))
        rc = err_set(MPI_ERR_ARG, "process set %d, there are %d", n, pset_count());
    if (!rc)
        rc = check_out(pset_len, "pset_len");
    if (!rc && *pset_len < 0)
        rc = check_bad_arg("pset_len", "is negative");
    if (!rc && *pset_len > 0)
        rc = check_out(pset_name, "pset_name");
    if (rc)
        return api_fail_session(s, rc, __func__);
    if (*pset_len > 0)
        snprintf(pset_name, *pset_len, "%s", name);
    *pset_len = (int)strlen(name) + 1;
    return MPI_SUCCESS;
}

MPI_EXPORT(Session_get_pset_info)
int PMPI_Session_get_pset_info(MPI_Session session, const char *pset_name, MPI_Info *info)
{
    struct session *s = NULL;
    struct info *i;
    char size[16];
    int pset, rc = check_session(session, &s);

    if (!rc)
        rc = check_pset(pset_name, &pset);
    if (!rc)
        rc = check_out(info, "info");
    if (!rc)
        rc = info_new(&i);
    if (rc)
        return api_fail_session(s, rc, __func__);
    snprintf(size, sizeof(size), "%d", pset_size(pset));
    rc = info_set(i, "mpi_size", size);
    if (rc)
        object_drop(&i->object);
    else
        rc = publish_info(i, info);
    return rc ? api_fail_session(s, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Group_from_session_pset)
int PMPI_Group_from_session_pset(MPI_Session session, const char *pset_name, MPI_Group *newgroup)
{
    struct session *s = NULL;
    struct group *g;
    int pset, rc = check_session(session, &s);

    if (!rc)
        rc = check_out(newgroup, "newgroup");
    if (!rc) {
        *newgroup = MPI_GROUP_NULL; /* what it is where the process set does not exist (7.3.2) */
        rc = check_pset(pset_name, &pset);
    }
    if (!rc)
        rc = pset_group(pset, &g);
    if (rc)
        return api_fail_session(s, rc, __func__);
    if (g != &group_empty)
        g->session = s->object.handle;
    rc = object_publish(&g->object);
    if (rc) {
        object_drop(&g->object);
        return api_fail_session(s, rc, __func__);
    }
    *newgroup = (MPI_Group)g->object.handle;
    return MPI_SUCCESS;
}

/* ---- A communicator without a parent (7.4.2) ---- */

MPI_EXPORT(Comm_create_from_group)
int PMPI_Comm_create_from_group(MPI_Group group, const char *stringtag, MPI_Info info,
                                MPI_Errhandler errhandler, MPI_Comm *newcomm)
{
    struct group *g = NULL;
    struct info *i = NULL;
    struct errhandler *h = NULL;
    struct comm *made;
    int rc = check_errhandler_of(errhandler, OBJECT_COMM, &h);

    if (!rc)
        rc = check_group(group, &g);
    if (!rc)
        rc = check_hints(info, &i);
    if (!rc)
        rc = check_out(stringtag, "stringtag");
    if (!rc)
        rc = check_out(newcomm, "newcomm");
    if (rc)
        return api_fail_handler(h, MPI_COMM_NULL, rc, __func__);
    if (g->size == 0) {
        *newcomm = MPI_COMM_NULL;
        return MPI_SUCCESS;
    }
    if (g->rank == MPI_UNDEFINED)
        rc = err_set(MPI_ERR_GROUP, "this process is no member of the group");
    if (!rc)
        rc = comm_from_group(g, stringtag, &made);
    if (!rc)
        rc = api_dress_comm(made, i, h);
    if (rc)
        return api_fail_handler(h, MPI_COMM_NULL, rc, __func__);
    *newcomm = (MPI_Comm)made->object.handle;
    return MPI_SUCCESS;
}
