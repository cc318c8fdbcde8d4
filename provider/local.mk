# SPDX-License-Identifier: BSD-3-Clause
# The outside world: bytes, peers, keys, completions. Knows no MPI type and calls nothing above it.

noinst_LTLIBRARIES += libprovider.la
libprovider_la_LIBADD = $(LIBFABRIC_LIBS) $(PMIX_LIBS)
libprovider_la_SOURCES =
