/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <mpi.h>
#include <pthread.h>
#include <string.h>

#include "core/object/err.h"

/* Every class of the ABI, the tools' too, has a sentence of its own that begins with its name. */
Test(err, sentences)
{
    enum { LAST = MPI_ERR_ABI, TOOLS = MPI_T_ERR_PVAR_NO_ATOMIC };
    int found = 0;

    for (int code = 0; code <= MPI_ERR_LASTCODE; code++) {
        const char *s = err_sentence(code);
        bool should = code <= LAST || (code >= MPI_T_ERR_CANNOT_INIT && code <= TOOLS);
        cr_assert_eq(s != NULL, should, "code %d", code);
        if (!s)
            continue;
        found++;
        cr_expect_eq(strncmp(s,
                             code > LAST ? "MPI_T_ERR_"
                             : code      ? "MPI_ERR_"
                                         : "MPI_SUCCESS",
                             code > LAST ? 10 : 8),
                     0, "%s", s);
        const char *colon = strstr(s, ": ");
        cr_expect(colon && strlen(colon) > 8, "%s says nothing", s);
        cr_expect_lt(strlen(s), 128);
        cr_expect_eq(err_class(code), code);
        for (int other = 0; other < code; other++)
            cr_assert(!err_sentence(other) || strcmp(err_sentence(other), s), "%s twice", s);
    }
    cr_expect_eq(found, 63 + 18, "%d sentences", found);
    cr_expect_null(err_sentence(-1));
    cr_expect_eq(err_class(-1), -1);
    cr_expect_eq(err_class(500), -1);
}

Test(err, detail)
{
    cr_expect_null(err_detail(MPI_ERR_RANK));
    cr_expect_eq(err_set(MPI_ERR_RANK, "destination %d", 7), MPI_ERR_RANK);
    cr_expect_str_eq(err_detail(MPI_ERR_RANK), "destination 7");
    cr_expect_null(err_detail(MPI_ERR_TAG), "of another class");
    err_set(MPI_ERR_TAG, "tag");
    cr_expect_null(err_detail(MPI_ERR_RANK), "only the last one");
    char longer[2000];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    err_set(MPI_ERR_ARG, "%s", longer);
    cr_expect_lt(strlen(err_detail(MPI_ERR_ARG)), MPI_MAX_ERROR_STRING);
    err_set(MPI_SUCCESS, "nothing");
    cr_expect_null(err_detail(MPI_SUCCESS));
}

static void *other_thread(void *arg)
{
    (void)arg;
    const char *seen = err_detail(MPI_ERR_RANK);
    err_set(MPI_ERR_RANK, "other");
    return (void *)seen;
}

Test(err, detail_is_the_threads_own)
{
    pthread_t t;
    void *seen;

    err_set(MPI_ERR_RANK, "mine");
    pthread_create(&t, NULL, other_thread, NULL);
    pthread_join(t, &seen);
    cr_expect_null(seen);
    cr_expect_str_eq(err_detail(MPI_ERR_RANK), "mine");
}

Test(err, from_errno)
{
    cr_expect_eq(err_from_errno(0, "x"), MPI_SUCCESS);
    cr_expect_eq(err_from_errno(-ENOMEM, "x"), MPI_ERR_NO_MEM);
    cr_expect_eq(err_from_errno(-EMSGSIZE, "x"), MPI_ERR_TRUNCATE);
    cr_expect_eq(err_from_errno(-ECONNRESET, "the peer"), MPI_ERR_PROC_ABORTED);
    cr_expect_str_eq(err_detail(MPI_ERR_PROC_ABORTED), "the peer: Connection reset by peer");
    cr_expect_eq(err_from_errno(-EXDEV, "x"), MPI_ERR_OTHER, "any other");
}

Test(err, added)
{
    int class, code, other;

    cr_expect_eq(*err_last_used(), MPI_ERR_LASTCODE);
    cr_assert_eq(err_add_class(&class), MPI_SUCCESS);
    cr_expect_gt(class, MPI_ERR_LASTCODE);
    cr_expect_eq(*err_last_used(), class);
    cr_expect_str_eq(err_sentence(class), "");
    cr_expect_eq(err_class(class), class);
    cr_assert_eq(err_add_code(class, &code), MPI_SUCCESS);
    cr_expect_eq(err_class(code), class);
    cr_assert_eq(err_add_code(MPI_ERR_IO, &other), MPI_SUCCESS, "codes of predefined classes");
    cr_expect_eq(err_class(other), MPI_ERR_IO);
    cr_expect_eq(*err_last_used(), other);
    cr_expect_eq(err_add_string(code, "first"), MPI_SUCCESS);
    cr_expect_eq(err_add_string(code, "second"), MPI_SUCCESS);
    cr_expect_str_eq(err_sentence(code), "second");

    cr_expect_eq(err_add_code(code, &other), MPI_ERR_ARG, "a code is no class");
    cr_expect_eq(err_add_code(400, &other), MPI_ERR_ARG);
    cr_expect_eq(err_add_string(MPI_ERR_RANK, "x"), MPI_ERR_ARG, "predefined");
    cr_expect_eq(err_add_string(999999, "x"), MPI_ERR_ARG);
}

Test(err, removed)
{
    int class, code, next;

    err_add_class(&class);
    err_add_code(class, &code);
    err_add_string(code, "text");
    err_add_string(class, "text");
    cr_expect_eq(err_remove_class(class), MPI_ERR_ARG, "has a code");
    cr_expect_eq(err_remove_code(code), MPI_ERR_ARG, "has a string");
    cr_expect_eq(err_remove_code(class), MPI_ERR_ARG, "is a class");
    cr_expect_eq(err_remove_class(code), MPI_ERR_ARG, "is a code");
    cr_expect_eq(err_remove_string(code), MPI_SUCCESS);
    cr_expect_eq(err_remove_string(code), MPI_ERR_ARG);
    cr_expect_str_eq(err_sentence(code), "");
    cr_expect_eq(err_remove_code(code), MPI_SUCCESS);
    cr_expect_eq(err_remove_code(code), MPI_ERR_ARG);
    cr_expect_eq(err_remove_class(class), MPI_ERR_ARG, "has a string");
    cr_expect_eq(err_remove_string(class), MPI_SUCCESS);
    cr_expect_eq(err_remove_class(class), MPI_SUCCESS);
    cr_expect_eq(err_remove_class(class), MPI_ERR_ARG);
    cr_expect_eq(err_class(class), -1);
    cr_expect_null(err_sentence(code));
    err_add_class(&next);
    cr_expect_gt(next, code, "numbers are not used twice");
    cr_expect_eq(*err_last_used(), next);
    cr_expect_eq(err_remove_class(MPI_ERR_RANK), MPI_ERR_ARG);
    cr_expect_eq(err_remove_code(MPI_SUCCESS), MPI_ERR_ARG);
    cr_expect_eq(err_remove_string(MPI_ERR_RANK), MPI_ERR_ARG);
}
