/* SPDX-License-Identifier: BSD-3-Clause */
/* The formulas that choose algorithms of collectives. */
#include <criterion/criterion.h>
#include <fenv.h>

#include "core/coll/coll_cost.h"
#include "core/coll/coll_engine.h"

enum { MOST = 32 };

static void try_row(const struct coll_row *r, enum coll_endpoint e, int ranks, double load)
{
    static const double lengths[] = {0, 1, 4096, 65537, 1 << 24};

    for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct coll_shape s = {.p = ranks,
                               .n = lengths[i],
                               .load = load,
                               .c = &coll_costs[e],
                               .traits = ranks & (ranks - 1) ? 0 : POWER_OF_2};
        double cost = r->cost(&s);
        cr_assert(cost >= 0 && cost < 1e12, "%s: %g us for %g bytes on %d ranks", r->name, cost,
                  lengths[i], ranks);
    }
}

/* A time from one rank on, and nothing on the way that a program may have trapped. */
Test(coll_formulas, are_numbers)
{
    coll_cost_open();
    feclearexcept(FE_ALL_EXCEPT);
    for (unsigned r = 0; r < coll_row_count; r++)
        for (int e = 0; !(coll_rows[r].needs & HOSTS) && e < COLL_ENDPOINTS; e++)
            for (int ranks = 1; ranks <= MOST; ranks++)
                for (double load = 1; load <= MOST / 2; load *= 2)
                    try_row(&coll_rows[r], (enum coll_endpoint)e, ranks, load);
    cr_assert_eq(fetestexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW), 0);
}
