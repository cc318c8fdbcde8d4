# SPDX-License-Identifier: BSD-3-Clause
libcore_la_SOURCES += \
    core/object/attr.c \
    core/object/attr.h \
    core/object/comm.c \
    core/object/comm.h \
    core/object/datatype.h \
    core/object/err.c \
    core/object/err.h \
    core/object/errhandler.c \
    core/object/errhandler.h \
    core/object/group.c \
    core/object/group.h \
    core/object/info.c \
    core/object/info.h \
    core/object/object.c \
    core/object/object.h \
    core/object/op.h \
    core/object/status.h
