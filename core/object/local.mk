# SPDX-License-Identifier: BSD-3-Clause
libcore_la_SOURCES += \
    core/object/attr.h \
    core/object/comm.h \
    core/object/datatype.h \
    core/object/err.h \
    core/object/errhandler.h \
    core/object/group.h \
    core/object/info.h \
    core/object/object.h \
    core/object/op.h \
    core/object/status.h
