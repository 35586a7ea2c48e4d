#include "dist/tree.h"

#include "dist/sum.h"

#include <stdlib.h>
#include <string.h>
#include <trireme/error.h>

int64_t dist_share(int64_t n, int64_t r, int64_t world) { return n / world * r + n % world * r / world; }

/* ---- memory ---- */

static char *take(dist_tree *t)
{
    char *sum = t->spares ? t->spare[--t->spares] : malloc((size_t)t->plan->bytes);
    return sum ? sum : tr_fail("out of memory: a sum of gradients of %lld bytes", (long long)t->plan->bytes);
}

static void give(dist_tree *t, char *sum)
{
    if (t->spares < DIST_TREE_DEPTH)
        t->spare[t->spares++] = sum;
    else
        free(sum);
}

void dist_tree_free(dist_tree *t)
{
    while (t->branches) free(t->branch[--t->branches].sum);
    while (t->spares) free(t->spare[--t->spares]);
}

/* sum += more, every bucket in its type. */
static void add(const dist_tree *t, char *sum, const char *more)
{
    for (int64_t i = 0; i < t->plan->buckets; i++) {
        const dist_bucket *b = &t->plan->bucket[i];
        int64_t at = (char *)b->memory - (char *)t->plan->memory;
        dist_add_scaled(b->dtype, sum + at, more + at, b->n, 1);
    }
}

/* ---- here ---- */

static int64_t middle(int64_t lo, int64_t hi) { return lo + (hi - lo) / 2; }

/* Are [lo, mid) and [mid, hi) the halves of a node? */
static bool are_halves(const dist_tree *t, int64_t lo, int64_t mid, int64_t hi)
{
    int64_t from = 0, to = t->shards;
    while (from < lo || to > hi) {
        int64_t m = middle(from, to);
        if (hi <= m)
            to = m;
        else if (lo >= m)
            from = m;
        else
            return false;
    }
    return middle(from, to) == mid;
}

char *dist_tree_push(dist_tree *t, int64_t shard)
{
    char *sum = take(t);
    if (!sum) return NULL;
    t->branch[t->branches++] = (dist_branch){shard, shard + 1, sum};
    return memset(sum, 0, (size_t)t->plan->bytes);
}

void dist_tree_carry(dist_tree *t)
{
    while (t->branches >= 2) {
        dist_branch *left = &t->branch[t->branches - 2], *right = left + 1;
        if (!are_halves(t, left->lo, right->lo, right->hi)) break;
        add(t, left->sum, right->sum);
        left->hi = right->hi;
        give(t, right->sum);
        t->branches--;
    }
}

/* ---- between ranks ---- */

static int64_t owner(const dist_tree *t, int64_t shard)
{
    int64_t r = 0;
    while (dist_share(t->shards, r + 1, t->way->world) <= shard) r++;
    return r;
}

static char *find(const dist_tree *t, int64_t lo, int64_t hi)
{
    for (int i = 0; i < t->branches; i++)
        if (t->branch[i].lo == lo && t->branch[i].hi == hi) return t->branch[i].sum;
    return NULL;
}

/* The sum of a node, on the owner of its first shard: it lies where that shard's branch lies. */
static int join(dist_tree *t, int64_t lo, int64_t hi, char **sum)
{
    int64_t first = owner(t, lo), me = t->way->rank;
    *sum = NULL;
    if (first == owner(t, hi - 1)) {
        if (first == me) *sum = find(t, lo, hi);
        return 0;
    }
    int64_t mid = middle(lo, hi), other = owner(t, mid);
    char *left, *right;
    if (join(t, lo, mid, &left) < 0 || join(t, mid, hi, &right) < 0) return -1;
    if (other == me && first != me) return dist_send(t->way, right, t->plan->bytes, first);
    if (first != me) return 0;
    char *came = NULL;
    if (other != me) {
        came = take(t);
        if (!came || dist_receive(t->way, came, t->plan->bytes, other) < 0) return -1;
        right = came;
    }
    add(t, left, right);
    if (came) give(t, came);
    *sum = left;
    return 0;
}

int dist_tree_sum(dist_tree *t)
{
    char *sum;
    if (join(t, 0, t->shards, &sum) < 0) return -1;
    if (sum) memcpy(t->plan->memory, sum, (size_t)t->plan->bytes);
    while (t->branches) give(t, t->branch[--t->branches].sum);
    return dist_broadcast(t->way, t->plan->memory, t->plan->bytes, 0);
}
