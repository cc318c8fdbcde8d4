/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random views and accesses against a naive reference (14.3, 14.4). In each round the places of a
 * tile of the file are dealt to the ranks, some to nobody; each rank's view shows its own. All
 * write some of what they see, each into places of its own, and read it back, by any call, in any
 * mode. Every rank knows what all do, and keeps the whole file as it must be.
 *
 * usage: file_fuzz.mpi [ROUNDS [SEED]]
 */
#include "file_test.h"

enum { TILE = 60, MOST = 1 << 17, RANKS = 64, ITEMS = 900 };

static unsigned char model[MOST]; /* the file */
static long model_size;
static unsigned long state; /* the same on all ranks */

static int below(int n)
{
    state = state * 6364136223846793005ul + 1442695040888963407ul;
    return (int)((state >> 33) % (unsigned long)n);
}

/* What all ranks know of one rank's part in a round. */
struct part {
    int slots, slot[TILE];
    int start, count; /* etypes */
    int strided;      /* its memory */
    int form;
};

static struct round {
    MPI_Datatype etype;
    int bytes; /* of an etype */
    int disp, tile;
    int external, atomic, collective, ordered;
    struct part part[RANKS];
} now;

static long offset_of(const struct part *p, int item)
{
    int tile = item / p->slots;

    return now.disp + (long)(tile * now.tile + p->slot[item % p->slots]) * now.bytes;
}

/* The byte of an etype as it stands in memory. */
static unsigned char byte_of(int turn, int who, int item, int byte)
{
    return (unsigned char)(turn * 29 + who * 53 + item * 7 + item / 37 + byte * 101);
}

static int place_of(int byte)
{
    return now.external ? now.bytes - 1 - byte : byte;
}

/* ---- A round's plan ---- */

static void deal(void)
{
    int holes = below(3), run = 1 + below(6), owner = 0;

    now.tile = 1 + size + below(TILE - size);
    for (int r = 0; r < size; r++)
        now.part[r].slots = 0;
    for (int i = 0; i < now.tile; i++) {
        if (i < size)
            owner = i;
        else if (i % run == 0)
            owner = below(size + holes);
        if (owner < size)
            now.part[owner].slot[now.part[owner].slots++] = i;
    }
}

static void plan(void)
{
    static const MPI_Datatype types[] = {MPI_BYTE, MPI_SHORT, MPI_INT, MPI_DOUBLE};
    static const int bytes[] = {1, 2, 4, 8};
    int t = below(4);

    now.etype = types[t];
    now.bytes = bytes[t];
    now.disp = below(100);
    now.external = below(4) == 0;
    now.atomic = below(4) == 0;
    now.collective = below(2);
    deal();
    for (int r = 0; r < size; r++) {
        struct part *p = &now.part[r];
        p->start = below(5) ? below(3 * p->slots) : 0;
        p->count = below(6) ? below(9 * p->slots) : below(2);
        if (p->count > ITEMS)
            p->count = ITEMS;
        p->strided = below(2);
        p->form = below(6);
    }
}

/* ---- What the library is asked ---- */

static void set_hints(MPI_Info info)
{
    static const char *const choice[] = {"automatic", "enable", "disable"};
    static const char *const unit[] = {"1", "64", "4096"};
    char nodes[12];

    snprintf(nodes, sizeof nodes, "%d", 1 + below(size));
    OK(MPI_Info_set(info, "cb_nodes", nodes));
    OK(MPI_Info_set(info, "cb_buffer_size", below(2) ? "4096" : "100000"));
    OK(MPI_Info_set(info, "ind_rd_buffer_size", below(2) ? "4096" : "100000"));
    OK(MPI_Info_set(info, "striping_unit", unit[below(3)]));
    OK(MPI_Info_set(info, "romio_cb_read", choice[below(3)]));
    OK(MPI_Info_set(info, "romio_cb_write", choice[below(3)]));
    OK(MPI_Info_set(info, "romio_ds_read", choice[below(3)]));
}

static void set_view(MPI_File f, MPI_Info info)
{
    struct part *p = &now.part[rank];
    MPI_Datatype slots, filetype;
    MPI_Aint tile = (MPI_Aint)now.tile * now.bytes;

    OK(MPI_Type_create_indexed_block(p->slots, 1, p->slot, now.etype, &slots));
    OK(MPI_Type_create_resized(slots, 0, tile, &filetype));
    OK(MPI_Type_commit(&filetype));
    OK(MPI_File_set_view(f, now.disp, now.etype, filetype, now.external ? "external32" : "native",
                         info));
    OK(MPI_File_set_atomicity(f, now.atomic));
    OK(MPI_Type_free(&slots));
    OK(MPI_Type_free(&filetype));
}

/* Memory: `count` items, one after the other or with one's room between. */
struct memory {
    unsigned char *bytes;
    MPI_Datatype type;
    int count, step;
};

static struct memory memory_for(int items, int strided)
{
    struct memory m = {calloc(1, (size_t)(2 * items + 1) * 8), now.etype, items, now.bytes};

    CHECK(m.bytes);
    if (strided) {
        m.step = 2 * now.bytes;
        m.count = 1;
        OK(MPI_Type_vector(items, 1, 2, now.etype, &m.type));
        OK(MPI_Type_commit(&m.type));
    }
    return m;
}

static void forget(struct memory *m)
{
    free(m->bytes);
    if (m->type != now.etype)
        OK(MPI_Type_free(&m->type));
}

static void finish(MPI_Request *q, MPI_Status *s)
{
    OK(MPI_Wait(q, s));
}

static void write_by(MPI_File f, int form, int start, const struct memory *m, MPI_Status *s)
{
    MPI_Request q;

    if (form < 3)
        OK(MPI_File_seek(f, start, MPI_SEEK_SET));
    switch (form + 6 * now.collective) {
    case 0:
        OK(MPI_File_write(f, m->bytes, m->count, m->type, s));
        break;
    case 1:
    case 2:
        OK(MPI_File_iwrite(f, m->bytes, m->count, m->type, &q));
        finish(&q, s);
        break;
    case 3:
    case 4:
        OK(MPI_File_write_at(f, start, m->bytes, m->count, m->type, s));
        break;
    case 5:
        OK(MPI_File_iwrite_at(f, start, m->bytes, m->count, m->type, &q));
        finish(&q, s);
        break;
    case 6:
    case 7:
        OK(MPI_File_write_all(f, m->bytes, m->count, m->type, s));
        break;
    case 8:
        OK(MPI_File_write_all_begin(f, m->bytes, m->count, m->type));
        OK(MPI_File_write_all_end(f, m->bytes, s));
        break;
    case 9:
    case 10:
        OK(MPI_File_write_at_all(f, start, m->bytes, m->count, m->type, s));
        break;
    default:
        OK(MPI_File_iwrite_at_all(f, start, m->bytes, m->count, m->type, &q));
        finish(&q, s);
    }
}

static void read_by(MPI_File f, int form, int start, const struct memory *m, MPI_Status *s)
{
    MPI_Request q;

    if (form < 3)
        OK(MPI_File_seek(f, start, MPI_SEEK_SET));
    switch (form + 6 * now.collective) {
    case 0:
        OK(MPI_File_read(f, m->bytes, m->count, m->type, s));
        break;
    case 1:
    case 2:
        OK(MPI_File_iread(f, m->bytes, m->count, m->type, &q));
        finish(&q, s);
        break;
    case 3:
    case 4:
        OK(MPI_File_read_at(f, start, m->bytes, m->count, m->type, s));
        break;
    case 5:
        OK(MPI_File_iread_at(f, start, m->bytes, m->count, m->type, &q));
        finish(&q, s);
        break;
    case 6:
    case 7:
        OK(MPI_File_read_all(f, m->bytes, m->count, m->type, s));
        break;
    case 8:
        OK(MPI_File_read_all_begin(f, m->bytes, m->count, m->type));
        OK(MPI_File_read_all_end(f, m->bytes, s));
        break;
    case 9:
    case 10:
        OK(MPI_File_read_at_all(f, start, m->bytes, m->count, m->type, s));
        break;
    default:
        OK(MPI_File_iread_at_all(f, start, m->bytes, m->count, m->type, &q));
        finish(&q, s);
    }
}

/* A collective call is the same on all; one that is not, anything. */
static int form_of(int r)
{
    return now.collective ? now.part[0].form : now.part[r].form;
}

/* ---- What must come of it ---- */

static void write_model(int turn)
{
    for (int r = 0; r < size; r++) {
        const struct part *p = &now.part[r];
        for (int i = 0; i < p->count; i++) {
            long offset = offset_of(p, p->start + i);
            for (int b = 0; b < now.bytes; b++)
                model[offset + place_of(b)] = byte_of(turn, r, i, b);
            if (offset + now.bytes > model_size)
                model_size = offset + now.bytes;
        }
    }
}

static void write_round(MPI_File f, int turn)
{
    struct part *p = &now.part[rank];
    struct memory m = memory_for(p->count, p->strided);
    MPI_Status s;

    for (int i = 0; i < p->count; i++)
        for (int b = 0; b < now.bytes; b++)
            m.bytes[i * m.step + b] = byte_of(turn, rank, i, b);
    write_by(f, form_of(rank), p->start, &m, &s);
    CHECK(!p->count || moved(&s, m.type, m.count));
    forget(&m);
}

static void expect_size(MPI_File f)
{
    MPI_Offset bytes = -1;

    OK(MPI_File_get_size(f, &bytes));
    CHECK(bytes == model_size);
}

/* How many bytes of the items lie before the file's end. */
static long readable(const struct part *p, int start, int count)
{
    long n = 0;

    for (int i = 0; i < count; i++)
        for (int b = 0; b < now.bytes; b++)
            n += offset_of(p, start + i) + b < model_size;
    return n;
}

static void read_round(MPI_File f, int turn)
{
    struct part *p = &now.part[rank];
    int start = below(4 * p->slots), count = below(3) ? p->count : below(ITEMS);
    long wanted = readable(p, start, count);
    struct memory m = memory_for(count, p->strided);
    MPI_Status s;
    int n;

    memset(m.bytes, 0xEE, (size_t)(2 * count + 1) * 8);
    read_by(f, form_of(rank), start, &m, &s);
    OK(MPI_Get_elements(&s, MPI_BYTE, &n));
    /* Of another representation, whole items. */
    CHECK(n == wanted || (now.external && n == wanted / now.bytes * now.bytes));
    for (int i = 0; i < count; i++)
        for (int b = 0; b < now.bytes; b++) {
            unsigned char found = m.bytes[i * m.step + b];
            if (i * now.bytes + b >= n)
                CHECK(found == 0xEE);
            else if (found != model[offset_of(p, start + i) + place_of(b)]) {
                fprintf(stderr, "round %d, rank %d: item %d, byte %d is %d\n", turn, rank, i, b,
                        found);
                MPI_Abort(MPI_COMM_WORLD, 1);
            }
        }
    for (int i = 0; m.step > now.bytes && i < count; i++)
        CHECK(m.bytes[i * m.step + now.bytes] == 0xEE);
    forget(&m);
}

/* The end of the view, by seeking to it, and back to bytes. */
static void seek_round(MPI_File f)
{
    struct part *p = &now.part[rank];
    MPI_Offset at, offset;
    int item = 0;

    while (offset_of(p, item) < model_size)
        item++;
    OK(MPI_File_seek(f, 0, MPI_SEEK_END));
    OK(MPI_File_get_position(f, &at));
    CHECK(at == item);
    OK(MPI_File_get_byte_offset(f, at, &offset));
    CHECK(offset == offset_of(p, item));
}

static void one_round(MPI_File f, int turn)
{
    MPI_Info info;

    plan();
    if (below(8) == 0) {
        long bytes = below(3000);
        OK(MPI_File_set_size(f, bytes));
        if (bytes < model_size)
            memset(model + bytes, 0, (size_t)(model_size - bytes));
        model_size = bytes;
    }
    OK(MPI_Info_create(&info));
    set_hints(info);
    set_view(f, info);
    OK(MPI_Info_free(&info));
    write_round(f, turn);
    write_model(turn);
    OK(MPI_Barrier(MPI_COMM_WORLD));
    expect_size(f);
    seek_round(f);
    for (int i = 0; i < 2; i++) {
        /* What follows is the rank's own choice. */
        unsigned long before = state;
        state += (unsigned long)rank * 977 + (unsigned)i;
        read_round(f, turn);
        state = before;
    }
    below(2);
    OK(MPI_Barrier(MPI_COMM_WORLD));
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    int rounds = argc > 1 ? atoi(argv[1]) : getenv("ORIEL_TEST_BRIEFLY") ? 20 : 60;
    state = argc > 2 ? strtoul(argv[2], NULL, 10) : 1;
    CHECK(size < TILE - 2 && size <= RANKS);
    name_file("fuzz");
    MPI_File f;
    OK(MPI_File_open(MPI_COMM_WORLD, path,
                     MPI_MODE_CREATE | MPI_MODE_RDWR | MPI_MODE_DELETE_ON_CLOSE, MPI_INFO_NULL,
                     &f));
    for (int i = 0; i < rounds; i++)
        one_round(f, i);
    OK(MPI_File_close(&f));
    return end("file_fuzz");
}
