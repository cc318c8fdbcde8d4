/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tool information interface (15.3), every call of it: before MPI_Init, while counters count,
 * and after MPI_Finalize; with good arguments and with bad ones.
 */
#include <pthread.h>

#include "tests/mpi/hosts.h"
#include "tests/mpi/mpitest.h"

#define IS(call, code) CHECK((call) == (code))

enum { TEXT = 256, MANY = 64, BYTES = 1000 };

/* ---- Before anything: each call says so ---- */

static void not_initialized(void)
{
    int n = 0;
    MPI_Count t;

    IS(MPI_T_finalize(), MPI_T_ERR_NOT_INITIALIZED);
    IS(MPI_T_cvar_get_num(&n), MPI_T_ERR_NOT_INITIALIZED);
    IS(MPI_T_pvar_get_num(&n), MPI_T_ERR_NOT_INITIALIZED);
    IS(MPI_T_category_get_num(&n), MPI_T_ERR_NOT_INITIALIZED);
    IS(MPI_T_category_changed(&n), MPI_T_ERR_NOT_INITIALIZED);
    IS(MPI_T_event_get_num(&n), MPI_T_ERR_NOT_INITIALIZED);
    IS(MPI_T_event_get_index("x", &n), MPI_T_ERR_NOT_INITIALIZED);
    IS(MPI_T_source_get_timestamp(0, &t), MPI_T_ERR_NOT_INITIALIZED);
    IS(MPI_T_pvar_start(NULL, MPI_T_PVAR_ALL_HANDLES), MPI_T_ERR_NOT_INITIALIZED);
    IS(MPI_T_enum_get_info(MPI_T_ENUM_NULL, &n, NULL, NULL), MPI_T_ERR_NOT_INITIALIZED);
}

static void start(void)
{
    int provided = -1;

    IS(MPI_T_init_thread(MPI_THREAD_MULTIPLE, NULL), MPI_T_ERR_INVALID);
    OK(MPI_T_init_thread(MPI_THREAD_MULTIPLE, &provided));
    CHECK(provided == MPI_THREAD_MULTIPLE);
}

/* ---- Control variables ---- */

static int cvar(const char *name)
{
    int index = -1;

    OK(MPI_T_cvar_get_index(name, &index));
    return index;
}

static MPI_T_cvar_handle cvar_open(int index, int *count)
{
    MPI_T_cvar_handle h = MPI_T_CVAR_HANDLE_NULL;

    OK(MPI_T_cvar_handle_alloc(index, NULL, &h, count));
    CHECK(h != MPI_T_CVAR_HANDLE_NULL);
    return h;
}

static void each_cvar(int index)
{
    char name[TEXT], desc[TEXT], value[4096];
    int name_len = TEXT, desc_len = TEXT, verbosity = 0, bind = 0, scope = 0, again = -1, count = 0;
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_T_enum items = MPI_T_ENUM_NULL;

    OK(MPI_T_cvar_get_info(index, name, &name_len, &verbosity, &type, &items, desc, &desc_len,
                           &bind, &scope));
    CHECK(name_len == (int)strlen(name) + 1 && desc_len == (int)strlen(desc) + 1);
    CHECK(!strncmp(name, "ORIEL_", 6) && desc[desc_len - 2] == '.');
    CHECK(bind == MPI_T_BIND_NO_OBJECT && scope == MPI_T_SCOPE_READONLY);
    CHECK(verbosity >= MPI_T_VERBOSITY_USER_BASIC && verbosity <= MPI_T_VERBOSITY_MPIDEV_ALL);
    CHECK(type == MPI_INT || type == MPI_UNSIGNED_LONG || type == MPI_CHAR);
    OK(MPI_T_cvar_get_index(name, &again));
    CHECK(again == index);

    MPI_T_cvar_handle h = cvar_open(index, &count), copy = h;
    CHECK(type == MPI_CHAR ? count >= 1 && count < 4096 : count == 1);
    OK(MPI_T_cvar_read(h, value));
    if (type == MPI_CHAR)
        CHECK((int)strlen(value) + 1 == count);
    IS(MPI_T_cvar_write(h, value), MPI_T_ERR_CVAR_SET_NEVER);
    OK(MPI_T_cvar_handle_free(&h));
    CHECK(h == MPI_T_CVAR_HANDLE_NULL);
    IS(MPI_T_cvar_read(copy, value), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_cvar_write(copy, value), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_cvar_handle_free(&copy), MPI_T_ERR_INVALID_HANDLE);
}

/* Set in the environment by main; the node endpoint's parameter by who runs the test. */
static void known_values(void)
{
    unsigned long bytes = 0;
    int number = 0, count;
    char text[TEXT];

    MPI_T_cvar_handle h = cvar_open(cvar("ORIEL_SLEEP_AFTER"), &count);
    OK(MPI_T_cvar_read(h, &number));
    CHECK(number == 1234);
    OK(MPI_T_cvar_handle_free(&h));
    h = cvar_open(cvar("ORIEL_MAX_MESSAGE"), &count);
    OK(MPI_T_cvar_read(h, &bytes));
    CHECK(bytes == 3ul << 20);
    OK(MPI_T_cvar_handle_free(&h));
    h = cvar_open(cvar("ORIEL_COLL_BCAST"), &count);
    CHECK(count == (int)sizeof "binomial");
    OK(MPI_T_cvar_read(h, text));
    CHECK(!strcmp(text, "binomial"));
    OK(MPI_T_cvar_handle_free(&h));
    h = cvar_open(cvar("ORIEL_ERRORS_ABORT"), &count);
    number = -1;
    OK(MPI_T_cvar_read(h, &number));
    CHECK(number == 0);
    OK(MPI_T_cvar_handle_free(&h));
}

static void cvar_errors(int num)
{
    MPI_T_cvar_handle h = MPI_T_CVAR_HANDLE_NULL;
    int n = -5;

    IS(MPI_T_cvar_get_num(NULL), MPI_T_ERR_INVALID);
    IS(MPI_T_cvar_get_info(num, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
       MPI_T_ERR_INVALID_INDEX);
    IS(MPI_T_cvar_get_info(-1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
       MPI_T_ERR_INVALID_INDEX);
    OK(MPI_T_cvar_get_info(0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
    IS(MPI_T_cvar_get_index("ORIEL_NO_SUCH", &n), MPI_T_ERR_INVALID_NAME);
    IS(MPI_T_cvar_get_index(NULL, &n), MPI_T_ERR_INVALID);
    IS(MPI_T_cvar_get_index("ORIEL_LOG", NULL), MPI_T_ERR_INVALID);
    IS(MPI_T_cvar_handle_alloc(num, NULL, &h, &n), MPI_T_ERR_INVALID_INDEX);
    IS(MPI_T_cvar_handle_alloc(0, NULL, NULL, &n), MPI_T_ERR_INVALID);
    IS(MPI_T_cvar_handle_free(&h), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_cvar_read(h, &n), MPI_T_ERR_INVALID_HANDLE);
    CHECK(n == -5);
}

/* Of the name "ORIEL_LOG": whole, cut, only its length, and not at all. */
static void strings(void)
{
    char name[TEXT] = "untouched";
    int index = cvar("ORIEL_LOG"), len = 6;

    OK(MPI_T_cvar_get_info(index, name, &len, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
    CHECK(!strcmp(name, "ORIEL") && len == 10);
    strcpy(name, "untouched");
    len = 0;
    OK(MPI_T_cvar_get_info(index, name, &len, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
    CHECK(!strcmp(name, "untouched") && len == 10);
    len = TEXT;
    OK(MPI_T_cvar_get_info(index, NULL, &len, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
    CHECK(len == 10);
    OK(MPI_T_cvar_get_info(index, name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
    CHECK(!strcmp(name, "untouched"));
    len = 10;
    OK(MPI_T_cvar_get_info(index, name, &len, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
    CHECK(!strcmp(name, "ORIEL_LOG") && len == 10);
}

static void enums(void)
{
    MPI_T_enum e = MPI_T_ENUM_NULL;
    int n = 0, value = -1, len = TEXT;
    char text[TEXT];

    OK(MPI_T_cvar_get_info(cvar("ORIEL_NODE"), NULL, NULL, NULL, NULL, &e, NULL, NULL, NULL, NULL));
    CHECK(e != MPI_T_ENUM_NULL);
    OK(MPI_T_enum_get_info(e, &n, text, &len));
    CHECK(n == 2 && !strcmp(text, "oriel_boolean") && len == (int)strlen(text) + 1);
    for (int i = 0; i < n; i++) {
        len = TEXT;
        OK(MPI_T_enum_get_item(e, i, &value, text, &len));
        CHECK(value == i && !strcmp(text, i ? "yes" : "no") && len == (int)strlen(text) + 1);
    }
    IS(MPI_T_enum_get_item(e, 2, &value, text, &len), MPI_T_ERR_INVALID_INDEX);
    IS(MPI_T_enum_get_item(e, -1, &value, text, &len), MPI_T_ERR_INVALID_INDEX);
    IS(MPI_T_enum_get_item(MPI_T_ENUM_NULL, 0, &value, text, &len), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_enum_get_info(MPI_T_ENUM_NULL, &n, text, &len), MPI_T_ERR_INVALID_HANDLE);
}

static void cvars(void)
{
    int num = 0;

    OK(MPI_T_cvar_get_num(&num));
    CHECK(num > 10);
    for (int i = 0; i < num; i++)
        each_cvar(i);
    known_values();
    cvar_errors(num);
    strings();
    enums();
}

/* ---- Performance variables ---- */

static MPI_T_pvar_handle pvar_open(MPI_T_pvar_session session, const char *name, int class)
{
    MPI_T_pvar_handle h = MPI_T_PVAR_HANDLE_NULL;
    int index = -1, count = 0;

    OK(MPI_T_pvar_get_index(name, class, &index));
    OK(MPI_T_pvar_handle_alloc(session, index, NULL, &h, &count));
    CHECK(count == 1 && h != MPI_T_PVAR_HANDLE_NULL && h != MPI_T_PVAR_ALL_HANDLES);
    return h;
}

static unsigned long long value(MPI_T_pvar_session session, MPI_T_pvar_handle h)
{
    unsigned long long v = ~0ull;

    OK(MPI_T_pvar_read(session, h, &v));
    return v;
}

static void each_pvar(int index)
{
    char name[TEXT], desc[TEXT];
    int name_len = TEXT, desc_len = TEXT, verbosity = 0, class = 0, bind = 0, readonly = -1;
    int continuous = -1, atomic = -1, again = -1;
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_T_enum items;

    OK(MPI_T_pvar_get_info(index, name, &name_len, &verbosity, &class, &type, &items, desc,
                           &desc_len, &bind, &readonly, &continuous, &atomic));
    CHECK(name_len == (int)strlen(name) + 1 && desc_len == (int)strlen(desc) + 1);
    CHECK(bind == MPI_T_BIND_NO_OBJECT && items == MPI_T_ENUM_NULL && desc[desc_len - 2] == '.');
    CHECK(verbosity >= MPI_T_VERBOSITY_USER_BASIC && verbosity <= MPI_T_VERBOSITY_MPIDEV_ALL);
    CHECK(class == MPI_T_PVAR_CLASS_COUNTER || class == MPI_T_PVAR_CLASS_AGGREGATE ||
          class == MPI_T_PVAR_CLASS_TIMER || class == MPI_T_PVAR_CLASS_LEVEL);
    CHECK(type == (class == MPI_T_PVAR_CLASS_TIMER ? MPI_DOUBLE : MPI_UNSIGNED_LONG_LONG));
    CHECK(readonly == (class == MPI_T_PVAR_CLASS_LEVEL) && continuous == readonly);
    CHECK(atomic == !readonly);
    OK(MPI_T_pvar_get_index(name, class, &again));
    CHECK(again == index);
    IS(MPI_T_pvar_get_index(name, MPI_T_PVAR_CLASS_GENERIC, &again), MPI_T_ERR_INVALID_NAME);
}

static void pvar_errors(int num)
{
    MPI_T_pvar_session s, other, gone;
    MPI_T_pvar_handle h, level, copy;
    unsigned long long v = 7;
    int n;

    OK(MPI_T_pvar_session_create(&s));
    OK(MPI_T_pvar_session_create(&other));
    h = pvar_open(s, "p2p_messages_sent", MPI_T_PVAR_CLASS_COUNTER);
    level = pvar_open(s, "p2p_sends_pending", MPI_T_PVAR_CLASS_LEVEL);

    IS(MPI_T_pvar_get_num(NULL), MPI_T_ERR_INVALID);
    IS(MPI_T_pvar_get_info(num, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                           NULL),
       MPI_T_ERR_INVALID_INDEX);
    OK(MPI_T_pvar_get_info(0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                           NULL));
    IS(MPI_T_pvar_get_index("no such", MPI_T_PVAR_CLASS_COUNTER, &n), MPI_T_ERR_INVALID_NAME);
    IS(MPI_T_pvar_get_index(NULL, MPI_T_PVAR_CLASS_COUNTER, &n), MPI_T_ERR_INVALID);
    IS(MPI_T_pvar_session_create(NULL), MPI_T_ERR_INVALID);
    IS(MPI_T_pvar_handle_alloc(s, num, NULL, &copy, &n), MPI_T_ERR_INVALID_INDEX);
    IS(MPI_T_pvar_handle_alloc(s, 0, NULL, NULL, &n), MPI_T_ERR_INVALID);
    IS(MPI_T_pvar_handle_alloc(MPI_T_PVAR_SESSION_NULL, 0, NULL, &copy, &n),
       MPI_T_ERR_INVALID_SESSION);

    /* A handle belongs to its session, and all handles cannot be read at once. */
    IS(MPI_T_pvar_start(other, h), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_pvar_read(other, h, &v), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_pvar_handle_free(other, &h), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_pvar_read(s, MPI_T_PVAR_ALL_HANDLES, &v), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_pvar_readreset(s, MPI_T_PVAR_ALL_HANDLES, &v), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_pvar_write(s, MPI_T_PVAR_ALL_HANDLES, &v), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_pvar_read(s, h, NULL), MPI_T_ERR_INVALID);

    IS(MPI_T_pvar_start(s, level), MPI_T_ERR_PVAR_NO_STARTSTOP);
    IS(MPI_T_pvar_stop(s, level), MPI_T_ERR_PVAR_NO_STARTSTOP);
    IS(MPI_T_pvar_reset(s, level), MPI_T_ERR_PVAR_NO_WRITE);
    IS(MPI_T_pvar_write(s, level, &v), MPI_T_ERR_PVAR_NO_WRITE);
    IS(MPI_T_pvar_readreset(s, level, &v), MPI_T_ERR_PVAR_NO_WRITE);
    CHECK(v == 7);
    OK(MPI_T_pvar_start(s, MPI_T_PVAR_ALL_HANDLES));
    OK(MPI_T_pvar_stop(s, MPI_T_PVAR_ALL_HANDLES));
    OK(MPI_T_pvar_reset(s, MPI_T_PVAR_ALL_HANDLES));

    copy = h;
    OK(MPI_T_pvar_handle_free(s, &h));
    CHECK(h == MPI_T_PVAR_HANDLE_NULL);
    IS(MPI_T_pvar_handle_free(s, &h), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_pvar_reset(s, copy), MPI_T_ERR_INVALID_HANDLE);
    gone = s;
    OK(MPI_T_pvar_session_free(&s));
    CHECK(s == MPI_T_PVAR_SESSION_NULL);
    IS(MPI_T_pvar_session_free(&gone), MPI_T_ERR_INVALID_SESSION);
    IS(MPI_T_pvar_session_free(&s), MPI_T_ERR_INVALID_SESSION);
    IS(MPI_T_pvar_stop(gone, MPI_T_PVAR_ALL_HANDLES), MPI_T_ERR_INVALID_SESSION);
    OK(MPI_T_pvar_session_free(&other));
}

/* A timer is a double: written, and so changed in this handle alone. */
static void timer(void)
{
    MPI_T_pvar_session s;
    double seconds = 2.5;

    OK(MPI_T_pvar_session_create(&s));
    MPI_T_pvar_handle h = pvar_open(s, "wait_sleep_time", MPI_T_PVAR_CLASS_TIMER);
    MPI_T_pvar_handle other = pvar_open(s, "wait_sleep_time", MPI_T_PVAR_CLASS_TIMER);
    OK(MPI_T_pvar_write(s, h, &seconds));
    seconds = 0;
    OK(MPI_T_pvar_read(s, h, &seconds));
    CHECK(seconds > 2.499 && seconds < 2.501);
    OK(MPI_T_pvar_read(s, other, &seconds));
    CHECK(seconds == 0);
    OK(MPI_T_pvar_session_free(&s)); /* and its handles */
}

static void pvars(void)
{
    int num = 0;

    OK(MPI_T_pvar_get_num(&num));
    CHECK(num > 10);
    for (int i = 0; i < num; i++)
        each_pvar(i);
    pvar_errors(num);
    timer();
}

/* ---- Categories ---- */

static void mark(const int indices[], int n, int len, int seen[], int num)
{
    for (int i = 0; i < n; i++) {
        CHECK(indices[i] >= 0 && indices[i] < num && !seen[indices[i]]);
        seen[indices[i]] = 1;
    }
    for (int i = n; i < len; i++)
        CHECK(indices[i] == -9);
}

static void clear(int indices[MANY])
{
    for (int i = 0; i < MANY; i++)
        indices[i] = -9;
}

static void category(int index, int seen_cvars[], int cvars_num, int seen_pvars[], int pvars_num,
                     int seen_categories[], int num)
{
    int name_len = TEXT, desc_len = TEXT, n_cvars = -1, n_pvars = -1, n_categories = -1, again = -1;
    int indices[MANY], events = -1;
    char name[TEXT], desc[TEXT];

    OK(MPI_T_category_get_info(index, name, &name_len, desc, &desc_len, &n_cvars, &n_pvars,
                               &n_categories));
    CHECK(name_len == (int)strlen(name) + 1 && desc_len == (int)strlen(desc) + 1);
    OK(MPI_T_category_get_index(name, &again));
    CHECK(again == index);
    clear(indices);
    OK(MPI_T_category_get_cvars(index, MANY, indices));
    mark(indices, n_cvars, MANY, seen_cvars, cvars_num);
    clear(indices);
    OK(MPI_T_category_get_pvars(index, MANY, indices));
    mark(indices, n_pvars, MANY, seen_pvars, pvars_num);
    clear(indices);
    OK(MPI_T_category_get_categories(index, MANY, indices));
    mark(indices, n_categories, MANY, seen_categories, num);
    clear(indices);
    if (n_cvars > 1) {
        OK(MPI_T_category_get_cvars(index, 1, indices)); /* no more than there is room for */
        CHECK(indices[0] >= 0 && indices[1] == -9);
    }
    OK(MPI_T_category_get_num_events(index, &events));
    CHECK(events == 0);
    clear(indices);
    OK(MPI_T_category_get_events(index, MANY, indices));
    CHECK(indices[0] == -9);
}

/* Every variable is in one category, and every category but the first in the first. */
static void categories(void)
{
    int cvars_num, pvars_num, num = 0, n, changed = -1;
    int seen_cvars[MANY] = {0}, seen_pvars[MANY] = {0}, seen[MANY] = {0};

    OK(MPI_T_cvar_get_num(&cvars_num));
    OK(MPI_T_pvar_get_num(&pvars_num));
    OK(MPI_T_category_get_num(&num));
    CHECK(num > 3 && num <= MANY && cvars_num <= MANY && pvars_num <= MANY);
    for (int i = 0; i < num; i++)
        category(i, seen_cvars, cvars_num, seen_pvars, pvars_num, seen, num);
    for (int i = 0; i < cvars_num; i++)
        CHECK(seen_cvars[i]);
    for (int i = 0; i < pvars_num; i++)
        CHECK(seen_pvars[i]);
    for (int i = 0; i < num; i++)
        CHECK(seen[i] == (i > 0));
    OK(MPI_T_category_changed(&changed));
    CHECK(changed == 0);

    IS(MPI_T_category_get_info(num, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
       MPI_T_ERR_INVALID_INDEX);
    OK(MPI_T_category_get_info(0, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
    IS(MPI_T_category_get_index("no such", &n), MPI_T_ERR_INVALID_NAME);
    IS(MPI_T_category_get_cvars(-1, 0, NULL), MPI_T_ERR_INVALID_INDEX);
    IS(MPI_T_category_get_pvars(num, 0, NULL), MPI_T_ERR_INVALID_INDEX);
    IS(MPI_T_category_get_categories(num, 0, NULL), MPI_T_ERR_INVALID_INDEX);
    IS(MPI_T_category_get_events(num, 0, NULL), MPI_T_ERR_INVALID_INDEX);
    IS(MPI_T_category_get_num_events(num, &n), MPI_T_ERR_INVALID_INDEX);
    IS(MPI_T_category_get_cvars(0, 3, NULL), MPI_T_ERR_INVALID);
    IS(MPI_T_category_get_num(NULL), MPI_T_ERR_INVALID);
    IS(MPI_T_category_changed(NULL), MPI_T_ERR_INVALID);
}

/* ---- Events and sources ---- */

static void events(void)
{
    MPI_T_event_registration none = NULL;
    MPI_T_event_instance nothing = NULL;
    MPI_Count stamp;
    MPI_Info info;
    int n = -1;
    char buf[8];

    OK(MPI_T_event_get_num(&n));
    CHECK(n == 0);
    IS(MPI_T_event_get_num(NULL), MPI_T_ERR_INVALID);
    IS(MPI_T_event_get_index("x", &n), MPI_T_ERR_INVALID_NAME);
    IS(MPI_T_event_get_info(0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
       MPI_T_ERR_INVALID_INDEX);
    IS(MPI_T_event_handle_alloc(0, NULL, MPI_INFO_NULL, &none), MPI_T_ERR_INVALID_INDEX);
    IS(MPI_T_event_handle_free(none, NULL, NULL), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_event_handle_get_info(none, &info), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_event_handle_set_info(none, MPI_INFO_NULL), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_event_register_callback(none, MPI_T_CB_REQUIRE_NONE, MPI_INFO_NULL, NULL, NULL),
       MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_event_callback_get_info(none, MPI_T_CB_REQUIRE_NONE, &info), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_event_callback_set_info(none, MPI_T_CB_REQUIRE_NONE, MPI_INFO_NULL),
       MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_event_set_dropped_handler(none, NULL), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_event_read(nothing, 0, buf), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_event_copy(nothing, buf), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_event_get_timestamp(nothing, &stamp), MPI_T_ERR_INVALID_HANDLE);
    IS(MPI_T_event_get_source(nothing, &n), MPI_T_ERR_INVALID_HANDLE);
}

static void sources(void)
{
    int n = 0, keys = -1, name_len = TEXT, desc_len = TEXT;
    MPI_Count before = 0, after = 0, per_second = 0, most = 0;
    char name[TEXT], desc[TEXT];
    MPI_T_source_order order = 0;
    MPI_Info info = MPI_INFO_NULL;

    OK(MPI_T_source_get_num(&n));
    CHECK(n == 1);
    OK(MPI_T_source_get_info(0, name, &name_len, desc, &desc_len, &order, &per_second, &most,
                             &info));
    CHECK(name_len == (int)strlen(name) + 1 && desc_len == (int)strlen(desc) + 1);
    CHECK(order == MPI_T_SOURCE_ORDERED && per_second == 1000000000 && most > per_second);
    OK(MPI_Info_get_nkeys(info, &keys));
    CHECK(keys == 0);
    OK(MPI_Info_free(&info));
    OK(MPI_T_source_get_info(0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL));
    OK(MPI_T_source_get_timestamp(0, &before));
    OK(MPI_T_source_get_timestamp(0, &after));
    CHECK(before > 0 && after >= before && after - before < 60 * per_second);
    IS(MPI_T_source_get_num(NULL), MPI_T_ERR_INVALID);
    IS(MPI_T_source_get_info(1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
       MPI_T_ERR_INVALID_INDEX);
    IS(MPI_T_source_get_timestamp(1, &after), MPI_T_ERR_INVALID_INDEX);
    IS(MPI_T_source_get_timestamp(0, NULL), MPI_T_ERR_INVALID);
}

/* ---- What the counters count ---- */

enum { SENT, SENT_BYTES, RECEIVED, RECEIVED_BYTES, COLL, PUTS, PUT_BYTES, GETS, ACCS, POLLS, N };

static const struct {
    const char *name;
    int class;
} counted[N] = {
    [SENT] = {"p2p_messages_sent", MPI_T_PVAR_CLASS_COUNTER},
    [SENT_BYTES] = {"p2p_bytes_sent", MPI_T_PVAR_CLASS_AGGREGATE},
    [RECEIVED] = {"p2p_messages_received", MPI_T_PVAR_CLASS_COUNTER},
    [RECEIVED_BYTES] = {"p2p_bytes_received", MPI_T_PVAR_CLASS_AGGREGATE},
    [COLL] = {"coll_operations_started", MPI_T_PVAR_CLASS_COUNTER},
    [PUTS] = {"win_puts", MPI_T_PVAR_CLASS_COUNTER},
    [PUT_BYTES] = {"win_bytes_put", MPI_T_PVAR_CLASS_AGGREGATE},
    [GETS] = {"win_gets", MPI_T_PVAR_CLASS_COUNTER},
    [ACCS] = {"win_accumulates", MPI_T_PVAR_CLASS_COUNTER},
    [POLLS] = {"wait_polls", MPI_T_PVAR_CLASS_COUNTER},
};

static MPI_T_pvar_session session;
static MPI_T_pvar_handle h[N];

static void begin_counting(void)
{
    OK(MPI_T_pvar_reset(session, MPI_T_PVAR_ALL_HANDLES));
    OK(MPI_T_pvar_start(session, MPI_T_PVAR_ALL_HANDLES));
}

static int is(int which, unsigned long long expected)
{
    unsigned long long v = value(session, h[which]);

    if (v != expected)
        fprintf(stderr, "%s is %llu, expected %llu\n", counted[which].name, v, expected);
    return v == expected;
}

/*
 * Four messages to the right and four from the left: small, long, strided and synchronous. What
 * goes to or comes from nobody is no message.
 */
static void exchange(void)
{
    static char out[200000], in[200000];
    MPI_Request r[2];
    MPI_Datatype strided;

    OK(MPI_Type_vector(BYTES, 1, 2, MPI_BYTE, &strided));
    OK(MPI_Type_commit(&strided));
    OK(MPI_Sendrecv(out, BYTES, MPI_BYTE, right(), 0, in, BYTES, MPI_BYTE, left(), 0,
                    MPI_COMM_WORLD, MPI_STATUS_IGNORE));
    OK(MPI_Irecv(in, 200000, MPI_BYTE, left(), 1, MPI_COMM_WORLD, &r[0]));
    OK(MPI_Isend(out, 100000, MPI_BYTE, right(), 1, MPI_COMM_WORLD, &r[1]));
    OK(MPI_Waitall(2, r, MPI_STATUSES_IGNORE));
    OK(MPI_Irecv(in, 1, strided, left(), 2, MPI_COMM_WORLD, &r[0]));
    OK(MPI_Send(out, 1, strided, right(), 2, MPI_COMM_WORLD));
    OK(MPI_Wait(&r[0], MPI_STATUS_IGNORE));
    OK(MPI_Irecv(in, BYTES, MPI_BYTE, MPI_ANY_SOURCE, 3, MPI_COMM_WORLD, &r[0]));
    OK(MPI_Issend(out, BYTES, MPI_BYTE, right(), 3, MPI_COMM_WORLD, &r[1]));
    OK(MPI_Waitall(2, r, MPI_STATUSES_IGNORE));
    OK(MPI_Send(out, BYTES, MPI_BYTE, MPI_PROC_NULL, 0, MPI_COMM_WORLD));
    OK(MPI_Recv(in, BYTES, MPI_BYTE, MPI_PROC_NULL, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
    OK(MPI_Type_free(&strided));
}

enum { EXCHANGED = 4, EXCHANGED_BYTES = 100000 + 3 * BYTES };

enum { PINGS = 100, LAST = 1000 };

/* A ping-pong of small messages, the shortest paths of all; alone, with itself. */
static void ping(int rounds)
{
    int peer = rank % 2 ? rank - 1 : rank + 1 < size ? rank + 1 : rank;
    char c[8] = {0};
    MPI_Request r;

    for (int i = 0; i < rounds; i++) {
        if (rank % 2)
            OK(MPI_Recv(c, 8, MPI_BYTE, peer, 5, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
        OK(MPI_Isend(c, 8, MPI_BYTE, peer, 5, MPI_COMM_WORLD, &r));
        if (rank % 2 == 0)
            OK(MPI_Recv(c, 8, MPI_BYTE, peer, 5, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
        OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
    }
}

static void count_messages(void)
{
    OK(MPI_T_pvar_start(session, MPI_T_PVAR_ALL_HANDLES));
    exchange();
    CHECK(is(SENT, EXCHANGED) && is(SENT_BYTES, EXCHANGED_BYTES));
    CHECK(is(RECEIVED, EXCHANGED) && is(RECEIVED_BYTES, EXCHANGED_BYTES));
    ping(PINGS);
    CHECK(is(SENT, EXCHANGED + PINGS) && is(SENT_BYTES, EXCHANGED_BYTES + 8 * PINGS));
    CHECK(is(RECEIVED, EXCHANGED + PINGS) && is(RECEIVED_BYTES, EXCHANGED_BYTES + 8 * PINGS));
    CHECK(is(COLL, 0) && is(PUTS, 0));

    /* Stopped, it stands; started again, it goes on; a second start changes nothing. */
    OK(MPI_T_pvar_stop(session, h[SENT]));
    OK(MPI_T_pvar_start(session, h[RECEIVED]));
    exchange();
    CHECK(is(SENT, EXCHANGED + PINGS) && is(RECEIVED, 2 * EXCHANGED + PINGS));
    OK(MPI_T_pvar_start(session, h[SENT]));
    exchange();
    CHECK(is(SENT, 2 * EXCHANGED + PINGS));

    unsigned long long v = 0;
    OK(MPI_T_pvar_readreset(session, h[SENT], &v));
    CHECK(v == (unsigned long long)(2 * EXCHANGED + PINGS) && is(SENT, 0));
    v = 500;
    OK(MPI_T_pvar_write(session, h[SENT], &v));
    exchange();
    CHECK(is(SENT, 500 + EXCHANGED));
    OK(MPI_T_pvar_reset(session, MPI_T_PVAR_ALL_HANDLES));
    CHECK(is(SENT, 0) && is(RECEIVED, 0));
    OK(MPI_T_pvar_stop(session, MPI_T_PVAR_ALL_HANDLES));
    exchange();
    CHECK(is(SENT, 0) && is(RECEIVED, 0));
}

/* Two rounds: in the first, where each side tells the other its shape, there is more than data. */
static void count_partitions(void)
{
    enum { PARTITIONS = 4, EACH = 100 };
    static char out[PARTITIONS * EACH], in[PARTITIONS * EACH];
    MPI_Request r[2];

    OK(MPI_Psend_init(out, PARTITIONS, EACH, MPI_BYTE, right(), 6, MPI_COMM_WORLD, MPI_INFO_NULL,
                      &r[0]));
    OK(MPI_Precv_init(in, PARTITIONS, EACH, MPI_BYTE, left(), 6, MPI_COMM_WORLD, MPI_INFO_NULL,
                      &r[1]));
    for (int round = 0; round < 2; round++) {
        begin_counting();
        OK(MPI_Startall(2, r));
        OK(MPI_Pready_range(0, PARTITIONS - 1, r[0]));
        OK(MPI_Waitall(2, r, MPI_STATUSES_IGNORE));
    }
    CHECK(is(SENT, PARTITIONS) && is(SENT_BYTES, sizeof out));
    CHECK(is(RECEIVED, PARTITIONS) && is(RECEIVED_BYTES, sizeof in));
    OK(MPI_Request_free(&r[0]));
    OK(MPI_Request_free(&r[1]));
}

/* A blocking, a nonblocking and two starts of a persistent one. */
static void count_collectives(void)
{
    MPI_Request r;
    int n = 1, sum;

    begin_counting();
    OK(MPI_Allreduce(&n, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD));
    CHECK(sum == size && is(COLL, 1));
    OK(MPI_Ibarrier(MPI_COMM_WORLD, &r));
    OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
    CHECK(is(COLL, 2));
    OK(MPI_Bcast_init(&n, 1, MPI_INT, 0, MPI_COMM_WORLD, MPI_INFO_NULL, &r));
    CHECK(is(COLL, 2));
    for (int i = 0; i < 2; i++) {
        OK(MPI_Start(&r));
        OK(MPI_Wait(&r, MPI_STATUS_IGNORE));
    }
    OK(MPI_Request_free(&r));
    CHECK(is(COLL, 4) && is(SENT, 0) && is(RECEIVED, 0));
    if (size > 1)
        CHECK(value(session, h[POLLS]) > 0);
}

static void count_windows(void)
{
    static int memory[4];
    int one[2] = {1, 2}, got[2], was;
    MPI_Win win;

    OK(MPI_Win_create(memory, sizeof memory, sizeof(int), MPI_INFO_NULL, MPI_COMM_WORLD, &win));
    OK(MPI_T_pvar_reset(session, MPI_T_PVAR_ALL_HANDLES));
    OK(MPI_Win_fence(0, win));
    OK(MPI_Put(one, 2, MPI_INT, right(), 0, 2, MPI_INT, win));
    OK(MPI_Put(one, 2, MPI_INT, MPI_PROC_NULL, 0, 2, MPI_INT, win));
    OK(MPI_Win_fence(0, win));
    OK(MPI_Get(got, 2, MPI_INT, right(), 0, 2, MPI_INT, win));
    OK(MPI_Win_fence(0, win));
    OK(MPI_Accumulate(one, 2, MPI_INT, right(), 2, 2, MPI_INT, MPI_SUM, win));
    OK(MPI_Fetch_and_op(one, &was, MPI_INT, right(), 3, MPI_SUM, win));
    OK(MPI_Win_fence(0, win));
    CHECK(is(PUTS, 1) && is(PUT_BYTES, 2 * sizeof(int)) && is(GETS, 1) && is(ACCS, 2));
    CHECK(is(SENT, 0));
    OK(MPI_Win_free(&win));
}

/* Two sessions see their own values of one counter. */
static void two_sessions(void)
{
    MPI_T_pvar_session mine;

    OK(MPI_T_pvar_session_create(&mine));
    MPI_T_pvar_handle own = pvar_open(mine, "p2p_messages_sent", MPI_T_PVAR_CLASS_COUNTER);
    MPI_T_pvar_handle level = pvar_open(mine, "p2p_sends_pending", MPI_T_PVAR_CLASS_LEVEL);
    OK(MPI_T_pvar_reset(session, h[SENT]));
    OK(MPI_T_pvar_start(session, h[SENT]));
    exchange();
    OK(MPI_T_pvar_start(mine, own));
    exchange();
    CHECK(is(SENT, 2 * EXCHANGED) && value(mine, own) == EXCHANGED);
    OK(MPI_T_pvar_reset(mine, own));
    CHECK(is(SENT, 2 * EXCHANGED) && value(mine, own) == 0);
    OK(MPI_Barrier(MPI_COMM_WORLD));
    CHECK(value(mine, level) < 1000);
    OK(MPI_T_pvar_handle_free(mine, &own));
    OK(MPI_T_pvar_session_free(&mine));
}

/* From another thread, which MPI itself need not know: MPI_T has a thread level of its own. */
static void *other_thread(void *arg)
{
    int provided;

    OK(MPI_T_init_thread(MPI_THREAD_SINGLE, &provided));
    for (int i = 0; i < 1000; i++) {
        MPI_T_pvar_session s;
        OK(MPI_T_pvar_session_create(&s));
        MPI_T_pvar_handle p = pvar_open(s, "p2p_messages_sent", MPI_T_PVAR_CLASS_COUNTER);
        OK(MPI_T_pvar_start(s, p));
        CHECK(value(s, p) < 1u << 30);
        OK(MPI_T_pvar_session_free(&s));
    }
    OK(MPI_T_finalize());
    return arg;
}

static void threads(void)
{
    pthread_t t;

    begin_counting();
    CHECK(!pthread_create(&t, NULL, other_thread, NULL));
    ping(LAST);
    CHECK(!pthread_join(t, NULL));
    CHECK(is(SENT, LAST) && is(SENT_BYTES, 8 * LAST));
}

/* ---- Shared memory's own: what waits for a receive, and what is fetched by its receiver ---- */

/* Messages between two processes come in order: with the last one here, the others are. */
static void queue(void)
{
    enum { KEPT = 10, LONG = 4 << 20 };
    const char *node = getenv("ORIEL_NODE");
    static char in[LONG], out[LONG];
    MPI_T_pvar_session s;
    MPI_T_pvar_handle length, fetched;
    MPI_Request request;
    unsigned long long before;

    /* Of what a network holds nobody knows. */
    if (size == 1 || !hosts_is_one() || (node && !strcmp(node, "no")))
        return;
    OK(MPI_T_pvar_session_create(&s));
    length = pvar_open(s, "p2p_unexpected_queue_length", MPI_T_PVAR_CLASS_LEVEL);
    fetched = pvar_open(s, "p2p_messages_rendezvous", MPI_T_PVAR_CLASS_COUNTER);
    OK(MPI_T_pvar_start(s, fetched));
    for (int i = 0; i <= KEPT; i++)
        OK(MPI_Send(out, 8, MPI_CHAR, right(), 500 + i, MPI_COMM_WORLD));
    OK(MPI_Recv(in, 8, MPI_CHAR, left(), 500 + KEPT, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
    before = value(s, length);
    CHECK(before >= KEPT);
    for (int i = 0; i < KEPT; i++)
        OK(MPI_Recv(in, 8, MPI_CHAR, left(), 500 + i, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
    CHECK(value(s, length) <= before - KEPT);
    CHECK(value(s, fetched) == 0);
    OK(MPI_Isend(out, LONG, MPI_CHAR, right(), 600, MPI_COMM_WORLD, &request));
    OK(MPI_Recv(in, LONG, MPI_CHAR, left(), 600, MPI_COMM_WORLD, MPI_STATUS_IGNORE));
    OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    CHECK(value(s, fetched) > 0);
    OK(MPI_T_pvar_session_free(&s));
}

int main(int argc, char **argv)
{
    int count;

    setenv("ORIEL_SLEEP_AFTER", "1234", 1);
    setenv("ORIEL_MAX_MESSAGE", "3M", 1);
    setenv("ORIEL_COLL_BCAST", "binomial", 1);
    unsetenv("ORIEL_ERRORS_ABORT");
    not_initialized();
    start();
    start(); /* counted: this one lasts until after MPI_Finalize */
    cvars();
    pvars();
    categories();
    events();
    sources();

    begin(&argc, &argv);
    OK(MPI_T_pvar_session_create(&session));
    for (int i = 0; i < N; i++)
        h[i] = pvar_open(session, counted[i].name, counted[i].class);
    CHECK(is(SENT, 0));
    count_messages();
    queue();
    count_partitions();
    count_collectives();
    count_windows();
    two_sessions();
    threads();
    cvars();
    OK(MPI_T_finalize());
    end("tool");

    /* Left unfreed: the last MPI_T_finalize does that. */
    CHECK(is(SENT, LAST) && is(SENT_BYTES, 8 * LAST));
    pvars();
    sources();
    cvar_open(0, &count);
    OK(MPI_T_finalize());
    not_initialized();
    start();
    IS(MPI_T_pvar_stop(session, MPI_T_PVAR_ALL_HANDLES), MPI_T_ERR_INVALID_SESSION);
    OK(MPI_T_finalize());
    return 0;
}
