# SPDX-License-Identifier: BSD-3-Clause
libcore_la_SOURCES += \
    core/object/attr.c \
    core/object/attr.h \
    core/object/comm.c \
    core/object/comm.h \
    core/object/datatype.c \
    core/object/datatype.h \
    core/object/datatype_array.c \
    core/object/datatype_basic.c \
    core/object/datatype_basic.def \
    core/object/datatype_build.c \
    core/object/datatype_build.h \
    core/object/datatype_contents.c \
    core/object/datatype_contents.h \
    core/object/datatype_f90.c \
    core/object/datatype_flat.c \
    core/object/datatype_flat.h \
    core/object/datatype_iter.c \
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
    core/object/op.c \
    core/object/op.h \
    core/object/op_float.c \
    core/object/op_integer.c \
    core/object/op_pair.c \
    core/object/op_table.h \
    core/object/status.h \
    core/object/vec.h
