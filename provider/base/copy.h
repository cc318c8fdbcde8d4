/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memcpy and memmove of what may be long. From some 2 KiB on the C library (Debian 12's) leaves the
 * work to a string instruction, and that is slow on some processors (AMD's Zen 3) where the
 * destination stands 1 to 31 bytes behind the source within a page: 8 KiB take 2.7 us instead of
 * 0.09. It is no rare case, as malloc puts every long block 16 bytes into a page, and what we share
 * begins with one. Those copies are made by plain moves: 0.16 us.
 */
#ifndef ORIEL_BASE_COPY_H
#define ORIEL_BASE_COPY_H

#include <stdint.h>

#include "provider/base/hot.h"

enum { COPY_LONG = 2048, COPY_CLOSE = 32, COPY_PAGE = 4096 };

/* The two do not overlap. */
void copy_close(void *to, const void *from, size_t len);

HOT_INLINE int copy_is_close(const void *to, const void *from, size_t len)
{
    return len >= COPY_LONG &&
           UNLIKELY(((uintptr_t)to - (uintptr_t)from) % COPY_PAGE - 1 < COPY_CLOSE - 1);
}

HOT_INLINE void copy_bytes(void *to, const void *from, size_t len)
{
    if (copy_is_close(to, from, len))
        copy_close(to, from, len);
    else
        memcpy(to, from, len);
}

/*
 * The same by stores that go past the caches (non-temporal), in order with what is stored after it:
 * for what another processor will read, and whose lines its cache has.
 */
void copy_past(void *to, const void *from, size_t len);

/* Of what is one number as a rule, and may be long; either may be NULL for no bytes. */
HOT_INLINE void copy_any(void *to, const void *from, size_t len)
{
    if (LIKELY(len <= COPY_FEW))
        copy_few(to, from, len);
    else
        copy_bytes(to, from, len);
}

/* The two may overlap. */
HOT_INLINE void copy_over(void *to, const void *from, size_t len)
{
    if (copy_is_close(to, from, len) && (uintptr_t)to - (uintptr_t)from >= len &&
        (uintptr_t)from - (uintptr_t)to >= len)
        copy_close(to, from, len);
    else
        memmove(to, from, len);
}

#endif
