/* SPDX-License-Identifier: BSD-3-Clause */
/* For people. */
#include <config.h>
#include <stdio.h>

#include "provider/base/param.h"
#include "tools/info/info.h"

static const char *or_none(const char *text)
{
    return *text ? text : "not found";
}

static void show_params(void)
{
    for (unsigned i = 0; i < param_count; i++) {
        struct param_row row;
        const char *value = info_value(i);
        param_row(i, &row);
        printf("%s (%s) = %s%s\n    %s\n", row.name, info_type(i), *value ? value : "\"\"",
               row.taken ? " [set in the environment]" : "", row.help);
    }
}

static void show_providers(const char *hosts, const struct info_providers *all)
{
    if (!all->count)
        return;
    printf("Providers for a job on %s:\n", hosts);
    for (size_t i = 0; i < all->count; i++) {
        const struct info_provider *p = &all->list[i];
        printf("%s %-16s %-10s %s%s\n", p->why ? " " : "*", p->provider,
               p->domain ? p->domain : "-", p->why ? "not chosen: " : "chosen",
               p->why ? p->why : "");
        if (!p->why && p->windows)
            printf("    windows: %s\n", p->windows);
    }
}

void info_text(const struct findings *info)
{
    if (info->show & SHOW_VERSION)
        printf("Oriel %s, MPI 5.0 (standard ABI), libfabric %s, PMIx %s\n", PACKAGE_VERSION,
               or_none(info->libfabric), or_none(info->pmix));
    if (info->show & SHOW_PARAMS)
        show_params();
    if (info->show & SHOW_PROVIDERS) {
        show_providers("one host", &info->one_host);
        show_providers("several hosts", &info->several_hosts);
    }
    if (info->show & SHOW_COLLECTIVES)
        info_collectives();
}
