/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory that an endpoint shares with the host's other processes: a memfd, so that nothing has
 * a name and nothing is left behind, reached by its peers through /proc/PID/fd. It holds the rings
 * and the queue into which the others write, the chunks out of which they read this process's
 * middle-sized messages, the list of those who write here, and the regions they may access.
 *
 * All processes run the same layout or refuse each other: `magic` has its version. The owner alone
 * grows or shrinks nothing; every field says who writes it.
 */
#ifndef ORIEL_NODE_SEGMENT_H
#define ORIEL_NODE_SEGMENT_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "provider/node/node_queue.h"

enum {
    NODE_LINE = 64,
    NODE_CHUNK = 16384, /* bytes */
    NODE_CHUNKS = 64,
    NODE_TRAIN = 16,     /* chunks of the longest message that is copied in and out */
    NODE_SOURCES = 4096, /* processes that may ever write here */
    NODE_REGIONS = 4096,
};

#define NODE_MAGIC 0x4f5249454c0010ull /* "ORIEL", layout 16 */

/* Where an endpoint is: what travels as the address "oriel:pid:fd:cookie". */
struct node_address {
    uint32_t pid;
    int32_t fd;      /* of the memfd, in that process */
    uint64_t cookie; /* random: tells a segment from another that came to stand in its place */
};

/* One who writes into this segment; filled by that process, read by the owner. */
enum { NODE_SOURCE_WHOLE = 1, NODE_SOURCE_MET = 2 /* the owner has mapped its segment */ };

struct node_source {
    struct node_address address;
    atomic_uint state; /* NODE_SOURCE_*: 0 until the address is whole */
    atomic_uint ways;  /* from the owner: how it wants long messages, node_way.c */
};

/*
 * Memory that others may access by key; filled by the owner, found by probing from key modulo
 * NODE_REGIONS.
 */
enum { NODE_REGION_READ = 1, NODE_REGION_WRITE = 2, NODE_REGION_OFFSET = 4 };

struct node_region {
    atomic_uint generation; /* odd while it is open; 0: never used, where a search ends */
    uint32_t flags;         /* READ, WRITE: what others may; OFFSET: addresses count from base */
    uint64_t key;
    uint64_t base, len; /* in the owner's address space */
    int32_t fd;         /* of the file where the memory is one that peers may map too, else -1 */
    uint64_t file_base, file_len; /* where that file begins in the owner's memory, its length */
};

/*
 * A long message that sender and receiver copy together; node_pull.h. The segment is the sender's;
 * the receiver fills the slot, `taken` last, and shows it in `pulls_open`.
 */
enum { NODE_PULLS = 64, NODE_PULL_PIECES = 4 };

struct node_pull_slot {
    alignas(NODE_LINE) _Atomic uint64_t taken; /* by both: node_pull.c */
    uint64_t len, block;                       /* bytes */
    struct {
        uint64_t address, len;
    } pieces[NODE_PULL_PIECES]; /* of the receiver's memory; those behind `len` bytes are empty */
    alignas(NODE_LINE) _Atomic uint64_t done; /* blocks that the sender has copied, or all ones */
};

/*
 * A short access that another process would have the owner carry out: node_offer.h. Whoever finds
 * it FREE takes and fills it; OFFERED becomes BEGUN by the owner, or FREE again by who offered it.
 * One who is killed in between leaves it as it is, and the others do without.
 */
enum {
    NODE_OFFER_FREE,
    NODE_OFFER_TAKEN,
    NODE_OFFERED,
    NODE_OFFER_BEGUN,
    NODE_OFFER_DONE, /* what was read is in data */
    NODE_OFFER_REFUSED,
};

enum { NODE_OFFER_DATA = 40 }; /* bytes */

struct node_offer {
    alignas(NODE_LINE) atomic_uint state;
    uint16_t len;
    bool write;
    uint64_t key, address;
    unsigned char data[NODE_OFFER_DATA];
};

/* For atomics on elements that no processor's atomic covers; taken by any process. */
enum { NODE_STRIPES = 64 };

struct node_stripe {
    alignas(NODE_LINE) atomic_uint held; /* 0, or the holder's pid */
};

enum {
    NODE_ASLEEP = 1u, /* the owner sleeps: ring the bell */
    NODE_FENCE = 2u,  /* for good: pass a full barrier before you believe that it does not */
};

struct node_segment {
    uint64_t magic;
    uint64_t size;
    struct node_address address;
    uint64_t cookie_at;  /* the owner's own copy of the cookie: what a probe of single copy reads */
    int32_t doorbell_fd; /* write end of a pipe in the owner */
    uint32_t ring_count; /* that sources have, the first ones; the others share the queue */
    uint64_t doorbell_inode; /* that pipe's: something else may have its number later */
    atomic_uint closed;      /* 1: its owner has closed it, and neither reads nor writes any more */
    /* 0 while the owner is awake; whoever writes a cell looks at it. node_wait.h */
    alignas(NODE_LINE) atomic_uint sleeping; /* of NODE_ASLEEP, NODE_FENCE */
    alignas(NODE_LINE) atomic_int cpu;       /* where the owner was when it last had to wait, + 1 */
    atomic_uint resting; /* 1 while the owner has given its processor away, of its own accord */
    atomic_uint mate;    /* the pid of the one for whom alone the owner waits as a rule; 0: none */
    atomic_uint apart;   /* 1: each is the other's, and they are on two processors */
    struct node_offer offer;
    alignas(NODE_LINE) atomic_uint sources_taken;
    struct node_queue queue;
    struct node_ring rings[NODE_RINGS]; /* of sources */
    /*
     * How often each chunk has come back, counted by its readers (by the owner for those that are
     * no more), and of a train's chunks how far the owner has filled them: node_train.c. Close
     * together: who passes many reads and writes few lines.
     */
    alignas(NODE_LINE) atomic_uint chunks_back[NODE_CHUNKS];
    alignas(NODE_LINE) _Atomic uint64_t chunks_full[NODE_CHUNKS];
    alignas(NODE_LINE) _Atomic uint64_t pulls_open; /* bit i: slot i, set by the receiver */
    struct node_pull_slot pulls[NODE_PULLS];
    struct node_stripe stripes[NODE_STRIPES];
    struct node_source sources[NODE_SOURCES];
    struct node_region regions[NODE_REGIONS];
    alignas(4096) unsigned char chunks[NODE_CHUNKS][NODE_CHUNK];
};

/*
 * Makes this process's segment, with rings for so many sources (at most NODE_RINGS): 0, -ENOMEM,
 * -ENOSPC or what memfd_create and mmap say. *fd stays open as long as the segment, for the peers;
 * *probe_word, in private memory that lives as long, gets the cookie: it is what a peer's probe of
 * single copy reads.
 */
int node_segment_create(uint64_t *probe_word, unsigned rings, struct node_segment **segment,
                        int *fd);
/* Gets memory for `count` chunks from `first` on, before their first use: 0, -ENOSPC, -ENOMEM. */
int node_segment_back(int fd, unsigned first, unsigned count);
/* Maps another's; -ENOENT where it is gone, -EPROTO where it is none of ours. */
int node_segment_attach(const struct node_address *address, struct node_segment **segment);
/* Stands in for the segment of a process that is gone: what is written there goes nowhere. */
int node_segment_gone(const struct node_address *address, struct node_segment **segment);
void node_segment_unmap(struct node_segment *segment);

/* Whether memory of that process can be read in one copy; never an error. */
bool node_segment_probe(const struct node_segment *segment);

/* Whether its process is no more, or another program by now; false where that cannot be seen. */
bool node_segment_is_gone(const struct node_segment *segment);

enum { NODE_ADDRESS_TEXT = 64 }; /* room for the text of an address, with its zero */

void node_address_print(const struct node_address *address, char text[NODE_ADDRESS_TEXT]);
/* 0 or -EINVAL */
int node_address_parse(const char *text, struct node_address *address);

static inline bool node_address_equal(const struct node_address *a, const struct node_address *b)
{
    return a->cookie == b->cookie && a->pid == b->pid && a->fd == b->fd;
}

#endif
