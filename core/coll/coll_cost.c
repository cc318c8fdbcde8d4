/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/coll/coll_cost.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "provider/base/log.h"
#include "provider/base/param.h"

const char *const coll_endpoint_names[COLL_ENDPOINTS] = {"node", "stack", "device"};

/*
 * Shared memory: `oriel-bench --tune` on two processors of an AMD EPYC; the loopback's stack: on
 * two of a Xeon of 2024 (docs/performance.md). Devices: what adapters of 100 Gbit/s are said to
 * need.
 */
static const struct coll_costs defaults[COLL_ENDPOINTS] = {
    [COLL_NODE] = {.message = 0.43,
                   .byte = 0.57e-4,
                   .long_message = 10,
                   .long_byte = 0.8e-4,
                   .post = 0.04,
                   .fold = 0.6e-4,
                   .copy = 0.7e-4,
                   .step = 0.36,
                   .look = 0.01,
                   .move = 0.2e-4,
                   .fetch = 2,
                   .fetch_byte = 1.1e-4,
                   .turn = 0.85,
                   .eager = 262144,
                   .segment = 65536},
    [COLL_STACK] = {.message = 10,
                    .byte = 3e-4,
                    .long_message = 30,
                    .long_byte = 3e-4,
                    .post = 4,
                    .fold = 0.35e-4,
                    .copy = 0.5e-4,
                    .turn = 4,
                    .eager = 131072,
                    .segment = 65536},
    [COLL_DEVICE] = {.message = 1.8,
                     .byte = 1.2e-4,
                     .long_message = 5,
                     .long_byte = 0.9e-4,
                     .post = 0.4,
                     .fold = 0.35e-4,
                     .copy = 0.5e-4,
                     .turn = 1.1,
                     .eager = 8192,
                     .segment = 65536},
};

struct coll_costs coll_costs[COLL_ENDPOINTS];

static const size_t places[] = {
    offsetof(struct coll_costs, message),      offsetof(struct coll_costs, byte),
    offsetof(struct coll_costs, long_message), offsetof(struct coll_costs, long_byte),
    offsetof(struct coll_costs, post),         offsetof(struct coll_costs, fold),
    offsetof(struct coll_costs, copy),         offsetof(struct coll_costs, step),
    offsetof(struct coll_costs, look),         offsetof(struct coll_costs, move),
    offsetof(struct coll_costs, fetch),        offsetof(struct coll_costs, fetch_byte),
    offsetof(struct coll_costs, turn),         offsetof(struct coll_costs, eager),
    offsetof(struct coll_costs, segment),
};

const struct coll_cost_row coll_cost_rows[] = {
    {"message", "a message of up to eager bytes, while another goes the other way"},
    {"byte", "each of its bytes"},
    {"long_message", "a longer message"},
    {"long_byte", "each of its bytes"},
    {"post", "each message more that goes at the same time"},
    {"fold", "a byte reduced"},
    {"copy", "a byte copied on the own rank"},
    {"step", "a step through memory that the ranks share"},
    {"look", "a look at another rank's line there"},
    {"move", "a byte moved in or out"},
    {"fetch", "a copy from another rank's memory"},
    {"fetch_byte", "each of its bytes"},
    {"turn", "until the next rank runs, where ranks outnumber processors"},
    {"eager", "bytes of the longest message that is not a long one"},
    {"segment", "bytes of the pieces in which long data is passed on"},
};
const unsigned coll_cost_count = sizeof places / sizeof *places;

static double *field(enum coll_endpoint e, unsigned row)
{
    return (double *)((char *)&coll_costs[e] + places[row]);
}

double coll_cost(enum coll_endpoint e, unsigned row)
{
    return *field(e, row);
}

/* "name=number" at `text`; the text behind it, or NULL where it is not understood. */
static const char *set_one(enum coll_endpoint e, const char *text)
{
    for (unsigned i = 0; i < coll_cost_count; i++) {
        size_t len = strlen(coll_cost_rows[i].name);
        char *end;

        if (strncmp(text, coll_cost_rows[i].name, len) || text[len] != '=')
            continue;
        double value = strtod(text + len + 1, &end);
        if (end == text + len + 1 || !(value >= 0) || value > 1e12)
            return NULL;
        *field(e, i) = value;
        return end;
    }
    return NULL;
}

static void set_all(enum coll_endpoint e, const char *variable, const char *text)
{
    for (const char *at = text; at && *at;) {
        const char *end = set_one(e, at);

        if (!end || (*end && *end != ',')) {
            log_line(LOG_WARN,
                     "%s: '%s' is not understood; it is NAME=NUMBER,..., and the names "
                     "are those that oriel-info --collectives shows",
                     variable, at);
            return;
        }
        at = *end ? end + 1 : end;
    }
}

void coll_cost_open(void)
{
    memcpy(coll_costs, defaults, sizeof coll_costs);
    set_all(COLL_NODE, "ORIEL_COLL_COST_NODE", param.coll_cost_node);
    set_all(COLL_STACK, "ORIEL_COLL_COST_STACK", param.coll_cost_stack);
    set_all(COLL_DEVICE, "ORIEL_COLL_COST_DEVICE", param.coll_cost_device);
    for (int e = 0; e < COLL_ENDPOINTS; e++)
        if (coll_costs[e].segment < 64)
            coll_costs[e].segment = 64;
}
