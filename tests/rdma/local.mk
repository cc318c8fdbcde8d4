# SPDX-License-Identifier: BSD-3-Clause
# RDMA networks without their hardware, by `make check-rdma`; RDMA_PROGRAMS and RDMA_RANKS choose less of it.
EXTRA_DIST += tests/rdma/hfi_shim.c tests/rdma/lib.sh

rdma_tests = \
    tests/rdma/psm2.rdma
dist_check_SCRIPTS += $(rdma_tests)

.PHONY: check-rdma
check-rdma: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(rdma_tests)'
