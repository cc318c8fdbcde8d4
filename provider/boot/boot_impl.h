/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of provider/boot share, and nobody else sees. */
#ifndef ORIEL_BOOT_BOOT_IMPL_H
#define ORIEL_BOOT_BOOT_IMPL_H

#include <stdbool.h>
#include <stdint.h>
#include <pmix.h>

#include "provider/boot/boot.h"

enum { BOOT_BLOB_MAX = 1024 };

struct boot {
    struct boot_info info;
    pmix_proc_t self; /* not filled in for a singleton */
    uint32_t *local_ranks;
    char own_host[256];
    bool open;
    bool late; /* boot_speak_late */
    void (*before_abort)(void);
};

extern struct boot boot;

/* What a process is that no PMIx server answers. */
enum boot_alone { BOOT_SINGLETON, BOOT_STRAY };

/*
 * The decision where no server could be reached: a singleton, or one of several tasks that some
 * launcher started without PMIx. Of the latter the first says what to type.
 */
enum boot_alone boot_alone(void);

/* One value of the job (`rank` PMIX_RANK_WILDCARD) or of a rank. 0, -ENOENT, -EPROTO. */
int boot_number(uint32_t rank, const char *key, uint32_t *number);
/* The string is the caller's to free. */
int boot_string(uint32_t rank, const char *key, char **string);

/* Forgets the hosts. */
void boot_hosts_close(void);
/* Forgets the process sets. */
void boot_psets_close(void);

#endif
