#include "data/sampler.h"

#include <trireme/scope.h>
#include "core/fail.h"
#include "core/memory.h"

int data_sampler_begin(data_sampler *s, bool shuffle, bool drop_last)
{
    bool uneven = s->samples % s->batch_size != 0;
    s->batches = s->samples / s->batch_size + (uneven && !drop_last ? 1 : 0);
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

void data_sampler_shuffle(data_sampler *s, int64_t epoch)
{
    if (!s->order) return;
    (tr_seed)(s->generator, s->seed + (uint64_t)epoch);
    tr_random_permutation(s->generator, s->samples, s->order);
}

/* n r / W, rounded down, without the product. */
static int64_t share(int64_t n, int64_t r, int64_t world) { return n / world * r + n % world * r / world; }

data_part data_sampler_part(const data_sampler *s, int64_t batch)
{
    int64_t start = batch * s->batch_size, left = s->samples - start;
    int64_t n = left < s->batch_size ? left : s->batch_size;
    int64_t first = share(n, s->rank, s->world), end = share(n, s->rank + 1, s->world);
    return (data_part){start + first, end - first, n};
}
