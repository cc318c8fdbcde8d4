# SPDX-License-Identifier: BSD-3-Clause

# mpiexec, also called mpirun
bin_PROGRAMS += mpiexec
mpiexec_CPPFLAGS = $(AM_CPPFLAGS)
mpiexec_LDADD = $(PMIX_LIBS) $(HWLOC_LIBS)
mpiexec_SOURCES = \
    tools/mpiexec/bind.c \
    tools/mpiexec/bind.h \
    tools/mpiexec/guard.c \
    tools/mpiexec/guard.h \
    tools/mpiexec/hosts.c \
    tools/mpiexec/hosts.h \
    tools/mpiexec/input.c \
    tools/mpiexec/input.h \
    tools/mpiexec/job.c \
    tools/mpiexec/job.h \
    tools/mpiexec/launch.c \
    tools/mpiexec/launch.h \
    tools/mpiexec/main.c \
    tools/mpiexec/options.c \
    tools/mpiexec/options.h \
    tools/mpiexec/output.c \
    tools/mpiexec/output.h \
    tools/mpiexec/pollset.c \
    tools/mpiexec/pollset.h \
    tools/mpiexec/reap.c \
    tools/mpiexec/reap.h \
    tools/mpiexec/run.c \
    tools/mpiexec/run.h \
    tools/mpiexec/say.c \
    tools/mpiexec/say.h \
    tools/mpiexec/server.c \
    tools/mpiexec/server.h \
    tools/mpiexec/signals.c \
    tools/mpiexec/signals.h \
    tools/mpiexec/slurm.c \
    tools/mpiexec/slurm.h \
    tools/mpiexec/store.c \
    tools/mpiexec/store.h

# The build tree has mpirun, too, for those who put it first in PATH.
all-local: mpirun
mpirun: mpiexec
	$(AM_V_at)rm -f $@ && $(LN_S) mpiexec $@
CLEANFILES += mpirun

bin_links += mpirun:mpiexec
man1_links += mpirun.1:mpiexec.1
dist_man_MANS += docs/man/mpiexec.1

# What the library is and what it finds.
bin_PROGRAMS += oriel-info
oriel_info_SOURCES = \
    tools/info/collectives.c \
    tools/info/info.h \
    tools/info/json.c \
    tools/info/main.c \
    tools/info/text.c
oriel_info_LDADD = libcore.la
dist_man_MANS += docs/man/oriel-info.1

# Oriel beside other libraries; the program that it compiles is installed as source.
dist_bin_SCRIPTS = tools/oriel-bench
AM_INSTALLCHECK_STD_OPTIONS_EXEMPT = tools/oriel-bench
benchdir = $(pkgdatadir)/bench
dist_bench_DATA = \
    tools/bench/bench.h \
    tools/bench/calls.c \
    tools/bench/cliffs.py \
    tools/bench/coll.c \
    tools/bench/main.c \
    tools/bench/measure.c \
    tools/bench/p2p.c \
    tools/bench/plot.py \
    tools/bench/presets.py \
    tools/bench/rma.c \
    tools/bench/runs.py \
    tools/bench/tables.py \
    tools/bench/tune.py \
    tools/bench/types.c
dist_man_MANS += docs/man/oriel-bench.1

# The compiler wrapper, its pages, and the scripts of the tree.
bin_SCRIPTS += tools/mpicc
bin_links += mpicxx:mpicc mpic++:mpicc mpiCC:mpicc
man1_links += mpicxx.1:mpicc.1 mpic++.1:mpicc.1 mpiCC.1:mpicc.1
pkgconfig_DATA += tools/oriel.pc
dist_man_MANS += \
    docs/man/mpicc.1 \
    docs/man/oriel.7
EXTRA_DIST += \
    tools/check \
    tools/check-symbols \
    tools/lib.sh \
    tools/quickstart
