/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "core/object/comm.h"
#include "core/object/err.h"
#include "core/object/topology.h"
#include "provider/boot/boot.h"
#include "provider/fabric/fabric.h"

struct comm *comm_world, *comm_self;
void (*comm_context_free)(uint32_t context);
void (*comm_coll_free)(struct comm *c);

/* The two that every job has; their memory outlives finalize, their content does not. */
static struct comm world, self;

static void comm_clear(struct comm *c)
{
    struct object *held[] = {
        c->group ? &c->group->object : NULL,           c->remote ? &c->remote->object : NULL,
        c->local ? &c->local->object : NULL,           c->info ? &c->info->object : NULL,
        c->errhandler ? &c->errhandler->object : NULL,
    };

    for (unsigned i = 0; i < sizeof(held) / sizeof(held[0]); i++)
        if (held[i])
            object_drop(held[i]);
    free(c->peers);
    free(c->choices);
    if (c->area || c->hosts)
        comm_coll_free(c);
    topology_drop(c->topology);
}

static void comm_release(struct object *o)
{
    struct comm *c = container_of(o, struct comm, object);

    object_close(o);
    if (comm_context_free)
        comm_context_free(c->context);
    comm_clear(c);
    free(c);
}

/* The local part of an intercommunicator: the context id is not its own. */
static void local_release(struct object *o)
{
    struct comm *c = container_of(o, struct comm, object);

    object_close(o);
    comm_clear(c);
    free(c);
}

static struct comm *comm_of(struct group *group, void (*release)(struct object *))
{
    struct comm *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    object_init(&c->object, OBJECT_COMM, release);
    c->rank = group->rank;
    c->size = group->size;
    c->group = group;
    c->session = group->session;
    object_hold(&group->object);
    return c;
}

unsigned comm_reach_of(const struct comm *c, int rank)
{
    return boot_same_host(group_process(comm_target(c), rank)) ? FABRIC_LOCAL : FABRIC_REMOTE;
}

static void find_reach(struct comm *c)
{
    const unsigned all = FABRIC_LOCAL | FABRIC_REMOTE;

    for (int i = 0; i < comm_target_size(c) && c->reach != all; i++)
        c->reach |= (uint8_t)comm_reach_of(c, i);
}

void comm_set_contexts(struct comm *c, uint32_t own, uint32_t remote)
{
    c->context = own;
    c->remote_context = remote;
    if (c->local)
        comm_set_contexts(c->local, own, own);
}

int comm_new(uint32_t context, struct group *group, struct group *remote, struct comm *parent,
             struct comm **comm)
{
    struct comm *c = comm_of(group, comm_release), *local = NULL;

    if (c && remote)
        local = comm_of(group, local_release);
    if (!c || (remote && !local)) {
        if (c)
            local_release(&c->object);
        return err_set(MPI_ERR_NO_MEM, "no memory for a communicator");
    }
    if (parent && !c->session)
        c->session = parent->session;
    c->local = local;
    c->may_share = !remote;
    c->remote = remote;
    if (remote)
        object_hold(&remote->object);
    find_reach(c);
    if (local)
        find_reach(local);
    comm_set_contexts(c, context, context);
    if (parent)
        errhandler_copy(&c->errhandler, &parent->errhandler);
    else
        errhandler_assign(&c->errhandler, &errhandler_are_fatal);
    *comm = c;
    return MPI_SUCCESS;
}

static int comm_predefine(struct comm *c, MPI_Comm handle, const char *name, uint32_t context,
                          uint32_t first, uint32_t size)
{
    *c = (struct comm){
        .context = context, .remote_context = context, .size = (int)size, .may_share = true};
    int rc = group_range(first, 1, (int)size, &c->group);
    if (rc)
        return rc;
    c->rank = c->group->rank;
    find_reach(c);
    errhandler_assign(&c->errhandler, errhandler_initial());
    strcpy(c->name, name);
    object_predefine(&c->object, OBJECT_COMM, handle);
    return MPI_SUCCESS;
}

static void comm_unpredefine(struct comm *c, MPI_Comm handle)
{
    object_predefine(NULL, OBJECT_COMM, handle);
    comm_clear(c);
}

int comm_open(uint32_t rank, uint32_t size)
{
    int rc = comm_predefine(&world, MPI_COMM_WORLD, "MPI_COMM_WORLD", COMM_CONTEXT_WORLD, 0, size);

    if (rc)
        return rc;
    rc = comm_predefine(&self, MPI_COMM_SELF, "MPI_COMM_SELF", COMM_CONTEXT_SELF, rank, 1);
    if (rc) {
        comm_unpredefine(&world, MPI_COMM_WORLD);
        return rc;
    }
    comm_world = &world;
    comm_self = &self;
    return MPI_SUCCESS;
}

void comm_close(void)
{
    object_retire_all(OBJECT_COMM);
    comm_world = comm_self = NULL;
    comm_unpredefine(&self, MPI_COMM_SELF);
    comm_unpredefine(&world, MPI_COMM_WORLD);
}

int comm_fabric_open(void)
{
    int rc = fabric_is_open() ? 0 : fabric_open();

    if (!rc)
        return MPI_SUCCESS;
    if (*fabric_why_not())
        return err_set(MPI_ERR_OTHER, "%s", fabric_why_not());
    return err_from_errno(rc, "no fabric to send or receive on");
}

int comm_peer_slow(struct comm *c, int rank, struct fabric_peer **peer)
{
    struct fabric_peer *p;

    /* A process that was started alone opens the fabric when it first needs it. */
    int rc = comm_fabric_open();
    if (rc)
        return rc;
    if (!c->peers) {
        c->peers = calloc(comm_target_size(c), sizeof(*c->peers));
        if (!c->peers)
            return err_set(MPI_ERR_NO_MEM, "no memory for a communicator's peers");
        c->peers_len = comm_target_size(c);
    }
    uint32_t process = group_process(comm_target(c), rank);
    rc = fabric_peer(process, &p);
    if (rc)
        return err_set(err_from_errno(rc, ""), "no way to rank %d, process %u of the job", rank,
                       process);
    c->peers[rank] = p;
    *peer = p;
    return MPI_SUCCESS;
}
