/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * No PMIx server: alone, or one of several that must not believe to be alone? The variables of the
 * usual launchers tell. A batch script's own shell has SLURM_NTASKS but is no task of a step, so
 * that one is not asked.
 */
#include <stdlib.h>

#include "provider/base/log.h"
#include "provider/boot/boot_impl.h"

struct launcher {
    const char *size, *rank; /* variables: how many tasks, and which of them this is */
    const char *name;
    const char *advice;
};

static const struct launcher launchers[] = {
    {"SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "srun", "srun --mpi=pmix"},
    {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "Open MPI's mpirun", "Oriel's own mpirun"},
    {"PMI_SIZE", "PMI_RANK", "a PMI launcher", "Oriel's own mpirun, or srun --mpi=pmix"},
    {"MPI_LOCALNRANKS", "MPI_LOCALRANKID", "Hydra's mpiexec", "Oriel's own mpirun"},
};

static long number_of(const char *variable, long otherwise)
{
    const char *text = getenv(variable);
    char *end;

    if (!text)
        return otherwise;
    long n = strtol(text, &end, 10);
    return end != text && !*end ? n : otherwise;
}

enum boot_alone boot_alone(void)
{
    for (size_t i = 0; i < sizeof(launchers) / sizeof(launchers[0]); i++) {
        const struct launcher *l = &launchers[i];
        long size = number_of(l->size, 1);

        if (size <= 1)
            continue;
        if (number_of(l->rank, 0) == 0)
            LOG(LOG_ERROR,
                "%ld tasks were started by %s (%s) but no PMIx server answers: start them with %s",
                size, l->name, l->size, l->advice);
        return BOOT_STRAY;
    }
    return BOOT_SINGLETON;
}
