/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events (15.3.8): there are none, so no index, name, registration or instance is ever a valid one.
 * There is one source, the clock that events would be stamped with; a tool can stamp its own.
 */
#include <stdint.h>

#include "core/api/api_tool.h"
#include "core/object/info.h"
#include "provider/base/clock.h"

/* What a call on something that cannot exist says. */
static int none(int error)
{
    int rc = tool_ready();

    return rc ? rc : error;
}

MPI_EXPORT(T_event_get_num)
int PMPI_T_event_get_num(int *num_events)
{
    int rc = tool_ready();

    if (!rc && !num_events)
        rc = MPI_T_ERR_INVALID;
    if (!rc)
        *num_events = 0;
    return rc;
}

#define NO_EVENT(name, params, error)                                                              \
    MPI_EXPORT(name)                                                                               \
    int PMPI_##name params                                                                         \
    {                                                                                              \
        return none(error);                                                                        \
    }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"

NO_EVENT(T_event_get_index, (const char *name, int *event_index), MPI_T_ERR_INVALID_NAME)
NO_EVENT(T_event_get_info,
         (int event_index, char *name, int *name_len, int *verbosity,
          MPI_Datatype array_of_datatypes[], MPI_Aint array_of_displacements[], int *num_elements,
          MPI_T_enum *enumtype, MPI_Info *info, char *desc, int *desc_len, int *bind),
         MPI_T_ERR_INVALID_INDEX)
NO_EVENT(T_event_handle_alloc,
         (int event_index, void *obj_handle, MPI_Info info,
          MPI_T_event_registration *event_registration),
         MPI_T_ERR_INVALID_INDEX)

/* ---- On a registration ---- */

NO_EVENT(T_event_handle_free,
         (MPI_T_event_registration event_registration, void *user_data,
          MPI_T_event_free_cb_function free_cb_function),
         MPI_T_ERR_INVALID_HANDLE)
NO_EVENT(T_event_handle_get_info,
         (MPI_T_event_registration event_registration, MPI_Info *info_used),
         MPI_T_ERR_INVALID_HANDLE)
NO_EVENT(T_event_handle_set_info, (MPI_T_event_registration event_registration, MPI_Info info),
         MPI_T_ERR_INVALID_HANDLE)
NO_EVENT(T_event_register_callback,
         (MPI_T_event_registration event_registration, MPI_T_cb_safety cb_safety, MPI_Info info,
          void *user_data, MPI_T_event_cb_function event_cb_function),
         MPI_T_ERR_INVALID_HANDLE)
NO_EVENT(T_event_callback_get_info,
         (MPI_T_event_registration event_registration, MPI_T_cb_safety cb_safety,
          MPI_Info *info_used),
         MPI_T_ERR_INVALID_HANDLE)
NO_EVENT(T_event_callback_set_info,
         (MPI_T_event_registration event_registration, MPI_T_cb_safety cb_safety, MPI_Info info),
         MPI_T_ERR_INVALID_HANDLE)
NO_EVENT(T_event_set_dropped_handler,
         (MPI_T_event_registration event_registration,
          MPI_T_event_dropped_cb_function dropped_cb_function),
         MPI_T_ERR_INVALID_HANDLE)

/* ---- On an instance ---- */

NO_EVENT(T_event_read, (MPI_T_event_instance event_instance, int element_index, void *buffer),
         MPI_T_ERR_INVALID_HANDLE)
NO_EVENT(T_event_copy, (MPI_T_event_instance event_instance, void *buffer),
         MPI_T_ERR_INVALID_HANDLE)
NO_EVENT(T_event_get_timestamp, (MPI_T_event_instance event_instance, MPI_Count *event_timestamp),
         MPI_T_ERR_INVALID_HANDLE)
NO_EVENT(T_event_get_source, (MPI_T_event_instance event_instance, int *source_index),
         MPI_T_ERR_INVALID_HANDLE)

#pragma GCC diagnostic pop

/* ---- Sources ---- */

MPI_EXPORT(T_source_get_num)
int PMPI_T_source_get_num(int *num_sources)
{
    int rc = tool_ready();

    if (!rc && !num_sources)
        rc = MPI_T_ERR_INVALID;
    if (!rc)
        *num_sources = 1;
    return rc;
}

/* An info object without keys, for the tool to free. */
static int empty_info(MPI_Info *info)
{
    struct info *i;

    if (info_new(&i))
        return MPI_T_ERR_MEMORY;
    if (object_publish(&i->object)) {
        object_drop(&i->object);
        return MPI_T_ERR_MEMORY;
    }
    *info = (MPI_Info)i->object.handle;
    return MPI_SUCCESS;
}

MPI_EXPORT(T_source_get_info)
int PMPI_T_source_get_info(int source_index, char *name, int *name_len, char *desc, int *desc_len,
                           MPI_T_source_order *ordering, MPI_Count *ticks_per_second,
                           MPI_Count *max_ticks, MPI_Info *info)
{
    int rc = tool_ready();

    if (!rc && source_index != 0)
        rc = MPI_T_ERR_INVALID_INDEX;
    if (!rc && info)
        rc = empty_info(info);
    if (rc)
        return rc;
    tool_string("oriel_clock", name, name_len);
    tool_string("The host's monotonic clock, the same in all of its processes.", desc, desc_len);
    if (ordering)
        *ordering = MPI_T_SOURCE_ORDERED;
    if (ticks_per_second)
        *ticks_per_second = 1000000000;
    if (max_ticks)
        *max_ticks = INT64_MAX;
    return MPI_SUCCESS;
}

MPI_EXPORT(T_source_get_timestamp)
int PMPI_T_source_get_timestamp(int source_index, MPI_Count *timestamp)
{
    int rc = tool_ready();

    if (!rc && source_index != 0)
        rc = MPI_T_ERR_INVALID_INDEX;
    if (!rc && !timestamp)
        rc = MPI_T_ERR_INVALID;
    if (!rc)
        *timestamp = (MPI_Count)clock_ns();
    return rc;
}
