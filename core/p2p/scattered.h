/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages whose bytes do not lie side by side. An endpoint that can (fabric_scatters) takes such a
 * buffer as it is and calls back to have parts of it packed or unpacked where they pass; any other
 * wants the packed form in a block of memory.
 */
#ifndef ORIEL_P2P_SCATTERED_H
#define ORIEL_P2P_SCATTERED_H

#include "core/object/comm.h"
#include "core/object/datatype.h"
#include "provider/fabric/fabric.h"

/* What the endpoint is given; it lives as long as the operation, and so does the type. */
struct scattered {
    struct scatter scatter;
    char *buf;
    MPI_Count count;
    const struct datatype *type; /* NULL: the message is one block */
};

/* `len`: of the packed form. */
void scattered_init(struct scattered *s, const void *buf, MPI_Count count, const struct datatype *t,
                    size_t len);

/* A message of at most fabric_limits()->inject bytes: 0 or -EAGAIN. Lane locked. */
int scattered_inject(struct fabric_peer *to, const void *buf, MPI_Count count,
                     const struct datatype *t, size_t len, uint64_t match, uint64_t data);

/*
 * To be called before the lane is locked: packs what cannot be sent to that rank as it is, if that
 * takes long. *block is for bounce_give, or NULL where there was nothing to do.
 */
int scattered_pack(const struct comm *c, int dest, const void *buf, MPI_Count count,
                   const struct datatype *t, void **block);

#endif
