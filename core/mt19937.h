/* The Mersenne Twister MT19937 (Matsumoto & Nishimura, ACM TOMACS 8 (1998)), seeded as init_genrand: the engine behind
 * PyTorch's CPU generator and NumPy's RandomState.
 *
 * Its 624 words are seeded, and made anew for every further 624 numbers, as far as the numbers drawn need it: who seeds
 * to shuffle a few samples pays for a few.  core_mt_complete() does the rest, for whoever looks at the words. */
#ifndef TRIREME_CORE_MT19937_H
#define TRIREME_CORE_MT19937_H

#include <stdbool.h>
#include <stdint.h>

enum { CORE_MT_WORDS = 624 };

typedef struct {
    uint32_t word[CORE_MT_WORDS];
    uint32_t next;   /* the word to be given out next; CORE_MT_WORDS: all were, make new ones */
    uint32_t made;   /* words of this round; those after them are still the last round's */
    uint32_t seeded; /* words that are there at all */
} core_mt19937;

void core_mt_seed(core_mt19937 *mt, uint32_t seed);
uint32_t core_mt_draw(core_mt19937 *mt);
void core_mt_complete(core_mt19937 *mt);

/* Can the engine stand like this?  `next` in range, and not the one state that only ever gives 0. */
bool core_mt_possible(const core_mt19937 *mt);

#endif
