/* Casts between float32 and the half types, as a list that travels in the launch: what autocast puts before and behind each
 * product.  An element meets the function of its own launch (copy.cu), and so has its bits. */
#ifndef TRIREME_KERNELS_CUDA_CASTS_CUH
#define TRIREME_KERNELS_CUDA_CASTS_CUH

#include "kernels/cuda/convert.cuh"

enum cast_kinds { NO_CAST,
                  TO_F16,
                  TO_BF16,
                  FROM_F16,
                  FROM_BF16 };

enum { CAST_PACK = 4 };

struct cast {
    void *to;
    const void *from;
    int64_t n;
    int kind;
    bool packs; /* both begin at a pack */
};

static inline int cast_kind(const kernel_call *call)
{
    if (call->kernel != KERNEL_COPY || call->form != KERNEL_FLAT || call->ones) return NO_CAST;
    if (call->from == TR_FLOAT32) return call->type == TR_FLOAT16 ? TO_F16 : call->type == TR_BFLOAT16 ? TO_BF16
                                                                                                       : NO_CAST;
    if (call->type != TR_FLOAT32) return NO_CAST;
    return call->from == TR_FLOAT16 ? FROM_F16 : call->from == TR_BFLOAT16 ? FROM_BF16
                                                                           : NO_CAST;
}

static inline cast cast_of(const kernel_call *call)
{
    cast c;
    memset(&c, 0, sizeof c);
    c.to = call->at[0], c.from = call->at[1], c.n = call->n, c.kind = cast_kind(call);
    c.packs = (uintptr_t)c.to % (uintptr_t)(CAST_PACK * core_dtype_bytes[call->type]) == 0 &&
              (uintptr_t)c.from % (uintptr_t)(CAST_PACK * core_dtype_bytes[call->from]) == 0;
    return c;
}

/* What a thread of so many does of the elements from `begin`, at a pack, to `end`. */
template <class TO, class FROM>
static __device__ inline void cast_range(const cast &c, int64_t begin, int64_t end, int thread, int threads)
{
    const FROM *from = (const FROM *)c.from;
    TO *to = (TO *)c.to;
    const int64_t loose = c.packs ? begin + (end - begin) / CAST_PACK * CAST_PACK : begin;
    for (int64_t i = begin + thread * CAST_PACK; i < loose; i += threads * CAST_PACK) {
        const pack<FROM, CAST_PACK> x = load<FROM, CAST_PACK>(from + i);
        pack<TO, CAST_PACK> y;
        UNROLLED
        for (int j = 0; j < CAST_PACK; j++) y.at[j] = converted<TO>::of(widened(x.at[j]));
        store<TO, CAST_PACK>(to + i, y);
    }
    for (int64_t i = loose + thread; i < end; i += threads) to[i] = converted<TO>::of(widened(from[i]));
}

static __device__ inline void do_cast(const cast &c, int64_t begin, int64_t end, int thread, int threads)
{
    switch (c.kind) {
    case TO_F16: return cast_range<f16, float>(c, begin, end, thread, threads);
    case TO_BF16: return cast_range<bf16, float>(c, begin, end, thread, threads);
    case FROM_F16: return cast_range<float, f16>(c, begin, end, thread, threads);
    default: return cast_range<float, bf16>(c, begin, end, thread, threads);
    }
}

#endif
