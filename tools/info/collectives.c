/* SPDX-License-Identifier: BSD-3-Clause */
/* The algorithms of the collectives, and the formulas by which one is chosen. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/coll/coll_cost.h"
#include "tools/info/info.h"

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
    {"DIRECT", "memory is shared, and ranks can copy from each other's"},
    {"HOSTS", "several hosts, one of them with several ranks"},
};

static const char words[] =
    "An operation uses the first of those that take the least time, in microseconds, or the one "
    "that\n"
    "ORIEL_COLL_OPERATION names. In the formulas are\n"
    "  p, lg, lg4        ranks; log2 p and log4 p, rounded up\n"
    "  level, level4     ranks at work in a step of lg, or lg4, on average\n"
    "  n, part           bytes of the whole operation; n / p\n"
    "  odd               1 unless p is a power of two\n"
    "  message(b)        a message of b bytes while another goes the other way\n"
    "  bytes(b)          what of that the bytes cost\n"
    "  passed(b, k)      such a message while only k ranks send; hop(b, k): along a chain\n"
    "  active(k)         of bytes and folds of all ranks at once: what only k of them take\n"
    "  more(b)           another message at the same time\n"
    "  crowd             how much dearer bytes are where many ranks share a processor\n"
    "  pieces(b)         of how many segments b bytes are; piece(b): bytes of one\n"
    "  area(b, room)     steps through shared memory for b bytes, room bytes a step\n"
    "  SET               bytes that a step can have there\n"
    "  fetch(b)          b bytes copied from another rank's memory\n"
    "  most              the most ranks on one host\n"
    "  inside(o, b)      the least for operation o of b bytes on each host; among(o, b): between "
    "hosts\n"
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

void info_collectives(void)
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

bool info_algorithm(size_t i, struct info_algorithm *a)
{
    if (i >= sizeof algorithms / sizeof *algorithms)
        return false;
    const char *needs = condition(algorithms[i].needs);
    *a = (struct info_algorithm){algorithms[i].operation, algorithms[i].name, needs ? needs : "",
                                 algorithms[i].formula};
    return true;
}
