/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making windows (12.2): each flavour finds its memory, then all processes tell each other where it
 * is. What goes wrong with one of them is an error on all.
 */
#include <stdlib.h>
#include <string.h>

#include "core/coll/coll.h"
#include "core/object/err.h"
#include "core/win/win_life.h"
#include "core/win/win_message.h"
#include "provider/boot/boot.h"

enum { PAGE = 4096, ALIGNMENT = 64 };

/* What a process tells the others at creation. */
struct card {
    uint64_t address, key;
    int64_t size, unit;
    int64_t error; /* an error class */
};

static int make_card(struct win *w, MPI_Aint unit, int error, struct card *card)
{
    *card = (struct card){.size = w->size, .unit = unit, .error = error};
    if (error || !w->size || w->segment || w->comm->size == 1 ||
        w->flavor == MPI_WIN_FLAVOR_DYNAMIC)
        return error;
    lane_lock();
    int e = fabric_region_open(w->base, (size_t)w->size, &w->region);
    lane_unlock();
    if (e) {
        card->error = err_from_errno(e, "registering the window's memory");
        return (int)card->error;
    }
    struct fabric_key key;
    fabric_region_key(w->region, &key);
    card->address = key.base;
    card->key = key.key;
    return MPI_SUCCESS;
}

static int read_cards(struct win *w, const struct card *cards)
{
    char *part = w->segment;

    for (int i = 0; i < w->comm->size; i++) {
        struct win_target *t = &w->targets[i];
        if (cards[i].error)
            return err_set((int)cards[i].error, "rank %d could not make its part of the window", i);
        t->address = cards[i].address;
        t->key = cards[i].key;
        t->size = (MPI_Aint)cards[i].size;
        t->unit = (MPI_Aint)cards[i].unit;
        if (w->segment) {
            t->mapped = part;
            part += win_part(t->size, w->segment_step);
        }
    }
    if (!w->segment && w->flavor != MPI_WIN_FLAVOR_DYNAMIC)
        w->targets[w->comm->rank].mapped = w->base;
    return MPI_SUCCESS;
}

/*
 * The exchange that ends every creation: when it is over all processes know all, and all can be
 * sent messages. `error` is what went wrong here until now.
 */
static int exchange(struct win *w, MPI_Aint unit, int error)
{
    struct card mine, *cards = malloc((size_t)w->comm->size * sizeof *cards);
    int rc;

    if (!cards)
        return err_set(MPI_ERR_NO_MEM, "no memory for the cards of %d processes", w->comm->size);
    error = make_card(w, unit, error, &mine);
    rc = coll_allgather(w->comm, &mine, sizeof mine, &datatype_byte, cards);
    if (!rc)
        rc = error ? error : read_cards(w, cards);
    free(cards);
    if (rc)
        return rc;
    w->unit = (int)unit;
    return MPI_SUCCESS;
}

/* Gives the window its handle, or takes everything back. */
static int finish(struct win *w, int rc, struct win **win)
{
    if (!rc)
        rc = object_publish(&w->object);
    if (rc) {
        win_undo(w);
        return rc;
    }
    *win = w;
    return MPI_SUCCESS;
}

int win_create(void *base, MPI_Aint size, MPI_Aint unit, struct info *info, struct comm *c,
               struct win **win)
{
    struct win *w;
    int rc = win_new(MPI_WIN_FLAVOR_CREATE, info, c, &w);

    if (rc)
        return rc;
    w->base = base;
    w->size = size;
    return finish(w, exchange(w, unit, MPI_SUCCESS), win);
}

int win_create_dynamic(struct info *info, struct comm *c, struct win **win)
{
    struct win *w;
    int rc = win_new(MPI_WIN_FLAVOR_DYNAMIC, info, c, &w);

    if (rc)
        return rc;
    return finish(w, exchange(w, 1, MPI_SUCCESS), win);
}

/* ---- Memory of the library's ---- */

static bool one_host(const struct comm *c)
{
    for (int i = 0; i < c->size; i++)
        if (!boot_same_host(group_process(c->group, i)))
            return false;
    return true;
}

/*
 * A segment with the parts of all processes one after the other, each rounded up to `step` bytes.
 * Collective; all have the same result.
 */
static int open_segment(struct win *w, MPI_Aint size, size_t step)
{
    int n = w->comm->size, rc;
    MPI_Aint *sizes = malloc((size_t)n * sizeof *sizes), total = 0;
    char *part;

    if (!sizes)
        return err_set(MPI_ERR_NO_MEM, "no memory for the sizes of %d processes", n);
    rc = coll_allgather(w->comm, &size, sizeof size, &datatype_byte, sizes);
    for (int i = 0; !rc && i < n; i++)
        if (sizes[i] > PTRDIFF_MAX - PAGE ||
            __builtin_add_overflow(total, (MPI_Aint)win_part(sizes[i], step), &total))
            rc = err_set(MPI_ERR_NO_MEM, "the window's sizes add up to more than an address space");
    if (!rc && total)
        rc = win_memory_open(w->comm, (size_t)total, &w->segment);
    if (!rc) {
        part = w->segment;
        for (int i = 0; i < w->comm->rank; i++)
            part += w->segment ? win_part(sizes[i], step) : 0;
        w->segment_len = (size_t)total;
        w->segment_step = step;
        w->base = part;
        w->size = size;
    }
    free(sizes);
    return rc;
}

int win_allocate_shared(MPI_Aint size, MPI_Aint unit, struct info *info, struct comm *c,
                        void **base, struct win **win)
{
    struct win *w;
    const char *apart;
    int rc;

    if (!one_host(c))
        return err_set(MPI_ERR_RMA_SHARED, "the communicator's processes are not all on one host: "
                                           "make one with MPI_Comm_split_type and "
                                           "MPI_COMM_TYPE_SHARED");
    rc = win_new(MPI_WIN_FLAVOR_SHARED, info, c, &w);
    if (rc)
        return rc;
    apart = info_get(w->info, "alloc_shared_noncontig");
    rc = open_segment(w, size, apart && !strcmp(apart, "true") ? PAGE : 1);
    rc = finish(w, exchange(w, unit, rc), win);
    if (!rc)
        *base = w->base;
    return rc;
}

/* Memory of this process alone. */
static int allocate_private(struct win *w, MPI_Aint size)
{
    size_t len = ((size_t)size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

    w->size = size;
    if (!size)
        return MPI_SUCCESS;
    w->owned = len >= (size_t)size ? aligned_alloc(ALIGNMENT, len) : NULL;
    if (!w->owned)
        return err_set(MPI_ERR_NO_MEM, "no memory for a window of %lld bytes", (long long)size);
    w->base = w->owned;
    return MPI_SUCCESS;
}

int win_allocate(MPI_Aint size, MPI_Aint unit, struct info *info, struct comm *c, void **base,
                 struct win **win)
{
    struct win *w;
    int rc = win_new(MPI_WIN_FLAVOR_ALLOCATE, info, c, &w);

    if (rc)
        return rc;
    /* On one host everybody reaches everybody's memory by loads and stores. */
    if (c->size > 1 && one_host(c))
        rc = open_segment(w, size, PAGE);
    else
        rc = allocate_private(w, size);
    rc = finish(w, exchange(w, unit, rc), win);
    if (!rc)
        *base = w->base;
    return rc;
}

/* ---- Dynamic windows ---- */

/* The place of the first region that begins above. Lane locked. */
static int place_after(const struct win *w, uintptr_t at)
{
    int i = 0;

    while (i < w->attached_count && w->attached[i].base <= at)
        i++;
    return i;
}

/* Lane locked. */
static int attach(struct win *w, uintptr_t base, size_t len)
{
    int i = place_after(w, base);

    if ((i && base - w->attached[i - 1].base < w->attached[i - 1].len) ||
        (i < w->attached_count && w->attached[i].base - base < len))
        return err_set(MPI_ERR_RMA_ATTACH, "part of that memory is attached to the window already");
    if (w->attached_count == w->attached_room) {
        int room = w->attached_room ? 2 * w->attached_room : 8;
        struct win_attached *more = realloc(w->attached, (size_t)room * sizeof *more);
        if (!more)
            return err_set(MPI_ERR_RMA_ATTACH, "no memory for another attached region");
        w->attached = more;
        w->attached_room = room;
    }
    memmove(&w->attached[i + 1], &w->attached[i],
            (size_t)(w->attached_count - i) * sizeof *w->attached);
    w->attached[i] = (struct win_attached){base, len};
    w->attached_count++;
    return MPI_SUCCESS;
}

/* Lane locked. */
static int detach(struct win *w, uintptr_t base)
{
    int i = place_after(w, base) - 1;

    if (i < 0 || w->attached[i].base != base)
        return err_set(MPI_ERR_RMA_ATTACH, "no memory that begins there is attached to the window");
    w->attached_count--;
    memmove(&w->attached[i], &w->attached[i + 1],
            (size_t)(w->attached_count - i) * sizeof *w->attached);
    return MPI_SUCCESS;
}

static int check_dynamic(const struct win *w)
{
    if (w->flavor == MPI_WIN_FLAVOR_DYNAMIC)
        return MPI_SUCCESS;
    return err_set(MPI_ERR_RMA_FLAVOR, "only a window of MPI_Win_create_dynamic has memory "
                                       "attached and detached");
}

int win_attach(struct win *w, void *base, MPI_Aint size)
{
    int rc = check_dynamic(w);

    if (rc)
        return rc;
    lane_lock();
    rc = attach(w, (uintptr_t)base, (size_t)size);
    lane_unlock();
    return rc;
}

int win_detach(struct win *w, const void *base)
{
    int rc = check_dynamic(w);

    if (rc)
        return rc;
    lane_lock();
    rc = detach(w, (uintptr_t)base);
    lane_unlock();
    return rc;
}
