/* SPDX-License-Identifier: BSD-3-Clause */
/* What the node provider says it is, and its objects: hints, address vectors, opening, closing. */
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "provider/node/node.h"
#include "tests/unit/node_job.h"

/* ---- Hints ---- */

static int ask(const struct fi_info *hints, struct fi_info **info)
{
    return node_provider.getinfo(FI_VERSION(1, 17), NULL, NULL, 0, hints, info);
}

static void hint_nothing(struct fi_info *h)
{
    (void)h;
}

/* One demand each; the name says it. */
#define HINT(name, statement)                                                                      \
    static void hint_##name(struct fi_info *h)                                                     \
    {                                                                                              \
        statement;                                                                                 \
    }

HINT(rdm, h->ep_attr->type = FI_EP_RDM)
HINT(msg_endpoint, h->ep_attr->type = FI_EP_MSG)
HINT(datagram, h->ep_attr->type = FI_EP_DGRAM)
HINT(tagged, h->caps = FI_TAGGED)
HINT(all, h->caps = FI_MSG | FI_TAGGED | FI_RMA | FI_ATOMIC | FI_DIRECTED_RECV | FI_SOURCE)
HINT(local, h->caps = FI_MSG | FI_LOCAL_COMM)
HINT(remote, h->caps = FI_MSG | FI_REMOTE_COMM)
HINT(multi_recv, h->caps = FI_MSG | FI_MULTI_RECV)
HINT(multicast, h->caps = FI_MSG | FI_MULTICAST)
HINT(rma_event, h->caps = FI_RMA | FI_RMA_EVENT)
HINT(trigger, h->caps = FI_MSG | FI_TRIGGER)
HINT(fence, h->caps = FI_MSG | FI_FENCE)
HINT(hmem, h->caps = FI_MSG | FI_HMEM)
HINT(collective, h->caps = FI_COLLECTIVE)
HINT(named_contexts, h->caps = FI_MSG | FI_NAMED_RX_CTX)
HINT(variable, h->caps = FI_MSG | FI_VARIABLE_MSG)
HINT(source_error, h->caps = FI_MSG | FI_SOURCE | FI_SOURCE_ERR)
HINT(text_address, h->addr_format = FI_ADDR_STR)
HINT(internet_address, h->addr_format = FI_SOCKADDR_IN)
HINT(inject_most, h->tx_attr->inject_size = 16384)
HINT(inject_more, h->tx_attr->inject_size = 16385)
HINT(pieces_most, h->tx_attr->iov_limit = h->rx_attr->iov_limit = 4)
HINT(send_pieces_more, h->tx_attr->iov_limit = 5)
HINT(recv_pieces_more, h->rx_attr->iov_limit = 5)
HINT(rma_pieces_more, h->tx_attr->rma_iov_limit = 2)
HINT(order, h->tx_attr->msg_order = FI_ORDER_SAS | FI_ORDER_RAW | FI_ORDER_WAW)
HINT(order_more, h->tx_attr->msg_order = FI_ORDER_SAW)
HINT(order_recv_more, h->rx_attr->msg_order = FI_ORDER_RAS)
HINT(completion_order, h->tx_attr->comp_order = FI_ORDER_SAS)
HINT(delivery, h->tx_attr->op_flags = FI_DELIVERY_COMPLETE)
HINT(match_complete, h->tx_attr->op_flags = FI_MATCH_COMPLETE)
HINT(commit_complete, h->tx_attr->op_flags = FI_COMMIT_COMPLETE)
HINT(recv_flags, h->rx_attr->op_flags = FI_MULTI_RECV)
HINT(cq_data, h->domain_attr->cq_data_size = 8)
HINT(cq_data_more, h->domain_attr->cq_data_size = 9)
HINT(auto_progress, h->domain_attr->data_progress = FI_PROGRESS_AUTO)
HINT(manual_progress, h->domain_attr->data_progress = FI_PROGRESS_MANUAL)
HINT(thread_safe, h->domain_attr->threading = FI_THREAD_SAFE)
HINT(thread_domain, h->domain_attr->threading = FI_THREAD_DOMAIN)
HINT(av_map, h->domain_attr->av_type = FI_AV_MAP)
HINT(av_table, h->domain_attr->av_type = FI_AV_TABLE)
HINT(shared_contexts, h->ep_attr->tx_ctx_cnt = FI_SHARED_CONTEXT)
HINT(scalable, h->ep_attr->rx_ctx_cnt = 2)
HINT(max_message, h->ep_attr->max_msg_size = (size_t)1 << 40)
HINT(max_message_more, h->ep_attr->max_msg_size = SIZE_MAX)
HINT(prefix, h->ep_attr->msg_prefix_size = 16)
HINT(protocol, h->ep_attr->protocol = FI_PROTO_SHM)
HINT(max_order_more, h->ep_attr->max_order_waw_size = SIZE_MAX)
HINT(war_size, h->ep_attr->max_order_war_size = 1)
HINT(regions_more, h->domain_attr->mr_cnt = 1 << 20)
HINT(region_pieces_more, h->domain_attr->mr_iov_limit = 2)
HINT(endpoint_contexts, h->domain_attr->max_ep_tx_ctx = 2)
HINT(shared_tx, h->domain_attr->max_ep_stx_ctx = 1)
HINT(shared_rx, h->domain_attr->max_ep_srx_ctx = 1)
HINT(tx_caps, h->tx_attr->caps = FI_RECV)
HINT(rx_caps, h->rx_attr->caps = FI_MULTI_RECV)
HINT(our_fabric, h->fabric_attr->name = strdup("oriel"))
HINT(another_fabric, h->fabric_attr->name = strdup("192.168.0.0/16"))
HINT(our_domain, h->domain_attr->name = strdup("node"))
HINT(another_domain, h->domain_attr->name = strdup("mlx5_0"))
HINT(our_name, h->fabric_attr->prov_name = strdup("oriel"))
HINT(another_name, h->fabric_attr->prov_name = strdup("tcp"))
HINT(domain_caps, h->domain_attr->caps = FI_REMOTE_COMM)

static void hint_socket_address(struct fi_info *h)
{
    struct sockaddr_in *a = calloc(1, sizeof(*a));

    a->sin_family = AF_INET;
    h->dest_addr = a;
    h->dest_addrlen = sizeof(*a);
}

static void hint_our_address(struct fi_info *h)
{
    h->dest_addr = strdup("oriel:12:3:00000000000000ff");
    h->dest_addrlen = strlen(h->dest_addr) + 1;
}

static const struct hint_row {
    const char *name;
    void (*demand)(struct fi_info *h);
    bool met;
} hint_rows[] = {
#define YES(name)                                                                                  \
    {                                                                                              \
#name, hint_##name, true                                                                   \
    }
#define NO(name)                                                                                   \
    {                                                                                              \
#name, hint_##name, false                                                                  \
    }
    YES(nothing),
    YES(rdm),
    NO(msg_endpoint),
    NO(datagram),
    YES(tagged),
    YES(all),
    YES(local),
    NO(remote),
    NO(multi_recv),
    NO(multicast),
    NO(rma_event),
    NO(trigger),
    NO(fence),
    NO(hmem),
    NO(collective),
    NO(named_contexts),
    NO(variable),
    NO(source_error),
    YES(text_address),
    NO(internet_address),
    YES(inject_most),
    NO(inject_more),
    YES(pieces_most),
    NO(send_pieces_more),
    NO(recv_pieces_more),
    NO(rma_pieces_more),
    YES(order),
    NO(order_more),
    NO(order_recv_more),
    NO(completion_order),
    YES(delivery),
    NO(match_complete),
    NO(commit_complete),
    NO(recv_flags),
    YES(cq_data),
    NO(cq_data_more),
    NO(auto_progress),
    YES(manual_progress),
    YES(thread_safe),
    YES(thread_domain),
    YES(av_map),
    YES(av_table),
    NO(shared_contexts),
    NO(scalable),
    YES(max_message),
    NO(max_message_more),
    NO(prefix),
    NO(protocol),
    NO(max_order_more),
    NO(war_size),
    NO(regions_more),
    NO(region_pieces_more),
    NO(endpoint_contexts),
    NO(shared_tx),
    NO(shared_rx),
    NO(tx_caps),
    NO(rx_caps),
    YES(our_fabric),
    NO(another_fabric),
    YES(our_domain),
    NO(another_domain),
    YES(our_name),
    NO(another_name),
    NO(domain_caps),
    NO(socket_address),
    YES(our_address),
#undef YES
#undef NO
};

/* What was asked for is in the answer; the answer, asked for again, is given again. */
static void check_answer(const char *name, const struct fi_info *h, struct fi_info *i)
{
    struct fi_info *again;

    cr_expect(!(h->caps & ~i->caps), "%s: caps", name);
    cr_expect(!(h->tx_attr->msg_order & ~i->tx_attr->msg_order), "%s: order", name);
    cr_expect(h->tx_attr->inject_size <= i->tx_attr->inject_size, "%s: inject", name);
    cr_expect(!h->domain_attr->threading || h->domain_attr->threading == i->domain_attr->threading,
              "%s: threading", name);
    cr_expect(!h->domain_attr->av_type || h->domain_attr->av_type == i->domain_attr->av_type,
              "%s: vector", name);
    cr_expect_eq(i->ep_attr->type, FI_EP_RDM);
    cr_expect_not(i->mode, "%s: mode bits that no program was asked for", name);
    cr_expect_eq(ask(i, &again), 0, "%s: the answer is not a good question", name);
    node_info_free(again);
}

Test(end, hints)
{
    for (size_t n = 0; n < sizeof(hint_rows) / sizeof(hint_rows[0]); n++) {
        const struct hint_row *row = &hint_rows[n];
        struct fi_info *h = node_info_dup(NULL), *i = NULL;
        row->demand(h);
        int ret = ask(h, &i);
        cr_expect_eq(ret, row->met ? 0 : -FI_ENODATA, "%s: %d", row->name, ret);
        if (!ret)
            check_answer(row->name, h, i);
        node_info_free(h);
        if (!ret)
            node_info_free(i);
    }
}

Test(end, no_hints)
{
    struct fi_info *i;

    cr_assert_eq(ask(NULL, &i), 0);
    cr_expect_eq(i->domain_attr->threading, FI_THREAD_SAFE);
    cr_expect_eq(i->domain_attr->cq_data_size, 8u);
    node_info_free(i);
    cr_expect_eq(node_provider.getinfo(FI_VERSION(1, 4), NULL, NULL, 0, NULL, &i), -FI_ENODATA);
    cr_expect_eq(node_provider.getinfo(FI_VERSION(1, 17), "10.1.2.3", "80", 0, NULL, &i),
                 -FI_ENODATA, "no host is reached by this provider");
}

/* ---- Address vectors ---- */

static void vector(int rank, enum fi_av_type type)
{
    struct end e;
    char mine[JOB_TEXT], back[JOB_TEXT];
    static char all[JOB_MAX][JOB_TEXT];
    fi_addr_t twice[2], a;
    size_t len = sizeof(back);
    uint64_t value = 0;

    end_open(&e, &(struct end_want){.av_type = type});
    CHECK(e.info->domain_attr->av_type == type, "type");
    end_name(&e, mine);
    job_exchange(mine, all);
    CHECK(fi_av_insert(e.av, "tcp://nobody", 1, &a, 0, NULL) == 0 && a == FI_ADDR_NOTAVAIL, "bad");
    /* The same address twice: both its numbers work. */
    for (int i = 0; i < 2; i++)
        CHECK(fi_av_insert(e.av, all[1 - rank], 1, &twice[i], 0, NULL) == 1, "insert");
    CHECK(type != FI_AV_TABLE || (twice[0] == 0 && twice[1] == 1), "a table counts from 0");
    CHECK(!fi_av_lookup(e.av, twice[0], back, &len) && !strcmp(back, all[1 - rank]), "lookup");
    CHECK(len == strlen(back) + 1, "len %zu", len);
    len = 4;
    CHECK(!fi_av_lookup(e.av, twice[0], back, &len) && len == strlen(all[1 - rank]) + 1, "short");
    for (int i = 0; i < 4; i++) {
        if (rank == 0) {
            POST(&e, fi_tinject(e.ep, &i, 4, twice[i & 1], i));
        } else {
            struct fi_cq_tagged_entry c;
            POST(&e, fi_trecv(e.ep, &value, 8, NULL, twice[i >> 1], i, 0, &value));
            CHECK(end_wait(&e, &c) == twice[0], "the first number is its name");
        }
    }
    job_barrier();
    /* Removed, it is nobody, and who sends is a stranger; inserted again it is as before. */
    CHECK(!fi_av_remove(e.av, twice, 2, 0), "remove");
    CHECK(fi_tinject(e.ep, &value, 8, twice[0], 0) == -FI_EINVAL, "removed");
    CHECK(fi_tinject(e.ep, &value, 8, twice[1], 0) == -FI_EINVAL, "removed");
    len = sizeof(back);
    CHECK(fi_av_lookup(e.av, twice[0], back, &len) == -FI_EINVAL, "removed");
    job_barrier();
    CHECK(fi_av_insert(e.av, all[1 - rank], 1, &a, 0, NULL) == 1, "insert");
    if (rank == 0) {
        POST(&e, fi_tinject(e.ep, &value, 8, a, 9));
    } else {
        struct fi_cq_tagged_entry c;
        POST(&e, fi_trecv(e.ep, &value, 8, NULL, a, 9, 0, &value));
        CHECK(end_wait(&e, &c) == a, "its new number");
    }
    end_finish(&e);
}

NODE_TEST(end, table, 2)
{
    vector(rank, FI_AV_TABLE);
}

NODE_TEST(end, map, 2)
{
    vector(rank, FI_AV_MAP);
}

/* One that has already sent is inserted late: what it sent is found under its number. */
NODE_TEST(end, late_insertion, 2)
{
    struct end e;
    char mine[JOB_TEXT];
    static char all[JOB_MAX][JOB_TEXT];
    fi_addr_t a;
    uint64_t value = 7;
    struct fi_cq_tagged_entry c;

    end_open(&e, NULL);
    end_name(&e, mine);
    job_exchange(mine, all);
    if (rank == 0) {
        CHECK(fi_av_insert(e.av, all[1], 1, &a, 0, NULL) == 1, "insert");
        for (int i = 0; i < 3; i++)
            POST(&e, fi_tinject(e.ep, &value, 8, a, i));
        job_barrier();
    } else {
        job_barrier();
        POST(&e, fi_trecv(e.ep, &value, 8, NULL, FI_ADDR_UNSPEC, 0, 0, &value));
        CHECK(end_wait(&e, &c) == FI_ADDR_NOTAVAIL, "a stranger");
        CHECK(fi_av_insert(e.av, all[0], 1, &a, 0, NULL) == 1, "insert");
        POST(&e, fi_trecv(e.ep, &value, 8, NULL, a, 2, 0, &value));
        CHECK(end_wait(&e, &c) == a && value == 7, "by its number");
        POST(&e, fi_trecv(e.ep, &value, 8, NULL, FI_ADDR_UNSPEC, 1, 0, &value));
        CHECK(end_wait(&e, &c) == a, "its number is told");
    }
    end_finish(&e);
}

/* ---- Objects ---- */

NODE_TEST(end, closing, 1)
{
    struct end e;
    struct fid_ep *ep;

    (void)rank;
    end_start(&e, NULL);
    CHECK(fi_close(&e.cq->fid) == -FI_EBUSY && fi_close(&e.av->fid) == -FI_EBUSY, "in use");
    CHECK(fi_close(&e.domain->fid) == -FI_EBUSY && fi_close(&e.fabric->fid) == -FI_EBUSY, "use");
    CHECK(!fi_endpoint(e.domain, e.info, &ep, NULL), "ep");
    CHECK(fi_enable(ep) == -FI_ENOAV, "no vector");
    CHECK(!fi_ep_bind(ep, &e.av->fid, 0) && fi_enable(ep) == -FI_ENOCQ, "no queue");
    CHECK(fi_ep_bind(ep, &e.cq->fid, 0) == -FI_EBADFLAGS, "for nothing");
    CHECK(!fi_close(&ep->fid), "close");
    end_finish(&e);
}

static int descriptors(void)
{
    int n = 0;

    for (int fd = 0; fd < 1024; fd++)
        n += lseek(fd, 0, SEEK_CUR) >= 0 || errno != EBADF;
    return n;
}

/* Opened and closed again and again, nothing is left open. */
NODE_TEST(end, again_and_again, 2)
{
    struct end e;
    uint64_t value;

    end_start(&e, NULL);
    end_finish(&e);
    int before = descriptors();
    for (int i = 0; i < 50; i++) {
        end_start(&e, &(struct end_want){.wait_obj = FI_WAIT_FD});
        POST(&e, fi_tinject(e.ep, &value, 8, e.addr[1 - rank], 1));
        POST(&e, fi_trecv(e.ep, &value, 8, NULL, e.addr[1 - rank], 1, 0, &value));
        end_wait_for(&e, &value);
        end_finish(&e);
    }
    CHECK(descriptors() == before, "%d descriptors were left", descriptors() - before);
}

/* Two endpoints of one process, in domains of their own. */
NODE_TEST(end, two_in_one_process, 1)
{
    struct end a, b;
    char name[JOB_TEXT];
    fi_addr_t to;
    static unsigned char out[100000], in[100000];

    (void)rank;
    end_open(&a, NULL);
    end_open(&b, NULL);
    end_name(&b, name);
    CHECK(fi_av_insert(a.av, name, 1, &to, 0, NULL) == 1, "insert");
    fill(out, sizeof(out), 1);
    POST(&b, fi_trecv(b.ep, in, sizeof(in), NULL, FI_ADDR_UNSPEC, 1, 0, in));
    POST(&a, fi_tsend(a.ep, out, sizeof(out), NULL, to, 1, out));
    end_wait_for(&b, in);
    end_wait_for(&a, out);
    CHECK(filled(in, sizeof(in), 1), "bytes");
    end_close(&a);
    end_close(&b);
}

/* ---- Limits ---- */

/* The list of those who may write to a process is full: a clear error, and nothing else breaks. */
NODE_TEST(end, too_many_writers, 3)
{
    struct end e;
    uint64_t value = 1;

    end_start(&e, NULL);
    struct node_ep *ep = container_of(e.ep, struct node_ep, fid);
    if (rank == 1)
        POST(&e, fi_tinject(e.ep, &value, 8, e.addr[0], 1)); /* one of the first */
    job_barrier();
    if (rank == 0)
        atomic_store(&ep->segment->sources_taken, NODE_SOURCES);
    job_barrier();
    if (rank == 2)
        for (int i = 0; i < 3; i++)
            CHECK(fi_tinject(e.ep, &value, 8, e.addr[0], 1) == -FI_ENOSPC, "no place");
    if (rank == 1)
        POST(&e, fi_tinject(e.ep, &value, 8, e.addr[0], 1));
    for (int i = 0; rank == 0 && i < 2; i++) {
        POST(&e, fi_trecv(e.ep, &value, 8, NULL, e.addr[1], 1, 0, &value));
        end_wait_for(&e, &value);
    }
    end_finish(&e);
}

/* Memory that has run out is an error of the call that needs it, never a signal. */
NODE_TEST(end, no_memory_for_a_segment, 1)
{
    struct fi_info *info;
    struct fid_fabric *fabric;
    struct fid_domain *domain;
    struct fid_ep *ep;

    (void)rank;
    CHECK(!node_provider.getinfo(FI_VERSION(1, 17), NULL, NULL, 0, NULL, &info), "fi_getinfo");
    CHECK(!node_provider.fabric(info->fabric_attr, &fabric, NULL), "fi_fabric");
    CHECK(!fi_domain(fabric, info, &domain, NULL), "fi_domain");
    job_forbid(SYS_fallocate, ENOSPC);
    int ret = fi_endpoint(domain, info, &ep, NULL);
    CHECK(ret == -FI_ENOSPC, "fi_endpoint: %d", ret);
    CHECK(!fi_close(&domain->fid) && !fi_close(&fabric->fid), "close");
    node_info_free(info);
}

/* The first chunks are there when the rest is refused: messages go on; short of any, some do not.
 */
static void no_memory_for_chunks(int rank, bool some)
{
    enum { LEN = 10000, COUNT = 200 };
    struct end e;
    unsigned char *buf = malloc(COUNT * LEN);

    end_start(&e, NULL);
    for (int i = 0; rank == 0 && i < COUNT; i++) {
        fill(buf, LEN, i);
        if (i == (some ? 1 : 0))
            job_forbid(SYS_fallocate, ENOSPC);
        if (some) {
            POST(&e, fi_tinject(e.ep, buf, LEN, e.addr[1], i));
        } else {
            ssize_t ret = fi_tinject(e.ep, buf, LEN, e.addr[1], i);
            CHECK(ret == -FI_ENOSPC, "%zd", ret);
        }
        POST(&e, fi_tinject(e.ep, buf, 8, e.addr[1], i));
    }
    for (int i = 0; rank == 1 && i < COUNT; i++) {
        for (int k = some ? 0 : 1; k < 2; k++) {
            size_t len = k ? 8 : LEN;
            POST(&e, fi_trecv(e.ep, buf, LEN, NULL, e.addr[0], i, 0, buf));
            end_wait_for(&e, buf);
            CHECK(filled(buf, len, i), "message %d of %zu bytes", i, len);
        }
    }
    end_finish(&e);
    free(buf);
}

NODE_TEST(end, no_memory_for_more_chunks, 2)
{
    no_memory_for_chunks(rank, true);
}

NODE_TEST(end, no_memory_for_any_chunk, 2)
{
    no_memory_for_chunks(rank, false);
}

/* Long messages that nobody asks for leave chunks to those behind them, however few there are. */
NODE_TEST(end, long_messages_and_few_chunks, 2)
{
    static const size_t lens[] = {10000, 262144, 17000, 60000, 262144, 17000, 5000, 120000, 8000};
    enum { COUNT = sizeof(lens) / sizeof(*lens), MOST = 262144 };
    struct end e;
    struct node_ep *ep;
    unsigned char *buf = malloc(COUNT * (size_t)MOST);
    struct fi_cq_tagged_entry c;

    end_start(&e, NULL);
    for (int i = 0; rank == 0 && i < COUNT; i++) {
        fill(buf + i * (size_t)MOST, lens[i], i);
        POST(&e, fi_tsend(e.ep, buf + i * (size_t)MOST, lens[i], NULL, e.addr[1], i, buf + i));
        if (i == 0)
            job_forbid(SYS_fallocate, ENOSPC);
    }
    ep = container_of(e.ep, struct node_ep, fid);
    if (rank == 0)
        CHECK(ep->chunks_backed == 8 && ep->train_chunks == 4, "%u, %u", ep->chunks_backed,
              ep->train_chunks);
    job_words[rank] = 1;
    while (!job_words[0]) /* nothing is asked for before; but small ones are looked at */
        end_progress(&e);
    for (int i = 0; rank == 0 && i < COUNT; i++)
        end_wait(&e, &c);
    for (int i = COUNT - 1; rank == 1 && i >= 0; i--) {
        POST(&e, fi_trecv(e.ep, buf, MOST, NULL, e.addr[0], i, 0, buf));
        end_wait_for(&e, buf);
        CHECK(filled(buf, lens[i], i), "message %d of %zu bytes", i, lens[i]);
    }
    end_finish(&e);
    free(buf);
}

/* What the heap holds; the sanitizers' own does not tell. */
static size_t heap(void)
{
#ifdef __SANITIZE_ADDRESS__
    return 0;
#else
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
#endif
}

/*
 * Memory of a process: its segment and what it needs for each it has spoken to, after messages of
 * all the kinds that need memory of the segment.
 */
NODE_TEST(end, memory, 16)
{
    static unsigned char out[60000], in[60000];
    static const size_t lens[] = {4, 10000, 60000};
    size_t before = heap();
    struct end e;
    struct stat s;

    (void)rank;
    end_start(&e, NULL);
    for (int k = 0; k < 3; k++) {
        struct fi_cq_tagged_entry c;
        for (int i = 0; i < job_size; i++) {
            POST(&e, fi_trecv(e.ep, in, sizeof(in), NULL, e.addr[i], k, 0, in));
            POST(&e, fi_tsend(e.ep, out, lens[k], NULL, e.addr[i], k, out));
        }
        for (int i = 0; i < 2 * job_size; i++)
            end_wait(&e, &c);
    }
    CHECK(!fstat(container_of(e.ep, struct node_ep, fid)->segment_fd, &s), "fstat");
    size_t all = heap() - before + (size_t)s.st_blocks * 512;
    CHECK(all <= (4 << 20) + (size_t)job_size * 4096, "%zu bytes: heap %zu, segment %zu", all,
          heap() - before, (size_t)s.st_blocks * 512);
    end_finish(&e);
}

/* Looking costs the same however many processes there are that say nothing. */
static uint64_t poll_cost(struct end *e)
{
    uint64_t best = UINT64_MAX;

    for (int k = 0; k < 20; k++) {
        struct fi_cq_tagged_entry c;
        uint64_t before = now_ns();
        for (int i = 0; i < 2000; i++)
            fi_cq_read(e->cq, &c, 1);
        uint64_t took = now_ns() - before;
        if (took < best)
            best = took;
    }
    return best;
}

NODE_TEST(end, cost_of_silent_peers, 64)
{
    struct end e;
    uint64_t value, alone = 0;

    end_start(&e, NULL);
    job_barrier(); /* the others are at rest while it looks, here and below */
    if (rank == 0)
        alone = poll_cost(&e);
    job_barrier();
    if (rank)
        POST(&e, fi_tinject(e.ep, &value, 8, e.addr[0], 1));
    for (int i = 1; rank == 0 && i < job_size; i++) {
        POST(&e, fi_trecv(e.ep, &value, 8, NULL, e.addr[i], 1, 0, &value));
        end_wait_for(&e, &value);
    }
    job_barrier();
    if (rank == 0) {
        uint64_t most = alone * 2 + 20000, many = UINT64_MAX;
        for (uint64_t end = now_ns() + 2000000000; many >= most && now_ns() < end;)
            many = poll_cost(&e); /* again where something else had the processor */
        CHECK(many < most, "%lu ns for 2000 looks, %lu with 63 peers", alone, many);
    }
    job_barrier();
    end_finish(&e);
}
