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
/* One sentence for a class or code, predefined or added by the program; NULL where there is none.
 */
const char *err_sentence(int code);

#endif
