/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fortran's types by precision and range (19.1.9): predefined, without a name, one object for each
 * (p, r) that was asked for. They live until datatype_close.
 */
#include <float.h>
#include <stdlib.h>

#include "core/object/datatype_build.h"
#include "core/object/datatype_contents.h"
#include "core/object/err.h"
#include "provider/base/lock.h"

struct cached {
    int combiner, p, r;
    struct datatype *type;
    struct cached *next;
};

static struct lock cache_lock;
static struct cached *cache;

/* What a Fortran compiler with the usual kinds chooses: digits, decimal exponent, type. */
struct kind {
    int p, r;
    struct datatype *real, *complex;
};

static const struct kind reals[] = {
    {FLT_DIG, FLT_MAX_10_EXP - 1, &datatype_real4, &datatype_complex8},
    {DBL_DIG, DBL_MAX_10_EXP - 1, &datatype_real8, &datatype_complex16},
    {LDBL_DIG, LDBL_MAX_10_EXP - 1, &datatype_long_double, &datatype_c_long_double_complex},
    {33, 4931, &datatype_real16, &datatype_complex32},
};

static const struct kind integers[] = {
    {0, 2, &datatype_integer1, NULL},   {0, 4, &datatype_integer2, NULL},
    {0, 9, &datatype_integer4, NULL},   {0, 18, &datatype_integer8, NULL},
    {0, 38, &datatype_integer16, NULL},
};

static struct datatype *find_kind(int combiner, int p, int r)
{
    bool integer = combiner == MPI_COMBINER_F90_INTEGER;
    const struct kind *k = integer ? integers : reals;
    size_t n = integer ? sizeof integers / sizeof *k : sizeof reals / sizeof *k;

    for (size_t i = 0; i < n; i++) {
        struct datatype *t = combiner == MPI_COMBINER_F90_COMPLEX ? k[i].complex : k[i].real;
        if ((integer || p == MPI_UNDEFINED || p <= k[i].p) && (r == MPI_UNDEFINED || r <= k[i].r) &&
            t->size > 0)
            return t;
    }
    return NULL;
}

static int make(int combiner, int p, int r, struct datatype **type)
{
    struct datatype *base = find_kind(combiner, p, r);
    struct type_contents *c;
    int rc;

    if (!base)
        return err_set(MPI_ERR_ARG, "no Fortran type has precision %d and range %d", p, r);
    rc = datatype_alias(base, type);
    if (rc)
        return rc;
    c = type_contents_new(combiner, 2, 1);
    if (!c) {
        object_drop(&(*type)->object);
        return err_set(MPI_ERR_NO_MEM, "no memory for a datatype");
    }
    if (combiner != MPI_COMBINER_F90_INTEGER)
        type_contents_add(c, TYPE_ARG_INT, p);
    type_contents_add(c, TYPE_ARG_INT, r);
    type_contents_add_type(c, base);
    (*type)->contents = c;
    (*type)->predefined = true;
    rc = object_publish(&(*type)->object);
    if (rc)
        object_drop(&(*type)->object);
    return rc;
}

static struct cached *find_cached(int combiner, int p, int r)
{
    struct cached *e = cache;

    while (e && (e->combiner != combiner || e->p != p || e->r != r))
        e = e->next;
    return e;
}

static int find_locked(int combiner, int p, int r, struct datatype **type)
{
    struct cached *e = find_cached(combiner, p, r);
    int rc = MPI_SUCCESS;

    if (!e) {
        e = malloc(sizeof *e);
        if (!e)
            return err_set(MPI_ERR_NO_MEM, "no memory for a datatype");
        *e = (struct cached){combiner, p, r, NULL, cache};
        rc = make(combiner, p, r, &e->type);
        if (rc) {
            free(e);
            return rc;
        }
        cache = e;
    }
    *type = e->type;
    return MPI_SUCCESS;
}

int datatype_f90(int combiner, int p, int r, struct datatype **type)
{
    int rc;

    if (p == MPI_UNDEFINED && r == MPI_UNDEFINED)
        return err_set(MPI_ERR_ARG, combiner == MPI_COMBINER_F90_INTEGER
                                        ? "the range is MPI_UNDEFINED"
                                        : "precision and range are both MPI_UNDEFINED");
    lock_take(&cache_lock);
    rc = find_locked(combiner, p, r, type);
    lock_drop(&cache_lock);
    return rc;
}

void datatype_close(void)
{
    while (cache) {
        struct cached *e = cache;
        cache = e->next;
        object_retire(&e->type->object);
        object_drop(&e->type->object);
        free(e);
    }
}
