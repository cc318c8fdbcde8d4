# SPDX-License-Identifier: BSD-3-Clause
libcore_la_SOURCES += \
    core/api/api.h \
    core/api/api_abi.c \
    core/api/api_attr.c \
    core/api/api_buffer.c \
    core/api/api_coll.c \
    core/api/api_comm.c \
    core/api/api_comm_make.c \
    core/api/api_env.c \
    core/api/api_errhandler.c \
    core/api/api_error.c \
    core/api/api_group.c \
    core/api/api_handle.c \
    core/api/api_info.c \
    core/api/api_init.c \
    core/api/api_op.c \
    core/api/api_pack.c \
    core/api/api_persistent.c \
    core/api/api_probe.c \
    core/api/api_recv.c \
    core/api/api_request.c \
    core/api/api_send.c \
    core/api/api_sendrecv.c \
    core/api/api_session.c \
    core/api/api_status.c \
    core/api/api_type.c \
    core/api/api_type_build.c \
    core/api/api_type_query.c \
    core/api/check.c \
    core/api/check.h \
    core/api/coll_check.c \
    core/api/coll_check.h \
    core/api/life.c \
    core/api/life.h
