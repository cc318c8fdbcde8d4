/* SPDX-License-Identifier: BSD-3-Clause */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/object/err.h"
#include "core/object/info.h"

static struct info *fresh(void)
{
    struct info *i;

    cr_assert_eq(info_new(&i), MPI_SUCCESS);
    return i;
}

static bool has(struct info *i, const char *key, const char *expected)
{
    char value[MPI_MAX_INFO_VAL];
    size_t len;

    return info_copy(i, key, value, sizeof(value), &len) && !strcmp(value, expected);
}

Test(info, order_and_replacement)
{
    struct info *i = fresh();
    char key[MPI_MAX_INFO_KEY];

    info_set(i, "b", "1");
    info_set(i, "a", "2");
    info_set(i, "c", "");
    info_set(i, "b", "3");
    cr_expect_eq(info_count(i), 3);
    const char *keys[] = {"b", "a", "c"};
    for (int n = 0; n < 3; n++) {
        cr_assert(info_key(i, n, key));
        cr_expect_str_eq(key, keys[n]);
    }
    cr_expect_not(info_key(i, 3, key));
    cr_expect_not(info_key(i, -1, key));
    cr_expect(has(i, "b", "3"));
    cr_expect(has(i, "c", ""));
    cr_expect_not(has(i, "B", "3"), "keys have cases");
    object_drop(&i->object);
}

Test(info, deletion)
{
    struct info *i = fresh();
    char key[MPI_MAX_INFO_KEY];

    info_set(i, "x", "1");
    info_set(i, "y", "2");
    info_set(i, "z", "3");
    cr_expect_eq(info_delete(i, "y"), MPI_SUCCESS);
    cr_expect_eq(info_delete(i, "y"), MPI_ERR_INFO_NOKEY);
    cr_expect_str_eq(err_detail(MPI_ERR_INFO_NOKEY), "key \"y\"");
    cr_expect_eq(info_count(i), 2);
    info_key(i, 1, key);
    cr_expect_str_eq(key, "z");
    cr_expect_eq(info_delete(i, "x"), MPI_SUCCESS);
    cr_expect_eq(info_delete(i, "z"), MPI_SUCCESS);
    cr_expect_eq(info_count(i), 0);
    object_drop(&i->object);
}

Test(info, values_are_cut_and_measured)
{
    struct info *i = fresh();
    char value[8] = "-------";
    size_t len = 99;

    info_set(i, "k", "12345");
    cr_expect(info_copy(i, "k", value, 0, &len));
    cr_expect_eq(len, 5);
    cr_expect_str_eq(value, "-------", "room 0 writes nothing");
    cr_expect(info_copy(i, "k", value, 4, &len));
    cr_expect_eq(len, 5);
    cr_expect_str_eq(value, "123");
    cr_expect(info_copy(i, "k", value, 6, &len));
    cr_expect_str_eq(value, "12345");
    cr_expect(info_copy(i, "k", value, 1, &len));
    cr_expect_str_eq(value, "");
    len = 99;
    cr_expect_not(info_copy(i, "none", value, 8, &len));
    cr_expect_eq(len, 99);
    object_drop(&i->object);
}

Test(info, duplicates_stand_alone)
{
    struct info *i = fresh(), *copy;
    char key[16], value[16], got[MPI_MAX_INFO_KEY];

    for (int n = 0; n < 1000; n++) {
        snprintf(key, sizeof(key), "key%d", n);
        snprintf(value, sizeof(value), "%d", n * n);
        info_set(i, key, value);
    }
    cr_assert_eq(info_dup(i, &copy), MPI_SUCCESS);
    info_set(i, "key7", "changed");
    object_drop(&i->object);
    cr_expect_eq(info_count(copy), 1000);
    for (int n = 0; n < 1000; n++) {
        snprintf(key, sizeof(key), "key%d", n);
        snprintf(value, sizeof(value), "%d", n * n);
        info_key(copy, n, got);
        cr_assert_str_eq(got, key);
        cr_assert(has(copy, key, value));
    }
    object_drop(&copy->object);
}

static void *writer(void *arg)
{
    struct info *i = arg;
    char key[16];
    size_t len;

    for (int n = 0; n < 2000; n++) {
        snprintf(key, sizeof(key), "k%d", n % 50);
        info_set(i, key, "value");
        char value[8];
        if (info_copy(i, key, value, sizeof(value), &len) && strcmp(value, "value"))
            return "a torn value";
        info_delete(i, key);
    }
    return NULL;
}

Test(info, threads)
{
    struct info *i = fresh();
    pthread_t threads[4];
    void *what;

    for (int t = 0; t < 4; t++)
        pthread_create(&threads[t], NULL, writer, i);
    for (int t = 0; t < 4; t++) {
        pthread_join(threads[t], &what);
        cr_expect_null(what, "%s", (char *)what);
    }
    cr_expect_eq(info_count(i), 0);
    object_drop(&i->object);
}
