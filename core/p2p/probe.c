/* SPDX-License-Identifier: BSD-3-Clause */
/* Probes (3.8): a look at what has arrived, and matched messages, taken out of matching. */
#include <errno.h>
#include <stdlib.h>

#include "core/object/err.h"
#include "core/object/status.h"
#include "core/p2p/kept.h"
#include "core/p2p/split.h"
#include "provider/fabric/wait.h"

struct message message_no_proc;

/* Messages to be used again, with the places that their handles have: a program may ask for one in
 * a loop, and what has been claimed cannot be put back for want of a handle. Lane locked. */
static struct message *spare;

static void message_release(struct object *o)
{
    struct message *m = container_of(o, struct message, object);

    object_close(o);
    free(m);
}

static void message_spare(struct message *m)
{
    object_retire(&m->object);
    m->next = spare;
    spare = m;
}

void probe_close(void)
{
    while (spare) {
        struct message *m = spare;
        spare = m->next;
        object_drop(&m->object);
    }
}

static void probe_status(MPI_Status *status, int source, int tag, size_t len)
{
    if (!status)
        return;
    status->MPI_SOURCE = source;
    status->MPI_TAG = tag;
    status_set_bytes(status, len);
    status_set_cancelled(status, false);
}

/* A message with its request, nothing claimed yet. */
static int message_new(struct comm *c, struct message **message)
{
    struct message *m = spare;

    if (m) {
        spare = m->next;
    } else {
        m = malloc(sizeof *m);
        if (!m)
            return err_set(MPI_ERR_NO_MEM, "no memory for a matched message");
        object_init(&m->object, OBJECT_MESSAGE, message_release);
        int rc = object_open(&m->object);
        if (rc) {
            free(m);
            return rc;
        }
    }
    m->kept = NULL;
    m->request = request_new(REQUEST_RECV, c, NULL);
    if (!m->request) {
        message_spare(m);
        return MPI_ERR_NO_MEM;
    }
    *message = m;
    return MPI_SUCCESS;
}

static void message_drop(struct message *m)
{
    request_free(m->request);
    message_spare(m);
}

/* Among the messages that are kept; with m it is claimed. */
static bool probe_kept(int source, uint64_t match, int tag, struct message *m,
                       struct fabric_event *event)
{
    struct kept *k = kept_find(match, p2p_ignore(tag), source);

    if (!k)
        return false;
    *event = *kept_event(k);
    if (m) {
        kept_claim(k);
        m->kept = k;
        m->request->op.peer = NULL;
    }
    return true;
}

static int probe_look(struct comm *c, int source, int tag, struct message *m, bool *found,
                      struct fabric_event *event)
{
    struct fabric_peer *from = NULL;
    uint64_t match = p2p_match(c, CHANNEL_P2P, tag == MPI_ANY_TAG ? 0 : tag);
    int rc = post_from(c, source, &from);

    if (rc)
        return rc;
    if (UNLIKELY(kept_count) && probe_kept(source, match, tag, m, event)) {
        *found = true;
        return MPI_SUCCESS;
    }
    int look = fabric_tpeek(from, m ? &m->request->op : NULL, match, p2p_ignore(tag), event);
    *found = !look;
    if (look == -ENOMSG && UNLIKELY(credit_hungry))
        credit_sought(source == MPI_ANY_SOURCE ? NULL : from, CREDIT_PROGRAM);
    return !look || look == -ENOMSG ? MPI_SUCCESS : err_from_errno(look, "probing for a message");
}

static int probe_locked(struct comm *c, int source, int tag, bool *found, struct message **message,
                        MPI_Status *status)
{
    struct fabric_event event;
    struct message *m = NULL;
    int rc = message ? message_new(c, &m) : MPI_SUCCESS;

    if (rc)
        return rc;
    *found = false;
    rc = probe_look(c, source, tag, m, found, &event);
    if (!*found) {
        if (m)
            message_drop(m);
        return rc;
    }
    int from = source == MPI_ANY_SOURCE ? p2p_source(event.data) : source;
    if (m) {
        m->request->peer = from;
        m->request->want = (int)(uint32_t)event.tag;
        object_publish(&m->object); /* it has its place */
        *message = m;
    }
    probe_status(status, from, (int)(uint32_t)event.tag, split_length(&event));
    return MPI_SUCCESS;
}

/* `w`: of who goes on looking, or NULL. */
static int probe_once(struct comm *c, int source, int tag, bool *found, struct message **message,
                      MPI_Status *status, struct wait *w, bool *wanted)
{
    *wanted = false;
    if (source == MPI_PROC_NULL) {
        probe_status(status, MPI_PROC_NULL, MPI_ANY_TAG, 0);
        if (message)
            *message = &message_no_proc;
        *found = true;
        return MPI_SUCCESS;
    }
    lane_lock();
    lane_progress();
    if (w)
        wait_looks(w);
    int rc = probe_locked(c, source, tag, found, message, status);
    wait_progressed();
    if (w)
        wait_saw(w);
    *wanted = lane_unlock();
    return rc;
}

int p2p_probe(struct comm *c, int source, int tag, bool *found, struct message **message,
              MPI_Status *status)
{
    bool wanted;
    int rc = probe_once(c, source, tag, found, message, status, NULL, &wanted);

    if (!rc)
        wait_looked(*found, wanted);
    return rc;
}

int p2p_probe_wait(struct comm *c, int source, int tag, struct message **message,
                   MPI_Status *status)
{
    struct wait w;
    bool found = false, wanted;
    int rc;

    wait_begin_unseen(&w);
    while (!(rc = probe_once(c, source, tag, &found, message, status, &w, &wanted)) && !found)
        wait_step(&w, false, &lane.lock);
    wait_end(&w, &lane.lock);
    return rc;
}

static int mrecv(struct message *m, void *buf, MPI_Count count, struct datatype *t,
                 struct request *r)
{
    void *room = NULL;

    /* The claim was made before the type was known. */
    r->type = t;
    object_hold(&t->object);
    /* One that was claimed from any source: it is at one endpoint, but which is not known here. */
    int rc = post_room(r, buf, count, r->op.peer, &room);
    if (rc) {
        object_drop(&t->object);
        r->type = NULL;
        return rc;
    }
    r->op.done = post_received;
    r->channel = CHANNEL_P2P;
    credit_posted(r->op.peer, CREDIT_PROGRAM, 1);
    struct kept *kept = m->kept;
    message_spare(m);
    if (kept) {
        kept_receive(kept, r, room);
        return MPI_SUCCESS;
    }
    rc = r->scattered.type ? fabric_trecv_claimed_scattered(&r->op, &r->scattered.scatter)
                           : fabric_trecv_claimed(&r->op, room, r->bytes);
    if (rc) {
        r->cause = rc;
        r->error = err_from_errno(rc, "receiving a matched message");
        request_complete(r);
    }
    return MPI_SUCCESS;
}

int p2p_mrecv(struct message *m, void *buf, MPI_Count count, struct datatype *t,
              struct request **request)
{
    struct request *r = m->request;
    int rc = MPI_SUCCESS;

    lane_lock();
    if (r) {
        rc = mrecv(m, buf, count, t, r);
    } else if ((r = request_new(REQUEST_RECV, comm_self, t))) {
        rc = p2p_recv(r, CHANNEL_P2P, buf, count, MPI_PROC_NULL, MPI_ANY_TAG);
    } else {
        rc = MPI_ERR_NO_MEM;
    }
    lane_unlock();
    if (!rc)
        *request = r;
    return rc;
}
