/* Generators as the library's rooms see them, and filling memory with random numbers as PyTorch's CPU does. */
#ifndef TRIREME_CORE_RANDOM_H
#define TRIREME_CORE_RANDOM_H

#include <trireme/random.h>
#include <trireme/types.h>
#include "core/mt19937.h"
#include "core/object.h"

struct tr_generator {
    core_object object;
    tr_generator_kind kind;
    uint64_t seed;
    uint64_t offset;    /* TR_PHILOX: 32-bit words given out so far */
    core_mt19937 mt;    /* TR_MT19937 */
    bool has_normal;    /* normal numbers come in pairs: */
    double next_normal; /* the second one, waiting */
};

/* `g`, or this thread's default generator for NULL; NULL with an error noted if that cannot be made. */
tr_generator *core_generator_or_default(tr_generator *g);

/* A uniform number in [low, high), drawn as PyTorch draws one of this floating type: of as many bits as the type has,
 * from 32 bits, or from 64 for float64.  The result is rounded to the type. */
double core_draw_uniform(tr_generator *g, tr_dtype dtype, double low, double high);

/* A standard normal number, by Box and Muller's method in float64: every second call uses the partner of the first. */
double core_draw_normal(tr_generator *g);

/* A whole number in [low, low + range), range > 0: from 32 bits drawn, or 64 if the range is 2^32 or more and the type
 * has more than 32. */
int64_t core_draw_integer(tr_generator *g, tr_dtype dtype, int64_t low, uint64_t range);

/* torch's random_() on int64: 63 bits. */
static inline int64_t core_draw_seed(tr_generator *g) { return (int64_t)(tr_random_u64(g) & INT64_MAX); }

/* n elements of a floating type, dense: the numbers of tensor.uniform_(low, high) and tensor.normal_(mean, std).
 * Normal ones are drawn one after the other below 16 elements, and in blocks of 16 from there on. */
void core_fill_uniform(tr_generator *g, tr_dtype dtype, void *data, int64_t n, double low, double high);
void core_fill_normal(tr_generator *g, tr_dtype dtype, void *data, int64_t n, double mean, double std);

/* n elements of any type but complex, each a core_draw_integer: tensor.random_(low, low + range). */
void core_fill_integers(tr_generator *g, tr_dtype dtype, void *data, int64_t n, int64_t low, uint64_t range);

#endif
