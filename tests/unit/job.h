/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A job without a launcher, for the tests of provider/fabric: forked processes and a piece of
 * memory that they share. job.c stands in for provider/boot, whose calls the fabric makes.
 */
#ifndef ORIEL_TESTS_UNIT_JOB_H
#define ORIEL_TESTS_UNIT_JOB_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { JOB_MAX = 8, JOB_SECONDS = 120 };

/* Runs main in `size` processes with the fabric open; how many of them failed. */
int job_run(uint32_t size, void (*main)(uint32_t rank));
/* Waits for all, without the fabric and without progress on it. */
void job_barrier(void);
/* A word for each to tell the others something. */
extern volatile uint64_t *job_words;

#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                        \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fprintf(stderr, "\n");                                                                 \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

#endif
