/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "output.h"
#include "say.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    READ_SIZE = 64 << 10,
    SINK_FULL = 1 << 20,  /* bytes waiting to be written, above which ranks are not read */
    LINE_HELD = 16 << 20, /* longest line that is kept whole */
    PROMPT_MS = 100,      /* what may be a prompt is shown after this time */
    STDIO_BLOCK = 4096,   /* what stdio's buffer for a pipe holds, or a part of it */
};

struct buffer {
    char *v;
    size_t begin;
    size_t end;
    size_t room;
};

struct stream;

/* Where lines go: our standard output or error; both are one sink if they are one file. */
struct sink {
    int fd;
    struct buffer waiting;
    const struct stream *open_line; /* who wrote the last line, where it has no end yet */
    bool terminal;
    bool pipe;
    bool driver; /* a pipe or socket, as is our standard input: a program may be at both ends */
    bool dead;   /* cannot be written any more, all is discarded */
    int error;   /* why */
    size_t slot;
};

/* One rank's standard output or error. */
struct stream {
    int fd; /* -1 when closed */
    int rank;
    bool is_err;
    bool line_begun; /* a part of the line in hand is in the sink already */
    bool full_block; /* what was read last is what stdio writes where nobody has asked it to */
    struct sink *sink;
    struct buffer held; /* the beginning of a line */
    long long held_since;
    size_t slot;
};

static struct sink sinks[2];
static struct sink *const out_sink = &sinks[0];
static struct sink *err_sink = &sinks[1];
static struct stream *streams;
static size_t nstreams;
static enum tag tagging;
static const char *folder;
static bool merging;

static size_t buffer_used(const struct buffer *b)
{
    return b->end - b->begin;
}

/* Makes room for size more bytes behind the end. */
static char *buffer_reserve(struct buffer *b, size_t size)
{
    if (b->begin > 0 && (b->begin == b->end || b->room - b->end < size)) {
        memmove(b->v, b->v + b->begin, buffer_used(b));
        b->end -= b->begin;
        b->begin = 0;
    }
    if (b->room - b->end < size) {
        b->room = b->end + size > 2 * b->room ? b->end + size : 2 * b->room;
        b->v = realloc(b->v, b->room);
        if (b->v == NULL)
            abort();
    }
    return b->v + b->end;
}

static void buffer_add(struct buffer *b, const char *data, size_t size)
{
    memcpy(buffer_reserve(b, size), data, size);
    b->end += size;
}

static void sink_add(struct sink *s, const char *data, size_t size)
{
    if (!s->dead && size > 0)
        buffer_add(&s->waiting, data, size);
}

static void sink_give_up(struct sink *s, int error)
{
    s->dead = true;
    s->error = error;
    s->waiting.begin = s->waiting.end = 0;
    if (s == out_sink && error != EPIPE)
        say("standard output cannot be written: %s", strerror(error));
}

/*
 * Writes what can be written without blocking. The descriptor is shared with whoever started us, so
 * that O_NONBLOCK is not ours to set: a pipe that polls writable takes PIPE_BUF bytes at once.
 */
static void sink_write(struct sink *s)
{
    struct buffer *b = &s->waiting;

    while (!s->dead && buffer_used(b) > 0) {
        struct pollfd ready = {.fd = s->fd, .events = POLLOUT};
        size_t size = buffer_used(b);
        ssize_t n;

        if (poll(&ready, 1, 0) <= 0)
            return;
        if ((s->pipe || s->terminal) && size > PIPE_BUF)
            size = PIPE_BUF;
        n = write(s->fd, b->v + b->begin, size);
        if (n >= 0)
            b->begin += (size_t)n;
        else if (errno == EAGAIN)
            return; /* somebody else's O_NONBLOCK */
        else if (errno != EINTR)
            sink_give_up(s, errno);
    }
}

/* A line of ours, between the ranks'. */
static void put_own_line(const char *line, size_t size)
{
    if (err_sink->open_line != NULL) {
        sink_add(err_sink, "\n", 1);
        err_sink->open_line = NULL;
    }
    sink_add(err_sink, line, size);
    sink_write(err_sink);
}

static void put_tag(const struct stream *s)
{
    char tag[64];
    int size = 0;

    if (tagging == TAG_JOB)
        size = snprintf(tag, sizeof(tag), "[1,%d]<%s>:", s->rank, s->is_err ? "stderr" : "stdout");
    else if (tagging == TAG_RANK)
        size = snprintf(tag, sizeof(tag), "[%d] ", s->rank);
    sink_add(s->sink, tag, (size_t)size);
}

/* Passes on some of the line in hand; another's line that has no end yet gets one first. */
static void put_part(struct stream *s, const char *data, size_t size)
{
    struct sink *sink = s->sink;
    bool ends = size > 0 && data[size - 1] == '\n';

    if (sink->open_line != NULL && sink->open_line != s) {
        sink_add(sink, "\n", 1);
        sink->open_line = NULL;
    }
    if (!s->line_begun)
        put_tag(s);
    sink_add(sink, data, size);
    sink->open_line = ends ? NULL : s;
    s->line_begun = !ends;
}

/* Passes on whole lines: one by one where each gets a tag, else together. */
static void put_lines(struct stream *s, const char *data, size_t size)
{
    while (size > 0) {
        size_t part = size;

        if (tagging != TAG_NONE)
            part = (size_t)((const char *)memchr(data, '\n', size) - data) + 1;
        put_part(s, data, part);
        data += part;
        size -= part;
    }
}

static void put_held(struct stream *s)
{
    if (buffer_used(&s->held) == 0)
        return;
    put_part(s, s->held.v + s->held.begin, buffer_used(&s->held));
    s->held.begin = s->held.end;
}

static void stream_close(struct stream *s)
{
    if (s->fd < 0)
        return;
    put_held(s);
    close(s->fd);
    s->fd = -1;
    free(s->held.v);
    s->held = (struct buffer){0};
}

/* The number of bytes that were there; 0 where there are none now, or none any more. */
static ssize_t stream_read(struct stream *s)
{
    char *data = buffer_reserve(&s->held, READ_SIZE);
    ssize_t n = read(s->fd, data, READ_SIZE);
    char *end;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0) {
        stream_close(s);
        return 0;
    }
    s->held.end += (size_t)n;
    s->full_block = n % STDIO_BLOCK == 0;
    end = memrchr(data, '\n', (size_t)n); /* what was held before has none */
    if (end != NULL) {
        char *begin = s->held.v + s->held.begin;
        size_t size = (size_t)(end + 1 - begin);

        put_lines(s, begin, size);
        s->held.begin += size;
    }
    if (buffer_used(&s->held) > LINE_HELD)
        put_held(s);
    s->held_since = now_ms();
    return n;
}

/*
 * Takes what is in the pipe, however much waits for the sink: who wrote it has ended well. No more
 * than a pipe holds, as a process that got away from us may still be writing.
 */
static void stream_drain(struct stream *s)
{
    ssize_t left = s->fd >= 0 ? fcntl(s->fd, F_GETPIPE_SZ) : 0;
    ssize_t n = 1;

    for (; n > 0 && left > 0; left -= n)
        n = stream_read(s);
}

/*
 * The beginning of a line that may wait for an answer: anything on a terminal; in a pipe, where a
 * program may sit at the other end of it and of our input, what rank 0 writes, as no other rank can
 * be answered. A full buffer of stdio's ends anywhere in a line and is no prompt. While something
 * waits for the sink the rest of the line may be there already, not yet read.
 */
static bool is_prompt(const struct stream *s)
{
    const struct sink *sink = s->sink;

    return s->fd >= 0 && buffer_used(&s->held) > 0 && buffer_used(&sink->waiting) == 0 &&
           (sink->terminal || (sink->driver && s->rank == 0 && !s->full_block));
}

int output_due(void)
{
    long long due = -1, now = now_ms();

    for (size_t i = 0; i < nstreams; i++)
        if (is_prompt(&streams[i])) {
            long long left = streams[i].held_since + PROMPT_MS - now;

            if (left < 0)
                left = 0;
            if (due < 0 || left < due)
                due = left;
        }
    return (int)due;
}

void output_poll(struct poll_set *set)
{
    for (int i = 0; i < 2; i++) {
        sinks[i].slot = POLL_SLOT_NONE;
        if (buffer_used(&sinks[i].waiting) > 0)
            sinks[i].slot = poll_add(set, sinks[i].fd, POLLOUT);
    }
    for (size_t i = 0; i < nstreams; i++) {
        struct stream *s = &streams[i];

        s->slot = POLL_SLOT_NONE;
        if (s->fd >= 0 && buffer_used(&s->sink->waiting) < SINK_FULL)
            s->slot = poll_add(set, s->fd, POLLIN);
    }
}

void output_polled(const struct poll_set *set)
{
    long long now = now_ms();

    for (size_t i = 0; i < nstreams; i++)
        if (poll_got(set, streams[i].slot) != 0)
            stream_read(&streams[i]);
    for (size_t i = 0; i < nstreams; i++)
        if (is_prompt(&streams[i]) && now >= streams[i].held_since + PROMPT_MS)
            put_held(&streams[i]);
    for (int i = 0; i < 2; i++)
        sink_write(&sinks[i]);
}

bool output_has_streams(void)
{
    for (size_t i = 0; i < nstreams; i++)
        if (streams[i].fd >= 0)
            return true;
    return false;
}

bool output_has_unwritten(void)
{
    return buffer_used(&sinks[0].waiting) > 0 || buffer_used(&sinks[1].waiting) > 0;
}

void output_close_streams(void)
{
    for (size_t i = 0; i < nstreams; i++) {
        stream_drain(&streams[i]);
        stream_close(&streams[i]);
    }
}

void output_discard(void)
{
    for (int i = 0; i < 2; i++) {
        sinks[i].dead = true;
        sinks[i].waiting.begin = sinks[i].waiting.end = 0;
    }
}

bool output_reader_gone(void)
{
    return out_sink->error == EPIPE;
}

bool output_failed(void)
{
    return out_sink->error != 0 && out_sink->error != EPIPE;
}

static bool is_pipe_or_socket(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

static void sink_open(struct sink *s, int fd)
{
    struct stat st;

    s->fd = fd;
    s->terminal = isatty(fd);
    s->pipe = fstat(fd, &st) == 0 && !S_ISREG(st.st_mode);
    s->driver = is_pipe_or_socket(fd) && is_pipe_or_socket(STDIN_FILENO);
}

static bool is_same_file(int a, int b)
{
    struct stat sa, sb;

    return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

static int make_folder(const char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return 0;
    say("--output-filename: %s: %s", path, strerror(errno));
    return -1;
}

/* FOLDER and FOLDER/1, as Open MPI has it: 1 is the number of the job. */
static int make_folders(void)
{
    char path[PATH_MAX];

    if (folder == NULL)
        return 0;
    snprintf(path, sizeof(path), "%s/1", folder);
    return make_folder(folder) != 0 || make_folder(path) != 0 ? -1 : 0;
}

int output_start(struct job *job, const struct options *o)
{
    tagging = o->tag;
    folder = o->output_dir;
    merging = o->merge_stderr;
    sink_open(&sinks[0], STDOUT_FILENO);
    sink_open(&sinks[1], STDERR_FILENO);
    if (is_same_file(STDOUT_FILENO, STDERR_FILENO))
        err_sink = out_sink;
    streams = calloc(2 * (size_t)job->nranks, sizeof(*streams));
    if (streams == NULL)
        return -1;
    say_through(put_own_line);
    return make_folders();
}

static int open_pipe(const struct rank *r, bool is_err)
{
    struct stream *s = &streams[nstreams];
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0) {
        say("no pipe for rank %d: %s (see ulimit -n)", r->number, strerror(errno));
        return -1;
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    s->fd = ends[0];
    s->rank = r->number;
    s->is_err = is_err;
    s->sink = is_err ? err_sink : out_sink;
    nstreams++;
    return ends[1];
}

static int open_file(const struct rank *r, const char *name)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof(path), "%s/1/rank.%d", folder, r->number);
    if (make_folder(path) != 0)
        return -1;
    snprintf(path, sizeof(path), "%s/1/rank.%d/%s", folder, r->number, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        say("--output-filename: %s: %s", path, strerror(errno));
    return fd;
}

int output_open(const struct rank *r, int *out, int *err)
{
    int o, e;

    o = folder != NULL ? open_file(r, "stdout") : open_pipe(r, false);
    if (o < 0)
        return -1;
    if (merging)
        e = o;
    else
        e = folder != NULL ? open_file(r, "stderr") : open_pipe(r, true);
    if (e < 0) {
        close(o);
        return -1;
    }
    *out = o;
    *err = e;
    return 0;
}

void output_opened(int out, int err)
{
    close(out);
    if (err != out)
        close(err);
}
