/* SPDX-License-Identifier: BSD-3-Clause */
/* provider/boot where no PMIx server is: alone, or one of several that must not run on. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provider/boot/boot.h"

static void forget_launchers(void)
{
    static const char *const names[] = {
        "PMIX_NAMESPACE",  "PMIX_RANK",      "SLURM_STEP_NUM_TASKS", "SLURM_PROCID",
        "PMI_SIZE",        "PMI_RANK",       "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK",
        "MPI_LOCALNRANKS", "MPI_LOCALRANKID"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unsetenv(names[i]);
}

TestSuite(boot, .init = forget_launchers);

Test(boot, singleton)
{
    const struct boot_info *i = boot_info();

    cr_redirect_stderr();
    cr_assert_eq(boot_open(), 0);
    cr_assert_eq(boot_open(), 0, "opening again is harmless");
    cr_assert(i->singleton && i->one_host && i->size == 1 && i->rank == 0 && i->local_size == 1);
    cr_assert(boot_same_host(0));
    cr_assert_eq(boot_local_ranks()[0], 0);
    boot_close();
    fflush(stderr);
    cr_assert_stderr_eq_str("");
}

Test(boot, singleton_keeps_its_blobs)
{
    char got[16];
    size_t len = sizeof(got);

    cr_assert_eq(boot_open(), 0);
    cr_assert_eq(boot_put("a", "one", 4), 0);
    cr_assert_eq(boot_put("b", "three", 6), 0);
    cr_assert_eq(boot_put("a", "two", 4), 0);
    cr_assert_eq(boot_exchange_start(), 0);
    cr_assert_eq(boot_exchange_wait(), 0);
    cr_assert_eq(boot_get(0, "a", got, &len), 0);
    cr_assert(len == 4 && !strcmp(got, "two"));
    len = 3;
    cr_assert_eq(boot_get(0, "b", got, &len), -EMSGSIZE);
    len = sizeof(got);
    cr_assert_eq(boot_get(0, "c", got, &len), -ENOENT);
    cr_assert_eq(boot_get(1, "a", got, &len), -EINVAL);
    cr_assert_eq(boot_put("d", got, 1025), -EINVAL);
    boot_close();
}

/* A batch script's own shell has SLURM_NTASKS, and is alone all the same. */
Test(boot, batch_script_is_alone)
{
    setenv("SLURM_NTASKS", "8", 1);
    setenv("SLURM_PROCID", "0", 1);
    cr_assert_eq(boot_open(), 0);
    cr_assert(boot_info()->singleton);
    boot_close();
}

static void stray(const char *size, const char *rank, const char *advice)
{
    cr_redirect_stderr();
    setenv(size, "4", 1);
    setenv(rank, "0", 1);
    cr_assert_eq(boot_open(), -ENOTCONN);
    fflush(stderr);
    char line[512] = "";
    FILE *f = cr_get_redirected_stderr();
    size_t n = fread(line, 1, sizeof(line) - 1, f);
    cr_assert(n && strstr(line, advice) && strchr(line, '\n') == line + n - 1, "it says: %s", line);
}

Test(boot, stray_of_slurm)
{
    stray("SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "srun --mpi=pmix");
}

Test(boot, stray_of_hydra)
{
    stray("PMI_SIZE", "PMI_RANK", "mpirun");
}

Test(boot, stray_of_open_mpi)
{
    stray("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "mpirun");
}

Test(boot, only_the_first_stray_speaks)
{
    cr_redirect_stderr();
    setenv("SLURM_STEP_NUM_TASKS", "4", 1);
    setenv("SLURM_PROCID", "3", 1);
    cr_assert_eq(boot_open(), -ENOTCONN);
    fflush(stderr);
    cr_assert_stderr_eq_str("");
}

static int abort_status(int status)
{
    int ended;
    pid_t pid = fork();

    if (pid == 0) {
        boot_open();
        boot_abort(status, "the test ends");
    }
    cr_assert_eq(waitpid(pid, &ended, 0), pid);
    cr_assert(WIFEXITED(ended));
    return WEXITSTATUS(ended);
}

Test(boot, abort)
{
    cr_redirect_stderr();
    cr_assert_eq(abort_status(3), 3);
    cr_assert_eq(abort_status(0), 0);
    cr_assert_neq(abort_status(256), 0, "a failure that looks like success");
}

/* Its server has gone: never a job of one, and one line from the first rank. */
Test(boot, no_server)
{
    cr_redirect_stderr();
    setenv("PMIX_NAMESPACE", "gone", 1);
    setenv("PMIX_RANK", "0", 1);
    setenv("PMIX_SERVER_URI41", "gone.0;tcp4://127.0.0.1:1", 1);
    cr_assert_eq(boot_open(), -ENOTCONN);
}
