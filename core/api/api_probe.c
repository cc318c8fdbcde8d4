/* SPDX-License-Identifier: BSD-3-Clause */
/* Probes (3.8), for a look and for a match. */
#include "core/api/check.h"

static int probe_check(MPI_Comm comm, struct comm **c, int source, int tag)
{
    int rc = check_comm(comm, c);

    if (!rc)
        rc = check_source(*c, source);
    if (!rc && tag < 0 && tag != MPI_ANY_TAG)
        rc = check_bad_tag(tag);
    return rc;
}

MPI_EXPORT(Probe)
int PMPI_Probe(int source, int tag, MPI_Comm comm, MPI_Status *status)
{
    struct comm *c = NULL;
    int rc = probe_check(comm, &c, source, tag);

    if (!rc)
        rc = p2p_probe_wait(c, source, tag, NULL, status);
    return rc ? api_fail_comm(c, rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Iprobe)
int PMPI_Iprobe(int source, int tag, MPI_Comm comm, int *flag, MPI_Status *status)
{
    struct comm *c = NULL;
    bool found = false;
    int rc = probe_check(comm, &c, source, tag);

    if (!rc)
        rc = check_out(flag, "flag");
    if (!rc)
        rc = p2p_probe(c, source, tag, &found, NULL, status);
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *flag = found;
    return MPI_SUCCESS;
}

MPI_EXPORT(Mprobe)
int PMPI_Mprobe(int source, int tag, MPI_Comm comm, MPI_Message *message, MPI_Status *status)
{
    struct comm *c = NULL;
    struct message *m = NULL;
    int rc = probe_check(comm, &c, source, tag);

    if (!rc)
        rc = check_out(message, "message");
    if (!rc)
        rc = p2p_probe_wait(c, source, tag, &m, status);
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *message = (MPI_Message)m->object.handle;
    return MPI_SUCCESS;
}

MPI_EXPORT(Improbe)
int PMPI_Improbe(int source, int tag, MPI_Comm comm, int *flag, MPI_Message *message,
                 MPI_Status *status)
{
    struct comm *c = NULL;
    struct message *m = NULL;
    bool found = false;
    int rc = probe_check(comm, &c, source, tag);

    if (!rc)
        rc = check_out(flag, "flag");
    if (!rc)
        rc = check_out(message, "message");
    if (!rc)
        rc = p2p_probe(c, source, tag, &found, &m, status);
    if (rc)
        return api_fail_comm(c, rc, __func__);
    *flag = found;
    *message = found ? (MPI_Message)m->object.handle : MPI_MESSAGE_NULL;
    return MPI_SUCCESS;
}
