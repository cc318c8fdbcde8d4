/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rdma/fabric.h>

#include "provider/fabric/monitor.h"

enum { PATIENCE_MS = 1000, PAGE = 4096 };

/* ---- userfaultfd ---- */

/* As libfabric opens it; many systems let only root. */
static int watch_open(void)
{
    struct uffdio_api api = {.api = UFFD_API,
                             .features = UFFD_FEATURE_EVENT_UNMAP | UFFD_FEATURE_EVENT_REMOVE |
                                         UFFD_FEATURE_EVENT_REMAP};
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

    if (fd >= 0 && ioctl(fd, UFFDIO_API, &api)) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool watch_page(int fd, void *page)
{
    struct uffdio_register region = {.range = {(uintptr_t)page, PAGE},
                                     .mode = UFFDIO_REGISTER_MODE_MISSING};

    return !ioctl(fd, UFFDIO_REGISTER, &region);
}

/* munmap returns when the event has been read, or the descriptor is closed. */
static void *unmap_page(void *page)
{
    munmap(page, PAGE);
    return NULL;
}

static bool hears_unmap(int fd, const void *page)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    struct uffd_msg message;

    return poll(&p, 1, PATIENCE_MS) == 1 &&
           read(fd, &message, sizeof(message)) == sizeof(message) &&
           message.event == UFFD_EVENT_UNMAP && message.arg.remove.start == (uintptr_t)page;
}

/* A page that is watched and unmapped: does the system tell? */
static bool userfaultfd_works(void)
{
    int fd = watch_open();
    pthread_t thread;
    void *page;

    if (fd < 0)
        return false;
    page =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    bool mapped = page != MAP_FAILED;
    bool started =
        mapped && watch_page(fd, page) && !pthread_create(&thread, NULL, unmap_page, page);
    bool heard = started && hears_unmap(fd, page);
    close(fd);
    if (started)
        pthread_join(thread, NULL);
    else if (mapped)
        munmap(page, PAGE);
    return heard;
}

/* ---- The choice ---- */

/* Cray's module: libfabric watches by it from 1.20 on. */
static bool kdreg2_works(uint32_t version)
{
    return FI_VERSION_GE(version, FI_VERSION(1, 20)) && !access("/dev/kdreg2", R_OK | W_OK);
}

const char *monitor_choose(uint32_t version)
{
    return kdreg2_works(version) ? "kdreg2" : userfaultfd_works() ? "userfaultfd" : "disabled";
}
