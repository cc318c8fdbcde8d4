/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The messages of collective accesses: ranges of the file, as runs of equal ones in equal steps,
 * and the data in them. Everything in a message begins at a multiple of 8 bytes.
 */
#ifndef ORIEL_FILE_FILE_RUNS_H
#define ORIEL_FILE_FILE_RUNS_H

#include "core/file/file_access.h"

struct file_run {
    int64_t offset, len;   /* the first range */
    int64_t stride, count; /* and the others */
};

struct file_runs_message {
    int64_t count;
    struct file_run runs[]; /* behind them the data, when writing */
};

/* Bytes that grow at their end. */
struct file_buffer {
    char *bytes;
    size_t used, room;
};
/* NULL, with the detail set, when memory is out; what was there may have moved. */
char *file_buffer_grow(struct file_buffer *b, size_t more);
void file_buffer_free(struct file_buffer *b);

static inline uint64_t file_runs_padded(uint64_t bytes)
{
    return (bytes + 7) & ~UINT64_C(7);
}

/* Which bytes of a window have come: one bit each. */
struct file_cover {
    uint64_t *words;
    uint64_t len; /* of the window */
};
int file_cover_open(struct file_cover *c, uint64_t most);
void file_cover_close(struct file_cover *c);
void file_cover_clear(struct file_cover *c, uint64_t len);
void file_cover_add(struct file_cover *c, uint64_t from, uint64_t len);
/* The next range behind *r, offsets from the window's beginning; begin with {0, 0}. */
bool file_cover_next(const struct file_cover *c, struct file_range *r);

/* Adds the message about the stream's bytes [at, at + len), without the data. */
int file_runs_add(struct file_buffer *b, const struct file_view *v, int64_t at, uint64_t len);
/* The data behind the runs to its places in a window of the file that begins at `low`. */
void file_runs_scatter(const struct file_runs_message *m, char *window, int64_t low,
                       struct file_cover *cover);
/* Widens [*first, *last) to what the message names. */
void file_runs_span(const struct file_runs_message *m, int64_t *first, int64_t *last);
/* Adds the answer: how many bytes lie before `end`, where the file does, and they in their order.
 */
int file_runs_collect(const struct file_runs_message *m, const char *window, int64_t low,
                      int64_t end, struct file_buffer *b);

#endif
