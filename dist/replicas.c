/* Are the parameters still the same on all ranks?
 *
 * Each rank that steps by itself keeps its own copy.  One that misses a step, or whose memory or code goes wrong, drifts
 * away without a sign.  So a digest of all bits travels, as the largest d and the largest ~d, which agree only if all do
 * (or, every few steps, with the message that begins an average: reducer.c); only when they differ do the parameters' own
 * digests travel, to name the first that differs and whose it is. */
#include "dist/replicas.h"

#include "dist/check.h"
#include "dist/ranks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/dist.h>

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

/* Four lanes, since one would wait for each product. */
static uint64_t digest_bytes(const char *data, int64_t bytes)
{
    uint64_t lane[4] = {1, 2, 3, 4}, word[4];
    int64_t at = 0;
    for (; at + (int64_t)sizeof word <= bytes; at += (int64_t)sizeof word) {
        memcpy(word, data + at, sizeof word);
        for (int i = 0; i < 4; i++) lane[i] = mix(lane[i], word[i]);
    }
    memset(word, 0, sizeof word);
    if (bytes > at) memcpy(word, data + at, (size_t)(bytes - at));
    for (int i = 0; i < 4; i++) lane[i] = mix(lane[i], word[i]);
    return mix(mix(mix(mix((uint64_t)bytes, lane[0]), lane[1]), lane[2]), lane[3]);
}

static int digest_parameter(tr_tensor *t, uint64_t *digest)
{
    TR_SCOPE;
    TR_NO_GRAD;
    tr_tensor *row_major = (tr_contiguous)(t);
    if (row_major) row_major = (tr_to_device)(row_major, tr_cpu());
    if (!row_major) return -1;
    *digest = digest_bytes(tr_data(row_major), tr_numel(t) * tr_dtype_size(tr_dtype_of(t)));
    return 0;
}

/* One word for each parameter, and one for all; NULL with an error standing. */
static uint64_t *digests_of(tr_module *m, int64_t *count, uint64_t *all)
{
    *count = tr_parameters(m).count;
    *all = (uint64_t)*count;
    uint64_t *digest = calloc((size_t)*count + 1, sizeof *digest);
    if (!digest) return tr_fail("out of memory: digests of %lld parameters", (long long)*count);
    for (int64_t i = 0; i < *count; i++) {
        if (digest_parameter(tr_parameters(m).tensor[i], &digest[i]) < 0) {
            free(digest);
            return NULL;
        }
        *all = mix(*all, digest[i]);
    }
    return digest;
}

/* What most ranks hold, or, of equally many, the lowest rank. */
static uint64_t usual(const uint64_t *of_rank, int64_t stride, int64_t world)
{
    uint64_t best = of_rank[0];
    int64_t most = 0;
    for (int64_t r = 0; r < world; r++) {
        int64_t n = 0;
        for (int64_t s = 0; s < world; s++) n += of_rank[s * stride] == of_rank[r * stride];
        if (n > most) most = n, best = of_rank[r * stride];
    }
    return best;
}

/* "1, 3", the ranks whose word is not `usual`. */
static int64_t list_others(const uint64_t *of_rank, int64_t stride, int64_t world, uint64_t most_hold, char *text, size_t bytes)
{
    int64_t n = 0;
    size_t used = 0;
    text[0] = '\0';
    for (int64_t r = 0; r < world; r++) {
        if (of_rank[r * stride] == most_hold) continue;
        if (used < bytes) used += (size_t)snprintf(text + used, bytes - used, "%s%lld", n ? ", " : "", (long long)r);
        n++;
    }
    return n;
}

static void name_difference(const char *function, tr_module *m, const uint64_t *all, int64_t count, int64_t world)
{
    char who[120];
    int64_t first = -1, differ = 0;
    for (int64_t i = 0; i < count; i++) {
        if (list_others(all + i, count, world, all[i], who, sizeof who) == 0) continue;
        if (first < 0) first = i;
        differ++;
    }
    if (first < 0) {
        tr_fail("%s: the ranks' parameters differ, but not when looked at again", function);
        return;
    }
    const char *name = NULL;
    tr_tensor *t = NULL;
    tr_named_parameter(m, first, &name, &t);
    int64_t n = list_others(all + first, count, world, usual(all + first, count, world), who, sizeof who);
    tr_fail("%s: parameter %s differs: %s %s of %lld %s values of %s own (of %lld parameters %lld differ)", function,
            name ? name : "?", n == 1 ? "rank" : "ranks", who, (long long)world, n == 1 ? "holds" : "hold", n == 1 ? "its" : "their",
            (long long)count, (long long)differ);
}

static int compare(const char *function, dist_transport *way, tr_module *m, const uint64_t *digest, int64_t count, uint64_t all)
{
    uint64_t agreed[4] = {all, ~all, (uint64_t)count, ~(uint64_t)count};
    if (dist_done(dist_largest(way, agreed, 4, -1)) < 0) return -1;
    if (agreed[0] == ~agreed[1]) return 0;
    uint64_t most = agreed[2], least = ~agreed[3];
    if (most != least) {
        tr_fail("%s: the ranks' modules differ: %lld to %lld parameters, here %lld", function, (long long)least, (long long)most,
                (long long)count);
        return -1;
    }
    uint64_t *of_all = calloc((size_t)(way->world * count), sizeof *of_all);
    if (!of_all) {
        tr_fail("%s: parameters differ (out of memory for more)", function);
        return -1;
    }
    if (dist_done(dist_all_gather(way, digest, of_all, count * (int64_t)sizeof *digest)) == 0) name_difference(function, m, of_all, count, way->world);
    free(of_all);
    return -1;
}

int dist_replicas_digest(tr_module *m, uint64_t *digest)
{
    int64_t count;
    uint64_t *each = digests_of(m, &count, digest);
    free(each);
    return each ? 0 : -1;
}

int dist_replicas_compare(const char *function, tr_module *m)
{
    int64_t count;
    uint64_t all;
    uint64_t *digest = digests_of(m, &count, &all);
    if (!digest) return -1;
    int status = compare(function, dist_way(), m, digest, count, all);
    free(digest);
    return status;
}

int(tr_check_replicas)(tr_module *module)
{
    dist_stop_if_failed();
    dist_transport *way = dist_way();
    if (!way || !module) {
        if (way) tr_fail("tr_check_replicas: NULL instead of a module");
        return -1;
    }
    return dist_check("tr_check_replicas", "check_replicas") < 0 ? -1 : dist_replicas_compare("tr_check_replicas", module);
}
