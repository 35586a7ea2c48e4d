/* Random words as numbers, for the CPU and the GPU: uniform in [0, 1) by as many of a word's upper bits as the type holds,
 * normal as pairs by Box and Muller.  Both are then stretched in double. */
#ifndef TRIREME_KERNELS_FORMULAS_RANDOM_H
#define TRIREME_KERNELS_FORMULAS_RANDOM_H

#include "kernels/formulas.h"
#include <trireme/types.h>

static inline TR_BOTH float uniform_f32(uint32_t word, int bits, double low, double high)
{
    float scale = 1.0f / (float)(1u << bits);
    return (float)((double)((float)(int32_t)(word >> (32 - bits)) * scale) * (high - low) + low);
}

/* The upper 53 bits of two words. */
static inline TR_BOTH uint64_t bits_of_words(uint32_t upper, uint32_t lower) { return ((uint64_t)upper << 32 | lower) >> 11; }

static inline TR_BOTH double uniform_f64(uint32_t upper, uint32_t lower, double low, double high)
{
    return (double)(int64_t)bits_of_words(upper, lower) * 0x1p-53 * (high - low) + low;
}

static inline TR_BOTH void normal_f32(uint32_t first, uint32_t second, double mean, double std, float pair[2])
{
    float u = (float)(int32_t)((first >> 8) + 1) * 0x1p-24f, v = (float)(int32_t)(second >> 8) * 0x1p-24f;
    float r = sqrtf(-2.0f * log_f32(u)), angle = 6.28318530718f * v;
    pair[0] = (float)((double)(r * cos_f32(angle)) * std + mean);
    pair[1] = (float)((double)(r * sin_f32(angle)) * std + mean);
}

static inline TR_BOTH void normal_f64(uint64_t first, uint64_t second, double mean, double std, double pair[2])
{
    double u = (double)(int64_t)(first + 1) * 0x1p-53, v = (double)(int64_t)second * 0x1p-53;
    double r = sqrt(-2.0 * log(u)), angle = 6.283185307179586 * v;
    pair[0] = r * cos(angle) * std + mean;
    pair[1] = r * sin(angle) * std + mean;
}

/* How many of a word's bits a type takes. */
static inline int uniform_bits(int type) { return type == TR_FLOAT16 ? 11 : type == TR_BFLOAT16 ? 8
                                                                                                : 24; }

#endif
