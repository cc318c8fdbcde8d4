/* SPDX-License-Identifier: BSD-3-Clause */
/* mpiexec, also called mpirun: starts an MPI job on this host, or hands it over to Slurm. */
#include "config.h"
#include "bind.h"
#include "hosts.h"
#include "job.h"
#include "options.h"
#include "run.h"
#include "say.h"
#include "slurm.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

extern char **environ;

/* A descriptor that was closed would be taken by the next file that is opened. */
static void fill_standard_descriptors(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

static int run_here(const struct options *o)
{
    const char *other = hosts_other(o);
    struct job job;
    int status;

    if (other != NULL) {
        say("%s is not this host: ranks on several hosts are started inside a Slurm allocation "
            "(salloc, sbatch), or by PRRTE's prterun or Open MPI's mpirun",
            other);
        return 2;
    }
    environ = job_clean_environment(environ);
    status = job_make(&job, o, job_clean_environment(environ));
    if (status == 0)
        status = bind_ranks(&job, o);
    if (status == 0)
        status = run_job(&job, o);
    return status;
}

/* Who asks for so many ranks per package would not get them, and may not see it. */
static void warn_of_idle_map(const struct options *o)
{
    for (size_t i = 0; i < o->napps && o->idle_map != NULL; i++)
        if (o->apps[i].np == 0) {
            say("--map-by %s has no effect on the number of ranks: only ppr:NUMBER:node has, and "
                "-n",
                o->idle_map);
            return;
        }
}

int main(int argc, char **argv)
{
    struct options o;
    int status;

    fill_standard_descriptors();
    say_name(argc > 0 ? argv[0] : "mpiexec");
    if (options_parse(argc, argv, &o) != 0) {
        say("%s", o.error);
        return 2;
    }
    if (o.version) {
        puts("mpiexec (Oriel) " PACKAGE_VERSION);
        return 0;
    }
    if (o.help) {
        options_print();
        return 0;
    }
    warn_of_idle_map(&o);
    status = hosts_read(&o);
    if (status == 0)
        status = slurm_wanted() ? slurm_exec(&o) : run_here(&o);
    /* libpmix's threads are still there: PMIx_server_finalize() would only take time, and could
     * wait for a client that has been killed. Nothing of the server's is left outside the process.
     */
    _exit(status);
}
