# SPDX-License-Identifier: BSD-3-Clause
libcore_la_SOURCES += \
    core/p2p/bounce.c \
    core/p2p/bounce.h \
    core/p2p/buffered.c \
    core/p2p/buffered.h \
    core/p2p/credit.c \
    core/p2p/credit.h \
    core/p2p/exchange.c \
    core/p2p/grequest.c \
    core/p2p/grequest.h \
    core/p2p/helper.c \
    core/p2p/helper.h \
    core/p2p/kept.c \
    core/p2p/kept.h \
    core/p2p/lane.c \
    core/p2p/lane.h \
    core/p2p/p2p.c \
    core/p2p/p2p.h \
    core/p2p/partitioned.c \
    core/p2p/partitioned.h \
    core/p2p/persistent.c \
    core/p2p/post.h \
    core/p2p/probe.c \
    core/p2p/quick.h \
    core/p2p/recv.c \
    core/p2p/received.c \
    core/p2p/received.h \
    core/p2p/request.c \
    core/p2p/request.h \
    core/p2p/scattered.c \
    core/p2p/scattered.h \
    core/p2p/send.c \
    core/p2p/split.c \
    core/p2p/split.h
