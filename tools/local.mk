# SPDX-License-Identifier: BSD-3-Clause

# mpiexec, also called mpirun
bin_PROGRAMS += mpiexec
mpiexec_CPPFLAGS = $(AM_CPPFLAGS) $(HWLOC_CFLAGS)
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
	tools/mpiexec/slurm.c \
	tools/mpiexec/slurm.h \
	tools/mpiexec/store.c \
	tools/mpiexec/store.h

# The build tree has mpirun, too, for those who put it first in PATH.
all-local: mpirun
mpirun: mpiexec
	$(AM_V_at)rm -f $@ && $(LN_S) mpiexec $@
CLEANFILES += mpirun

install-exec-hook: install-mpirun
uninstall-hook: uninstall-mpirun
install-mpirun:
	cd $(DESTDIR)$(bindir) && rm -f mpirun && $(LN_S) mpiexec mpirun
uninstall-mpirun:
	rm -f $(DESTDIR)$(bindir)/mpirun
.PHONY: install-mpirun uninstall-mpirun
