/* SPDX-License-Identifier: BSD-3-Clause */
/* MPI_Scan and MPI_Exscan of long vectors, in pieces. */
#include "core/coll/coll_engine.h"

static MPI_Count pieces_of(const struct coll *k)
{
    MPI_Count n = k->args.send.count;

    return n ? (n - 1) / coll_segment_items(k) + 1 : 0;
}

static MPI_Count length(const struct coll *k, MPI_Count piece)
{
    MPI_Count most = coll_segment_items(k), left = k->args.send.count - piece * most;

    return left < most ? left : most;
}

static char *at(const struct coll *k, const void *buf, MPI_Count piece)
{
    return type_at(buf, piece * coll_segment_items(k) * k->args.send.type->extent);
}

/* Pieces in the scratch: 0 and 1 for those that come, 2 and 3 for those that go. */
static char *place(const struct coll *k, int i)
{
    struct datatype *t = k->args.send.type;
    MPI_Count most = coll_segment_items(k);

    return coll_place(k->scratch + (size_t)i * coll_span(most, t), most, t);
}

static void send_on(struct coll *k, const char *data, MPI_Count piece)
{
    if (k->rank < k->size - 1)
        coll_send(k, k->rank + 1, data, length(k, piece), k->args.send.type);
}

static void copy(struct coll *k, const char *from, char *to, MPI_Count piece)
{
    coll_copy(k, from, length(k, piece), k->args.send.type, to, length(k, piece),
              k->args.send.type);
}

/* The own contribution behind what came from the ranks below, if there are any. */
static void scan_piece(struct coll *k, MPI_Count piece)
{
    char *result = at(k, k->args.recv.buf, piece);

    copy(k, at(k, coll_own(k), piece), result, piece);
    if (k->rank)
        coll_reduce(k, place(k, piece % 2), result, length(k, piece));
    send_on(k, result, piece);
}

/* The result is what came; in place, that is written when the own contribution has been read. */
static void exscan_piece(struct coll *k, MPI_Count piece)
{
    const char *own = at(k, coll_own(k), piece), *in = place(k, piece % 2);
    char *out = place(k, 2 + piece % 2);

    if (!k->rank) {
        send_on(k, own, piece);
        return;
    }
    if (k->rank < k->size - 1) {
        copy(k, own, out, piece);
        coll_reduce(k, in, out, length(k, piece));
        send_on(k, out, piece);
    }
    copy(k, in, at(k, k->args.recv.buf, piece), piece);
}

/*
 * Pipelined chain: a rank folds its own contribution behind a piece of what the ranks below have,
 * and passes that on while the next piece comes (p - 2 + n / s) (alpha + s (beta + gamma)) with
 * pieces of s bytes. Rank order is kept.
 */
enum coll_step scan_chain(struct coll *k)
{
    struct datatype *t = k->args.send.type;
    MPI_Count pieces = pieces_of(k), round = k->round, ready = k->rank ? round - 1 : round;

    if (pieces == 0)
        return COLL_LAST;
    if (k->rank && round == 0)
        coll_room(k, 4 * coll_span(coll_segment_items(k), t));
    if (k->rank && round < pieces)
        coll_recv(k, k->rank - 1, place(k, round % 2), length(k, round), t);
    if (ready >= 0 && k->args.kind == COLL_SCAN)
        scan_piece(k, ready);
    else if (ready >= 0)
        exscan_piece(k, ready);
    return ready == pieces - 1 ? COLL_LAST : COLL_MORE;
}
