/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Categories (15.3.9): TOOL_ALL lists the others, which list the variables. They are fixed, so the
 * count of their changes stays at zero.
 */
#include <string.h>

#include "core/api/api_tool.h"
#include "provider/base/count.h"
#include "provider/base/param.h"

static const struct {
    const char *name, *desc;
    int verbosity; /* of its variables */
} categories[TOOL_CATEGORIES] = {
    [TOOL_ALL] = {"oriel", "Everything that Oriel shows.", MPI_T_VERBOSITY_USER_BASIC},
    [TOOL_DIAGNOSIS] = {"oriel_diagnosis", "What is said, and kept, when something is wrong.",
                        MPI_T_VERBOSITY_USER_BASIC},
    [TOOL_TRANSPORT] = {"oriel_transport", "The ways on which data travels between processes.",
                        MPI_T_VERBOSITY_USER_DETAIL},
    [TOOL_WAIT] = {"oriel_wait", "Waiting: polling, then yielding the processor, then sleep.",
                   MPI_T_VERBOSITY_TUNER_BASIC},
    [TOOL_P2P] = {"oriel_p2p", "Point-to-point communication.", MPI_T_VERBOSITY_USER_BASIC},
    [TOOL_COLL] = {"oriel_coll", "Collective communication, and its algorithms.",
                   MPI_T_VERBOSITY_TUNER_DETAIL},
    [TOOL_WIN] = {"oriel_win", "One-sided communication.", MPI_T_VERBOSITY_USER_BASIC},
};

int tool_verbosity(enum tool_category category)
{
    return categories[category].verbosity;
}

enum tool_category tool_cvar_category(unsigned index)
{
    static const struct {
        const char *prefix;
        enum tool_category category;
    } rules[] = {
        {"ORIEL_COLL_", TOOL_COLL},    {"ORIEL_ERRORS_", TOOL_DIAGNOSIS},
        {"ORIEL_LOG", TOOL_DIAGNOSIS}, {"ORIEL_SLEEP_", TOOL_WAIT},
        {"ORIEL_SPIN", TOOL_WAIT},
    };
    struct param_row row;

    param_row(index, &row);
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (!strncmp(row.name, rules[i].prefix, strlen(rules[i].prefix)))
            return rules[i].category;
    return TOOL_TRANSPORT;
}

enum tool_category tool_pvar_category(unsigned index)
{
    static const enum tool_category of[] = {[COUNT_P2P] = TOOL_P2P,
                                            [COUNT_COLL] = TOOL_COLL,
                                            [COUNT_WIN] = TOOL_WIN,
                                            [COUNT_WAIT] = TOOL_WAIT};

    return of[count_rows[index].group];
}

/* The parent of a category; TOOL_ALL has none. */
static enum tool_category tool_category_parent(unsigned index)
{
    return index == TOOL_ALL ? TOOL_CATEGORIES : TOOL_ALL;
}

static int check_index(int index)
{
    int rc = tool_ready();

    return rc ? rc : index < 0 || index >= TOOL_CATEGORIES ? MPI_T_ERR_INVALID_INDEX : MPI_SUCCESS;
}

/*
 * How many of `all` the function puts into the category; the indices of the first `len` of them go
 * to indices[].
 */
static int members(enum tool_category (*category_of)(unsigned index), unsigned all, int category,
                   int len, int indices[])
{
    int n = 0;

    for (unsigned i = 0; i < all; i++) {
        if (category_of(i) != (enum tool_category)category)
            continue;
        if (n < len)
            indices[n] = (int)i;
        n++;
    }
    return n;
}

static int list_members(enum tool_category (*category_of)(unsigned index), unsigned all,
                        int category, int len, int indices[])
{
    int rc = check_index(category);

    if (!rc && (len < 0 || (len && !indices)))
        rc = MPI_T_ERR_INVALID;
    if (!rc)
        members(category_of, all, category, len, indices);
    return rc;
}

MPI_EXPORT(T_category_get_num)
int PMPI_T_category_get_num(int *num_cat)
{
    int rc = tool_ready();

    if (!rc && !num_cat)
        rc = MPI_T_ERR_INVALID;
    if (!rc)
        *num_cat = TOOL_CATEGORIES;
    return rc;
}

MPI_EXPORT(T_category_get_info)
int PMPI_T_category_get_info(int cat_index, char *name, int *name_len, char *desc, int *desc_len,
                             int *num_cvars, int *num_pvars, int *num_categories)
{
    int rc = check_index(cat_index);

    if (rc)
        return rc;
    tool_string(categories[cat_index].name, name, name_len);
    tool_string(categories[cat_index].desc, desc, desc_len);
    tool_set(num_cvars, members(tool_cvar_category, param_count, cat_index, 0, NULL));
    tool_set(num_pvars, members(tool_pvar_category, count_rows_len, cat_index, 0, NULL));
    tool_set(num_categories, members(tool_category_parent, TOOL_CATEGORIES, cat_index, 0, NULL));
    return MPI_SUCCESS;
}

MPI_EXPORT(T_category_get_index)
int PMPI_T_category_get_index(const char *name, int *cat_index)
{
    int rc = tool_ready();

    if (!rc && (!name || !cat_index))
        rc = MPI_T_ERR_INVALID;
    if (rc)
        return rc;
    for (int i = 0; i < TOOL_CATEGORIES; i++)
        if (!strcmp(categories[i].name, name)) {
            *cat_index = i;
            return MPI_SUCCESS;
        }
    return MPI_T_ERR_INVALID_NAME;
}

MPI_EXPORT(T_category_get_cvars)
int PMPI_T_category_get_cvars(int cat_index, int len, int indices[])
{
    return list_members(tool_cvar_category, param_count, cat_index, len, indices);
}

MPI_EXPORT(T_category_get_pvars)
int PMPI_T_category_get_pvars(int cat_index, int len, int indices[])
{
    return list_members(tool_pvar_category, count_rows_len, cat_index, len, indices);
}

MPI_EXPORT(T_category_get_categories)
int PMPI_T_category_get_categories(int cat_index, int len, int indices[])
{
    return list_members(tool_category_parent, TOOL_CATEGORIES, cat_index, len, indices);
}

/* There are no events. */
MPI_EXPORT(T_category_get_num_events)
int PMPI_T_category_get_num_events(int cat_index, int *num_events)
{
    int rc = check_index(cat_index);

    if (!rc && !num_events)
        rc = MPI_T_ERR_INVALID;
    if (!rc)
        *num_events = 0;
    return rc;
}

MPI_EXPORT(T_category_get_events)
int PMPI_T_category_get_events(int cat_index, int len, int indices[])
{
    return list_members(tool_category_parent, 0, cat_index, len, indices);
}

MPI_EXPORT(T_category_changed)
int PMPI_T_category_changed(int *update_number)
{
    int rc = tool_ready();

    if (!rc && !update_number)
        rc = MPI_T_ERR_INVALID;
    if (!rc)
        *update_number = 0;
    return rc;
}
