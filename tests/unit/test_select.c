/* SPDX-License-Identifier: BSD-3-Clause */
/* provider/fabric/fabric_select: what is taken of what a made-up libfabric has. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider/base/param.h"
#include "provider/fabric/fabric_impl.h"
#include "provider/node/node_provider.h"

#define TAGS_64 UINT64_C(0xaaaaaaaaaaaaaaaa)

static const struct offer {
    const char *provider;
    uint64_t tags;
} offers[] = {
    {"shm", TAGS_64},         {"net", TAGS_64},         {"tcp", TAGS_64},     {"sockets", TAGS_64},
    {"udp;ofi_rxd", TAGS_64}, {"tcp;ofi_rxm", TAGS_64}, {"untried", TAGS_64},
};
enum { OFFERS = sizeof(offers) / sizeof(offers[0]) };

/* One with a device of its own, where a test has it. */
static struct offer device;

/* As libfabric reads FI_PROVIDER: what the list has, or what it has not where it begins with ^. */
static bool lets_through(const char *provider)
{
    const char *list = getenv("FI_PROVIDER");
    size_t core = strcspn(provider, ";");
    bool negated = list && *list == '^', found = false;

    if (!list)
        return true;
    for (list += negated; list; list = strchr(list, ',') ? strchr(list, ',') + 1 : NULL)
        found |= strcspn(list, ",") == core && !strncmp(list, provider, core);
    return found != negated;
}

static struct fi_info *make(const struct offer *o)
{
    struct fi_info *i = node_info_dup(NULL);

    i->addr_format = FI_ADDR_STR;
    i->fabric_attr->prov_name = strdup(o->provider);
    i->domain_attr->name = strdup("device");
    i->ep_attr->mem_tag_format = o->tags;
    return i;
}

static void add(struct fi_info ***last, const struct offer *o)
{
    if (!o->provider || !lets_through(o->provider))
        return;
    **last = make(o);
    *last = &(**last)->next;
}

static int getinfo(uint32_t version, const char *node, const char *service, uint64_t flags,
                   const struct fi_info *hints, struct fi_info **info)
{
    struct fi_info **last = info;

    (void)version, (void)node, (void)service, (void)flags, (void)hints;
    *info = NULL;
    for (size_t i = 0; i < OFFERS; i++)
        add(&last, &offers[i]);
    add(&last, &device);
    return *info ? 0 : -FI_ENODATA;
}

static uint32_t version(void)
{
    return FI_VERSION(1, 17);
}

int fabric_library_open(const struct fabric_source **source)
{
    static const struct fabric_source library = {getinfo, node_info_dup, node_info_free, version,
                                                 NULL};

    *source = &library;
    return 0;
}

/* ---- ---- */

static struct fabric_choices choices;

static void choose(const char *fi_provider)
{
    if (fi_provider)
        setenv("FI_PROVIDER", fi_provider, 1);
    else
        unsetenv("FI_PROVIDER");
    cr_assert_eq(fabric_choices_open(&choices, true, true), 0);
}

static const char *best(void)
{
    return choices.count && !choices.best[0].why ? choices.best[0].info->fabric_attr->prov_name
                                                 : "none";
}

static const struct fabric_choice *choice(const char *provider)
{
    for (unsigned i = 0; i < choices.count; i++)
        if (!strcmp(choices.best[i].info->fabric_attr->prov_name, provider))
            return &choices.best[i];
    return NULL;
}

static bool may_be_used(const char *provider)
{
    return choice(provider) && !choice(provider)->why;
}

#define CHOOSES(fi_provider, provider)                                                             \
    do {                                                                                           \
        choose(fi_provider);                                                                       \
        cr_expect_str_eq(best(), provider, "FI_PROVIDER=%s: %s", #fi_provider, best());            \
        cr_expect(fabric_wants_node(), "FI_PROVIDER=%s: no shared memory", #fi_provider);          \
        fabric_choices_close(&choices);                                                            \
    } while (0)

static void prepare(void)
{
    unsetenv("ORIEL_PROVIDER");
    param_open();
}

TestSuite(choice, .init = prepare);

Test(choice, obeys_a_list)
{
    CHOOSES(NULL, "stream");
    CHOOSES("tcp", "tcp;ofi_rxm");
    CHOOSES("net", "net");
    CHOOSES("untried", "untried");
    CHOOSES("net,tcp", "tcp;ofi_rxm");
    CHOOSES("untried,stream", "stream");
    CHOOSES("mlx", "none");
}

/* To leave some out is not to ask for the rest. */
Test(choice, asks_for_nothing_by_exclusion)
{
    CHOOSES("^tcp", "stream");
    CHOOSES("^psm3", "stream");
    CHOOSES("^tcp,net,sockets,udp", "stream");
    CHOOSES("", "stream");
}

Test(choice, refuses_what_is_not_in_the_list)
{
    choose("^shm");
    cr_expect(!may_be_used("net") && !may_be_used("untried") && may_be_used("tcp;ofi_rxm"));
    fabric_choices_close(&choices);
    choose("net,tcp");
    cr_expect(may_be_used("net") && may_be_used("tcp") && !may_be_used("stream"));
    fabric_choices_close(&choices);
}

Test(choice, obeys_our_variable)
{
    param.provider = "tcp";
    choose(NULL);
    cr_expect_str_eq(best(), "tcp;ofi_rxm");
    cr_expect(!may_be_used("stream") && !fabric_wants_node());
    fabric_choices_close(&choices);
}

/* psm2 has as many bits as we need, the highest of which is bit 59; cxi has not. */
Test(choice, needs_the_bits_of_tags)
{
    char why[256];

    device = (struct offer){"psm2", TAGS_64 >> 4};
    choose(NULL);
    cr_expect_str_eq(best(), "psm2");
    fabric_choices_close(&choices);
    device = (struct offer){"psm2", TAGS_64 >> 5};
    choose(NULL);
    cr_expect_str_eq(best(), "stream");
    fabric_choices_close(&choices);
    device = (struct offer){"cxi", TAGS_64 >> 16};
    choose(NULL);
    cr_expect_str_eq(best(), "stream");
    fabric_choices_close(&choices);
    param.provider = "cxi";
    choose(NULL);
    cr_expect_str_eq(best(), "none");
    fabric_choices_explain(&choices, why, sizeof(why));
    cr_expect_str_eq(why, "ORIEL_PROVIDER=cxi: cxi on device cannot be used: its tags have too few "
                          "bits");
    fabric_choices_close(&choices);
}

/* Jobs that have the same name for it would disturb each other. */
Test(choice, names_the_job)
{
    char opx[40];

    setenv("FI_PSM3_UUID", "mine", 1);
    fabric_quirks_environment("job.1", 2, FI_VERSION(1, 17), true);
    snprintf(opx, sizeof(opx), "%s", getenv("FI_OPX_UUID"));
    cr_expect(strlen(opx) == 32 && strspn(opx, "0123456789abcdef") == 32, "%s", opx);
    cr_expect_eq(strlen(getenv("FI_PSM2_UUID")), 36);
    cr_expect_str_eq(getenv("FI_PSM3_UUID"), "mine");
    unsetenv("FI_OPX_UUID");
    unsetenv("FI_PSM3_UUID");
    fabric_quirks_environment("job.2", 2, FI_VERSION(1, 17), true);
    cr_expect_str_neq(getenv("FI_OPX_UUID"), opx);
    cr_expect_eq(strlen(getenv("FI_PSM3_UUID")), 36);
    cr_expect_str_eq(getenv("FI_PSM3_CONN_TIMEOUT"), "86400");
}
