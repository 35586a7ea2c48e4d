/* A product as cuBLASLt computes it, by a triple loop over memory: matrices as it is told of them, column after column. */
#ifndef TEST_COLUMN_MAJOR_H
#define TEST_COLUMN_MAJOR_H

#include "core/half.h"

#include <trireme/types.h>

typedef struct {
    tr_dtype type;
    int64_t rows, columns, leading, step;
    bool transposed;
} column_major;

typedef struct {
    double re, im;
} complex_value;

static inline complex_value value_at(const void *from, tr_dtype type, int64_t i)
{
    switch (type) {
    case TR_FLOAT16: return (complex_value){(double)core_half_to_float(((const uint16_t *)from)[i]), 0};
    case TR_BFLOAT16: return (complex_value){(double)core_bfloat_to_float(((const uint16_t *)from)[i]), 0};
    case TR_FLOAT32: return (complex_value){(double)((const float *)from)[i], 0};
    case TR_COMPLEX64: return (complex_value){(double)((const float *)from)[2 * i], (double)((const float *)from)[2 * i + 1]};
    case TR_COMPLEX128: return (complex_value){((const double *)from)[2 * i], ((const double *)from)[2 * i + 1]};
    default: return (complex_value){((const double *)from)[i], 0};
    }
}

static inline void put_value(void *to, tr_dtype type, int64_t i, complex_value x)
{
    switch (type) {
    case TR_FLOAT16: ((uint16_t *)to)[i] = core_half_from_float((float)x.re); break;
    case TR_BFLOAT16: ((uint16_t *)to)[i] = core_bfloat_from_float((float)x.re); break;
    case TR_FLOAT32: ((float *)to)[i] = (float)x.re; break;
    case TR_COMPLEX64: ((float *)to)[2 * i] = (float)x.re, ((float *)to)[2 * i + 1] = (float)x.im; break;
    case TR_COMPLEX128: ((double *)to)[2 * i] = x.re, ((double *)to)[2 * i + 1] = x.im; break;
    default: ((double *)to)[i] = x.re;
    }
}

/* op(m)[i,l] */
static inline complex_value turned_at(const void *from, const column_major *m, int64_t step, int64_t i, int64_t l)
{
    return value_at(from, m->type, step * m->step + (m->transposed ? l + i * m->leading : i + l * m->leading));
}

/* D = alpha op(A) op(B) + beta D, + bias along its rows, and relu of that: batch by batch; k is op(A)'s columns. */
static inline void multiply_column_major(const column_major *a, const void *at_a, const column_major *b, const void *at_b, const column_major *d, void *at_d, int64_t batch, double alpha, double beta, const void *bias, bool relu)
{
    const int64_t k = a->transposed ? a->rows : a->columns;
    for (int64_t step = 0; step < batch; step++)
        for (int64_t j = 0; j < d->columns; j++)
            for (int64_t i = 0; i < d->rows; i++) {
                const int64_t at = step * d->step + i + j * d->leading;
                complex_value sum = {0, 0};
                for (int64_t l = 0; l < k; l++) {
                    const complex_value x = turned_at(at_a, a, step, i, l), y = turned_at(at_b, b, step, l, j);
                    sum.re += x.re * y.re - x.im * y.im;
                    sum.im += x.re * y.im + x.im * y.re;
                }
                sum.re *= alpha, sum.im *= alpha;
                if (beta != 0) {
                    const complex_value before = value_at(at_d, d->type, at);
                    sum.re += beta * before.re, sum.im += beta * before.im;
                }
                if (bias) sum.re += value_at(bias, d->type, i).re;
                if (relu && sum.re < 0) sum.re = 0;
                put_value(at_d, d->type, at, sum);
            }
}

#endif
