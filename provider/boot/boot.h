/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Start-up: who this process is, who the others are, and the one exchange of addresses. Behind it
 * stands PMIx, or nothing at all for a process started alone (a singleton).
 *
 * Calls return 0 or -errno. Ranks are those of the job's namespace, 0 to size - 1.
 */
#ifndef ORIEL_BOOT_BOOT_H
#define ORIEL_BOOT_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct boot_info {
    uint32_t rank, size;
    uint32_t local_rank, local_size; /* among the job's ranks on this host */
    uint32_t machine_size;           /* that share its processors: local_size, but in tests */
    uint32_t universe_size;          /* 0 where the launcher does not say */
    uint32_t appnum;
    bool appnum_known;
    bool singleton;   /* started alone: no server, nothing to exchange */
    bool one_host;    /* every rank of the job is on this host */
    const char *job;  /* the namespace's name; "singleton" for one */
    const char *host; /* this host's name */
};

/*
 * Connects to the PMIx server if there is one. A process that was started as one of several
 * without PMIx gets one line on standard error from the first of them and -ENOTCONN: it must end
 * (DESIGN: never N singletons in silence). One that a rank has started is alone. Calling it again
 * is harmless.
 */
int boot_open(void);
const struct boot_info *boot_info(void);

bool boot_same_host(uint32_t rank);
/* The job's ranks on this host in rising order, boot_info()->local_size of them. */
const uint32_t *boot_local_ranks(void);
/* The lowest rank of each host of the job, rising; the same on all ranks. */
int boot_leaders(const uint32_t **ranks, size_t *count);

/*
 * The exchange. put before start; start does not wait; wait returns when every rank's blob is
 * here, at once when called again. Blobs are at most 1 KiB.
 */
int boot_put(const char *key, const void *blob, size_t len);
int boot_exchange_start(void);
int boot_exchange_wait(void);
/* Another one, of what was put since, under other keys; all ranks of the job call it. */
int boot_exchange_again(void);
/* Copies rank's blob; `len` in: room, out: length. -ENOENT where that rank put none. */
int boot_get(uint32_t rank, const char *key, void *blob, size_t *len);

/*
 * 256 bits that only the job's ranks know: put before the exchange (by rank 0, in fact), known
 * after it. The comparison takes the same time wherever the two differ.
 */
enum { BOOT_SECRET = 32 };
int boot_secret_put(void);
int boot_secret(uint8_t secret[BOOT_SECRET]);
bool boot_secret_equal(const uint8_t a[BOOT_SECRET], const uint8_t b[BOOT_SECRET]);

/*
 * The process sets that the server has defined and this process is in. boot_psets asks for new ones
 * and counts them; a set keeps its number, name and members. -ENOENT where there is no such number.
 */
int boot_psets(void);
int boot_pset(int n, const char **name, const uint32_t **ranks, size_t *size);

/* PMIx's own name for its version, "" where it has none. */
void boot_version(char *text, size_t room);

/* Ends the whole job with this exit status; never returns. */
void boot_abort(int status, const char *message) __attribute__((noreturn));
/* What boot_abort calls first of all, so that nobody takes what follows for an accident. */
void boot_before_abort(void (*call)(void));
/* Another rank is about to say why the job ends: boot_abort leaves it the time before it speaks. */
void boot_speak_late(void);
/* Says good-bye to the server; the process may exit in any way after it. */
void boot_close(void);

#endif
