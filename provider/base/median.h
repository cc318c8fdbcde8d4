/* SPDX-License-Identifier: BSD-3-Clause */
/* Of three times, the one that neither a moment's luck nor a lost processor has made. */
#ifndef ORIEL_BASE_MEDIAN_H
#define ORIEL_BASE_MEDIAN_H

#include <stdint.h>

static inline uint32_t median_of_3(const uint32_t s[3])
{
    uint32_t low = s[0] < s[1] ? s[0] : s[1], high = s[0] < s[1] ? s[1] : s[0];

    return s[2] < low ? low : s[2] > high ? high : s[2];
}

#endif
