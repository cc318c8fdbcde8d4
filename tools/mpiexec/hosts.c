/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"
#include "hosts.h"
#include "say.h"

#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* What is no number, or too great for a job, counts for nothing. */
static void add_slots(struct options *o, const char *number)
{
    long n = strtol(number, NULL, 10);

    if (n > 0 && n < INT_MAX - o->slots)
        o->slots += (int)n;
}

/*
 * Hydra and Open MPI both allow NAME:SLOTS; an IPv6 address keeps its colons. A name without counts
 * for that many slots.
 */
static void strip_slots(struct options *o, char *name, const char *without)
{
    char *colon = strchr(name, ':');

    if (colon == NULL || strchr(colon + 1, ':') != NULL) {
        add_slots(o, without);
        return;
    }
    *colon = '\0';
    add_slots(o, colon + 1);
}

/* What stands behind a host's name: slots=4, with blanks or not; other words have no meaning here.
 */
static void read_words(struct options *o, char *words)
{
    const char *blanks = " \t\r\n=";
    bool number_follows = false;
    char *save = NULL;

    for (char *w = strtok_r(words, blanks, &save); w; w = strtok_r(NULL, blanks, &save)) {
        if (number_follows)
            add_slots(o, w);
        number_follows = strcmp(w, "slots") == 0;
    }
}

/* One host a line, # begins a comment. */
static int read_file(struct options *o, const char *path)
{
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t room = 0;

    if (f == NULL) {
        say("--hostfile %s: %s", path, strerror(errno));
        return 2;
    }
    while (getline(&line, &room, f) >= 0) {
        char *name = line + strspn(line, " \t"), *rest;

        name[strcspn(name, "#")] = '\0';
        rest = name + strcspn(name, " \t\r\n");
        if (*rest != '\0')
            *rest++ = '\0';
        read_words(o, rest);
        if (*name != '\0' && (name = strdup(name)) != NULL)
            strings_add(&o->hosts, name);
    }
    free(line);
    fclose(f);
    return 0;
}

/*
 * Each of several names after --host is one slot, as Open MPI has it; a single one says nothing,
 * and neither does a file's line. What --host says counts alone, whatever a file says of those
 * hosts.
 */
int hosts_read(struct options *o)
{
    size_t named = o->hosts.n;
    int from_names;

    for (size_t i = 0; i < named; i++)
        strip_slots(o, o->hosts.v[i], named > 1 ? "1" : "0");
    from_names = o->slots;
    for (size_t i = 0; i < o->hostfiles.n; i++) {
        int status = read_file(o, o->hostfiles.v[i]);

        if (status != 0)
            return status;
    }
    for (size_t i = named; i < o->hosts.n; i++)
        strip_slots(o, o->hosts.v[i], "0");
    if (from_names > 0)
        o->slots = from_names;
    return 0;
}

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a == NULL || a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET)
        return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
               ((const struct sockaddr_in *)b)->sin_addr.s_addr;
    return a->sa_family == AF_INET6 &&
           memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
                  &((const struct sockaddr_in6 *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

/* Whether it leads to one of this host's own interfaces; AI_NUMERICHOST: without a look-up. */
static bool is_own_address(const char *name, int flags)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags}, *found, *a;
    struct ifaddrs *interfaces, *i;
    bool own = false;

    if (getaddrinfo(name, NULL, &hints, &found) != 0)
        return false;
    if (getifaddrs(&interfaces) == 0) {
        for (a = found; a != NULL && !own; a = a->ai_next)
            for (i = interfaces; i != NULL && !own; i = i->ifa_next)
                own = same_address(i->ifa_addr, a->ai_addr);
        freeifaddrs(interfaces);
    }
    freeaddrinfo(found);
    return own;
}

static bool is_own_name(const char *name)
{
    char own[256] = "";
    size_t size;

    if (strcasecmp(name, "localhost") == 0 || strcmp(name, "127.0.0.1") == 0 ||
        strcmp(name, "::1") == 0)
        return true;
    gethostname(own, sizeof(own) - 1);
    if (strcasecmp(name, own) == 0)
        return true;
    /* The name without its domain, on either side. */
    size = strcspn(own, ".");
    return strcspn(name, ".") == size && strncasecmp(name, own, size) == 0 &&
           (name[size] == '\0' || own[size] == '\0');
}

bool hosts_is_plainly_here(const char *name)
{
    return is_own_name(name) || is_own_address(name, AI_NUMERICHOST);
}

static bool is_here(const char *name)
{
    return is_own_name(name) || is_own_address(name, 0);
}

const char *hosts_other(const struct options *o)
{
    for (size_t i = 0; i < o->hosts.n; i++)
        if (!is_here(o->hosts.v[i]))
            return o->hosts.v[i];
    return NULL;
}
