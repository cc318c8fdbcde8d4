# SPDX-License-Identifier: BSD-3-Clause
# The outside world: bytes, peers, keys, completions. Knows no MPI type and calls nothing above it.

node_sources = \
    provider/node/node.h \
    provider/node/node_atomic.c \
    provider/node/node_atomic.h \
    provider/node/node_atomic_apply.c \
    provider/node/node_av.c \
    provider/node/node_cell.c \
    provider/node/node_chunk.c \
    provider/node/node_cntr.c \
    provider/node/node_copy.c \
    provider/node/node_cq.c \
    provider/node/node_ep.c \
    provider/node/node_fabric.c \
    provider/node/node_fetch.c \
    provider/node/node_fetch.h \
    provider/node/node_filling.c \
    provider/node/node_filling.h \
    provider/node/node_info.c \
    provider/node/node_iov.c \
    provider/node/node_iov.h \
    provider/node/node_inlet.c \
    provider/node/node_inlet.h \
    provider/node/node_loss.c \
    provider/node/node_match.c \
    provider/node/node_match.h \
    provider/node/node_memory.c \
    provider/node/node_memory.h \
    provider/node/node_mr.c \
    provider/node/node_msg.c \
    provider/node/node_direct.c \
    provider/node/node_direct.h \
    provider/node/node_offer.c \
    provider/node/node_offer.h \
    provider/node/node_ops.h \
    provider/node/node_outlet.c \
    provider/node/node_outlet.h \
    provider/node/node_peer.c \
    provider/node/node_place.c \
    provider/node/node_progress.c \
    provider/node/node_provider.c \
    provider/node/node_provider.h \
    provider/node/node_pull.c \
    provider/node/node_pull.h \
    provider/node/node_queue.h \
    provider/node/node_recv.c \
    provider/node/node_rma.c \
    provider/node/node_rma_now.h \
    provider/node/node_scatter.c \
    provider/node/node_segment.c \
    provider/node/node_segment.h \
    provider/node/node_send.c \
    provider/node/node_tagged.c \
    provider/node/node_train.c \
    provider/node/node_train.h \
    provider/node/node_wait.c \
    provider/node/node_way.c \
    provider/node/node_way.h \
    provider/node/node_wait.h

# Connections between hosts.
stream_sources = \
    provider/stream/stream.h \
    provider/stream/stream_address.c \
    provider/stream/stream_cq.c \
    provider/stream/stream_dial.c \
    provider/stream/stream_domain.c \
    provider/stream/stream_ep.c \
    provider/stream/stream_in.c \
    provider/stream/stream_info.c \
    provider/stream/stream_message.c \
    provider/stream/stream_op.c \
    provider/stream/stream_out.c \
    provider/stream/stream_peer.c \
    provider/stream/stream_provider.h \
    provider/stream/stream_recv.c \
    provider/stream/stream_rma.c \
    provider/stream/stream_send.c \
    provider/stream/stream_watch.c

noinst_LTLIBRARIES += libprovider.la
libprovider_la_LIBADD = $(PMIX_LIBS) $(HWLOC_LIBS)
libprovider_la_SOURCES = \
    provider/base/clock.h \
    provider/base/copy.c \
    provider/base/copy.h \
    provider/base/count.c \
    provider/base/count.def \
    provider/base/count.h \
    provider/base/crowd.c \
    provider/base/crowd.h \
    provider/base/hot.h \
    provider/base/list.h \
    provider/base/lock.c \
    provider/base/lock.h \
    provider/base/log.c \
    provider/base/log.h \
    provider/base/median.h \
    provider/base/pace.c \
    provider/base/pace.h \
    provider/base/param.c \
    provider/base/param.def \
    provider/base/param.h \
    provider/base/pool.c \
    provider/base/pool.h \
    provider/base/scatter.h \
    provider/base/segment.c \
    provider/base/segment.h \
    provider/boot/boot.c \
    provider/boot/boot.h \
    provider/boot/boot_alone.c \
    provider/boot/boot_exchange.c \
    provider/boot/boot_hosts.c \
    provider/boot/boot_impl.h \
    provider/boot/boot_pset.c \
    provider/boot/boot_secret.c \
    provider/boot/hardware.c \
    provider/boot/hardware.h \
    provider/fabric/fabric.c \
    provider/fabric/fabric_both.c \
    provider/fabric/fabric.h \
    provider/fabric/fabric_agree.c \
    provider/fabric/fabric_cq.c \
    provider/fabric/fabric_impl.h \
    provider/fabric/fabric_library.c \
    provider/fabric/fabric_library.h \
    provider/fabric/fabric_note.c \
    provider/fabric/fabric_peer.c \
    provider/fabric/fabric_post.c \
    provider/fabric/fabric_quirks.c \
    provider/fabric/fabric_rma.c \
    provider/fabric/fabric_select.c \
    provider/fabric/fabric_surplus.c \
    provider/fabric/fabric_tagged.c \
    provider/fabric/fabric_veil.c \
    provider/fabric/interface.c \
    provider/fabric/interface.h \
    provider/fabric/monitor.c \
    provider/fabric/monitor.h \
    provider/fabric/place.c \
    provider/fabric/place.h \
    provider/fabric/rdma_port.c \
    provider/fabric/rdma_port.h \
    provider/fabric/wait.c \
    provider/fabric/wait.h \
    $(stream_sources) \
    provider/pulse/pulse.c \
    provider/pulse/pulse.h \
    provider/pulse/pulse_guest.c \
    provider/pulse/pulse_impl.h \
    provider/pulse/pulse_loss.c \
    $(node_sources)

# The node provider for everybody: libfabric finds it there, or through FI_PROVIDER_PATH.
fabricdir = $(libdir)/libfabric
fabric_LTLIBRARIES = liboriel-fi.la
liboriel_fi_la_SOURCES = \
    provider/base/copy.c \
    provider/base/count.c \
    provider/base/crowd.c \
    provider/base/lock.c \
    provider/base/log.c \
    provider/base/pace.c \
    provider/base/param.c \
    provider/base/pool.c \
    provider/base/segment.c \
    $(node_sources)
liboriel_fi_la_CPPFLAGS = $(AM_CPPFLAGS) -DORIEL_NODE_PLUGIN
liboriel_fi_la_LIBADD = $(LIBFABRIC_LIBS)
liboriel_fi_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version
