# SPDX-License-Identifier: BSD-3-Clause
libcore_la_SOURCES += \
    core/win/win.c \
    core/win/win.h \
    core/win/win_acc.c \
    core/win/win_apply.c \
    core/win/win_atomic.c \
    core/win/win_atomic.h \
    core/win/win_attach.c \
    core/win/win_board.c \
    core/win/win_board.h \
    core/win/win_create.c \
    core/win/win_life.h \
    core/win/win_lock.c \
    core/win/win_memory.c \
    core/win/win_message.c \
    core/win/win_message.h \
    core/win/win_native.c \
    core/win/win_op.c \
    core/win/win_put.c \
    core/win/win_quick.h \
    core/win/win_sync.c \
    core/win/win_walk.c \
    core/win/win_walk.h \
    core/win/win_words.c \
    core/win/win_words.h
