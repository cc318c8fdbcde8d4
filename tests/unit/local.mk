# SPDX-License-Identifier: BSD-3-Clause
# Criterion programs that need no launcher.
if HAVE_CRITERION
check_PROGRAMS += tests/unit/coll_formulas
TESTS += tests/unit/coll_formulas
tests_unit_coll_formulas_SOURCES = tests/unit/coll_formulas.c
tests_unit_coll_formulas_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_coll_formulas_LDADD = libcore.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/coll_rounds
TESTS += tests/unit/coll_rounds
tests_unit_coll_rounds_SOURCES = \
    tests/unit/coll_rounds.c \
    tests/unit/loop_fabric.c \
    tests/unit/loop_fabric.h
tests_unit_coll_rounds_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_coll_rounds_LDADD = libcore.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/inter_rounds
TESTS += tests/unit/inter_rounds
tests_unit_inter_rounds_SOURCES = \
    tests/unit/inter_rounds.c \
    tests/unit/loop_fabric.c \
    tests/unit/loop_fabric.h
tests_unit_inter_rounds_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_inter_rounds_LDADD = libcore.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_agree
TESTS += tests/unit/test_agree
tests_unit_test_agree_SOURCES = tests/unit/test_agree.c
tests_unit_test_agree_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_agree_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_attr
TESTS += tests/unit/test_attr
tests_unit_test_attr_SOURCES = tests/unit/test_attr.c
tests_unit_test_attr_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_attr_LDADD = libcore.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_base
TESTS += tests/unit/test_base
tests_unit_test_base_SOURCES = tests/unit/test_base.c
tests_unit_test_base_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_base_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_boot
TESTS += tests/unit/test_boot
tests_unit_test_boot_SOURCES = tests/unit/test_boot.c
tests_unit_test_boot_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_boot_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_datatype
TESTS += tests/unit/test_datatype
tests_unit_test_datatype_SOURCES = \
    tests/unit/test_datatype.c \
    tests/unit/typemap.c \
    tests/unit/typemap.h
tests_unit_test_datatype_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_datatype_LDADD = libcore.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_datatype_limits
TESTS += tests/unit/test_datatype_limits
tests_unit_test_datatype_limits_SOURCES = tests/unit/test_datatype_limits.c
tests_unit_test_datatype_limits_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_datatype_limits_LDADD = libcore.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_err
TESTS += tests/unit/test_err
tests_unit_test_err_SOURCES = tests/unit/test_err.c
tests_unit_test_err_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_err_LDADD = libcore.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_fabric
TESTS += tests/unit/test_fabric
tests_unit_test_fabric_SOURCES = \
    tests/unit/job.c \
    tests/unit/job.h \
    tests/unit/test_fabric.c
tests_unit_test_fabric_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_fabric_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_group
TESTS += tests/unit/test_group
tests_unit_test_group_SOURCES = tests/unit/test_group.c
tests_unit_test_group_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_group_LDADD = libcore.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_info
TESTS += tests/unit/test_info
tests_unit_test_info_SOURCES = tests/unit/test_info.c
tests_unit_test_info_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_info_LDADD = libcore.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_monitor
TESTS += tests/unit/test_monitor
tests_unit_test_monitor_SOURCES = tests/unit/test_monitor.c
tests_unit_test_monitor_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_monitor_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_node_atomic
TESTS += tests/unit/test_node_atomic
tests_unit_test_node_atomic_SOURCES = \
    tests/unit/node_job.c \
    tests/unit/node_job.h \
    tests/unit/test_node_atomic.c
tests_unit_test_node_atomic_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_node_atomic_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_node_end
TESTS += tests/unit/test_node_end
tests_unit_test_node_end_SOURCES = \
    tests/unit/node_job.c \
    tests/unit/node_job.h \
    tests/unit/test_node_end.c
tests_unit_test_node_end_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_node_end_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_node_fault
TESTS += tests/unit/test_node_fault
tests_unit_test_node_fault_SOURCES = \
    tests/unit/node_job.c \
    tests/unit/node_job.h \
    tests/unit/test_node_fault.c
tests_unit_test_node_fault_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_node_fault_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_node_filling
TESTS += tests/unit/test_node_filling
tests_unit_test_node_filling_SOURCES = \
    tests/unit/node_job.c \
    tests/unit/node_job.h \
    tests/unit/take_job.c \
    tests/unit/take_job.h \
    tests/unit/test_node_filling.c
tests_unit_test_node_filling_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_node_filling_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_node_inlet
TESTS += tests/unit/test_node_inlet
tests_unit_test_node_inlet_SOURCES = \
    tests/unit/node_job.c \
    tests/unit/node_job.h \
    tests/unit/take_job.c \
    tests/unit/take_job.h \
    tests/unit/test_node_inlet.c
tests_unit_test_node_inlet_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_node_inlet_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_node_life
TESTS += tests/unit/test_node_life
tests_unit_test_node_life_SOURCES = \
    tests/unit/node_job.c \
    tests/unit/node_job.h \
    tests/unit/test_node_life.c
tests_unit_test_node_life_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_node_life_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_node_match
TESTS += tests/unit/test_node_match
tests_unit_test_node_match_SOURCES = \
    tests/unit/node_job.c \
    tests/unit/node_job.h \
    tests/unit/test_node_match.c
tests_unit_test_node_match_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_node_match_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_node_message
TESTS += tests/unit/test_node_message
tests_unit_test_node_message_SOURCES = \
    tests/unit/node_job.c \
    tests/unit/node_job.h \
    tests/unit/test_node_message.c
tests_unit_test_node_message_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_node_message_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_node_offer
TESTS += tests/unit/test_node_offer
tests_unit_test_node_offer_SOURCES = \
    tests/unit/node_job.c \
    tests/unit/node_job.h \
    tests/unit/test_node_offer.c
tests_unit_test_node_offer_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_node_offer_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_node_rma
TESTS += tests/unit/test_node_rma
tests_unit_test_node_rma_SOURCES = \
    tests/unit/node_job.c \
    tests/unit/node_job.h \
    tests/unit/test_node_rma.c
tests_unit_test_node_rma_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_node_rma_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_node_take
TESTS += tests/unit/test_node_take
tests_unit_test_node_take_SOURCES = \
    tests/unit/node_job.c \
    tests/unit/node_job.h \
    tests/unit/take_job.c \
    tests/unit/take_job.h \
    tests/unit/test_node_take.c
tests_unit_test_node_take_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_node_take_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_node_wait
TESTS += tests/unit/test_node_wait
tests_unit_test_node_wait_SOURCES = \
    tests/unit/node_job.c \
    tests/unit/node_job.h \
    tests/unit/test_node_wait.c
tests_unit_test_node_wait_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_node_wait_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_object
TESTS += tests/unit/test_object
tests_unit_test_object_SOURCES = tests/unit/test_object.c
tests_unit_test_object_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_object_LDADD = libcore.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_op
TESTS += tests/unit/test_op
tests_unit_test_op_SOURCES = tests/unit/test_op.c
tests_unit_test_op_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_op_LDADD = libcore.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_post
TESTS += tests/unit/test_post
tests_unit_test_post_SOURCES = tests/unit/test_post.c
tests_unit_test_post_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_post_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_pulse
TESTS += tests/unit/test_pulse
tests_unit_test_pulse_SOURCES = tests/unit/job.h tests/unit/test_pulse.c
tests_unit_test_pulse_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_pulse_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_region
TESTS += tests/unit/test_region
tests_unit_test_region_SOURCES = tests/unit/test_region.c
tests_unit_test_region_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_region_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_select
TESTS += tests/unit/test_select
tests_unit_test_select_SOURCES = \
    tests/unit/job.c \
    tests/unit/job.h \
    tests/unit/test_select.c
tests_unit_test_select_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_select_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_stream
TESTS += tests/unit/test_stream
tests_unit_test_stream_SOURCES = \
    tests/unit/node_job.c \
    tests/unit/node_job.h \
    tests/unit/stream_job.c \
    tests/unit/stream_job.h \
    tests/unit/test_stream.c
tests_unit_test_stream_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_stream_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_stream_life
TESTS += tests/unit/test_stream_life
tests_unit_test_stream_life_SOURCES = \
    tests/unit/node_job.c \
    tests/unit/node_job.h \
    tests/unit/stream_job.c \
    tests/unit/stream_job.h \
    tests/unit/test_stream_life.c
tests_unit_test_stream_life_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_stream_life_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_stream_dial
TESTS += tests/unit/test_stream_dial
tests_unit_test_stream_dial_SOURCES = \
    tests/unit/node_job.c \
    tests/unit/node_job.h \
    tests/unit/stream_job.c \
    tests/unit/stream_job.h \
    tests/unit/test_stream_dial.c
tests_unit_test_stream_dial_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_stream_dial_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_stream_memory
TESTS += tests/unit/test_stream_memory
tests_unit_test_stream_memory_SOURCES = \
    tests/unit/node_job.c \
    tests/unit/node_job.h \
    tests/unit/stream_job.c \
    tests/unit/stream_job.h \
    tests/unit/test_stream_memory.c
tests_unit_test_stream_memory_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_stream_memory_LDADD = libprovider.la $(CRITERION_LIBS)
endif

# Threads on the node provider's queue, and the provider as a plug-in of the system's libfabric.
check_PROGRAMS += tests/unit/test_node_pull
TESTS += tests/unit/test_node_pull
tests_unit_test_node_pull_SOURCES = \
    tests/unit/node_job.c \
    tests/unit/node_job.h \
    tests/unit/test_node_pull.c
tests_unit_test_node_pull_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_node_pull_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_node_way
TESTS += tests/unit/test_node_way
tests_unit_test_node_way_SOURCES = \
    tests/unit/node_job.c \
    tests/unit/node_job.h \
    tests/unit/test_node_way.c
tests_unit_test_node_way_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_node_way_LDADD = libprovider.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_node_queue
TESTS += tests/unit/test_node_queue
tests_unit_test_node_queue_SOURCES = \
    provider/node/node_inlet.c \
    provider/node/node_outlet.c \
    tests/unit/test_node_queue.c
tests_unit_test_node_queue_CPPFLAGS = $(AM_CPPFLAGS)

check_PROGRAMS += tests/unit/test_topology_map
TESTS += tests/unit/test_topology_map
tests_unit_test_topology_map_SOURCES = tests/unit/test_topology_map.c
tests_unit_test_topology_map_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_topology_map_LDADD = libcore.la $(CRITERION_LIBS)

check_PROGRAMS += tests/unit/test_wait
TESTS += tests/unit/test_wait
tests_unit_test_wait_SOURCES = \
    tests/unit/job.c \
    tests/unit/job.h \
    tests/unit/test_wait.c
tests_unit_test_wait_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_test_wait_LDADD = libprovider.la $(CRITERION_LIBS)

dist_check_SCRIPTS += tests/unit/node_plugin.sh
TESTS += tests/unit/node_plugin.sh
