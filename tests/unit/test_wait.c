/* SPDX-License-Identifier: BSD-3-Clause */
/* provider/fabric/wait: what a process makes of the processors that the kernel gives it. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "provider/base/param.h"
#include "provider/fabric/wait.h"

static size_t known;    /* processors that the kernel has room for */
static size_t first, n; /* those of this process */

int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
    (void)pid;
    if (size * 8 < known) {
        errno = EINVAL;
        return -1;
    }
    memset(set, 0, size);
    for (size_t i = first; i < first + n; i++)
        CPU_SET_S(i, size, set);
    return 0;
}

static double load_of(size_t all, size_t from, size_t count, uint32_t ranks)
{
    param_open();
    known = all;
    first = from;
    n = count;
    wait_open(ranks);
    return wait_load();
}

Test(wait, counts_processors)
{
    cr_expect_eq(load_of(1024, 0, 4, 8), 2);
    cr_expect_eq(load_of(1024, 4, 8, 8), 1);
}

/* A kernel that has room for more than a cpu_set_t says EINVAL. */
Test(wait, counts_among_many)
{
    cr_expect_eq(load_of(8192, 100, 4, 8), 2);
    cr_expect_eq(load_of(8192, 0, 192, 96), 1);
}

/* Processors that no cpu_set_t names, or an unknown number: those that there are. */
Test(wait, assumes_all)
{
    uint32_t online = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);

    cr_expect_eq(load_of(8192, 2000, 4, online), 1);
    cr_expect_eq(load_of((size_t)1 << 24, 0, 4, online), 1);
    cr_expect_eq(load_of((size_t)1 << 24, 0, 4, 2 * online), 2);
}
