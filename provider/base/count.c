/* SPDX-License-Identifier: BSD-3-Clause */
#include "provider/base/count.h"

struct counts counts;

const struct count_row count_rows[] = {
#define COUNT(field, name, group, kind, help)                                                      \
    {name, COUNT_##group, COUNT_##kind, help, &counts.field},
#include "provider/base/count.def"
#undef COUNT
};

const unsigned count_rows_len = sizeof(count_rows) / sizeof(count_rows[0]);
