/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "slurm.h"
#include "hosts.h"
#include "say.h"
#include "signals.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static bool has_srun(void)
{
    const char *path = getenv("PATH");
    char file[PATH_MAX];

    if (path == NULL)
        return false;
    for (const char *s = path; *s != '\0'; s += *s == ':') {
        size_t size = strcspn(s, ":");

        snprintf(file, sizeof(file), "%.*s/srun", (int)size, s);
        if (size > 0 && access(file, X_OK) == 0)
            return true;
        s += size;
    }
    return false;
}

bool slurm_wanted(void)
{
    const char *nodes = getenv("SLURM_JOB_NUM_NODES");

    if (getenv("SLURM_JOB_ID") == NULL || getenv("SLURM_STEP_NUM_TASKS") != NULL)
        return false;
    return has_srun() || (nodes != NULL && atoi(nodes) > 1);
}

__attribute__((format(printf, 2, 3))) static void add(struct strings *args, const char *fmt, ...)
{
    va_list values;
    char *text;

    va_start(values, fmt);
    if (vasprintf(&text, fmt, values) < 0)
        abort();
    va_end(values);
    strings_add(args, text);
}

/* srun's word for a binding, NULL where it has none. */
static const char *bind_word(enum bind_to bind)
{
    switch (bind) {
    case BIND_NONE:
        return "none";
    case BIND_HWTHREAD:
        return "threads";
    case BIND_CORE:
        return "cores";
    case BIND_NUMA:
        return "ldoms";
    case BIND_PACKAGE:
        return "sockets";
    default:
        return NULL;
    }
}

static int add_binding(struct strings *args, const struct options *o)
{
    const char *word = bind_word(o->bind);

    if (word == NULL) {
        say("--bind-to %s: srun cannot; use core, hwthread, numa, package or none",
            options_bind_name(o->bind));
        return 2;
    }
    if (o->report_bindings)
        add(args, "--cpu-bind=verbose%s%s", o->bind_given ? "," : "", o->bind_given ? word : "");
    else if (o->bind_given)
        add(args, "--cpu-bind=%s", word);
    return 0;
}

static void join(char **text, const char *word)
{
    char *longer;

    if (asprintf(&longer, "%s%s%s", *text != NULL ? *text : "", *text != NULL ? "," : "", word) < 0)
        abort();
    free(*text);
    *text = longer;
}

static bool has_comma(const char *pair)
{
    return strchr(pair, ',') != NULL;
}

/* A value with a comma would end at it; srun then takes the variable from our environment. */
static void join_variable(char **text, const char *pair)
{
    if (has_comma(pair)) {
        char *name = strndup(pair, strcspn(pair, "="));

        if (name == NULL)
            abort();
        setenv(name, pair + strlen(name) + 1, 1);
        join(text, name);
        free(name);
    } else {
        join(text, pair);
    }
}

/* ALL is said although it is srun's default: after sbatch --export=NONE it is not. */
static void add_environment(struct strings *args, const struct options *o, const struct app *app)
{
    char *text = NULL;

    if (o->env_base == ENV_ALL)
        join(&text, "ALL");
    for (size_t i = 0; i < o->env_names.n && o->env_base == ENV_LIST; i++)
        join(&text, o->env_names.v[i]);
    for (size_t i = 0; i < o->env.n; i++)
        join_variable(&text, o->env.v[i]);
    for (size_t i = 0; i < app->env.n; i++)
        if (!has_comma(app->env.v[i]))
            join(&text, app->env.v[i]);
    add(args, "--export=%s", text != NULL ? text : "NIL");
    free(text);
}

/* Our environment is that of all programs: env gives one program alone a value with a comma. */
static void add_env_command(struct strings *args, const struct app *app)
{
    bool begun = false;

    for (size_t i = 0; i < app->env.n; i++)
        if (has_comma(app->env.v[i])) {
            if (!begun)
                add(args, "env");
            begun = true;
            add(args, "%s", app->env.v[i]);
        }
}

/* srun does not make folders. */
static int add_output(struct strings *args, const struct options *o)
{
    const char *tasks = getenv("SLURM_NTASKS");
    char path[PATH_MAX];
    int count = 0;

    if (o->output_dir == NULL)
        return 0;
    for (size_t i = 0; i < o->napps; i++)
        count += o->apps[i].np;
    if (count == 0 && tasks != NULL)
        count = atoi(tasks);
    if (count == 0) {
        say("--output-filename %s: inside a Slurm allocation it needs -n, too", o->output_dir);
        return 2;
    }
    mkdir(o->output_dir, 0777);
    snprintf(path, sizeof(path), "%s/1", o->output_dir);
    mkdir(path, 0777);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/1/rank.%d", o->output_dir, i);
        if (mkdir(path, 0777) != 0 && errno != EEXIST) {
            say("--output-filename: %s: %s", path, strerror(errno));
            return 2;
        }
    }
    add(args, "--output=%s/1/rank.%%t/stdout", o->output_dir);
    if (!o->merge_stderr)
        add(args, "--error=%s/1/rank.%%t/stderr", o->output_dir);
    return 0;
}

/*
 * Slurm knows this host by one name only; it has none for one that is outside the allocation. To
 * look up every name of a great job's would take long.
 */
static void add_hosts(struct strings *args, const struct options *o)
{
    const char *here = getenv("SLURMD_NODENAME");
    char *text = NULL;

    for (size_t i = 0; i < o->hosts.n; i++)
        join(&text, here != NULL && hosts_is_plainly_here(o->hosts.v[i]) ? here : o->hosts.v[i]);
    if (text != NULL)
        add(args, "--nodelist=%s", text);
    free(text);
}

/* What stands before each of the programs. */
static int add_app(struct strings *args, const struct options *o, const struct app *app)
{
    int status;

    add(args, "--mpi=pmix");
    add(args, "--kill-on-bad-exit=1");
    if (app->np > 0)
        add(args, "--ntasks=%d", app->np);
    if (o->per_node > 0)
        add(args, "--ntasks-per-node=%d", o->per_node);
    /* Rank 0 alone reads, as without Slurm. Where two programs ask for it srun 22.05 gives none. */
    add(args, "--input=%s", app == o->apps ? "0" : "none");
    status = add_binding(args, o);
    if (status == 0)
        status = add_output(args, o);
    if (status != 0)
        return status;
    if (app->wdir != NULL)
        add(args, "--chdir=%s", app->wdir);
    add_environment(args, o, app);
    add_hosts(args, o);
    if (o->tag != TAG_NONE)
        add(args, "--label");
    if (o->timeout > 0)
        add(args, "--time=%d", o->timeout / 60 + (o->timeout % 60 != 0));
    add_env_command(args, app);
    for (int i = 0; i < app->argc; i++)
        add(args, "%s", app->argv[i]);
    return 0;
}

static const int passed_on[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};

static void watch_signals(sigset_t *watched, sigset_t *before)
{
    sigemptyset(watched);
    sigaddset(watched, SIGCHLD);
    signals_add(watched, passed_on, sizeof(passed_on) / sizeof(passed_on[0]));
    sigprocmask(SIG_BLOCK, watched, before);
}

static _Noreturn void become_srun(char **args, const sigset_t *mask, pid_t parent)
{
    sigprocmask(SIG_SETMASK, mask, NULL);
    if (signals_any_unwanted())
        setsid();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == parent)
        execvp("srun", args);
    say("srun, which starts ranks inside a Slurm allocation: %s", strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

/*
 * A child and not this process itself: where this is killed, srun is told to end the job, whereas
 * Slurm lets the ranks of a killed srun run on. What the terminal sends reaches both by itself, but
 * srun takes also signals that are ignored: where there are any it has a session of its own, and
 * what we take is passed on to it.
 */
static int run_srun(char **args)
{
    sigset_t watched, before;
    siginfo_t info;
    pid_t self = getpid(), child;
    bool apart = signals_any_unwanted();
    int status;

    watch_signals(&watched, &before);
    child = fork();
    if (child < 0) {
        say("no process for srun: %s", strerror(errno));
        return 126;
    }
    if (child == 0)
        become_srun(args, &before, self);
    while (waitpid(child, &status, WNOHANG) != child)
        if (sigwaitinfo(&watched, &info) > 0 && info.si_signo != SIGCHLD &&
            (apart || info.si_code != SI_KERNEL))
            kill(child, info.si_signo);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int slurm_exec(const struct options *o)
{
    struct strings args = {0};

    add(&args, "srun");
    for (size_t i = 0; i < o->napps; i++) {
        int status;

        if (i > 0)
            add(&args, ":");
        status = add_app(&args, o, &o->apps[i]);
        if (status != 0)
            return status;
    }
    if (o->merge_stderr)
        dup2(STDOUT_FILENO, STDERR_FILENO);
    return run_srun(args.v);
}
