# SPDX-License-Identifier: BSD-3-Clause
libcore_la_SOURCES += \
    core/file/file.c \
    core/file/file.h \
    core/file/file_access.c \
    core/file/file_access.h \
    core/file/file_async.c \
    core/file/file_async.h \
    core/file/file_datarep.c \
    core/file/file_gather.c \
    core/file/file_hints.c \
    core/file/file_posix.c \
    core/file/file_run.c \
    core/file/file_runs.c \
    core/file/file_runs.h \
    core/file/file_shared.c \
    core/file/file_view.c
