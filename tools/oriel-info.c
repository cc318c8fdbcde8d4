/* SPDX-License-Identifier: BSD-3-Clause */
/* oriel-info: what this library is, its parameters, and which network it would use and why. */
#include <config.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider/base/param.h"
#include "provider/boot/boot.h"
#include "provider/fabric/fabric.h"

enum { SHOW_VERSION = 1, SHOW_PARAMS = 2, SHOW_PROVIDERS = 4 };

static const char usage[] =
    "Usage: oriel-info [OPTION]...\n"
    "Print what Oriel is, its parameters, and the networks it finds.\n"
    "\n"
    "      --params     the parameters: name, type, value, what it does\n"
    "      --providers  libfabric's providers: which is chosen, why the others are not\n"
    "      --version    the version and nothing else\n"
    "      --help       this text\n"
    "\n"
    "Without an option all of it is printed.\n";

static void show_version(void)
{
    printf("Oriel %s, MPI 5.0 (standard ABI)\n", PACKAGE_VERSION);
}

static void show_params(void)
{
    static const char *const types[] = {"string", "int", "bool", "size"};

    for (unsigned i = 0; i < param_count; i++) {
        struct param_row row;
        param_row(i, &row);
        printf("%s (%s) = %s%s\n    %s\n", row.name, types[row.type],
               row.value     ? row.value
               : *row.preset ? row.preset
                             : "\"\"",
               row.value ? " [set]" : "", row.help);
    }
}

static void show_candidate(const struct fabric_candidate *c, void *arg)
{
    const char *domain = c->domain ? c->domain : "-";

    *(bool *)arg |= c->chosen;
    if (c->chosen)
        printf("* %-16s %-10s chosen\n", c->provider, domain);
    else
        printf("  %-16s %-10s not chosen: %s\n", c->provider, domain, c->why);
}

static int show_providers(void)
{
    bool chosen = false;
    int rc = boot_open();

    if (!rc) {
        printf("Providers for a job on %s:\n",
               boot_info()->one_host ? "one host" : "several hosts");
        rc = fabric_candidates(show_candidate, &chosen);
        boot_close();
    }
    if (rc)
        fprintf(stderr, "oriel-info: the providers cannot be listed: %s\n", strerror(-rc));
    else if (!chosen)
        fprintf(stderr, "oriel-info: none of them can be used%s\n",
                getenv("FI_PROVIDER") ? "; FI_PROVIDER is set" : "");
    return rc || !chosen;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"params", no_argument, NULL, 'p'},
                                            {"providers", no_argument, NULL, 'f'},
                                            {"version", no_argument, NULL, 'V'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    unsigned show = 0;
    int option, rc = 0;

    while ((option = getopt_long(argc, argv, "hV", options, NULL)) != -1)
        switch (option) {
        case 'p':
            show |= SHOW_PARAMS;
            break;
        case 'f':
            show |= SHOW_PROVIDERS;
            break;
        case 'V':
            show |= SHOW_VERSION;
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            fputs("Try 'oriel-info --help'.\n", stderr);
            return 2;
        }
    if (optind < argc) {
        fprintf(stderr, "oriel-info: what is '%s'? Try 'oriel-info --help'.\n", argv[optind]);
        return 2;
    }
    if (!show)
        show = SHOW_VERSION | SHOW_PARAMS | SHOW_PROVIDERS;
    param_open();
    if (show & SHOW_VERSION)
        show_version();
    if (show & SHOW_PARAMS)
        show_params();
    if (show & SHOW_PROVIDERS)
        rc = show_providers();
    return rc || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
