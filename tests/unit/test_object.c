/* SPDX-License-Identifier: BSD-3-Clause */
/* The handle table: good handles are found, and nothing else is. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/object/object.h"

enum { MANY = 100000, THREADS = 4, EACH = 20000 };

struct thing {
    struct object object;
    int number;
};

static int released;

static void thing_release(struct object *o)
{
    released++;
    object_close(o);
    free(container_of(o, struct thing, object));
}

static struct thing *thing_new(enum object_class class, int number)
{
    struct thing *t = malloc(sizeof(*t));

    cr_assert(t);
    object_init(&t->object, class, thing_release);
    t->number = number;
    return t;
}

static void *handle_of(struct thing *t)
{
    return (void *)t->object.handle;
}

static int by_value(const void *a, const void *b)
{
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

    return (x > y) - (x < y);
}

static void assert_unique(uintptr_t *handles, int n)
{
    qsort(handles, n, sizeof(*handles), by_value);
    for (int i = 1; i < n; i++)
        cr_assert_neq(handles[i], handles[i - 1], "handle %#lx was given twice", handles[i]);
}

Test(object, many_handles)
{
    static struct thing *things[MANY];
    static uintptr_t handles[MANY];

    for (int i = 0; i < MANY; i++) {
        things[i] = thing_new(OBJECT_GROUP, i);
        cr_assert_eq(object_publish(&things[i]->object), MPI_SUCCESS);
        handles[i] = things[i]->object.handle;
        cr_assert_geq((uint32_t)handles[i], OBJECT_PREDEFINED);
    }
    cr_expect_eq(object_count(OBJECT_GROUP), MANY);
    for (int i = 0; i < MANY; i++) {
        struct object *o = object_find(OBJECT_GROUP, (void *)handles[i]);
        cr_assert_eq(o, &things[i]->object, "handle %d finds %p", i, (void *)o);
        int number = object_toint((void *)handles[i]);
        cr_assert_geq(number, OBJECT_PREDEFINED);
        cr_assert_eq(object_fromint(OBJECT_GROUP, number), (void *)handles[i]);
    }
    for (int i = 0; i < MANY; i += 2)
        object_drop(&things[i]->object);
    cr_expect_eq(released, MANY / 2);
    cr_expect_eq(object_count(OBJECT_GROUP), MANY / 2);
    for (int i = 0; i < MANY; i++)
        cr_assert_eq(object_find(OBJECT_GROUP, (void *)handles[i]),
                     i % 2 ? &things[i]->object : NULL, "handle %d", i);
    for (int i = 1; i < MANY; i += 2)
        object_drop(&things[i]->object);
    cr_expect_eq(object_count(OBJECT_GROUP), 0);
    assert_unique(handles, MANY);
}

/* Rows of places that all find one object, the second one not over the end of a chunk. */
Test(object, rows)
{
    enum { ROW = 3000 };
    struct thing *t = thing_new(OBJECT_GROUP, 0), *other = thing_new(OBJECT_GROUP, 1);

    for (int row = 0; row < 2; row++) {
        uint32_t first;
        struct object_slot *s = object_open_row(&t->object, ROW, &first);
        cr_assert(s);
        for (uint32_t i = 0; i < ROW; i++) {
            uintptr_t handle = object_slot_publish(&s[i]), next;
            cr_assert_eq((uint32_t)handle, first + i);
            cr_assert_eq(object_find(OBJECT_GROUP, (void *)handle), &t->object);
            cr_assert_eq(object_fromint(OBJECT_GROUP, (int)(first + i)), (void *)handle);
            object_slot_retire(&s[i]);
            cr_assert_null(object_find(OBJECT_GROUP, (void *)handle));
            cr_assert_eq(object_class_of((void *)handle), OBJECT_GROUP);
            next = object_slot_publish(&s[i]);
            cr_assert_neq(next, handle);
            object_slot_retire(&s[i]);
        }
    }
    /* The places before the second row are not lost. */
    cr_assert_eq(object_publish(&other->object), MPI_SUCCESS);
    cr_assert_lt((uint32_t)other->object.handle, OBJECT_PREDEFINED + OBJECT_CHUNK);
    object_drop(&other->object);
    object_drop(&t->object);
}

Test(object, stale_handles_find_nothing)
{
    struct thing *t = thing_new(OBJECT_INFO, 1);
    void *old[1000];

    for (int i = 0; i < 1000; i++) {
        object_publish(&t->object);
        old[i] = handle_of(t);
        cr_assert_eq(object_find(OBJECT_INFO, old[i]), &t->object);
        struct object_slot *place = t->object.slot;
        object_retire(&t->object);
        cr_assert_eq(t->object.handle, 0);
        cr_assert_eq(t->object.slot, place, "the place is kept");
        for (int k = 0; k <= i; k++)
            cr_assert_null(object_find(OBJECT_INFO, old[k]), "handle %d after %d", k, i);
    }
    object_drop(&t->object);

    /* Another object takes the place over; the old handles do not find it. */
    struct thing *next = thing_new(OBJECT_INFO, 2);
    object_publish(&next->object);
    cr_expect_eq((uint32_t)next->object.handle, (uint32_t)(uintptr_t)old[0], "the place is reused");
    for (int k = 0; k < 1000; k++)
        cr_assert_null(object_find(OBJECT_INFO, old[k]));
    object_drop(&next->object);
}

/* The class of what a handle means, or once meant; also where generations have come round. */
Test(object, all_of_a_class_retire_and_live_on)
{
    struct thing *t = thing_new(OBJECT_COMM, 1), *other = thing_new(OBJECT_GROUP, 2);

    cr_assert_eq(object_publish(&t->object) | object_publish(&other->object), MPI_SUCCESS);
    void *old = handle_of(t);
    object_retire_all(OBJECT_COMM);
    cr_expect_null(object_find(OBJECT_COMM, old));
    cr_expect_eq(object_class_of(old), OBJECT_COMM);
    cr_expect_eq(object_find(OBJECT_GROUP, handle_of(other)), &other->object);
    cr_expect_eq(t->object.handle, 0);
    object_drop(&t->object);
    object_drop(&other->object);
    cr_expect_eq(released, 2);
}

Test(object, class_of_handles)
{
    struct thing *t = thing_new(OBJECT_INFO, 1);

    object_publish(&t->object);
    t->object.slot->coming |= (uintptr_t)0xffffff << 40;
    object_retire(&t->object);
    object_publish(&t->object); /* of the last generation */
    void *first = handle_of(t);
    for (int i = 0; i < 3; i++) {
        void *old = handle_of(t);
        cr_assert_eq(object_class_of(old), OBJECT_INFO);
        object_retire(&t->object);
        object_publish(&t->object);
        cr_assert_neq(handle_of(t), old);
        cr_assert_eq(object_class_of(old), OBJECT_INFO, "after %d", i);
        cr_assert_eq(object_find(OBJECT_INFO, handle_of(t)), &t->object);
    }
    cr_expect_null(object_find(OBJECT_INFO, first));
    cr_expect_eq(object_class_of((char *)handle_of(t) + 1), OBJECT_NONE, "another place");
    cr_expect_eq(object_class_of(t->object.slot), OBJECT_NONE, "an address");
    cr_expect_eq(object_class_of((void *)(t->object.slot->coming)), OBJECT_NONE, "one to come");
    object_drop(&t->object);
}

Test(object, foreign_handles_find_nothing)
{
    struct thing *t = thing_new(OBJECT_COMM, 1);

    object_publish(&t->object);
    for (int class = 0; class < OBJECT_CLASSES; class ++)
        cr_expect_eq(object_find(class, handle_of(t)), class == OBJECT_COMM ? &t->object : NULL);
    cr_expect_null(object_find(OBJECT_COMM, NULL));
    cr_expect_null(object_find(OBJECT_COMM, (void *)-1));
    cr_expect_null(object_find(OBJECT_COMM, t), "an address");
    cr_expect_null(object_find(OBJECT_COMM, (void *)(uintptr_t)OBJECT_PREDEFINED), "place 0");
    srand48(1);
    for (int i = 0; i < 1000000; i++) {
        uintptr_t h = (uintptr_t)mrand48() << 32 | (uint32_t)mrand48();
        if (h != t->object.handle)
            cr_assert_null(object_find(OBJECT_COMM, (void *)h));
    }
    object_drop(&t->object);
}

Test(object, predefined)
{
    static struct object world;
    MPI_Comm handle = MPI_COMM_WORLD;

    cr_expect_null(object_find(OBJECT_COMM, handle));
    object_predefine(&world, OBJECT_COMM, handle);
    cr_expect_eq(object_find(OBJECT_COMM, handle), &world);
    cr_expect_null(object_find(OBJECT_GROUP, handle), "another class");
    cr_expect_null(object_find(OBJECT_COMM, MPI_COMM_SELF), "another handle");
    /* Never released, never another handle. */
    object_hold(&world);
    object_drop(&world);
    object_drop(&world);
    object_retire(&world);
    cr_expect_eq(object_publish(&world), MPI_SUCCESS);
    cr_expect_eq(world.handle, (uintptr_t)handle);
    cr_expect_eq(object_find(OBJECT_COMM, handle), &world);
    object_predefine(NULL, OBJECT_COMM, handle);
    cr_expect_null(object_find(OBJECT_COMM, handle));
}

Test(object, integers)
{
    cr_expect_eq(object_toint(MPI_COMM_WORLD), 0x101);
    for (int i = 0; i < OBJECT_PREDEFINED; i++)
        cr_assert_eq(object_fromint(OBJECT_OP, i), (void *)(uintptr_t)i);
    cr_expect_null(object_fromint(OBJECT_OP, -1));
    cr_expect_null(object_fromint(OBJECT_OP, 5000), "nobody has it");
    cr_expect_null(object_fromint(OBJECT_OP, 0x7fffffff));
}

Test(object, references)
{
    struct thing *t = thing_new(OBJECT_REQUEST, 1);

    object_publish(&t->object);
    object_hold(&t->object);
    object_hold(&t->object);
    object_retire(&t->object);
    object_drop(&t->object);
    object_drop(&t->object);
    cr_expect_eq(released, 0);
    object_drop(&t->object);
    cr_expect_eq(released, 1);
}

static uintptr_t given[THREADS][EACH];

/* Objects come and go; each is found under its handle while it has it, and not after. */
static void *churn(void *arg)
{
    int me = (int)(intptr_t)arg;
    struct thing kept[16] = {0};

    for (int i = 0; i < 16; i++)
        object_init(&kept[i].object, OBJECT_WIN, thing_release);
    for (int i = 0; i < EACH; i++) {
        struct object *o = &kept[i % 16].object;
        void *old = (void *)o->handle;
        object_close(o);
        if (old && object_find(OBJECT_WIN, old) == o)
            return "a freed handle was found";
        if (object_publish(o))
            return "no handle";
        given[me][i] = o->handle;
        if (object_find(OBJECT_WIN, (void *)o->handle) != o)
            return "a good handle was not found";
    }
    for (int i = 0; i < 16; i++)
        object_close(&kept[i].object);
    return NULL;
}

Test(object, threads)
{
    pthread_t threads[THREADS];

    for (intptr_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, churn, (void *)i), 0);
    for (int i = 0; i < THREADS; i++) {
        void *what;
        pthread_join(threads[i], &what);
        cr_expect_null(what, "%s", (char *)what);
    }
    cr_expect_eq(object_count(OBJECT_WIN), 0);
    assert_unique(&given[0][0], THREADS * EACH);
}
