/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * life MODE: what is legal when, how MPI starts and ends. life_test.sh runs each mode and knows
 * what it must print and how it must exit.
 */
#include <mpi.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int failures;

#define EXPECT(what)                                                                               \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #what);                              \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

/* ---- Calls that are legal at any time ---- */

static void nothing(MPI_Comm *comm, int *code, ...)
{
    (void)comm;
    (void)code;
}

static void any_time(void)
{
    int a = -1, b = -1, len, flag;
    char text[MPI_MAX_LIBRARY_VERSION_STRING], value[16];
    MPI_Info info, copy = MPI_INFO_NULL;
    MPI_Errhandler handler;

    EXPECT(!MPI_Get_version(&a, &b) && a == 5 && b == 0);
    EXPECT(!MPI_Abi_get_version(&a, &b) && a == 1 && b == 0);
    EXPECT(!MPI_Get_library_version(text, &len) && !strncmp(text, "Oriel 0.1.0", 11));
    EXPECT((int)strlen(text) == len);
    EXPECT(!MPI_Error_class(MPI_ERR_RANK, &a) && a == MPI_ERR_RANK);
    EXPECT(!MPI_Error_string(MPI_ERR_RANK, text, &len) && !strncmp(text, "MPI_ERR_RANK", 12));
    EXPECT(!MPI_Info_create(&info) && info != MPI_INFO_NULL);
    EXPECT(!MPI_Info_set(info, "key", "value") && !MPI_Info_dup(info, &copy));
    len = sizeof(value);
    EXPECT(!MPI_Info_get_string(copy, "key", &len, value, &flag) && flag && len == 6);
    EXPECT(!strcmp(value, "value"));
    EXPECT(MPI_Info_fromint(MPI_Info_toint(info)) == info);
    EXPECT(!MPI_Info_free(&info) && info == MPI_INFO_NULL && !MPI_Info_free(&copy));
    EXPECT(!MPI_Abi_get_info(&info) && !MPI_Info_get_nkeys(info, &a) && a == 3);
    EXPECT(!MPI_Info_free(&info));
    EXPECT(!MPI_Comm_create_errhandler(nothing, &handler));
    EXPECT(!MPI_Errhandler_free(&handler) && handler == MPI_ERRHANDLER_NULL);
    EXPECT(MPI_Comm_toint(MPI_COMM_WORLD) == 0x101 && MPI_Comm_fromint(0x101) == MPI_COMM_WORLD);
    EXPECT(MPI_Wtime() > 0 && MPI_Wtick() > 0 && MPI_Wtick() < 1e-3);
}

static void flags(int initialized, int finalized)
{
    int flag = -1;

    EXPECT(!MPI_Initialized(&flag) && flag == initialized);
    EXPECT(!MPI_Finalized(&flag) && flag == finalized);
}

static void plain(void)
{
    int provided, rank, size;

    flags(0, 0);
    any_time();
    MPI_Init(NULL, NULL);
    flags(1, 0);
    any_time();
    EXPECT(!MPI_Query_thread(&provided) && provided == MPI_THREAD_SINGLE);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    EXPECT(rank >= 0 && rank < size);
    MPI_Finalize();
    flags(1, 1);
    any_time();
}

/* ---- Thread levels ---- */

static void levels(void)
{
    int provided = -1, flag = -1;

    MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED - 1, &provided);
    EXPECT(provided == MPI_THREAD_SERIALIZED);
    provided = -1;
    EXPECT(!MPI_Query_thread(&provided) && provided == MPI_THREAD_SERIALIZED);
    EXPECT(!MPI_Is_thread_main(&flag) && flag);
    MPI_Finalize();
}

static void *not_main(void *flag)
{
    MPI_Is_thread_main(flag);
    return NULL;
}

static void *init_here(void *arg)
{
    int provided, flag = -1;

    MPI_Init_thread(NULL, NULL, 1 << 30, &provided);
    EXPECT(provided == MPI_THREAD_MULTIPLE);
    EXPECT(!MPI_Is_thread_main(&flag) && flag);
    return arg;
}

static void init_in_thread(void)
{
    pthread_t t;
    int flag = -1;

    pthread_create(&t, NULL, init_here, NULL);
    pthread_join(t, NULL);
    not_main(&flag);
    EXPECT(flag == 0);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Finalize();
}

/* ---- The end ---- */

static int order;

static int at_finalize(MPI_Comm comm, int keyval, void *value, void *state)
{
    int flag = -1, result = -1;

    (void)keyval;
    (void)state;
    EXPECT(comm == MPI_COMM_SELF);
    EXPECT(!MPI_Finalized(&flag) && !flag);
    EXPECT(!MPI_Comm_compare(comm, MPI_COMM_WORLD, &result));
    EXPECT((int)(intptr_t)value == --order);
    return MPI_SUCCESS;
}

static void attributes(void)
{
    int keyval;

    MPI_Init(NULL, NULL);
    for (order = 0; order < 5; order++) {
        MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, at_finalize, &keyval, NULL);
        MPI_Comm_set_attr(MPI_COMM_SELF, keyval, (void *)(intptr_t)order);
        MPI_Comm_free_keyval(&keyval);
    }
    MPI_Finalize();
    EXPECT(order == 0);
}

static int fails(MPI_Comm comm, int keyval, void *value, void *state)
{
    (void)comm;
    (void)keyval;
    (void)value;
    order--;
    return *(int *)state;
}

static int errors[] = {MPI_ERR_IO, MPI_SUCCESS, MPI_ERR_FILE, MPI_ERR_RANK};

static void set_failing(void)
{
    int keyval;

    MPI_Init(NULL, NULL);
    for (order = 0; order < 4; order++) {
        MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, fails, &keyval, &errors[order]);
        MPI_Comm_set_attr(order < 2 ? MPI_COMM_SELF : MPI_COMM_WORLD, keyval, NULL);
    }
}

/* Delete functions that fail: the others are called, and MPI ends all the same. */
static void attributes_fail(void)
{
    set_failing();
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    EXPECT(MPI_Finalize() == MPI_ERR_IO && order == 0);
    flags(1, 1);
}

static void attributes_end(void)
{
    set_failing();
    MPI_Finalize();
}

static void forks(void)
{
    int rank, size, in = 1, sum = 0, status = -1;

    MPI_Init(NULL, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Barrier(MPI_COMM_WORLD);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        exit(7); /* runs what libraries do at exit */
    EXPECT(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
    for (int i = 0; i < 100; i++)
        MPI_Allreduce(&in, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    EXPECT(sum == size);
    MPI_Finalize();
}

static void alone(void)
{
    int size;

    MPI_Init(NULL, NULL);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    EXPECT(size == 1);
    MPI_Finalize();
}

/* This program once more, which inherits all that the launcher has told this process. */
static int start_alone(void)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        execl("/proc/self/exe", "life", "alone", NULL);
        _exit(9);
    }
    EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* A process that a rank starts is not that rank once more, but a job of its own. */
static void children(void)
{
    int rank;

    MPI_Init(NULL, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    for (int i = 0; i < 2 && rank == 0; i++)
        EXPECT(start_alone() == 0);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Finalize();
}

/* ---- Sessions ---- */

static void sessions(void)
{
    MPI_Session session, second;
    MPI_Info info;
    MPI_Group group, self;
    MPI_Comm comm;
    int n, len, size, rank, in = 1, sum = 0, flag;
    char name[64];

    EXPECT(!MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session));
    flags(0, 0);
    EXPECT(!MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &second) && second != session);
    EXPECT(!MPI_Session_finalize(&second) && second == MPI_SESSION_NULL);
    EXPECT(!MPI_Session_get_num_psets(session, MPI_INFO_NULL, &n) && n == 2);
    len = sizeof(name);
    EXPECT(!MPI_Session_get_nth_pset(session, MPI_INFO_NULL, 0, &len, name) && len == 12);
    EXPECT(!strcmp(name, "mpi://WORLD"));
    EXPECT(MPI_Session_get_nth_pset(session, MPI_INFO_NULL, 2, &len, name) == MPI_ERR_ARG);
    EXPECT(!MPI_Session_get_info(session, &info));
    len = sizeof(name);
    EXPECT(!MPI_Info_get_string(info, "thread_level", &len, name, &flag) && flag);
    EXPECT(!strcmp(name, "MPI_THREAD_MULTIPLE"));
    MPI_Info_free(&info);
    EXPECT(!MPI_Session_get_pset_info(session, "mpi://SELF", &info));
    len = sizeof(name);
    EXPECT(!MPI_Info_get_string(info, "mpi_size", &len, name, &flag) && flag && !strcmp(name, "1"));
    MPI_Info_free(&info);
    EXPECT(MPI_Session_get_pset_info(session, "mpi://moon", &info) == MPI_ERR_ARG);
    EXPECT(!MPI_Group_from_session_pset(session, "mpi://world", &group));
    self = group;
    EXPECT(MPI_Group_from_session_pset(session, "mpi://moon", &self) == MPI_ERR_ARG);
    EXPECT(self == MPI_GROUP_NULL);
    MPI_Group_size(group, &size);
    EXPECT(!MPI_Group_from_session_pset(session, "MPI://self", &self));
    EXPECT(!MPI_Group_size(self, &n) && n == 1 && !MPI_Group_rank(self, &n) && n == 0);
    MPI_Group_rank(group, &rank);
    EXPECT(!MPI_Group_translate_ranks(self, 1, &n, group, &len) && len == rank);
    MPI_Group_free(&self);
    EXPECT(!MPI_Comm_create_from_group(group, "life", MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm));
    MPI_Group_free(&group);
    MPI_Allreduce(&in, &sum, 1, MPI_INT, MPI_SUM, comm);
    EXPECT(sum == size);
    MPI_Comm_free(&comm);
    EXPECT(!MPI_Session_finalize(&session));
    flags(0, 0);
}

/* Of the hints, those come back that are not ignored (11.3.2), with what they became. */
static void session_hints(void)
{
    MPI_Session session;
    MPI_Info info;
    int len, n, flag;
    char value[64];

    MPI_Info_create(&info);
    MPI_Info_set(info, "no_such_hint", "5");
    MPI_Info_set(info, "thread_level", "MPI_THREAD_SERIALIZED");
    EXPECT(!MPI_Session_init(info, MPI_ERRORS_RETURN, &session));
    MPI_Info_free(&info);
    EXPECT(!MPI_Session_get_info(session, &info));
    EXPECT(!MPI_Info_get_nkeys(info, &n) && n == 2);
    len = sizeof(value);
    EXPECT(!MPI_Info_get_string(info, "thread_level", &len, value, &flag) && flag);
    EXPECT(!strcmp(value, "MPI_THREAD_SERIALIZED"));
    len = sizeof(value);
    EXPECT(!MPI_Info_get_string(info, "mpi_memory_alloc_kinds", &len, value, &flag) && flag);
    MPI_Info_free(&info);
    EXPECT(!MPI_Session_finalize(&session));
}

/* A session whose process talks to itself. */
static void talks(int messages)
{
    MPI_Session session;
    MPI_Group group;
    MPI_Comm comm;
    MPI_Request r;

    EXPECT(!MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session));
    EXPECT(!MPI_Group_from_session_pset(session, "mpi://SELF", &group));
    EXPECT(!MPI_Comm_create_from_group(group, "talks", MPI_INFO_NULL, MPI_ERRORS_RETURN, &comm));
    MPI_Group_free(&group);
    for (int i = 0; i < messages; i++) {
        int in = -1;
        EXPECT(!MPI_Isend(&i, 1, MPI_INT, 0, 1, comm, &r));
        EXPECT(!MPI_Recv(&in, 1, MPI_INT, 0, 1, comm, MPI_STATUS_IGNORE) && in == i);
        EXPECT(!MPI_Wait(&r, MPI_STATUS_IGNORE));
    }
    MPI_Comm_free(&comm);
    EXPECT(!MPI_Session_finalize(&session));
}

/* One session after the other, and the world after them. */
static void cycles(void)
{
    enum { MESSAGES = 100 };
    MPI_T_pvar_session tool;
    MPI_T_pvar_handle sent;
    unsigned long long value = 0;
    int provided, index, count;

    EXPECT(!MPI_T_init_thread(MPI_THREAD_SINGLE, &provided));
    EXPECT(!MPI_T_pvar_get_index("p2p_messages_sent", MPI_T_PVAR_CLASS_COUNTER, &index));
    EXPECT(!MPI_T_pvar_session_create(&tool));
    EXPECT(!MPI_T_pvar_handle_alloc(tool, index, NULL, &sent, &count));
    EXPECT(!MPI_T_pvar_start(tool, sent));
    for (int i = 0; i < 3; i++) {
        sessions();
        talks(MESSAGES);
    }
    MPI_Init(NULL, NULL);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Finalize();
    flags(1, 1);
    EXPECT(!MPI_T_pvar_read(tool, sent, &value) && value == 3 * MESSAGES);
    if (!getenv("PMIX_RANK")) { /* a process that nobody started may live again */
        talks(MESSAGES);
        EXPECT(!MPI_T_pvar_read(tool, sent, &value) && value == 4 * MESSAGES);
    }
    EXPECT(!MPI_T_finalize());
}

/* ---- Error handlers ---- */

static int seen_code;
static MPI_Comm seen_comm;

static void handler(MPI_Comm *comm, int *code, ...)
{
    seen_comm = *comm;
    seen_code = *code;
}

static void handlers(void)
{
    MPI_Errhandler h, got;
    MPI_Comm dup, spawned;
    char text[MPI_MAX_ERROR_STRING];
    int len, size, in = 0;

    MPI_Init(NULL, NULL);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm_dup(MPI_COMM_WORLD, &dup);
    EXPECT(!MPI_Comm_get_errhandler(dup, &got) && got == MPI_ERRORS_ARE_FATAL);
    MPI_Comm_create_errhandler(handler, &h);
    MPI_Comm_set_errhandler(dup, h);
    MPI_Errhandler_free(&h);
    EXPECT(!MPI_Comm_get_errhandler(dup, &got) && got != MPI_ERRHANDLER_NULL);
    EXPECT(MPI_Send(&in, 1, MPI_INT, size, 0, dup) == MPI_ERR_RANK);
    EXPECT(seen_code == MPI_ERR_RANK && seen_comm == dup);
    EXPECT(!MPI_Comm_call_errhandler(dup, MPI_ERR_IO) && seen_code == MPI_ERR_IO);
    MPI_Errhandler_free(&got);
    MPI_Comm_set_errhandler(dup, MPI_ERRORS_RETURN);
    EXPECT(MPI_Send(&in, -1, MPI_INT, 0, 0, dup) == MPI_ERR_COUNT);
    EXPECT(!MPI_Error_string(MPI_ERR_COUNT, text, &len) && strstr(text, "count -1"));
    EXPECT(MPI_Comm_spawn("x", MPI_ARGV_NULL, 1, MPI_INFO_NULL, 0, dup, &spawned,
                          MPI_ERRCODES_IGNORE) == MPI_ERR_UNSUPPORTED_OPERATION);
    MPI_Error_string(MPI_ERR_UNSUPPORTED_OPERATION, text, &len);
    EXPECT(strstr(text, "MPI_Comm_spawn is not written yet"));
    MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
    MPI_Comm freed = dup;
    MPI_Comm_free(&dup);
    EXPECT(MPI_Comm_rank(freed, &in) == MPI_ERR_COMM);
    MPI_Error_string(MPI_ERR_COMM, text, &len);
    EXPECT(strstr(text, "the communicator has been freed"));
    EXPECT(MPI_Comm_rank((MPI_Comm)MPI_INT, &in) == MPI_ERR_COMM);
    MPI_Error_string(MPI_ERR_COMM, text, &len);
    EXPECT(strstr(text, "datatype"));
    EXPECT(MPI_File_open(MPI_COMM_SELF, "x", MPI_MODE_RDONLY, MPI_INFO_NULL, (MPI_File[1]){0}));
    MPI_Finalize();
}

/* Calls that look at no object which only a running library has. */
static void not_running(void)
{
    MPI_Datatype t;
    int x;

    EXPECT(MPI_Comm_rank(MPI_COMM_WORLD, &x) == MPI_ERR_OTHER);
    EXPECT(MPI_Type_create_struct(0, NULL, NULL, NULL, &t) == MPI_ERR_OTHER);
    EXPECT(MPI_Type_match_size(MPI_TYPECLASS_REAL, 4, &t) == MPI_ERR_OTHER);
    EXPECT(MPI_Type_create_f90_real(6, 30, &t) == MPI_ERR_OTHER);
    EXPECT(MPI_Type_create_f90_complex(6, 30, &t) == MPI_ERR_OTHER);
    EXPECT(MPI_Type_create_f90_integer(5, &t) == MPI_ERR_OTHER);
}

/* A communicator of the program's after MPI_Finalize, as destructors find it. */
static void outlived(MPI_Comm comm)
{
    char text[MPI_MAX_ERROR_STRING];
    int n = 0;

    EXPECT(MPI_Comm_size(comm, &n) == MPI_ERR_OTHER);
    EXPECT(MPI_Send(&n, 1, MPI_INT, 0, 0, comm) == MPI_ERR_OTHER);
    EXPECT(MPI_Barrier(comm) == MPI_ERR_OTHER);
    MPI_Error_string(MPI_ERR_OTHER, text, &n);
    EXPECT(strstr(text, "MPI_Finalize has been called already"));
    EXPECT(!MPI_Comm_free(&comm) && comm == MPI_COMM_NULL);
    EXPECT(MPI_Comm_free(&comm) == MPI_ERR_OTHER);
}

/* Started with ORIEL_INITIAL_ERRHANDLER=mpi_errors_return: even the first error comes back. */
static void initial(void)
{
    MPI_Errhandler got;
    MPI_Comm dup;
    int x;

    not_running();
    MPI_Init(NULL, NULL);
    EXPECT(!MPI_Comm_get_errhandler(MPI_COMM_WORLD, &got) && got == MPI_ERRORS_RETURN);
    EXPECT(!MPI_Comm_get_errhandler(MPI_COMM_SELF, &got) && got == MPI_ERRORS_RETURN);
    EXPECT(MPI_Send(&x, -1, MPI_INT, 0, 0, MPI_COMM_WORLD) == MPI_ERR_COUNT);
    MPI_Comm_dup(MPI_COMM_WORLD, &dup);
    MPI_Finalize();
    not_running();
    outlived(dup);
}

/* One of several programs of a job: prints which of them, and how many ranks the job may have. */
static void programs(void)
{
    int *appnum, *universe, flag, rank;

    MPI_Init(NULL, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    EXPECT(!MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_APPNUM, &appnum, &flag) && flag);
    EXPECT(!MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_UNIVERSE_SIZE, &universe, &flag) && flag);
    printf("%d: program %d of %d\n", rank, *appnum, *universe);
    MPI_Finalize();
}

/* ---- What ends the program ---- */

static void init_twice(void)
{
    MPI_Init(NULL, NULL);
    MPI_Init(NULL, NULL);
}

static void finalize_first(void)
{
    MPI_Finalize();
}

static void finalize_twice(void)
{
    MPI_Init(NULL, NULL);
    MPI_Finalize();
    MPI_Finalize();
}

static void init_again(void)
{
    MPI_Init(NULL, NULL);
    MPI_Finalize();
    MPI_Init(NULL, NULL);
}

static void rank_first(void)
{
    int rank;

    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
}

static void rank_after(void)
{
    MPI_Init(NULL, NULL);
    MPI_Finalize();
    rank_first();
}

static void no_finalize(void)
{
    MPI_Init(NULL, NULL);
}

static void abort_3(void)
{
    MPI_Init(NULL, NULL);
    printf("printed before\n");
    MPI_Abort(MPI_COMM_WORLD, 3);
    printf("never printed\n");
}

static void abort_first(void)
{
    MPI_Abort(MPI_COMM_WORLD, 5);
}

static void fatal(void)
{
    int size, x = 0;

    MPI_Init(NULL, NULL);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Send(&x, 1, MPI_INT, size + 3, 0, MPI_COMM_WORLD);
}

/* A code of the program's own, before and after it has a string. */
static void own_code(void)
{
    int code;

    MPI_Init(NULL, NULL);
    MPI_Add_error_class(&code);
    MPI_Comm_call_errhandler(MPI_COMM_WORLD, code);
}

static void own_code_told(void)
{
    int code;

    MPI_Init(NULL, NULL);
    MPI_Add_error_class(&code);
    MPI_Add_error_string(code, "out of paper");
    MPI_Comm_call_errhandler(MPI_COMM_WORLD, code);
}

static const struct {
    const char *name;
    void (*run)(void);
} modes[] = {
    {"plain", plain},
    {"levels", levels},
    {"init_in_thread", init_in_thread},
    {"attributes", attributes},
    {"attributes_fail", attributes_fail},
    {"attributes_end", attributes_end},
    {"forks", forks},
    {"alone", alone},
    {"children", children},
    {"sessions", sessions},
    {"session_hints", session_hints},
    {"cycles", cycles},
    {"handlers", handlers},
    {"initial", initial},
    {"programs", programs},
    {"init_twice", init_twice},
    {"finalize_first", finalize_first},
    {"finalize_twice", finalize_twice},
    {"init_again", init_again},
    {"rank_first", rank_first},
    {"rank_after", rank_after},
    {"no_finalize", no_finalize},
    {"abort_3", abort_3},
    {"abort_first", abort_first},
    {"fatal", fatal},
    {"own_code", own_code},
    {"own_code_told", own_code_told},
};

int main(int argc, char **argv)
{
    for (unsigned i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++)
        if (!strcmp(modes[i].name, argv[1])) {
            modes[i].run();
            return failures != 0;
        }
    fprintf(stderr, "life: no such mode\n");
    return 2;
}
