/* Philox 4x32-10: four random words are a function of a 128-bit counter and a 64-bit key, by ten rounds of two
 * multiplications.
 *
 *     word n of a seed = word n % 4 of block n / 4
 *
 * see  Salmon, Moraes, Dror & Shaw, Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011 */
#ifndef TRIREME_CORE_PHILOX_H
#define TRIREME_CORE_PHILOX_H

#include "core/both.h"

typedef struct {
    uint32_t word[4];
} core_philox_words;

static inline TR_BOTH core_philox_words core_philox_cipher(core_philox_words counter, uint32_t key0, uint32_t key1)
{
    uint32_t c0 = counter.word[0], c1 = counter.word[1], c2 = counter.word[2], c3 = counter.word[3];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xd2511f53u * c0, p1 = (uint64_t)0xcd9e8d57u * c2;
        uint32_t d0 = (uint32_t)(p1 >> 32) ^ c1 ^ key0, d2 = (uint32_t)(p0 >> 32) ^ c3 ^ key1;
        c0 = d0;
        c1 = (uint32_t)p1;
        c2 = d2;
        c3 = (uint32_t)p0;
        key0 += 0x9e3779b9u; /* the golden ratio and sqrt(3) - 1, as in the paper */
        key1 += 0xbb67ae85u;
    }
    counter.word[0] = c0, counter.word[1] = c1, counter.word[2] = c2, counter.word[3] = c3;
    return counter;
}

/* The words of a numbered block of a seed. */
static inline TR_BOTH core_philox_words core_philox_block(uint64_t seed, uint64_t block)
{
    core_philox_words counter;
    counter.word[0] = (uint32_t)block, counter.word[1] = (uint32_t)(block >> 32);
    counter.word[2] = counter.word[3] = 0;
    return core_philox_cipher(counter, (uint32_t)seed, (uint32_t)(seed >> 32));
}

/* Word n of a seed. */
static inline TR_BOTH uint32_t core_philox(uint64_t seed, uint64_t n) { return core_philox_block(seed, n >> 2).word[n & 3]; }

#endif
