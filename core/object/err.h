/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Error classes with their sentence, and the detail of this thread's last error.
 *
 * Inside the core a function returns MPI_SUCCESS or an error class (which is the code that the
 * program sees). Whoever first decides that something is wrong calls err_set with what happened -
 * who, whom, which size - and passes the class up; nobody above says it again. The detail is shown
 * by the fatal handler and by MPI_Error_string of that class, in the thread where it happened.
 */
#ifndef ORIEL_OBJECT_ERR_H
#define ORIEL_OBJECT_ERR_H

/* Records the detail; returns the class, for `return err_set(...)`. */
int err_set(int class, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The translation of a provider's -errno; `what` is what was being done. */
int err_from_errno(int negative_errno, const char *what);

/* The detail of this thread's last error if it was of that class, else NULL. */
const char *err_detail(int class);
/*
 * One sentence for a class or code, predefined or added by the program ("" before it has a string);
 * NULL where the number means nothing. Good until this thread's next call.
 */
const char *err_sentence(int code);
/* The class of a code, itself for a class; -1 where the number means nothing. */
int err_class(int code);

/* What the program adds and removes (9.5): MPI_SUCCESS, MPI_ERR_ARG or MPI_ERR_NO_MEM. */
int err_add_class(int *class);
int err_add_code(int class, int *code);
int err_add_string(int code, const char *string); /* replaces an older one */
int err_remove_class(int class);                  /* without codes and string left */
int err_remove_code(int code);                    /* without string left */
int err_remove_string(int code);
const int *err_last_used(void); /* MPI_LASTUSEDCODE: always the present value */

#endif
