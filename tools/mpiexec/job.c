/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "job.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STATUS_USAGE = 2, STATUS_NOT_EXECUTABLE = 126, STATUS_NOT_FOUND = 127 };

int job_processors(void)
{
    for (int size = CPU_SETSIZE; size <= 1 << 16; size *= 2) {
        cpu_set_t *set = CPU_ALLOC(size);
        int count = 0;

        if (set != NULL && sched_getaffinity(0, CPU_ALLOC_SIZE(size), set) == 0)
            count = CPU_COUNT_S(CPU_ALLOC_SIZE(size), set);
        CPU_FREE(set);
        if (count > 0)
            return count;
    }
    return 1;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

char **job_clean_environment(char **environment)
{
    struct strings kept = {0};

    for (char **e = environment; *e != NULL; e++)
        if (!starts_with(*e, "PMIX_") || starts_with(*e, "PMIX_MCA_"))
            strings_add(&kept, *e);
    if (kept.n == 0) {
        strings_add(&kept, NULL);
        kept.n = 0;
    }
    return kept.v;
}

/* Sets NAME=VALUE in a list, in place of the same name's older value. */
static void set_variable(struct strings *env, char *pair)
{
    size_t size = (size_t)(strchr(pair, '=') - pair) + 1;

    for (size_t i = 0; i < env->n; i++)
        if (strncmp(env->v[i], pair, size) == 0) {
            env->v[i] = pair;
            return;
        }
    strings_add(env, pair);
}

static bool is_listed(const struct strings *names, const char *pair)
{
    size_t size = strcspn(pair, "=");

    for (size_t i = 0; i < names->n; i++)
        if (strlen(names->v[i]) == size && strncmp(names->v[i], pair, size) == 0)
            return true;
    return false;
}

static char **make_environment(const struct options *o, const struct app *app, char **environment)
{
    struct strings env = {0};

    for (char **e = environment; *e != NULL; e++)
        if (o->env_base == ENV_ALL || (o->env_base == ENV_LIST && is_listed(&o->env_names, *e)))
            strings_add(&env, *e);
    for (size_t i = 0; i < o->env.n; i++)
        set_variable(&env, o->env.v[i]);
    for (size_t i = 0; i < app->env.n; i++)
        set_variable(&env, app->env.v[i]);
    if (env.n == 0)
        strings_add(&env, NULL);
    return env.v;
}

static const char *lookup(char **env, const char *name)
{
    size_t size = strlen(name);

    for (; *env != NULL; env++)
        if (strncmp(*env, name, size) == 0 && (*env)[size] == '=')
            return *env + size + 1;
    return NULL;
}

/* 0, or why execve() of this file from the folder would fail. */
static int check_file(int folder, const char *path)
{
    struct stat st;

    if (fstatat(folder, path, &st, 0) != 0)
        return errno == ENOTDIR ? ENOENT : errno;
    if (!S_ISREG(st.st_mode))
        return EACCES;
    return faccessat(folder, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

/* Looks the name up in PATH as a shell does; a path that is not executable is kept as the reason.
 */
static int search_path(int folder, const char *name, const char *path, char **found)
{
    int reason = ENOENT;
    char file[PATH_MAX];

    for (const char *s = path;; s++) {
        size_t size = strcspn(s, ":");
        int error;

        if (size == 0)
            snprintf(file, sizeof(file), "./%s", name);
        else
            snprintf(file, sizeof(file), "%.*s/%s", (int)size, s, name);
        error = check_file(folder, file);
        if (error == 0) {
            *found = strdup(file);
            return *found != NULL ? 0 : ENOMEM;
        }
        if (error == EACCES)
            reason = EACCES;
        s += size;
        if (*s == '\0')
            return reason;
    }
}

static int find_program(const struct app *app, struct program *p)
{
    const char *path = lookup(p->env, "PATH");
    int folder = AT_FDCWD, error;
    char *name = app->argv[0];

    if (app->wdir != NULL) {
        folder = open(app->wdir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0) {
            say("--wdir %s: %s", app->wdir, strerror(errno));
            return STATUS_USAGE;
        }
    }
    if (*name == '\0') {
        error = ENOENT;
    } else if (strchr(name, '/') != NULL) {
        p->path = name;
        error = check_file(folder, name);
    } else {
        error = search_path(folder, name, path != NULL ? path : "/usr/local/bin:/usr/bin:/bin",
                            &p->path);
    }
    if (folder != AT_FDCWD)
        close(folder);
    if (error == 0)
        return 0;
    if (error == ENOENT) {
        say("%s: program not found%s", name,
            strchr(name, '/') != NULL ? "" : " in PATH (a program beside you needs \"./\")");
        return STATUS_NOT_FOUND;
    }
    say("%s: program cannot be executed: %s", name, strerror(error));
    return STATUS_NOT_EXECUTABLE;
}

static int make_program(struct job *job, const struct options *o, int i, char **environment)
{
    const struct app *app = &o->apps[i];
    struct program *p = &job->programs[i];

    p->argv = app->argv;
    p->argc = app->argc;
    p->wdir = app->wdir;
    p->env = make_environment(o, app, environment);
    p->first = job->nranks;
    if (app->np > 0)
        p->count = app->np;
    else if (o->napps > 1)
        p->count = 1;
    else if (o->per_node > 0)
        p->count = o->per_node;
    else
        p->count = o->slots > 0 ? o->slots : job_processors();
    if (p->count > INT_MAX - job->nranks) {
        say("-n %d: too many processes", p->count);
        return STATUS_USAGE;
    }
    job->nranks += p->count;
    return find_program(app, p);
}

static int make_names(struct job *job)
{
    uint64_t secret[2];

    if (gethostname(job->host, sizeof(job->host) - 1) != 0)
        strcpy(job->host, "localhost");
    if (getrandom(secret, sizeof(secret), 0) != sizeof(secret)) {
        say("no random numbers: %s", strerror(errno));
        return 1;
    }
    snprintf(job->name, sizeof(job->name), "oriel-%016llx%016llx", (unsigned long long)secret[0],
             (unsigned long long)secret[1]);
    return 0;
}

int job_make(struct job *job, const struct options *o, char **environment)
{
    int status;

    memset(job, 0, sizeof(*job));
    job->programs = calloc(o->napps, sizeof(*job->programs));
    if (job->programs == NULL)
        goto no_memory;
    job->nprograms = (int)o->napps;
    for (int i = 0; i < job->nprograms; i++) {
        status = make_program(job, o, i, environment);
        if (status != 0)
            return status;
    }
    job->ranks = calloc((size_t)job->nranks, sizeof(*job->ranks));
    if (job->ranks == NULL)
        goto no_memory;
    for (int i = 0; i < job->nprograms; i++)
        for (int r = 0; r < job->programs[i].count; r++) {
            struct rank *rank = &job->ranks[job->programs[i].first + r];

            rank->program = &job->programs[i];
            rank->number = job->programs[i].first + r;
            rank->appnum = i;
        }
    return make_names(job);

no_memory:
    say("out of memory for %d ranks", job->nranks);
    return 1;
}
