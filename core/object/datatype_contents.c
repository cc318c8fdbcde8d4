/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/object/datatype_contents.h"

#include <stdlib.h>

struct type_contents *type_contents_new(int combiner, MPI_Count values, MPI_Count types)
{
    struct type_contents *c;
    size_t bytes = (size_t)values * sizeof c->value[0];

    c = calloc(1, sizeof *c + bytes + (size_t)types * sizeof(struct datatype *));
    if (!c)
        return NULL;
    atomic_init(&c->refs, 1);
    c->combiner = combiner;
    c->room = values;
    c->type = (struct datatype **)(c->value + values);
    return c;
}

/* The next `count` values, as part of the last group where that is of the same kind. */
static MPI_Count *values(struct type_contents *c, enum type_arg_kind kind, MPI_Count count)
{
    struct type_args *a = c->groups ? &c->args[c->groups - 1] : NULL;
    MPI_Count *at = c->value + c->used;

    if (!a || a->kind != kind) {
        a = &c->args[c->groups++];
        a->kind = kind;
        a->value = at;
    }
    a->count += count;
    c->used += count;
    return at;
}

void type_contents_add(struct type_contents *c, enum type_arg_kind kind, MPI_Count value)
{
    *values(c, kind, 1) = value;
}

void type_contents_add_vec(struct type_contents *c, enum type_arg_kind kind, struct vec v,
                           MPI_Count count)
{
    MPI_Count *at = values(c, kind, count);

    for (MPI_Count i = 0; i < count; i++)
        at[i] = vec_at(v, i);
}

void type_contents_add_type(struct type_contents *c, struct datatype *old)
{
    object_hold(&old->object);
    c->type[c->types++] = old;
}

void type_contents_hold(struct type_contents *c)
{
    if (c)
        atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
}

/*
 * An old type that goes with it drops its own: those wait for the outermost call, as a chain of
 * types may be longer than the stack.
 */
void type_contents_drop(struct type_contents *c)
{
    static _Thread_local struct type_contents *dead;
    static _Thread_local bool freeing;

    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    c->next = dead;
    dead = c;
    if (freeing)
        return;
    freeing = true;
    while ((c = dead)) {
        dead = c->next;
        for (MPI_Count i = 0; i < c->types; i++)
            object_drop(&c->type[i]->object);
        free(c);
    }
    freeing = false;
}

/* ---- Decoding ---- */

enum class { INTEGER, ADDRESS, LARGE_COUNT };

static enum class class_of(const struct type_contents *c, enum type_arg_kind kind) {
    if (c->large) return kind == TYPE_ARG_INT ? INTEGER : LARGE_COUNT;
    return kind == TYPE_ARG_ADDRESS ? ADDRESS : INTEGER;
}

void type_envelope(const struct datatype *t, struct type_envelope *e)
{
    const struct type_contents *c = t->contents;
    MPI_Count n[3] = {0};

    *e = (struct type_envelope){.combiner = MPI_COMBINER_NAMED};
    if (!c)
        return;
    for (int g = 0; g < c->groups; g++)
        n[class_of(c, c->args[g].kind)] += c->args[g].count;
    *e = (struct type_envelope){c->combiner, n[INTEGER], n[ADDRESS], n[LARGE_COUNT], c->types};
    /* What stands behind a Fortran kind was no argument. */
    if (c->combiner == MPI_COMBINER_F90_REAL || c->combiner == MPI_COMBINER_F90_COMPLEX ||
        c->combiner == MPI_COMBINER_F90_INTEGER)
        e->types = 0;
}

/* One function for the three widths: `put` stores value i. */
#define GATHER(name, class, type)                                                                  \
    void name(const struct type_contents *c, MPI_Count most, type *out)                            \
    {                                                                                              \
        MPI_Count n = 0;                                                                           \
                                                                                                   \
        for (int g = 0; g < c->groups; g++)                                                        \
            for (MPI_Count i = 0; class_of(c, c->args[g].kind) == class && i < c->args[g].count;   \
                 i++)                                                                              \
                if (n < most)                                                                      \
                    out[n++] = (type)c->args[g].value[i];                                          \
    }
GATHER(type_contents_integers, INTEGER, int)
GATHER(type_contents_addresses, ADDRESS, MPI_Aint)
GATHER(type_contents_large_counts, LARGE_COUNT, MPI_Count)

/* ---- Signature ---- */

void type_signature(const struct datatype *t, MPI_Count count, type_run_function *f, void *context)
{
    const struct type_contents *c = t->contents;

    if (!count || !t->size)
        return;
    if (!c) {
        f(context, t, count);
    } else if (c->combiner == MPI_COMBINER_STRUCT) {
        for (MPI_Count n = 0; n < count; n++)
            for (MPI_Count i = 0; i < c->types; i++)
                type_signature(c->type[i], type_struct_block(c, i), f, context);
    } else {
        /* All other constructors repeat one old type. */
        type_signature(c->type[0], count * (t->size / c->type[0]->size), f, context);
    }
}

/* Of a pair, the value; a padded value is its own size in the packed form. */
static MPI_Count value_bytes(const struct datatype *pair)
{
    switch (pair->basic) {
    case BASIC_2REAL:
    case BASIC_2DOUBLE:
    case BASIC_2INT:
    case BASIC_2INT64:
        return pair->size / 2;
    default:
        return pair->size - (MPI_Count)sizeof(int);
    }
}

MPI_Count type_elements(const struct datatype *t, MPI_Count bytes)
{
    MPI_Count n = 0;

    while (bytes) {
        if (!t->size)
            return MPI_UNDEFINED;
        n += bytes / t->size * t->leaves;
        bytes %= t->size;
        if (!bytes)
            break;
        const struct type_contents *c = t->contents;
        if (!c)
            return t->leaves == 2 && bytes == value_bytes(t) ? n + 1 : MPI_UNDEFINED;
        MPI_Count i = 0;
        if (c->combiner == MPI_COMBINER_STRUCT) {
            for (; bytes >= type_struct_block(c, i) * c->type[i]->size; i++) {
                n += type_struct_block(c, i) * c->type[i]->leaves;
                bytes -= type_struct_block(c, i) * c->type[i]->size;
            }
        }
        t = c->type[i];
    }
    return n;
}

MPI_Count type_element_bytes(const struct datatype *t, MPI_Count elements)
{
    MPI_Count bytes = 0, whole;

    while (elements && t->leaves) {
        /* Only the first step can: what is left then is less than an item. */
        if (__builtin_mul_overflow(elements / t->leaves, t->size, &whole) ||
            __builtin_add_overflow(bytes, whole, &bytes) || bytes > INT64_MAX - t->size)
            return MPI_UNDEFINED;
        elements %= t->leaves;
        const struct type_contents *c = t->contents;
        if (!elements)
            break;
        if (!c)
            return bytes + value_bytes(t);
        MPI_Count i = 0;
        if (c->combiner == MPI_COMBINER_STRUCT) {
            for (; elements >= type_struct_block(c, i) * c->type[i]->leaves; i++) {
                bytes += type_struct_block(c, i) * c->type[i]->size;
                elements -= type_struct_block(c, i) * c->type[i]->leaves;
            }
        }
        t = c->type[i];
    }
    return bytes;
}
