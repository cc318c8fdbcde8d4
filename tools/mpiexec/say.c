/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *name = "mpiexec";
static void (*through)(const char *line, size_t size);

void say_name(const char *argv0)
{
    const char *slash = strrchr(argv0, '/');

    name = slash != NULL ? slash + 1 : argv0;
}

void say_through(void (*put)(const char *line, size_t size))
{
    through = put;
}

/* What is quoted from elsewhere may hold line ends; the line stays one. */
static void make_one_line(char *text)
{
    size_t end = strlen(text);

    while (end > 0 && (text[end - 1] == '\n' || text[end - 1] == ' '))
        text[--end] = '\0';
    for (char *c = text; *c != '\0'; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';
}

void say(const char *fmt, ...)
{
    char line[2048];
    size_t size;
    va_list args;

    size = (size_t)snprintf(line, sizeof(line) / 4, "%s: ", name);
    va_start(args, fmt);
    vsnprintf(line + size, sizeof(line) - size - 1, fmt, args);
    va_end(args);
    make_one_line(line);
    size = strlen(line);
    line[size++] = '\n';
    if (through != NULL)
        through(line, size);
    else if (write(STDERR_FILENO, line, size) < 0)
        return; /* nowhere left to say it */
}
