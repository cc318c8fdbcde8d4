# SPDX-License-Identifier: BSD-3-Clause
# Programs under our own mpiexec, each on 1, 2 and 4 ranks. To add one: its name here, and its two
# lines below. The suffix makes automake run it through run.sh.
EXTRA_DIST += tests/mpi/broken.py tests/mpi/coll_fuzz.sh tests/mpi/hosts.h tests/mpi/run.sh \
    tests/mpi/win_oracle.sh
TEST_EXTENSIONS = .mpi .cluster .rdma
MPI_LOG_COMPILER = $(top_srcdir)/tests/mpi/run.sh
AM_MPI_LOG_FLAGS = 1,2,4

mpi_tests = \
    tests/mpi/attributes.mpi \
    tests/mpi/children.mpi \
    tests/mpi/coll_area.mpi \
    tests/mpi/coll_errors.mpi \
    tests/mpi/coll_forms.mpi \
    tests/mpi/coll_fuzz.mpi \
    tests/mpi/coll_many.mpi \
    tests/mpi/coll_meet.mpi \
    tests/mpi/coll_progress.mpi \
    tests/mpi/coll_quick.mpi \
    tests/mpi/coll_one_byte.mpi \
    tests/mpi/coll_starved.mpi \
    tests/mpi/coll_threads.mpi \
    tests/mpi/coll_trial.mpi \
    tests/mpi/coll_types.mpi \
    tests/mpi/comm_context.mpi \
    tests/mpi/comm_make.mpi \
    tests/mpi/comm_type.mpi \
    tests/mpi/datatype_fortran.mpi \
    tests/mpi/datatype_fuzz.mpi \
    tests/mpi/datatype_query.mpi \
    tests/mpi/datatype_scatter.mpi \
    tests/mpi/errhandlers.mpi \
    tests/mpi/file_datarep.mpi \
    tests/mpi/file_forms.mpi \
    tests/mpi/file_fuzz.mpi \
    tests/mpi/file_life.mpi \
    tests/mpi/file_threads.mpi \
    tests/mpi/handles.mpi \
    tests/mpi/inter_coll.mpi \
    tests/mpi/inter_create.mpi \
    tests/mpi/inter_errors.mpi \
    tests/mpi/inter_threads.mpi \
    tests/mpi/neighbor.mpi \
    tests/mpi/nulls.mpi \
    tests/mpi/object_threads.mpi \
    tests/mpi/objects.mpi \
    tests/mpi/p2p_buffered.mpi \
    tests/mpi/p2p_cancel.mpi \
    tests/mpi/p2p_complete.mpi \
    tests/mpi/p2p_errors.mpi \
    tests/mpi/p2p_exchange.mpi \
    tests/mpi/p2p_flow.mpi \
    tests/mpi/p2p_forms.mpi \
    tests/mpi/p2p_grequest.mpi \
    tests/mpi/p2p_idle.mpi \
    tests/mpi/p2p_large.mpi \
    tests/mpi/p2p_match_fuzz.mpi \
    tests/mpi/p2p_mates.mpi \
    tests/mpi/p2p_modes.mpi \
    tests/mpi/p2p_order.mpi \
    tests/mpi/p2p_partitioned.mpi \
    tests/mpi/p2p_persistent.mpi \
    tests/mpi/p2p_probe.mpi \
    tests/mpi/p2p_received.mpi \
    tests/mpi/p2p_self.mpi \
    tests/mpi/p2p_sleepers.mpi \
    tests/mpi/p2p_spin.mpi \
    tests/mpi/p2p_split.mpi \
    tests/mpi/p2p_surplus.mpi \
    tests/mpi/p2p_threads.mpi \
    tests/mpi/p2p_truncate.mpi \
    tests/mpi/p2p_vector.mpi \
    tests/mpi/tool.mpi \
    tests/mpi/tool_wait.mpi \
    tests/mpi/topo.mpi \
    tests/mpi/win_atomic.mpi \
    tests/mpi/win_contend.mpi \
    tests/mpi/win_errors.mpi \
    tests/mpi/win_fuzz.mpi \
    tests/mpi/win_oracle.mpi \
    tests/mpi/win_progress.mpi \
    tests/mpi/win_shape.mpi \
    tests/mpi/win_types.mpi \
    tests/mpi/win_words.mpi
check_PROGRAMS += $(mpi_tests)
TESTS += $(mpi_tests)

tests_mpi_attributes_mpi_SOURCES = tests/mpi/attributes.c tests/mpi/mpitest.h
tests_mpi_attributes_mpi_LDADD = libmpi_abi.la
tests_mpi_children_mpi_SOURCES = tests/mpi/children.c tests/mpi/mpitest.h
tests_mpi_children_mpi_LDADD = libmpi_abi.la
tests_mpi_coll_area_mpi_SOURCES = tests/mpi/coll_area.c tests/mpi/mpitest.h
tests_mpi_coll_area_mpi_LDADD = libmpi_abi.la
tests_mpi_coll_errors_mpi_SOURCES = tests/mpi/coll_errors.c tests/mpi/mpitest.h
tests_mpi_coll_errors_mpi_LDADD = libmpi_abi.la
tests_mpi_coll_forms_mpi_SOURCES = tests/mpi/coll_forms.c tests/mpi/coll_call.h tests/mpi/mpitest.h
tests_mpi_coll_forms_mpi_LDADD = libmpi_abi.la
tests_mpi_coll_fuzz_mpi_SOURCES = tests/mpi/coll_fuzz.c tests/mpi/coll_fuzz.h \
    tests/mpi/coll_fuzz_call.c tests/mpi/coll_fuzz_data.c tests/mpi/coll_fuzz_op.c tests/mpi/mpitest.h
tests_mpi_coll_fuzz_mpi_LDADD = libmpi_abi.la
tests_mpi_coll_many_mpi_SOURCES = tests/mpi/coll_many.c tests/mpi/mpitest.h
tests_mpi_coll_many_mpi_LDADD = libmpi_abi.la
tests_mpi_coll_meet_mpi_SOURCES = tests/mpi/coll_meet.c tests/mpi/crowd.h tests/mpi/mpitest.h
tests_mpi_coll_meet_mpi_LDADD = libmpi_abi.la
tests_mpi_coll_progress_mpi_SOURCES = tests/mpi/coll_progress.c tests/mpi/mpitest.h
tests_mpi_coll_progress_mpi_LDADD = libmpi_abi.la
tests_mpi_coll_quick_mpi_SOURCES = tests/mpi/coll_quick.c tests/mpi/mpitest.h
tests_mpi_coll_quick_mpi_LDADD = libmpi_abi.la
tests_mpi_coll_one_byte_mpi_SOURCES = tests/mpi/coll_one_byte.c tests/mpi/mpitest.h
tests_mpi_coll_one_byte_mpi_LDADD = libmpi_abi.la
tests_mpi_coll_starved_mpi_SOURCES = tests/mpi/coll_starved.c tests/mpi/mpitest.h
tests_mpi_coll_starved_mpi_LDADD = libmpi_abi.la
tests_mpi_coll_threads_mpi_SOURCES = tests/mpi/coll_threads.c tests/mpi/mpitest.h
tests_mpi_coll_threads_mpi_LDADD = libmpi_abi.la
tests_mpi_coll_trial_mpi_SOURCES = tests/mpi/coll_trial.c tests/mpi/mpitest.h
tests_mpi_coll_trial_mpi_LDADD = libmpi_abi.la
tests_mpi_coll_types_mpi_SOURCES = tests/mpi/coll_types.c tests/mpi/mpitest.h
tests_mpi_coll_types_mpi_LDADD = libmpi_abi.la
tests_mpi_comm_context_mpi_SOURCES = tests/mpi/comm_context.c tests/mpi/mpitest.h
tests_mpi_comm_context_mpi_LDADD = libmpi_abi.la
tests_mpi_comm_make_mpi_SOURCES = tests/mpi/comm_make.c tests/mpi/mpitest.h
tests_mpi_comm_make_mpi_LDADD = libmpi_abi.la
tests_mpi_comm_type_mpi_SOURCES = tests/mpi/comm_type.c tests/mpi/mpitest.h
tests_mpi_comm_type_mpi_LDADD = libmpi_abi.la
tests_mpi_datatype_fortran_mpi_SOURCES = tests/mpi/datatype_fortran.c tests/mpi/mpitest.h
tests_mpi_datatype_fortran_mpi_LDADD = libmpi_abi.la
tests_mpi_datatype_fuzz_mpi_SOURCES = tests/mpi/datatype_fuzz.c tests/mpi/datatype_map.c \
    tests/mpi/datatype_map.h tests/mpi/mpitest.h
tests_mpi_datatype_fuzz_mpi_LDADD = libmpi_abi.la
tests_mpi_datatype_query_mpi_SOURCES = tests/mpi/datatype_query.c tests/mpi/mpitest.h
tests_mpi_datatype_query_mpi_LDADD = libmpi_abi.la
tests_mpi_datatype_scatter_mpi_SOURCES = tests/mpi/datatype_scatter.c tests/mpi/mpitest.h
tests_mpi_datatype_scatter_mpi_LDADD = libmpi_abi.la
tests_mpi_errhandlers_mpi_SOURCES = tests/mpi/errhandlers.c tests/mpi/mpitest.h
tests_mpi_errhandlers_mpi_LDADD = libmpi_abi.la
tests_mpi_file_datarep_mpi_SOURCES = tests/mpi/file_datarep.c tests/mpi/file_test.h tests/mpi/mpitest.h
tests_mpi_file_datarep_mpi_LDADD = libmpi_abi.la
tests_mpi_file_forms_mpi_SOURCES = tests/mpi/file_forms.c tests/mpi/file_test.h tests/mpi/mpitest.h
tests_mpi_file_forms_mpi_LDADD = libmpi_abi.la
tests_mpi_file_fuzz_mpi_SOURCES = tests/mpi/file_fuzz.c tests/mpi/file_test.h tests/mpi/mpitest.h
tests_mpi_file_fuzz_mpi_LDADD = libmpi_abi.la
tests_mpi_file_life_mpi_SOURCES = tests/mpi/file_life.c tests/mpi/file_test.h tests/mpi/mpitest.h
tests_mpi_file_life_mpi_LDADD = libmpi_abi.la
tests_mpi_file_threads_mpi_SOURCES = tests/mpi/file_threads.c tests/mpi/file_test.h tests/mpi/mpitest.h
tests_mpi_file_threads_mpi_LDADD = libmpi_abi.la
tests_mpi_handles_mpi_SOURCES = tests/mpi/handles.c tests/mpi/mpitest.h
tests_mpi_handles_mpi_LDADD = libmpi_abi.la
tests_mpi_inter_coll_mpi_SOURCES = tests/mpi/inter_coll.c tests/mpi/inter_test.h \
    tests/mpi/coll_call.h tests/mpi/mpitest.h
tests_mpi_inter_coll_mpi_LDADD = libmpi_abi.la
tests_mpi_inter_create_mpi_SOURCES = tests/mpi/inter_create.c tests/mpi/inter_test.h \
    tests/mpi/mpitest.h
tests_mpi_inter_create_mpi_LDADD = libmpi_abi.la
tests_mpi_inter_errors_mpi_SOURCES = tests/mpi/inter_errors.c tests/mpi/inter_test.h \
    tests/mpi/mpitest.h
tests_mpi_inter_errors_mpi_LDADD = libmpi_abi.la
tests_mpi_inter_threads_mpi_SOURCES = tests/mpi/inter_threads.c tests/mpi/inter_test.h \
    tests/mpi/mpitest.h
tests_mpi_inter_threads_mpi_LDADD = libmpi_abi.la
tests_mpi_neighbor_mpi_SOURCES = tests/mpi/neighbor.c tests/mpi/coll_call.h tests/mpi/mpitest.h
tests_mpi_neighbor_mpi_LDADD = libmpi_abi.la
tests_mpi_nulls_mpi_SOURCES = tests/mpi/nulls.c tests/mpi/file_test.h tests/mpi/mpitest.h
tests_mpi_nulls_mpi_LDADD = libmpi_abi.la
tests_mpi_object_threads_mpi_SOURCES = tests/mpi/object_threads.c tests/mpi/mpitest.h
tests_mpi_object_threads_mpi_LDADD = libmpi_abi.la
tests_mpi_objects_mpi_SOURCES = tests/mpi/objects.c tests/mpi/mpitest.h
tests_mpi_objects_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_buffered_mpi_SOURCES = tests/mpi/p2p_buffered.c tests/mpi/mpitest.h
tests_mpi_p2p_buffered_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_cancel_mpi_SOURCES = tests/mpi/p2p_cancel.c tests/mpi/mpitest.h
tests_mpi_p2p_cancel_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_complete_mpi_SOURCES = tests/mpi/p2p_complete.c tests/mpi/mpitest.h
tests_mpi_p2p_complete_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_errors_mpi_SOURCES = tests/mpi/p2p_errors.c tests/mpi/mpitest.h
tests_mpi_p2p_errors_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_exchange_mpi_SOURCES = tests/mpi/p2p_exchange.c tests/mpi/mpitest.h
tests_mpi_p2p_exchange_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_flow_mpi_SOURCES = tests/mpi/p2p_flow.c tests/mpi/mpitest.h
tests_mpi_p2p_flow_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_forms_mpi_SOURCES = tests/mpi/p2p_forms.c tests/mpi/mpitest.h
tests_mpi_p2p_forms_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_grequest_mpi_SOURCES = tests/mpi/p2p_grequest.c tests/mpi/mpitest.h
tests_mpi_p2p_grequest_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_idle_mpi_SOURCES = tests/mpi/p2p_idle.c tests/mpi/mpitest.h
tests_mpi_p2p_idle_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_large_mpi_SOURCES = tests/mpi/p2p_large.c tests/mpi/mpitest.h
tests_mpi_p2p_large_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_match_fuzz_mpi_SOURCES = tests/mpi/p2p_match_fuzz.c tests/mpi/mpitest.h
tests_mpi_p2p_match_fuzz_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_mates_mpi_SOURCES = tests/mpi/p2p_mates.c tests/mpi/crowd.h tests/mpi/mpitest.h
tests_mpi_p2p_mates_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_modes_mpi_SOURCES = tests/mpi/p2p_modes.c tests/mpi/mpitest.h
tests_mpi_p2p_modes_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_order_mpi_SOURCES = tests/mpi/p2p_order.c tests/mpi/mpitest.h
tests_mpi_p2p_order_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_partitioned_mpi_SOURCES = tests/mpi/p2p_partitioned.c tests/mpi/mpitest.h
tests_mpi_p2p_partitioned_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_persistent_mpi_SOURCES = tests/mpi/p2p_persistent.c tests/mpi/mpitest.h
tests_mpi_p2p_persistent_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_probe_mpi_SOURCES = tests/mpi/p2p_probe.c tests/mpi/mpitest.h
tests_mpi_p2p_probe_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_received_mpi_SOURCES = tests/mpi/p2p_received.c tests/mpi/mpitest.h
tests_mpi_p2p_received_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_self_mpi_SOURCES = tests/mpi/p2p_self.c tests/mpi/mpitest.h
tests_mpi_p2p_self_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_spin_mpi_SOURCES = tests/mpi/p2p_spin.c tests/mpi/mpitest.h
tests_mpi_p2p_spin_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_split_mpi_SOURCES = tests/mpi/p2p_split.c tests/mpi/mpitest.h
tests_mpi_p2p_split_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_surplus_mpi_SOURCES = tests/mpi/p2p_surplus.c tests/mpi/mpitest.h
tests_mpi_p2p_surplus_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_sleepers_mpi_SOURCES = tests/mpi/p2p_sleepers.c tests/mpi/mpitest.h
tests_mpi_p2p_sleepers_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_threads_mpi_SOURCES = tests/mpi/p2p_threads.c tests/mpi/mpitest.h
tests_mpi_p2p_threads_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_truncate_mpi_SOURCES = tests/mpi/p2p_truncate.c tests/mpi/mpitest.h
tests_mpi_p2p_truncate_mpi_LDADD = libmpi_abi.la
tests_mpi_p2p_vector_mpi_SOURCES = tests/mpi/p2p_vector.c tests/mpi/mpitest.h
tests_mpi_p2p_vector_mpi_LDADD = libmpi_abi.la
tests_mpi_tool_mpi_SOURCES = tests/mpi/tool.c tests/mpi/mpitest.h
tests_mpi_tool_mpi_LDADD = libmpi_abi.la
tests_mpi_tool_wait_mpi_SOURCES = tests/mpi/tool_wait.c tests/mpi/mpitest.h
tests_mpi_tool_wait_mpi_LDADD = libmpi_abi.la
tests_mpi_topo_mpi_SOURCES = tests/mpi/topo.c tests/mpi/mpitest.h
tests_mpi_topo_mpi_LDADD = libmpi_abi.la
tests_mpi_win_atomic_mpi_SOURCES = tests/mpi/win_atomic.c tests/mpi/win_test.h
tests_mpi_win_atomic_mpi_LDADD = libmpi_abi.la
tests_mpi_win_contend_mpi_SOURCES = tests/mpi/win_contend.c tests/mpi/win_test.h
tests_mpi_win_contend_mpi_LDADD = libmpi_abi.la
tests_mpi_win_errors_mpi_SOURCES = tests/mpi/win_errors.c tests/mpi/win_test.h
tests_mpi_win_errors_mpi_LDADD = libmpi_abi.la
tests_mpi_win_fuzz_mpi_SOURCES = tests/mpi/win_fuzz.c tests/mpi/win_test.h
tests_mpi_win_fuzz_mpi_LDADD = libmpi_abi.la
tests_mpi_win_oracle_mpi_SOURCES = tests/mpi/win_oracle.c tests/mpi/win_kind.h \
    tests/mpi/win_test.h
tests_mpi_win_oracle_mpi_LDADD = libmpi_abi.la
tests_mpi_win_progress_mpi_SOURCES = tests/mpi/win_progress.c tests/mpi/win_test.h
tests_mpi_win_progress_mpi_LDADD = libmpi_abi.la
tests_mpi_win_shape_mpi_SOURCES = tests/mpi/win_shape.c tests/mpi/win_test.h
tests_mpi_win_shape_mpi_LDADD = libmpi_abi.la
tests_mpi_win_types_mpi_SOURCES = tests/mpi/win_types.c tests/mpi/win_test.h
tests_mpi_win_types_mpi_LDADD = libmpi_abi.la
tests_mpi_win_words_mpi_SOURCES = tests/mpi/win_words.c tests/mpi/win_test.h
tests_mpi_win_words_mpi_LDADD = libmpi_abi.la

# What takes minutes, or gigabytes, and so has targets of its own. The fuzzers at full size mean most in a
# tree that was configured with --enable-asan.
EXTRA_PROGRAMS += tests/mpi/p2p_huge.mpi
tests_mpi_p2p_huge_mpi_SOURCES = tests/mpi/p2p_huge.c tests/mpi/mpitest.h
tests_mpi_p2p_huge_mpi_LDADD = libmpi_abi.la
slow = TIMEOUT=7200 ENDPOINTS

.PHONY: check-fuzz-p2p check-large
check-fuzz-p2p: $(check_PROGRAMS)
	ORIEL_TEST_ROUNDS=100000 $(slow)=node $(MPI_LOG_COMPILER) 2 tests/mpi/datatype_fuzz.mpi
	ORIEL_TEST_ROUNDS=10000 $(slow)=stream $(MPI_LOG_COMPILER) 2 tests/mpi/datatype_fuzz.mpi
	for seed in 3 4 5; do \
	    $(slow)="node stream tcp" $(MPI_LOG_COMPILER) 4 tests/mpi/p2p_match_fuzz.mpi 100000 $$seed || exit 1; done

check-large: $(check_PROGRAMS) tests/mpi/p2p_huge.mpi
	ORIEL_CREDIT=1024 $(slow)="node stream" $(MPI_LOG_COMPILER) 8 tests/mpi/p2p_flow.mpi 100000
	$(slow)=node $(MPI_LOG_COMPILER) 2 tests/mpi/p2p_huge.mpi
	ORIEL_MAX_MESSAGE=64K $(slow)=stream $(MPI_LOG_COMPILER) 2 tests/mpi/p2p_huge.mpi

# Start and end, whose exit statuses and messages a script looks at.
check_PROGRAMS += tests/mpi/life
tests_mpi_life_SOURCES = tests/mpi/life.c
tests_mpi_life_LDADD = libmpi_abi.la
dist_check_SCRIPTS += tests/mpi/coll_area_test.sh tests/mpi/coll_hosts_test.sh
TESTS += tests/mpi/coll_area_test.sh tests/mpi/coll_hosts_test.sh
dist_check_SCRIPTS += tests/mpi/life_test.sh
TESTS += tests/mpi/life_test.sh

# Mistakes and mishaps, whose messages and exit statuses a script looks at.
check_PROGRAMS += tests/mpi/bad_input
tests_mpi_bad_input_SOURCES = tests/mpi/bad_input.c
tests_mpi_bad_input_LDADD = libmpi_abi.la
dist_check_SCRIPTS += tests/mpi/bad_input_test.sh
TESTS += tests/mpi/bad_input_test.sh

# The windows against their model at length: some minutes.
.PHONY: fuzz-windows
fuzz-windows: all tests/mpi/win_oracle.mpi
	$(srcdir)/tests/mpi/win_oracle.sh 100000 node
	$(srcdir)/tests/mpi/win_oracle.sh 10000 stream
	$(srcdir)/tests/mpi/win_oracle.sh 3000 tcp
	$(srcdir)/tests/mpi/win_oracle.sh 10000 both

# Files against their model at length: a minute or two.
.PHONY: fuzz-files
fuzz-files: all tests/mpi/file_fuzz.mpi
	for seed in 3 4 5; do $(slow)=node $(MPI_LOG_COMPILER) 1,2,3,4,8 tests/mpi/file_fuzz.mpi 3000 $$seed || exit 1; done
	$(slow)="stream both" $(MPI_LOG_COMPILER) 2,3,4 tests/mpi/file_fuzz.mpi 1000 6
