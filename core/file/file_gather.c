/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Collective accesses in two phases (Thakur, Gropp and Lusk, "Data sieving and collective I/O in
 * ROMIO", 1999). Where the processes' parts of the file interleave, some processes, the
 * *aggregators*, divide the file among themselves and read or write long ranges of it; the data
 * goes between them and the others in messages. Each takes a *window* of the file in every round.
 *
 * A process tells an aggregator where its bytes belong by runs, equal ranges in equal steps, which
 * the rows and columns of an array are. As the stream never goes back in the file, what it has in a
 * window is one range of the stream. Nothing is written that no process gave: holes stay.
 */
#include <stdlib.h>
#include <string.h>

#include "core/coll/coll.h"
#include "core/file/file_access.h"
#include "core/file/file_runs.h"
#include "core/object/datatype_flat.h"
#include "core/object/err.h"

/* What a process tells all others: the part of the file that it touches. */
struct part {
    int64_t first, last;   /* offsets of its first byte and behind its last; the same: none */
    int64_t unwilling;     /* atomic mode, a view that goes back, a representation */
    int64_t bytes, ranges; /* of data, and about how many ranges of the file they are */
};

struct gather {
    struct file *f;
    const struct file_access *a;
    int64_t at, end;     /* of the stream: this process's access */
    int64_t short_at;    /* reading: where the file ended, or `end` */
    int nodes;           /* aggregators */
    int mine;            /* which of them this process is, or -1 */
    int64_t base, share; /* aggregator i has the file from base + i * share on, `share` bytes */
    int64_t last;        /* and nothing from here on */
    int64_t *cursor;     /* by aggregator: what of the stream earlier rounds have moved */
    int64_t *until;      /* what this one will have */
    char *window;        /* of an aggregator: cb_buffer_size bytes */
    struct file_cover cover;
    MPI_Count *counts; /* 2 * size: bytes to send and to receive, by rank */
    MPI_Count *displs; /* the same */
    struct file_buffer out, in;
    int error;
};

/* ---- Whether, and who ---- */

/*
 * Ranges that are longer on average are better moved by each process itself. On one host a call
 * costs a microsecond and all share the kernel's pages, so that reading by a sieve copies less than
 * any message would: 4 ranks with blocks of 32 KiB write 4.9 GB/s, and 0.8 by way of one of them;
 * with 512 bytes it is 0.57 and 0.77. To a file system of several hosts each call is a message.
 */
enum { LONG_ON_ONE_HOST = 2048, LONG_ON_SEVERAL = 64 * 1024 };

static bool too_long(const struct file *f, const struct part *parts)
{
    int64_t bytes = 0, ranges = 0;

    for (int i = 0; i < f->comm->size; i++) {
        bytes += parts[i].bytes;
        ranges += parts[i].ranges;
    }
    return bytes / ranges >= (f->hosts > 1 ? LONG_ON_SEVERAL : LONG_ON_ONE_HOST);
}

static bool interleave(const struct part *parts, int n)
{
    int64_t end = INT64_MIN;

    for (int i = 0; i < n; i++) {
        if (parts[i].first == parts[i].last)
            continue;
        if (parts[i].first < end)
            return true;
        end = parts[i].last;
    }
    return false;
}

static bool all_willing(const struct part *parts, int n)
{
    for (int i = 0; i < n; i++)
        if (parts[i].unwilling)
            return false;
    return true;
}

static int rank_of(const struct gather *g, int node)
{
    return (int)((int64_t)node * g->f->comm->size / g->nodes);
}

static void divide(struct gather *g, const struct part *parts)
{
    int64_t unit = g->f->hints.striping_unit, first = INT64_MAX;
    int size = g->f->comm->size;

    g->last = 0;
    for (int i = 0; i < size; i++) {
        if (parts[i].first == parts[i].last)
            continue;
        first = parts[i].first < first ? parts[i].first : first;
        g->last = parts[i].last > g->last ? parts[i].last : g->last;
    }
    g->nodes = (int)g->f->hints.cb_nodes;
    g->base = first / unit * unit;
    g->share = (g->last - g->base + g->nodes - 1) / g->nodes;
    g->share = (g->share + unit - 1) / unit * unit;
    g->mine = -1;
    for (int i = 0; i < g->nodes; i++)
        if (rank_of(g, i) == g->f->comm->rank)
            g->mine = i;
}

/* ---- A round ---- */

static void window_of(const struct gather *g, int node, int64_t round, int64_t *low, int64_t *high)
{
    int64_t end = g->base + (node + 1) * g->share, step = g->f->hints.cb_buffer_size;

    *low = g->base + node * g->share + round * step;
    *high = *low + step < end ? *low + step : end;
    if (*high > g->last)
        *high = g->last;
    if (*low > *high)
        *low = *high;
}

static int64_t clamp(const struct gather *g, int64_t at)
{
    return at < g->at ? g->at : at > g->end ? g->end : at;
}

/* What this process has in each aggregator's window, as a range of the stream. */
static void find_slices(struct gather *g, int64_t round)
{
    for (int i = 0; i < g->nodes; i++) {
        int64_t low, high;
        window_of(g, i, round, &low, &high);
        if (!round)
            g->cursor[i] = clamp(g, file_view_below(&g->f->view, low));
        g->until[i] = high > low ? clamp(g, file_view_below(&g->f->view, high)) : g->cursor[i];
    }
}

/* The message for an aggregator: the runs, and when writing the data. */
static int add_message(struct gather *g, int node)
{
    const struct file_access *a = g->a;
    uint64_t bytes = (uint64_t)(g->until[node] - g->cursor[node]);
    int rc;

    if (!bytes)
        return MPI_SUCCESS;
    rc = file_runs_add(&g->out, &g->f->view, g->cursor[node], bytes);
    if (rc || a->way == FILE_READ)
        return rc;
    char *data = file_buffer_grow(&g->out, file_runs_padded(bytes));
    if (!data)
        return MPI_ERR_NO_MEM;
    datatype_pack(a->buf, a->count, a->type, (size_t)(g->cursor[node] - g->at), data, bytes);
    return MPI_SUCCESS;
}

/* All messages of this process; where one could not be made none is sent. */
static void make_messages(struct gather *g)
{
    int size = g->f->comm->size;

    memset(g->counts, 0, (size_t)size * sizeof *g->counts);
    g->out.used = 0;
    for (int i = 0; i < g->nodes; i++) {
        int to = rank_of(g, i);
        size_t before = g->out.used;
        int rc = g->error ? g->error : add_message(g, i);
        if (rc) {
            g->error = rc;
            g->out.used = before;
            g->until[i] = g->cursor[i]; /* what is not asked for is not answered */
        }
        g->displs[to] = (MPI_Count)before;
        g->counts[to] = (MPI_Count)(g->out.used - before);
    }
}

/* Sends what `out` has by rank and receives into `in`. */
static int exchange(struct gather *g)
{
    struct comm *c = g->f->comm;
    MPI_Count *from = g->counts + c->size, *place = g->displs + c->size;

    return coll_run(&(struct coll_args){.kind = COLL_ALLTOALLV,
                                        .comm = c,
                                        .send = {.buf = g->out.bytes,
                                                 .type = &datatype_byte,
                                                 .counts = {g->counts, sizeof *g->counts},
                                                 .displs = {g->displs, sizeof *g->displs}},
                                        .recv = {.buf = g->in.bytes,
                                                 .type = &datatype_byte,
                                                 .counts = {from, sizeof *from},
                                                 .displs = {place, sizeof *place}}});
}

/* Room for what comes, one after the other. Without it nothing is received, and that is an error
 * which all learn of at the end. */
static void make_room(struct gather *g)
{
    int size = g->f->comm->size;
    MPI_Count *from = g->counts + size, *place = g->displs + size, sum = 0;

    for (int i = 0; i < size; i++) {
        place[i] = sum;
        sum += from[i];
    }
    g->in.used = 0;
    if (sum && !file_buffer_grow(&g->in, (uint64_t)sum)) {
        g->error = MPI_ERR_NO_MEM;
        memset(from, 0, (size_t)size * sizeof *from);
    }
}

static void note(struct gather *g, int rc)
{
    if (!g->error)
        g->error = rc;
}

static void collect(struct gather *g)
{
    struct comm *c = g->f->comm;

    make_messages(g);
    note(g, coll_run(&(struct coll_args){
                .kind = COLL_ALLTOALL,
                .comm = c,
                .send = {.buf = g->counts, .count = 1, .type = &datatype_int64},
                .recv = {.buf = g->counts + c->size, .count = 1, .type = &datatype_int64}}));
    make_room(g);
    note(g, exchange(g));
}

/* ---- An aggregator's work ---- */

static struct file_runs_message *message_from(struct gather *g, int rank)
{
    int size = g->f->comm->size;

    if (!g->counts[size + rank])
        return NULL;
    return (struct file_runs_message *)(g->in.bytes + g->displs[size + rank]);
}

static void write_window(struct gather *g, int64_t low, int64_t high)
{
    struct file_range r;
    uint64_t put;

    file_cover_clear(&g->cover, (uint64_t)(high - low));
    for (int i = 0; i < g->f->comm->size; i++) {
        struct file_runs_message *m = message_from(g, i);
        if (m)
            file_runs_scatter(m, g->window, low, &g->cover);
    }
    for (r = (struct file_range){0, 0}; file_cover_next(&g->cover, &r) && !g->error;)
        note(g, file_pwrite(g->f, low + r.offset, g->window + r.offset, r.len, &put));
}

/* What is asked for is read in one go; the answers take the questions' places. */
static void read_window(struct gather *g, int64_t low)
{
    int64_t first = INT64_MAX, last = 0;
    int size = g->f->comm->size;
    uint64_t got = 0;

    for (int i = 0; i < size; i++) {
        struct file_runs_message *m = message_from(g, i);
        if (m)
            file_runs_span(m, &first, &last);
    }
    if (first < last)
        note(g, file_pread(g->f, first, g->window + (first - low), (uint64_t)(last - first), &got));
    g->out.used = 0;
    memset(g->counts, 0, (size_t)size * sizeof *g->counts);
    for (int i = 0; i < size; i++) {
        struct file_runs_message *m = message_from(g, i);
        size_t before = g->out.used;
        if (m)
            note(g, file_runs_collect(m, g->window, low, first + (int64_t)got, &g->out));
        g->displs[i] = (MPI_Count)before;
        g->counts[i] = (MPI_Count)(g->out.used - before);
    }
}

/* An answer: the number of bytes before the file's end, and room for all that were asked for. */
static void take_answers(struct gather *g)
{
    const struct file_access *a = g->a;
    MPI_Count *place = g->displs + g->f->comm->size;

    for (int i = 0; i < g->nodes && !g->error; i++) {
        int64_t bytes = g->until[i] - g->cursor[i], valid;
        if (!bytes)
            continue;
        const char *answer = g->in.bytes + place[rank_of(g, i)];
        memcpy(&valid, answer, sizeof valid);
        datatype_unpack(a->buf, a->count, a->type, (size_t)(g->cursor[i] - g->at),
                        answer + sizeof valid, (size_t)valid);
        if (valid < bytes && g->cursor[i] + valid < g->short_at)
            g->short_at = g->cursor[i] + valid;
    }
}

static void answer_round(struct gather *g, int64_t low)
{
    int size = g->f->comm->size;
    MPI_Count *from = g->counts + size;

    if (g->mine >= 0)
        read_window(g, low);
    else
        memset(g->counts, 0, (size_t)size * sizeof *g->counts);
    memset(from, 0, (size_t)size * sizeof *from);
    for (int i = 0; i < g->nodes; i++) {
        int64_t bytes = g->until[i] - g->cursor[i];
        if (bytes)
            from[rank_of(g, i)] = (MPI_Count)(sizeof(int64_t) + file_runs_padded((uint64_t)bytes));
    }
    make_room(g);
    note(g, exchange(g));
    take_answers(g);
}

static void run_round(struct gather *g, int64_t round)
{
    int64_t low = 0, high = 0;

    find_slices(g, round);
    collect(g);
    if (g->mine >= 0)
        window_of(g, g->mine, round, &low, &high);
    if (g->a->way == FILE_READ)
        answer_round(g, low);
    else if (g->mine >= 0 && !g->error)
        write_window(g, low, high);
    memcpy(g->cursor, g->until, (size_t)g->nodes * sizeof *g->cursor);
}

/* ---- The whole ---- */

static int gather_open(struct gather *g)
{
    size_t size = (size_t)g->f->comm->size, nodes = (size_t)g->nodes;
    int64_t window = g->f->hints.cb_buffer_size;

    if (window > g->share)
        window = g->share;
    g->cursor = calloc(nodes * 2, sizeof *g->cursor);
    g->counts = calloc(size * 2, sizeof *g->counts);
    g->displs = calloc(size * 2, sizeof *g->displs);
    if (!g->cursor || !g->counts || !g->displs)
        return err_set(MPI_ERR_NO_MEM, "no memory for a collective access");
    g->until = g->cursor + nodes;
    if (g->mine < 0)
        return MPI_SUCCESS;
    g->window = malloc((size_t)window);
    int rc = file_cover_open(&g->cover, (uint64_t)window);
    return g->window && !rc
               ? MPI_SUCCESS
               : err_set(MPI_ERR_NO_MEM, "no memory for a buffer of %lld bytes", (long long)window);
}

static void gather_close(struct gather *g)
{
    free(g->cursor);
    free(g->counts);
    free(g->displs);
    free(g->window);
    file_cover_close(&g->cover);
    file_buffer_free(&g->out);
    file_buffer_free(&g->in);
}

static int gather_run(struct gather *g, uint64_t *moved)
{
    int64_t step = g->f->hints.cb_buffer_size, rounds = (g->share + step - 1) / step;
    int rc = file_agree(g->f, gather_open(g), "making room for a collective access");

    for (int64_t i = 0; !rc && i < rounds; i++)
        run_round(g, i);
    gather_close(g);
    if (!rc)
        rc = file_agree(g->f, g->error, "a part of the collective access");
    if (!rc)
        *moved = (uint64_t)(g->short_at - g->at);
    return rc;
}

static struct part part_of(struct file *f, int64_t at, int64_t end)
{
    const struct datatype *l = f->view.layout;
    struct part p = {0};

    p.unwilling = f->atomic || !f->view.ordered || file_datarep_converts(f->view.rep);
    if (end > at && f->view.layout->size) {
        p.first = file_view_offset(&f->view, at);
        p.last = file_view_offset(&f->view, end - 1) + 1;
        p.bytes = end - at;
        p.ranges = p.bytes / (l->size / type_shape_blocks(&l->shape)) + 1;
    }
    return p;
}

/* Whether all gather: with everybody's parts, the same answer on all. */
static bool shall_gather(struct file *f, const struct part *parts, enum file_way way,
                         enum file_choice choice)
{
    int size = f->comm->size;
    bool some = false;

    for (int i = 0; i < size; i++)
        some = some || parts[i].first < parts[i].last;
    if (!some || !all_willing(parts, size))
        return false;
    if (choice == FILE_ENABLE)
        return true;
    if (way == FILE_READ && f->hosts == 1 && f->hints.sieve_read != FILE_DISABLE)
        return false;
    return interleave(parts, size) && !too_long(f, parts);
}

int file_access_together(struct file *f, const struct file_access *a, int64_t at, int error,
                         uint64_t *moved)
{
    enum file_choice choice = a->way == FILE_READ ? f->hints.gather_read : f->hints.gather_write;
    int64_t end = error ? at : at + a->count * a->type->size;
    struct gather g = {.f = f, .a = a, .at = at, .end = end, .short_at = end};
    struct part mine, *parts;
    bool gather;
    int rc;

    *moved = 0;
    if (f->comm->size == 1 || choice == FILE_DISABLE || (!f->holes && choice != FILE_ENABLE))
        return error ? error : file_access_alone(f, a, at, moved);
    parts = malloc((size_t)f->comm->size * sizeof *parts);
    if (!parts)
        return err_set(MPI_ERR_NO_MEM, "no memory for the parts of %d processes", f->comm->size);
    mine = part_of(f, at, end);
    rc = coll_allgather(f->comm, &mine, sizeof mine, &datatype_byte, parts);
    gather = !rc && shall_gather(f, parts, a->way, choice);
    if (gather)
        divide(&g, parts);
    free(parts);
    if (rc)
        return rc;
    if (gather)
        rc = gather_run(&g, moved);
    else if (!error)
        rc = file_access_alone(f, a, at, moved);
    return error ? error : rc;
}
