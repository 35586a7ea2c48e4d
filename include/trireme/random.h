/* Random numbers: a generator is an object that is made, seeded, saved and passed.
 *
 * TR_MT19937 gives PyTorch's CPU numbers for the same seed, drawn one after the other, so that a port can be checked
 * digit by digit.  TR_PHILOX counts instead of drawing (Philox 4x32-10, Salmon et al., SC 2011): element i of a
 * request depends on (seed, stream, i) alone, not on device, threads or ranks. */
#ifndef TRIREME_RANDOM_H
#define TRIREME_RANDOM_H

#include <trireme/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { TR_MT19937 = 0,
               TR_PHILOX = 1 } tr_generator_kind;

/* A new generator, belonging to the open scope. */
TR_API tr_generator *(tr_generator_new)(tr_generator_kind kind, uint64_t seed);
TR_API tr_generator *tr_generator_keep(tr_generator *g);
TR_API void tr_generator_drop(tr_generator *g);

/* The generator that functions use when none is passed: one per thread, MT19937. */
TR_API tr_generator *tr_default_generator(void);

/* Start over from this seed (torch.manual_seed for the default generator).  0, or -1 if g is NULL. */
TR_API int(tr_seed)(tr_generator *g, uint64_t seed);
TR_API int tr_manual_seed(uint64_t seed);
TR_API uint64_t tr_initial_seed(const tr_generator *g);

/* The next 32 or 64 bits.  MT19937's are PyTorch's; 64 bits are two draws, the first one high. */
TR_API uint32_t tr_random_u32(tr_generator *g);
TR_API uint64_t tr_random_u64(tr_generator *g);

/* A permutation of 0 .. n-1 into `order`, as torch.randperm(n) draws it. */
TR_API void tr_random_permutation(tr_generator *g, int64_t n, int64_t *order);

/* NumPy's legacy numbers, float64, bit for bit: after tr_seed(g, 1234), what numpy.random.uniform(low, high, n) and
 * numpy.random.randn(n) give after numpy.random.seed(1234).  g is a TR_MT19937 generator, best one of its own: a normal
 * number's waiting partner is one thing here and in PyTorch, but made differently.  0, or -1 with an error standing. */
TR_API int(tr_numpy_uniform)(tr_generator *g, double low, double high, int64_t n, double *to);
TR_API int(tr_numpy_randn)(tr_generator *g, int64_t n, double *to);

/* Save to, and restore from, TR_GENERATOR_STATE_BYTES bytes (portable between machines).
 * Restoring returns -1, with an error standing and g unchanged, for bytes that no generator of this kind saved. */
#define TR_GENERATOR_STATE_BYTES 2560
TR_API void tr_generator_save(const tr_generator *g, uint8_t *state);
TR_API TR_CHECK_RESULT int(tr_generator_restore)(tr_generator *g, const uint8_t *state);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
# define tr_generator_new(kind, seed)          TR_GENERATOR_((tr_generator_new)(kind, seed))
# define tr_seed(g, seed)                      TR_STATUS_((tr_seed)(g, seed))
# define tr_numpy_uniform(g, low, high, n, to) TR_STATUS_((tr_numpy_uniform)(g, low, high, n, to))
# define tr_numpy_randn(g, n, to)              TR_STATUS_((tr_numpy_randn)(g, n, to))
# define tr_generator_restore(g, state)        TR_STATUS_((tr_generator_restore)(g, state))
#endif

#endif
