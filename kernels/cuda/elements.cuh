/* Elements as kernels meet them: half types, which are stored as bits and computed in float, and packs of 16 bytes. */
#ifndef TRIREME_KERNELS_CUDA_ELEMENTS_CUH
#define TRIREME_KERNELS_CUDA_ELEMENTS_CUH

#include "core/half.h"
#include "kernels/cuda/gpu.h"

struct f16 {
    uint16_t bits;
};
struct bf16 {
    uint16_t bits;
};
struct truth { /* bool, as tensors hold it */
    uint8_t bits;
};

struct twice8 { /* 16 bytes that may stand at a multiple of 8 */
    uint64_t half[2];
};

/* An operand that an operation does not have. */
struct nothing {
};

/* What an element is computed as. */
template <class T>
__device__ inline T widened(T x)
{
    return x;
}
__device__ inline float widened(f16 x) { return core_half_to_float(x.bits); }
__device__ inline float widened(bf16 x) { return core_bfloat_to_float(x.bits); }

/* And what is stored of it. */
template <class T>
struct narrowed {
    static TR_BOTH T of(T x) { return x; }
};
template <>
struct narrowed<f16> {
    static TR_BOTH f16 of(float x)
    {
        f16 h;
        h.bits = core_half_from_float(x);
        return h;
    }
};
template <>
struct narrowed<bf16> {
    static TR_BOTH bf16 of(float x)
    {
        bf16 h;
        h.bits = core_bfloat_from_float(x);
        return h;
    }
};

/* ---- several elements at once, moved as one word of 1 to 16 bytes ---- */
#if defined(__CUDACC__)
typedef uint4 word16;
#else
struct alignas(16) word16 {
    uint64_t half[2];
};
#endif

template <class WORD>
__device__ inline void write_word(WORD *to, WORD bits)
{
    *to = bits;
}
#if defined(__CUDACC__)
/* As one instruction: nvcc takes them apart where what they hold comes out of branches, as an optimiser's states do. */
__device__ inline void write_word(word16 *to, word16 bits)
{
    asm("st.global.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(to), "r"(bits.x), "r"(bits.y), "r"(bits.z), "r"(bits.w)
        : "memory");
}
#endif
template <int bytes>
struct word_of;
template <>
struct word_of<1> {
    typedef uint8_t type;
};
template <>
struct word_of<2> {
    typedef uint16_t type;
};
template <>
struct word_of<4> {
    typedef uint32_t type;
};
template <>
struct word_of<8> {
    typedef uint64_t type;
};
template <>
struct word_of<16> {
    typedef word16 type;
};

template <class T, int count>
struct pack {
    T at[count];
};

template <class T, int count>
__device__ inline pack<T, count> load(const T *from)
{
    typedef typename word_of<sizeof(T) * count>::type word;
    word bits = *(const word *)from;
    pack<T, count> p;
    memcpy(&p, &bits, sizeof p);
    return p;
}

template <class T, int count>
__device__ inline void store(T *to, const pack<T, count> &p)
{
    typedef typename word_of<sizeof(T) * count>::type word;
    word bits;
    memcpy(&bits, &p, sizeof bits);
    write_word((word *)to, bits);
}

#endif
