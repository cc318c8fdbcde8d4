/* SPDX-License-Identifier: BSD-3-Clause */
/* All ranks of a job in one process: see loop_fabric.c. */
#ifndef ORIEL_TESTS_LOOP_FABRIC_H
#define ORIEL_TESTS_LOOP_FABRIC_H

#include <stdbool.h>

enum { LOOP_RANKS = 64, LOOP_CONTEXT = 256 };

/* Nothing is posted, on its way or waiting to be told. */
bool loop_is_quiet(void);
/* Drops messages that nobody receives. */
void loop_forget(void);

#endif
