/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * oriel-info: what this library is, its parameters, the algorithms of its collectives, and which
 * network it would use and why.
 */
#include <config.h>
#include <ctype.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/coll/coll_cost.h"
#include "provider/base/param.h"
#include "provider/boot/boot.h"
#include "provider/fabric/fabric.h"

enum { SHOW_VERSION = 1, SHOW_PARAMS = 2, SHOW_PROVIDERS = 4, SHOW_COLLECTIVES = 8 };

static const char usage[] =
    "Usage: oriel-info [OPTION]...\n"
    "Print what Oriel is, its parameters, and the networks it finds.\n"
    "\n"
    "      --params       the parameters: name, type, value, what it does\n"
    "      --collectives  the algorithms of each collective, and by what formula one is chosen\n"
    "      --providers    libfabric's providers: which is chosen, why the others are not\n"
    "      --version      the version and nothing else\n"
    "      --help         this text\n"
    "\n"
    "Without an option version, parameters and providers are printed.\n";

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

static const struct {
    const char *operation, *name, *needs, *formula;
} algorithms[] = {
#define ALGORITHM(operation, name, round, needs, formula) {#operation, #name, #needs, #formula},
#include "core/coll/coll_table.def"
#undef ALGORITHM
};

static const struct {
    const char *needs, *text;
} conditions[] = {
    {"COMMUTATIVE", "the operator commutes"},
    {"IN_PLACE", "in place"},
    {"NOT_IN_PLACE", "not in place"},
    {"POWER_OF_2", "p is a power of two"},
    {"AREA", "memory is shared"},
    {"SLOT", "memory is shared, and n fits a slot there"},
};

static const char words[] =
    "An operation uses the first of those that take the least time, in microseconds, or the one "
    "that\n"
    "ORIEL_COLL_OPERATION names. In the formulas are\n"
    "  p, lg, lg4        ranks; log2 p and log4 p, rounded up\n"
    "  n, part           bytes of the whole operation; n / p\n"
    "  odd               1 unless p is a power of two\n"
    "  message(b)        a message of b bytes while another goes the other way\n"
    "  bytes(b)          what of that the bytes cost\n"
    "  more(b)           another message at the same time\n"
    "  pieces(b)         of how many segments b bytes are; piece(b): bytes of one\n"
    "  area(b, room)     steps through shared memory for b bytes, room bytes a step\n"
    "  SET               bytes that a step can have there\n"
    "  fold, copy, move  a byte reduced, copied, moved into shared memory or out of it\n"
    "and they are made of these costs (ORIEL_COLL_COST_NODE and so on set others):\n";

static const char *condition(const char *needs)
{
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++)
        if (!strcmp(conditions[i].needs, needs))
            return conditions[i].text;
    return NULL;
}

static void show_costs(void)
{
    printf("  %-14s", "");
    for (int e = 0; e < COLL_ENDPOINTS; e++)
        printf(" %10s", coll_endpoint_names[e]);
    for (unsigned i = 0; i < coll_cost_count; i++) {
        printf("\n  %-14s", coll_cost_rows[i].name);
        for (int e = 0; e < COLL_ENDPOINTS; e++)
            printf(" %10.6g", coll_cost((enum coll_endpoint)e, i));
        printf("  %s", coll_cost_rows[i].help);
    }
    printf("\n");
}

static void show_collectives(void)
{
    const char *last = "";

    coll_cost_open();
    printf("%s", words);
    show_costs();
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        const char *operation = algorithms[i].operation, *needs = condition(algorithms[i].needs);

        if (strcmp(operation, last)) {
            printf("MPI_%c", *operation);
            for (const char *c = operation + 1; *c; c++)
                putchar(tolower((unsigned char)*c));
            printf("\n");
        }
        last = operation;
        printf("  %-18s %s%s%s\n", algorithms[i].name, algorithms[i].formula,
               needs ? "; where " : "", needs ? needs : "");
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
    static const struct option options[] = {
        {"params", no_argument, NULL, 'p'},      {"providers", no_argument, NULL, 'f'},
        {"collectives", no_argument, NULL, 'c'}, {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},        {0}};
    unsigned show = 0;
    int option, rc = 0;

    while ((option = getopt_long(argc, argv, "hV", options, NULL)) != -1)
        switch (option) {
        case 'p':
            show |= SHOW_PARAMS;
            break;
        case 'c':
            show |= SHOW_COLLECTIVES;
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
    if (show & SHOW_COLLECTIVES)
        show_collectives();
    if (show & SHOW_PROVIDERS)
        rc = show_providers();
    return rc || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
