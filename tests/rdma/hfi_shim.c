/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An Omni-Path adapter for those who only look whether there is one. To be preloaded, it lets
 * libfabric and libpsm2 see /dev/hfi1_0, as much as is needed for psm2 to run in shared memory
 * (PSM2_DEVICES=self,shm); what they want to know about it is in files under HFI_SYSFS_PATH. It is
 * a crutch: nothing of the adapter's own path is run.
 */
#include <dlfcn.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

static const char adapter[] = "/dev/hfi1_0";

int stat(const char *restrict path, struct stat *restrict found)
{
    int (*real)(const char *restrict, struct stat *restrict);
    void *next = dlsym(RTLD_NEXT, "stat");

    memcpy(&real, &next, sizeof real);
    if (strcmp(path, adapter))
        return real(path, found);
    memset(found, 0, sizeof *found);
    found->st_mode = S_IFCHR | 0666;
    return 0;
}

int glob(const char *restrict pattern, int flags, int (*failed)(const char *, int),
         glob_t *restrict found)
{
    int (*real)(const char *restrict, int, int (*)(const char *, int), glob_t *restrict);
    void *next = dlsym(RTLD_NEXT, "glob");

    memcpy(&real, &next, sizeof real);
    return real(strncmp(pattern, "/dev/hfi", 8) ? pattern : "/dev/null", flags, failed, found);
}
