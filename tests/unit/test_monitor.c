/* SPDX-License-Identifier: BSD-3-Clause */
/* provider/fabric/monitor: a monitor is named only where it was tried, and the user's own is kept.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "provider/base/param.h"
#include "provider/fabric/fabric_impl.h"
#include "provider/fabric/monitor.h"

static const uint32_t OLD = FI_VERSION(1, 17), NEW = FI_VERSION(2, 0);

static bool is(const char *a, const char *b)
{
    return !strcmp(a, b);
}

TestSuite(monitor, .init = param_open);

Test(monitor, is_one_of_the_kernels)
{
    const char *old = monitor_choose(OLD), *new = monitor_choose(NEW);

    cr_assert(is(old, "userfaultfd") || is(old, "disabled"), "%s", old);
    cr_assert(is(new, old) || is(new, "kdreg2"), "%s", new);
}

/* The system gives no descriptor. */
Test(monitor, is_none_where_the_trial_fails)
{
    struct rlimit before, none;
    int next = dup(0);

    close(next);
    cr_assert(!getrlimit(RLIMIT_NOFILE, &before));
    none = (struct rlimit){(rlim_t)next, before.rlim_max};
    cr_assert(!setrlimit(RLIMIT_NOFILE, &none));
    const char *chosen = monitor_choose(OLD);
    setrlimit(RLIMIT_NOFILE, &before); /* Criterion needs some */
    cr_assert(is(chosen, "disabled"), "%s", chosen);
}

/* It leaves neither descriptors nor mappings. */
Test(monitor, leaves_nothing)
{
    int before = dup(0);

    close(before);
    for (int i = 0; i < 100; i++)
        monitor_choose(OLD);
    int after = dup(0);
    cr_assert(after == before, "%d, %d", before, after);
}

Test(monitor, is_the_users_where_there_is_one)
{
    setenv("FI_MR_CACHE_MONITOR", "memhooks", 1);
    fabric_quirks_environment("job", 2, OLD, true);
    cr_assert(is(getenv("FI_MR_CACHE_MONITOR"), "memhooks"));
    unsetenv("FI_MR_CACHE_MONITOR");
    fabric_quirks_environment("job", 2, OLD, true);
    cr_assert(is(getenv("FI_MR_CACHE_MONITOR"), monitor_choose(OLD)));
}
