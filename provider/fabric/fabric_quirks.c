/* SPDX-License-Identifier: BSD-3-Clause */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "provider/boot/boot.h"
#include "provider/fabric/fabric_impl.h"
#include "provider/fabric/monitor.h"

/*
 * What getinfo does not tell, and what it tells wrongly. `rank` orders the candidates; a provider
 * without one has not been tried and is used only when it is asked for by name. What cxi has here
 * is for later: fabric_select.c refuses it, as its tags have 48 bits.
 */
static const struct row {
    const char *provider; /* glob */
    enum fabric_quirk field;
    long value;
    const char *why;
} rows[] = {
    {"oriel", QUIRK_RANK, 100, "our own, for one host"},
    {"cxi", QUIRK_RANK, 90, "Slingshot"},
    {"opx", QUIRK_RANK, 85, "Omni-Path"},
    {"psm2", QUIRK_RANK, 80, "Omni-Path"},
    {"verbs;ofi_rxm", QUIRK_RANK, 75, "InfiniBand and RoCE"},
    {"efa", QUIRK_RANK, 70, "Elastic Fabric Adapter"},
    {"psm3", QUIRK_RANK, 65, "Ethernet and RoCE"},
    {"stream", QUIRK_RANK, 20, "our own, over sockets"},
    {"tcp;ofi_rxm", QUIRK_RANK, 10, "sockets"},
    /* A small message into a shorter posted buffer costs a later message (1.17, tcp and verbs). */
    {"*;ofi_rxm", QUIRK_TAIL, 1, "truncating an eager message loses a later one"},
    {"tcp;ofi_rxm", QUIRK_EMULATED, 1,
     "a remote write of 8 bytes takes 29 us, a message and its answer 15"},
    {"stream", QUIRK_EMULATED, 1, "the target's processor reads and writes its memory"},
    /* As long as what travels on credit (p2p/credit.h). */
    {"stream", QUIRK_EAGER, 131072, "what comes early is kept whole, up to that"},
    {"stream", QUIRK_PROVEN, 1, "who connects has proved the job's secret"},
    /* What comes is seen by who looks, and nothing of it wakes the one that sleeps on it. */
    {"psm2", QUIRK_CLOCK, 1, "its wait object is signalled by the waiting process's own progress"},
    {"psm3", QUIRK_CLOCK, 1,
     "its wait object is signalled by a thread that only its own waits start"},
    /* Eight pieces are under way at once (split.c): more of a message need not be locked in memory,
     * and one is registered while another one travels. 300 us each at 100 Gbit/s. */
    {"verbs;ofi_rxm", QUIRK_PIECE, 4 << 20, "what travels is locked in memory"},
    /* 1.17: rxm_close_conn closes, then handles what the queue holds and posts buffers again. */
    {"verbs;ofi_rxm", QUIRK_PARTING, 1,
     "closing a connection with events unread gives a buffer to the closed one"},
    /* Elsewhere the target's processor does, when it makes progress (rxm, psm2), or nobody. */
    {"cxi", QUIRK_ATOMICS, 1, "the device carries out remote atomics by itself"},
    {"stream", QUIRK_SOCKETS, 1, "messages pass through the system's sockets"},
    {"tcp*", QUIRK_SOCKETS, 1, "messages pass through the system's sockets"},
    {"net*", QUIRK_SOCKETS, 1, "messages pass through the system's sockets"},
    {"sockets*", QUIRK_SOCKETS, 1, "messages pass through the system's sockets"},
    {"udp*", QUIRK_SOCKETS, 1, "messages pass through the system's sockets"},
    /* A wildcard receive that waits at two endpoints is taken back from one the moment the other
     * has a message for it; here the answer comes by an event of the device, some time later. */
    {"cxi", QUIRK_ALONE, 1, "it answers a cancelled receive later"},
    {"shm", QUIRK_REFUSE, 0, "it has no peek, and a truncated message hangs the receiver"},
    {"net", QUIRK_REFUSE, 0, "unexpected messages block the connection they came by"},
    {"tcp", QUIRK_REFUSE, 0, "it is slower than tcp;ofi_rxm and holds few unexpected messages"},
    {"sockets", QUIRK_REFUSE, 0, "it is slow and no longer maintained"},
    {"*;ofi_rxd", QUIRK_REFUSE, 0, "it reports a truncated message as whole and loses sends"},
    {"udp*", QUIRK_REFUSE, 0, "its messages are unreliable"},
};

bool fabric_quirk(const char *provider, enum fabric_quirk field, long *value, const char **why)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].field == field && !fnmatch(rows[i].provider, provider, 0)) {
            *value = rows[i].value;
            *why = rows[i].why;
            return true;
        }
    return false;
}

/* For libfabric's sockets, where it is known that rxm will be above tcp. */
static const struct setting {
    const char *variable, *value;
} settings[] = {
    /*
     * Buffers come 1024 at a time and are touched at once: 70 MB an endpoint with rxm's own values,
     * 16 KiB and 128, but 4 MB with these. An unexpected message holds one buffer for each 2 KiB.
     */
    {"FI_OFI_RXM_BUFFER_SIZE", "2048"},
    {"FI_OFI_RXM_MSG_RX_SIZE", "64"},
    /* Receives that the provider holds at once, 480 bytes each; the rest waits in our queue. */
    {"FI_OFI_RXM_RX_SIZE", "4096"},
};

/*
 * PSM's libraries, which Debian's libfabric is linked with, take SIGSEGV and its like from every
 * process: a crash then prints their backtrace and exits with status 1, and leaves no core.
 */
void fabric_quirks_before_load(void)
{
    setenv("HFI_NO_BACKTRACE", "1", 0);
    setenv("IPATH_NO_BACKTRACE", "1", 0);
}

/*
 * Two jobs of PSM's, or of opx's, keep apart by it, in the adapter and in shared memory, and all
 * that are not given one have the same; opx then takes Slurm's number, the same in all steps. PSM
 * has it with dashes, and opx refuses those.
 */
static void settings_job(const char *job)
{
    uint64_t a = UINT64_C(0xcbf29ce484222325), b = a; /* FNV-1a */
    char text[40];

    for (const char *c = job; *c; c++) {
        a = (a ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
        b = (b ^ a >> 32) * UINT64_C(0x100000001b3);
    }
    snprintf(text, sizeof(text), "%016llx%016llx", (unsigned long long)a, (unsigned long long)b);
    setenv("FI_OPX_UUID", text, 0);
    snprintf(text, sizeof(text), "%08x-%04x-%04x-%04x-%012llx", (unsigned)(a >> 32),
             (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xffff), (unsigned)(b >> 48),
             (unsigned long long)(b & UINT64_C(0xffffffffffff)));
    setenv("FI_PSM2_UUID", text, 0);
    setenv("FI_PSM3_UUID", text, 0);
}

static void settings_psm(void)
{
    /* At first contact, which takes the other's progress. After 5 s without it, it would abort. */
    setenv("FI_PSM2_CONN_TIMEOUT", "86400", 0);
    setenv("FI_PSM3_CONN_TIMEOUT", "86400", 0);
    /* The process that would tell others the job's name by a socket is not needed. */
    setenv("FI_PSM2_NAME_SERVER", "0", 0);
    setenv("FI_PSM3_NAME_SERVER", "0", 0);
}

/*
 * May be longer than a buffer over tcp, and is on one host as long as what travels on credit
 * (p2p/credit.h): with rxm's own, 16 KiB, longer messages are announced and fetched. Between two
 * namespaces of one machine 64 KiB took 25 us instead of 53, 128 KiB 36 instead of 66.
 *
 * rxm connects nobody whose limit is another. Over several hosts libfabric's sockets are taken only
 * where they are asked for, or beside an RDMA device; of these hosts one may have an active port,
 * and keeps rxm's own, which verbs needs. So there all do.
 */
static void settings_eager(bool one_host)
{
    setenv("FI_OFI_RXM_EAGER_LIMIT", one_host ? "131072" : "16384", 0);
}

void fabric_quirks_environment(const char *job, uint32_t job_size, uint32_t version, bool sockets)
{
    char text[16];

    settings_job(job);
    settings_psm();
    /* Newer ones would replace functions of the C library by default. */
    if (!getenv("FI_MR_CACHE_MONITOR"))
        setenv("FI_MR_CACHE_MONITOR", monitor_choose(version), 1);

    /*
     * Over verbs, and over sockets since libfabric 2.1, rxm sends from its eager limit up to 128
     * KiB in pieces of a buffer. The pieces of a message that had to wait for its receive get lost
     * or into another's buffer; with some hundred of them the connection is no longer read.
     */
    setenv("FI_OFI_RXM_SAR_LIMIT", "0", 0);
    for (size_t i = 0; sockets && i < sizeof(settings) / sizeof(settings[0]); i++)
        setenv(settings[i].variable, settings[i].value, 0);
    if (sockets)
        settings_eager(boot_info()->one_host);
    /*
     * rxm sizes its completion queues by it, 8 KiB a peer: the default, 256, is too much for some
     * devices, and more is not needed, as what is under way is bounded in fabric_post.c.
     */
    snprintf(text, sizeof(text), "%u", job_size < 16 ? 16 : job_size < 256 ? job_size : 256);
    setenv("FI_UNIVERSE_SIZE", text, 0);
}

static size_t size_setting(const char *variable, size_t otherwise)
{
    const char *text = getenv(variable);
    long n = text ? strtol(text, NULL, 0) : 0;

    return n > 0 ? (size_t)n : otherwise;
}

size_t fabric_quirks_eager(const struct fi_info *info)
{
    size_t buffer, eager;
    const char *why;
    long limit;

    if (fabric_quirk(info->fabric_attr->prov_name, QUIRK_EAGER, &limit, &why))
        return (size_t)limit;
    if (fnmatch("*;ofi_rxm", info->fabric_attr->prov_name, 0))
        return info->tx_attr->inject_size;
    buffer = size_setting("FI_OFI_RXM_BUFFER_SIZE", 16384);
    eager = size_setting("FI_OFI_RXM_EAGER_LIMIT", 16384);
    return buffer > eager ? buffer : eager;
}
