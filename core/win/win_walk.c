/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/win/win_walk.h"

void win_walk_begin(struct win_walk *k, const struct win_side *target,
                    const struct datatype *element, uint64_t base, size_t from)
{
    k->target = target;
    k->element = element;
    k->base = base;
    k->whole = target->type == element;
    k->spread = element->extent != element->size;
    if (!k->whole && !k->spread)
        type_iter_begin(&k->i, (void *)(uintptr_t)base, target->count, target->type, from);
}

struct win_run win_walk_next(struct win_walk *k, size_t from, size_t most)
{
    size_t size = (size_t)k->element->size;
    struct iovec piece = {0};

    if (k->whole)
        return (struct win_run){
            k->base + (k->spread ? from / size * (size_t)k->element->extent : from), most};
    if (k->spread) { /* members of one pair may be pieces of their own: only where it begins */
        type_iter_begin(&k->i, (void *)(uintptr_t)k->base, k->target->count, k->target->type, from);
        most = size;
    }
    type_iter_next(&k->i, most, &piece);
    return (struct win_run){(uintptr_t)piece.iov_base, k->spread ? size : piece.iov_len};
}
