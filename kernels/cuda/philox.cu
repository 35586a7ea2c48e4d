/* Counted random numbers, as kernels/cpu/levels/philox.c has them: a thread takes a block of four words, which is four
 * elements, or two of float64, and stores those of them that the call asks for. */
#include "core/philox.h"
#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/walk.cuh"
#include "kernels/formulas_random.h"

struct random_call {
    int64_t n;
    uint64_t seed, offset;
    double a, b; /* low and high, or mean and standard deviation */
    int bits;
};

/* The four or two numbers of a block, W computed. */
static __device__ inline void numbers_of(const core_philox_words &w, const random_call &r, bool normal, float out[4])
{
    for (int j = 0; j < 4; j++)
        if (!normal) out[j] = uniform_f32(w.word[j], r.bits, r.a, r.b);
    for (int j = 0; j < 4; j += 2)
        if (normal) normal_f32(w.word[j], w.word[j + 1], r.a, r.b, out + j);
}

static __device__ inline void numbers_of(const core_philox_words &w, const random_call &r, bool normal, double out[2])
{
    for (int j = 0; j < 2; j++)
        if (!normal) out[j] = uniform_f64(w.word[2 * j], w.word[2 * j + 1], r.a, r.b);
    if (normal) normal_f64(bits_of_words(w.word[0], w.word[1]), bits_of_words(w.word[2], w.word[3]), r.a, r.b, out);
}

template <class S, class W, bool normal>
__global__ void __launch_bounds__(THREADS) fill_random(S *out, const random_call now, const random_call *replayed)
{
    const random_call r = replayed ? *replayed : now;
    enum { COUNT = 16 / sizeof(W) };
    const int64_t skip = (int64_t)(r.offset % COUNT), blocks = (skip + r.n + COUNT - 1) / COUNT;
    for (int64_t k = thread_index(); k < blocks; k += thread_count()) {
        W number[COUNT];
        numbers_of(core_philox_block(r.seed, r.offset / COUNT + (uint64_t)k), r, normal, number);
        for (int j = 0; j < COUNT; j++) {
            int64_t i = k * COUNT + j - skip;
            if (i >= 0 && i < r.n) out[i] = narrowed<S>::of(number[j]);
        }
    }
}

template <class S, class W, bool normal>
static int philox(const kernel_call *call)
{
    if (call->n <= 0) return 0;
    random_call r;
    memset(&r, 0, sizeof r); /* its gaps are compared, too */
    r.n = call->n, r.seed = call->word[0], r.offset = call->word[1];
    r.a = call->number[0], r.b = call->number[1], r.bits = uniform_bits(call->type);
    bool launches;
    const random_call *replayed = (const random_call *)cuda_numbers(&r, sizeof r, &launches);
    if (!launches) return 0;
    LAUNCH((fill_random<S, W, normal>), blocks_for(r.n / 2 + 1), THREADS, (S *)call->at[0], r, replayed);
    return launched(call);
}

void kernels_cuda_philox(kernel_table table)
{
#define PUT(TYPE, S, W)                                    \
 table[KERNEL_PHILOX_UNIFORM][TYPE] = philox<S, W, false>; \
 table[KERNEL_PHILOX_NORMAL][TYPE] = philox<S, W, true>;
    PUT(TR_FLOAT16, f16, float)
    PUT(TR_BFLOAT16, bf16, float)
    PUT(TR_FLOAT32, float, float)
    PUT(TR_FLOAT64, double, double)
}
