/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Datatypes (chapter 5). A type is flattened at commit into a canonical form, and one iterator over
 * it serves packing, unpacking, iovecs, remote memory and files. Sizes and displacements are bytes.
 */
#ifndef ORIEL_OBJECT_DATATYPE_H
#define ORIEL_OBJECT_DATATYPE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/uio.h>

#include "core/object/attr.h"

/* What one element of a predefined type is, for operators and remote accumulation. */
enum basic {
    BASIC_NONE, /* elements of several kinds, or of one that no operator knows */
    BASIC_INT8,
    BASIC_INT16,
    BASIC_INT32,
    BASIC_INT64,
    BASIC_UINT8,
    BASIC_UINT16,
    BASIC_UINT32,
    BASIC_UINT64,
    BASIC_INT128, /* MPI_INTEGER16 */
    BASIC_BYTE,   /* MPI_BYTE, MPI_PACKED: bits only */
    BASIC_CHAR,   /* MPI_WCHAR, MPI_CHARACTER: text, no arithmetic */
    BASIC_BOOL,   /* _Bool, C++ bool */
    BASIC_LOGICAL1,
    BASIC_LOGICAL2,
    BASIC_LOGICAL4,
    BASIC_LOGICAL8,
    BASIC_LOGICAL16,
    BASIC_FLOAT16,
    BASIC_FLOAT,
    BASIC_DOUBLE,
    BASIC_LONG_DOUBLE,
    BASIC_FLOAT128,
    BASIC_COMPLEX8, /* float _Complex; named by total bytes */
    BASIC_COMPLEX16,
    BASIC_COMPLEX32, /* long double _Complex */
    BASIC_COMPLEX4,  /* of BASIC_FLOAT16 */
    BASIC_COMPLEX_FLOAT128,
    BASIC_FLOAT_INT, /* value and index, for MINLOC and MAXLOC */
    BASIC_DOUBLE_INT,
    BASIC_LONG_INT,
    BASIC_SHORT_INT,
    BASIC_2INT,
    BASIC_2INT64, /* MPI_2INTEGER where Fortran's INTEGER has 8 bytes */
    BASIC_LONG_DOUBLE_INT,
    BASIC_2REAL,
    BASIC_2DOUBLE,
    BASICS
};

/* MPI_CHAR: 6.9.2 keeps it from operators, but MPICH and Open MPI calculate, and programs with
 * them. */
#define BASIC_PLAIN_CHAR (CHAR_MIN < 0 ? BASIC_INT8 : BASIC_UINT8)

struct type_loop;     /* the canonical form: datatype_flat.h */
struct type_contents; /* how it was constructed: datatype_contents.h */

/*
 * Where one item's bytes lie: nothing (size 0), one block of `size` bytes at `first` (loop NULL),
 * or what the loop says, whose first byte in packing order lies at `first`.
 */
struct type_shape {
    MPI_Aint first;
    MPI_Count size;
    struct type_loop *loop;
};

enum type_block {
    TYPE_PIECES,
    TYPE_BLOCK, /* any number of items are one block */
    TYPE_ITEM,  /* a single item is: a part of an array, resized */
};

struct datatype {
    struct object object;
    /* From here on nothing changes once the type is there, but that it is committed, and what
     * MPI_Abi_set_fortran_info says of a predefined one. */
    MPI_Count size;      /* bytes of data in one item; MPI_UNDEFINED: a type we do not support */
    MPI_Aint lb, extent; /* MPI_Type_get_extent */
    MPI_Aint true_lb, true_extent;
    bool contiguous; /* one item is one block at true_lb, and the next follows it at once */
    bool committed;
    uint8_t block; /* enum type_block of what is committed: what the short ways ask */
    bool even;     /* many items are one loop: that of one, longer */
    bool predefined;
    bool marked;        /* lb and extent were set, by resizing or as an array's: 5.1.7 */
    unsigned align;     /* the strictest of its elements: pads the extent where not marked */
    enum basic basic;   /* of every element, where all are of one kind, else BASIC_NONE */
    MPI_Count elements; /* basic elements in one item; 0 where unknown kind */
    MPI_Count leaves;   /* the same as MPI_Get_elements counts: always known, a pair is two */
    MPI_Count external; /* bytes of one item in external32 (14.5.2) */
    struct type_shape shape;
    struct type_contents *contents; /* NULL: predefined and named */
    /* To here: datatype_alias. */
    struct attrs attrs;
    char name[MPI_MAX_OBJECT_NAME];
};

static inline struct datatype *datatype_find(MPI_Datatype handle)
{
    return (struct datatype *)object_find(OBJECT_DATATYPE, handle);
}

/* The predefined types by name: datatype_byte, datatype_int, datatype_int64, ... */
#define TYPE(name, handle, c, basic, external)            extern struct datatype datatype_##name;
#define TYPE_MISSING(name, handle)                        extern struct datatype datatype_##name;
#define PAIR(name, handle, value, index, basic, external) extern struct datatype datatype_##name;
#include "core/object/datatype_basic.def"

void datatype_open(void); /* the predefined handles */
/* What MPI_Abi_set_fortran_info says of Fortran's types, once; MPI_ERR_INFO_VALUE, and nothing is
 * changed, where there is no such type. */
struct info;
int datatype_set_fortran(struct info *i);
extern unsigned datatype_stamp; /* another value each time it has changed some; never 0 */
void datatype_close(void);      /* what MPI_Type_create_f90_x cached */
int datatype_commit(struct datatype *t);

/* Constructors that the library itself uses; all of them: datatype_build.h. New types without a
 * handle, one reference, uncommitted. Counts are checked (>= 0).
 */
int datatype_contiguous(MPI_Count count, struct datatype *old, struct datatype **type);
int datatype_hvector(MPI_Count count, MPI_Count blocklength, MPI_Aint stride, bool stride_in_bytes,
                     struct datatype *old, struct datatype **type);
int datatype_dup(struct datatype *old, struct datatype **type);

/*
 * Bytes, not items, so that a caller may stop and go on anywhere: copies from byte `from` of the
 * packed form of `count` items at `buf`, at most `len` bytes. Returns the bytes copied, less than
 * `len` only at the end.
 */
size_t datatype_pack(const void *buf, MPI_Count count, const struct datatype *t, size_t from,
                     void *out, size_t len);
size_t datatype_unpack(void *buf, MPI_Count count, const struct datatype *t, size_t from,
                       const void *in, size_t len);

/*
 * The iterator: pieces of contiguous memory in the order of the packed form.
 *     struct type_iter i;
 *     type_iter_begin(&i, buf, count, t, from_byte);
 *     while (type_iter_next(&i, most, &iov)) ...
 */
struct type_iter {
    char *buf;
    MPI_Count count;
    const struct datatype *type;
    size_t at, end; /* bytes of the packed form */
    /* private: the block that `at` is in, and the innermost loop that it belongs to */
    char *block;
    size_t left; /* bytes of the block */
    const struct type_loop *leaf;
    MPI_Count index;
    char *base; /* of the leaf */
};
void type_iter_begin(struct type_iter *i, const void *buf, MPI_Count count,
                     const struct datatype *t, size_t from);
/* A piece of at most `most` (> 0) bytes; false at the end. */
bool type_iter_next(struct type_iter *i, size_t most, struct iovec *piece);

/* `buf` may be MPI_BOTTOM, from which C allows no step: hence the integers. */
static inline char *type_at(const void *buf, MPI_Aint bytes)
{
    return (char *)((uintptr_t)buf + (uintptr_t)bytes);
}

/* Whether so many items are one block. */
static inline bool datatype_is_block(const struct datatype *t, MPI_Count count)
{
    return t->contiguous || (count == 1 && !t->shape.loop);
}

/* Where that begins. */
static inline void *datatype_address(const void *buf, const struct datatype *t)
{
    return type_at(buf, t->true_lb);
}

#endif
