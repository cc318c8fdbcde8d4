/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages for the person at the terminal, one line each, on standard error, written with one
 * write() so that ranks do not mix: "oriel[3]: text". ORIEL_LOG chooses how much: error, warn
 * (default), info, debug. errno is kept.
 */
#ifndef ORIEL_BASE_LOG_H
#define ORIEL_BASE_LOG_H

#include <stdarg.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

extern enum log_level log_limit;

void log_open(int rank); /* the rank to show, -1 for none; reads the parameter */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_vline(enum log_level level, const char *format, va_list ap);

/* The arguments are not evaluated where the level is off. */
#define LOG(level, ...) ((level) <= log_limit ? log_line((level), __VA_ARGS__) : (void)0)

#endif
