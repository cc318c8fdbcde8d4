# SPDX-License-Identifier: BSD-3-Clause
libcore_la_SOURCES += \
    core/api/api.h \
    core/api/check.h
