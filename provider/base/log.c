/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "provider/base/log.h"
#include "provider/base/param.h"

enum log_level log_limit = LOG_WARN;
static int log_rank = -1;

void log_open(int rank)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};

    log_rank = rank;
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(param.log, names[i]))
            log_limit = i;
}

void log_vline(enum log_level level, const char *format, va_list ap)
{
    char line[1024];
    int saved = errno;
    int at = log_rank < 0 ? snprintf(line, sizeof(line), "oriel: ")
                          : snprintf(line, sizeof(line), "oriel[%d]: ", log_rank);

    (void)level;
    int n = vsnprintf(line + at, sizeof(line) - at - 1, format, ap);
    if (n > (int)sizeof(line) - at - 2)
        n = sizeof(line) - at - 2;
    line[at + n] = '\n';
    ssize_t written = write(STDERR_FILENO, line, at + n + 1);
    (void)written; /* nobody is left to tell */
    errno = saved;
}

void log_line(enum log_level level, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    log_vline(level, format, ap);
    va_end(ap);
}
