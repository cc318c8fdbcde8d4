/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <dlfcn.h>
#include <infiniband/verbs.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "provider/fabric/rdma_port.h"

/* The header has a macro of this name, for the port's newer fields. */
#undef ibv_query_port

/* libibverbs' calls, as the library exports them. */
struct verbs {
    struct ibv_device **(*get_device_list)(int *count);
    void (*free_device_list)(struct ibv_device **list);
    const char *(*get_device_name)(struct ibv_device *device);
    struct ibv_context *(*open_device)(struct ibv_device *device);
    int (*close_device)(struct ibv_context *context);
    int (*query_device)(struct ibv_context *context, struct ibv_device_attr *attr);
    /* Fills what the first version of the struct had, which ends before link_layer's successors. */
    int (*query_port)(struct ibv_context *context, uint8_t port, struct ibv_port_attr *attr);
};

static bool find(void *library, const char *name, void *pointer)
{
    void *found = dlsym(library, name);

    memcpy(pointer, &found, sizeof(found));
    return found;
}

/* Kept: libfabric has it loaded as well. */
static bool load(struct verbs *v)
{
    void *library = dlopen("libibverbs.so.1", RTLD_LAZY | RTLD_LOCAL);

    return library && find(library, "ibv_get_device_list", &v->get_device_list) &&
           find(library, "ibv_free_device_list", &v->free_device_list) &&
           find(library, "ibv_get_device_name", &v->get_device_name) &&
           find(library, "ibv_open_device", &v->open_device) &&
           find(library, "ibv_close_device", &v->close_device) &&
           find(library, "ibv_query_device", &v->query_device) &&
           find(library, "ibv_query_port", &v->query_port);
}

/* The number of the device's first active port; 0: none. */
static int active_port(const struct verbs *v, struct ibv_device *device)
{
    struct ibv_context *context = v->open_device(device);
    struct ibv_device_attr attr = {0};
    int active = 0;

    if (!context)
        return 0;
    if (!v->query_device(context, &attr))
        for (int port = 1; !active && port <= attr.phys_port_cnt; port++) {
            struct ibv_port_attr state = {0};
            if (!v->query_port(context, (uint8_t)port, &state) && state.state == IBV_PORT_ACTIVE)
                active = port;
        }
    v->close_device(context);
    return active;
}

/* Whether something in the folder is called so ("": anything at all), and its name. */
static bool has_entry(const char *folder, const char *prefix, char *name, size_t room)
{
    DIR *d = opendir(folder);
    struct dirent *e;
    bool found = false;

    if (!d)
        return false;
    while (!found && (e = readdir(d)))
        found = *e->d_name != '.' && !strncmp(e->d_name, prefix, strlen(prefix));
    if (found)
        snprintf(name, room, "%s", e->d_name);
    closedir(d);
    return found;
}

#define CXI "/sys/class/cxi" /* Slingshot's, which libibverbs does not know */

bool rdma_device_present(void)
{
    char name[NAME_MAX + 1];

    return has_entry("/sys/class/infiniband", "", name, sizeof(name)) ||
           has_entry(CXI, "", name, sizeof(name)) || has_entry("/dev", "hfi1", name, sizeof(name));
}

bool rdma_port_active(char *name, size_t room)
{
    struct verbs v;
    int count = 0, port = 0;

    if (has_entry(CXI, "", name, room))
        return true;
    if (!rdma_device_present() || !load(&v))
        return false;
    struct ibv_device **list = v.get_device_list(&count);
    for (int i = 0; list && !port && i < count; i++) {
        port = active_port(&v, list[i]);
        if (port)
            snprintf(name, room, "%s port %d", v.get_device_name(list[i]), port);
    }
    if (list)
        v.free_device_list(list);
    return port;
}
