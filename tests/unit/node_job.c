/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/node_job.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "provider/node/node.h"

int job_size;
volatile uint64_t *job_words;

enum { WORDS = 4096, MAY_DIE = JOB_MAX };

static struct child {
    pid_t pid;
    int up, down; /* the parent's ends: what the child says, what it is told */
    bool here;
} children[JOB_MAX];

static int my_rank, say, hear; /* a child's ends */
static volatile uint64_t *may_die;

/* ---- The child's side ---- */

void job_forbid(int call, int error)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(rules) / sizeof(rules[0]), rules};

    CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
              !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program),
          "seccomp: %s", strerror(errno));
}

static bool move(int fd, void *buf, size_t len, bool out)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = out ? write(fd, (char *)buf + done, len - done)
                        : read(fd, (char *)buf + done, len - done);
        if (n <= 0 && errno != EINTR)
            return false;
        done += n > 0 ? n : 0;
    }
    return true;
}

void job_exchange(const char mine[JOB_TEXT], char (*all)[JOB_TEXT])
{
    CHECK(move(say, (char *)mine, JOB_TEXT, true), "the job is gone");
    CHECK(move(hear, all, (size_t)job_size * JOB_TEXT, false), "the job is gone");
}

void job_barrier(void)
{
    static char all[JOB_MAX][JOB_TEXT];

    job_exchange(all[0], all);
}

void job_may_die(void)
{
    may_die[my_rank] = 1;
}

/* ---- The parent's side ---- */

static void start(int rank, void (*main)(int rank))
{
    int up[2], down[2];

    if (pipe(up) || pipe(down) || (children[rank].pid = fork()) < 0) {
        perror("node_job");
        exit(1);
    }
    if (children[rank].pid) {
        children[rank] = (struct child){children[rank].pid, up[0], down[1], true};
        close(up[1]);
        close(down[0]);
        return;
    }
    for (int i = 0; i < rank; i++) {
        close(children[i].up);
        close(children[i].down);
    }
    close(up[0]);
    close(down[1]);
    say = up[1];
    hear = down[0];
    my_rank = rank;
    alarm(JOB_SECONDS);
    main(rank);
    _exit(0); /* not the exit handlers of what runs the tests */
}

static void end_all(void)
{
    for (int i = 0; i < job_size; i++)
        if (children[i].here)
            kill(children[i].pid, SIGKILL);
}

/* One child is over: whether that was as it should be. */
static bool reap(int rank)
{
    int status;

    children[rank].here = false;
    close(children[rank].up);
    close(children[rank].down);
    while (waitpid(children[rank].pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && !WEXITSTATUS(status))
        return true;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && may_die[rank])
        return true;
    fprintf(stderr, "process %d of %d: %s %d\n", rank, job_size,
            WIFSIGNALED(status) ? "signal" : "exit code",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return false;
}

/* Reads what children say, whichever speaks first; false while somebody's text is missing. */
static bool listen_all(char (*all)[JOB_TEXT], bool *said, int *failed)
{
    struct pollfd fds[JOB_MAX];
    int who[JOB_MAX], n = 0;

    for (int i = 0; i < job_size; i++)
        if (children[i].here && !said[i]) {
            who[n] = i;
            fds[n++] = (struct pollfd){.fd = children[i].up, .events = POLLIN};
        }
    if (!n)
        return true;
    if (poll(fds, n, -1) < 0)
        return false;
    for (int k = 0; k < n; k++) {
        if (!fds[k].revents)
            continue;
        said[who[k]] = move(fds[k].fd, all[who[k]], JOB_TEXT, false);
        if (!said[who[k]] && !reap(who[k]) && !(*failed)++)
            end_all();
    }
    return false;
}

/* Takes one text of each child that is there and gives all to all, until none is left. */
static int serve(void)
{
    static char all[JOB_MAX][JOB_TEXT];
    int left, failed = 0;

    do {
        bool said[JOB_MAX] = {0};
        while (!listen_all(all, said, &failed))
            ;
        left = 0;
        for (int i = 0; i < job_size; i++)
            if (children[i].here) {
                move(children[i].down, all, (size_t)job_size * JOB_TEXT, true);
                left++;
            }
    } while (left);
    return failed;
}

int job_run(int size, void (*main)(int rank))
{
    void *shared = mmap(NULL, (WORDS + MAY_DIE) * sizeof(uint64_t), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED)
        return size;
    job_words = shared;
    may_die = job_words + WORDS;
    job_size = size;
    signal(SIGPIPE, SIG_IGN); /* ours: a child may be gone when it is told something */
    fflush(NULL);
    for (int rank = 0; rank < size; rank++)
        start(rank, main);
    int failed = serve();
    munmap(shared, (WORDS + MAY_DIE) * sizeof(uint64_t));
    return failed;
}

/* ---- Endpoints ---- */

static struct fi_info *hints_for(const struct end_want *w)
{
    struct fi_info *h = node_info_dup(NULL);

    CHECK(h, "memory");
    h->caps = w->caps;
    h->tx_attr->op_flags = w->tx_flags;
    h->rx_attr->op_flags = w->rx_flags;
    h->domain_attr->threading = w->threading;
    h->domain_attr->av_type = w->av_type;
    h->domain_attr->mr_mode = w->mr_mode < 0 ? 0 : w->mr_mode ? w->mr_mode : FI_MR_VIRT_ADDR;
    return h;
}

static struct fid_cq *queue_open(struct end *e, const struct end_want *w)
{
    struct fi_cq_attr attr = {.format = w->format ? w->format : FI_CQ_FORMAT_TAGGED,
                              .wait_obj = w->wait_obj ? w->wait_obj : FI_WAIT_NONE};
    struct fid_cq *cq;

    CHECK(!fi_cq_open(e->domain, &attr, &cq, NULL), "fi_cq_open");
    return cq;
}

static void bind_queues(struct end *e, const struct end_want *w)
{
    uint64_t selective = w->selective ? FI_SELECTIVE_COMPLETION : 0;

    e->cq = e->rx_cq = queue_open(e, w);
    if (w->two_queues) {
        e->rx_cq = queue_open(e, w);
        CHECK(!fi_ep_bind(e->ep, &e->cq->fid, FI_TRANSMIT | selective), "bind tx");
        CHECK(!fi_ep_bind(e->ep, &e->rx_cq->fid, FI_RECV | selective), "bind rx");
    } else {
        CHECK(!fi_ep_bind(e->ep, &e->cq->fid, FI_TRANSMIT | FI_RECV | selective), "bind cq");
    }
}

static void bind_counters(struct end *e)
{
    static const uint64_t events[END_COUNTERS] = {FI_SEND, FI_RECV, FI_READ, FI_WRITE};

    for (int i = 0; i < END_COUNTERS; i++) {
        struct fi_cntr_attr attr = {.events = FI_CNTR_EVENTS_COMP, .wait_obj = FI_WAIT_UNSPEC};
        CHECK(!fi_cntr_open(e->domain, &attr, &e->cntr[i], NULL), "fi_cntr_open");
        CHECK(!fi_ep_bind(e->ep, &e->cntr[i]->fid, events[i]), "bind counter %d", i);
    }
}

void end_open(struct end *e, const struct end_want *want)
{
    static const struct end_want plain;
    const struct end_want *w = want ? want : &plain;
    struct fi_info *h = hints_for(w);
    struct fi_av_attr av = {.type = w->av_type};

    *e = (struct end){0};
    int ret = node_provider.getinfo(FI_VERSION(1, 17), NULL, NULL, 0, h, &e->info);
    node_info_free(h);
    CHECK(!ret, "getinfo: %s", strerror(-ret));
    CHECK(!node_provider.fabric(e->info->fabric_attr, &e->fabric, NULL), "fabric");
    CHECK(!fi_domain(e->fabric, e->info, &e->domain, NULL), "fi_domain");
    CHECK(!fi_av_open(e->domain, &av, &e->av, NULL), "fi_av_open");
    ret = fi_endpoint(e->domain, e->info, &e->ep, NULL);
    CHECK(!ret, "fi_endpoint: %s", strerror(-ret));
    bind_queues(e, w);
    if (w->counters)
        bind_counters(e);
    CHECK(!fi_ep_bind(e->ep, &e->av->fid, 0), "bind av");
    CHECK(!fi_enable(e->ep), "fi_enable");
}

void end_name(struct end *e, char name[JOB_TEXT])
{
    size_t len = JOB_TEXT;

    memset(name, 0, JOB_TEXT);
    CHECK(!fi_getname(&e->ep->fid, name, &len), "fi_getname");
}

void end_meet(struct end *e)
{
    static char all[JOB_MAX][JOB_TEXT];
    char mine[JOB_TEXT];

    end_name(e, mine);
    job_exchange(mine, all);
    for (int i = 0; i < job_size; i++)
        CHECK(fi_av_insert(e->av, all[i], 1, &e->addr[i], 0, NULL) == 1, "insert %s", all[i]);
}

void end_close(struct end *e)
{
    CHECK(!fi_close(&e->ep->fid), "close ep");
    for (int i = 0; i < END_COUNTERS; i++)
        if (e->cntr[i])
            CHECK(!fi_close(&e->cntr[i]->fid), "close counter");
    if (e->rx_cq != e->cq)
        CHECK(!fi_close(&e->rx_cq->fid), "close rx cq");
    CHECK(!fi_close(&e->cq->fid), "close cq");
    CHECK(!fi_close(&e->av->fid), "close av");
    CHECK(!fi_close(&e->domain->fid), "close domain");
    CHECK(!fi_close(&e->fabric->fid), "close fabric");
    node_info_free(e->info);
    free(e->early);
    free(e->early_source);
}

static void keep_pace(struct end *e, struct pace pace)
{
    for (int i = 0; i < job_size; i++) {
        struct node_peer *peer;
        CHECK(!node_peer_get(container_of(e->ep, struct node_ep, fid), e->addr[i], &peer), "peer");
        peer->pace = pace;
    }
}

void end_keep_distant(struct end *e)
{
    keep_pace(e, (struct pace){.distant_until = UINT64_MAX});
}

void end_keep_beyond(struct end *e)
{
    keep_pace(e, (struct pace){.distant_until = UINT64_MAX, .beyond = true});
}

void end_start(struct end *e, const struct end_want *want)
{
    end_open(e, want);
    end_meet(e);
}

void end_finish(struct end *e)
{
    job_barrier();
    end_close(e);
}

/* ---- Completions ---- */

static void keep(struct end *e, const struct fi_cq_tagged_entry *entry, fi_addr_t source)
{
    if (e->early_first == e->early_count)
        e->early_first = e->early_count = 0;
    if (e->early_count == e->early_room) {
        e->early_room = e->early_room ? e->early_room * 2 : 64;
        e->early = realloc(e->early, e->early_room * sizeof(*e->early));
        e->early_source = realloc(e->early_source, e->early_room * sizeof(*e->early_source));
        CHECK(e->early && e->early_source, "memory");
    }
    e->early[e->early_count] = *entry;
    e->early_source[e->early_count++] = source;
}

static void fail_by(struct fid_cq *cq)
{
    struct fi_cq_err_entry error = {0};

    CHECK(fi_cq_readerr(cq, &error, 0) == 1, "an error that is not there");
    CHECK(false, "an operation failed: %s, context %p, len %zu",
          fi_cq_strerror(cq, error.prov_errno, NULL, NULL, 0), error.op_context, error.len);
}

/* True where a completion was read and kept, or an error waits. */
static bool look(struct end *e, struct fid_cq *cq, ssize_t *ret)
{
    struct fi_cq_tagged_entry entry = {0};
    fi_addr_t source;

    *ret = fi_cq_readfrom(cq, &entry, 1, &source);
    if (*ret == 1)
        keep(e, &entry, source);
    else
        CHECK(*ret == -FI_EAGAIN || *ret == -FI_EAVAIL, "fi_cq_read: %zd", *ret);
    return *ret != -FI_EAGAIN;
}

void end_progress(struct end *e)
{
    ssize_t ret;
    bool any = look(e, e->cq, &ret);

    if (ret == -FI_EAVAIL)
        fail_by(e->cq);
    if (e->rx_cq != e->cq) {
        any |= look(e, e->rx_cq, &ret);
        if (ret == -FI_EAVAIL)
            fail_by(e->rx_cq);
    }
    if (!any)
        sched_yield();
}

fi_addr_t end_wait(struct end *e, struct fi_cq_tagged_entry *entry)
{
    while (e->early_first == e->early_count)
        end_progress(e);
    *entry = e->early[e->early_first];
    return e->early_source[e->early_first++];
}

void end_wait_for(struct end *e, void *context)
{
    struct fi_cq_tagged_entry entry;

    end_wait(e, &entry);
    CHECK(entry.op_context == context, "%p completed instead of %p", entry.op_context, context);
}

void end_wait_error(struct end *e, struct fi_cq_err_entry *error)
{
    ssize_t ret;

    CHECK(e->early_first == e->early_count, "%p completed before the error",
          e->early[e->early_first].op_context);
    do {
        if (!look(e, e->cq, &ret))
            sched_yield();
        CHECK(ret != 1, "%p completed, which should have failed",
              e->early[e->early_first].op_context);
    } while (ret != -FI_EAVAIL);
    memset(error, 0, sizeof(*error));
    CHECK(fi_cq_readerr(e->cq, error, 0) == 1, "fi_cq_readerr");
}

void end_quiet(struct end *e)
{
    for (int i = 0; i < 200; i++)
        end_progress(e);
    CHECK(e->early_first == e->early_count, "%p completed", e->early[e->early_first].op_context);
}

/* ---- Bytes ---- */

static inline unsigned char byte_at(size_t at, unsigned seed)
{
    return (unsigned char)((at * 167 + seed * 59 + (at >> 8) * 13 + 1) ^ (at >> 16));
}

void fill(void *buf, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++)
        ((unsigned char *)buf)[i] = byte_at(i, seed);
}

bool filled(const void *buf, size_t len, unsigned seed)
{
    for (size_t i = 0; i < len; i++)
        if (((const unsigned char *)buf)[i] != byte_at(i, seed))
            return false;
    return true;
}

uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * UINT64_C(1000000000) + t.tv_nsec;
}
