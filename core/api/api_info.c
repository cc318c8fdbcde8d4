/* SPDX-License-Identifier: BSD-3-Clause */
/* Info objects (10): any time, from any thread. */
#include <string.h>

#include "core/api/check.h"
#include "core/api/life.h"
#include "core/object/err.h"

static int check_key(const char *key)
{
    if (!key)
        return check_bad_arg("key", "is NULL");
    size_t n = strnlen(key, MPI_MAX_INFO_KEY);
    if (n == 0)
        return err_set(MPI_ERR_INFO_KEY, "the key is empty");
    if (n == MPI_MAX_INFO_KEY)
        return err_set(MPI_ERR_INFO_KEY, "the key has %zu characters, %d are allowed", strlen(key),
                       MPI_MAX_INFO_KEY - 1);
    return MPI_SUCCESS;
}

static int check_value(const char *value)
{
    if (!value)
        return check_bad_arg("value", "is NULL");
    if (strnlen(value, MPI_MAX_INFO_VAL) == MPI_MAX_INFO_VAL)
        return err_set(MPI_ERR_INFO_VALUE, "the value has %zu characters, %d are allowed",
                       strlen(value), MPI_MAX_INFO_VAL - 1);
    return MPI_SUCCESS;
}

static int publish(struct info *i, MPI_Info *info)
{
    int rc = object_publish(&i->object);

    if (rc) {
        object_drop(&i->object);
        return rc;
    }
    *info = (MPI_Info)i->object.handle;
    return MPI_SUCCESS;
}

MPI_EXPORT(Info_create)
int PMPI_Info_create(MPI_Info *info)
{
    struct info *i;
    int rc = check_out(info, "info");

    if (!rc)
        rc = info_new(&i);
    if (!rc)
        rc = publish(i, info);
    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Info_create_env)
int PMPI_Info_create_env(int argc, char *argv[], MPI_Info *info)
{
    struct info *i;
    int rc = check_out(info, "info");

    if (!rc)
        rc = info_new(&i);
    if (rc)
        return api_fail(rc, __func__);
    rc = life_describe(i, argc, argv);
    if (rc) {
        object_drop(&i->object);
        return api_fail(rc, __func__);
    }
    rc = publish(i, info);
    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Info_dup)
int PMPI_Info_dup(MPI_Info info, MPI_Info *newinfo)
{
    struct info *i = NULL, *copy;
    int rc = check_info(info, &i);

    if (!rc)
        rc = check_out(newinfo, "newinfo");
    if (!rc)
        rc = info_dup(i, &copy);
    if (!rc)
        rc = publish(copy, newinfo);
    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Info_free)
int PMPI_Info_free(MPI_Info *info)
{
    struct info *i = NULL;
    int rc = check_out(info, "info");

    if (!rc)
        rc = check_info(*info, &i);
    if (!rc && i == &info_env)
        rc = err_set(MPI_ERR_INFO, "MPI_INFO_ENV cannot be freed");
    if (rc)
        return api_fail(rc, __func__);
    *info = MPI_INFO_NULL;
    object_retire(&i->object);
    object_drop(&i->object);
    return MPI_SUCCESS;
}

MPI_EXPORT(Info_set)
int PMPI_Info_set(MPI_Info info, const char *key, const char *value)
{
    struct info *i = NULL;
    int rc = check_info(info, &i);

    if (!rc)
        rc = check_key(key);
    if (!rc)
        rc = check_value(value);
    if (!rc)
        rc = info_set(i, key, value);
    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Info_delete)
int PMPI_Info_delete(MPI_Info info, const char *key)
{
    struct info *i = NULL;
    int rc = check_info(info, &i);

    if (!rc)
        rc = check_key(key);
    if (!rc)
        rc = info_delete(i, key);
    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}

MPI_EXPORT(Info_get_nkeys)
int PMPI_Info_get_nkeys(MPI_Info info, int *nkeys)
{
    struct info *i = NULL;
    int rc = check_info(info, &i);

    if (!rc)
        rc = check_out(nkeys, "nkeys");
    if (rc)
        return api_fail(rc, __func__);
    *nkeys = info_count(i);
    return MPI_SUCCESS;
}

MPI_EXPORT(Info_get_nthkey)
int PMPI_Info_get_nthkey(MPI_Info info, int n, char *key)
{
    struct info *i = NULL;
    int rc = check_info(info, &i);

    if (!rc)
        rc = check_out(key, "key");
    if (!rc && !info_key(i, n, key))
        rc = err_set(MPI_ERR_ARG, "key %d, the info object has %d", n, info_count(i));
    return rc ? api_fail(rc, __func__) : MPI_SUCCESS;
}

/* buflen counts the terminating zero, going in and coming out; 0 asks for the length alone. */
MPI_EXPORT(Info_get_string)
int PMPI_Info_get_string(MPI_Info info, const char *key, int *buflen, char *value, int *flag)
{
    struct info *i = NULL;
    size_t len;
    int rc = check_info(info, &i);

    if (!rc)
        rc = check_key(key);
    if (!rc)
        rc = check_out(buflen, "buflen");
    if (!rc)
        rc = check_out(flag, "flag");
    if (!rc && *buflen < 0)
        rc = check_bad_arg("buflen", "is negative");
    if (!rc && *buflen && !value)
        rc = check_bad_arg("value", "is NULL and buflen is not 0");
    if (rc)
        return api_fail(rc, __func__);
    *flag = info_copy(i, key, value, (size_t)*buflen, &len);
    if (*flag)
        *buflen = (int)len + 1;
    return MPI_SUCCESS;
}

/* The older form: valuelen does not count the terminating zero, the buffer has room for it. */
MPI_EXPORT(Info_get)
int PMPI_Info_get(MPI_Info info, const char *key, int valuelen, char *value, int *flag)
{
    struct info *i = NULL;
    size_t len;
    int rc = check_info(info, &i);

    if (!rc)
        rc = check_key(key);
    if (!rc && valuelen < 0)
        rc = check_bad_arg("valuelen", "is negative");
    if (!rc)
        rc = check_out(value, "value");
    if (!rc)
        rc = check_out(flag, "flag");
    if (rc)
        return api_fail(rc, __func__);
    *flag = info_copy(i, key, value, (size_t)valuelen + 1, &len);
    return MPI_SUCCESS;
}

MPI_EXPORT(Info_get_valuelen)
int PMPI_Info_get_valuelen(MPI_Info info, const char *key, int *valuelen, int *flag)
{
    struct info *i = NULL;
    size_t len;
    int rc = check_info(info, &i);

    if (!rc)
        rc = check_key(key);
    if (!rc)
        rc = check_out(valuelen, "valuelen");
    if (!rc)
        rc = check_out(flag, "flag");
    if (rc)
        return api_fail(rc, __func__);
    *flag = info_copy(i, key, NULL, 0, &len);
    if (*flag)
        *valuelen = (int)len;
    return MPI_SUCCESS;
}
