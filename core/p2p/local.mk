# SPDX-License-Identifier: BSD-3-Clause
libcore_la_SOURCES += \
    core/p2p/lane.h \
    core/p2p/p2p.h \
    core/p2p/request.h
