/* SPDX-License-Identifier: BSD-3-Clause */
/* oriel-info: what this library is, its parameters, and which network it would use and why. */
#include <config.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "provider/base/param.h"
#include "provider/boot/boot.h"
#include "provider/fabric/fabric.h"
#include "tools/info/info.h"

static const char usage[] =
    "Usage: oriel-info [OPTION]...\n"
    "Print what Oriel is, its parameters, the networks it finds and its collectives' algorithms.\n"
    "\n"
    "      --params       the parameters: name, type, value, where it is from, what it does\n"
    "      --providers    providers, libfabric's and ours: which is chosen, why others are not\n"
    "      --collectives  the algorithms of each collective, and by what formula one is chosen\n"
    "      --json         the same for programs\n"
    "      --version      the versions and nothing else\n"
    "      --help         this text\n"
    "\n"
    "Without one of these version, parameters and providers are printed; with --json all.\n";

const char *info_type(unsigned param)
{
    static const char *const types[] = {"string", "int", "bool", "size"};
    struct param_row row;

    param_row(param, &row);
    return types[row.type];
}

const char *info_value(unsigned param)
{
    static char text[32];
    struct param_row row;

    param_row(param, &row);
    switch (row.type) {
    case PARAM_STRING:
        return *(const char *const *)row.at;
    case PARAM_BOOL:
        return *(const bool *)row.at ? "yes" : "no";
    case PARAM_INT:
        snprintf(text, sizeof(text), "%ld", *(const long *)row.at);
        break;
    case PARAM_SIZE:
        snprintf(text, sizeof(text), "%zu", *(const size_t *)row.at);
        break;
    }
    return text;
}

static char *copy(const char *text)
{
    char *own = text ? strdup(text) : NULL;

    if (text && !own)
        abort();
    return own;
}

static void add(const struct fabric_candidate *c, void *arg)
{
    struct info_providers *all = arg;

    all->list = realloc(all->list, (all->count + 1) * sizeof(*all->list));
    if (!all->list)
        abort();
    all->list[all->count++] = (struct info_provider){
        copy(c->provider), copy(c->domain), c->chosen ? NULL : copy(c->why), copy(c->windows)};
    all->chosen |= c->chosen;
}

static void forget(struct info_providers *all)
{
    for (size_t i = 0; i < all->count; i++) {
        free(all->list[i].provider);
        free(all->list[i].domain);
        free(all->list[i].why);
        free(all->list[i].windows);
    }
    free(all->list);
}

/* A rank of a job sees what that job sees; without a launcher both kinds of job are answered for.
 */
static int find_providers(struct findings *info)
{
    int rc = boot_open();

    if (rc)
        return rc;
    if (boot_info()->singleton || boot_info()->one_host)
        rc = fabric_candidates(true, add, &info->one_host);
    if (!rc && (boot_info()->singleton || !boot_info()->one_host))
        rc = fabric_candidates(false, add, &info->several_hosts);
    boot_close();
    return rc;
}

/* Who cannot go on says so here as well, whatever was printed. */
static int verdict(const struct findings *info, int rc)
{
    bool chosen = info->one_host.chosen || info->several_hosts.chosen;

    if (rc)
        fprintf(stderr, "oriel-info: the providers cannot be listed: %s\n", strerror(-rc));
    else if (!chosen)
        fprintf(stderr, "oriel-info: none of them can be used%s\n",
                getenv("FI_PROVIDER") ? "; FI_PROVIDER is set" : "");
    return rc || !chosen;
}

/* What was lost earlier, when a buffer was full, does not come up again at the end. */
static int written(void)
{
    int failed = fflush(stdout) || ferror(stdout);

    if (failed)
        perror("oriel-info: standard output");
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int show(struct findings *info, bool json)
{
    int rc = 0;

    param_open();
    fabric_version(info->libfabric, sizeof(info->libfabric));
    boot_version(info->pmix, sizeof(info->pmix));
    if (info->show & SHOW_PROVIDERS)
        rc = find_providers(info);
    if (json)
        info_json(info);
    else
        info_text(info);
    if (info->show & SHOW_PROVIDERS)
        rc = verdict(info, rc);
    forget(&info->one_host);
    forget(&info->several_hosts);
    return rc ? EXIT_FAILURE : written();
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"params", no_argument, NULL, 'p'},
                                            {"providers", no_argument, NULL, 'f'},
                                            {"collectives", no_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"version", no_argument, NULL, 'V'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    static struct findings info;
    bool json = false;
    int option;

    while ((option = getopt_long(argc, argv, "hV", options, NULL)) != -1)
        switch (option) {
        case 'p':
            info.show |= SHOW_PARAMS;
            break;
        case 'f':
            info.show |= SHOW_PROVIDERS;
            break;
        case 'c':
            info.show |= SHOW_COLLECTIVES;
            break;
        case 'V':
            info.show |= SHOW_VERSION;
            break;
        case 'j':
            json = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return written();
        default:
            fputs("Try 'oriel-info --help'.\n", stderr);
            return 2;
        }
    if (optind < argc) {
        fprintf(stderr, "oriel-info: what is '%s'? Try 'oriel-info --help'.\n", argv[optind]);
        return 2;
    }
    if (!info.show)
        info.show = SHOW_VERSION | SHOW_PARAMS | SHOW_PROVIDERS | (json ? SHOW_COLLECTIVES : 0);
    return show(&info, json);
}
