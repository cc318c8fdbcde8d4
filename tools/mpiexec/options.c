/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "options.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Where reading stands. */
struct cursor {
    struct options *o;
    struct app *app; /* the program that is being described */
    char **next;     /* the next word of the command line, NULL at its end */
    char *joined;    /* the value of --name=value, until it is taken */
    char *option;    /* the option as the user spelled it */
};

struct option {
    const char *names; /* without dashes, separated by blanks; the first is the one that is shown */
    const char *value; /* as shown by --help, NULL where it takes none */
    int (*take)(struct cursor *c, const struct option *opt);
    int number; /* what take() needs to know */
    const char *help;
};

static void *grow(void *old, size_t count, size_t size)
{
    void *new = reallocarray(old, count, size);

    if (new == NULL) {
        fputs("mpiexec: out of memory\n", stderr);
        exit(1);
    }
    return new;
}

void strings_add(struct strings *s, char *string)
{
    s->v = grow(s->v, s->n + 2, sizeof(*s->v));
    s->v[s->n++] = string;
    s->v[s->n] = NULL;
}

__attribute__((format(printf, 2, 3))) static int fail(struct options *o, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(o->error, sizeof(o->error), fmt, args);
    va_end(args);
    return -1;
}

static char *copy(const char *text)
{
    return strcpy(grow(NULL, strlen(text) + 1, 1), text);
}

/* The option's next value, NULL with the error set where there is none. */
static char *value(struct cursor *c)
{
    char *v = c->joined;

    if (v == NULL && *c->next != NULL)
        v = *c->next++;
    c->joined = NULL;
    if (v == NULL)
        fail(c->o, "%s needs a value", c->option);
    return v;
}

static int read_positive(struct cursor *c, const char *v, const char *what, int *out)
{
    char *end;
    long n;

    errno = 0;
    n = strtol(v, &end, 10);
    if (errno != 0 || end == v || *end != '\0' || n < 1 || n > INT_MAX)
        return fail(c->o, "%s %s: the %s must be a positive whole number", c->option, v, what);
    *out = (int)n;
    return 0;
}

static int take_positive(struct cursor *c, const char *what, int *out)
{
    char *v = value(c);

    return v != NULL ? read_positive(c, v, what, out) : -1;
}

static int take_np(struct cursor *c, const struct option *opt)
{
    (void)opt;
    return take_positive(c, "number of processes", &c->app->np);
}

static int take_per_node(struct cursor *c, const struct option *opt)
{
    (void)opt;
    return take_positive(c, "number of processes per host", &c->o->per_node);
}

/*
 * Of Open MPI's policies ppr:NUMBER:node is what -ppn is, and PE=NUMBER says how many objects a
 * rank is bound to. The others say on which host or in which order, which is the same here.
 */
static int take_map_by(struct cursor *c, const struct option *opt)
{
    char *v = value(c), *save = NULL;
    int status = 0;

    (void)opt;
    if (v == NULL)
        return -1;
    for (char *w = strtok_r(copy(v), ":,", &save); w; w = strtok_r(NULL, ":,", &save)) {
        if (strcasecmp(w, "ppr") == 0) {
            const char *number = strtok_r(NULL, ":,", &save), *unit = strtok_r(NULL, ":,", &save);

            if (unit != NULL && strcasecmp(unit, "node") == 0)
                status = read_positive(c, number, "number of processes per host", &c->o->per_node);
            else
                c->o->idle_map = v;
        } else if (strncasecmp(w, "pe=", 3) == 0) {
            status = read_positive(c, w + 3, "number of processors per rank", &c->o->per_rank);
        }
        if (status != 0)
            return -1;
    }
    return 0;
}

static int take_timeout(struct cursor *c, const struct option *opt)
{
    (void)opt;
    return take_positive(c, "number of seconds", &c->o->timeout);
}

/* Adds NAME=VALUE; a bare NAME stands for its value here and now, and for nothing if it has none.
 */
static void add_variable(struct strings *to, const char *name, const char *val)
{
    char *pair;

    if (val == NULL)
        val = getenv(name);
    if (val == NULL)
        return;
    pair = grow(NULL, strlen(name) + strlen(val) + 2, 1);
    sprintf(pair, "%s=%s", name, val);
    strings_add(to, pair);
}

/* Whether it can be the beginning of NAME=VALUE; an option that stands there is a mistake. */
static bool is_name(const char *word)
{
    return *word != '=' && *word != '\0' && *word != '-';
}

static int bad_name(struct cursor *c, const char *word)
{
    return fail(c->o, "%s %s: a variable's name is expected before \"=\"", c->option, word);
}

/* Before the first program it is for all of them, before a later one for that one alone. */
static struct strings *variables(struct cursor *c)
{
    return c->o->napps > 1 ? &c->app->env : &c->o->env;
}

/* -x NAME[=VALUE], several separated by commas only where no value is given (as Open MPI has it).
 */
static int take_x(struct cursor *c, const struct option *opt)
{
    char *v = value(c), *save = NULL;

    (void)opt;
    if (v == NULL)
        return -1;
    if (!is_name(v))
        return bad_name(c, v);
    if (strchr(v, '=') != NULL) {
        strings_add(variables(c), copy(v));
        return 0;
    }
    for (char *name = strtok_r(copy(v), ",", &save); name; name = strtok_r(NULL, ",", &save))
        add_variable(variables(c), name, NULL);
    return 0;
}

/* MPI's own options of that kind: the library finds their value in this variable. */
static int take_initial_errhandler(struct cursor *c, const struct option *opt)
{
    char *name = value(c), *text;

    (void)opt;
    if (name == NULL)
        return -1;
    if (asprintf(&text, "ORIEL_INITIAL_ERRHANDLER=%s", name) < 0)
        abort();
    strings_add(&c->o->env, text);
    return 0;
}

/* -genv NAME VALUE or -genv NAME=VALUE; number 1 for this program alone (-env). */
static int take_genv(struct cursor *c, const struct option *opt)
{
    struct strings *to = opt->number ? &c->app->env : &c->o->env;
    char *name = value(c), *val;

    if (name == NULL)
        return -1;
    if (!is_name(name))
        return bad_name(c, name);
    if (strchr(name, '=') != NULL) {
        strings_add(to, copy(name));
        return 0;
    }
    val = value(c);
    if (val == NULL)
        return fail(c->o, "%s %s needs a value after the name", c->option, name);
    add_variable(to, name, val);
    return 0;
}

static int take_list(struct cursor *c, struct strings *to)
{
    char *v = value(c), *save = NULL;

    if (v == NULL)
        return -1;
    for (char *word = strtok_r(copy(v), ",", &save); word; word = strtok_r(NULL, ",", &save))
        strings_add(to, word);
    if (to->n == 0)
        return fail(c->o, "%s needs a list separated by commas", c->option);
    return 0;
}

static int take_env_list(struct cursor *c, const struct option *opt)
{
    (void)opt;
    c->o->env_base = ENV_LIST;
    return take_list(c, &c->o->env_names);
}

static int take_env_base(struct cursor *c, const struct option *opt)
{
    c->o->env_base = (enum env_base)opt->number;
    return 0;
}

static int take_hosts(struct cursor *c, const struct option *opt)
{
    (void)opt;
    return take_list(c, &c->o->hosts);
}

static int take_hostfile(struct cursor *c, const struct option *opt)
{
    char *v = value(c);

    (void)opt;
    if (v == NULL)
        return -1;
    strings_add(&c->o->hostfiles, v);
    return 0;
}

static int take_wdir(struct cursor *c, const struct option *opt)
{
    (void)opt;
    c->app->wdir = value(c);
    return c->app->wdir == NULL ? -1 : 0;
}

static int take_output_dir(struct cursor *c, const struct option *opt)
{
    (void)opt;
    c->o->output_dir = value(c);
    return c->o->output_dir == NULL ? -1 : 0;
}

static const struct {
    const char *name;
    enum bind_to bind;
} bindings[] = {
    {"none", BIND_NONE},       {"core", BIND_CORE},       {"hwthread", BIND_HWTHREAD},
    {"package", BIND_PACKAGE}, {"numa", BIND_NUMA},       {"l1cache", BIND_L1},
    {"l2cache", BIND_L2},      {"l3cache", BIND_L3},      {"socket", BIND_PACKAGE},
    {"no", BIND_NONE},         {"board", BIND_NONE},      {"machine", BIND_NONE},
    {"l1", BIND_L1},           {"l2", BIND_L2},           {"l3", BIND_L3},
    {"cpu", BIND_HWTHREAD},    {"thread", BIND_HWTHREAD},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *options_bind_name(enum bind_to bind)
{
    for (size_t i = 0; i < COUNT(bindings); i++)
        if (bindings[i].bind == bind)
            return bindings[i].name;
    return "none";
}

/* Open MPI's qualifiers ask for what is always so here: overloading is allowed. */
static bool is_known_qualifier(const char *text)
{
    return strcmp(text, "") == 0 || strcmp(text, ":overload-allowed") == 0 ||
           strcmp(text, ":if-supported") == 0;
}

static int take_bind(struct cursor *c, const struct option *opt)
{
    char *v = value(c);
    size_t size;

    (void)opt;
    if (v == NULL)
        return -1;
    size = strcspn(v, ":");
    for (size_t i = 0; i < COUNT(bindings); i++)
        if (strlen(bindings[i].name) == size && strncmp(bindings[i].name, v, size) == 0 &&
            is_known_qualifier(v + size)) {
            c->o->bind = bindings[i].bind;
            c->o->bind_given = true;
            return 0;
        }
    return fail(c->o,
                "%s %s: ranks can be bound to none, hwthread, core, l1cache, l2cache, l3cache, "
                "numa or package (socket)",
                c->option, v);
}

static int take_bind_flag(struct cursor *c, const struct option *opt)
{
    c->o->bind = (enum bind_to)opt->number;
    c->o->bind_given = true;
    return 0;
}

static int take_tag(struct cursor *c, const struct option *opt)
{
    c->o->tag = (enum tag)opt->number;
    return 0;
}

static int take_report(struct cursor *c, const struct option *opt)
{
    (void)opt;
    c->o->report_bindings = true;
    return 0;
}

static int take_merge(struct cursor *c, const struct option *opt)
{
    (void)opt;
    c->o->merge_stderr = true;
    return 0;
}

static int take_help(struct cursor *c, const struct option *opt)
{
    (void)opt;
    c->o->help = true;
    return 0;
}

static int take_version(struct cursor *c, const struct option *opt)
{
    (void)opt;
    c->o->version = true;
    return 0;
}

/* Accepted, with so many values, and without effect. */
static int take_nothing(struct cursor *c, const struct option *opt)
{
    for (int i = 0; i < opt->number; i++)
        if (value(c) == NULL)
            return -1;
    return 0;
}

static const struct option table[] = {
    {"n np c", "NUMBER", take_np, 0,
     "start NUMBER ranks (default: the hosts' slots, else one per available processor)"},
    {"bind-to", "WHERE", take_bind, 0,
     "bind each rank: none, hwthread, core, l1cache, l2cache, l3cache, numa, package"},
    {"bind-to-core", NULL, take_bind_flag, BIND_CORE, "the same as --bind-to core"},
    {"bind-to-socket", NULL, take_bind_flag, BIND_PACKAGE, "the same as --bind-to package"},
    {"bind-to-none", NULL, take_bind_flag, BIND_NONE, "the same as --bind-to none"},
    {"report-bindings export-bindings", NULL, take_report, 0,
     "print where each rank is bound, on standard error"},
    {"x", "NAME[=VALUE]", take_x, 0,
     "set a variable in every rank's environment; after a colon, in this program's ranks'"},
    {"genv", "NAME VALUE", take_genv, 0, "the same, as two words, always in every rank's"},
    {"env", "NAME VALUE", take_genv, 1, "the same, for this program's ranks alone"},
    {"initial-errhandler", "NAME", take_initial_errhandler, 0,
     "start with mpi_errors_are_fatal (default), mpi_errors_abort or mpi_errors_return"},
    {"memory-alloc-kinds", "KIND,...", take_nothing, 1,
     "accepted: all kinds of memory that there are always work"},
    {"genvall envall", NULL, take_env_base, ENV_ALL, "pass the whole environment on (default)"},
    {"genvlist envlist", "NAME,...", take_env_list, 0, "pass only these variables on"},
    {"genvnone envnone", NULL, take_env_base, ENV_NONE, "pass no variable on"},
    {"wdir wd", "FOLDER", take_wdir, 0, "start this program's ranks in FOLDER"},
    {"tag-output", NULL, take_tag, TAG_JOB, "begin each line of output with [1,RANK]<stdout>:"},
    {"l prepend-rank", NULL, take_tag, TAG_RANK, "begin each line of output with [RANK]"},
    {"output-filename", "FOLDER", take_output_dir, 0,
     "write output to FOLDER/1/rank.RANK/stdout and stderr"},
    {"merge-stderr-to-stdout", NULL, take_merge, 0, "standard error goes where output goes"},
    {"host H hosts", "NAME,...", take_hosts, 0, "run on these hosts (here: this one)"},
    {"hostfile machinefile f", "FILE", take_hostfile, 0, "run on the hosts that FILE lists"},
    {"ppn N npernode", "NUMBER", take_per_node, 0, "ranks per host, used where -n is not given"},
    {"timeout", "SECONDS", take_timeout, 0, "end the job after so many seconds, status 124"},
    {"version V", NULL, take_version, 0, "print the version"},
    {"help h", NULL, take_help, 0, "print this list"},
    {"oversubscribe", NULL, take_nothing, 0, "accepted: more ranks than processors always run"},
    {"allow-run-as-root", NULL, take_nothing, 0, "accepted: root may always run"},
    {"use-hwthread-cpus", NULL, take_nothing, 0, "accepted: processors are counted, not cores"},
    {"map-by", "POLICY", take_map_by, 0,
     "ppr:NUMBER:node is -ppn, PE=NUMBER binds a rank to so many; no other has an effect"},
    {"rank-by", "POLICY", take_nothing, 1, "accepted, without effect on one host"},
    {"mca gmca", "NAME VALUE", take_nothing, 2, "accepted, Open MPI's parameters have no effect"},
    {"pmixmca prtemca", "NAME VALUE", take_nothing, 2, "accepted, without effect"},
    {"quiet q", NULL, take_nothing, 0, "accepted: mpiexec speaks only of failures"},
    {"verbose v", NULL, take_nothing, 0, "accepted, without effect"},
};

/* Length of a name within the blank-separated list at s; 0 at the end. */
static size_t name_size(const char *s)
{
    return strcspn(s, " ");
}

static const char *next_name(const char *s)
{
    s += name_size(s);
    return *s == ' ' ? s + 1 : s;
}

static const struct option *find(const char *name, size_t size)
{
    for (size_t i = 0; i < COUNT(table); i++)
        for (const char *s = table[i].names; *s != '\0'; s = next_name(s))
            if (name_size(s) == size && strncmp(s, name, size) == 0)
                return &table[i];
    return NULL;
}

#define MAX_NAME 63

/* Edit distance (Wagner and Fischer, "The String-to-String Correction Problem", 1974), one row. */
static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t row[MAX_NAME + 1];

    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);

            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[nb];
}

static int fail_unknown(struct options *o, const char *word, const char *name, size_t size)
{
    const char *nearest = table[0].names;
    size_t least = SIZE_MAX;

    if (size > MAX_NAME)
        size = MAX_NAME;
    for (size_t i = 0; i < COUNT(table); i++)
        for (const char *s = table[i].names; *s != '\0'; s = next_name(s)) {
            size_t d = distance(name, size, s, name_size(s));

            if (d < least) {
                least = d;
                nearest = s;
            }
        }
    size = name_size(nearest);
    return fail(o, "unknown option %s, the nearest known one is %s%.*s (--help lists them all)",
                word, size == 1 ? "-" : "--", (int)size, nearest);
}

static int read_option(struct cursor *c)
{
    char *word = *c->next++;
    const char *name = word + (word[1] == '-' ? 2 : 1);
    size_t size = strcspn(name, "=");
    const struct option *opt = find(name, size);

    if (opt == NULL)
        return fail_unknown(c->o, word, name, size);
    c->option = copy(word);
    c->joined = NULL;
    if (name[size] == '=') {
        c->option[name - word + (ptrdiff_t)size] = '\0';
        if (opt->value == NULL)
            return fail(c->o, "%s takes no value", c->option);
        c->joined = word + (name - word) + size + 1;
    }
    return opt->take(c, opt);
}

/* The options before a program; "--" ends them, as does the first word that is not one. */
static int read_options(struct cursor *c)
{
    while (*c->next != NULL && (*c->next)[0] == '-' && (*c->next)[1] != '\0') {
        if (strcmp(*c->next, "--") == 0) {
            c->next++;
            return 0;
        }
        if (read_option(c) != 0)
            return -1;
    }
    return 0;
}

/* A program and its arguments up to a colon that stands alone. */
static int read_program(struct cursor *c)
{
    c->app->argv = c->next;
    while (*c->next != NULL && strcmp(*c->next, ":") != 0)
        c->next++;
    c->app->argc = (int)(c->next - c->app->argv);
    if (c->app->argc == 0)
        return fail(c->o, "no program was given%s (--help lists the options)",
                    c->o->napps > 1 || *c->next != NULL ? " beside \":\"" : "");
    return 0;
}

static struct app *add_app(struct options *o)
{
    o->apps = grow(o->apps, o->napps + 1, sizeof(*o->apps));
    memset(&o->apps[o->napps], 0, sizeof(*o->apps));
    return &o->apps[o->napps++];
}

int options_parse(int argc, char **argv, struct options *o)
{
    struct cursor c = {.o = o};
    bool more = true;

    memset(o, 0, sizeof(*o));
    c.next = argc > 0 ? argv + 1 : argv;
    while (more) {
        c.app = add_app(o);
        if (read_options(&c) != 0)
            return -1;
        if (o->help || o->version)
            return 0;
        if (read_program(&c) != 0)
            return -1;
        more = *c.next != NULL;
        if (more)
            *c.next++ = NULL; /* the colon ends the argument list before it */
    }
    return 0;
}

static void print_option(const struct option *opt)
{
    char left[128] = "  ";
    size_t used = 2;

    for (const char *s = opt->names; *s != '\0'; s = next_name(s)) {
        int size = (int)name_size(s);

        used += (size_t)snprintf(left + used, sizeof(left) - used, "%s%s%.*s", used > 2 ? ", " : "",
                                 size == 1 ? "-" : "--", size, s);
    }
    if (opt->value != NULL)
        used += (size_t)snprintf(left + used, sizeof(left) - used, " %s", opt->value);
    if (used > 33)
        printf("%s\n%35s%s\n", left, "", opt->help);
    else
        printf("%-35s%s\n", left, opt->help);
}

void options_print(void)
{
    puts("usage: mpiexec [options] program [arguments] [: [options] program [arguments]]...\n"
         "\n"
         "Starts an MPI program's ranks on this host. Options have one dash or two:");
    for (size_t i = 0; i < COUNT(table); i++)
        print_option(&table[i]);
}
