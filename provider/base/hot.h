/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For the few functions on the path of a small message, where a call that the compiler left in
 * costs as much as the work: HOT_INLINE is in every caller, LIKELY and UNLIKELY say which way is
 * straight, COLD keeps what is rare out of the way, HOT_DATA marks the library's variables that are
 * found without the offset table.
 */
#ifndef ORIEL_BASE_HOT_H
#define ORIEL_BASE_HOT_H

#include <stddef.h>
#include <string.h>

#define HOT_INLINE static inline __attribute__((always_inline))
#define HOT_DATA   __attribute__((visibility("hidden")))
#define COLD       __attribute__((noinline, cold))

/* Gets the cache line ready for a store that comes soon; never a fault. */
HOT_INLINE void prefetch_to_store(const void *line)
{
#ifdef __x86_64__
    /* The builtin means a mere load where the compiler may not take this for granted. */
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)line));
#else
    __builtin_prefetch(line, 1);
#endif
}

/* The same for all lines of a block: they come side by side, where the stores would wait in line.
 */
HOT_INLINE void prefetch_block_to_store(const void *block, unsigned long len)
{
    for (unsigned long at = 0; at < len; at += 64)
        prefetch_to_store((const char *)block + at);
}

#define LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* Of what is one number as a rule: that is a move, not a call. Either may be NULL for no bytes. */
HOT_INLINE void copy_small(void *to, const void *from, size_t len)
{
    if (LIKELY(len == 8))
        memcpy(to, from, 8);
    else if (len)
        memcpy(to, from, len);
}

/* Of 1 to 64 bytes, never with a call: moves from both ends, which may overlap. */
HOT_INLINE void copy_some(void *to, const void *from, size_t len)
{
    unsigned char *t = to;
    const unsigned char *f = from;

    if (len >= 32) {
        memcpy(t, f, 32);
        memcpy(t + len - 32, f + len - 32, 32);
    } else if (len >= 16) {
        memcpy(t, f, 16);
        memcpy(t + len - 16, f + len - 16, 16);
    } else if (len >= 8) {
        memcpy(t, f, 8);
        memcpy(t + len - 8, f + len - 8, 8);
    } else if (len >= 4) {
        memcpy(t, f, 4);
        memcpy(t + len - 4, f + len - 4, 4);
    } else {
        t[0] = f[0];
        t[len / 2] = f[len / 2];
        t[len - 1] = f[len - 1];
    }
}

enum { COPY_FEW = 64 };

/* The same of 0 to COPY_FEW bytes, which are one number as a rule. */
HOT_INLINE void copy_few(void *to, const void *from, size_t len)
{
    if (LIKELY(len == 8))
        memcpy(to, from, 8);
    else if (len)
        copy_some(to, from, len);
}

#endif
