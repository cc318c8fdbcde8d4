/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "core/object/err.h"
#include "core/p2p/bounce.h"
#include "core/p2p/buffered.h"
#include "core/p2p/post.h"

enum { ALIGNMENT = 16 };

struct buffer {
    struct list link;
    uintptr_t owner;
    char *base; /* MPI_BUFFER_AUTOMATIC: blocks are malloc'ed */
    size_t size;
    struct list blocks;  /* in the order of their addresses; automatic: of their age */
    atomic_size_t used;  /* blocks; read without the lock by those who wait for 0 */
    uint64_t made;       /* blocks ever: the next one's number */
    struct list flushes; /* requests, by their op.link */
};

/* A message in the attached memory, its data behind it. */
struct block {
    struct list link;
    struct buffer *buffer;
    uint64_t number;
    size_t len;
    _Alignas(ALIGNMENT) char data[];
};

_Static_assert(sizeof(struct block) + 2 * ALIGNMENT <= MPI_BSEND_OVERHEAD,
               "a message's header must fit in what MPI_BSEND_OVERHEAD promises");

static struct list buffers = LIST_INIT(buffers);

static struct buffer *buffer_find(uintptr_t owner)
{
    struct list *l, *tmp;

    list_each(l, tmp, &buffers)
    {
        struct buffer *b = container_of(l, struct buffer, link);
        if (b->owner == owner)
            return b;
    }
    return NULL;
}

/* The communicator's own buffer, else that of the session that it comes from, else the process's.
 */
static struct buffer *buffer_of(const struct comm *c)
{
    struct buffer *b = c->object.handle ? buffer_find(c->object.handle) : NULL;

    if (!b && c->session)
        b = buffer_find(c->session);
    return b ? b : buffer_find(0);
}

/* ---- Blocks ---- */

static uintptr_t align_up(uintptr_t at)
{
    return (at + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1);
}

/* The first gap of `len` bytes and a header; *before is where the block's link goes. */
static struct block *buffer_fit(struct buffer *b, size_t len, struct list **before)
{
    uintptr_t at = align_up((uintptr_t)b->base), end = (uintptr_t)b->base + b->size;
    size_t need = sizeof(struct block) + len;
    struct list *l, *tmp;

    list_each(l, tmp, &b->blocks)
    {
        struct block *k = container_of(l, struct block, link);
        if ((uintptr_t)k - at >= need && (uintptr_t)k > at)
            break;
        at = align_up((uintptr_t)k->data + k->len);
    }
    if (l == &b->blocks && (at > end || end - at < need))
        return NULL;
    *before = l;
    return (struct block *)at;
}

/* Looks for what may free some, before the buffer is said to be full: in a row without anything, as
 * one look does not go everywhere; and in all, as there may be no end of what others send. */
enum { VAIN = 16, LOOKS = 1 << 14 };

static struct block *block_new(struct buffer *b, size_t len)
{
    struct list *before = &b->blocks;
    struct block *k;

    if (b->base == MPI_BUFFER_AUTOMATIC)
        k = malloc(sizeof *k + len);
    else
        for (unsigned looks = 0, vain = 0;
             !(k = buffer_fit(b, len, &before)) && vain < VAIN && looks < LOOKS; looks++)
            vain = lane_progress() ? 0 : vain + 1;
    if (!k)
        return NULL;
    *k = (struct block){.buffer = b, .number = b->made++, .len = len};
    list_add_tail(before, &k->link);
    atomic_fetch_add_explicit(&b->used, 1, memory_order_relaxed);
    return k;
}

static void block_free(struct block *k)
{
    struct buffer *b = k->buffer;
    uint64_t number = k->number;
    struct list *l, *tmp;

    list_drop(&k->link);
    if (b->base == MPI_BUFFER_AUTOMATIC)
        free(k);
    list_each(l, tmp, &b->flushes)
    {
        struct request *r = container_of(l, struct request, op.link);
        if (number < r->bytes && --r->count == 0) {
            list_drop(l);
            request_complete(r);
        }
    }
    /* Last: whoever waits for this may take the buffer away. */
    atomic_fetch_sub_explicit(&b->used, 1, memory_order_release);
}

/* ---- Sending ---- */

static void buffered_left(struct request *s)
{
    if (s->owner)
        block_free(s->owner);
    request_free(s);
}

static int no_room(struct buffer *b, size_t len)
{
    if (!b)
        return err_set(MPI_ERR_BUFFER,
                       "a buffered send of %zu bytes needs a buffer, and none is attached "
                       "(MPI_Buffer_attach)",
                       len);
    if (b->base == MPI_BUFFER_AUTOMATIC)
        return err_set(MPI_ERR_NO_MEM, "no memory for a buffered send of %zu bytes", len);
    return err_set(
        MPI_ERR_BUFFER,
        "a buffered send of %zu bytes finds no room in the attached buffer of %zu bytes, "
        "in which %zu messages wait (each needs MPI_BSEND_OVERHEAD more than its data)",
        len, b->size, atomic_load(&b->used));
}

/* Where the copy goes: the request's own memory for a small message, else the attached buffer. */
static int buffered_copy(struct request *s, struct comm *c, struct datatype *t, const void *buf,
                         MPI_Count count, const void **data)
{
    size_t len = s->bytes;

    if (len <= fabric_limits()->inject) {
        s->bounce = bounce_take(len);
        if (!s->bounce)
            return err_set(MPI_ERR_NO_MEM, "no memory for a buffered send of %zu bytes", len);
        *data = s->bounce;
    } else {
        struct buffer *b = buffer_of(c);
        struct block *k = b ? block_new(b, len) : NULL;
        if (!k)
            return no_room(b, len);
        s->owner = k;
        *data = k->data;
    }
    datatype_pack(buf, count, t, 0, (void *)*data, len);
    return MPI_SUCCESS;
}

int post_buffered(struct request *r, struct fabric_peer *to, uint64_t match, const void *buf,
                  MPI_Count count)
{
    struct request *s = request_new(REQUEST_SEND, r->comm, NULL);
    const void *data = NULL;

    if (!s)
        return MPI_ERR_NO_MEM;
    int rc = post_bytes(r->type, count, &s->bytes);
    if (!rc)
        rc = buffered_copy(s, r->comm, r->type, buf, count, &data);
    if (!rc)
        rc = post_send(s, to, match, data, s->bytes);
    if (rc) {
        buffered_left(s);
        return rc;
    }
    s->then = buffered_left;
    p2p_count_sent(CHANNEL_P2P, s->bytes);
    request_complete(r);
    return MPI_SUCCESS;
}

/* ---- Attaching ---- */

int buffered_attach(uintptr_t owner, void *base, MPI_Count size)
{
    struct buffer *b = malloc(sizeof *b);

    if (!b)
        return err_set(MPI_ERR_NO_MEM, "no memory to attach a buffer");
    *b = (struct buffer){.owner = owner, .base = base};
    b->size = base == MPI_BUFFER_AUTOMATIC ? 0 : (size_t)size;
    list_init(&b->blocks);
    list_init(&b->flushes);
    lane_lock();
    bool taken = buffer_find(owner);
    if (!taken)
        list_add_tail(&buffers, &b->link);
    lane_unlock();
    if (taken) {
        free(b);
        return err_set(MPI_ERR_BUFFER, "a buffer is attached already: detach it first");
    }
    return MPI_SUCCESS;
}

static bool buffer_empty(void *arg)
{
    struct buffer *b = arg;

    return !atomic_load_explicit(&b->used, memory_order_acquire);
}

/* From here on no message can enter it, so that it does become empty. */
static struct buffer *buffer_take(uintptr_t owner)
{
    lane_lock();
    struct buffer *b = buffer_find(owner);
    if (b)
        list_drop(&b->link);
    lane_unlock();
    return b;
}

int buffered_detach(uintptr_t owner, void **base, MPI_Count *size)
{
    struct buffer *b = buffer_take(owner);

    if (!b)
        return err_set(MPI_ERR_BUFFER, "no buffer is attached");
    request_wait_until(buffer_empty, b);
    *base = b->base;
    *size = (MPI_Count)b->size;
    /* block_free touched it last under the lock. */
    lane_lock();
    free(b);
    lane_unlock();
    return MPI_SUCCESS;
}

int buffered_iflush(uintptr_t owner, struct request **request)
{
    lane_lock();
    struct buffer *b = buffer_find(owner);
    struct request *r = request_new(REQUEST_FLUSH, NULL, NULL);
    if (r && b && atomic_load_explicit(&b->used, memory_order_relaxed)) {
        r->count = (MPI_Count)atomic_load_explicit(&b->used, memory_order_relaxed);
        r->bytes = b->made; /* blocks with lower numbers are the ones to wait for */
        list_add_tail(&b->flushes, &r->op.link);
    } else if (r) {
        request_complete(r);
    }
    lane_unlock();
    if (!r)
        return MPI_ERR_NO_MEM;
    *request = r;
    return MPI_SUCCESS;
}

int buffered_flush(uintptr_t owner)
{
    struct request *r;
    int rc = buffered_iflush(owner, &r);

    if (rc)
        return rc;
    request_wait_flag(&r->done);
    return request_finish(r, NULL, NULL);
}

void buffered_close(void)
{
    struct list *l;

    while ((l = list_pop(&buffers)))
        free(container_of(l, struct buffer, link));
}
