/* SPDX-License-Identifier: BSD-3-Clause */
/* What a datatype is: sizes, bounds, arguments of its construction; and how much of it a status
 * counts. An int that cannot hold the answer becomes MPI_UNDEFINED (5.1.5). */
#include <limits.h>
#include <string.h>

#include "core/api/check.h"
#include "core/object/datatype_build.h"
#include "core/object/datatype_contents.h"
#include "core/object/err.h"
#include "core/object/status.h"

static int clamp(MPI_Count value)
{
    return value > INT_MAX ? MPI_UNDEFINED : (int)value;
}

/* A datatype, and two outputs that must be there. */
static int check_type_out(MPI_Datatype datatype, struct datatype **t, const void *first,
                          const char *first_name, const void *second, const char *second_name)
{
    int rc = check_type(datatype, t);

    if (!rc)
        rc = check_out(first, first_name);
    return rc ? rc : check_out(second, second_name);
}

/* ---- Size and bounds ---- */

MPI_EXPORT(Type_size_c)
int PMPI_Type_size_c(MPI_Datatype datatype, MPI_Count *size)
{
    struct datatype *t = NULL;
    int rc = check_type(datatype, &t);

    if (!rc)
        rc = check_out(size, "size");
    if (rc)
        return api_fail(rc, __func__);
    *size = t->size;
    return MPI_SUCCESS;
}

MPI_EXPORT(Type_size)
int PMPI_Type_size(MPI_Datatype datatype, int *size)
{
    MPI_Count large = 0;
    int rc = PMPI_Type_size_c(datatype, size ? &large : NULL);

    if (!rc)
        *size = clamp(large);
    return rc;
}

MPI_EXPORT(Type_size_x)
int PMPI_Type_size_x(MPI_Datatype datatype, MPI_Count *size)
{
    return PMPI_Type_size_c(datatype, size);
}

MPI_EXPORT(Type_get_extent_c)
int PMPI_Type_get_extent_c(MPI_Datatype datatype, MPI_Count *lb, MPI_Count *extent)
{
    struct datatype *t = NULL;
    int rc = check_type_out(datatype, &t, lb, "lb", extent, "extent");

    if (rc)
        return api_fail(rc, __func__);
    *lb = t->lb;
    *extent = t->extent;
    return MPI_SUCCESS;
}

/* An MPI_Aint holds every bound that there is. */
MPI_EXPORT(Type_get_extent)
int PMPI_Type_get_extent(MPI_Datatype datatype, MPI_Aint *lb, MPI_Aint *extent)
{
    return PMPI_Type_get_extent_c(datatype, (MPI_Count *)lb, (MPI_Count *)extent);
}

MPI_EXPORT(Type_get_extent_x)
int PMPI_Type_get_extent_x(MPI_Datatype datatype, MPI_Count *lb, MPI_Count *extent)
{
    return PMPI_Type_get_extent_c(datatype, lb, extent);
}

MPI_EXPORT(Type_get_true_extent_c)
int PMPI_Type_get_true_extent_c(MPI_Datatype datatype, MPI_Count *true_lb, MPI_Count *true_extent)
{
    struct datatype *t = NULL;
    int rc = check_type_out(datatype, &t, true_lb, "true_lb", true_extent, "true_extent");

    if (rc)
        return api_fail(rc, __func__);
    *true_lb = t->true_lb;
    *true_extent = t->true_extent;
    return MPI_SUCCESS;
}

MPI_EXPORT(Type_get_true_extent)
int PMPI_Type_get_true_extent(MPI_Datatype datatype, MPI_Aint *true_lb, MPI_Aint *true_extent)
{
    return PMPI_Type_get_true_extent_c(datatype, (MPI_Count *)true_lb, (MPI_Count *)true_extent);
}

MPI_EXPORT(Type_get_true_extent_x)
int PMPI_Type_get_true_extent_x(MPI_Datatype datatype, MPI_Count *true_lb, MPI_Count *true_extent)
{
    return PMPI_Type_get_true_extent_c(datatype, true_lb, true_extent);
}

/* ---- Construction (5.1.13) ---- */

/* The int forms know no large counts: a type that was made with them is not for them. */
static int check_form(const struct type_envelope *e, bool large)
{
    if (large || !e->large_counts)
        return MPI_SUCCESS;
    return err_set(MPI_ERR_TYPE, "the datatype was made with large counts: use the _c form");
}

MPI_EXPORT(Type_get_envelope_c)
int PMPI_Type_get_envelope_c(MPI_Datatype datatype, MPI_Count *num_integers,
                             MPI_Count *num_addresses, MPI_Count *num_large_counts,
                             MPI_Count *num_datatypes, int *combiner)
{
    struct type_envelope e;
    struct datatype *t = NULL;
    int rc =
        check_type_out(datatype, &t, num_integers, "num_integers", num_addresses, "num_addresses");

    if (!rc)
        rc = check_out(num_large_counts, "num_large_counts");
    if (!rc)
        rc = check_out(num_datatypes, "num_datatypes");
    if (!rc)
        rc = check_out(combiner, "combiner");
    if (rc)
        return api_fail(rc, __func__);
    type_envelope(t, &e);
    *num_integers = e.integers;
    *num_addresses = e.addresses;
    *num_large_counts = e.large_counts;
    *num_datatypes = e.types;
    *combiner = e.combiner;
    return MPI_SUCCESS;
}

MPI_EXPORT(Type_get_envelope)
int PMPI_Type_get_envelope(MPI_Datatype datatype, int *num_integers, int *num_addresses,
                           int *num_datatypes, int *combiner)
{
    struct type_envelope e;
    struct datatype *t = NULL;
    int rc =
        check_type_out(datatype, &t, num_integers, "num_integers", num_addresses, "num_addresses");

    if (!rc)
        rc = check_out(num_datatypes, "num_datatypes");
    if (!rc)
        rc = check_out(combiner, "combiner");
    if (!rc) {
        type_envelope(t, &e);
        rc = check_form(&e, false);
    }
    if (rc)
        return api_fail(rc, __func__);
    *num_integers = clamp(e.integers);
    *num_addresses = clamp(e.addresses);
    *num_datatypes = clamp(e.types);
    *combiner = e.combiner;
    return MPI_SUCCESS;
}

static int check_room(const struct datatype *t, const struct type_envelope *room, bool large)
{
    struct type_envelope e;
    int rc;

    type_envelope(t, &e);
    if (e.combiner == MPI_COMBINER_NAMED)
        return err_set(MPI_ERR_TYPE, "%s was not constructed: it has no contents", t->name);
    rc = check_form(&e, large);
    if (rc)
        return rc;
    if (room->integers < e.integers || room->addresses < e.addresses ||
        room->large_counts < e.large_counts || room->types < e.types)
        return err_set(MPI_ERR_ARG,
                       "the datatype has %lld integers, %lld addresses, %lld large counts and %lld "
                       "datatypes: an array is too small for them",
                       (long long)e.integers, (long long)e.addresses, (long long)e.large_counts,
                       (long long)e.types);
    *(struct type_envelope *)room = e;
    return MPI_SUCCESS;
}

/* Predefined types as they are; of others new handles, which the program frees. */
static int copy_types(const struct type_contents *c, MPI_Count count, MPI_Datatype *out)
{
    for (MPI_Count i = 0; i < count; i++) {
        struct datatype *t = c->type[i];
        int rc = MPI_SUCCESS;

        if (!t->predefined) {
            rc = datatype_alias(c->type[i], &t);
            if (!rc) {
                memcpy(t->name, c->type[i]->name, sizeof t->name);
                rc = object_publish(&t->object);
                if (rc)
                    object_drop(&t->object);
            }
        }
        if (rc) {
            while (i--)
                if (!c->type[i]->predefined)
                    PMPI_Type_free(&out[i]);
            return rc;
        }
        out[i] = (MPI_Datatype)t->object.handle;
    }
    return MPI_SUCCESS;
}

static int contents(MPI_Datatype datatype, struct type_envelope *room, bool large, int *integers,
                    MPI_Aint *addresses, MPI_Count *large_counts, MPI_Datatype *types)
{
    struct datatype *t = NULL;
    int rc = check_type(datatype, &t);

    if (!rc)
        rc = check_room(t, room, large);
    if (!rc && room->integers)
        rc = check_out(integers, "array_of_integers");
    if (!rc && room->addresses)
        rc = check_out(addresses, "array_of_addresses");
    if (!rc && room->large_counts)
        rc = check_out(large_counts, "array_of_large_counts");
    if (!rc && room->types)
        rc = check_out(types, "array_of_datatypes");
    if (!rc)
        rc = copy_types(t->contents, room->types, types);
    if (rc)
        return rc;
    type_contents_integers(t->contents, room->integers, integers);
    type_contents_addresses(t->contents, room->addresses, addresses);
    type_contents_large_counts(t->contents, room->large_counts, large_counts);
    return MPI_SUCCESS;
}

MPI_EXPORT(Type_get_contents_c)
int PMPI_Type_get_contents_c(MPI_Datatype datatype, MPI_Count max_integers, MPI_Count max_addresses,
                             MPI_Count max_large_counts, MPI_Count max_datatypes,
                             int array_of_integers[], MPI_Aint array_of_addresses[],
                             MPI_Count array_of_large_counts[], MPI_Datatype array_of_datatypes[])
{
    struct type_envelope room = {0, max_integers, max_addresses, max_large_counts, max_datatypes};
    int rc = contents(datatype, &room, true, array_of_integers, array_of_addresses,
                      array_of_large_counts, array_of_datatypes);

    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Type_get_contents)
int PMPI_Type_get_contents(MPI_Datatype datatype, int max_integers, int max_addresses,
                           int max_datatypes, int array_of_integers[],
                           MPI_Aint array_of_addresses[], MPI_Datatype array_of_datatypes[])
{
    struct type_envelope room = {0, max_integers, max_addresses, 0, max_datatypes};
    int rc = contents(datatype, &room, false, array_of_integers, array_of_addresses, NULL,
                      array_of_datatypes);

    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}

/* ---- Predefined types by what they are ---- */

MPI_EXPORT(Type_match_size)
int PMPI_Type_match_size(int typeclass, int size, MPI_Datatype *datatype)
{
    static const struct {
        int class;
        const struct datatype *type;
    } row[] = {
        {MPI_TYPECLASS_INTEGER, &datatype_integer1},  {MPI_TYPECLASS_INTEGER, &datatype_integer2},
        {MPI_TYPECLASS_INTEGER, &datatype_integer4},  {MPI_TYPECLASS_INTEGER, &datatype_integer8},
        {MPI_TYPECLASS_INTEGER, &datatype_integer16}, {MPI_TYPECLASS_REAL, &datatype_real2},
        {MPI_TYPECLASS_REAL, &datatype_real4},        {MPI_TYPECLASS_REAL, &datatype_real8},
        {MPI_TYPECLASS_REAL, &datatype_real16},       {MPI_TYPECLASS_COMPLEX, &datatype_complex4},
        {MPI_TYPECLASS_COMPLEX, &datatype_complex8},  {MPI_TYPECLASS_COMPLEX, &datatype_complex16},
        {MPI_TYPECLASS_COMPLEX, &datatype_complex32}, {MPIX_TYPECLASS_LOGICAL, &datatype_logical1},
        {MPIX_TYPECLASS_LOGICAL, &datatype_logical2}, {MPIX_TYPECLASS_LOGICAL, &datatype_logical4},
        {MPIX_TYPECLASS_LOGICAL, &datatype_logical8}, {MPIX_TYPECLASS_LOGICAL, &datatype_logical16},
    };

    int rc = check_running();

    if (!rc)
        rc = check_out(datatype, "datatype");
    /* A type that is missing has a size below 0. */
    for (size_t i = 0; i < sizeof row / sizeof row[0] && !rc && size > 0; i++)
        if (row[i].class == typeclass && row[i].type->size == size) {
            *datatype = (MPI_Datatype)row[i].type->object.handle;
            return MPI_SUCCESS;
        }
    if (!rc)
        rc = err_set(MPI_ERR_ARG, "no type of class %d has %d bytes", typeclass, size);
    return api_fail(rc, __func__);
}

/* No pairs but the named ones, as far as there are such types; MPI_DATATYPE_NULL says so (5.1.14).
 */
MPI_EXPORT(Type_get_value_index)
int PMPI_Type_get_value_index(MPI_Datatype value_type, MPI_Datatype index_type,
                              MPI_Datatype *pair_type)
{
    static const MPI_Datatype row[][3] = {
        {MPI_FLOAT, MPI_INT, MPI_FLOAT_INT},
        {MPI_DOUBLE, MPI_INT, MPI_DOUBLE_INT},
        {MPI_LONG, MPI_INT, MPI_LONG_INT},
        {MPI_INT, MPI_INT, MPI_2INT},
        {MPI_SHORT, MPI_INT, MPI_SHORT_INT},
        {MPI_LONG_DOUBLE, MPI_INT, MPI_LONG_DOUBLE_INT},
        {MPI_REAL, MPI_REAL, MPI_2REAL},
        {MPI_DOUBLE_PRECISION, MPI_DOUBLE_PRECISION, MPI_2DOUBLE_PRECISION},
        {MPI_INTEGER, MPI_INTEGER, MPI_2INTEGER},
    };
    struct datatype *value = NULL, *index = NULL;
    int rc = check_type(value_type, &value);

    if (!rc)
        rc = check_type(index_type, &index);
    if (!rc)
        rc = check_out(pair_type, "pair_type");
    if (rc)
        return api_fail(rc, __func__);
    *pair_type = MPI_DATATYPE_NULL;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        if (row[i][0] == value_type && row[i][1] == index_type &&
            datatype_find(row[i][2])->size >= 0)
            *pair_type = row[i][2];
    return MPI_SUCCESS;
}

/* ---- What a status counts (3.2.5, 5.1.11) ---- */

static int check_counted(const MPI_Status *status, MPI_Datatype datatype, const MPI_Count *count,
                         struct datatype **t)
{
    if (!status)
        return check_bad_arg("status", "is MPI_STATUS_IGNORE");
    int rc = check_type(datatype, t);
    return rc ? rc : check_out(count, "count");
}

MPI_EXPORT(Get_count_c)
int PMPI_Get_count_c(const MPI_Status *status, MPI_Datatype datatype, MPI_Count *count)
{
    struct datatype *t = NULL;
    int rc = check_counted(status, datatype, count, &t);

    if (rc)
        return api_fail(rc, __func__);
    MPI_Count bytes = (MPI_Count)status_bytes(status);
    if (!bytes)
        *count = 0;
    else
        *count = t->size <= 0 || bytes % t->size ? MPI_UNDEFINED : bytes / t->size;
    return MPI_SUCCESS;
}

MPI_EXPORT(Get_count)
int PMPI_Get_count(const MPI_Status *status, MPI_Datatype datatype, int *count)
{
    MPI_Count large = 0;
    int rc = PMPI_Get_count_c(status, datatype, count ? &large : NULL);

    if (!rc)
        *count = clamp(large);
    return rc;
}

MPI_EXPORT(Get_elements_c)
int PMPI_Get_elements_c(const MPI_Status *status, MPI_Datatype datatype, MPI_Count *count)
{
    struct datatype *t = NULL;
    int rc = check_counted(status, datatype, count, &t);

    if (rc)
        return api_fail(rc, __func__);
    *count = type_elements(t, (MPI_Count)status_bytes(status));
    return MPI_SUCCESS;
}

MPI_EXPORT(Get_elements)
int PMPI_Get_elements(const MPI_Status *status, MPI_Datatype datatype, int *count)
{
    MPI_Count large = 0;
    int rc = PMPI_Get_elements_c(status, datatype, count ? &large : NULL);

    if (!rc)
        *count = clamp(large);
    return rc;
}

MPI_EXPORT(Get_elements_x)
int PMPI_Get_elements_x(const MPI_Status *status, MPI_Datatype datatype, MPI_Count *count)
{
    return PMPI_Get_elements_c(status, datatype, count);
}
