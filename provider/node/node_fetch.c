/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "provider/node/node_fetch.h"
#include "provider/node/node_pull.h"
#include "provider/node/node_way.h"

enum { FETCH_MOST = 256 << 10 }; /* bytes: the first one waits for the last */

static bool is_simple(const struct node_recv *r, const struct node_message *m)
{
    return r->iov_count == 1 && m->pieces == 1;
}

bool node_fetch_later(struct node_ep *ep, const struct node_recv *r, const struct node_message *m,
                      size_t len)
{
    struct node_fetches *f = &ep->fetches;
    bool waits = f->open && len <= FETCH_MOST / 2 && node_reader_sees_two(ep->in.at);

    if (!is_simple(r, m))
        return false;
    if (f->count && (f->count == NODE_FETCHES || f->waiting[0].message.peer != m->peer ||
                     f->bytes + len > FETCH_MOST))
        node_fetch_all(ep);
    /* Where those have taken what memory there was to say that it is there, it waits, too. */
    if (!f->count && !waits && node_ep_ready(ep))
        return false;
    f->waiting[f->count++] = (struct node_fetch){*r, *m, len};
    f->bytes += len;
    if (!waits || f->count == NODE_FETCHES)
        node_fetch_all(ep);
    return true;
}

/* All in one call; false: each is to be copied by itself. */
static bool copy_all(const struct node_fetches *f)
{
    struct iovec ours[NODE_FETCHES], theirs[NODE_FETCHES];

    for (unsigned i = 0; i < f->count; i++) {
        const struct node_fetch *one = &f->waiting[i];
        if (one->message.peer != f->waiting[0].message.peer)
            return false;
        ours[i] = (struct iovec){one->recv.iov[0].iov_base, one->len};
        theirs[i] = (struct iovec){(void *)(uintptr_t)one->message.address, one->len};
    }
    return node_copy_blocks(f->waiting[0].message.peer->segment->address.pid, ours, theirs,
                            f->count, f->bytes);
}

static void finish(struct node_ep *ep, const struct node_fetch *one, bool copied)
{
    int error = copied ? 0 : node_pull_alone(&one->recv, &one->message, one->len);

    if (UNLIKELY(one->message.timed))
        node_way_took(ep, &one->message);
    node_recv_fetched(ep, &one->recv, &one->message, error);
}

void node_fetch_all(struct node_ep *ep)
{
    struct node_fetches *f = &ep->fetches;
    bool copied = f->count > 1 && copy_all(f);
    unsigned done = 0;

    for (; done < f->count && node_ep_ready(ep); done++) {
        finish(ep, &f->waiting[done], copied);
        f->bytes -= f->waiting[done].len;
    }
    f->count -= done;
    memmove(f->waiting, f->waiting + done, f->count * sizeof(f->waiting[0]));
    node_way_worked(ep);
}
