# SPDX-License-Identifier: BSD-3-Clause
libcore_la_SOURCES += \
    core/coll/allgather.c \
    core/coll/allreduce.c \
    core/coll/alltoall.c \
    core/coll/barrier.c \
    core/coll/bcast.c \
    core/coll/coll.c \
    core/coll/coll.h \
    core/coll/coll_data.c \
    core/coll/coll_engine.h \
    core/coll/coll_select.c \
    core/coll/comm_dup.c \
    core/coll/comm_from_group.c \
    core/coll/comm_inter.c \
    core/coll/comm_make.h \
    core/coll/comm_split.c \
    core/coll/comm_split_type.c \
    core/coll/context.c \
    core/coll/context.h \
    core/coll/gather.c \
    core/coll/inter.c \
    core/coll/inter_all.c \
    core/coll/inter_rooted.c \
    core/coll/neighbor.c \
    core/coll/reduce.c \
    core/coll/reduce_scatter.c \
    core/coll/scan.c \
    core/coll/scatter.c \
    core/coll/shm_area.c \
    core/coll/shm_area.h \
    core/coll/shm_move.c \
    core/coll/shm_reduce.c \
    core/coll/topo.h \
    core/coll/topo_dist.c \
    core/coll/topo_make.c \
    core/coll/topo_reorder.c
