# SPDX-License-Identifier: BSD-3-Clause
# Criterion programs that need no launcher.
if HAVE_CRITERION
check_PROGRAMS += tests/unit/coll_rounds
TESTS += tests/unit/coll_rounds
tests_unit_coll_rounds_SOURCES = \
    tests/unit/coll_rounds.c \
    tests/unit/loop_fabric.c \
    tests/unit/loop_fabric.h
tests_unit_coll_rounds_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS)
tests_unit_coll_rounds_LDADD = libcore.la $(CRITERION_LIBS)
endif
