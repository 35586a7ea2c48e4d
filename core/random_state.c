/* A generator's state as bytes, little-endian:
 *
 *        0  8  "tr_rand1"
 *        8  4  kind
 *       12  4  MT19937: the next word's index
 *       16  8  seed
 *       24  8  Philox: words given out so far
 *       32  8  1 if a normal number waits, else 0
 *       40  8  that number's bits
 *       48  2496  MT19937: its words
 *     2544  8  0
 *     2552  8  FNV-1a over all bytes before
 *
 * What a kind does not use is 0. */
#include "core/random.h"

#include <math.h>
#include <string.h>
#include "core/fail.h"

enum { MAGIC = 0,
       KIND = 8,
       NEXT = 12,
       SEED = 16,
       OFFSET = 24,
       HAS_NORMAL = 32,
       NORMAL = 40,
       WORDS = 48,
       UNUSED = WORDS + 4 * CORE_MT_WORDS,
       SUM = TR_GENERATOR_STATE_BYTES - 8 };
static const char magic[8] = {'t', 'r', '_', 'r', 'a', 'n', 'd', '1'};

static void put(uint8_t *at, int bytes, uint64_t value)
{
    for (int i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(const uint8_t *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (uint64_t)at[i] << 8 * i;
    return value;
}

static uint64_t sum_of(const uint8_t *state)
{
    uint64_t sum = 0xcbf29ce484222325u;
    for (int i = 0; i < SUM; i++) sum = (sum ^ state[i]) * 0x100000001b3u;
    return sum;
}

void tr_generator_save(const tr_generator *g, uint8_t *state)
{
    if (!g || !state) {
        core_null("tr_generator_save");
        return;
    }
    uint64_t normal;
    memcpy(&normal, &g->next_normal, sizeof normal);
    memset(state, 0, TR_GENERATOR_STATE_BYTES);
    memcpy(state + MAGIC, magic, sizeof magic);
    put(state + KIND, 4, (uint64_t)g->kind);
    put(state + SEED, 8, g->seed);
    put(state + OFFSET, 8, g->offset);
    put(state + HAS_NORMAL, 8, g->has_normal);
    put(state + NORMAL, 8, normal);
    if (g->kind == TR_MT19937) {
        core_mt19937 mt = g->mt;
        core_mt_complete(&mt);
        put(state + NEXT, 4, mt.next);
        for (int i = 0; i < CORE_MT_WORDS; i++) put(state + WORDS + 4 * i, 4, mt.word[i]);
    }
    put(state + SUM, 8, sum_of(state));
}

int(tr_generator_restore)(tr_generator *g, const uint8_t *state)
{
    static const char *const kind_name[] = {"MT19937", "Philox"};
    if (!g || !state) return core_null_status("tr_generator_restore");
    if (memcmp(state + MAGIC, magic, sizeof magic) != 0)
        return core_fail_status("tr_generator_restore: these bytes are not a generator's state");
    uint64_t kind = get(state + KIND, 4);
    if (kind != TR_MT19937 && kind != TR_PHILOX)
        return core_fail_status("tr_generator_restore: there is no kind %u of generator", (unsigned)kind);
    if (kind != (uint64_t)g->kind)
        return core_fail_status("tr_generator_restore: the state of a %s generator, but this one is %s", kind_name[kind], kind_name[g->kind]);
    if (get(state + SUM, 8) != sum_of(state))
        return core_fail_status("tr_generator_restore: the state is damaged: its checksum does not fit");

    tr_generator to = *g;
    to.seed = get(state + SEED, 8);
    to.offset = get(state + OFFSET, 8);
    uint64_t has_normal = get(state + HAS_NORMAL, 8), normal = get(state + NORMAL, 8);
    to.has_normal = has_normal == 1;
    memcpy(&to.next_normal, &normal, sizeof normal);
    to.mt.next = (uint32_t)get(state + NEXT, 4);
    to.mt.made = to.mt.seeded = CORE_MT_WORDS;
    for (int i = 0; i < CORE_MT_WORDS; i++) to.mt.word[i] = (uint32_t)get(state + WORDS + 4 * i, 4);
    if (kind == TR_MT19937 && !core_mt_possible(&to.mt))
        return core_fail_status("tr_generator_restore: no MT19937 generator stands like this (position %u of %d)", (unsigned)to.mt.next, CORE_MT_WORDS);
    if (has_normal > 1 || !isfinite(to.next_normal))
        return core_fail_status("tr_generator_restore: the waiting normal number is none");
    *g = to;
    return 0;
}
