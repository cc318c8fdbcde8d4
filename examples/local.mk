# SPDX-License-Identifier: BSD-3-Clause
# Programs to read and to start with; a user compiles them with mpicc, so does tools/quickstart.
EXTRA_DIST += \
    examples/counter.c \
    examples/counter.py \
    examples/halo.c \
    examples/halo.py \
    examples/hello.c \
    examples/hello.py \
    examples/pi.c \
    examples/pi.py \
    examples/ring.c \
    examples/ring.py \
    examples/slurm/job.sh
