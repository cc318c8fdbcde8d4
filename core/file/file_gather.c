/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/file/file_access.h"

int file_access_together(struct file *f, const struct file_access *a, int64_t at, int error,
                         uint64_t *moved)
{
    *moved = 0;
    return error ? error : file_access_alone(f, a, at, moved);
}
