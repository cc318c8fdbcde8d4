/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * MPI_Dims_create's factors, exactly: of all ways to write a number as a product of n factors, the
 * one whose largest and smallest factor differ least, and of these the lexicographically first in
 * falling order (Traeff, Luebbe, "Specification Guideline Violations by MPI_Dims_create", 2015,
 * who show that repeated division by primes misses it).
 *
 * Depth first through the divisors, factors falling, each level in rising order; a branch ends
 * where even equal remaining factors would be too small to beat the best.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/object/err.h"
#include "core/object/topology.h"

/* An int has fewer prime factors than this: one more factor is certainly 1. */
enum { MOST_FACTORS = 31 };

struct search {
    int *divisors, ndivisors; /* of the number, rising */
    int n;
    int at[MOST_FACTORS], best[MOST_FACTORS];
    int spread; /* of the best */
};

/* Whether base^exponent > limit; base > 0. */
static bool power_above(int base, int exponent, int limit)
{
    long long power = 1;

    for (int i = 0; i < exponent && base > 1; i++) {
        power *= base;
        if (power > limit)
            return true;
    }
    return power > limit;
}

/* Whether base^exponent >= limit. */
static bool power_reaches(int base, int exponent, int limit)
{
    return power_above(base, exponent, limit - 1);
}

static void consider(struct search *s)
{
    int spread = s->at[0] - s->at[s->n - 1];

    if (spread >= s->spread)
        return;
    s->spread = spread;
    memcpy(s->best, s->at, sizeof s->best);
}

/* The factors from `depth` on, whose product is `rest`. */
static void search(struct search *s, int depth, int rest)
{
    int left = s->n - depth;

    for (int i = 0; i < s->ndivisors; i++) {
        int d = s->divisors[i];

        if (d > rest || (depth && d > s->at[depth - 1]))
            return;
        if (rest % d || !power_reaches(d, left, rest))
            continue;
        s->at[depth] = d;
        if (left == 1) {
            consider(s);
            continue;
        }
        /* The smallest factor must be this large to beat the best. */
        int least = s->at[0] - s->spread + 1;

        if (least > 1 && power_above(least, left - 1, rest / d))
            return;
        search(s, depth + 1, rest / d);
    }
}

static int find_divisors(struct search *s, int number)
{
    int low = 0, root = 0;

    while ((long long)(root + 1) * (root + 1) <= number)
        root++;
    for (int d = 1; d <= root; d++)
        low += number % d == 0;
    s->divisors = malloc(2 * (size_t)low * sizeof *s->divisors);
    if (!s->divisors)
        return err_set(MPI_ERR_NO_MEM, "no memory for the divisors of %d", number);
    for (int d = 1; d <= root; d++)
        if (number % d == 0)
            s->divisors[s->ndivisors++] = d;
    for (int i = low - 1; i >= 0; i--)
        if (number / s->divisors[i] != s->divisors[i])
            s->divisors[s->ndivisors++] = number / s->divisors[i];
    return MPI_SUCCESS;
}

int topology_dims(int nodes, int ndims, int *dims)
{
    struct search s = {.spread = INT_MAX};
    int rc;

    for (int d = 0; d < ndims && s.n < MOST_FACTORS; d++)
        s.n += !dims[d];
    if (!s.n)
        return MPI_SUCCESS;
    rc = find_divisors(&s, nodes);
    if (rc)
        return rc;
    search(&s, 0, nodes);
    free(s.divisors);
    for (int d = 0, i = 0; d < ndims; d++)
        if (!dims[d])
            dims[d] = i < s.n ? s.best[i++] : 1;
    return MPI_SUCCESS;
}
