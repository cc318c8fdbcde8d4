/* SPDX-License-Identifier: BSD-3-Clause */
#include "provider/base/crowd.h"

bool crowded;
