/* SPDX-License-Identifier: BSD-3-Clause */
/* An output that is NULL: each call says so, and changes nothing. */
#include "file_test.h"

#define REFUSED(call) CHECK((call) == MPI_ERR_ARG)

static int n;
static char text[MPI_MAX_ERROR_STRING];
static void *any;

static void communicators(MPI_Comm c)
{
    REFUSED(MPI_Comm_size(c, NULL));
    REFUSED(MPI_Comm_rank(c, NULL));
    REFUSED(MPI_Comm_test_inter(c, NULL));
    REFUSED(MPI_Comm_compare(c, c, NULL));
    REFUSED(MPI_Comm_set_name(c, NULL));
    REFUSED(MPI_Comm_get_name(c, NULL, &n));
    REFUSED(MPI_Comm_get_name(c, text, NULL));
    REFUSED(MPI_Comm_get_info(c, NULL));
    REFUSED(MPI_Comm_group(c, NULL));
    REFUSED(MPI_Comm_get_attr(c, MPI_TAG_UB, NULL, &n));
    REFUSED(MPI_Comm_get_attr(c, MPI_TAG_UB, &any, NULL));
    REFUSED(MPI_Comm_get_errhandler(c, NULL));
    REFUSED(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, MPI_COMM_NULL_DELETE_FN, NULL, NULL));
    REFUSED(MPI_Comm_free_keyval(NULL));
    REFUSED(MPI_Comm_get_parent(NULL));
    REFUSED(MPI_Comm_free(NULL));
    REFUSED(MPI_Comm_disconnect(NULL));
    REFUSED(MPI_Intercomm_create(c, 0, c, 0, 0, NULL));
}

static void inter(MPI_Comm c)
{
    MPI_Comm local, both;

    if (size < 2)
        return;
    OK(MPI_Comm_split(MPI_COMM_WORLD, rank > 0, 0, &local));
    OK(MPI_Intercomm_create(local, 0, MPI_COMM_WORLD, rank > 0 ? 0 : 1, 1, &both));
    OK(MPI_Comm_set_errhandler(both, MPI_ERRORS_RETURN));
    REFUSED(MPI_Comm_remote_size(both, NULL));
    REFUSED(MPI_Comm_remote_group(both, NULL));
    REFUSED(MPI_Intercomm_merge(both, 0, NULL));
    CHECK(MPI_Comm_remote_size(c, &n) == MPI_ERR_COMM);
    OK(MPI_Comm_free(&both));
    OK(MPI_Comm_free(&local));
}

static void groups(void)
{
    int ranks[1] = {0}, range[1][3] = {{0, 0, 1}};
    MPI_Group g, made;

    OK(MPI_Comm_group(MPI_COMM_WORLD, &g));
    REFUSED(MPI_Group_size(g, NULL));
    REFUSED(MPI_Group_rank(g, NULL));
    REFUSED(MPI_Group_compare(g, g, NULL));
    REFUSED(MPI_Group_translate_ranks(g, 1, NULL, g, ranks));
    REFUSED(MPI_Group_translate_ranks(g, 1, ranks, g, NULL));
    REFUSED(MPI_Group_translate_ranks(g, -1, ranks, g, ranks));
    REFUSED(MPI_Group_union(g, g, NULL));
    REFUSED(MPI_Group_intersection(g, g, NULL));
    REFUSED(MPI_Group_difference(g, g, NULL));
    REFUSED(MPI_Group_incl(g, 1, ranks, NULL));
    REFUSED(MPI_Group_incl(g, 1, NULL, &made));
    REFUSED(MPI_Group_incl(g, -1, ranks, &made));
    REFUSED(MPI_Group_excl(g, 1, ranks, NULL));
    REFUSED(MPI_Group_excl(g, 1, NULL, &made));
    REFUSED(MPI_Group_range_incl(g, 1, range, NULL));
    REFUSED(MPI_Group_range_incl(g, 1, NULL, &made));
    REFUSED(MPI_Group_range_excl(g, 1, range, NULL));
    REFUSED(MPI_Group_free(NULL));
    OK(MPI_Group_free(&g));
}

static void topologies(MPI_Comm c)
{
    int one[1] = {1}, zero[1] = {0}, a[1], b[1], none[1] = {0};
    MPI_Comm cart, graph, dist;

    REFUSED(MPI_Topo_test(c, NULL));
    REFUSED(MPI_Cart_create(c, 1, one, zero, 0, NULL));
    REFUSED(MPI_Cart_map(c, 1, one, zero, NULL));
    REFUSED(MPI_Graph_create(c, 1, one, zero, 0, NULL));
    REFUSED(MPI_Graph_map(c, 1, one, zero, NULL));
    REFUSED(
        MPI_Dist_graph_create_adjacent(c, 0, none, none, 0, none, none, MPI_INFO_NULL, 0, NULL));
    REFUSED(MPI_Dist_graph_create(c, 0, none, none, none, none, MPI_INFO_NULL, 0, NULL));
    OK(MPI_Cart_create(MPI_COMM_SELF, 1, one, zero, 0, &cart));
    REFUSED(MPI_Cartdim_get(cart, NULL));
    REFUSED(MPI_Cart_get(cart, 1, NULL, a, b));
    REFUSED(MPI_Cart_get(cart, 1, a, NULL, b));
    REFUSED(MPI_Cart_get(cart, 1, a, b, NULL));
    REFUSED(MPI_Cart_get(cart, 0, a, b, b));
    REFUSED(MPI_Cart_rank(cart, NULL, &n));
    REFUSED(MPI_Cart_rank(cart, zero, NULL));
    REFUSED(MPI_Cart_coords(cart, 0, 1, NULL));
    REFUSED(MPI_Cart_shift(cart, 0, 1, NULL, &n));
    REFUSED(MPI_Cart_shift(cart, 0, 1, &n, NULL));
    REFUSED(MPI_Cart_sub(cart, one, NULL));
    OK(MPI_Comm_free(&cart));
    OK(MPI_Graph_create(MPI_COMM_SELF, 1, one, zero, 0, &graph));
    REFUSED(MPI_Graphdims_get(graph, NULL, &n));
    REFUSED(MPI_Graphdims_get(graph, &n, NULL));
    REFUSED(MPI_Graph_get(graph, 1, 1, NULL, a));
    REFUSED(MPI_Graph_get(graph, 1, 1, a, NULL));
    REFUSED(MPI_Graph_get(graph, 1, 0, a, b));
    REFUSED(MPI_Graph_neighbors_count(graph, 0, NULL));
    REFUSED(MPI_Graph_neighbors(graph, 0, 1, NULL));
    OK(MPI_Comm_free(&graph));
    OK(MPI_Dist_graph_create_adjacent(MPI_COMM_SELF, 1, zero, one, 1, zero, one, MPI_INFO_NULL, 0,
                                      &dist));
    REFUSED(MPI_Dist_graph_neighbors_count(dist, NULL, &n, &n));
    REFUSED(MPI_Dist_graph_neighbors_count(dist, &n, NULL, &n));
    REFUSED(MPI_Dist_graph_neighbors_count(dist, &n, &n, NULL));
    REFUSED(MPI_Dist_graph_neighbors(dist, 1, NULL, a, 1, a, b));
    REFUSED(MPI_Dist_graph_neighbors(dist, 1, a, NULL, 1, a, b));
    REFUSED(MPI_Dist_graph_neighbors(dist, 1, a, b, 1, NULL, b));
    REFUSED(MPI_Dist_graph_neighbors(dist, 1, a, b, 1, a, NULL));
    OK(MPI_Comm_free(&dist));
}

static void collectives(MPI_Comm c)
{
    enum { ROOM = 64 };
    int one = 1, all[ROOM], counts[ROOM] = {0}, displs[ROOM] = {0};

    if (size > ROOM)
        return;
    REFUSED(MPI_Ibarrier(c, NULL));
    REFUSED(MPI_Ibcast(&one, 1, MPI_INT, 0, c, NULL));
    REFUSED(MPI_Igather(&one, 1, MPI_INT, all, 1, MPI_INT, 0, c, NULL));
    REFUSED(MPI_Iallgatherv(&one, 0, MPI_INT, all, counts, displs, MPI_INT, c, NULL));
    REFUSED(MPI_Iallreduce(&one, all, 1, MPI_INT, MPI_SUM, c, NULL));
    REFUSED(MPI_Iscan(&one, all, 1, MPI_INT, MPI_SUM, c, NULL));
    REFUSED(MPI_Barrier_init(c, MPI_INFO_NULL, NULL));
    REFUSED(MPI_Bcast_init(&one, 1, MPI_INT, 0, c, MPI_INFO_NULL, NULL));
    REFUSED(MPI_Alltoall_init(all, 1, MPI_INT, all, 0, MPI_INT, c, MPI_INFO_NULL, NULL));
    REFUSED(MPI_Reduce_init(&one, all, 1, MPI_INT, MPI_SUM, 0, c, MPI_INFO_NULL, NULL));
    REFUSED(MPI_Comm_idup(c, (MPI_Comm *)&any, NULL));
    REFUSED(MPI_Comm_idup(c, NULL, (MPI_Request *)&any));
}

static void neighbours(void)
{
    int one[1] = {1}, zero[1] = {0}, a[2];
    MPI_Comm cart;

    OK(MPI_Cart_create(MPI_COMM_SELF, 1, one, zero, 0, &cart));
    REFUSED(MPI_Ineighbor_allgather(one, 1, MPI_INT, a, 1, MPI_INT, cart, NULL));
    REFUSED(MPI_Ineighbor_alltoall(a, 1, MPI_INT, a, 1, MPI_INT, cart, NULL));
    REFUSED(MPI_Neighbor_alltoall_init(a, 1, MPI_INT, a, 1, MPI_INT, cart, MPI_INFO_NULL, NULL));
    OK(MPI_Comm_free(&cart));
}

static void combine(void *in, void *inout, int *len, MPI_Datatype *type)
{
    (void)in;
    (void)inout;
    (void)len;
    (void)type;
}

static void operators(void)
{
    REFUSED(MPI_Op_create(NULL, 1, (MPI_Op *)&any));
    REFUSED(MPI_Op_create(combine, 1, NULL));
    REFUSED(MPI_Op_free(NULL));
    REFUSED(MPI_Op_commutative(MPI_SUM, NULL));
}

/* Operations that have a request everywhere else. */
static void requests(MPI_Comm c)
{
    char b[8] = {0};
    MPI_Win w;

    REFUSED(MPI_Isend(b, 1, MPI_CHAR, 0, 0, c, NULL));
    REFUSED(MPI_Irecv(b, 1, MPI_CHAR, 0, 0, c, NULL));
    REFUSED(MPI_Send_init(b, 1, MPI_CHAR, 0, 0, c, NULL));
    REFUSED(MPI_Recv_init(b, 1, MPI_CHAR, 0, 0, c, NULL));
    REFUSED(MPI_Psend_init(b, 1, 1, MPI_CHAR, 0, 0, c, MPI_INFO_NULL, NULL));
    REFUSED(MPI_Precv_init(b, 1, 1, MPI_CHAR, 0, 0, c, MPI_INFO_NULL, NULL));
    REFUSED(MPI_Isendrecv(b, 1, MPI_CHAR, 0, 0, b + 1, 1, MPI_CHAR, 0, 0, c, NULL));
    REFUSED(MPI_Comm_iflush_buffer(c, NULL));
    REFUSED(MPI_Grequest_start(NULL, NULL, NULL, NULL, NULL));
    REFUSED(MPI_Start(NULL));
    REFUSED(MPI_Wait(NULL, MPI_STATUS_IGNORE));
    OK(MPI_Win_create(b, 1, 1, MPI_INFO_NULL, MPI_COMM_WORLD, &w));
    OK(MPI_Win_set_errhandler(w, MPI_ERRORS_RETURN));
    REFUSED(MPI_Rput(b + 1, 1, MPI_CHAR, 0, 0, 1, MPI_CHAR, w, NULL));
    REFUSED(MPI_Rget(b + 1, 1, MPI_CHAR, 0, 0, 1, MPI_CHAR, w, NULL));
    REFUSED(MPI_Raccumulate(b + 1, 1, MPI_SIGNED_CHAR, 0, 0, 1, MPI_SIGNED_CHAR, MPI_SUM, w, NULL));
    OK(MPI_Win_free(&w));
}

static void files(void)
{
    const int mode = MPI_MODE_CREATE | MPI_MODE_RDWR | MPI_MODE_DELETE_ON_CLOSE;
    char b[1] = {0};
    MPI_File f;

    name_file("nulls");
    OK(MPI_File_open(MPI_COMM_WORLD, path, mode, MPI_INFO_NULL, &f));
    REFUSED(MPI_File_iwrite(f, b, 1, MPI_CHAR, NULL));
    REFUSED(MPI_File_iread_at_all(f, 0, b, 1, MPI_CHAR, NULL));
    OK(MPI_File_close(&f));
}

static void infos(void)
{
    MPI_Info info;

    REFUSED(MPI_Info_create(NULL));
    REFUSED(MPI_Info_create_env(0, NULL, NULL));
    OK(MPI_Info_create(&info));
    REFUSED(MPI_Info_dup(info, NULL));
    REFUSED(MPI_Info_free(NULL));
    REFUSED(MPI_Info_set(info, NULL, "value"));
    REFUSED(MPI_Info_set(info, "key", NULL));
    REFUSED(MPI_Info_delete(info, NULL));
    REFUSED(MPI_Info_get_nkeys(info, NULL));
    OK(MPI_Info_set(info, "key", "value"));
    REFUSED(MPI_Info_get_nthkey(info, 0, NULL));
    REFUSED(MPI_Info_get(info, NULL, 1, text, &n));
    REFUSED(MPI_Info_get(info, "key", 1, NULL, &n));
    REFUSED(MPI_Info_get(info, "key", 1, text, NULL));
    REFUSED(MPI_Info_get(info, "key", -1, text, &n));
    REFUSED(MPI_Info_get_valuelen(info, NULL, &n, &n));
    REFUSED(MPI_Info_get_valuelen(info, "key", NULL, &n));
    REFUSED(MPI_Info_get_valuelen(info, "key", &n, NULL));
    n = 4;
    REFUSED(MPI_Info_get_string(info, NULL, &n, text, &n));
    REFUSED(MPI_Info_get_string(info, "key", NULL, text, &n));
    REFUSED(MPI_Info_get_string(info, "key", &n, NULL, &n));
    REFUSED(MPI_Info_get_string(info, "key", &n, text, NULL));
    n = -1;
    REFUSED(MPI_Info_get_string(info, "key", &n, text, &n));
    for (int i = 0; i < 2; i++) {
        const char *key = i ? "" : memset(text, 'k', MPI_MAX_INFO_KEY);
        CHECK(MPI_Info_set(info, key, "value") == MPI_ERR_INFO_KEY);
        CHECK(MPI_Info_get(info, key, 1, text, &n) == MPI_ERR_INFO_KEY);
        CHECK(MPI_Info_get_valuelen(info, key, &n, &n) == MPI_ERR_INFO_KEY);
        CHECK(MPI_Info_delete(info, key) == MPI_ERR_INFO_KEY);
        n = 4;
        CHECK(MPI_Info_get_string(info, key, &n, text, &n) == MPI_ERR_INFO_KEY);
    }
    OK(MPI_Info_free(&info));
}

static void errors(void)
{
    REFUSED(MPI_Error_class(MPI_ERR_ARG, NULL));
    REFUSED(MPI_Error_string(MPI_ERR_ARG, NULL, &n));
    REFUSED(MPI_Error_string(MPI_ERR_ARG, text, NULL));
    REFUSED(MPI_Error_string(-1, text, &n));
    REFUSED(MPI_Error_class(1 << 30, &n));
    REFUSED(MPI_Add_error_class(NULL));
    REFUSED(MPI_Add_error_code(MPI_ERR_ARG, NULL));
    REFUSED(MPI_Add_error_code(-1, &n));
    REFUSED(MPI_Add_error_string(MPI_ERR_ARG, "mine"));
    REFUSED(MPI_Remove_error_class(MPI_ERR_ARG));
    REFUSED(MPI_Remove_error_code(MPI_ERR_ARG));
    REFUSED(MPI_Remove_error_string(MPI_ERR_ARG));
    REFUSED(MPI_Errhandler_free(NULL));
}

static void sessions(MPI_Group world)
{
    MPI_Session s;
    MPI_Comm c;

    REFUSED(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, NULL));
    OK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &s));
    REFUSED(MPI_Session_get_info(s, NULL));
    REFUSED(MPI_Session_get_num_psets(s, MPI_INFO_NULL, NULL));
    REFUSED(MPI_Session_get_nth_pset(s, MPI_INFO_NULL, 0, NULL, text));
    n = 4;
    REFUSED(MPI_Session_get_nth_pset(s, MPI_INFO_NULL, 0, &n, NULL));
    n = -1;
    REFUSED(MPI_Session_get_nth_pset(s, MPI_INFO_NULL, 0, &n, text));
    REFUSED(MPI_Session_get_pset_info(s, NULL, (MPI_Info *)&any));
    REFUSED(MPI_Session_get_pset_info(s, "mpi://WORLD", NULL));
    REFUSED(MPI_Session_get_errhandler(s, NULL));
    REFUSED(MPI_Group_from_session_pset(s, NULL, (MPI_Group *)&any));
    REFUSED(MPI_Group_from_session_pset(s, "mpi://WORLD", NULL));
    REFUSED(MPI_Comm_create_from_group(world, NULL, MPI_INFO_NULL, MPI_ERRORS_RETURN, &c));
    REFUSED(MPI_Comm_create_from_group(world, "nulls", MPI_INFO_NULL, MPI_ERRORS_RETURN, NULL));
    REFUSED(MPI_Intercomm_create_from_groups(world, 0, world, 0, NULL, MPI_INFO_NULL,
                                             MPI_ERRORS_RETURN, &c));
    REFUSED(MPI_Intercomm_create_from_groups(world, 0, world, 0, "nulls", MPI_INFO_NULL,
                                             MPI_ERRORS_RETURN, NULL));
    OK(MPI_Session_finalize(&s));
    REFUSED(MPI_Session_finalize(NULL));
}

static void environment(void)
{
    char one[16] = {0};

    REFUSED(MPI_Get_version(NULL, &n));
    REFUSED(MPI_Get_version(&n, NULL));
    REFUSED(MPI_Get_library_version(NULL, &n));
    REFUSED(MPI_Get_library_version(text, NULL));
    REFUSED(MPI_Get_processor_name(NULL, &n));
    REFUSED(MPI_Get_processor_name(text, NULL));
    REFUSED(MPI_Get_hw_resource_info(NULL));
    REFUSED(MPI_Alloc_mem(1, MPI_INFO_NULL, NULL));
    REFUSED(MPI_Get_address(&n, NULL));
    REFUSED(MPI_Initialized(NULL));
    REFUSED(MPI_Finalized(NULL));
    REFUSED(MPI_Query_thread(NULL));
    REFUSED(MPI_Is_thread_main(NULL));
    REFUSED(MPI_Abi_get_version(NULL, &n));
    REFUSED(MPI_Abi_get_version(&n, NULL));
    REFUSED(MPI_Abi_get_info(NULL));
    REFUSED(MPI_Abi_get_fortran_info(NULL));
    REFUSED(MPI_Abi_get_fortran_booleans(4, NULL, one, &n));
    REFUSED(MPI_Abi_get_fortran_booleans(4, one, NULL, &n));
    REFUSED(MPI_Abi_get_fortran_booleans(4, one, one, NULL));
    REFUSED(MPI_Abi_set_fortran_booleans(4, NULL, one));
    REFUSED(MPI_Abi_set_fortran_booleans(4, one, NULL));
}

int main(int argc, char **argv)
{
    MPI_Group world;
    MPI_Comm c;

    begin(&argc, &argv);
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    OK(MPI_Comm_dup(MPI_COMM_WORLD, &c));
    OK(MPI_Comm_set_errhandler(c, MPI_ERRORS_RETURN));
    OK(MPI_Comm_group(c, &world));
    communicators(c);
    inter(c);
    groups();
    topologies(c);
    collectives(c);
    neighbours();
    operators();
    requests(c);
    files();
    infos();
    errors();
    sessions(world);
    environment();
    OK(MPI_Group_free(&world));
    OK(MPI_Comm_free(&c));
    return end("nulls");
}
