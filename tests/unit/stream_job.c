/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/stream_job.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "provider/stream/stream_provider.h"

/* ---- The endpoint ---- */

static struct fi_info *hints_make(void)
{
    struct fi_info *h = node_info_dup(NULL);

    CHECK(h, "memory");
    h->caps = FI_TAGGED | FI_MSG | FI_RMA | FI_SEND | FI_RECV | FI_READ | FI_WRITE |
              FI_REMOTE_READ | FI_REMOTE_WRITE | FI_DIRECTED_RECV;
    h->ep_attr->type = FI_EP_RDM;
    h->tx_attr->msg_order = h->rx_attr->msg_order = FI_ORDER_SAS;
    h->domain_attr->mr_mode = 0;
    h->domain_attr->cq_data_size = 8;
    h->domain_attr->av_type = FI_AV_TABLE;
    h->domain_attr->threading = FI_THREAD_DOMAIN;
    return h;
}

/* Loopback alone: nothing of the tests can be reached from elsewhere. */
static struct fi_info *loopback_of(struct fi_info *list)
{
    for (struct fi_info *i = list; i; i = i->next) {
        const struct sockaddr_in *in = i->src_addr;
        if (in && in->sin_family == AF_INET && in->sin_addr.s_addr == htonl(INADDR_LOOPBACK))
            return i;
    }
    CHECK(false, "127.0.0.1 is not offered");
    return NULL;
}

static void bind_all(struct flow *s)
{
    struct fi_av_attr av = {.type = FI_AV_TABLE};
    struct fi_cq_attr cq = {.format = FI_CQ_FORMAT_TAGGED, .wait_obj = FI_WAIT_FD};

    CHECK(!fi_av_open(s->domain, &av, &s->av, NULL), "fi_av_open");
    CHECK(!fi_cq_open(s->domain, &cq, &s->cq, NULL), "fi_cq_open");
    CHECK(!fi_endpoint(s->domain, s->info, &s->ep, NULL), "fi_endpoint");
    CHECK(!fi_ep_bind(s->ep, &s->av->fid, 0), "bind av");
    CHECK(!fi_ep_bind(s->ep, &s->cq->fid, FI_TRANSMIT | FI_RECV), "bind cq");
}

void flow_open(struct flow *s, uint8_t proof)
{
    struct fi_info *hints = hints_make();
    struct stream_ops *ops;
    uint8_t bytes[STREAM_PROOF];

    *s = (struct flow){0};
    alarm(FLOW_SECONDS + 10); /* the waits' own limit comes first, and says where it was */
    int ret = stream_getinfo(FI_VERSION(1, 17), NULL, NULL, 0, hints, &s->list);
    node_info_free(hints);
    CHECK(!ret, "stream_getinfo: %s", strerror(-ret));
    s->info = loopback_of(s->list);
    CHECK(!stream_fabric_open(s->info->fabric_attr, &s->fabric, NULL), "fabric");
    CHECK(!fi_domain(s->fabric, s->info, &s->domain, NULL), "fi_domain");
    bind_all(s);
    CHECK(!fi_enable(s->ep), "fi_enable");
    for (int i = 0; i < STREAM_PROOF; i++)
        bytes[i] = proof + i;
    CHECK(!fi_open_ops(&s->ep->fid, STREAM_OPS, 0, (void **)&ops, NULL), "fi_open_ops");
    CHECK(ops->size >= sizeof(*ops), "ops of %zu bytes", ops->size);
    ops->prove(s->ep, bytes);
    s->served = ops->served(s->ep);
}

void flow_names(struct flow *s)
{
    static char all[JOB_MAX][JOB_TEXT];
    char mine[JOB_TEXT] = {0};
    size_t len = JOB_TEXT;

    CHECK(!fi_getname(&s->ep->fid, mine, &len) && len == sizeof(struct sockaddr_in), "%zu", len);
    job_exchange(mine, all);
    for (int i = 0; i < job_size; i++) {
        memcpy(&s->name[i], all[i], sizeof(s->name[i]));
        CHECK(s->name[i].sin_family == AF_INET && s->name[i].sin_port, "no port of %d", i);
    }
}

void flow_insert(struct flow *s)
{
    for (int i = 0; i < job_size; i++)
        CHECK(fi_av_insert(s->av, &s->name[i], 1, &s->addr[i], 0, NULL) == 1, "fi_av_insert");
}

void flow_meet(struct flow *s)
{
    flow_names(s);
    flow_insert(s);
}

void flow_close(struct flow *s)
{
    CHECK(!fi_close(&s->ep->fid), "close ep");
    CHECK(!fi_close(&s->cq->fid), "close cq");
    CHECK(!fi_close(&s->av->fid), "close av");
    CHECK(!fi_close(&s->domain->fid), "close domain");
    CHECK(!fi_close(&s->fabric->fid), "close fabric");
    node_info_free(s->list);
    free(s->events);
}

void flow_start(struct flow *s)
{
    flow_open(s, 1);
    flow_meet(s);
}

void flow_finish(struct flow *s)
{
    flow_barrier(s);
    CHECK(!s->event_count, "%p completed, err %d", s->events[0].context, s->events[0].err);
    flow_close(s);
}

/* ---- Waiting ---- */

static void progress_or_yield(struct flow *s)
{
    if (!s || !flow_progress(s))
        sched_yield();
}

void flow_until(struct flow *s, int word, uint64_t least)
{
    uint64_t end = now_ns() + FLOW_SECONDS * UINT64_C(1000000000);

    while (__atomic_load_n(&job_words[word], __ATOMIC_ACQUIRE) < least) {
        CHECK(now_ns() < end, "word %d is %lu, not %lu", word, job_words[word], least);
        progress_or_yield(s);
    }
}

void flow_barrier(struct flow *s)
{
    static uint64_t rounds;

    __atomic_fetch_add(&job_words[0], 1, __ATOMIC_ACQ_REL);
    flow_until(s, 0, ++rounds * job_size);
}

static void keep(struct flow *s, const struct event *event)
{
    if (s->event_count == s->event_room) {
        s->event_room = s->event_room ? s->event_room * 2 : 64;
        s->events = realloc(s->events, s->event_room * sizeof(*s->events));
        CHECK(s->events, "memory");
    }
    s->events[s->event_count++] = *event;
}

bool flow_progress(struct flow *s)
{
    struct fi_cq_tagged_entry c[16];
    struct fi_cq_err_entry error = {0};
    ssize_t n = fi_cq_read(s->cq, c, 16);

    for (ssize_t i = 0; i < n; i++)
        keep(s, &(struct event){.context = c[i].op_context,
                                .len = c[i].len,
                                .flags = c[i].flags,
                                .data = c[i].data,
                                .tag = c[i].tag});
    if (n == -FI_EAVAIL) {
        CHECK(fi_cq_readerr(s->cq, &error, 0) == 1, "an error that is not there");
        CHECK(error.err > 0, "an error without a number");
        keep(s, &(struct event){.context = error.op_context,
                                .err = error.err,
                                .len = error.len,
                                .olen = error.olen,
                                .flags = error.flags,
                                .data = error.data,
                                .tag = error.tag});
    }
    CHECK(n > 0 || n == -FI_EAGAIN || n == -FI_EAVAIL, "fi_cq_read: %zd", n);
    return n != -FI_EAGAIN;
}

bool flow_take(struct flow *s, void *context, struct event *event)
{
    for (size_t i = 0; i < s->event_count; i++) {
        if (s->events[i].context != context)
            continue;
        *event = s->events[i];
        memmove(&s->events[i], &s->events[i + 1], (--s->event_count - i) * sizeof(*event));
        return true;
    }
    return false;
}

struct event flow_wait_at(struct flow *s, void *context, int line)
{
    uint64_t end = now_ns() + FLOW_SECONDS * UINT64_C(1000000000);
    struct event event;

    while (!flow_take(s, context, &event)) {
        CHECK(now_ns() < end, "line %d: nothing completed in %d s; %zu others did", line,
              FLOW_SECONDS, s->event_count);
        progress_or_yield(s);
    }
    return event;
}

struct event flow_done_at(struct flow *s, void *context, int line)
{
    struct event event = flow_wait_at(s, context, line);

    CHECK(!event.err, "line %d: %s, len %zu, olen %zu, tag %lu", line, strerror(event.err),
          event.len, event.olen, event.tag);
    return event;
}

void flow_quiet_at(struct flow *s, int line)
{
    for (int i = 0; i < 200; i++)
        progress_or_yield(s);
    CHECK(!s->event_count, "line %d: %p completed, err %d", line, s->events[0].context,
          s->events[0].err);
}

int flow_raw_listen(struct sockaddr_in *name, int backlog)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    socklen_t len = sizeof(*name);

    *name = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CHECK(fd >= 0 && !bind(fd, (struct sockaddr *)name, len) && !listen(fd, backlog), "listen");
    CHECK(!getsockname(fd, (struct sockaddr *)name, &len), "getsockname");
    return fd;
}

unsigned char *flow_buffer(size_t len)
{
    unsigned char *b = malloc(len);

    CHECK(b, "memory");
    memset(b, 0xee, len);
    return b;
}
