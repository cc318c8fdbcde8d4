/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is on which host: the agreement, and for which operations it matters. */
#include "core/coll/hosts.h"

#include <stdlib.h>

#include "core/coll/coll_cost.h"
#include "core/coll/shm_area.h"
#include "provider/base/log.h"
#include "provider/fabric/fabric.h"
#include "provider/fabric/wait.h"

/* ---- Agreement ---- */

/* What each rank tells all. */
struct said {
    int32_t leader;
    int32_t load; /* ranks for 1000 processors of its host */
    int32_t shares;
};

static void tell_all(struct coll *k, const struct coll_hosts *h)
{
    struct said *all = (struct said *)k->scratch;

    all[k->rank] = (struct said){.leader = h->members[0],
                                 .load = (int32_t)(1000 * wait_load()),
                                 .shares = h->size > 1 && fabric_is_shared()};
    coll_child(
        k, &(struct coll_args){.kind = COLL_ALLGATHER,
                               .comm = k->comm,
                               .send = {.buf = MPI_IN_PLACE},
                               .recv = {.buf = all, .count = sizeof *all, .type = &datatype_byte},
                               .round = allgather_bruck});
}

static void learn(struct coll_hosts *h, const struct said *all, int ranks)
{
    h->blocks = h->even = true;
    h->load = 1;
    for (int i = 0; i < ranks; i++) {
        if (all[i].leader == i)
            h->leaders[h->count++] = i;
        h->host_of[i] = all[i].leader == i ? h->count - 1 : h->host_of[all[i].leader];
        h->sizes[h->host_of[i]]++;
        h->blocks = h->blocks && h->host_of[i] == h->count - 1;
        h->shared = h->shared || all[i].shares;
        if (all[i].load > 1000 * h->load)
            h->load = all[i].load / 1000.0;
    }
    for (int i = 0; i < h->count; i++) {
        h->most = h->sizes[i] > h->most ? h->sizes[i] : h->most;
        h->even = h->even && h->sizes[i] == h->sizes[0];
    }
    h->here = h->host_of[h->comm->rank];
}

/* Bruck's allgather, then each host's agreement on its area. */
static enum coll_step agree(struct coll *k)
{
    struct coll_hosts *h = k->args.state;

    switch (k->round) {
    case 0:
        if (!coll_scratch(k, (size_t)k->size * sizeof(struct said))) {
            h->state = HOSTS_NONE;
            return COLL_LAST;
        }
        tell_all(k, h);
        return COLL_MORE;
    case 1:
        if (!k->error)
            learn(h, (const struct said *)k->scratch, k->size);
        if (h->most > 1)
            shm_make_part(k, h->members, h->rank, h->size);
        return COLL_MORE;
    default:
        h->state = h->most > 1 ? HOSTS_READY : HOSTS_NONE;
        LOG(LOG_DEBUG, "%d ranks on %d hosts, at most %d on one", k->size, h->count, h->most);
        return COLL_LAST;
    }
}

static struct list asking = LIST_INIT(asking); /* whose agreement is under way */

/* The program may have freed the communicator. */
static void agreed(struct coll *k)
{
    struct coll_hosts *h = k->args.state;

    list_drop(&h->asking);
    coll_scratch_free(k);
    k->scratch = k->small;
    object_drop(&h->comm->object);
}

static void find_members(struct coll_hosts *h, const struct comm *c)
{
    for (int i = 0; i < c->size; i++) {
        if (i == c->rank)
            h->rank = h->size;
        if (comm_reach_of(c, i) == FABRIC_LOCAL)
            h->members[h->size++] = i;
    }
}

static struct coll_hosts *hosts_new(struct comm *c)
{
    struct coll_hosts *h = aligned_alloc(_Alignof(struct coll_hosts), sizeof *h);
    size_t n = (size_t)c->size;
    int *lists = calloc(4 * n, sizeof *lists);

    if (!h || !lists) {
        free(h);
        free(lists);
        return NULL;
    }
    *h = (struct coll_hosts){.leaders = lists,
                             .sizes = lists + n,
                             .host_of = lists + 2 * n,
                             .members = lists + 3 * n,
                             .comm = c};
    list_init(&h->turns.queue);
    find_members(h, c);
    return h;
}

void hosts_share(struct comm *c)
{
    if (c->size < 2 || !c->may_share)
        return;
    if (c->reach == FABRIC_LOCAL) {
        shm_make(c);
        return;
    }
    c->hosts = hosts_new(c);
    /* The others will ask: without memory for this much, nothing else works either. */
    if (!c->hosts) {
        log_line(LOG_ERROR, "no memory for a communicator's hosts");
        return;
    }
    list_add_tail(&asking, &c->hosts->asking);
    object_hold(&c->object);
    coll_launch(
        &c->hosts->setup,
        &(struct coll_args){.kind = COLL_SHARE, .comm = c, .round = agree, .state = c->hosts},
        agreed);
}

static void free_both(struct comm *c)
{
    struct coll_hosts *h = c->hosts;

    if (c->area)
        shm_free(c->area);
    c->area = NULL;
    if (!h)
        return;
    if (!list_empty(&h->asking))
        coll_release(&h->setup);
    list_drop(&h->asking);
    free(h->leaders); /* and all lists behind it */
    free(h);
}

void hosts_open(void)
{
    comm_coll_free = free_both;
}

void hosts_close(void)
{
    while (!list_empty(&asking)) {
        struct comm *c = container_of(asking.next, struct coll_hosts, asking)->comm;
        atomic_store(&c->object.refs, 1); /* what its messages held went with the lane */
        object_drop(&c->object);
    }
}

/* ---- Selection ---- */

bool hosts_serves(const struct coll *k)
{
    const struct coll_hosts *h = k->comm->hosts;

    if (!h || h->state == HOSTS_NONE || k->parent || k->ranks || k->channel != CHANNEL_COLL)
        return false;
    switch (k->args.kind) {
    case COLL_BARRIER:
    case COLL_BCAST:
    case COLL_ALLGATHER:
    case COLL_REDUCE:
    case COLL_ALLREDUCE:
        return true;
    default:
        return false;
    }
}

bool hosts_suit(const struct coll *k)
{
    const struct coll_hosts *h = k->comm->hosts;

    if (h->blocks)
        return true;
    return k->args.op ? k->args.op->commutative : k->args.kind != COLL_ALLGATHER;
}

void hosts_shape(const struct coll *k, struct coll_shape *s)
{
    const struct coll_hosts *h = k->comm->hosts;

    s->hosts = h->count;
    s->most = h->most;
    s->shared = h->shared;
    s->load = h->load;
}
