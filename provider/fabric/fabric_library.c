/* SPDX-License-Identifier: BSD-3-Clause */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "provider/base/log.h"
#include "provider/fabric/fabric_impl.h"
#include "provider/fabric/fabric_library.h"

#define LIBFABRIC "libfabric.so.1"

static bool function(void *handle, const char *name, void *pointer)
{
    void *found = dlsym(handle, name);

    if (!found) {
        LOG(LOG_ERROR, "the network library has no %s: %s", name, dlerror());
        return false;
    }
    memcpy(pointer, &found, sizeof(found));
    return true;
}

/*
 * The handle is never closed: libfabric's providers leave threads and exit handlers behind. It is
 * loaded locally, so that a program's own libfabric stays its own.
 */
int fabric_library_open(const struct fabric_source **source)
{
    static struct fabric_source library;
    static bool tried, loaded;

    if (!tried) {
        tried = true;
        fabric_quirks_before_load();
        void *handle = dlopen(LIBFABRIC, RTLD_NOW | RTLD_LOCAL);
        if (!handle) {
            LOG(LOG_ERROR, "the network library cannot be loaded: %s (Debian: libfabric1)",
                dlerror());
            return -ENOENT;
        }
        loaded = function(handle, "fi_version", &library.version) &&
                 function(handle, "fi_getinfo", &library.getinfo) &&
                 function(handle, "fi_dupinfo", &library.dupinfo) &&
                 function(handle, "fi_freeinfo", &library.freeinfo) &&
                 function(handle, "fi_fabric", &library.fabric);
    }
    *source = &library;
    return loaded ? 0 : -ENOENT;
}
