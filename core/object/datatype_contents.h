/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a datatype was constructed: the arguments of the call, for MPI_Type_get_contents (5.1.13),
 * and the old types, which also give its signature. Immutable but for `large`, and counted: a
 * datatype and the handles that MPI_Type_get_contents makes of it share one.
 */
#ifndef ORIEL_OBJECT_DATATYPE_CONTENTS_H
#define ORIEL_OBJECT_DATATYPE_CONTENTS_H

#include "core/object/datatype.h"
#include "core/object/vec.h"

/*
 * Arguments in the order of the call. The int form gives back INT and COUNT as integers and ADDRESS
 * as addresses; the large form INT as integers, the others as large counts.
 */
enum type_arg_kind { TYPE_ARG_INT, TYPE_ARG_COUNT, TYPE_ARG_ADDRESS };

struct type_args {
    enum type_arg_kind kind;
    MPI_Count count;
    MPI_Count *value;
};

enum { TYPE_ARGS = 8 };

struct type_contents {
    atomic_int refs;
    int combiner;
    bool large; /* made by the _c form of the call */
    int groups;
    struct type_args args[TYPE_ARGS];
    MPI_Count types;
    struct datatype **type;
    MPI_Count room, used;       /* of the values */
    struct type_contents *next; /* nobody's any more, to be freed after this */
    MPI_Count value[];
};

/* Room for `values` arguments and `types` types, none of them there yet; NULL without memory. */
struct type_contents *type_contents_new(int combiner, MPI_Count values, MPI_Count types);
void type_contents_add(struct type_contents *c, enum type_arg_kind kind, MPI_Count value);
void type_contents_add_vec(struct type_contents *c, enum type_arg_kind kind, struct vec v,
                           MPI_Count count);
void type_contents_add_type(struct type_contents *c, struct datatype *old);
void type_contents_hold(struct type_contents *c);
void type_contents_drop(struct type_contents *c); /* NULL is nothing */

/* Blocklength i of MPI_Type_create_struct. */
static inline MPI_Count type_struct_block(const struct type_contents *c, MPI_Count i)
{
    return c->value[1 + i];
}

/* MPI_Type_get_envelope: arguments of each class as the form that made the type has them. */
struct type_envelope {
    int combiner;
    MPI_Count integers, addresses, large_counts, types;
};
void type_envelope(const struct datatype *t, struct type_envelope *e);
/* The arguments of one class into an array of its own type: all of them, up to `most`. */
void type_contents_integers(const struct type_contents *c, MPI_Count most, int *out);
void type_contents_addresses(const struct type_contents *c, MPI_Count most, MPI_Aint *out);
void type_contents_large_counts(const struct type_contents *c, MPI_Count most, MPI_Count *out);

/* The type signature of `count` items, as runs of one predefined type. */
typedef void type_run_function(void *context, const struct datatype *predefined, MPI_Count count);
void type_signature(const struct datatype *t, MPI_Count count, type_run_function *f, void *context);

/* Whole basic elements in the first `bytes` of the packed form of items (MPI_Get_elements), or
 * MPI_UNDEFINED where the last is not whole. */
MPI_Count type_elements(const struct datatype *t, MPI_Count bytes);
/* And back: bytes of the first `elements` basic elements, or MPI_UNDEFINED where they are more than
 * 2^63. */
MPI_Count type_element_bytes(const struct datatype *t, MPI_Count elements);

#endif
