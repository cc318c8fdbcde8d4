/* SPDX-License-Identifier: BSD-3-Clause */
/* What mpiexec says to its user: one line, on standard error, written in one piece. */
#ifndef ORIEL_MPIEXEC_SAY_H
#define ORIEL_MPIEXEC_SAY_H

#include <stddef.h>

/* The name under which the program was called, put before every line. */
void say_name(const char *argv0);

/* While ranks' output is forwarded, lines go the same way (put), so that they fall between theirs.
 */
void say_through(void (*put)(const char *line, size_t size));

__attribute__((format(printf, 1, 2))) void say(const char *fmt, ...);

#endif
