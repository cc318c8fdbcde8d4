/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "provider/base/log.h"
#include "provider/base/param.h"

struct param param = {.log = "warn"};

static const struct {
    const char *name;
    enum param_type type;
    size_t at;
    const char *preset, *help;
} rows[] = {
#define PARAM(field, name, type, preset, help)                                                     \
    {"ORIEL_" name, PARAM_##type, offsetof(struct param, field), preset, help},
#include "provider/base/param.def"
#undef PARAM
};

const unsigned param_count = sizeof(rows) / sizeof(rows[0]);

static bool parse_bool(const char *text, bool *out)
{
    static const char *const no[] = {"0", "no", "off", "false"};
    static const char *const yes[] = {"1", "yes", "on", "true"};

    for (int i = 0; i < 4; i++)
        if (!strcasecmp(text, no[i]) || !strcasecmp(text, yes[i])) {
            *out = !strcasecmp(text, yes[i]);
            return true;
        }
    return false;
}

/* A decimal number, with a suffix K, M or G (powers of 1024) where it is a size. */
static bool parse_number(const char *text, bool size, long *out)
{
    static const char suffixes[] = "KMG";
    char *end;

    errno = 0;
    long n = strtol(text, &end, 0);
    if (end == text || errno || (size && n < 0))
        return false;
    if (size && *end) {
        const char *s = strchr(suffixes, *end >= 'a' ? *end - 'a' + 'A' : *end);
        int shift = s ? 10 * (int)(s - suffixes + 1) : 0;
        if (!s || end[1] || n > (LONG_MAX >> shift))
            return false;
        n <<= shift;
    } else if (*end) {
        return false;
    }
    *out = n;
    return true;
}

static bool assign(unsigned i, const char *text)
{
    char *at = (char *)&param + rows[i].at;
    long n;

    switch (rows[i].type) {
    case PARAM_STRING:
        *(const char **)at = text;
        return true;
    case PARAM_BOOL:
        return parse_bool(text, (bool *)at);
    case PARAM_INT:
    case PARAM_SIZE:
        if (!parse_number(text, rows[i].type == PARAM_SIZE, &n))
            return false;
        *(long *)at = n;
        return true;
    }
    return false;
}

static void read_environment(void)
{
    for (unsigned i = 0; i < param_count; i++) {
        const char *text = getenv(rows[i].name);

        assign(i, rows[i].preset);
        if (text && !assign(i, text))
            log_line(LOG_WARN, "%s=%s is not understood; the default, %s, stands", rows[i].name,
                     text, rows[i].preset);
    }
}

void param_open(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, read_environment);
}

void param_row(unsigned index, struct param_row *row)
{
    *row = (struct param_row){rows[index].name,         rows[index].type,
                              rows[index].preset,       rows[index].help,
                              getenv(rows[index].name), (char *)&param + rows[index].at};
}
