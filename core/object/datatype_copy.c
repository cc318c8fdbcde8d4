/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/object/datatype_copy.h"

#include "provider/base/hot.h"

/* One block; `n` is a constant in all callers but the last of each switch. */
HOT_INLINE void block(char *mem, char *packed, size_t n, enum copy_way way)
{
    char *to = way == COPY_OUT ? packed : mem;
    const char *from = way == COPY_OUT ? mem : packed;

    if (__builtin_constant_p(n))
        memcpy(to, from, n);
    else
        copy_block(to, from, n);
}

HOT_INLINE void grid(char *mem, const struct copy_grid *g, size_t n, char *packed,
                     enum copy_way way)
{
    MPI_Aint step = g->inner_stride;

    for (MPI_Count i = 0; i < g->outer; i++, mem += g->outer_stride) {
        char *at = mem;
        MPI_Count left = g->inner;
        for (; left >= 4; left -= 4, at += 4 * step, packed += 4 * n) {
            block(at, packed, n, way);
            block(at + step, packed + n, n, way);
            block(at + 2 * step, packed + 2 * n, n, way);
            block(at + 3 * step, packed + 3 * n, n, way);
        }
        for (; left; left--, at += step, packed += n)
            block(at, packed, n, way);
    }
}

HOT_INLINE void places(char *mem, const MPI_Aint *place, MPI_Count count, size_t n, char *packed,
                       enum copy_way way)
{
    for (; count >= 4; count -= 4, place += 4, packed += 4 * n) {
        block(mem + place[0], packed, n, way);
        block(mem + place[1], packed + n, n, way);
        block(mem + place[2], packed + 2 * n, n, way);
        block(mem + place[3], packed + 3 * n, n, way);
    }
    for (; count; count--, place++, packed += n)
        block(mem + *place, packed, n, way);
}

/* A loop for each size and direction; the rest share the last. */
HOT_INLINE void grid_of(char *mem, const struct copy_grid *g, MPI_Count size, char *packed,
                        enum copy_way way)
{
    switch (size) {
    case 1:
        grid(mem, g, 1, packed, way);
        break;
    case 2:
        grid(mem, g, 2, packed, way);
        break;
    case 4:
        grid(mem, g, 4, packed, way);
        break;
    case 8:
        grid(mem, g, 8, packed, way);
        break;
    case 12:
        grid(mem, g, 12, packed, way);
        break;
    case 16:
        grid(mem, g, 16, packed, way);
        break;
    case 24:
        grid(mem, g, 24, packed, way);
        break;
    case 32:
        grid(mem, g, 32, packed, way);
        break;
    case 64:
        grid(mem, g, 64, packed, way);
        break;
    default:
        grid(mem, g, (size_t)size, packed, way);
    }
}

HOT_INLINE void places_of(char *mem, const MPI_Aint *place, MPI_Count count, MPI_Count size,
                          char *packed, enum copy_way way)
{
    switch (size) {
    case 1:
        places(mem, place, count, 1, packed, way);
        break;
    case 2:
        places(mem, place, count, 2, packed, way);
        break;
    case 4:
        places(mem, place, count, 4, packed, way);
        break;
    case 8:
        places(mem, place, count, 8, packed, way);
        break;
    case 12:
        places(mem, place, count, 12, packed, way);
        break;
    case 16:
        places(mem, place, count, 16, packed, way);
        break;
    case 24:
        places(mem, place, count, 24, packed, way);
        break;
    case 32:
        places(mem, place, count, 32, packed, way);
        break;
    default:
        places(mem, place, count, (size_t)size, packed, way);
    }
}

void copy_grid(char *mem, const struct copy_grid *g, MPI_Count size, char *packed,
               enum copy_way way)
{
    if (way == COPY_OUT)
        grid_of(mem, g, size, packed, COPY_OUT);
    else
        grid_of(mem, g, size, packed, COPY_IN);
}

void copy_places(char *mem, const MPI_Aint *place, MPI_Count count, MPI_Count size, char *packed,
                 enum copy_way way)
{
    if (way == COPY_OUT)
        places_of(mem, place, count, size, packed, COPY_OUT);
    else
        places_of(mem, place, count, size, packed, COPY_IN);
}
