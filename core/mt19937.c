#include "core/mt19937.h"

enum { N = CORE_MT_WORDS,
       M = 397,
       AT_ONCE = 16 };
_Static_assert(N % AT_ONCE == 0, "a round ends with the last words made at once");
static const uint32_t high_bit = 0x80000000u, low_bits = 0x7fffffffu;

void core_mt_seed(core_mt19937 *mt, uint32_t seed)
{
    mt->word[0] = seed;
    mt->seeded = 1;
    mt->made = mt->next = N;
}

static void seed_until(core_mt19937 *mt, uint32_t end)
{
    uint32_t i = mt->seeded;
    if (i >= end) return;
    for (uint32_t word = mt->word[i - 1]; i < end; i++) mt->word[i] = word = 1812433253u * (word ^ word >> 30) + i;
    mt->seeded = end;
}

static uint32_t twist(uint32_t high, uint32_t low)
{
    return ((high & high_bit) | (low & low_bits)) >> 1 ^ (low & 1 ? 0x9908b0dfu : 0);
}

/* This round's words up to `end`, in place: word i needs the old i and i + 1, and i + 397, which may be new already. */
static void make_until(core_mt19937 *mt, uint32_t end)
{
    uint32_t *word = mt->word, i = mt->made;
    seed_until(mt, end + M < N ? end + M : N);
    for (; i < end && i < N - M; i++) word[i] = word[i + M] ^ twist(word[i], word[i + 1]);
    for (; i < end && i < N - 1; i++) word[i] = word[i + M - N] ^ twist(word[i], word[i + 1]);
    if (i < end) word[N - 1] = word[M - 1] ^ twist(word[N - 1], word[0]);
    mt->made = end;
}

void core_mt_complete(core_mt19937 *mt)
{
    make_until(mt, N);
}

uint32_t core_mt_draw(core_mt19937 *mt)
{
    if (mt->next == mt->made) {
        if (mt->next == N) mt->made = mt->next = 0;
        make_until(mt, mt->made + AT_ONCE);
    }
    uint32_t y = mt->word[mt->next++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

bool core_mt_possible(const core_mt19937 *mt)
{
    uint32_t any = mt->word[0] & high_bit; /* the other 31 bits of the first word never matter */
    for (int i = 1; i < N; i++) any |= mt->word[i];
    return any && mt->next <= N;
}
