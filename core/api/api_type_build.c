/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The constructors of datatypes (5.1.2 to 5.1.4). Both forms of each are here, because the new type
 * remembers which of them made it (5.1.13); arrays go down as the program passed them.
 */
#include "core/api/check.h"
#include "core/object/datatype_build.h"
#include "core/object/datatype_contents.h"

static int check_old(MPI_Count count, MPI_Datatype oldtype, struct datatype **old)
{
    return count < 0 ? check_bad_count(count) : check_type(oldtype, old);
}

/* An array of arguments, which must be there where it has elements. */
static int check_array(MPI_Count count, struct vec v, const char *argument)
{
    return count > 0 ? check_out(v.at, argument) : MPI_SUCCESS;
}

/* The end of them all: gives the type a handle. */
static int publish(int rc, struct datatype *t, bool large, MPI_Datatype *newtype, const char *func)
{
    if (!rc && !newtype) {
        rc = check_out(newtype, "newtype");
        object_drop(&t->object);
    } else if (!rc) {
        t->contents->large = large;
        rc = object_publish(&t->object);
        if (rc)
            object_drop(&t->object);
    }
    if (rc)
        return api_fail(rc, func);
    *newtype = (MPI_Datatype)t->object.handle;
    return MPI_SUCCESS;
}

/* ---- One or two counts ---- */

static int contiguous(MPI_Count count, MPI_Datatype oldtype, bool large, MPI_Datatype *newtype,
                      const char *func)
{
    struct datatype *old = NULL, *t = NULL;
    int rc = check_old(count, oldtype, &old);

    if (!rc)
        rc = datatype_contiguous(count, old, &t);
    return publish(rc, t, large, newtype, func);
}

MPI_EXPORT(Type_contiguous)
int PMPI_Type_contiguous(int count, MPI_Datatype oldtype, MPI_Datatype *newtype)
{
    return contiguous(count, oldtype, false, newtype, __func__);
}

MPI_EXPORT(Type_contiguous_c)
int PMPI_Type_contiguous_c(MPI_Count count, MPI_Datatype oldtype, MPI_Datatype *newtype)
{
    return contiguous(count, oldtype, true, newtype, __func__);
}

static int vector(MPI_Count count, MPI_Count blocklength, MPI_Aint stride, bool bytes,
                  MPI_Datatype oldtype, bool large, MPI_Datatype *newtype, const char *func)
{
    struct datatype *old = NULL, *t = NULL;
    int rc = check_old(count, oldtype, &old);

    if (!rc)
        rc = datatype_hvector(count, blocklength, stride, bytes, old, &t);
    return publish(rc, t, large, newtype, func);
}

MPI_EXPORT(Type_vector)
int PMPI_Type_vector(int count, int blocklength, int stride, MPI_Datatype oldtype,
                     MPI_Datatype *newtype)
{
    return vector(count, blocklength, stride, false, oldtype, false, newtype, __func__);
}

MPI_EXPORT(Type_vector_c)
int PMPI_Type_vector_c(MPI_Count count, MPI_Count blocklength, MPI_Count stride,
                       MPI_Datatype oldtype, MPI_Datatype *newtype)
{
    return vector(count, blocklength, stride, false, oldtype, true, newtype, __func__);
}

MPI_EXPORT(Type_create_hvector)
int PMPI_Type_create_hvector(int count, int blocklength, MPI_Aint stride, MPI_Datatype oldtype,
                             MPI_Datatype *newtype)
{
    return vector(count, blocklength, stride, true, oldtype, false, newtype, __func__);
}

MPI_EXPORT(Type_create_hvector_c)
int PMPI_Type_create_hvector_c(MPI_Count count, MPI_Count blocklength, MPI_Count stride,
                               MPI_Datatype oldtype, MPI_Datatype *newtype)
{
    return vector(count, blocklength, stride, true, oldtype, true, newtype, __func__);
}

static int resized(MPI_Datatype oldtype, MPI_Aint lb, MPI_Aint extent, bool large,
                   MPI_Datatype *newtype, const char *func)
{
    struct datatype *old = NULL, *t = NULL;
    int rc = check_old(0, oldtype, &old);

    if (!rc)
        rc = datatype_resized(old, lb, extent, &t);
    return publish(rc, t, large, newtype, func);
}

MPI_EXPORT(Type_create_resized)
int PMPI_Type_create_resized(MPI_Datatype oldtype, MPI_Aint lb, MPI_Aint extent,
                             MPI_Datatype *newtype)
{
    return resized(oldtype, lb, extent, false, newtype, __func__);
}

MPI_EXPORT(Type_create_resized_c)
int PMPI_Type_create_resized_c(MPI_Datatype oldtype, MPI_Count lb, MPI_Count extent,
                               MPI_Datatype *newtype)
{
    return resized(oldtype, lb, extent, true, newtype, __func__);
}

/* ---- Arrays of counts ---- */

static int indexed(MPI_Count count, struct vec lengths, struct vec displs, bool bytes,
                   MPI_Datatype oldtype, bool large, MPI_Datatype *newtype, const char *func)
{
    struct datatype *old = NULL, *t = NULL;
    int rc = check_old(count, oldtype, &old);

    if (!rc)
        rc = check_array(count, lengths, "array_of_blocklengths");
    if (!rc)
        rc = check_array(count, displs, "array_of_displacements");
    if (!rc)
        rc = datatype_indexed(count, lengths, displs, bytes, old, &t);
    return publish(rc, t, large, newtype, func);
}

MPI_EXPORT(Type_indexed)
int PMPI_Type_indexed(int count, const int blocklengths[], const int displacements[],
                      MPI_Datatype oldtype, MPI_Datatype *newtype)
{
    return indexed(count, VEC(blocklengths), VEC(displacements), false, oldtype, false, newtype,
                   __func__);
}

MPI_EXPORT(Type_indexed_c)
int PMPI_Type_indexed_c(MPI_Count count, const MPI_Count blocklengths[],
                        const MPI_Count displacements[], MPI_Datatype oldtype,
                        MPI_Datatype *newtype)
{
    return indexed(count, VEC(blocklengths), VEC(displacements), false, oldtype, true, newtype,
                   __func__);
}

MPI_EXPORT(Type_create_hindexed)
int PMPI_Type_create_hindexed(int count, const int blocklengths[], const MPI_Aint displacements[],
                              MPI_Datatype oldtype, MPI_Datatype *newtype)
{
    return indexed(count, VEC(blocklengths), VEC(displacements), true, oldtype, false, newtype,
                   __func__);
}

MPI_EXPORT(Type_create_hindexed_c)
int PMPI_Type_create_hindexed_c(MPI_Count count, const MPI_Count blocklengths[],
                                const MPI_Count displacements[], MPI_Datatype oldtype,
                                MPI_Datatype *newtype)
{
    return indexed(count, VEC(blocklengths), VEC(displacements), true, oldtype, true, newtype,
                   __func__);
}

static int indexed_block(MPI_Count count, MPI_Count blocklength, struct vec displs, bool bytes,
                         MPI_Datatype oldtype, bool large, MPI_Datatype *newtype, const char *func)
{
    struct datatype *old = NULL, *t = NULL;
    int rc = check_old(count, oldtype, &old);

    if (!rc)
        rc = check_array(count, displs, "array_of_displacements");
    if (!rc)
        rc = datatype_indexed_block(count, blocklength, displs, bytes, old, &t);
    return publish(rc, t, large, newtype, func);
}

MPI_EXPORT(Type_create_indexed_block)
int PMPI_Type_create_indexed_block(int count, int blocklength, const int displacements[],
                                   MPI_Datatype oldtype, MPI_Datatype *newtype)
{
    return indexed_block(count, blocklength, VEC(displacements), false, oldtype, false, newtype,
                         __func__);
}

MPI_EXPORT(Type_create_indexed_block_c)
int PMPI_Type_create_indexed_block_c(MPI_Count count, MPI_Count blocklength,
                                     const MPI_Count displacements[], MPI_Datatype oldtype,
                                     MPI_Datatype *newtype)
{
    return indexed_block(count, blocklength, VEC(displacements), false, oldtype, true, newtype,
                         __func__);
}

MPI_EXPORT(Type_create_hindexed_block)
int PMPI_Type_create_hindexed_block(int count, int blocklength, const MPI_Aint displacements[],
                                    MPI_Datatype oldtype, MPI_Datatype *newtype)
{
    return indexed_block(count, blocklength, VEC(displacements), true, oldtype, false, newtype,
                         __func__);
}

MPI_EXPORT(Type_create_hindexed_block_c)
int PMPI_Type_create_hindexed_block_c(MPI_Count count, MPI_Count blocklength,
                                      const MPI_Count displacements[], MPI_Datatype oldtype,
                                      MPI_Datatype *newtype)
{
    return indexed_block(count, blocklength, VEC(displacements), true, oldtype, true, newtype,
                         __func__);
}

static int structure(MPI_Count count, struct vec lengths, struct vec displs,
                     const MPI_Datatype types[], bool large, MPI_Datatype *newtype,
                     const char *func)
{
    struct datatype *t = NULL;
    int rc = check_running();

    if (!rc && count < 0)
        rc = check_bad_count(count);
    if (!rc)
        rc = check_array(count, lengths, "array_of_blocklengths");
    if (!rc)
        rc = check_array(count, displs, "array_of_displacements");
    if (!rc)
        rc = check_array(count, VEC(types), "array_of_types");
    if (!rc)
        rc = datatype_struct(count, lengths, displs, types, &t);
    return publish(rc, t, large, newtype, func);
}

MPI_EXPORT(Type_create_struct)
int PMPI_Type_create_struct(int count, const int blocklengths[], const MPI_Aint displacements[],
                            const MPI_Datatype types[], MPI_Datatype *newtype)
{
    return structure(count, VEC(blocklengths), VEC(displacements), types, false, newtype, __func__);
}

MPI_EXPORT(Type_create_struct_c)
int PMPI_Type_create_struct_c(MPI_Count count, const MPI_Count blocklengths[],
                              const MPI_Count displacements[], const MPI_Datatype types[],
                              MPI_Datatype *newtype)
{
    return structure(count, VEC(blocklengths), VEC(displacements), types, true, newtype, __func__);
}

/* ---- Parts of arrays ---- */

static int subarray(int ndims, struct vec sizes, struct vec subsizes, struct vec starts, int order,
                    MPI_Datatype oldtype, bool large, MPI_Datatype *newtype, const char *func)
{
    struct datatype *old = NULL, *t = NULL;
    int rc = check_type(oldtype, &old);

    if (!rc)
        rc = check_array(ndims, sizes, "array_of_sizes");
    if (!rc)
        rc = check_array(ndims, subsizes, "array_of_subsizes");
    if (!rc)
        rc = check_array(ndims, starts, "array_of_starts");
    if (!rc)
        rc = datatype_subarray(ndims, sizes, subsizes, starts, order, old, &t);
    return publish(rc, t, large, newtype, func);
}

MPI_EXPORT(Type_create_subarray)
int PMPI_Type_create_subarray(int ndims, const int sizes[], const int subsizes[],
                              const int starts[], int order, MPI_Datatype oldtype,
                              MPI_Datatype *newtype)
{
    return subarray(ndims, VEC(sizes), VEC(subsizes), VEC(starts), order, oldtype, false, newtype,
                    __func__);
}

MPI_EXPORT(Type_create_subarray_c)
int PMPI_Type_create_subarray_c(int ndims, const MPI_Count sizes[], const MPI_Count subsizes[],
                                const MPI_Count starts[], int order, MPI_Datatype oldtype,
                                MPI_Datatype *newtype)
{
    return subarray(ndims, VEC(sizes), VEC(subsizes), VEC(starts), order, oldtype, true, newtype,
                    __func__);
}

static int darray(const struct type_grid *g, MPI_Datatype oldtype, bool large,
                  MPI_Datatype *newtype, const char *func)
{
    struct datatype *old = NULL, *t = NULL;
    int rc = check_type(oldtype, &old);

    if (!rc)
        rc = check_array(g->ndims, g->gsizes, "array_of_gsizes");
    if (!rc)
        rc = check_array(g->ndims, VEC(g->distribs), "array_of_distribs");
    if (!rc)
        rc = check_array(g->ndims, VEC(g->dargs), "array_of_dargs");
    if (!rc)
        rc = check_array(g->ndims, VEC(g->psizes), "array_of_psizes");
    if (!rc)
        rc = datatype_darray(g, old, &t);
    return publish(rc, t, large, newtype, func);
}

MPI_EXPORT(Type_create_darray)
int PMPI_Type_create_darray(int size, int rank, int ndims, const int gsizes[], const int distribs[],
                            const int dargs[], const int psizes[], int order, MPI_Datatype oldtype,
                            MPI_Datatype *newtype)
{
    struct type_grid g = {size, rank, ndims, VEC(gsizes), distribs, dargs, psizes, order};

    return darray(&g, oldtype, false, newtype, __func__);
}

MPI_EXPORT(Type_create_darray_c)
int PMPI_Type_create_darray_c(int size, int rank, int ndims, const MPI_Count gsizes[],
                              const int distribs[], const int dargs[], const int psizes[],
                              int order, MPI_Datatype oldtype, MPI_Datatype *newtype)
{
    struct type_grid g = {size, rank, ndims, VEC(gsizes), distribs, dargs, psizes, order};

    return darray(&g, oldtype, true, newtype, __func__);
}

/* ---- Fortran's types by precision and range (19.1.9) ---- */

static int f90(int combiner, int p, int r, MPI_Datatype *newtype, const char *func)
{
    struct datatype *t = NULL;
    int rc = check_running();

    if (!rc)
        rc = check_out(newtype, "newtype");
    if (!rc)
        rc = datatype_f90(combiner, p, r, &t);
    if (rc)
        return api_fail(rc, func);
    *newtype = (MPI_Datatype)t->object.handle;
    return MPI_SUCCESS;
}

MPI_EXPORT(Type_create_f90_real)
int PMPI_Type_create_f90_real(int p, int r, MPI_Datatype *newtype)
{
    return f90(MPI_COMBINER_F90_REAL, p, r, newtype, __func__);
}

MPI_EXPORT(Type_create_f90_complex)
int PMPI_Type_create_f90_complex(int p, int r, MPI_Datatype *newtype)
{
    return f90(MPI_COMBINER_F90_COMPLEX, p, r, newtype, __func__);
}

MPI_EXPORT(Type_create_f90_integer)
int PMPI_Type_create_f90_integer(int r, MPI_Datatype *newtype)
{
    return f90(MPI_COMBINER_F90_INTEGER, MPI_UNDEFINED, r, newtype, __func__);
}
