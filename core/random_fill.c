/* Random numbers as PyTorch's CPU draws them; what is drawn, in which order, and where it is rounded is the contract.
 * PyTorch is built with fused multiply-add where the processor has it, so that is how a range or a deviation is applied. */
#include "core/random.h"

#include <math.h>
#include "core/dtype.h"
#include "core/half.h"

static const double two_pi = 6.283185307179586;

/* How many of the bits drawn a type uses: those of its fraction. */
static int bits_of(tr_dtype dtype)
{
    switch (dtype) {
    case TR_FLOAT16: return 11;
    case TR_BFLOAT16: return 8;
    case TR_FLOAT64: return 53;
    default: return 24;
    }
}

static double rounded(tr_dtype dtype, double x)
{
    switch (dtype) {
    case TR_FLOAT16: return (double)core_half_to_float(core_half_from_float((float)x));
    case TR_BFLOAT16: return (double)core_bfloat_to_float(core_bfloat_from_float((float)x));
    case TR_FLOAT64: return x;
    default: return (double)(float)x;
    }
}

double core_draw_uniform(tr_generator *g, tr_dtype dtype, double low, double high)
{
    int bits = bits_of(dtype);
    uint64_t drawn = dtype == TR_FLOAT64 ? tr_random_u64(g) : tr_random_u32(g);
    double x = (double)(drawn & ((UINT64_C(1) << bits) - 1)) / (double)(UINT64_C(1) << bits);
    double from = rounded(dtype, low), width = rounded(dtype, rounded(dtype, high) - from);
    if (bits < 24) return rounded(dtype, (double)fmaf((float)x, (float)width, (float)from)); /* half types add up in float */
    return rounded(dtype, fma(x, width, from));
}

double core_draw_normal(tr_generator *g)
{
    if (g->has_normal) {
        g->has_normal = false;
        return g->next_normal;
    }
    double angle = two_pi * core_draw_uniform(g, TR_FLOAT64, 0, 1);
    double radius = sqrt(-2 * log1p(-core_draw_uniform(g, TR_FLOAT64, 0, 1)));
    g->has_normal = true;
    g->next_normal = radius * sin(angle);
    return radius * cos(angle);
}

int64_t core_draw_integer(tr_generator *g, tr_dtype dtype, int64_t low, uint64_t range)
{
    bool wide = range > UINT32_MAX && core_dtype_bytes[dtype] > 4;
    uint64_t drawn = wide ? tr_random_u64(g) : tr_random_u32(g);
    return (int64_t)(drawn % range + (uint64_t)low); /* adds modulo 2^64 */
}

void core_fill_uniform(tr_generator *g, tr_dtype dtype, void *data, int64_t n, double low, double high)
{
    for (int64_t i = 0; i < n; i++) core_element_set(data, dtype, i, core_draw_uniform(g, dtype, low, high));
}

void core_fill_integers(tr_generator *g, tr_dtype dtype, void *data, int64_t n, int64_t low, uint64_t range)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t value = core_draw_integer(g, dtype, low, range);
        if (dtype == TR_INT64)
            ((int64_t *)data)[i] = value;
        else
            core_element_set(data, dtype, i, (double)value);
    }
}

/* ---- normal numbers, 16 at a time ---- */

/* In place: 8 uniform numbers for the radii, 8 for the angles, to 8 cosines and 8 sines.  1 - u is in (0, 1], for log. */
static void normal_16_float(float *x, float mean, float std)
{
    for (int i = 0; i < 8; i++) {
        float radius = sqrtf(-2 * logf(1 - x[i])), angle = (float)two_pi * x[i + 8];
        x[i] = fmaf(radius * cosf(angle), std, mean);
        x[i + 8] = fmaf(radius * sinf(angle), std, mean);
    }
}

static void normal_16_double(double *x, double mean, double std)
{
    for (int i = 0; i < 8; i++) {
        double radius = sqrt(-2 * log(1 - x[i])), angle = two_pi * x[i + 8];
        x[i] = fma(radius * cos(angle), std, mean);
        x[i + 8] = fma(radius * sin(angle), std, mean);
    }
}

/* One block from 16 numbers drawn here; half types are computed in float32. */
static void normal_block(tr_generator *g, tr_dtype dtype, void *data, int64_t at, double mean, double std)
{
    double wide[16];
    float narrow[16];
    if (dtype == TR_FLOAT64) {
        core_fill_uniform(g, TR_FLOAT64, wide, 16, 0, 1);
        normal_16_double(wide, mean, std);
    } else {
        core_fill_uniform(g, TR_FLOAT32, narrow, 16, 0, 1);
        normal_16_float(narrow, (float)mean, (float)std);
    }
    for (int i = 0; i < 16; i++) core_element_set(data, dtype, at + i, dtype == TR_FLOAT64 ? wide[i] : (double)narrow[i]);
}

void core_fill_normal(tr_generator *g, tr_dtype dtype, void *data, int64_t n, double mean, double std)
{
    if (n < 16) {
        for (int64_t i = 0; i < n; i++) core_element_set(data, dtype, i, fma(core_draw_normal(g), std, mean));
        return;
    }
    for (int64_t i = 0; i + 16 <= n; i += 16) normal_block(g, dtype, data, i, mean, std);
    if (n % 16) {
        /* PyTorch draws n numbers first, then the last 16 anew: those of the unfinished block are lost */
        for (int64_t i = 0; i < n % 16; i++) core_draw_uniform(g, dtype == TR_FLOAT64 ? TR_FLOAT64 : TR_FLOAT32, 0, 1);
        normal_block(g, dtype, data, n - 16, mean, std);
    }
}
