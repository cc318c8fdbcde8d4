/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A buffer whose bytes do not lie side by side, as its owner describes it to those who move bytes:
 * `len` of them in one order, of which any part can be copied out or in, or be told as blocks of
 * memory. Who embeds it owns it; it lives as long as the operation that was given it.
 */
#ifndef ORIEL_BASE_SCATTER_H
#define ORIEL_BASE_SCATTER_H

#include <stddef.h>
#include <sys/uio.h>

struct scatter;

/* Bytes [at, at + len) all lie within the buffer. */
struct scatter_ops {
    void (*gather)(const struct scatter *s, size_t at, void *to, size_t len);
    void (*spread)(const struct scatter *s, size_t at, const void *from, size_t len);
    /* The blocks from byte `at` on, at most `most` (> 0) of them: how many. */
    size_t (*blocks)(const struct scatter *s, size_t at, struct iovec *iov, size_t most);
};

struct scatter {
    const struct scatter_ops *ops;
    size_t len;
    size_t count; /* of its blocks, about */
};

#endif
