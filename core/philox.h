/* Philox 4x32-10 (Salmon, Moraes, Dror & Shaw, SC 2011): a block of four words is a function of its number and the key.
 *
 *     word n of a seed = word n % 4 of block n / 4 */
#ifndef TRIREME_CORE_PHILOX_H
#define TRIREME_CORE_PHILOX_H

#include <stdint.h>

/* word = the ten rounds of Philox over counter (4 words) under key (2 words). */
static inline void core_philox_block(const uint32_t counter[4], const uint32_t key[2], uint32_t word[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)c0 * 0xd2511f53u, b = (uint64_t)c2 * 0xcd9e8d57u;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)a;
        k0 += 0x9e3779b9u; /* the golden ratio and sqrt(3) - 1, as in the paper */
        k1 += 0xbb67ae85u;
    }
    word[0] = c0, word[1] = c1, word[2] = c2, word[3] = c3;
}

/* Word n of a seed. */
static inline uint32_t core_philox(uint64_t seed, uint64_t n)
{
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    const uint32_t counter[4] = {(uint32_t)(n >> 2), (uint32_t)(n >> 34), 0, 0};
    uint32_t word[4];
    core_philox_block(counter, key, word);
    return word[n & 3];
}

#endif
