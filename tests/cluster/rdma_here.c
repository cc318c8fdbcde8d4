/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host with an RDMA device, for those who look for one in /sys and ask libibverbs by dlopen.
 * Compiled twice: with VERBS, the name of the second, it is preloaded and hands that out instead;
 * without, it answers as libibverbs does. libfabric is linked with the real one and finds no
 * device, as where a driver is missing.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <string.h>
#include <infiniband/verbs.h>

#undef ibv_query_port

#ifdef VERBS

void *dlopen(const char *file, int flags)
{
    void *(*real)(const char *, int);
    void *found = dlsym(RTLD_NEXT, "dlopen");

    memcpy(&real, &found, sizeof(real));
    return real(file && !strcmp(file, "libibverbs.so.1") ? VERBS : file, flags);
}

#ifndef DEVICES
#define DEVICES "/sys/class/infiniband"
#endif

/* Any folder that is not empty will do. */
DIR *opendir(const char *name)
{
    DIR *(*real)(const char *);
    void *found = dlsym(RTLD_NEXT, "opendir");

    memcpy(&real, &found, sizeof(real));
    return real(!strcmp(name, DEVICES) ? "/sys/class" : name);
}

#else

static struct ibv_device device = {.name = "mlx5_7"};
static struct ibv_context context;

struct ibv_device **ibv_get_device_list(int *count)
{
    static struct ibv_device *list[] = {&device, NULL};

    *count = 1;
    return list;
}

void ibv_free_device_list(struct ibv_device **list)
{
    (void)list;
}

const char *ibv_get_device_name(struct ibv_device *of)
{
    return of->name;
}

struct ibv_context *ibv_open_device(struct ibv_device *of)
{
    context.device = of;
    return &context;
}

int ibv_close_device(struct ibv_context *of)
{
    return of != &context;
}

int ibv_query_device(struct ibv_context *of, struct ibv_device_attr *attr)
{
    attr->phys_port_cnt = 2;
    return of != &context;
}

int ibv_query_port(struct ibv_context *of, uint8_t port, struct _compat_ibv_port_attr *attr)
{
    struct ibv_port_attr *state = (struct ibv_port_attr *)attr;

    state->state = port == 2 ? IBV_PORT_ACTIVE : IBV_PORT_DOWN;
    return of != &context;
}

#endif
