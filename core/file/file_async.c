/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Nonblocking accesses (14.4.2). A short one is done when the call returns: the kernel takes it in
 * less time than another thread needs to wake up. Longer ones are for a thread of the library's,
 * one in a process, which does them in the order of their start; it is started by the first of
 * them. A representation with functions of the program's is converted in the program's own call.
 *
 * Of a nonblocking collective access each process does its own part: it may not wait for the
 * others, whose calls may come after the program's wait.
 */
#include "core/file/file_async.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file/file_access.h"
#include "core/object/err.h"
#include "core/p2p/request.h"
#include "provider/fabric/wait.h"

enum { SHORT = 64 * 1024 }; /* bytes */

/* An access under way; the request owns it, and the file waits for it. */
struct job {
    struct list link;
    struct request *request;
    struct file *file;
    struct file_access access;
    int64_t at;
    uint64_t moved;
    int rc;
    char detail[160]; /* of an error, for the thread that is told */
};

static struct {
    pthread_mutex_t lock; /* of the rest */
    pthread_cond_t filled;
    pthread_t thread;
    bool running, stopping;
    struct list jobs;
} worker = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

/* ---- The request ---- */

static int job_query(struct request *r, MPI_Status *status)
{
    struct job *j = r->owner;

    status_set_empty(status);
    status_set_bytes(status, j->moved);
    return j->rc ? err_set(j->rc, "%s", j->detail) : MPI_SUCCESS;
}

static int job_cancel(struct request *r)
{
    (void)r; /* an access that has begun goes on to its end, which MPI_Cancel allows (3.8.4) */
    return MPI_SUCCESS;
}

static void job_free(struct request *r)
{
    struct job *j = r->owner;

    object_drop(&j->file->object);
    free(j);
}

static struct object *job_blame(struct request *r)
{
    return &((struct job *)r->owner)->file->object;
}

static const struct request_ops job_ops = {
    .query = job_query,
    .cancel = job_cancel,
    .free = job_free,
    .blame = job_blame,
};

static void run(struct job *j)
{
    j->rc = file_access_alone(j->file, &j->access, j->at, &j->moved);
    if (j->rc) {
        const char *detail = err_detail(j->rc);
        snprintf(j->detail, sizeof j->detail, "%s", detail ? detail : err_sentence(j->rc));
    }
}

static void complete(struct job *j)
{
    lane_lock();
    atomic_fetch_sub(&j->file->pending, 1);
    request_complete(j->request);
    wait_tell();
    lane_unlock();
}

static bool is_idle(void *arg)
{
    return !atomic_load(&((struct file *)arg)->pending);
}

void file_settle(struct file *f)
{
    if (!is_idle(f))
        request_wait_until(is_idle, f);
}

static int job_new(struct file *f, const struct file_access *a, int64_t at, struct job **out)
{
    struct job *j = calloc(1, sizeof *j);

    if (!j)
        return err_set(MPI_ERR_NO_MEM, "no memory for a nonblocking access");
    *j = (struct job){.file = f, .access = *a, .at = at};
    lane_lock();
    j->request = request_new(REQUEST_FILE, NULL, a->type);
    lane_unlock();
    if (!j->request) {
        free(j);
        return MPI_ERR_NO_MEM;
    }
    object_hold(&f->object);
    j->request->ops = &job_ops;
    j->request->owner = j;
    *out = j;
    return MPI_SUCCESS;
}

/* ---- The thread ---- */

static void *work(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&worker.lock);
    for (;;) {
        struct list *l = list_pop(&worker.jobs);
        if (l) {
            struct job *j = container_of(l, struct job, link);
            pthread_mutex_unlock(&worker.lock);
            run(j);
            complete(j);
            pthread_mutex_lock(&worker.lock);
        } else if (worker.stopping) {
            break;
        } else {
            pthread_cond_wait(&worker.filled, &worker.lock);
        }
    }
    pthread_mutex_unlock(&worker.lock);
    return NULL;
}

/* worker.lock held. The program's signals are the program's. */
static bool have_thread(void)
{
    sigset_t all, old;

    if (worker.running)
        return true;
    lane_share();
    list_init(&worker.jobs);
    worker.stopping = false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    worker.running = !pthread_create(&worker.thread, NULL, work, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return worker.running;
}

/* False where there is no thread to give it to. */
static bool give(struct job *j)
{
    pthread_mutex_lock(&worker.lock);
    bool given = have_thread();
    if (given) {
        list_add_tail(&worker.jobs, &j->link);
        pthread_cond_signal(&worker.filled);
    }
    pthread_mutex_unlock(&worker.lock);
    return given;
}

void file_async_stop(void)
{
    pthread_mutex_lock(&worker.lock);
    bool running = worker.running;
    worker.stopping = true;
    worker.running = false;
    pthread_cond_signal(&worker.filled);
    pthread_mutex_unlock(&worker.lock);
    if (running)
        pthread_join(worker.thread, NULL);
}

/* ---- Starting ---- */

static bool is_long(const struct file *f, const struct file_access *a)
{
    return !file_datarep_converts(f->view.rep) && a->count * a->type->size > SHORT;
}

int file_start(struct file *f, const struct file_access *a, struct request **request)
{
    struct job *j = NULL;
    int64_t at;
    int rc = file_access_place(f, a, &at);

    if (!rc)
        rc = job_new(f, a, at, &j);
    if (rc)
        return rc;
    *request = j->request;
    atomic_fetch_add(&f->pending, 1);
    if (is_long(f, a) && give(j))
        return MPI_SUCCESS;
    run(j);
    complete(j);
    return MPI_SUCCESS;
}
