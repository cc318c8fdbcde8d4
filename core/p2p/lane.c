/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <string.h>

#include "core/p2p/bounce.h"
#include "core/p2p/credit.h"
#include "core/p2p/lane.h"
#include "core/p2p/request.h"
#include "provider/base/count.h"
#include "provider/base/log.h"
#include "provider/fabric/fabric.h"
#include "provider/fabric/wait.h"

enum { REQUESTS_PER_BLOCK = 64 };

struct lane lane;

int lane_open(bool thread_multiple)
{
    lane = (struct lane){.lock = {.off = !thread_multiple}};
    if (thread_multiple)
        lock_bias(&lane.lock);
    bounce_open(thread_multiple);
    list_init(&lane.deferred);
    pool_open(&lane.requests, sizeof(struct request), REQUESTS_PER_BLOCK);
    return MPI_SUCCESS;
}

void lane_close(void)
{
    request_close_all();
    pool_close(&lane.requests);
    bounce_close();
}

void lane_defer(struct deferred *d)
{
    assert(lock_held(&lane.lock));
    list_add_tail(&lane.deferred, &d->link);
}

/* A completion queue that cannot be read will not heal: said once, and the program goes on as far
 * as it gets, until it is ended. */
static void lane_fail(int negative_errno)
{
    if (lane.failed)
        return;
    lane.failed = true;
    log_line(LOG_ERROR, "reading completions from %s failed: %s; messages may no longer arrive",
             fabric_provider(), strerror(-negative_errno));
}

static int read_completions(void)
{
    int done = fabric_is_open() ? fabric_progress() : 0;

    assert(lock_held(&lane.lock));
    count_add(&counts.polls, 1);
    if (__builtin_expect(done < 0, 0)) {
        lane_fail(done);
        done = 0;
    }
    return done;
}

bool lane_progress(void)
{
    int done = read_completions();
    struct list *l;

    while ((l = list_pop(&lane.deferred))) {
        struct deferred *d = container_of(l, struct deferred, link);
        d->run(d);
        done++;
    }
    if (lane.poll)
        done += lane.poll();
    if (UNLIKELY(credit_hungry))
        credit_grant(done);
    if (done)
        wait_tell();
    else
        wait_progressed();
    return done;
}

bool lane_help(struct deferred *work)
{
    int done = read_completions();

    if (!list_empty(&work->link)) {
        list_drop(&work->link);
        work->run(work);
        done++;
    }
    if (done)
        wait_tell();
    else
        wait_progressed();
    return done;
}

void lane_share(void)
{
    if (!lane.lock.off) /* they are already, and other threads of the program may look */
        return;
    lane.lock.off = false;
    bounce_open(true);
}
