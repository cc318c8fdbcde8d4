# SPDX-License-Identifier: BSD-3-Clause
# What MPI means. Never includes a header of libfabric or PMIx.

noinst_LTLIBRARIES += libcore.la
libcore_la_LIBADD = libprovider.la -lm
libcore_la_SOURCES =

include core/object/local.mk
include core/p2p/local.mk
include core/coll/local.mk
include core/win/local.mk
include core/file/local.mk
include core/api/local.mk

lib_LTLIBRARIES += libmpi_abi.la
libmpi_abi_la_SOURCES =
libmpi_abi_la_LIBADD = libcore.la
libmpi_abi_la_LDFLAGS = $(AM_LDFLAGS) -version-info 1:0:0 -no-undefined
# Older builds of the standard ABI, and mpi4py's look-up, know the library by these names.
if SHARED
lib_links += libmpi_abi.so.0:libmpi_abi.so.1 libmpi.so:libmpi_abi.so.1
endif
