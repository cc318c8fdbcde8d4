# SPDX-License-Identifier: BSD-3-Clause
# Several hosts under Slurm, made of namespaces: needs root and some packages, so `make check-cluster` runs these tests
# and `make check` does not. The script `cluster` also serves by hand.
dist_check_SCRIPTS += tests/cluster/cluster tests/cluster/bench tests/cluster/mpi4py
EXTRA_DIST += tests/cluster/lib.sh tests/cluster/noise.py tests/cluster/rdma_here.c

cluster_tests = \
    tests/cluster/deaths.cluster \
    tests/cluster/launch.cluster \
    tests/cluster/network.cluster \
    tests/cluster/trust.cluster \
    tests/cluster/wildcards.cluster
dist_check_SCRIPTS += $(cluster_tests)

# Minutes, so by itself: all programs of tests/mpi on four hosts.
dist_check_SCRIPTS += tests/cluster/programs.cluster
.PHONY: check-cluster-programs
check-cluster-programs: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS=tests/cluster/programs.cluster

# A minute or two, likewise: windows.
dist_check_SCRIPTS += tests/cluster/windows.cluster
.PHONY: check-cluster-windows
check-cluster-windows: all tests/mpi/win_oracle.mpi tests/mpi/win_contend.mpi
	$(MAKE) $(AM_MAKEFLAGS) check TESTS=tests/cluster/windows.cluster

check_PROGRAMS += tests/cluster/hello
tests_cluster_hello_SOURCES = examples/hello.c
tests_cluster_hello_LDADD = libmpi_abi.la

check_PROGRAMS += tests/cluster/dies
tests_cluster_dies_SOURCES = tests/cluster/dies.c tests/mpi/mpitest.h
tests_cluster_dies_LDADD = libmpi_abi.la

check_PROGRAMS += tests/cluster/stranger
tests_cluster_stranger_SOURCES = tests/cluster/stranger.c
tests_cluster_stranger_LDADD = $(LIBFABRIC_LIBS)

.PHONY: check-cluster
check-cluster: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(cluster_tests)'
