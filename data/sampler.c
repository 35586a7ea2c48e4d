#include "data/sampler.h"

#include <trireme/scope.h>
#include "core/fail.h"
#include "core/memory.h"

static int64_t batches_of(const data_sampler *s, int64_t samples)
{
    bool uneven = samples % s->batch_size != 0;
    return samples / s->batch_size + (uneven && !s->drop_last ? 1 : 0);
}

int data_sampler_begin(data_sampler *s, bool shuffle, bool drop_last)
{
    s->drop_last = drop_last;
    s->batches = s->end = batches_of(s, s->samples);
    if (!shuffle) return 0;
    if (s->samples > INT64_MAX / (int64_t)sizeof *s->order)
        return core_fail_status("tr_loader_new: an order of %lld samples does not fit into memory", (long long)s->samples);
    TR_SCOPE;
    s->generator = tr_generator_keep((tr_generator_new)(TR_MT19937, s->seed));
    s->order = core_alloc(s->samples * (int64_t)sizeof *s->order, "tr_loader_new");
    return s->generator && s->order ? 0 : -1;
}

void data_sampler_end(data_sampler *s)
{
    tr_generator_drop(s->generator);
    core_free(s->order);
    s->generator = NULL;
    s->order = NULL;
}

void data_sampler_shuffle(data_sampler *s, int64_t epoch, int64_t from)
{
    s->from = from;
    s->begin = from / s->batch_size;
    s->end = s->begin + batches_of(s, s->samples - from);
    if (!s->order) return;
    (tr_seed)(s->generator, s->seed + (uint64_t)epoch);
    tr_random_permutation(s->generator, s->samples, s->order);
}

/* n r / W, rounded down, without the product. */
static int64_t share(int64_t n, int64_t r, int64_t world) { return n / world * r + n % world * r / world; }

/* Where rank r's part of n samples begins. */
static int64_t begin_of(const data_sampler *s, int64_t n, int64_t r)
{
    int64_t shards = s->virtual_shards;
    return shards ? share(n, share(shards, r, s->world), shards) : share(n, r, s->world);
}

data_part data_sampler_part(const data_sampler *s, int64_t batch)
{
    int64_t start = s->from + (batch - s->begin) * s->batch_size, left = s->samples - start;
    int64_t n = left < s->batch_size ? left : s->batch_size;
    int64_t first = begin_of(s, n, s->rank), end = begin_of(s, n, s->rank + 1);
    return (data_part){start + first, end - first, n};
}
