/* SPDX-License-Identifier: BSD-3-Clause */
/* The predefined datatypes. */
#include <stdint.h>
#include <wchar.h>

#include "core/object/datatype_flat.h"

/* __float128 has no _Complex of its own in C: the pair that Fortran's COMPLEX(16) is. */
#ifdef __SIZEOF_FLOAT128__
__extension__ typedef struct {
    _Alignas(16) unsigned char part[2][16];
} type_complex_float128;
#endif

#define TYPE(name_, handle_, c_, basic_, external_)                                                \
    struct datatype datatype_##name_ = {                                                           \
        .size = sizeof(c_),                                                                        \
        .extent = sizeof(c_),                                                                      \
        .true_extent = sizeof(c_),                                                                 \
        .contiguous = true,                                                                        \
        .committed = true,                                                                         \
        .block = TYPE_BLOCK,                                                                       \
        .predefined = true,                                                                        \
        .align = _Alignof(c_),                                                                     \
        .basic = BASIC_##basic_,                                                                   \
        .elements = 1,                                                                             \
        .leaves = 1,                                                                               \
        .external = external_,                                                                     \
        .shape = {0, sizeof(c_), NULL},                                                            \
        .name = #handle_,                                                                          \
    };

/* Not committed, so that no transfer takes it; the constructors refuse it by its size. */
#define TYPE_MISSING(name_, handle_)                                                               \
    struct datatype datatype_##name_ = {                                                           \
        .size = MPI_UNDEFINED,                                                                     \
        .predefined = true,                                                                        \
        .align = 1,                                                                                \
        .name = #handle_,                                                                          \
    };

/* Value, index, and perhaps padding between them and after. */
#define PAIR(name_, handle_, value_, index_, basic_, external_)                                    \
    struct pair_##name_ {                                                                          \
        value_ value;                                                                              \
        index_ index;                                                                              \
    };                                                                                             \
    enum { PAIR_##name_##_AT = offsetof(struct pair_##name_, index) };                             \
    static struct {                                                                                \
        MPI_Aint disp[2];                                                                          \
        MPI_Count start[3];                                                                        \
    } pair_at_##name_ = {                                                                          \
        {0, PAIR_##name_##_AT},                                                                    \
        {0, sizeof(value_), sizeof(value_) + sizeof(index_)},                                      \
    };                                                                                             \
    static struct type_loop pair_loop_##name_ = {                                                  \
        .refs = 1,                                                                                 \
        .count = 2,                                                                                \
        .size = sizeof(value_) + sizeof(index_),                                                   \
        .blocks = 2,                                                                               \
        .disp = pair_at_##name_.disp,                                                              \
        .start = pair_at_##name_.start,                                                            \
    };                                                                                             \
    struct datatype datatype_##name_ = {                                                           \
        .size = sizeof(value_) + sizeof(index_),                                                   \
        .extent = sizeof(struct pair_##name_),                                                     \
        .true_extent = PAIR_##name_##_AT + sizeof(index_),                                         \
        .contiguous = sizeof(struct pair_##name_) == sizeof(value_) + sizeof(index_),              \
        .committed = true,                                                                         \
        .block = sizeof(struct pair_##name_) == sizeof(value_) + sizeof(index_) ? TYPE_BLOCK       \
                                                                                : TYPE_PIECES,     \
        .predefined = true,                                                                        \
        .align = _Alignof(struct pair_##name_),                                                    \
        .basic = BASIC_##basic_,                                                                   \
        .elements = 1,                                                                             \
        .leaves = 2,                                                                               \
        .external = external_,                                                                     \
        .shape = {0, sizeof(value_) + sizeof(index_),                                              \
                  PAIR_##name_##_AT == sizeof(value_) ? NULL : &pair_loop_##name_},                \
        .name = #handle_,                                                                          \
    };

#include "core/object/datatype_basic.def"

void datatype_open(void)
{
    static const struct {
        struct datatype *type;
        MPI_Datatype handle;
    } row[] = {
#define TYPE(name, handle, c, basic, external)            {&datatype_##name, handle},
#define TYPE_MISSING(name, handle)                        {&datatype_##name, handle},
#define PAIR(name, handle, value, index, basic, external) {&datatype_##name, handle},
#include "core/object/datatype_basic.def"
    };

    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        object_predefine(&row[i].type->object, OBJECT_DATATYPE, row[i].handle);
}
