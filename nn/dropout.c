/* Dropout:  y = x mask / (1 - p),  mask 0 with probability p.
 *
 * The numbers are counted, not drawn: they depend on the generator's seed and on how many requests it has had.  Where
 * virtual shards of a batch are worked on, whose number and order on a rank depend on the ranks, a request is keyed by the
 * step and by where the shard begins in the global batch instead. */
#include "nn/counted.h"
#include "nn/module.h"

#include <stdio.h>
#include "core/random.h"

typedef struct {
    double p;
    uint64_t seed;
    tr_generator *generator; /* keeps */
} dropout;

static _Thread_local struct {
    bool known;
    uint64_t step, sample;
} place;

void tr_set_sample_place(bool known, uint64_t step, uint64_t sample)
{
    place.known = known;
    place.step = step;
    place.sample = sample;
}

uint64_t tr_count_batch(tr_module *m) { return m ? ++m->batches : 0; }

/* splitmix64's last step: neighbours become strangers. */
static uint64_t mixed(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

tr_tensor *(tr_dropout)(tr_tensor *x, double p, tr_generator *generator)
{
    if (!x) return core_null("tr_dropout");
    if (!(p >= 0 && p <= 1)) return core_fail("tr_dropout: p %g, a probability is between 0 and 1", p);
    if (!tr_dtype_is_floating(tr_dtype_of(x))) return core_fail("tr_dropout: %s has no floating type", core_show(x));
    TR_SCOPE;
    tr_tensor *mask;
    {
        TR_NO_GRAD;
        tr_tensor *u = (tr_rand)(tr_shape_of_tensor(x), (tr_tensor_options){.dtype = TR_FLOAT32, .device = tr_device_of(x), .generator = generator});
        mask = (tr_to)((tr_ge)(u, tr_number_(p, TR_FLOAT32)), tr_dtype_of(x));
        if (p < 1) mask = (tr_div)(mask, tr_number_(1 - p, TR_FLOAT32));
    }
    return tr_pass_up((tr_mul)(x, mask));
}

static tr_tensor *dropout_forward(tr_module *m, tr_tensor *x)
{
    const dropout *self = m->self;
    if (!m->training || self->p == 0) return x;
    if (place.known && (tr_seed)(self->generator, mixed(self->seed + mixed(place.step + mixed(place.sample)))) < 0) return NULL;
    return (tr_dropout)(x, self->p, self->generator);
}

bool nn_is_dropout(const tr_module *m) { return m->forward == dropout_forward; }

nn_dropout_place nn_dropout_where(const tr_module *m)
{
    const dropout *self = m->self;
    return (nn_dropout_place){self->seed, self->generator->seed, self->generator->offset};
}

void nn_dropout_put(tr_module *m, nn_dropout_place at)
{
    dropout *self = m->self;
    self->seed = at.seed;
    (tr_seed)(self->generator, at.generator_seed);
    self->generator->offset = at.offset;
}

static void dropout_describe(const tr_module *m, char *text, size_t bytes) { snprintf(text, bytes, "p=%g, inplace=False", ((const dropout *)m->self)->p); }

static void release(tr_module *m) { tr_generator_drop(((dropout *)m->self)->generator); }

tr_module *(tr_dropout_layer)(double p, tr_dropout_options options)
{
    if (!(p >= 0 && p <= 1)) return core_fail("tr_dropout_layer: p %g, a probability is between 0 and 1", p);
    tr_module *m = (tr_module_new)("Dropout", dropout_forward, sizeof(dropout));
    if (!m) return NULL;
    dropout *self = m->self;
    m->describe = dropout_describe;
    tr_module_on_free(m, release);
    self->p = p;
    self->seed = options.seed ? options.seed : tr_random_u64(tr_default_generator());
    self->generator = tr_generator_keep((tr_generator_new)(TR_PHILOX, self->seed));
    return self->generator ? m : NULL;
}
