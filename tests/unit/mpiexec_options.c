/* SPDX-License-Identifier: BSD-3-Clause */
/* mpiexec's command line, read without a machine. */
#include "tools/mpiexec/options.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct options o;

/* Reads a command line of words separated by blanks; a word may be "" for an empty one. */
static int parse(const char *text)
{
    static char *argv[64]; /* what is read points into it */
    char *copy = strdup(text), *save = NULL;
    int argc = 0;

    argv[argc++] = (char *)"mpiexec";
    for (char *w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
        argv[argc++] = strcmp(w, "\"\"") == 0 ? (char *)"" : w;
    argv[argc] = NULL;
    return options_parse(argc, argv, &o);
}

static void expect_program(size_t i, int np, const char *name, int argc)
{
    cr_assert_lt(i, o.napps, "there are %zu programs, not %zu", o.napps, i + 1);
    cr_expect_eq(o.apps[i].np, np, "program %zu has %d ranks, not %d", i, o.apps[i].np, np);
    cr_expect_str_eq(o.apps[i].argv[0], name);
    cr_expect_eq(o.apps[i].argc, argc);
    cr_expect_null(o.apps[i].argv[argc], "program %zu's arguments have no end", i);
}

Test(mpiexec_options, number)
{
    static const char *const lines[] = {"-n 3 a", "--n 3 a", "-np 3 a",   "--np 3 a",
                                        "-c 3 a", "-np=3 a", "-n 3 -- a", "-n 9 -n 3 a"};

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        cr_assert_eq(parse(lines[i]), 0, "%s: %s", lines[i], o.error);
        cr_expect_eq(o.napps, 1);
        expect_program(0, 3, "a", 1);
    }
    cr_assert_eq(parse("a"), 0);
    expect_program(0, 0, "a", 1);
}

Test(mpiexec_options, bad_number)
{
    static const char *const lines[] = {"-n 0 a",    "-n x a",   "-n -1 a",          "-n 1x a",
                                        "-n \"\" a", "-n 1.0 a", "-n 99999999999 a", "-n= a"};

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        cr_expect_eq(parse(lines[i]), -1, "%s was accepted", lines[i]);
        cr_expect(strstr(o.error, "must be a positive whole number") != NULL, "%s: %s", lines[i],
                  o.error);
    }
}

Test(mpiexec_options, seed_lines)
{
    cr_assert_eq(parse("--oversubscribe --np 8 python3 mpi4py/fstmpi.py"), 0);
    expect_program(0, 8, "python3", 2);
    cr_assert_eq(parse("-export-bindings --bind-to-core --np 8 python3 picklempi.py"), 0);
    expect_program(0, 8, "python3", 2);
    cr_expect(o.report_bindings);
    cr_expect_eq(o.bind, BIND_CORE);
    cr_assert_eq(parse("--bind-to core --np 2 python3 a.py"), 0);
    cr_expect_eq(o.bind, BIND_CORE);
    cr_expect(!o.report_bindings);
}

Test(mpiexec_options, several_programs)
{
    cr_assert_eq(parse("-n 1 -env A 1 a -n : -n 2 --wdir /x b : c : :"), -1);
    cr_assert_eq(parse("-x G=1 -n 1 -env A 1 a -n 7 : -n 2 --wdir /x b : c"), 0, "%s", o.error);
    cr_assert_eq(o.napps, 3);
    expect_program(0, 1, "a", 3);
    expect_program(1, 2, "b", 1);
    expect_program(2, 0, "c", 1);
    cr_expect_null(o.apps[0].wdir);
    cr_expect_str_eq(o.apps[1].wdir, "/x");
    cr_expect_eq(o.apps[0].env.n, 1);
    cr_expect_str_eq(o.apps[0].env.v[0], "A=1");
    cr_expect_eq(o.apps[1].env.n, 0);
    cr_expect_eq(o.env.n, 1);
    cr_expect_str_eq(o.env.v[0], "G=1");
}

Test(mpiexec_options, environment)
{
    setenv("HERE", "yes", 1);
    unsetenv("NOWHERE");
    cr_assert_eq(parse("-x A=b=c -x HERE,NOWHERE -genv D e -genv F=g -genvlist P,Q a"), 0);
    cr_assert_eq(o.env.n, 4);
    cr_expect_str_eq(o.env.v[0], "A=b=c");
    cr_expect_str_eq(o.env.v[1], "HERE=yes");
    cr_expect_str_eq(o.env.v[2], "D=e");
    cr_expect_str_eq(o.env.v[3], "F=g");
    cr_expect_eq(o.env_base, ENV_LIST);
    cr_assert_eq(o.env_names.n, 2);
    cr_expect_str_eq(o.env_names.v[1], "Q");
    cr_expect_eq(parse("-x =b a"), -1);
    cr_expect_eq(parse("-genv D"), -1);
}

Test(mpiexec_options, bindings)
{
    static const struct {
        const char *word;
        enum bind_to bind;
    } known[] = {
        {"none", BIND_NONE},         {"core", BIND_CORE},
        {"hwthread", BIND_HWTHREAD}, {"numa", BIND_NUMA},
        {"socket", BIND_PACKAGE},    {"package", BIND_PACKAGE},
        {"l1cache", BIND_L1},        {"l2cache", BIND_L2},
        {"l3cache", BIND_L3},        {"core:overload-allowed", BIND_CORE},
    };
    char line[128];

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        snprintf(line, sizeof(line), "--bind-to %s a", known[i].word);
        cr_assert_eq(parse(line), 0, "%s: %s", line, o.error);
        cr_expect_eq(o.bind, known[i].bind, "%s", line);
        cr_expect(o.bind_given);
    }
    cr_expect_eq(parse("--bind-to cor a"), -1);
    cr_expect_eq(parse("--bind-to core:7 a"), -1);
    cr_assert_eq(parse("a"), 0);
    cr_expect_eq(o.bind, BIND_NONE);
    cr_expect(!o.bind_given);
    cr_expect_str_eq(options_bind_name(BIND_PACKAGE), "package");
}

Test(mpiexec_options, nearest)
{
    static const struct {
        const char *line, *said;
    } cases[] = {
        {"--oversubscrib a", "unknown option --oversubscrib, the nearest known one is "
                             "--oversubscribe "},
        {"-tagoutput a", "is --tag-output "},
        {"--bind-ot core a", "is --bind-to "},
        {"--hostfiel=x a", "unknown option --hostfiel=x, the nearest known one is --hostfile "},
        {"-m a", "is -"},
        {"--a-very-long-name-that-is-longer-than-any-name-that-is-known-to-the-table a", "nearest"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_eq(parse(cases[i].line), -1, "%s was accepted", cases[i].line);
        cr_expect(strstr(o.error, cases[i].said) != NULL, "%s: %s", cases[i].line, o.error);
    }
}

Test(mpiexec_options, incomplete)
{
    static const char *const lines[] = {"",        "-n 2",   "-n",          "--host",
                                        "--mca a", ": a",    "a :",         "--timeout 0 a",
                                        "--",      "-H , a", "--version=1", "-ppn 0 a"};

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        cr_expect_eq(parse(lines[i]), -1, "\"%s\" was accepted", lines[i]);
        cr_expect_str_neq(o.error, "", "\"%s\" was refused without a reason", lines[i]);
    }
}

Test(mpiexec_options, ignored)
{
    cr_assert_eq(parse("--mca btl self --gmca a b -map-by core --rank-by slot -q -v "
                       "--allow-run-as-root --use-hwthread-cpus -n 2 a"),
                 0, "%s", o.error);
    expect_program(0, 2, "a", 1);
}

Test(mpiexec_options, questions)
{
    cr_assert_eq(parse("--version"), 0);
    cr_expect(o.version);
    cr_assert_eq(parse("-n 2 --help"), 0);
    cr_expect(o.help);
    cr_assert_eq(parse("a --help"), 0);
    cr_expect(!o.help, "a program's own option was taken");
}
