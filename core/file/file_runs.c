/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/file/file_runs.h"

#include <stdlib.h>
#include <string.h>

#include "core/object/datatype_copy.h"
#include "core/object/err.h"

/* ---- Buffers ---- */

char *file_buffer_grow(struct file_buffer *b, size_t more)
{
    if (b->used + more > b->room) {
        size_t room = b->room + b->room / 2;
        if (room < b->used + more)
            room = b->used + more;
        char *bytes = realloc(b->bytes, room);
        if (!bytes) {
            err_set(MPI_ERR_NO_MEM, "no memory for a buffer of %zu bytes", room);
            return NULL;
        }
        b->bytes = bytes;
        b->room = room;
    }
    b->used += more;
    return b->bytes + b->used - more;
}

void file_buffer_free(struct file_buffer *b)
{
    free(b->bytes);
}

/* ---- What has come ---- */

int file_cover_open(struct file_cover *c, uint64_t most)
{
    c->words = malloc(((size_t)most / 64 + 1) * sizeof *c->words);
    return c->words ? MPI_SUCCESS : err_set(MPI_ERR_NO_MEM, "no memory for a window");
}

void file_cover_close(struct file_cover *c)
{
    free(c->words);
}

void file_cover_clear(struct file_cover *c, uint64_t len)
{
    c->len = len;
    memset(c->words, 0, ((size_t)len / 64 + 1) * sizeof *c->words);
}

void file_cover_add(struct file_cover *c, uint64_t from, uint64_t len)
{
    uint64_t end = from + len;

    while (from < end) {
        uint64_t word = from / 64, bit = from % 64, n = 64 - bit;
        if (n > end - from)
            n = end - from;
        c->words[word] |= (n == 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1) << bit;
        from += n;
    }
}

/* The first place from `at` on whose bit is `set`, or the end. */
static uint64_t look_for(const struct file_cover *c, uint64_t at, bool set)
{
    while (at < c->len) {
        uint64_t word = c->words[at / 64];
        word = (set ? word : ~word) >> at % 64;
        if (word) {
            at += (uint64_t)__builtin_ctzll(word);
            return at < c->len ? at : c->len;
        }
        at = (at / 64 + 1) * 64;
    }
    return c->len;
}

bool file_cover_next(const struct file_cover *c, struct file_range *r)
{
    uint64_t from = look_for(c, (uint64_t)r->offset + r->len, true);

    *r = (struct file_range){(int64_t)from, look_for(c, from, false) - from};
    return r->len;
}

/* ---- Runs ---- */

/* Whether the range goes on as the run does. */
static bool goes_on(struct file_run *run, const struct file_range *r)
{
    if (run->len != (int64_t)r->len)
        return false;
    if (run->count == 1)
        run->stride = r->offset - run->offset;
    else if (r->offset != run->offset + run->count * run->stride)
        return false;
    run->count++;
    return true;
}

int file_runs_add(struct file_buffer *b, const struct file_view *v, int64_t at, uint64_t len)
{
    size_t head = b->used;
    struct file_run run = {0};
    struct file_walk w;
    struct file_range r;
    int64_t count = 0;

    if (!file_buffer_grow(b, sizeof(int64_t)))
        return MPI_ERR_NO_MEM;
    file_walk_begin(&w, v, at, len);
    for (bool more = file_walk_next(&w, &r); more; count++) {
        run = (struct file_run){r.offset, (int64_t)r.len, 0, 1};
        while ((more = file_walk_next(&w, &r)) && goes_on(&run, &r))
            ;
        char *place = file_buffer_grow(b, sizeof run);
        if (!place)
            return MPI_ERR_NO_MEM;
        memcpy(place, &run, sizeof run);
    }
    memcpy(b->bytes + head, &count, sizeof count);
    return MPI_SUCCESS;
}

void file_runs_scatter(const struct file_runs_message *m, char *window, int64_t low,
                       struct file_cover *cover)
{
    const char *data = (const char *)(m->runs + m->count);

    for (int64_t i = 0; i < m->count; i++) {
        const struct file_run *run = &m->runs[i];
        int64_t place = run->offset - low;
        for (int64_t k = 0; k < run->count; k++, place += run->stride, data += run->len) {
            copy_block(window + place, data, (size_t)run->len);
            file_cover_add(cover, (uint64_t)place, (uint64_t)run->len);
        }
    }
}

void file_runs_span(const struct file_runs_message *m, int64_t *first, int64_t *last)
{
    for (int64_t i = 0; i < m->count; i++) {
        const struct file_run *run = &m->runs[i];
        int64_t end = run->offset + (run->count - 1) * run->stride + run->len;
        *first = run->offset < *first ? run->offset : *first;
        *last = end > *last ? end : *last;
    }
}

static int64_t bytes_of(const struct file_runs_message *m)
{
    int64_t sum = 0;

    for (int64_t i = 0; i < m->count; i++)
        sum += m->runs[i].len * m->runs[i].count;
    return sum;
}

/* Ranges rise, so that the file's end cuts the last ones off. */
int file_runs_collect(const struct file_runs_message *m, const char *window, int64_t low,
                      int64_t end, struct file_buffer *b)
{
    int64_t valid = 0, bytes = bytes_of(m);
    char *answer = file_buffer_grow(b, sizeof valid + file_runs_padded((uint64_t)bytes));

    if (!answer)
        return MPI_ERR_NO_MEM;
    char *data = answer + sizeof valid;
    memset(data + bytes, 0, file_runs_padded((uint64_t)bytes) - (uint64_t)bytes);
    for (int64_t i = 0; i < m->count; i++) {
        const struct file_run *run = &m->runs[i];
        int64_t offset = run->offset;
        for (int64_t k = 0; k < run->count; k++, offset += run->stride) {
            int64_t n = end - offset < run->len ? end - offset : run->len;
            if (n <= 0)
                break;
            copy_block(data + valid, window + (offset - low), (size_t)n);
            valid += n;
        }
    }
    memset(data + valid, 0, (size_t)(bytes - valid));
    memcpy(answer, &valid, sizeof valid);
    return MPI_SUCCESS;
}
