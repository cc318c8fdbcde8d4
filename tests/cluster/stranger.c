/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stranger SECONDS ADDRESS:PORT...: speaks libfabric's protocol to a job that it is no part of. To
 * each place go, for so long, tagged messages with all match bits that the job is likely to wait
 * for (core/p2p/p2p.h), in the name of its first ranks, and notes of credit. The bits that no
 * message of the job has change all the time, so that a known part is right by chance. Prints how
 * many the provider took.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_tagged.h>

enum { CHANNELS = 8, CONTEXTS = 12, TAGS = 5, RANKS = 4, BYTES = 48 };

static struct fid_ep *ep;
static struct fid_av *av;
static struct fid_cq *cq;
static unsigned long sent;

static void must(long rc, const char *what)
{
    if (!rc)
        return;
    fprintf(stderr, "stranger: %s: %s\n", what, fi_strerror((int)(rc < 0 ? -rc : rc)));
    exit(1);
}

static void open_endpoint(void)
{
    struct fi_cq_attr cq_attr = {.format = FI_CQ_FORMAT_TAGGED};
    struct fi_av_attr av_attr = {.type = FI_AV_TABLE};
    struct fi_info *hints = fi_allocinfo(), *info;
    struct fid_fabric *fabric;
    struct fid_domain *domain;

    hints->fabric_attr->prov_name = strdup("tcp;ofi_rxm");
    hints->addr_format = FI_SOCKADDR_IN;
    hints->caps = FI_TAGGED | FI_MSG;
    hints->ep_attr->type = FI_EP_RDM;
    hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_VIRT_ADDR | FI_MR_ALLOCATED | FI_MR_PROV_KEY;
    must(fi_getinfo(FI_VERSION(1, 17), NULL, NULL, 0, hints, &info), "fi_getinfo");
    must(fi_fabric(info->fabric_attr, &fabric, NULL), "fi_fabric");
    must(fi_domain(fabric, info, &domain, NULL), "fi_domain");
    must(fi_av_open(domain, &av_attr, &av, NULL), "fi_av_open");
    must(fi_cq_open(domain, &cq_attr, &cq, NULL), "fi_cq_open");
    must(fi_endpoint(domain, info, &ep, NULL), "fi_endpoint");
    must(fi_ep_bind(ep, &av->fid, 0), "fi_ep_bind");
    must(fi_ep_bind(ep, &cq->fid, FI_TRANSMIT | FI_RECV), "fi_ep_bind");
    must(fi_enable(ep), "fi_enable");
}

static fi_addr_t place(const char *text)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    char address[64];
    unsigned port;
    fi_addr_t found;

    if (sscanf(text, "%63[0-9.]:%u", address, &port) != 2 ||
        inet_pton(AF_INET, address, &to.sin_addr) != 1) {
        fprintf(stderr, "stranger: %s is not ADDRESS:PORT\n", text);
        exit(2);
    }
    to.sin_port = htons((uint16_t)port);
    if (fi_av_insert(av, &to, 1, &found, 0, NULL) != 1)
        must(-FI_EINVAL, "fi_av_insert");
    return found;
}

static void progress(void)
{
    struct fi_cq_tagged_entry entry;
    struct fi_cq_err_entry error = {0};

    if (fi_cq_read(cq, &entry, 1) == -FI_EAVAIL)
        fi_cq_readerr(cq, &error, 0);
}

/* One place does not answer, or does not want: the others are to have theirs. */
static void send_to(fi_addr_t to)
{
    uint64_t words[BYTES / sizeof(uint64_t)];
    unsigned long n = sent;
    static unsigned turn;
    uint64_t empty = (uint64_t)(turn & 0xf) << 52 | (uint64_t)(turn >> 4 & 0xf) << 60;

    turn++;
    memset(words, 0xa5, sizeof(words));
    for (int channel = 0; channel < CHANNELS; channel++)
        for (int context = 0; context < CONTEXTS; context++)
            for (int tag = 0; tag < TAGS; tag++) {
                uint64_t bits =
                    empty | (uint64_t)channel << 56 | (uint64_t)context << 32 | (uint32_t)tag;
                sent += !fi_tinjectdata(ep, words, (size_t)(tag % 2 ? 8 : BYTES),
                                        (uint64_t)(n + tag) % RANKS, to, bits);
                progress();
            }
    for (uint64_t rank = 0; rank < RANKS; rank++) {
        words[0] = rank;
        sent += !fi_inject(ep, words, 16, to);
    }
}

int main(int argc, char **argv)
{
    fi_addr_t to[64];
    time_t end;
    int places = argc - 2;

    if (places < 1 || places > 64)
        return 2;
    open_endpoint();
    for (int i = 0; i < places; i++)
        to[i] = place(argv[2 + i]);
    end = time(NULL) + atoi(argv[1]);
    while (time(NULL) < end)
        for (int i = 0; i < places; i++)
            send_to(to[i]);
    printf("%lu messages\n", sent);
    return 0;
}
