/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which way messages of a few chunks go from one process to another: through the segment (a train,
 * node_train.h), or in one copy from where they are, made by both ends or by the receiver alone
 * (node_pull.h). What is best depends on how far the two processors are from each other, on what a
 * page costs the kernel, and on whose cache has the data: a train moves every line twice, and a
 * buffer that its sender does not write to may be in the receiver's cache already. The three differ
 * by a factor of two in both directions, and nothing tells in advance.
 *
 * So the receiver, who sees the whole of each, tries: of every sender and class of length, now and
 * then, it takes the time of a few messages by each way, and asks for the best one from then on, in
 * the sender's entry of its list of sources. What a train takes to fill it sees where it waits for
 * that. Where it fills one of its own meanwhile, as two do that send to each other before they
 * receive, half the time of its own stands for the other's: a fetch has a cost that is not seen,
 * either, since its sender has to get the lines back before it writes them again. But a message
 * that nobody waits for is best out of its sender's hands, in a train: where the receiver is away
 * for long more than once in nine messages, all go that way. Those that wait through one absence
 * count once: it may be another program's turn on the processor. All go by train in a crowd, too,
 * where times say who had the processor.
 */
#ifndef ORIEL_NODE_NODE_WAY_H
#define ORIEL_NODE_NODE_WAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node_ep;
struct node_message;
struct node_peer;

enum node_way { NODE_WAY_TRAIN, NODE_WAY_BOTH, NODE_WAY_ALONE, NODE_WAYS };

enum {
    NODE_WAY_CLASSES = 4, /* lengths up to 32, 64, 128 and 256 KiB */
    NODE_WAY_SAMPLES = 3, /* median_of_3 */
};

/* What the receiver knows about one class; all zero at first: trains. */
struct node_way_class {
    uint64_t again;                     /* ns: when the others are tried again */
    uint64_t took, bytes;               /* by the messages of the sample that is being taken */
    uint64_t absence;                   /* the one that was counted last: node_work.away_until */
    uint32_t samples[NODE_WAY_SAMPLES]; /* ps a byte */
    uint32_t cost[NODE_WAYS];
    uint8_t wanted;   /* enum node_way: what the sender is asked for, */
    uint8_t best;     /* and will be after the trial */
    uint8_t tries;    /* ways that this trial has looked at; it is over at NODE_WAYS */
    uint8_t count;    /* samples */
    uint8_t messages; /* of the sample */
    uint8_t waited;   /* messages since it was last asked whether a trial is due */
    uint8_t kept;     /* messages that came before their receive, in a trial */
    uint8_t late;     /* how far absences outweigh the messages that found the receiver */
    bool trial;
};

struct node_ways {
    struct node_way_class classes[NODE_WAY_CLASSES];
    uint64_t last_end;                  /* ns: of the last message that was timed */
    uint64_t filled_from, filled_until; /* ns: own trains, that no message has been charged for */
};

/* When an endpoint last did something long: tells one that is away from one that is at work. */
struct node_work {
    uint64_t since; /* ns: when that began, or ended, */
    size_t bytes;   /* and so many are copied */
    uint64_t
        away_until; /* ns: until then a message lay here, the last time, and nothing was done */
};

/* The sender: whether that peer wants messages of that length announced. */
bool node_way_is_announced(const struct node_peer *peer, size_t len);

/* Now, for the receiver to see how long the message has waited; `bytes` are copied after that. */
uint32_t node_way_stamp(struct node_ep *ep, size_t bytes);
/* A long copy is over. */
void node_way_worked(struct node_ep *ep);
/* A train to that peer has been filled, which began with the stamp. */
void node_way_filled(struct node_ep *ep, struct node_peer *peer);

/* The receiver: the message has found its receive, as it came or after it was kept. */
void node_way_met(struct node_ep *ep, struct node_message *m);
void node_way_kept(struct node_ep *ep, const struct node_message *m);
/* Whether one that was announced is to be copied by the receiver alone. */
bool node_way_is_alone(const struct node_message *m);
/* That peer's memory cannot be copied from any more. */
void node_way_forget(struct node_ep *ep, struct node_peer *peer);
/* It has been received, to the last byte. Called where m->timed. */
void node_way_took(struct node_ep *ep, const struct node_message *m);

#endif
