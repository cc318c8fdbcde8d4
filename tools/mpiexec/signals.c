/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "signals.h"

static bool is_unwanted(int signal)
{
    struct sigaction old;

    if (signal != SIGHUP && signal != SIGINT && signal != SIGQUIT)
        return false;
    return sigaction(signal, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
}

void signals_add(sigset_t *set, const int *signals, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!is_unwanted(signals[i]))
            sigaddset(set, signals[i]);
}

bool signals_any_unwanted(void)
{
    return is_unwanted(SIGHUP) || is_unwanted(SIGINT) || is_unwanted(SIGQUIT);
}
