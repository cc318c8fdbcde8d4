# SPDX-License-Identifier: BSD-3-Clause
# Test scripts get top_srcdir, top_builddir and MAKE in their environment. Exit 77 is a skip.

# The shape of the tree.
dist_check_SCRIPTS += \
    tests/layers.sh \
    tests/layers_test.sh
TESTS += \
    tests/layers.sh \
    tests/layers_test.sh

check_PROGRAMS += tests/link_provider
TESTS += tests/link_provider
tests_link_provider_SOURCES = tests/link_provider.c
tests_link_provider_LDADD = libprovider.la
tests_link_provider_LDFLAGS = $(AM_LDFLAGS) \
    -Wl,--whole-archive,.libs/libprovider.a,--no-whole-archive
tests_link_provider_DEPENDENCIES = libprovider.la

# The launcher, with programs that know no MPI and with a client of its PMIx server.
dist_check_SCRIPTS += tests/launcher/launcher.sh
TESTS += tests/launcher/launcher.sh
check_PROGRAMS += tests/launcher/pmix_client
tests_launcher_pmix_client_SOURCES = tests/launcher/pmix_client.c
tests_launcher_pmix_client_LDADD = $(PMIX_LIBS)

# A start among very many ranks, most of whom are absent.
dist_check_SCRIPTS += tests/launcher/big_job.sh
TESTS += tests/launcher/big_job.sh
check_PROGRAMS += tests/launcher/big_job tests/launcher/big_rank
tests_launcher_big_job_SOURCES = tests/launcher/big_job.c
tests_launcher_big_job_LDADD = $(PMIX_LIBS)
tests_launcher_big_rank_SOURCES = tests/launcher/big_rank.c
tests_launcher_big_rank_LDADD = libmpi_abi.la
if HAVE_CRITERION
check_PROGRAMS += tests/unit/mpiexec_options
TESTS += tests/unit/mpiexec_options
tests_unit_mpiexec_options_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_mpiexec_options_LDADD = $(CRITERION_LIBS)
tests_unit_mpiexec_options_SOURCES = \
    tests/unit/mpiexec_options.c \
    tools/mpiexec/options.c
endif

# What is installed, as a user meets it.
dist_check_SCRIPTS += \
    tests/tools/bench_test.sh \
    tests/tools/cmake_test.sh \
    tests/tools/info_test.sh \
    tests/tools/install_test.sh \
    tests/tools/man_test.sh
TESTS += \
    tests/tools/bench_test.sh \
    tests/tools/cmake_test.sh \
    tests/tools/info_test.sh \
    tests/tools/install_test.sh \
    tests/tools/man_test.sh
EXTRA_DIST += \
    tests/tools/CMakeLists.txt \
    tests/tools/hello.c \
    tests/tools/hello.cc \
    tests/tools/lib.sh \
    tests/verdict.sh \
    tests/tools/startup.py \
    tests/lsan.supp \
    tests/tsan.supp \
    tests/valgrind.supp

# The packages of Debian 13, in a folder of their own: some minutes, and not a part of `make check`.
dist_check_SCRIPTS += tests/debian13.sh
.PHONY: check-debian13
check-debian13:
	$(top_srcdir)/tests/debian13.sh $(abs_top_builddir)/debian13

# The tutorial; run by tools/check, since it needs mpi4py.
EXTRA_DIST += tests/mpi4py/run.py tests/mpi4py/algorithms.py tests/mpich/run.py
EXTRA_DIST += tests/seed

include tests/unit/local.mk

# The header and the library against the tables of the standard ABI.
dist_check_SCRIPTS += \
    tests/abi/header.sh \
    tests/abi/header_test.sh \
    tests/abi/symbols_test.sh
TESTS += \
    tests/abi/header.sh \
    tests/abi/header_test.sh \
    tests/abi/symbols_test.sh
EXTRA_DIST += \
    tests/abi/constants.tsv \
    tests/abi/functions.tsv \
    tests/abi/types.tsv

include tests/mpi/local.mk
include tests/cluster/local.mk
include tests/rdma/local.mk
