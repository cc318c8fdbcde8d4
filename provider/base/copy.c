/* SPDX-License-Identifier: BSD-3-Clause */
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
