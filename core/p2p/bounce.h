/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory for the packed form of messages that cannot travel from where they are. Blocks that are
 * given back are kept for the next message of their size. With or without the lane's lock; it has
 * one of its own, a leaf.
 */
#ifndef ORIEL_P2P_BOUNCE_H
#define ORIEL_P2P_BOUNCE_H

#include <stdbool.h>
#include <stddef.h>

void bounce_open(bool thread_multiple);
void bounce_close(void);

/* NULL where memory is out. */
void *bounce_take(size_t len);
void bounce_give(void *block); /* NULL is nothing */

#endif
