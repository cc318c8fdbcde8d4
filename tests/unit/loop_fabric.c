/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fabric inside one process, for tests: any number of ranks, each with a communicator of its own
 * whose context id is LOOP_CONTEXT plus its rank, so that a tag tells who posts. Completions come
 * in random order, a few at a time; messages between two ranks keep theirs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/object/comm.h"
#include "provider/boot/boot.h"
#include "provider/fabric/fabric.h"
#include "provider/fabric/wait.h"
#include "tests/unit/loop_fabric.h"

struct fabric_peer {
    struct fabric_peer_head head;
    int rank;
    _Alignas(FABRIC_PEER_HEAD) char own[FABRIC_PEER_OWN];
};

struct loop_message {
    struct list link;
    int from, to;
    uint64_t tag, data;
    size_t len;
    char bytes[];
};

struct posted {
    struct list link;
    struct fabric_op *op;
    int from, to;
    uint64_t tag;
};

struct completion {
    struct fabric_op *op;
    struct fabric_event event;
};

static struct fabric_peer peers[LOOP_RANKS];
static struct list messages = LIST_INIT(messages), receives = LIST_INIT(receives);
static struct completion *ready;
static size_t ready_count, ready_room;

static const uint64_t context_mask = UINT64_C(0xffffff) << 32;

static int poster(uint64_t tag)
{
    return (int)((tag & context_mask) >> 32) - LOOP_CONTEXT;
}

static void complete(struct fabric_op *op, const struct fabric_event *event)
{
    if (ready_count == ready_room) {
        ready_room = ready_room ? 2 * ready_room : 64;
        ready = realloc(ready, ready_room * sizeof *ready);
    }
    ready[ready_count++] = (struct completion){op, *event};
}

static void deliver(struct posted *p, struct loop_message *m)
{
    size_t room = p->op->iov[0].iov_len;

    if (m->len)
        memcpy(p->op->iov[0].iov_base, m->bytes, m->len < room ? m->len : room);
    complete(p->op, &(struct fabric_event){.error = m->len > room ? -EMSGSIZE : 0,
                                           .len = m->len,
                                           .tag = m->tag,
                                           .data = m->data});
    list_drop(&p->link);
    list_drop(&m->link);
    free(p);
    free(m);
}

static bool match(const struct posted *p, const struct loop_message *m)
{
    return p->from == m->from && p->to == m->to && p->tag == m->tag;
}

int fabric_tinject(struct fabric_peer *to, const void *buf, size_t len, uint64_t tag, uint64_t data)
{
    struct loop_message *m = malloc(sizeof *m + len);
    struct list *l, *tmp;

    m->from = poster(tag);
    m->to = to->rank;
    m->tag = tag & ~context_mask;
    m->data = data;
    m->len = len;
    if (len)
        memcpy(m->bytes, buf, len);
    list_add_tail(&messages, &m->link);
    list_each(l, tmp, &receives)
    {
        struct posted *p = container_of(l, struct posted, link);

        if (match(p, m)) {
            deliver(p, m);
            break;
        }
    }
    return 0;
}

int fabric_tsend(struct fabric_peer *to, struct fabric_op *op, const void *buf, size_t len,
                 uint64_t tag, uint64_t data)
{
    fabric_tinject(to, buf, len, tag, data);
    complete(op, &(struct fabric_event){.len = len});
    return 0;
}

int fabric_trecv(struct fabric_peer *from, struct fabric_op *op, void *buf, size_t len,
                 uint64_t tag, uint64_t ignore)
{
    struct posted *p = malloc(sizeof *p);
    struct list *l, *tmp;

    (void)ignore;
    *p = (struct posted){.op = op, .from = from->rank, .to = poster(tag)};
    p->tag = tag & ~context_mask;
    op->iov[0] = (struct iovec){buf, len};
    op->peer = from;
    list_add_tail(&receives, &p->link);
    list_each(l, tmp, &messages)
    {
        struct loop_message *m = container_of(l, struct loop_message, link);

        if (match(p, m)) {
            deliver(p, m);
            break;
        }
    }
    return 0;
}

int fabric_progress(void)
{
    int n = 0;

    for (int most = rand() % 4; n < most && ready_count; n++) {
        size_t i = (size_t)rand() % ready_count;
        struct completion c = ready[i];

        ready[i] = ready[--ready_count];
        c.op->done(c.op, &c.event);
    }
    return n;
}

bool loop_is_quiet(void)
{
    return list_empty(&messages) && list_empty(&receives) && !ready_count;
}

void loop_forget(void)
{
    struct list *l;

    while ((l = list_pop(&messages)))
        free(container_of(l, struct loop_message, link));
}

int fabric_peer(uint32_t rank, struct fabric_peer **peer)
{
    peers[rank].rank = (int)rank;
    peers[rank].head.now = fabric_now_any;
    *peer = &peers[rank];
    return 0;
}

bool fabric_peer_is_self(const struct fabric_peer *peer)
{
    (void)peer;
    return false;
}

/* Nothing is counted here, as no credit has been set. */
void fabric_note_set(fabric_note_fn *came)
{
    (void)came;
}

int fabric_note(struct fabric_peer *to, struct fabric_op *op, uint64_t word)
{
    (void)to;
    (void)op;
    (void)word;
    return -ENOTSUP;
}

const struct fabric_limits *fabric_limits(void)
{
    static const struct fabric_limits limits = {
        .inject = 64, .eager = 1 << 14, .transfer = SIZE_MAX / 2};

    return &limits;
}

/* What the tests of collectives never reach. */
int fabric_open(void)
{
    return 0;
}

bool fabric_is_open(void)
{
    return true;
}

/* This fabric wants everything packed. */
bool fabric_scatters(const struct fabric_peer *peer)
{
    (void)peer;
    return false;
}

int fabric_tinject_scattered(struct fabric_peer *to, const struct scatter *s, uint64_t tag,
                             uint64_t data)
{
    (void)to, (void)s, (void)tag, (void)data;
    return -ENOSYS;
}

int fabric_tsend_scattered(struct fabric_peer *to, struct fabric_op *op, const struct scatter *s,
                           uint64_t tag, uint64_t data)
{
    (void)to, (void)op, (void)s, (void)tag, (void)data;
    return -ENOSYS;
}

int fabric_trecv_scattered(struct fabric_peer *from, struct fabric_op *op, const struct scatter *s,
                           uint64_t tag, uint64_t ignore)
{
    (void)from, (void)op, (void)s, (void)tag, (void)ignore;
    return -ENOSYS;
}

int fabric_trecv_claimed_scattered(struct fabric_op *claimed, const struct scatter *s)
{
    (void)claimed, (void)s;
    return -ENOSYS;
}

size_t fabric_inject_most;
bool fabric_has_two;

struct fabric_peer *fabric_any(unsigned reach)
{
    (void)reach;
    return NULL;
}

static const struct fabric_now no_now;
const struct fabric_now *fabric_now_any = &no_now;

const char *fabric_why_not(void)
{
    return "";
}

const char *fabric_provider(void)
{
    return "loop";
}

int fabric_tpeek(struct fabric_peer *from, struct fabric_op *claim, uint64_t tag, uint64_t ignore,
                 struct fabric_event *found)
{
    (void)from, (void)claim, (void)tag, (void)ignore, (void)found;
    return -ENOMSG;
}

bool fabric_hoards(void)
{
    return false;
}

int fabric_trecv_claimed(struct fabric_op *claimed, void *buf, size_t len)
{
    (void)claimed, (void)buf, (void)len;
    return -ENOMSG;
}

void fabric_cancel(struct fabric_op *op)
{
    (void)op;
}

bool boot_same_host(uint32_t rank)
{
    (void)rank;
    return true;
}

uint32_t wait_polls(void)
{
    return 0;
}

void wait_looked(bool found, bool wanted)
{
    (void)found, (void)wanted;
}

double wait_load(void)
{
    return 1;
}

void fabric_received(struct node_posted *p, size_t len, uint64_t tag, uint64_t data)
{
    (void)p, (void)len, (void)tag, (void)data;
}

bool wait_meets(struct lock *lock)
{
    (void)lock;
    return false;
}

bool wait_stays(struct wait *w)
{
    (void)w;
    return false;
}

bool wait_lap(struct wait *w, struct lock *lock)
{
    (void)w, (void)lock;
    return false;
}

void wait_step(struct wait *w, bool progressed, struct lock *lock)
{
    (void)w, (void)progressed, (void)lock;
}

void wait_doze(struct wait *w, struct lock *lock, int stop_fd)
{
    (void)w, (void)lock, (void)stop_fd;
}

void fabric_doze(int stop_fd, int timeout_ms)
{
    (void)stop_fd, (void)timeout_ms;
}

bool fabric_is_attended(void)
{
    return false;
}

/* ---- Shared memory: none ---- */

const struct wait_watch *wait_watch;
atomic_bool wait_expects;

/* Nobody sleeps. */
unsigned wait_asleep, wait_unseen;
uint32_t wait_told;

void wait_tell_slow(void)
{
}

void wait_progressed_slow(void)
{
}

void wait_looks(struct wait *w)
{
    (void)w;
}

void wait_saw(struct wait *w)
{
    (void)w;
}

bool wait_all_quiet(void)
{
    return false;
}

void wait_end_slow(struct wait *w, struct lock *lock)
{
    (void)w, (void)lock;
}

bool fabric_is_shared(void)
{
    return false;
}

void fabric_wake(struct fabric_peer *peer)
{
    (void)peer;
}

void fabric_wake_threads(void)
{
}

bool fabric_fetches(struct fabric_peer *peer, uint32_t *whom)
{
    (void)peer, (void)whom;
    return false;
}

int fabric_fetch(uint32_t whom, void *buf, size_t len, uint64_t address)
{
    (void)whom, (void)buf, (void)len, (void)address;
    return -ENOSYS;
}

bool fabric_needs_barrier(void)
{
    return true;
}
