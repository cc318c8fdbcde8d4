/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that all processes of a window on one host share: made by the first, opened by all. */
#include <string.h>
#include <unistd.h>

#include "core/coll/coll.h"
#include "core/object/err.h"
#include "core/win/win_message.h"
#include "provider/base/segment.h"

/* What the first process tells the others. */
struct offer {
    struct segment_offer segment;
    int64_t error; /* -errno */
};

/* How it is to lie in each one's memory. */
struct place {
    size_t offset, alignment;
};

static int open_error(int e, const struct segment_offer *o)
{
    return err_set(
        MPI_ERR_RMA_SHARED,
        "opening the shared memory of process %d: %s; do all processes of the window run "
        "in one container, as one user?",
        (int)o->pid, strerror(-e));
}

/* The worst of all processes' results, on all of them. */
static int agree(struct comm *c, int rc)
{
    int worst = rc, failed;

    failed = coll_allreduce(c, &rc, &worst, 1, &datatype_int, op_find(MPI_MAX));
    if (failed)
        return failed;
    if (worst != rc)
        return err_set(worst, "another process of the window could not share memory");
    return worst;
}

/* What follows the offer, on each process. */
static int take(const struct offer *o, const struct place *place, bool first, int *fd, void **at)
{
    size_t len = (size_t)o->segment.len;
    int e;

    if (o->error)
        return err_set(MPI_ERR_NO_MEM, "the window's shared memory of %zu bytes: %s", len,
                       strerror((int)-o->error));
    e = first ? 0 : segment_open(&o->segment, fd);
    if (e)
        return open_error(e, &o->segment);
    e = segment_map_aligned(*fd, len, place->offset, place->alignment, at);
    return e ? err_set(MPI_ERR_NO_MEM, "mapping %zu bytes of shared memory: %s", len, strerror(-e))
             : MPI_SUCCESS;
}

int win_memory_open(struct comm *c, size_t len, size_t offset, size_t alignment, bool willing,
                    void **segment)
{
    struct place place = {offset, alignment};
    struct offer offer = {.segment.len = len};
    void *at = NULL;
    int fd = -1, rc, agreed;

    if (c->rank == 0 && willing)
        offer.error = segment_new(len, &fd, &offer.segment);
    rc = coll_bcast(c, &offer, sizeof offer, &datatype_byte, 0);
    if (!rc)
        rc = willing ? take(&offer, &place, c->rank == 0, &fd, &at) : MPI_ERR_RMA_SHARED;
    /* The first one's descriptor is what the others open: it stays until all have. */
    agreed = agree(c, rc);
    if (fd >= 0)
        close(fd);
    if (agreed && at)
        segment_unmap(at, len);
    if (!agreed)
        *segment = at;
    return agreed;
}

void win_memory_close(void *segment, size_t len)
{
    if (segment)
        segment_unmap(segment, len);
}
