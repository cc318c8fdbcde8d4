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

#define PARAM_ROW_STRING           PARAM_STRING, 0, 0, NULL
#define PARAM_ROW_WORD(words)      PARAM_STRING, 0, 0, words
#define PARAM_ROW_INT(least, most) PARAM_INT, least, most, NULL
#define PARAM_ROW_BOOL             PARAM_BOOL, 0, 0, NULL
#define PARAM_ROW_SIZE             PARAM_SIZE, 0, LONG_MAX, NULL

static const struct {
    const char *name;
    enum param_type type;
    long least, most;  /* of a number */
    const char *words; /* one of which a string has to be, or NULL */
    size_t at;
    const char *preset, *help;
} rows[] = {
#define PARAM(field, name, type, preset, help)                                                     \
    {"ORIEL_" name, PARAM_ROW_##type, offsetof(struct param, field), preset, help},
#include "provider/base/param.def"
#undef PARAM
};

const unsigned param_count = sizeof(rows) / sizeof(rows[0]);

static bool taken[sizeof(rows) / sizeof(rows[0])];

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
    if (end == text || errno)
        return false;
    if (size && *end) {
        const char *s = strchr(suffixes, *end >= 'a' ? *end - 'a' + 'A' : *end);
        int shift = s ? 10 * (int)(s - suffixes + 1) : 0;
        if (!s || end[1] || n < 0 || n > (LONG_MAX >> shift))
            return false;
        n <<= shift;
    } else if (*end) {
        return false;
    }
    *out = n;
    return true;
}

static bool is_word(const char *text, const char *words)
{
    size_t length = strlen(text);

    for (const char *at = words; *at; at += strspn(at, ", ")) {
        size_t n = strcspn(at, ",");

        if (n == length && !memcmp(at, text, n))
            return true;
        at += n;
    }
    return false;
}

static bool assign(unsigned i, const char *text)
{
    char *at = (char *)&param + rows[i].at;
    long n;

    switch (rows[i].type) {
    case PARAM_STRING:
        if (rows[i].words && !is_word(text, rows[i].words))
            return false;
        *(const char **)at = text;
        return true;
    case PARAM_BOOL:
        return parse_bool(text, (bool *)at);
    case PARAM_INT:
    case PARAM_SIZE:
        if (!parse_number(text, rows[i].type == PARAM_SIZE, &n) || n < rows[i].least ||
            n > rows[i].most)
            return false;
        *(long *)at = n;
        return true;
    }
    return false;
}

static void refuse(unsigned i, const char *text)
{
    const char *name = rows[i].name, *preset = rows[i].preset;

    if (rows[i].words)
        log_line(LOG_WARN, "%s=%s is not one of %s; the default, %s, stands", name, text,
                 rows[i].words, preset);
    else if (rows[i].type == PARAM_INT)
        log_line(LOG_WARN, "%s=%s is no number from %ld to %ld; the default, %s, stands", name,
                 text, rows[i].least, rows[i].most, preset);
    else
        log_line(LOG_WARN, "%s=%s is not understood; the default, %s, stands", name, text, preset);
}

static void read_environment(void)
{
    for (unsigned i = 0; i < param_count; i++) {
        const char *text = getenv(rows[i].name);

        assign(i, rows[i].preset);
        taken[i] = text && assign(i, text);
        if (text && !taken[i])
            refuse(i, text);
    }
}

void param_open(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, read_environment);
}

void param_row(unsigned index, struct param_row *row)
{
    *row = (struct param_row){rows[index].name,
                              rows[index].type,
                              rows[index].preset,
                              rows[index].help,
                              getenv(rows[index].name),
                              taken[index],
                              (char *)&param + rows[index].at};
}
