/* SPDX-License-Identifier: BSD-3-Clause */
/* Partitioned communication (4). */
#include <limits.h>

#include "core/api/check.h"
#include "core/object/err.h"
#include "core/p2p/partitioned.h"

static int check_partitions(int partitions, MPI_Info info)
{
    struct info *hints = NULL;

    if (partitions < 0)
        return err_set(MPI_ERR_ARG, "%d partitions: the number is negative", partitions);
    return check_hints(info, &hints);
}

MPI_EXPORT(Psend_init_c)
int PMPI_Psend_init_c(const void *buf, int partitions, MPI_Count count, MPI_Datatype datatype,
                      int dest, int tag, MPI_Comm comm, MPI_Info info, MPI_Request *request)
{
    struct comm *c = NULL;
    struct datatype *t = NULL;
    struct request *r = NULL;
    int rc = check_send(comm, &c, buf, partitions ? count : 0, datatype, &t, dest, tag);

    if (!rc)
        rc = check_partitions(partitions, info);
    if (!rc)
        rc = check_out(request, "request");
    if (!rc)
        rc = part_send_init(c, buf, partitions, count, t, dest, tag, &r);
    if (!rc)
        rc = request_publish(r, request);
    return rc ? api_fail_comm(c, rc, __func__) : MPI_SUCCESS;
}
MPI_SMALL(Psend_init,
          (const void *buf, int partitions, int count, MPI_Datatype datatype, int dest, int tag,
           MPI_Comm comm, MPI_Info info, MPI_Request *request),
          (buf, partitions, count, datatype, dest, tag, comm, info, request))

/* Both sides are named (4.2.1). */
static int check_no_wildcard(int source, int tag)
{
    if (source == MPI_ANY_SOURCE)
        return err_set(MPI_ERR_RANK,
                       "source MPI_ANY_SOURCE: a partitioned receive names its source");
    if (tag == MPI_ANY_TAG)
        return err_set(MPI_ERR_TAG, "MPI_ANY_TAG: a partitioned receive names its tag");
    return MPI_SUCCESS;
}

MPI_EXPORT(Precv_init_c)
int PMPI_Precv_init_c(void *buf, int partitions, MPI_Count count, MPI_Datatype datatype, int dest,
                      int tag, MPI_Comm comm, MPI_Info info, MPI_Request *request)
{
    struct comm *c = NULL;
    struct datatype *t = NULL;
    struct request *r = NULL;
    int rc = check_recv(comm, &c, buf, partitions ? count : 0, datatype, &t, dest, tag);

    if (!rc)
        rc = check_no_wildcard(dest, tag);
    if (!rc)
        rc = check_partitions(partitions, info);
    if (!rc)
        rc = check_out(request, "request");
    if (!rc)
        rc = part_recv_init(c, buf, partitions, count, t, dest, tag, &r);
    if (!rc)
        rc = request_publish(r, request);
    return rc ? api_fail_comm(c, rc, __func__) : MPI_SUCCESS;
}
MPI_SMALL(Precv_init,
          (void *buf, int partitions, int count, MPI_Datatype datatype, int dest, int tag,
           MPI_Comm comm, MPI_Info info, MPI_Request *request),
          (buf, partitions, count, datatype, dest, tag, comm, info, request))

/* `rc`: what the entry point has to say of its own arguments. The request's communicator is told of
 * that, too, where there is a request. */
static int ready(int rc, MPI_Request request, const int *list, int low, int n, const char *func)
{
    struct request *r = request_find(request);

    if (!rc && !r)
        rc = check_bad_request(request);
    if (!rc)
        rc = part_ready(r, list, low, n);
    return rc ? api_fail_comm(r ? r->comm : NULL, rc, func) : MPI_SUCCESS;
}

MPI_EXPORT(Pready)
int PMPI_Pready(int partition, MPI_Request request)
{
    return ready(MPI_SUCCESS, request, NULL, partition, 1, __func__);
}

MPI_EXPORT(Pready_range)
int PMPI_Pready_range(int partition_low, int partition_high, MPI_Request request)
{
    int rc = MPI_SUCCESS, n = 1;

    if (partition_low < 0 || partition_high < partition_low)
        rc =
            err_set(MPI_ERR_ARG, "partitions %d to %d are no range", partition_low, partition_high);
    else if (partition_high == INT_MAX) /* the last that there can be is INT_MAX - 1 */
        partition_low = partition_high;
    else
        n = partition_high - partition_low + 1;
    return ready(rc, request, NULL, partition_low, n, __func__);
}

MPI_EXPORT(Pready_list)
int PMPI_Pready_list(int length, const int array_of_partitions[], MPI_Request request)
{
    int rc = length < 0 ? check_bad_count(length) : MPI_SUCCESS;

    if (!rc && length)
        rc = check_out(array_of_partitions, "array_of_partitions");
    return ready(rc, request, array_of_partitions, 0, length, __func__);
}

MPI_EXPORT(Parrived)
int PMPI_Parrived(MPI_Request request, int partition, int *flag)
{
    struct request *r = NULL;
    bool arrived = true; /* of MPI_REQUEST_NULL too */
    int rc = check_request(request, &r);

    if (!rc)
        rc = check_out(flag, "flag");
    if (!rc && r)
        rc = part_arrived(r, partition, &arrived);
    if (rc)
        return api_fail_comm(r ? r->comm : NULL, rc, __func__);
    *flag = arrived;
    return MPI_SUCCESS;
}
