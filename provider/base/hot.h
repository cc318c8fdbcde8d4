/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For the few functions on the path of a small message, where a call that the compiler left in
 * costs as much as the work: HOT_INLINE is in every caller, LIKELY and UNLIKELY say which way is
 * straight.
 */
#ifndef ORIEL_BASE_HOT_H
#define ORIEL_BASE_HOT_H

#define HOT_INLINE          static inline __attribute__((always_inline))

#define LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#endif
