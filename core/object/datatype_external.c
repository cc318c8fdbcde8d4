/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/object/datatype_external.h"

#include <string.h>

#include "core/object/datatype_contents.h"
#include "core/object/err.h"

/* What an element consists of: one number, or two (complex, value and index). */
enum number { SIGNED, UNSIGNED, IEEE, EXTENDED };

struct part {
    enum number number;
    int native, external; /* bytes */
};

static enum number number_of(enum basic basic)
{
    switch (basic) {
    case BASIC_INT8:
    case BASIC_INT16:
    case BASIC_INT32:
    case BASIC_INT64:
    case BASIC_INT128:
    case BASIC_LONG_INT:
    case BASIC_SHORT_INT:
    case BASIC_2INT:
    case BASIC_2INT64:
        return SIGNED;
    case BASIC_FLOAT16:
    case BASIC_FLOAT:
    case BASIC_DOUBLE:
    case BASIC_FLOAT128:
    case BASIC_COMPLEX4:
    case BASIC_COMPLEX8:
    case BASIC_COMPLEX16:
    case BASIC_COMPLEX_FLOAT128:
    case BASIC_FLOAT_INT:
    case BASIC_DOUBLE_INT:
    case BASIC_2REAL:
    case BASIC_2DOUBLE:
        return IEEE;
    case BASIC_LONG_DOUBLE:
    case BASIC_COMPLEX32:
    case BASIC_LONG_DOUBLE_INT:
        return EXTENDED;
    default:
        return UNSIGNED;
    }
}

/* Returns how many parts there are. */
static int parts_of(const struct datatype *t, struct part part[2])
{
    const struct part index = {SIGNED, sizeof(int), 4};
    enum number n = number_of(t->basic);
    int external = (int)t->external;

    switch (t->basic) {
    case BASIC_COMPLEX4:
    case BASIC_COMPLEX8:
    case BASIC_COMPLEX16:
    case BASIC_COMPLEX32:
    case BASIC_COMPLEX_FLOAT128:
    case BASIC_2INT:
    case BASIC_2INT64:
    case BASIC_2REAL:
    case BASIC_2DOUBLE:
        part[0] = part[1] = (struct part){n, (int)t->size / 2, external / 2};
        return 2;
    case BASIC_FLOAT_INT:
    case BASIC_DOUBLE_INT:
    case BASIC_LONG_INT:
    case BASIC_SHORT_INT:
    case BASIC_LONG_DOUBLE_INT:
        part[0] = (struct part){n, (int)t->size - index.native, external - index.external};
        part[1] = index;
        return 2;
    default:
        part[0] = (struct part){n, (int)t->size, external};
        return 1;
    }
}

/* The machine's order to big-endian, or back: the same thing. */
static void reverse(unsigned char *out, const unsigned char *in, int n)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (int i = 0; i < n; i++)
        out[i] = in[n - 1 - i];
#else
    memcpy(out, in, (size_t)n);
#endif
}

#if defined(__SIZEOF_FLOAT128__) && __LDBL_MANT_DIG__ != 113
/* long double is none of IEEE's formats; binary128 holds it exactly. */
static void extended_out(unsigned char *out, const unsigned char *in)
{
    long double v;
    __float128 wide;

    memcpy(&v, in, sizeof v);
    wide = v;
    memcpy(out, &wide, sizeof wide);
}

static void extended_in(unsigned char *out, const unsigned char *in)
{
    __float128 wide;
    long double v;

    memcpy(&wide, in, sizeof wide);
    v = (long double)wide;
    /* x86's format has 10 bytes; what lies behind them in `v` is anything. */
    memset(out, 0, sizeof v);
    memcpy(out, &v, __LDBL_MANT_DIG__ == 64 ? 10 : sizeof v);
}
#else
static void extended_out(unsigned char *out, const unsigned char *in)
{
    memcpy(out, in, 16);
}

static void extended_in(unsigned char *out, const unsigned char *in)
{
    memcpy(out, in, 16);
}
#endif

/* `big` is the external number, p->external bytes. False where the native value does not fit. */
static bool number_out(const struct part *p, const unsigned char *native, unsigned char *big)
{
    unsigned char whole[16];
    int more = p->native - p->external;

    if (p->number == EXTENDED) {
        unsigned char wide[16];
        extended_out(wide, native);
        reverse(big, wide, 16);
        return true;
    }
    reverse(whole, native, p->native);
    memcpy(big, whole + more, (size_t)p->external);
    unsigned char fill = p->number == SIGNED && (big[0] & 0x80) ? 0xff : 0;
    for (int i = 0; i < more; i++)
        if (whole[i] != fill)
            return false;
    return true;
}

static void number_in(const struct part *p, const unsigned char *big, unsigned char *native)
{
    unsigned char whole[16];
    int more = p->native - p->external;

    if (p->number == EXTENDED) {
        unsigned char wide[16];
        reverse(wide, big, 16);
        extended_in(native, wide);
        return;
    }
    memset(whole, p->number == SIGNED && (big[0] & 0x80) ? 0xff : 0, sizeof whole);
    memcpy(whole + more, big, (size_t)p->external);
    reverse(native, whole, p->native);
}

/* The run through the signature: native bytes by way of a chunk, external ones in place. */
struct run {
    char *buf;
    MPI_Count count;
    const struct datatype *type;
    size_t at; /* in the packed form */
    unsigned char *external;
    bool out;
    const struct datatype *bad; /* the first type of which a value did not fit */
};

enum { CHUNK = 4096 };

static void run_chunk(struct run *r, const struct datatype *t, unsigned char *native, size_t bytes)
{
    struct part part[2];
    int parts = parts_of(t, part);

    for (size_t at = 0; at < bytes;) {
        for (int i = 0; i < parts; i++) {
            if (!r->out)
                number_in(&part[i], r->external, native + at);
            else if (!number_out(&part[i], native + at, r->external) && !r->bad)
                r->bad = t;
            at += (size_t)part[i].native;
            r->external += part[i].external;
        }
    }
}

static void run_type(void *context, const struct datatype *t, MPI_Count count)
{
    struct run *r = context;
    unsigned char native[CHUNK];
    MPI_Count most = CHUNK / t->size;

    while (count) {
        MPI_Count n = count < most ? count : most;
        size_t bytes = (size_t)(n * t->size);

        if (r->out)
            datatype_pack(r->buf, r->count, r->type, r->at, native, bytes);
        run_chunk(r, t, native, bytes);
        if (!r->out)
            datatype_unpack(r->buf, r->count, r->type, r->at, native, bytes);
        r->at += bytes;
        count -= n;
    }
}

int datatype_external_pack(const void *buf, MPI_Count count, const struct datatype *t, void *out)
{
    struct run r = {(char *)buf, count, t, 0, out, true, NULL};

    type_signature(t, count, run_type, &r);
    if (!r.bad)
        return MPI_SUCCESS;
    return err_set(MPI_ERR_CONVERSION, "a value of %s does not fit the %d bytes of external32",
                   r.bad->name, (int)r.bad->external);
}

int datatype_external_unpack(void *buf, MPI_Count count, const struct datatype *t, const void *in)
{
    struct run r = {buf, count, t, 0, (unsigned char *)in, false, NULL};

    type_signature(t, count, run_type, &r);
    return MPI_SUCCESS;
}
