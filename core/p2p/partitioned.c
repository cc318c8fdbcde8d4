/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "core/object/err.h"
#include "core/p2p/partitioned.h"
#include "core/p2p/post.h"
#include "provider/fabric/wait.h"

/*
 * Match bits of the data: the context's place holds the sender's number and the tag's the chunk, a
 * partition of the sender's or, where one is longer than the provider takes, a piece of it. A
 * notice has PART_DATA clear, since tags are shorter than their place and none is a wildcard here.
 * What has the same number at the same sender is 2^20 initialisations older.
 */
#define PART_DATA (UINT64_C(1) << P2P_TAG_BITS)
#define NUMBERS   COMM_CONTEXTS

struct notice {
    uint64_t bytes; /* in each partition */
    uint32_t partitions, number;
};

/* A partition of the sender's or a piece of it, on either side. */
struct chunk {
    struct fabric_op op;
    struct part *part;
    bool ready; /* sends, the first of a partition: this round's MPI_Pready was there */
    uint32_t first,
        last; /* receives: partitions of this side that it touches; none: last < first */
};

/* What hangs on a partitioned request (r->owner). Lane locked, all but `left`. */
struct part {
    struct request *request; /* NULL: freed before the notice came */
    struct notice notice;
    struct fabric_peer *peer;
    char *data;           /* byte 0 of the message: the user's, or `packed` */
    char *packed;         /* where the message cannot lie in the user's buffer */
    struct chunk *chunks; /* receives: once `known` */
    uint32_t pieces;      /* of each of the sender's partitions: chunks */
    uint32_t count;       /* of chunks */
    uint32_t partitions;  /* on this side */
    uint32_t pending;     /* of this round: chunks under way, and 1 while they are posted */

    /* Receives only. */
    struct deferred deferred; /* the notice is here: makes what it tells of */
    bool expecting, known;    /* the notice: it will come; it has been read */
    int error;                /* it could not be read, or nothing made of it */
    uint32_t *need;           /* chunks that touch each partition of this side */
    atomic_uint *left;        /* of them, still to come in this round */
};

static uint32_t next_number;

/* ---- A round ---- */

/* The request may be gone when this returns. */
static void part_over(struct part *p, int negative_errno)
{
    struct request *r = p->request;

    if (negative_errno && !r->error) {
        r->cause = negative_errno;
        r->error = err_from_errno(negative_errno, "partitioned communication");
    }
    if (--p->pending == 0)
        request_complete(r);
}

static uint64_t part_match(const struct part *p, uint32_t chunk)
{
    return (uint64_t)CHANNEL_PART << 56 | PART_DATA | (uint64_t)p->notice.number << 32 | chunk;
}

/* Where a chunk lies in the message. */
static size_t chunk_place(const struct part *p, uint32_t i, size_t *len)
{
    size_t most = fabric_limits()->transfer, within = (i % p->pieces) * most;
    size_t left = p->notice.bytes - within;

    *len = p->pieces > 1 && left > most ? most : left;
    return p->notice.bytes * (i / p->pieces) + within;
}

static void part_sent(struct fabric_op *op, const struct fabric_event *event)
{
    post_pending(-1);
    part_over(container_of(op, struct chunk, op)->part, event->error);
}

/* True where the fabric takes the data at once. */
static bool part_inject(struct fabric_peer *to, const void *data, size_t len, uint64_t match,
                        uint64_t rank)
{
    if (len > fabric_inject_most || !credit_take(to, CREDIT_LIBRARY, len))
        return false;
    if (!fabric_tinject(to, data, len, match, rank))
        return true;
    credit_untake(to, CREDIT_LIBRARY, len);
    return false;
}

static void part_send(struct part *p, uint32_t i)
{
    struct request *r = p->request;
    struct chunk *k = &p->chunks[i];
    size_t len, from = chunk_place(p, i, &len);
    const char *data = type_at(p->data, (MPI_Aint)from);
    uint64_t match = part_match(p, i), rank = (uint64_t)r->comm->rank;
    int rc = 0;

    if (p->packed)
        datatype_pack(r->buf, r->count, r->type, from, p->packed + from, len);
    if (p->peer && !part_inject(p->peer, data, len, match, rank)) {
        credit_message(&k->op, data, len, NULL);
        rc = credit_send(p->peer, CREDIT_LIBRARY, &k->op, match, rank);
        if (!rc) {
            post_pending(1);
            p2p_count_sent(CHANNEL_PART, len);
            return;
        }
    } else if (p->peer) {
        p2p_count_sent(CHANNEL_PART, len);
    }
    part_over(p, rc);
}

static void chunk_over(struct chunk *k, int negative_errno)
{
    struct part *p = k->part;

    for (uint32_t i = k->first; i <= k->last; i++)
        atomic_fetch_sub_explicit(&p->left[i], 1, memory_order_release);
    part_over(p, negative_errno);
}

static void chunk_arrived(struct fabric_op *op, const struct fabric_event *event)
{
    struct chunk *k = container_of(op, struct chunk, op);
    struct part *p = k->part;
    struct request *r = p->request;
    size_t len, from = chunk_place(p, (uint32_t)(k - p->chunks), &len);

    credit_posted(p->peer, CREDIT_LIBRARY, -1);
    credit_consumed(p->peer, CREDIT_LIBRARY, len);
    if (!event->error)
        p2p_count_received(CHANNEL_PART, len);
    if (!event->error && p->packed && from < r->bytes)
        datatype_unpack(r->buf, r->count, r->type, from, p->packed + from,
                        len < r->bytes - from ? len : r->bytes - from);
    chunk_over(k, event->error);
}

/* Posts the receives of a round, whose sender is known. */
static void part_expect(struct part *p)
{
    struct request *r = p->request;

    r->source = r->peer;
    r->tag = r->want;
    r->len = p->notice.bytes * p->notice.partitions;
    r->error = p->error;
    if (!r->error && r->len > r->bytes)
        r->error = MPI_ERR_TRUNCATE;
    p->pending = 1 + (p->error ? 0 : p->count);
    for (uint32_t i = 0; i < p->partitions; i++)
        atomic_store_explicit(&p->left[i], p->error ? 0 : p->need[i], memory_order_relaxed);
    for (uint32_t i = 0; i < p->count && !p->error; i++) {
        struct chunk *k = &p->chunks[i];
        size_t len, from = chunk_place(p, i, &len);
        int rc = fabric_trecv(p->peer, &k->op, type_at(p->data, (MPI_Aint)from), len,
                              part_match(p, i), 0);
        if (rc)
            chunk_over(k, rc);
        else
            credit_posted(p->peer, CREDIT_LIBRARY, 1);
    }
    part_over(p, 0);
}

static void start_send(struct part *p)
{
    p->pending = 1 + p->count;
    for (uint32_t i = 0; i < p->count; i++)
        p->chunks[i].ready = false;
    part_over(p, 0);
}

static void start_recv(struct part *p)
{
    struct request *r = p->request;

    if (r->peer == MPI_PROC_NULL) {
        r->source = MPI_PROC_NULL;
        request_complete(r);
    } else if (p->known) {
        part_expect(p);
    } else {
        for (uint32_t i = 0; i < p->partitions; i++)
            atomic_store_explicit(&p->left[i], 1, memory_order_relaxed);
    }
}

static int part_start(struct request *r)
{
    struct part *p = r->owner;

    lane_lock();
    atomic_store_explicit(&r->done, false, memory_order_relaxed);
    r->active = true;
    r->source = MPI_ANY_SOURCE;
    r->tag = MPI_ANY_TAG;
    r->error = MPI_SUCCESS;
    r->cause = 0;
    r->len = 0;
    if (p->left)
        start_recv(p);
    else
        start_send(p);
    lane_unlock();
    return MPI_SUCCESS;
}

/* ---- Life ---- */

static void part_release(struct part *p)
{
    free(p->left);
    free(p->need);
    free(p->chunks);
    free(p->packed);
    free(p);
}

/* A notice that is still to come is taken out of the next one's way, and ends p. */
static void part_free(struct request *r)
{
    struct part *p = r->owner;

    list_drop(&p->deferred.link);
    p->request = NULL;
    if (!p->expecting)
        part_release(p);
}

static const struct request_ops part_ops = {.start = part_start, .free = part_free};

/* Room for the message where it cannot stand in the user's buffer. */
static int part_place(struct part *p, size_t total)
{
    struct request *r = p->request;

    p->data = datatype_address(r->buf, r->type);
    if (r->type->contiguous && total <= r->bytes)
        return MPI_SUCCESS;
    p->packed = p->data = malloc(total ? total : 1);
    return p->packed ? MPI_SUCCESS
                     : err_set(MPI_ERR_NO_MEM, "no memory to pack a message of %zu bytes", total);
}

static int part_chunks(struct part *p, fabric_done_fn *done)
{
    size_t most = fabric_limits()->transfer, pieces = 1;
    uint32_t n;

    if (p->peer && p->notice.bytes > most)
        pieces = (p->notice.bytes - 1) / most + 1;
    if (pieces > UINT32_MAX || __builtin_mul_overflow(p->notice.partitions, (uint32_t)pieces, &n) ||
        n >= PART_DATA)
        return err_set(MPI_ERR_COUNT, "partitions of %llu bytes have more than 2^31 pieces",
                       (unsigned long long)p->notice.bytes);
    p->pieces = (uint32_t)pieces;
    p->count = n;
    p->chunks = calloc(n ? n : 1, sizeof *p->chunks);
    if (!p->chunks)
        return err_set(MPI_ERR_NO_MEM, "no memory for %u partitions", n);
    for (uint32_t i = 0; i < n; i++) {
        p->chunks[i].op.done = done;
        p->chunks[i].part = p;
    }
    return MPI_SUCCESS;
}

static int part_new(struct comm *c, void *buf, int partitions, MPI_Count count, struct datatype *t,
                    int peer, int tag, struct request **request)
{
    struct part *p = calloc(1, sizeof *p);
    struct request *r = p ? request_new(REQUEST_PART, c, t) : NULL;
    MPI_Count items;
    int rc = MPI_ERR_NO_MEM;

    if (!r) {
        free(p);
        return err_set(rc, "no memory for a partitioned request");
    }
    p->request = r;
    p->partitions = (uint32_t)partitions;
    list_init(&p->deferred.link);
    r->ops = &part_ops;
    r->owner = p;
    r->persistent = true;
    r->buf = buf;
    r->peer = peer;
    r->want = tag;
    atomic_store_explicit(&r->done, true, memory_order_release);
    if (__builtin_mul_overflow((MPI_Count)partitions, count, &items))
        rc = err_set(MPI_ERR_COUNT, "%d partitions of %lld items are too many", partitions,
                     (long long)count);
    else
        rc = post_bytes(t, items, &r->bytes);
    r->count = items;
    if (!rc && peer != MPI_PROC_NULL)
        rc = comm_peer(c, peer, &p->peer);
    if (rc)
        request_free(r);
    else
        *request = r;
    return rc;
}

/* ---- The notice ---- */

static void notice_sent(struct request *n)
{
    request_free(n);
}

static int notice_send(struct part *p)
{
    struct request *r = p->request, *n = request_new(REQUEST_SEND, r->comm, &datatype_byte);
    int rc = n ? post_copy(n, &p->notice, sizeof p->notice) : MPI_ERR_NO_MEM;

    if (!rc) {
        n->then = notice_sent;
        rc = p2p_send(n, CHANNEL_PART, &p->notice, sizeof p->notice, r->peer, r->want,
                      SEND_STANDARD);
    }
    if (rc && n)
        request_free(n);
    return rc;
}

/*
 * Which partitions of this side a chunk touches. By number where both sides have as many bytes, so
 * that partitions of none arrive one by one too; else by place.
 */
static void chunk_touches(struct part *p, uint32_t i)
{
    struct chunk *k = &p->chunks[i];
    uint64_t n = p->partitions, m = p->notice.partitions, bytes = p->request->bytes;
    size_t len, from = chunk_place(p, i, &len);

    k->first = 1;
    k->last = 0;
    if (n == 0)
        return;
    if (p->pieces == 1 && len * m == bytes) {
        k->first = (uint32_t)(i * n / m);
        k->last = (uint32_t)(((i + 1) * n - 1) / m);
    } else if (bytes && len && from < bytes) {
        uint64_t last = from + len - 1;
        k->first = (uint32_t)(from / (bytes / n));
        k->last = (uint32_t)((last < bytes ? last : bytes - 1) / (bytes / n));
    }
    for (uint32_t to = k->first; to <= k->last; to++)
        p->need[to]++;
}

static void notice_read(struct deferred *d)
{
    struct part *p = container_of(d, struct part, deferred);

    if (!p->error)
        p->error = part_place(p, p->notice.bytes * p->notice.partitions);
    if (!p->error)
        p->error = part_chunks(p, chunk_arrived);
    for (uint32_t i = 0; i < p->count && !p->error; i++)
        chunk_touches(p, i);
    p->known = true;
    if (p->request->active)
        part_expect(p);
}

static void notice_came(struct request *n)
{
    struct part *p = n->owner;

    p->expecting = false;
    p->error = n->error;
    request_free(n);
    if (p->request)
        lane_defer(&p->deferred);
    else
        part_release(p);
}

static int notice_expect(struct part *p)
{
    struct request *r = p->request, *n = request_new(REQUEST_RECV, r->comm, &datatype_byte);

    if (!n)
        return MPI_ERR_NO_MEM;
    n->then = notice_came;
    n->owner = p;
    p->deferred.run = notice_read;
    p->expecting = true;
    int rc = p2p_recv(n, CHANNEL_PART, &p->notice, sizeof p->notice, r->peer, r->want);
    if (rc) {
        p->expecting = false;
        request_free(n);
    }
    return rc;
}

/* ---- The calls ---- */

/* A send that is ready to be told of. */
static int send_prepare(struct part *p, size_t bytes)
{
    int rc = part_place(p, p->request->bytes);

    p->notice = (struct notice){bytes, p->partitions, next_number++ % NUMBERS};
    return rc ? rc : part_chunks(p, part_sent);
}

int part_send_init(struct comm *c, const void *buf, int partitions, MPI_Count count,
                   struct datatype *t, int dest, int tag, struct request **request)
{
    struct request *r = NULL;

    lane_lock();
    int rc = part_new(c, (void *)buf, partitions, count, t, dest, tag, &r);
    if (!rc) {
        struct part *p = r->owner;
        rc = send_prepare(p, partitions ? (size_t)count * (size_t)t->size : 0);
        if (!rc && p->peer)
            rc = notice_send(p);
        if (rc)
            request_free(r);
    }
    lane_unlock();
    if (!rc)
        *request = r;
    return rc;
}

int part_recv_init(struct comm *c, void *buf, int partitions, MPI_Count count, struct datatype *t,
                   int source, int tag, struct request **request)
{
    size_t room = partitions ? (size_t)partitions : 1;
    struct request *r = NULL;

    lane_lock();
    int rc = part_new(c, buf, partitions, count, t, source, tag, &r);
    if (!rc) {
        struct part *p = r->owner;
        p->need = calloc(room, sizeof *p->need);
        p->left = calloc(room, sizeof *p->left);
        if (!p->need || !p->left)
            rc = err_set(MPI_ERR_NO_MEM, "no memory for %d partitions", partitions);
        if (!rc && p->peer)
            rc = notice_expect(p);
        if (rc)
            request_free(r);
    }
    lane_unlock();
    if (!rc)
        *request = r;
    return rc;
}

static int bad_partition(const struct part *p, int partition)
{
    return err_set(MPI_ERR_ARG, "partition %d, the request has %u of them, from 0 on", partition,
                   p->partitions);
}

static int mark_ready(struct part *p, int partition)
{
    if (partition < 0 || (uint32_t)partition >= p->partitions)
        return bad_partition(p, partition);
    if (p->chunks[(size_t)partition * p->pieces].ready)
        return err_set(MPI_ERR_ARG, "partition %d has been marked ready since MPI_Start already",
                       partition);
    p->chunks[(size_t)partition * p->pieces].ready = true;
    return MPI_SUCCESS;
}

int part_ready(struct request *r, const int *list, int low, int n)
{
    struct part *p = r->owner;
    int rc = MPI_SUCCESS, marked = 0;

    if (r->kind != REQUEST_PART || p->left)
        return err_set(MPI_ERR_REQUEST, "only MPI_Psend_init's requests have partitions to send");
    lane_lock();
    if (!r->active)
        rc = err_set(MPI_ERR_REQUEST, "the request is inactive: call MPI_Start first");
    for (; marked < n && !rc; marked++)
        rc = mark_ready(p, list ? list[marked] : low + marked);
    if (rc) {
        /* The last one that was looked at is the bad one, and as it was. */
        for (int i = 0; i < marked - 1; i++)
            p->chunks[(size_t)(list ? list[i] : low + i) * p->pieces].ready = false;
    } else {
        /* With its last chunk the request may be gone. */
        uint32_t pieces = p->pieces;
        for (int i = 0; i < n; i++)
            for (uint32_t j = 0; j < pieces; j++)
                part_send(p, (uint32_t)(list ? list[i] : low + i) * pieces + j);
    }
    wait_tell();
    lane_unlock();
    return rc;
}

int part_arrived(struct request *r, int partition, bool *arrived)
{
    struct part *p = r->owner;

    if (r->kind != REQUEST_PART || !p->left)
        return err_set(MPI_ERR_REQUEST, "only MPI_Precv_init's requests have partitions to await");
    if (partition < 0 || (uint32_t)partition >= p->partitions)
        return bad_partition(p, partition);
    if (atomic_load_explicit(&p->left[partition], memory_order_acquire))
        request_poll();
    *arrived = !atomic_load_explicit(&p->left[partition], memory_order_acquire);
    return MPI_SUCCESS;
}
