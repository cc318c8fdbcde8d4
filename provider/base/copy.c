/* SPDX-License-Identifier: BSD-3-Clause */
#include <emmintrin.h>

#include "provider/base/copy.h"

/* Lines are asked for AHEAD: a load waits for stores before it that look like its own. */
enum { WIDTH = 16, STEP = 4 * WIDTH, AHEAD = 512 };

typedef unsigned char vector __attribute__((vector_size(WIDTH), aligned(1), may_alias));

void copy_close(void *to, const void *from, size_t len)
{
    unsigned char *t = to;
    const unsigned char *f = from, *end = f + len - len % STEP;

    for (; f < end; f += STEP, t += STEP) {
        const vector *in = (const vector *)f;
        vector *out = (vector *)t, a = in[0], b = in[1], c = in[2], d = in[3];

        if (end - f > AHEAD)
            __builtin_prefetch(f + AHEAD);
        out[0] = a;
        out[1] = b;
        out[2] = c;
        out[3] = d;
        /* Or the compiler might see what this loop is, and call memcpy. */
        __asm__ volatile("" ::: "memory");
    }
    if (len % STEP)
        copy_some(t, f, len % STEP);
}

void copy_past(void *to, const void *from, size_t len)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    size_t head = -(uintptr_t)t % STEP;

    /* Whole lines only: a part of one would have to be read from memory. */
    if (head > len)
        head = len;
    copy_few(t, f, head);
    t += head, f += head, len -= head;
    for (; len >= STEP; t += STEP, f += STEP, len -= STEP) {
        const __m128i *in = (const __m128i *)f;
        __m128i *out = (__m128i *)t;
        __m128i a = _mm_loadu_si128(in), b = _mm_loadu_si128(in + 1), c = _mm_loadu_si128(in + 2),
                d = _mm_loadu_si128(in + 3);

        _mm_stream_si128(out, a);
        _mm_stream_si128(out + 1, b);
        _mm_stream_si128(out + 2, c);
        _mm_stream_si128(out + 3, d);
    }
    copy_few(t, f, len);
    _mm_sfence();
}
