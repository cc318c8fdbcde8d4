/* SPDX-License-Identifier: BSD-3-Clause */
/* Local objects through the calls of MPI: groups, attributes, names, info, error codes, the ABI. */
#include <limits.h>
#include <stdint.h>

#include "tests/mpi/hosts.h"
#include "mpitest.h"

/* Calls whose error is looked at: MPI_COMM_SELF's handler serves errors without an object. */
#define FAILS(call, class, text)                                                                   \
    do {                                                                                           \
        char said_[MPI_MAX_ERROR_STRING];                                                          \
        int len_;                                                                                  \
        CHECK((call) == (class));                                                                  \
        OK(MPI_Error_string(class, said_, &len_));                                                 \
        CHECK((int)strlen(said_) == len_);                                                         \
        CHECK(strstr(said_, text));                                                                \
    } while (0)

static void groups(void)
{
    MPI_Group world, mine, rest, both, empty, again;
    int result, n, r, in[2] = {0, MPI_PROC_NULL}, out[2];
    int own[1][3] = {{rank, rank, 1}}, nowhere[1][3] = {{0, 0, 0}};

    OK(MPI_Comm_group(MPI_COMM_WORLD, &world));
    OK(MPI_Comm_group(MPI_COMM_WORLD, &again));
    CHECK(world != again);
    OK(MPI_Group_compare(world, again, &result));
    CHECK(result == MPI_IDENT);
    OK(MPI_Group_free(&again));
    CHECK(again == MPI_GROUP_NULL);
    OK(MPI_Group_incl(world, 1, &rank, &mine));
    OK(MPI_Group_excl(world, 1, &rank, &rest));
    OK(MPI_Group_rank(mine, &r));
    CHECK(r == 0);
    OK(MPI_Group_rank(rest, &r));
    CHECK(r == MPI_UNDEFINED);
    CHECK((rest == MPI_GROUP_EMPTY) == (size == 1));
    OK(MPI_Group_union(mine, rest, &both));
    OK(MPI_Group_size(both, &n));
    CHECK(n == size);
    OK(MPI_Group_compare(both, world, &result));
    CHECK(result == (rank == 0 ? MPI_IDENT : MPI_SIMILAR));
    OK(MPI_Group_translate_ranks(mine, 2, in, world, out));
    CHECK(out[0] == rank && out[1] == MPI_PROC_NULL);
    OK(MPI_Group_translate_ranks(world, 1, &rank, rest, out));
    CHECK(out[0] == MPI_UNDEFINED);
    OK(MPI_Group_intersection(mine, rest, &empty));
    CHECK(empty == MPI_GROUP_EMPTY);
    OK(MPI_Group_free(&empty));
    OK(MPI_Group_difference(world, mine, &again));
    OK(MPI_Group_compare(again, rest, &result));
    CHECK(result == MPI_IDENT);
    OK(MPI_Group_free(&again));
    OK(MPI_Group_range_incl(world, 1, own, &again));
    OK(MPI_Group_compare(again, mine, &result));
    CHECK(result == MPI_IDENT);
    OK(MPI_Group_free(&again));
    OK(MPI_Group_range_excl(world, 1, own, &again));
    OK(MPI_Group_compare(again, rest, &result));
    CHECK(result == MPI_IDENT);
    OK(MPI_Group_free(&again));
    FAILS(MPI_Group_range_excl(world, 1, nowhere, &again), MPI_ERR_ARG, "stride");
    FAILS(MPI_Group_incl(world, 1, &size, &again), MPI_ERR_RANK, "the group has");
    FAILS(MPI_Group_size(MPI_GROUP_NULL, &n), MPI_ERR_GROUP, "MPI_GROUP_NULL");
    again = mine;
    OK(MPI_Group_free(&mine));
    FAILS(MPI_Group_size(again, &n), MPI_ERR_GROUP, "the group has been freed");
    OK(MPI_Group_free(&rest));
    OK(MPI_Group_free(&both));
    OK(MPI_Group_free(&world));
}

static int copies, deletes;

static int copy(MPI_Comm comm, int keyval, void *state, void *in, void *out, int *flag)
{
    (void)comm;
    (void)keyval;
    *(void **)out = (char *)in + *(int *)state;
    *flag = 1;
    copies++;
    return MPI_SUCCESS;
}

static int delete (MPI_Comm comm, int keyval, void *value, void *state)
{
    void *found;
    int flag;

    (void)state;
    (void)value;
    CHECK(!MPI_Comm_get_attr(comm, keyval, &found, &flag) && !flag);
    deletes++;
    return MPI_SUCCESS;
}

static void attributes(void)
{
    MPI_Comm dup;
    MPI_Datatype type;
    int keyval, type_key, old_key, step = 3, flag;
    void *value;

    OK(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &value, &flag));
    CHECK(flag && *(int *)value == INT_MAX);
    OK(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_WTIME_IS_GLOBAL, &value, &flag));
    CHECK(flag && *(int *)value == hosts_is_one());
    OK(MPI_Attr_get(MPI_COMM_WORLD, MPI_HOST, &value, &flag));
    CHECK(flag && *(int *)value == MPI_PROC_NULL);
    OK(MPI_Comm_create_keyval(copy, delete, &keyval, &step));
    OK(MPI_Comm_set_attr(MPI_COMM_WORLD, keyval, (void *)100));
    OK(MPI_Comm_dup(MPI_COMM_WORLD, &dup));
    CHECK(copies == 1);
    OK(MPI_Comm_get_attr(dup, keyval, &value, &flag));
    CHECK(flag && value == (void *)103);
    OK(MPI_Comm_free(&dup));
    CHECK(deletes == 1);
    OK(MPI_Comm_delete_attr(MPI_COMM_WORLD, keyval));
    CHECK(deletes == 2);
    OK(MPI_Comm_free_keyval(&keyval));
    CHECK(keyval == MPI_KEYVAL_INVALID);
    FAILS(MPI_Comm_free_keyval(&keyval), MPI_ERR_KEYVAL, "MPI_KEYVAL_INVALID");
    FAILS(MPI_Comm_set_attr(MPI_COMM_SELF, MPI_TAG_UB, NULL), MPI_ERR_KEYVAL, "predefined");
    OK(MPI_Keyval_create(MPI_DUP_FN, MPI_NULL_DELETE_FN, &old_key, NULL));
    OK(MPI_Attr_put(MPI_COMM_SELF, old_key, &step));
    OK(MPI_Attr_delete(MPI_COMM_SELF, old_key));
    OK(MPI_Keyval_free(&old_key));
    OK(MPI_Type_create_keyval(MPI_TYPE_DUP_FN, MPI_TYPE_NULL_DELETE_FN, &type_key, NULL));
    OK(MPI_Type_set_attr(MPI_INT, type_key, (void *)5));
    OK(MPI_Type_dup(MPI_INT, &type));
    OK(MPI_Type_get_attr(type, type_key, &value, &flag));
    CHECK(flag && value == (void *)5);
    FAILS(MPI_Comm_set_attr(MPI_COMM_SELF, type_key, NULL), MPI_ERR_KEYVAL, "communicators");
    OK(MPI_Type_free(&type));
    OK(MPI_Type_delete_attr(MPI_INT, type_key));
    OK(MPI_Type_free_keyval(&type_key));
}

static void names(void)
{
    char name[MPI_MAX_OBJECT_NAME], longer[3 * MPI_MAX_OBJECT_NAME];
    MPI_Comm dup;
    int len, result, flag;

    OK(MPI_Comm_get_name(MPI_COMM_WORLD, name, &len));
    CHECK(!strcmp(name, "MPI_COMM_WORLD") && len == 14);
    OK(MPI_Comm_dup(MPI_COMM_WORLD, &dup));
    OK(MPI_Comm_get_name(dup, name, &len));
    CHECK(len == 0 && !name[0]);
    memset(longer, 'n', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    OK(MPI_Comm_set_name(dup, longer));
    OK(MPI_Comm_get_name(dup, name, &len));
    CHECK(len == MPI_MAX_OBJECT_NAME - 1 && (int)strlen(name) == len);
    OK(MPI_Comm_compare(dup, MPI_COMM_WORLD, &result));
    CHECK(result == MPI_CONGRUENT);
    OK(MPI_Comm_compare(dup, dup, &result));
    CHECK(result == MPI_IDENT);
    OK(MPI_Comm_test_inter(dup, &flag));
    CHECK(!flag);
    FAILS(MPI_Comm_remote_size(MPI_COMM_SELF, &len), MPI_ERR_COMM, "intracommunicator");
    OK(MPI_Comm_free(&dup));
}

static void infos(void)
{
    MPI_Info info, hints;
    char value[MPI_MAX_INFO_VAL], key[MPI_MAX_INFO_KEY + 8];
    int n, len, flag;

    OK(MPI_Info_create(&info));
    memset(key, 'k', sizeof(key));
    key[MPI_MAX_INFO_KEY] = '\0';
    FAILS(MPI_Info_set(info, key, "v"), MPI_ERR_INFO_KEY, "255 are allowed");
    FAILS(MPI_Info_set(info, "", "v"), MPI_ERR_INFO_KEY, "empty");
    FAILS(MPI_Info_delete(info, "none"), MPI_ERR_INFO_NOKEY, "none");
    FAILS(MPI_Info_get_nthkey(info, 0, key), MPI_ERR_ARG, "key 0");
    OK(MPI_Info_set(info, "colour", "ochre"));
    len = 3;
    OK(MPI_Info_get_string(info, "colour", &len, value, &flag));
    CHECK(flag && len == 6 && !strcmp(value, "oc"));
    len = 0;
    OK(MPI_Info_get_string(info, "colour", &len, NULL, &flag));
    CHECK(flag && len == 6);
    OK(MPI_Info_get(info, "colour", 5, value, &flag));
    CHECK(flag && !strcmp(value, "ochre"));
    OK(MPI_Info_get_valuelen(info, "colour", &len, &flag));
    CHECK(flag && len == 5);
    OK(MPI_Info_get_valuelen(info, "none", &len, &flag));
    CHECK(!flag);
    OK(MPI_Comm_set_info(MPI_COMM_SELF, info));
    OK(MPI_Comm_get_info(MPI_COMM_SELF, &hints));
    OK(MPI_Info_get_nkeys(hints, &n));
    OK(MPI_Info_get_valuelen(hints, "colour", &len, &flag));
    CHECK(n > 0 && !flag); /* the hints that are known, and no other */
    OK(MPI_Info_free(&hints));
    OK(MPI_Info_free(&info));
    FAILS(MPI_Info_free(&info), MPI_ERR_INFO, "MPI_INFO_NULL");
    OK(MPI_Info_get(MPI_INFO_ENV, "maxprocs", 15, value, &flag));
    CHECK(flag && atoi(value) == size);
    OK(MPI_Info_get(MPI_INFO_ENV, "command", MPI_MAX_INFO_VAL - 1, value, &flag));
    CHECK(flag && strstr(value, "objects"));
    info = MPI_INFO_ENV;
    FAILS(MPI_Info_free(&info), MPI_ERR_INFO, "MPI_INFO_ENV");
}

static int has(MPI_Info info, const char *key, const char *expected)
{
    char value[MPI_MAX_INFO_VAL];
    int len = sizeof(value), flag;

    OK(MPI_Info_get_string(info, key, &len, value, &flag));
    return flag && !strcmp(value, expected);
}

/* How the program was started, by its arguments or, without them, by what the system knows. */
static void environment(void)
{
    char *arguments[] = {"program", "one", "two words", NULL}, host[MPI_MAX_PROCESSOR_NAME];
    char folder[MPI_MAX_INFO_VAL], *wdir = realpath(".", folder);
    MPI_Info info;
    MPI_Comm parent = MPI_COMM_WORLD;
    int len;

    OK(MPI_Get_processor_name(host, &len));
    CHECK(len > 0 && (int)strlen(host) == len);
    OK(MPI_Info_create_env(3, arguments, &info));
    CHECK(has(info, "command", "program") && has(info, "argv", "one two words"));
    CHECK(has(info, "host", host) && has(info, "wdir", wdir));
    OK(MPI_Info_free(&info));
    OK(MPI_Info_create_env(0, NULL, &info));
    CHECK(!has(info, "command", "program") && has(info, "argv", ""));
    OK(MPI_Info_free(&info));
    OK(MPI_Comm_get_parent(&parent));
    CHECK(parent == MPI_COMM_NULL);
}

static void errors(void)
{
    int class, code, got, *last, flag, len;
    char text[MPI_MAX_ERROR_STRING];

    OK(MPI_Add_error_class(&class));
    OK(MPI_Add_error_code(class, &code));
    OK(MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_LASTUSEDCODE, &last, &flag));
    CHECK(flag && *last == code);
    OK(MPI_Error_string(code, text, &len));
    CHECK(len == 0);
    OK(MPI_Add_error_string(code, "the sea is too rough"));
    OK(MPI_Error_string(code, text, &len));
    CHECK(!strcmp(text, "the sea is too rough"));
    OK(MPI_Error_class(code, &got));
    CHECK(got == class);
    FAILS(MPI_Remove_error_class(class), MPI_ERR_ARG, "still has error codes");
    OK(MPI_Remove_error_string(code));
    OK(MPI_Remove_error_code(code));
    OK(MPI_Remove_error_class(class));
    FAILS(MPI_Error_class(class, &got), MPI_ERR_ARG, "no error code");
}

static void abi(void)
{
    int yes = 1, no = 0, set = -1, a = -1, b = -1;
    MPI_Info info;

    OK(MPI_Abi_get_fortran_info(&info));
    CHECK(info == MPI_INFO_NULL);
    OK(MPI_Abi_get_fortran_booleans(sizeof(int), &a, &b, &set));
    CHECK(set == 0);
    OK(MPI_Abi_set_fortran_booleans(sizeof(int), &yes, &no));
    OK(MPI_Abi_get_fortran_booleans(sizeof(int), &a, &b, &set));
    CHECK(set == 1 && a == 1 && b == 0);
    FAILS(MPI_Abi_set_fortran_booleans(sizeof(int), &yes, &no), MPI_ERR_ABI, "already");
    FAILS(MPI_Abi_get_fortran_booleans(3, &a, &b, &set), MPI_ERR_ABI, "3 bytes");
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "mpi_integer_size", "4"));
    OK(MPI_Abi_set_fortran_info(info));
    FAILS(MPI_Abi_set_fortran_info(info), MPI_ERR_ABI, "already");
    OK(MPI_Info_free(&info));
    OK(MPI_Abi_get_fortran_info(&info));
    CHECK(has(info, "mpi_integer_size", "4"));
    OK(MPI_Info_free(&info));
    OK(MPI_Abi_get_info(&info));
    CHECK(has(info, "mpi_aint_size", "8") && has(info, "mpi_count_size", "8"));
    CHECK(has(info, "mpi_offset_size", "8"));
    OK(MPI_Info_free(&info));
}

static void memory(void)
{
    int *p;
    MPI_Aint at, next;

    OK(MPI_Alloc_mem(1 << 20, MPI_INFO_NULL, &p));
    memset(p, 1, 1 << 20);
    OK(MPI_Get_address(p, &at));
    OK(MPI_Get_address(p + 1, &next));
    CHECK(MPI_Aint_diff(next, at) == sizeof(int) && MPI_Aint_add(at, sizeof(int)) == next);
    OK(MPI_Free_mem(p));
    FAILS(MPI_Alloc_mem(-1, MPI_INFO_NULL, &p), MPI_ERR_ARG, "negative");
    FAILS(MPI_Alloc_mem((MPI_Aint)1 << 60, MPI_INFO_NULL, &p), MPI_ERR_NO_MEM, "bytes");
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    groups();
    attributes();
    names();
    infos();
    environment();
    errors();
    abi();
    memory();
    return end("objects");
}
