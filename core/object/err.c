/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <mpi.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/object/err.h"
#include "provider/base/lock.h"

#define ROW(class, sentence) [class] = #class ": " sentence

static const char *const classes[] = {
    ROW(MPI_SUCCESS, "no error"),
    ROW(MPI_ERR_BUFFER, "invalid buffer"),
    ROW(MPI_ERR_COUNT, "invalid count"),
    ROW(MPI_ERR_TYPE, "invalid datatype"),
    ROW(MPI_ERR_TAG, "invalid tag"),
    ROW(MPI_ERR_COMM, "invalid communicator"),
    ROW(MPI_ERR_RANK, "invalid rank"),
    ROW(MPI_ERR_REQUEST, "invalid request"),
    ROW(MPI_ERR_ROOT, "invalid root"),
    ROW(MPI_ERR_GROUP, "invalid group"),
    ROW(MPI_ERR_OP, "invalid operator"),
    ROW(MPI_ERR_TOPOLOGY, "invalid topology"),
    ROW(MPI_ERR_DIMS, "invalid dimensions"),
    ROW(MPI_ERR_ARG, "invalid argument"),
    ROW(MPI_ERR_UNKNOWN, "unknown error"),
    ROW(MPI_ERR_TRUNCATE, "the message is longer than the buffer it was received into"),
    ROW(MPI_ERR_OTHER, "the call failed"),
    ROW(MPI_ERR_INTERN, "internal error of the library, please report it"),
    ROW(MPI_ERR_PENDING, "the request is neither complete nor failed"),
    ROW(MPI_ERR_IN_STATUS, "the error code is in the status"),
    ROW(MPI_ERR_ACCESS, "permission denied"),
    ROW(MPI_ERR_AMODE, "the access mode is invalid or not the same on all processes"),
    ROW(MPI_ERR_ASSERT, "invalid assertion"),
    ROW(MPI_ERR_BAD_FILE, "invalid file name"),
    ROW(MPI_ERR_BASE, "invalid base address"),
    ROW(MPI_ERR_CONVERSION, "a data conversion function failed"),
    ROW(MPI_ERR_DISP, "invalid displacement"),
    ROW(MPI_ERR_DUP_DATAREP, "the data representation is defined already"),
    ROW(MPI_ERR_FILE_EXISTS, "the file exists"),
    ROW(MPI_ERR_FILE_IN_USE, "the file is open in some process"),
    ROW(MPI_ERR_FILE, "invalid file handle"),
    ROW(MPI_ERR_INFO_KEY, "the info key is empty or longer than MPI_MAX_INFO_KEY"),
    ROW(MPI_ERR_INFO_NOKEY, "the info object has no such key"),
    ROW(MPI_ERR_INFO_VALUE, "the info value is invalid or longer than MPI_MAX_INFO_VAL"),
    ROW(MPI_ERR_INFO, "invalid info object"),
    ROW(MPI_ERR_IO, "input or output failed"),
    ROW(MPI_ERR_KEYVAL, "invalid attribute key"),
    ROW(MPI_ERR_LOCKTYPE, "invalid lock type"),
    ROW(MPI_ERR_NAME, "no service is published under that name"),
    ROW(MPI_ERR_NO_MEM, "out of memory"),
    ROW(MPI_ERR_NOT_SAME, "an argument is not the same on all processes"),
    ROW(MPI_ERR_NO_SPACE, "no space left on the device"),
    ROW(MPI_ERR_NO_SUCH_FILE, "the file does not exist"),
    ROW(MPI_ERR_PORT, "invalid port name"),
    ROW(MPI_ERR_QUOTA, "the disk quota is exceeded"),
    ROW(MPI_ERR_READ_ONLY, "the file or its file system is read-only"),
    ROW(MPI_ERR_RMA_ATTACH, "the memory cannot be attached"),
    ROW(MPI_ERR_RMA_CONFLICT, "conflicting accesses to a window"),
    ROW(MPI_ERR_RMA_RANGE, "the target memory is not part of the window"),
    ROW(MPI_ERR_RMA_SHARED, "the memory cannot be shared"),
    ROW(MPI_ERR_RMA_SYNC, "wrong synchronization of one-sided operations"),
    ROW(MPI_ERR_SERVICE, "invalid service name"),
    ROW(MPI_ERR_SIZE, "invalid size"),
    ROW(MPI_ERR_SPAWN, "processes could not be started"),
    ROW(MPI_ERR_UNSUPPORTED_DATAREP, "the data representation is not supported"),
    ROW(MPI_ERR_UNSUPPORTED_OPERATION, "the operation is not supported"),
    ROW(MPI_ERR_WIN, "invalid window"),
    ROW(MPI_ERR_RMA_FLAVOR, "the window's flavor does not allow this"),
    ROW(MPI_ERR_PROC_ABORTED, "a peer process has ended"),
    ROW(MPI_ERR_VALUE_TOO_LARGE, "a value does not fit into the integer that returns it"),
    ROW(MPI_ERR_SESSION, "invalid session"),
    ROW(MPI_ERR_ERRHANDLER, "invalid error handler"),
    ROW(MPI_ERR_ABI, "the Fortran side of the ABI does not agree"),
};

static const char *const tool_classes[] = {
#define TOOL_ROW(class, sentence) [class - MPI_T_ERR_CANNOT_INIT] = #class ": " sentence
    TOOL_ROW(MPI_T_ERR_CANNOT_INIT, "the tool interface cannot be initialized"),
    TOOL_ROW(MPI_T_ERR_NOT_ACCESSIBLE, "the variable cannot be reached now"),
    TOOL_ROW(MPI_T_ERR_NOT_INITIALIZED, "the tool interface is not initialized"),
    TOOL_ROW(MPI_T_ERR_NOT_SUPPORTED, "the tool interface does not support this"),
    TOOL_ROW(MPI_T_ERR_MEMORY, "out of memory"),
    TOOL_ROW(MPI_T_ERR_INVALID, "an argument of a tool call is invalid"),
    TOOL_ROW(MPI_T_ERR_INVALID_INDEX, "the index is out of range"),
    TOOL_ROW(MPI_T_ERR_INVALID_ITEM, "the item is out of range"),
    TOOL_ROW(MPI_T_ERR_INVALID_SESSION, "invalid session of performance variables"),
    TOOL_ROW(MPI_T_ERR_INVALID_HANDLE, "invalid handle of the tool interface"),
    TOOL_ROW(MPI_T_ERR_INVALID_NAME, "no variable or category has that name"),
    TOOL_ROW(MPI_T_ERR_OUT_OF_HANDLES, "no more handles are available"),
    TOOL_ROW(MPI_T_ERR_OUT_OF_SESSIONS, "no more sessions are available"),
    TOOL_ROW(MPI_T_ERR_CVAR_SET_NOT_NOW, "the control variable cannot be set any more, or not yet"),
    TOOL_ROW(MPI_T_ERR_CVAR_SET_NEVER, "the control variable can never be set"),
    TOOL_ROW(MPI_T_ERR_PVAR_NO_WRITE, "the performance variable cannot be written or reset"),
    TOOL_ROW(MPI_T_ERR_PVAR_NO_STARTSTOP, "the performance variable cannot be started or stopped"),
    TOOL_ROW(MPI_T_ERR_PVAR_NO_ATOMIC, "the performance variable cannot be read and reset at once"),
};

enum { DETAIL = MPI_MAX_ERROR_STRING - 128 };

static _Thread_local struct {
    int class;
    char text[DETAIL];
} last;

/* ---- What the program adds (9.5). A number is never used twice, so the last one is LASTUSEDCODE.
 */

struct added {
    char *string; /* NULL where there is none */
    int class;    /* its own number for a class */
    int codes;    /* of a class: that have not been removed */
    bool removed;
};

static struct {
    struct lock lock;
    int count, room;
    int last;         /* number that was given out */
    struct added *at; /* number MPI_ERR_LASTCODE + 1 first */
} added = {.last = MPI_ERR_LASTCODE};

int err_set(int class, const char *format, ...)
{
    va_list ap;

    last.class = class;
    va_start(ap, format);
    vsnprintf(last.text, sizeof(last.text), format, ap);
    va_end(ap);
    return class;
}

const char *err_detail(int class)
{
    return class && last.class == class ? last.text : NULL;
}

int err_from_errno(int negative_errno, const char *what)
{
    static const struct {
        int number, class;
    } table[] = {
        {ENOMEM, MPI_ERR_NO_MEM},
        {EMSGSIZE, MPI_ERR_TRUNCATE},
        {ECONNRESET, MPI_ERR_PROC_ABORTED},
        {EPIPE, MPI_ERR_PROC_ABORTED},
        {ESHUTDOWN, MPI_ERR_PROC_ABORTED},
        {EHOSTDOWN, MPI_ERR_PROC_ABORTED},
        {ENOTCONN, MPI_ERR_PROC_ABORTED},
        {ESRCH, MPI_ERR_PROC_ABORTED},
        {EINVAL, MPI_ERR_INTERN},
        {ENOSYS, MPI_ERR_UNSUPPORTED_OPERATION},
        {EOPNOTSUPP, MPI_ERR_UNSUPPORTED_OPERATION},
        {EACCES, MPI_ERR_ACCESS},
        {ENOSPC, MPI_ERR_NO_SPACE},
    };
    char text[128];

    if (!negative_errno)
        return MPI_SUCCESS;
    const char *why = strerror_r(-negative_errno, text, sizeof(text));
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].number == -negative_errno)
            return err_set(table[i].class, "%s: %s", what, why);
    return err_set(MPI_ERR_OTHER, "%s: %s", what, why);
}

/* The entry of a number that the program has added, or NULL. Locked. */
static struct added *added_find(int code)
{
    int i = code - MPI_ERR_LASTCODE - 1;

    return code > MPI_ERR_LASTCODE && i < added.count && !added.at[i].removed ? &added.at[i] : NULL;
}

static const char *predefined_sentence(int code)
{
    const int tools = sizeof(tool_classes) / sizeof(tool_classes[0]);

    if (code >= 0 && code < (int)(sizeof(classes) / sizeof(classes[0])))
        return classes[code];
    if (code >= MPI_T_ERR_CANNOT_INIT && code < MPI_T_ERR_CANNOT_INIT + tools)
        return tool_classes[code - MPI_T_ERR_CANNOT_INIT];
    return NULL;
}

const char *err_sentence(int code)
{
    static _Thread_local char copy[MPI_MAX_ERROR_STRING];
    const char *s = predefined_sentence(code);

    if (s)
        return s;
    lock_take(&added.lock);
    const struct added *a = added_find(code);
    if (a) /* another thread may remove the string at any time */
        s = strcpy(copy, a->string ? a->string : "");
    lock_drop(&added.lock);
    return s;
}

int err_class(int code)
{
    int class = -1;

    if (predefined_sentence(code))
        return code;
    lock_take(&added.lock);
    const struct added *a = added_find(code);
    if (a)
        class = a->class;
    lock_drop(&added.lock);
    return class;
}

const int *err_last_used(void)
{
    return &added.last;
}

/* A new entry, or NULL when memory is out. Locked. */
static struct added *added_new(void)
{
    if (added.count == added.room) {
        int room = added.room ? 2 * added.room : 16;
        struct added *at = realloc(added.at, room * sizeof(*at));
        if (!at)
            return NULL;
        added.at = at;
        added.room = room;
    }
    struct added *a = &added.at[added.count++];
    added.last++;
    *a = (struct added){0};
    return a;
}

static int no_memory(void)
{
    return err_set(MPI_ERR_NO_MEM, "no memory for an error class, code or string");
}

int err_add_class(int *class)
{
    lock_take(&added.lock);
    struct added *a = added_new();
    int number = added.last;
    if (a)
        a->class = number;
    lock_drop(&added.lock);
    if (!a)
        return no_memory();
    *class = number;
    return MPI_SUCCESS;
}

int err_add_code(int class, int *code)
{
    if (class < 0 || err_class(class) != class)
        return err_set(MPI_ERR_ARG, "%d is no error class", class);
    lock_take(&added.lock);
    struct added *a = added_new();
    struct added *of = added_find(class); /* may have moved: looked for after added_new */
    int number = added.last;
    if (a) {
        a->class = class;
        if (of)
            of->codes++;
    }
    lock_drop(&added.lock);
    if (!a)
        return no_memory();
    *code = number;
    return MPI_SUCCESS;
}

int err_add_string(int code, const char *string)
{
    if (strlen(string) >= MPI_MAX_ERROR_STRING)
        return err_set(MPI_ERR_ARG, "the string is longer than MPI_MAX_ERROR_STRING, %d",
                       MPI_MAX_ERROR_STRING);
    char *copy = strdup(string);
    if (!copy)
        return no_memory();
    lock_take(&added.lock);
    struct added *a = added_find(code);
    if (a) {
        free(a->string);
        a->string = copy;
    }
    lock_drop(&added.lock);
    if (a)
        return MPI_SUCCESS;
    free(copy);
    return err_set(MPI_ERR_ARG, "%d is no error code that the program has added", code);
}

/* Why a class or code may not be removed, or NULL. Locked. */
static const char *keeps(const struct added *a, int code, bool class)
{
    if (!a || (a->class == code) != class)
        return class ? "is no error class that the program has added"
                     : "is no error code that the program has added";
    if (a->string)
        return "still has its string";
    return a->codes ? "still has error codes" : NULL;
}

static int added_remove(int code, bool class)
{
    lock_take(&added.lock);
    struct added *a = added_find(code);
    const char *why = keeps(a, code, class);
    if (!why) {
        struct added *of = class ? NULL : added_find(a->class);
        if (of)
            of->codes--;
        a->removed = true;
    }
    lock_drop(&added.lock);
    return why ? err_set(MPI_ERR_ARG, "%d %s", code, why) : MPI_SUCCESS;
}

int err_remove_class(int class)
{
    return added_remove(class, true);
}

int err_remove_code(int code)
{
    return added_remove(code, false);
}

int err_remove_string(int code)
{
    lock_take(&added.lock);
    struct added *a = added_find(code);
    char *string = a ? a->string : NULL;
    if (a)
        a->string = NULL;
    lock_drop(&added.lock);
    free(string);
    return string ? MPI_SUCCESS : err_set(MPI_ERR_ARG, "%d has no string to remove", code);
}
