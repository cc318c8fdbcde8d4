/* SPDX-License-Identifier: BSD-3-Clause */
/* Argument checks of the files' calls, as check.h. */
#ifndef ORIEL_API_CHECK_FILE_H
#define ORIEL_API_CHECK_FILE_H

#include "core/api/check.h"
#include "core/file/file.h"

static inline int check_file(MPI_File file, struct file **out)
{
    struct file *f = file_find(file);

    if (!f)
        return check_bad_file(file);
    *out = f;
    return MPI_SUCCESS;
}

#endif
