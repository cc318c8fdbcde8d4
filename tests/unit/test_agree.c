/* SPDX-License-Identifier: BSD-3-Clause */
/* provider/fabric/fabric_agree: three hosts, which this process is one after the other. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "provider/boot/boot.h"
#include "provider/fabric/fabric_impl.h"
#include "provider/node/node_provider.h"

enum { HOSTS = 3 };

static struct {
    size_t len;
    char bytes[1024];
} told[HOSTS];
static struct boot_info info = {.size = HOSTS, .local_size = 1, .machine_size = 1};

/* ---- what the fabric asks of provider/boot ---- */

const struct boot_info *boot_info(void)
{
    return &info;
}

bool boot_same_host(uint32_t rank)
{
    return rank == info.rank;
}

const uint32_t *boot_local_ranks(void)
{
    return &info.rank;
}

int boot_leaders(const uint32_t **ranks, size_t *count)
{
    static const uint32_t leaders[] = {0, 1, 2};

    *ranks = leaders;
    *count = HOSTS;
    return 0;
}

int boot_put(const char *key, const void *blob, size_t len)
{
    (void)key;
    told[info.rank].len = len;
    memcpy(told[info.rank].bytes, blob, len);
    return 0;
}

int boot_get(uint32_t rank, const char *key, void *blob, size_t *len)
{
    (void)key;
    *len = told[rank].len;
    memcpy(blob, told[rank].bytes, *len);
    return 0;
}

int boot_exchange_wait(void)
{
    return 0;
}

int boot_exchange_again(void)
{
    return 0;
}

void boot_speak_late(void)
{
}

void boot_before_abort(void (*call)(void))
{
    (void)call;
}

void boot_abort(int status, const char *message)
{
    (void)message;
    exit(status);
}

int boot_secret_put(void)
{
    return 0;
}

int boot_secret(uint8_t secret[BOOT_SECRET])
{
    (void)secret;
    return 0;
}

bool boot_secret_equal(const uint8_t a[BOOT_SECRET], const uint8_t b[BOOT_SECRET])
{
    return a == b;
}

/* ---- the hosts ---- */

static struct fabric_choice choices[HOSTS];

/* What a host opens: on that address, or on a device that has none. */
static void opens(uint32_t host, const char *address)
{
    struct fi_info *i = node_info_dup(NULL);

    i->fabric_attr->prov_name = strdup("verbs;ofi_rxm");
    i->domain_attr->name = strdup("mlx5_0");
    i->addr_format = FI_SOCKADDR_IB;
    if (address) {
        struct sockaddr_in *s = calloc(1, sizeof(*s));
        s->sin_family = AF_INET;
        inet_pton(AF_INET, address, &s->sin_addr);
        i->addr_format = FI_SOCKADDR_IN;
        i->src_addr = s;
        i->src_addrlen = sizeof(*s);
    }
    choices[host] = (struct fabric_choice){.info = i};
}

static void become(uint32_t host)
{
    static const char *const names[HOSTS] = {"n1", "n2", "n3"};

    info.rank = host;
    info.host = names[host];
}

static int agree(uint32_t host, struct fabric_verdict *verdict)
{
    struct fabric_choices c = {.best = &choices[host], .count = 1};

    become(host);
    return fabric_agree(&c, choices[host].info, verdict);
}

static void tell_all(void)
{
    for (uint32_t host = 0; host < HOSTS; host++) {
        struct fabric_choices c = {.best = &choices[host], .count = 1};
        become(host);
        cr_assert_eq(fabric_agree_tell(&c, choices[host].info, ""), 0);
    }
}

/* InfiniBand needs no addresses of IP: where a host has none they are nothing to agree on. */
static void all_stay(void)
{
    tell_all();
    for (uint32_t host = 0; host < HOSTS; host++) {
        struct fabric_verdict verdict;
        cr_expect_eq(agree(host, &verdict), 0, "n%u: %s", host + 1, verdict.why);
        cr_expect_eq(verdict.right, choices[host].info);
        cr_expect(!verdict.moves);
    }
}

Test(agree, needs_no_addresses)
{
    opens(0, NULL), opens(1, NULL), opens(2, NULL);
    all_stay();
}

Test(agree, needs_no_addresses_on_some)
{
    opens(0, "127.0.0.1"), opens(1, NULL), opens(2, NULL);
    all_stay();
    opens(0, NULL), opens(1, NULL), opens(2, "127.0.0.1");
    all_stay();
}

/* Two hosts that have the same address are not joined by it. */
Test(agree, tells_two_of_one_address)
{
    struct fabric_verdict verdict;

    opens(0, "127.0.0.1"), opens(1, "127.0.0.1"), opens(2, "127.0.0.1");
    tell_all();
    for (uint32_t host = 0; host < HOSTS; host++) {
        cr_expect_eq(agree(host, &verdict), -ENOTCONN);
        cr_expect(strstr(verdict.why, "n1 and n2 have no network in common"), "%s", verdict.why);
    }
}
