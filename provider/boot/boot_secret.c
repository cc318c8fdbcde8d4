/* SPDX-License-Identifier: BSD-3-Clause */
/* The job's secret: rank 0 draws it, the exchange brings it to the others. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "provider/base/log.h"
#include "provider/boot/boot_impl.h"

#define SECRET_KEY "oriel.secret"

int boot_secret_put(void)
{
    uint8_t secret[BOOT_SECRET];

    if (boot.info.rank)
        return 0;
    if (getrandom(secret, sizeof(secret), 0) != sizeof(secret)) {
        LOG(LOG_ERROR, "the system gives no random bytes for the job's secret: %s",
            strerror(errno));
        return -EIO;
    }
    return boot_put(SECRET_KEY, secret, sizeof(secret));
}

int boot_secret(uint8_t secret[BOOT_SECRET])
{
    size_t len = BOOT_SECRET;
    int rc = boot_get(0, SECRET_KEY, secret, &len);

    return rc ? rc : len == BOOT_SECRET ? 0 : -EPROTO;
}

bool boot_secret_equal(const uint8_t a[BOOT_SECRET], const uint8_t b[BOOT_SECRET])
{
    uint8_t differ = 0;

    for (int i = 0; i < BOOT_SECRET; i++)
        differ |= a[i] ^ b[i];
    return !differ;
}
