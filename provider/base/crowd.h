/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether the ranks of this host outnumber the processors that they may run on. Then a processor
 * that waits is wanted by another rank: nobody should spin, nor count on the other side's running
 * at the same time. Said once at start by who counts the ranks (fabric/wait.c); false before.
 */
#ifndef ORIEL_BASE_CROWD_H
#define ORIEL_BASE_CROWD_H

#include <stdbool.h>

extern bool crowded;

#endif
