# SPDX-License-Identifier: BSD-3-Clause
# The outside world: bytes, peers, keys, completions. Knows no MPI type and calls nothing above it.

noinst_LTLIBRARIES += libprovider.la
libprovider_la_LIBADD = $(LIBFABRIC_LIBS) $(PMIX_LIBS)
libprovider_la_SOURCES = \
    provider/base/clock.h \
    provider/base/list.h \
    provider/base/lock.c \
    provider/base/lock.h \
    provider/base/log.c \
    provider/base/log.h \
    provider/base/param.c \
    provider/base/param.def \
    provider/base/param.h \
    provider/base/pool.c \
    provider/base/pool.h \
    provider/base/segment.c \
    provider/base/segment.h \
    provider/boot/boot.c \
    provider/boot/boot.h \
    provider/boot/boot_alone.c \
    provider/boot/boot_exchange.c \
    provider/boot/boot_impl.h \
    provider/fabric/fabric.c \
    provider/fabric/fabric.h \
    provider/fabric/fabric_cq.c \
    provider/fabric/fabric_impl.h \
    provider/fabric/fabric_peer.c \
    provider/fabric/fabric_post.c \
    provider/fabric/fabric_quirks.c \
    provider/fabric/fabric_rma.c \
    provider/fabric/fabric_select.c \
    provider/fabric/fabric_tagged.c \
    provider/fabric/wait.c \
    provider/fabric/wait.h
