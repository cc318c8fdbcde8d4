# SPDX-License-Identifier: BSD-3-Clause
libcore_la_SOURCES += \
    core/api/api.h \
    core/api/api_buffer.c \
    core/api/api_coll.c \
    core/api/api_comm_make.c \
    core/api/api_op.c \
    core/api/api_pack.c \
    core/api/api_persistent.c \
    core/api/api_probe.c \
    core/api/api_recv.c \
    core/api/api_request.c \
    core/api/api_send.c \
    core/api/api_sendrecv.c \
    core/api/api_status.c \
    core/api/api_type.c \
    core/api/api_type_build.c \
    core/api/api_type_query.c \
    core/api/check.h \
    core/api/check_p2p.c \
    core/api/coll_check.c \
    core/api/coll_check.h
