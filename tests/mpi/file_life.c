/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening and closing files in every mode, sizes, hints, handlers, and what is refused (14.2). */
#include <signal.h>
#include <sys/resource.h>

#include "file_test.h"

enum { NEW = MPI_MODE_CREATE | MPI_MODE_RDWR };

static MPI_File open_file(int amode)
{
    MPI_File f = MPI_FILE_NULL;

    OK(MPI_File_open(MPI_COMM_WORLD, path, amode, MPI_INFO_NULL, &f));
    CHECK(f != MPI_FILE_NULL);
    return f;
}

static void close_file(MPI_File *f)
{
    OK(MPI_File_close(f));
    CHECK(*f == MPI_FILE_NULL);
}

static int exists(void)
{
    struct stat s;
    int there = !stat(path, &s);

    OK(MPI_Barrier(MPI_COMM_WORLD));
    return there;
}

static void refused(int amode, int class)
{
    MPI_File f = MPI_FILE_NULL;

    FAILS(MPI_File_open(MPI_COMM_WORLD, path, amode, MPI_INFO_NULL, &f), class);
    CHECK(f == MPI_FILE_NULL);
}

static void modes(void)
{
    MPI_File f;
    int amode = 0;

    refused(MPI_MODE_RDONLY, MPI_ERR_NO_SUCH_FILE);
    refused(MPI_MODE_CREATE, MPI_ERR_AMODE);
    refused(MPI_MODE_RDONLY | MPI_MODE_RDWR, MPI_ERR_AMODE);
    refused(MPI_MODE_RDONLY | MPI_MODE_CREATE, MPI_ERR_AMODE);
    refused(MPI_MODE_RDWR | MPI_MODE_SEQUENTIAL, MPI_ERR_AMODE);
    refused(MPI_MODE_RDWR | 1 << 20, MPI_ERR_AMODE);
    if (size > 1)
        refused(rank ? NEW : NEW | MPI_MODE_EXCL, MPI_ERR_NOT_SAME);
    CHECK(!exists());

    f = open_file(NEW | MPI_MODE_EXCL);
    OK(MPI_File_get_amode(f, &amode));
    CHECK(amode == (NEW | MPI_MODE_EXCL));
    close_file(&f);
    CHECK(exists());
    refused(NEW | MPI_MODE_EXCL, MPI_ERR_FILE_EXISTS);
    f = open_file(NEW | MPI_MODE_DELETE_ON_CLOSE | MPI_MODE_UNIQUE_OPEN);
    CHECK(exists());
    close_file(&f);
    CHECK(!exists());
}

static void names(void)
{
    MPI_File f;
    char whole[300];

    FAILS(MPI_File_open(MPI_COMM_WORLD, "/dev/null/x", NEW, MPI_INFO_NULL, &f), MPI_ERR_BAD_FILE);
    FAILS(MPI_File_open(MPI_COMM_WORLD, "/", MPI_MODE_RDWR, MPI_INFO_NULL, &f), MPI_ERR_BAD_FILE);
    FAILS(MPI_File_open(MPI_COMM_NULL, path, NEW, MPI_INFO_NULL, &f), MPI_ERR_COMM);
    FAILS(MPI_File_open(MPI_COMM_WORLD, NULL, NEW, MPI_INFO_NULL, &f), MPI_ERR_ARG);
    FAILS(MPI_File_delete("/nonexistent/x", MPI_INFO_NULL), MPI_ERR_NO_SUCH_FILE);
    snprintf(whole, sizeof whole, "ufs:%s", path);
    OK(MPI_File_open(MPI_COMM_WORLD, whole, NEW, MPI_INFO_NULL, &f));
    close_file(&f);
    CHECK(exists());
    if (rank == 0)
        OK(MPI_File_delete(path, MPI_INFO_NULL));
    OK(MPI_Barrier(MPI_COMM_WORLD));
    CHECK(!exists());
}

static void sizes(void)
{
    MPI_File f = open_file(NEW | MPI_MODE_DELETE_ON_CLOSE);
    MPI_Offset n = -1, huge = (MPI_Offset)5 << 32;
    MPI_Status s;
    char c = 'x';

    OK(MPI_File_get_size(f, &n));
    CHECK(n == 0);
    OK(MPI_File_preallocate(f, 1000));
    OK(MPI_File_get_size(f, &n));
    CHECK(n == 1000);
    OK(MPI_File_preallocate(f, 10));
    OK(MPI_File_get_size(f, &n));
    CHECK(n == 1000);
    OK(MPI_Barrier(MPI_COMM_WORLD));
    OK(MPI_File_set_size(f, huge));
    OK(MPI_File_get_size(f, &n));
    CHECK(n == huge);
    OK(MPI_File_read_at(f, huge - 1, &c, 1, MPI_CHAR, &s));
    CHECK(moved(&s, MPI_CHAR, 1) && c == 0);
    FAILS(MPI_File_set_size(f, -1), MPI_ERR_ARG);
    if (size > 1)
        FAILS(MPI_File_set_size(f, rank), MPI_ERR_NOT_SAME);
    close_file(&f);
}

static void appending(void)
{
    MPI_File f = open_file(NEW);
    MPI_Offset at = -1;

    OK(MPI_File_set_size(f, 77));
    close_file(&f);
    f = open_file(MPI_MODE_WRONLY | MPI_MODE_APPEND);
    OK(MPI_File_get_position(f, &at));
    CHECK(at == 77);
    at = -1;
    OK(MPI_File_get_position_shared(f, &at));
    CHECK(at == 77);
    FAILS(MPI_File_read(f, &at, 1, MPI_CHAR, MPI_STATUS_IGNORE), MPI_ERR_ACCESS);
    close_file(&f);

    f = open_file(MPI_MODE_RDONLY);
    FAILS(MPI_File_write(f, &at, 1, MPI_CHAR, MPI_STATUS_IGNORE), MPI_ERR_READ_ONLY);
    FAILS(MPI_File_set_size(f, 1), MPI_ERR_READ_ONLY);
    FAILS(MPI_File_preallocate(f, 1), MPI_ERR_READ_ONLY);
    OK(MPI_File_sync(f));
    close_file(&f);
}

/* A pipe would do the same: only the common pointer is there. */
static void sequential(void)
{
    MPI_File f = open_file(MPI_MODE_WRONLY | MPI_MODE_SEQUENTIAL | MPI_MODE_DELETE_ON_CLOSE);
    MPI_Offset at = -1, disp;
    MPI_Datatype etype, filetype;
    char rep[MPI_MAX_DATAREP_STRING];

    FAILS(MPI_File_write(f, &at, 1, MPI_CHAR, MPI_STATUS_IGNORE), MPI_ERR_UNSUPPORTED_OPERATION);
    FAILS(MPI_File_write_at(f, 0, &at, 1, MPI_CHAR, MPI_STATUS_IGNORE),
          MPI_ERR_UNSUPPORTED_OPERATION);
    FAILS(MPI_File_seek(f, 0, MPI_SEEK_SET), MPI_ERR_UNSUPPORTED_OPERATION);
    FAILS(MPI_File_set_size(f, 0), MPI_ERR_UNSUPPORTED_OPERATION);
    OK(MPI_File_write_ordered(f, "abcd", 4, MPI_CHAR, MPI_STATUS_IGNORE));
    FAILS(MPI_File_set_view(f, 0, MPI_INT, MPI_INT, "native", MPI_INFO_NULL), MPI_ERR_ARG);
    OK(MPI_File_set_view(f, MPI_DISPLACEMENT_CURRENT, MPI_INT, MPI_INT, "native", MPI_INFO_NULL));
    OK(MPI_File_get_view(f, &disp, &etype, &filetype, rep));
    CHECK(disp == 4 * size && etype == MPI_INT && filetype == MPI_INT && !strcmp(rep, "native"));
    OK(MPI_File_get_position_shared(f, &at));
    CHECK(at == 0);
    close_file(&f);
}

static void expect_hint(MPI_File f, const char *key, const char *wanted)
{
    char value[MPI_MAX_INFO_VAL + 1];
    MPI_Info used;
    int len = sizeof value, flag = 0;

    OK(MPI_File_get_info(f, &used));
    OK(MPI_Info_get_string(used, key, &len, value, &flag));
    CHECK(flag == (wanted != NULL));
    CHECK(!wanted || !strcmp(value, wanted));
    OK(MPI_Info_free(&used));
}

static void hints(void)
{
    MPI_Info info;
    MPI_File f;
    struct stat s;

    umask(0);
    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "cb_buffer_size", rank ? "77777" : "65536"));
    OK(MPI_Info_set(info, "cb_nodes", "1000000"));
    OK(MPI_Info_set(info, "file_perm", "640"));
    OK(MPI_Info_set(info, "romio_ds_read", "disable"));
    OK(MPI_Info_set(info, "nonsense", "1"));
    OK(MPI_File_open(MPI_COMM_WORLD, path, NEW | MPI_MODE_DELETE_ON_CLOSE, info, &f));
    CHECK(!stat(path, &s) && (s.st_mode & 0777) == 0640);
    char all[16];
    snprintf(all, sizeof all, "%d", size);
    expect_hint(f, "cb_buffer_size", "65536");
    expect_hint(f, "cb_nodes", all);
    expect_hint(f, "file_perm", "640");
    expect_hint(f, "romio_ds_read", "disable");
    expect_hint(f, "filename", path);
    expect_hint(f, "nonsense", NULL);
    OK(MPI_Info_set(info, "cb_buffer_size", "1M"));
    OK(MPI_Info_set(info, "romio_ds_read", "enable"));
    OK(MPI_File_set_info(f, info));
    expect_hint(f, "cb_buffer_size", "65536");
    expect_hint(f, "romio_ds_read", "enable");
    OK(MPI_Info_free(&info));
    close_file(&f);
}

static int told, told_code;
static MPI_File told_file;

static void handler(MPI_File *f, int *code, ...)
{
    told++;
    told_file = *f;
    told_code = *code;
}

/* An error of a request is its file's: here, files may have no more than some bytes. */
static void request_errors(MPI_File f)
{
    enum { ROOM = 1 << 20 };
    struct rlimit before, little;
    char *room = calloc(1, ROOM);
    MPI_Request q;
    MPI_Status s;

    signal(SIGXFSZ, SIG_IGN);
    CHECK(!getrlimit(RLIMIT_FSIZE, &before));
    little = before;
    little.rlim_cur = 4096;
    CHECK(!setrlimit(RLIMIT_FSIZE, &little));
    OK(MPI_File_iwrite_at(f, 0, room, ROOM, MPI_CHAR, &q));
    FAILS(MPI_Wait(&q, MPI_STATUS_IGNORE), MPI_ERR_IO);
    CHECK(q == MPI_REQUEST_NULL && told == 3 && told_file == f);
    OK(MPI_File_iwrite_at(f, 5000, room, 10, MPI_CHAR, &q));
    FAILS(MPI_Waitall(1, &q, &s), MPI_ERR_IN_STATUS);
    CHECK(class_of(s.MPI_ERROR) == MPI_ERR_IO && told == 4 && told_file == f);
    FAILS(MPI_File_write_at(f, 5000, room, 10, MPI_CHAR, &s), MPI_ERR_IO);
    CHECK(told == 5);
    CHECK(!setrlimit(RLIMIT_FSIZE, &before));
    free(room);
}

static void handlers(void)
{
    MPI_Errhandler mine, got;
    MPI_File f = open_file(NEW | MPI_MODE_DELETE_ON_CLOSE), g;
    MPI_Request q;

    OK(MPI_File_get_errhandler(f, &got));
    CHECK(got == MPI_ERRORS_RETURN);
    OK(MPI_Errhandler_free(&got));
    OK(MPI_File_create_errhandler(handler, &mine));
    OK(MPI_File_set_errhandler(f, mine));
    FAILS(MPI_File_seek(f, -1, MPI_SEEK_SET), MPI_ERR_ARG);
    CHECK(told == 1 && told_file == f && class_of(told_code) == MPI_ERR_ARG);
    OK(MPI_File_call_errhandler(f, MPI_ERR_IO));
    CHECK(told == 2 && told_code == MPI_ERR_IO);

    OK(MPI_File_set_errhandler(MPI_FILE_NULL, mine));
    OK(MPI_File_open(MPI_COMM_SELF, path, MPI_MODE_RDONLY, MPI_INFO_NULL, &g));
    OK(MPI_File_get_errhandler(g, &got));
    CHECK(got == mine);
    OK(MPI_Errhandler_free(&got));
    OK(MPI_File_iread_at(g, 0, NULL, 0, MPI_CHAR, &q));
    OK(MPI_Wait(&q, MPI_STATUS_IGNORE));
    request_errors(f);
    close_file(&g);
    OK(MPI_File_set_errhandler(MPI_FILE_NULL, MPI_ERRORS_RETURN));
    OK(MPI_Errhandler_free(&mine));
    close_file(&f);
    FAILS(MPI_File_close(&f), MPI_ERR_FILE);
}

/*
 * A collective read in two phases whose first round of several fails: the bottom of a process's own
 * memory is nobody's. All learn of it, and nobody waits for what was not asked for.
 */
static void failing_read(void)
{
    enum { BLOCK = 16, BYTES = 16384 };
    static char buf[BYTES];
    MPI_Datatype block, layout;
    MPI_Info info;
    MPI_File f;

    OK(MPI_Info_create(&info));
    OK(MPI_Info_set(info, "romio_cb_read", "enable"));
    OK(MPI_Info_set(info, "cb_buffer_size", "4096"));
    OK(MPI_Info_set(info, "cb_nodes", "2"));
    OK(MPI_File_open(MPI_COMM_WORLD, "/proc/self/mem", MPI_MODE_RDONLY, info, &f));
    OK(MPI_Info_free(&info));
    OK(MPI_Type_contiguous(BLOCK, MPI_BYTE, &block));
    OK(MPI_Type_create_resized(block, 0, (MPI_Aint)BLOCK * size, &layout));
    OK(MPI_Type_commit(&layout));
    OK(MPI_File_set_view(f, (MPI_Offset)BLOCK * rank, MPI_BYTE, layout, "native", MPI_INFO_NULL));
    FAILS(MPI_File_read_all(f, buf, BYTES, MPI_BYTE, MPI_STATUS_IGNORE), MPI_ERR_IO);
    OK(MPI_Type_free(&block));
    OK(MPI_Type_free(&layout));
    close_file(&f);
}

static void bad_arguments(void)
{
    MPI_File f = open_file(NEW | MPI_MODE_DELETE_ON_CLOSE), old = f;
    MPI_Datatype backward, overlapping, uncommitted;
    MPI_Offset at;
    char c[8] = "";

    FAILS(MPI_File_seek(f, 0, 77), MPI_ERR_ARG);
    FAILS(MPI_File_seek_shared(f, -1, MPI_SEEK_CUR), MPI_ERR_ARG);
    FAILS(MPI_File_read_at(f, -1, c, 1, MPI_CHAR, MPI_STATUS_IGNORE), MPI_ERR_ARG);
    FAILS(MPI_File_read(f, c, -1, MPI_CHAR, MPI_STATUS_IGNORE), MPI_ERR_COUNT);
    FAILS(MPI_File_read(f, c, 1, MPI_DATATYPE_NULL, MPI_STATUS_IGNORE), MPI_ERR_TYPE);
    FAILS(MPI_File_set_view(f, 0, MPI_INT, MPI_INT, "klingon", MPI_INFO_NULL),
          MPI_ERR_UNSUPPORTED_DATAREP);
    FAILS(MPI_File_set_view(f, -5, MPI_INT, MPI_INT, "native", MPI_INFO_NULL), MPI_ERR_ARG);
    FAILS(MPI_File_set_view(f, MPI_DISPLACEMENT_CURRENT, MPI_INT, MPI_INT, "native", MPI_INFO_NULL),
          MPI_ERR_ARG);
    FAILS(MPI_File_set_view(f, 0, MPI_INT, MPI_CHAR, "native", MPI_INFO_NULL), MPI_ERR_ARG);
    OK(MPI_Type_indexed(2, (int[]){1, 1}, (int[]){4, 0}, MPI_INT, &backward));
    FAILS(MPI_File_set_view(f, 0, MPI_INT, backward, "native", MPI_INFO_NULL), MPI_ERR_TYPE);
    OK(MPI_Type_commit(&backward));
    FAILS(MPI_File_set_view(f, 0, MPI_INT, backward, "native", MPI_INFO_NULL), MPI_ERR_ARG);
    OK(MPI_Type_create_hindexed(2, (int[]){1, 1}, (MPI_Aint[]){0, 2}, MPI_INT, &overlapping));
    OK(MPI_Type_commit(&overlapping));
    FAILS(MPI_File_set_view(f, 0, MPI_INT, overlapping, "native", MPI_INFO_NULL), MPI_ERR_ARG);
    OK(MPI_Type_contiguous(2, MPI_INT, &uncommitted));
    if (size > 1)
        FAILS(MPI_File_set_view(f, 0, rank ? MPI_INT : MPI_CHAR, rank ? MPI_INT : MPI_CHAR,
                                "native", MPI_INFO_NULL),
              MPI_ERR_NOT_SAME);
    OK(MPI_File_set_view(f, 8, MPI_INT, MPI_INT, "native", MPI_INFO_NULL));
    FAILS(MPI_File_read(f, c, 1, MPI_CHAR, MPI_STATUS_IGNORE), MPI_ERR_TYPE);
    OK(MPI_File_get_byte_offset(f, 3, &at));
    CHECK(at == 20);
    OK(MPI_Type_free(&backward));
    OK(MPI_Type_free(&overlapping));
    OK(MPI_Type_free(&uncommitted));

    /* Split collectives. */
    FAILS(MPI_File_read_all_end(f, c, MPI_STATUS_IGNORE), MPI_ERR_OTHER);
    OK(MPI_File_read_all_begin(f, c, 1, MPI_INT));
    FAILS(MPI_File_write_all_begin(f, c, 1, MPI_INT), MPI_ERR_OTHER);
    FAILS(MPI_File_read_at_all_end(f, c, MPI_STATUS_IGNORE), MPI_ERR_OTHER);
    FAILS(MPI_File_read_all_end(f, c + 1, MPI_STATUS_IGNORE), MPI_ERR_BUFFER);
    FAILS(MPI_File_close(&f), MPI_ERR_OTHER);
    CHECK(f == old);
    OK(MPI_File_read_all_end(f, c, MPI_STATUS_IGNORE));
    close_file(&f);
    FAILS(MPI_File_get_size(old, &at), MPI_ERR_FILE);
    FAILS(MPI_File_get_size(MPI_FILE_NULL, &at), MPI_ERR_FILE);
}

static void group_and_number(void)
{
    MPI_File f = open_file(NEW | MPI_MODE_DELETE_ON_CLOSE);
    MPI_Group g, world;
    int same;

    OK(MPI_File_get_group(f, &g));
    OK(MPI_Comm_group(MPI_COMM_WORLD, &world));
    OK(MPI_Group_compare(g, world, &same));
    CHECK(same == MPI_IDENT);
    OK(MPI_Group_free(&g));
    OK(MPI_Group_free(&world));
    CHECK(MPI_File_fromint(MPI_File_toint(f)) == f);
    CHECK(MPI_File_fromint(MPI_File_toint(MPI_FILE_NULL)) == MPI_FILE_NULL);
    close_file(&f);
}

int main(int argc, char **argv)
{
    begin(&argc, &argv);
    /* What concerns communicators too. */
    OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    name_file("life");
    modes();
    names();
    sizes();
    appending();
    sequential();
    hints();
    handlers();
    failing_read();
    bad_arguments();
    group_and_number();
    return end("file_life");
}
