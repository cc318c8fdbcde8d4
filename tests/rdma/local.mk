# SPDX-License-Identifier: BSD-3-Clause
# RDMA networks without their hardware, by `make check-rdma`; RDMA_PROGRAMS and RDMA_RANKS choose less of it.
EXTRA_DIST += tests/rdma/hfi_shim.c tests/rdma/lib.sh tests/rdma/remap.py tests/rdma/machine.sh tests/rdma/machine_init.sh

# The script `machines` also serves by hand.
rdma_tests = \
    tests/rdma/psm2.rdma \
    tests/rdma/verbs.rdma
dist_check_SCRIPTS += $(rdma_tests) tests/rdma/machines tests/rdma/seed.py tests/rdma/verbs_job.sh

check_PROGRAMS += tests/rdma/forked tests/rdma/late tests/rdma/remap tests/rdma/stopped
tests_rdma_forked_SOURCES = tests/rdma/forked.c tests/mpi/mpitest.h
tests_rdma_forked_LDADD = libmpi_abi.la
tests_rdma_late_SOURCES = tests/rdma/late.c tests/mpi/mpitest.h
tests_rdma_late_LDADD = libmpi_abi.la
tests_rdma_remap_SOURCES = tests/rdma/remap.c tests/mpi/mpitest.h
tests_rdma_remap_LDADD = libmpi_abi.la
tests_rdma_stopped_SOURCES = tests/rdma/stopped.c tests/mpi/mpitest.h
tests_rdma_stopped_LDADD = libmpi_abi.la

.PHONY: check-rdma
check-rdma: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(rdma_tests)'
