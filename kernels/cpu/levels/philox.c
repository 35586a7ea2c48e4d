/* Counted random numbers: Philox 4x32-10.  Element e = offset + i of (seed) is a function of both numbers, wherever and
 * by whomever it is computed: a block of four 32-bit words is the cipher of a counter under the seed as key.
 *   float32   element e takes word e % 4 of block e / 4: 24 bits; float16 and bfloat16 its upper 11 and 8
 *   float64   element e takes words 2 (e % 2) and the next of block e / 2: 53 bits
 *   normal    a pair (2 p, 2 p + 1) of elements shares two uniforms: r cos and r sin of Box and Muller
 * see  Salmon, Moraes, Dror & Shaw, Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011 */
#include "kernels/cpu/levels/convert.h"
#include "core/philox.h"
#include "kernels/formulas_random.h"

/* Words [4 block, 4 block + 4 n) of a seed. */
static void fill_words(uint32_t *words, uint64_t seed, uint64_t block, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        core_philox_words w = core_philox_block(seed, block + (uint64_t)i);
        for (int j = 0; j < 4; j++) words[4 * i + j] = w.word[j];
    }
}

static void uniforms_f32(float *out, const uint32_t *words, int64_t n, double low, double high, int bits)
{
    for (int64_t i = 0; i < n; i++) out[i] = uniform_f32(words[i], bits, low, high);
}

static void uniforms_f64(double *out, const uint32_t *words, int64_t n, double low, double high)
{
    for (int64_t i = 0; i < n; i++) out[i] = uniform_f64(words[2 * i], words[2 * i + 1], low, high);
}

static void normals_f32(float *out, const uint32_t *words, int64_t n, double mean, double std)
{
    for (int64_t i = 0; i < n; i += 2) normal_f32(words[i], words[i + 1], mean, std, out + i);
}

static void normals_f64(double *out, const uint32_t *words, int64_t n, double mean, double std)
{
    for (int64_t i = 0; i < n; i += 2)
        normal_f64(bits_of_words(words[2 * i], words[2 * i + 1]), bits_of_words(words[2 * i + 2], words[2 * i + 3]), mean, std, out + i);
}

/* Blocks are cut at multiples of BLOCK in the counted numbering, so that every element has its whole pair. */
static void philox_part(void *job, int64_t from, int64_t to)
{
    const kernel_call *call = job;
    bool normal = call->kernel == KERNEL_PHILOX_NORMAL, wide = call->type == TR_FLOAT64;
    double a = call->number[0], b = call->number[1];
    int bits = uniform_bits(call->type);
    const int64_t per_block = wide ? 2 : 4;
    char *out = call->at[0];
    for (int64_t i = from; i < to;) {
        uint32_t words[2 * BLOCK] = {0};
        double values[BLOCK];
        uint64_t element = call->word[1] + (uint64_t)i, skip = element % BLOCK;
        int64_t count = BLOCK - (int64_t)skip < to - i ? BLOCK - (int64_t)skip : to - i;
        int64_t blocks = ((int64_t)skip + count + per_block - 1) / per_block, n = blocks * per_block;
        fill_words(words, call->word[0], (element - skip) / (uint64_t)per_block, blocks);
        if (wide && normal)
            normals_f64(values, words, n, a, b);
        else if (wide)
            uniforms_f64(values, words, n, a, b);
        else if (normal)
            normals_f32((float *)values, words, n, a, b);
        else
            uniforms_f32((float *)values, words, n, a, b, bits);
        tr_dtype made = wide ? TR_FLOAT64 : TR_FLOAT32;
        convert(call->type, out + i * bytes_of(call->type), made, (char *)values + (int64_t)skip * bytes_of(made), count);
        i += count;
    }
}

static int fill_random(const kernel_call *call)
{
    kernels_split(call->n, BLOCK, call->n * (call->kernel == KERNEL_PHILOX_NORMAL ? 16 : 6), philox_part, (void *)(uintptr_t)call);
    return 0;
}

void kernels_philox(kernel_table table)
{
    for (tr_dtype type = TR_FLOAT16; type <= TR_FLOAT64; type++) {
        table[KERNEL_PHILOX_UNIFORM][type] = fill_random;
        table[KERNEL_PHILOX_NORMAL][type] = fill_random;
    }
}
