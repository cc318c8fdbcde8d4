/* SPDX-License-Identifier: BSD-3-Clause */
/* For programs: one object, whose members are those that were asked for. */
#include <config.h>
#include <stdio.h>

#include "core/coll/coll_cost.h"
#include "provider/base/param.h"
#include "tools/info/info.h"

/* Bytes of the UTF-8 character at `text` (Unicode Standard, table 3-7); 0 where there is none. */
static int utf8(const unsigned char *text)
{
    unsigned char first = text[0];
    int length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    unsigned char least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

    if (first > 0xf4 || (length > 1 && (text[1] < least || text[1] > most)))
        return 0;
    for (int i = 2; i < length; i++)
        if (text[i] < 0x80 || text[i] > 0xbf)
            return 0;
    return length;
}

/* What is no character becomes the one that stands for it. */
static void string(const char *text)
{
    if (!text) {
        fputs("null", stdout);
        return;
    }
    putchar('"');
    while (*text) {
        int length = utf8((const unsigned char *)text);

        if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else if (length == 1 && *text < ' ')
            printf("\\u%04x", *text);
        else if (length)
            fwrite(text, 1, (size_t)length, stdout);
        else
            fputs("\\ufffd", stdout);
        text += length ? length : 1;
    }
    putchar('"');
}

/* "name": "text" */
static void member(const char *before, const char *name, const char *text)
{
    printf("%s\"%s\": ", before, name);
    string(text);
}

static void versions(const struct findings *info)
{
    member("", "version", PACKAGE_VERSION);
    member(",\n  ", "mpi", "5.0");
    member(",\n  ", "libfabric", *info->libfabric ? info->libfabric : NULL);
    member(",\n  ", "pmix", *info->pmix ? info->pmix : NULL);
}

static void params(void)
{
    fputs("\"parameters\": [", stdout);
    for (unsigned i = 0; i < param_count; i++) {
        struct param_row row;
        param_row(i, &row);
        fputs(i ? ",\n    " : "\n    ", stdout);
        member("{", "name", row.name);
        member(", ", "type", info_type(i));
        member(", ", "value", info_value(i));
        member(", ", "default", row.preset);
        member(", ", "from", row.taken ? "environment" : "default");
        member(", ", "help", row.help);
        putchar('}');
    }
    fputs("\n  ]", stdout);
}

static void providers_of(const char *before, const char *name, const struct info_providers *all)
{
    printf("%s\"%s\": [", before, name);
    for (size_t i = 0; i < all->count; i++) {
        const struct info_provider *p = &all->list[i];
        fputs(i ? ",\n      " : "\n      ", stdout);
        member("{", "provider", p->provider);
        member(", ", "domain", p->domain);
        printf(", \"chosen\": %s", p->why ? "false" : "true");
        member(", ", "why_not", p->why);
        member(", ", "windows", p->windows);
        putchar('}');
    }
    putchar(']');
}

static void providers(const struct findings *info)
{
    fputs("\"providers\": {", stdout);
    providers_of("\n    ", "one_host", &info->one_host);
    providers_of(",\n    ", "several_hosts", &info->several_hosts);
    fputs("\n  }", stdout);
}

static void collectives(void)
{
    struct info_algorithm a;

    fputs("\"collectives\": [", stdout);
    for (size_t i = 0; info_algorithm(i, &a); i++) {
        fputs(i ? ",\n    " : "\n    ", stdout);
        member("{", "operation", a.operation);
        member(", ", "algorithm", a.name);
        member(", ", "needs", a.needs);
        member(", ", "cost", a.formula);
        putchar('}');
    }
    fputs("\n  ]", stdout);
}

/* What the words in the formulas cost, by kind of endpoint. */
static void costs(void)
{
    coll_cost_open();
    fputs("\"costs\": {", stdout);
    for (int e = 0; e < COLL_ENDPOINTS; e++) {
        printf("%s\"%s\": {", e ? ",\n    " : "\n    ", coll_endpoint_names[e]);
        for (unsigned i = 0; i < coll_cost_count; i++)
            printf("%s\"%s\": %.9g", i ? ", " : "", coll_cost_rows[i].name,
                   coll_cost((enum coll_endpoint)e, i));
        putchar('}');
    }
    fputs("\n  }", stdout);
}

/* A comma before all but the first. */
static void next(bool *any)
{
    fputs(*any ? ",\n  " : "{\n  ", stdout);
    *any = true;
}

void info_json(const struct findings *info)
{
    bool any = false;

    if (info->show & SHOW_VERSION) {
        next(&any);
        versions(info);
    }
    if (info->show & SHOW_PARAMS) {
        next(&any);
        params();
    }
    if (info->show & SHOW_PROVIDERS) {
        next(&any);
        providers(info);
    }
    if (info->show & SHOW_COLLECTIVES) {
        next(&any);
        collectives();
        next(&any);
        costs();
    }
    puts("\n}");
}
