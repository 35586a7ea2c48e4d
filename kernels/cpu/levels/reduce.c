/* sum, prod, max, min over any dims: the loops of each type.  How an array is walked stands in reduce_by.c.
 *
 * Elements are read in the type `read` (float for halves, int64 for integers) and accumulated in `accumulate`. */
#include "kernels/cpu/levels/reduce.h"

#include "kernels/cpu/levels/reduce_by.h"

#include <math.h>
#include "kernels/formulas_complex.h"

enum { LANES = 32 }; /* doubles in four AVX-512 registers */

#include "kernels/cpu/levels/reduce_wide.h"
#define WIDE_SUMS
#define T         float
#define A         double
#define OF(n)     n##_f32
#define IS_NAN(x) ((x) != (x))
#define START_MAX -INFINITY
#define START_MIN INFINITY
#include "kernels/cpu/levels/reduce_of.h"
#undef T
#undef A
#undef OF
#undef WIDE_SUMS

#define T     double
#define A     double
#define OF(n) n##_f64
#include "kernels/cpu/levels/reduce_of.h"
#undef T
#undef A
#undef OF
#undef IS_NAN
#undef START_MAX
#undef START_MIN

#define T         int64_t
#define A         uint64_t
#define OF(n)     n##_i64
#define IS_NAN(x) false
#define START_MAX INT64_MIN
#define START_MIN INT64_MAX
#include "kernels/cpu/levels/reduce_of.h"
#undef T
#undef A
#undef OF

double row_sum_f32(const float *x, int64_t n)
{
    return sum_run_f32(x, n);
}
double row_sum_positive_f32(const float *x, int64_t n) { return n < 4 * LANES ? sum_short_f32(x, n) : sum_long_f32(x, n, 0); }
double row_sum_f64(const double *x, int64_t n) { return sum_run_f64(x, n); }

/* A complex number is summed as two columns, and a row of them as pairs of columns. */
static void sum_columns_c128(void *accumulators, const void *x, int64_t n) { sum_columns_f64(accumulators, x, 2 * n); }

static void sum_row_c128(void *accumulator, const void *x_, int64_t n)
{
    complex128 *sum = accumulator, lane[4] = {
                                       {0, 0}};
    const complex128 *x = x_;
    for (int64_t i = 0; i < n; i++) {
        lane[i & 3].re += x[i].re;
        lane[i & 3].im += x[i].im;
    }
    sum->re += lane[0].re + lane[2].re + (lane[1].re + lane[3].re);
    sum->im += lane[0].im + lane[2].im + (lane[1].im + lane[3].im);
}

static void prod_row_c128(void *accumulator, const void *x_, int64_t n)
{
    complex128 *y = accumulator;
    const complex128 *x = x_;
    for (int64_t i = 0; i < n; i++) *y = mul_c128(*y, x[i]);
}

static void prod_columns_c128(void *accumulators, const void *x_, int64_t n)
{
    complex128 *y = accumulators;
    const complex128 *x = x_;
    for (int64_t i = 0; i < n; i++) y[i] = mul_c128(y[i], x[i]);
}

static const complex128 one_c128 = {1, 0};

static const reducer sum_of_f32 = {sum_row_f32, sum_columns_f32, sum_row_f64, TR_FLOAT32, TR_FLOAT64, NULL, sum_matrix_f32};
static const reducer sum_of_f64 = {sum_row_f64, sum_columns_f64, sum_row_f64, TR_FLOAT64, TR_FLOAT64, NULL, NULL};
static const reducer sum_of_i64 = {sum_row_i64, sum_columns_i64, sum_row_i64, TR_INT64, TR_INT64, NULL, NULL};
static const reducer sum_of_c128 = {sum_row_c128, sum_columns_c128, sum_row_c128, TR_COMPLEX128, TR_COMPLEX128, NULL, NULL};
static const reducer max_of_f32 = {max_row_f32, max_columns_f32, max_row_f32, TR_FLOAT32, TR_FLOAT32, &start_max_f32, NULL};
static const reducer max_of_f64 = {max_row_f64, max_columns_f64, max_row_f64, TR_FLOAT64, TR_FLOAT64, &start_max_f64, NULL};
static const reducer max_of_i64 = {max_row_i64, max_columns_i64, max_row_i64, TR_INT64, TR_INT64, &start_max_i64, NULL};
static const reducer min_of_f32 = {min_row_f32, min_columns_f32, min_row_f32, TR_FLOAT32, TR_FLOAT32, &start_min_f32, NULL};
static const reducer min_of_f64 = {min_row_f64, min_columns_f64, min_row_f64, TR_FLOAT64, TR_FLOAT64, &start_min_f64, NULL};
static const reducer min_of_i64 = {min_row_i64, min_columns_i64, min_row_i64, TR_INT64, TR_INT64, &start_min_i64, NULL};

static const reducer prod_of_f32 = {prod_row_f32, prod_columns_f32, prod_row_f64, TR_FLOAT32, TR_FLOAT64, &one_f32, NULL};
static const reducer prod_of_f64 = {prod_row_f64, prod_columns_f64, prod_row_f64, TR_FLOAT64, TR_FLOAT64, &one_f64, NULL};
static const reducer prod_of_c128 = {prod_row_c128, prod_columns_c128, prod_row_c128, TR_COMPLEX128, TR_COMPLEX128, &one_c128, NULL};
static const reducer prod_of_i64 = {prod_row_i64, prod_columns_i64, prod_row_i64, TR_INT64, TR_INT64, &one_i64, NULL};

/* One short row that lies dense: the loss's. */
static INLINE bool is_short_row(const kernel_call *call)
{
    return call->n == 1 && call->ndim == 1 && call->split == 0 && call->stride[1][0] == 1 && call->size[0] > 0 && call->size[0] < 4 * LANES && call->type == TR_FLOAT32;
}

static INLINE int sum_short_row(const kernel_call *call)
{
    const double sum = sum_short_f32(call->at[1], call->size[0]), parts = call->number[0];
    *(float *)call->at[0] = (float)(parts == 1 ? sum : sum / parts); /* dividing waits */
    return 0;
}

/* A few short sums of floats along one dim: what reduce_by() would do, without looking for what is not there.  False: not
 * such a call. */
static bool sum_few(const kernel_call *call)
{
    int64_t n = 1, step = 1, to = 0, from = 0;
    for (int d = call->split; d < call->ndim; d++) {
        if (call->size[d] == 1) continue;
        if (n != 1 && step != call->stride[1][d] * call->size[d]) return false;
        n *= call->size[d];
        step = call->stride[1][d];
    }
    for (int d = 0; d < call->split && call->n > 1; d++) {
        if (call->size[d] == 1) continue;
        if (call->size[d] != call->n) return false;
        to = call->stride[0][d];
        from = call->stride[1][d];
    }
    bool by_columns = distance(from) < distance(step) && call->n >= n;
    if (n == 0 || n > BLOCK || (call->n > 1 && by_columns)) return false;
    const float *x = call->at[1];
    float *y = call->at[0], row[BLOCK];
    for (int64_t i = 0; i < call->n; i++) {
        if (step != 1) gather(sizeof *row, row, x + i * from, step, n);
        y[i * to] = (float)((0 + sum_run_f32(step == 1 ? x + i * from : row, n)) / call->number[0]);
    }
    return true;
}

static int sum_f32(const kernel_call *call)
{
    if (is_short_row(call)) return sum_short_row(call);
    bool few = call->type == TR_FLOAT32 && call->n > 0 && call->n < 4;
    return few && sum_few(call) ? 0 : reduce_by(call, &sum_of_f32, call->type);
}
static int sum_f64(const kernel_call *call) { return reduce_by(call, &sum_of_f64, call->type); }
static int sum_complex(const kernel_call *call) { return reduce_by(call, &sum_of_c128, call->type); }

static int prod_f32(const kernel_call *call) { return reduce_by(call, &prod_of_f32, call->type); }
static int prod_f64(const kernel_call *call) { return reduce_by(call, &prod_of_f64, call->type); }
static int prod_complex(const kernel_call *call) { return reduce_by(call, &prod_of_c128, call->type); }

static int whole(const kernel_call *call, const reducer *by)
{
    tr_dtype from = call->from ? call->from : call->type;
    if (from > TR_INT64) return core_fail_status("tr_%s: elements of type %d do not add up to int64", kernel_name(call->kernel), from);
    return reduce_by(call, by, from);
}

static int sum_i64(const kernel_call *call) { return whole(call, &sum_of_i64); }
static int prod_i64(const kernel_call *call) { return whole(call, &prod_of_i64); }

static int max_f32(const kernel_call *call) { return reduce_by(call, &max_of_f32, call->type); }
static int max_f64(const kernel_call *call) { return reduce_by(call, &max_of_f64, call->type); }
static int max_i64(const kernel_call *call) { return reduce_by(call, &max_of_i64, call->type); }
static int min_f32(const kernel_call *call) { return reduce_by(call, &min_of_f32, call->type); }
static int min_f64(const kernel_call *call) { return reduce_by(call, &min_of_f64, call->type); }
static int min_i64(const kernel_call *call) { return reduce_by(call, &min_of_i64, call->type); }

void kernels_reduce(kernel_table table)
{
    static const tr_dtype real[] = {TR_FLOAT16, TR_BFLOAT16, TR_FLOAT32}, integers[] = {TR_BOOL, TR_UINT8, TR_INT32, TR_INT64};
    for (int i = 0; i < 3; i++) {
        table[KERNEL_SUM][real[i]] = sum_f32;
        table[KERNEL_PROD][real[i]] = prod_f32;
        table[KERNEL_MAX][real[i]] = max_f32;
        table[KERNEL_MIN][real[i]] = min_f32;
    }
    for (int i = 0; i < 4; i++) {
        table[KERNEL_MAX][integers[i]] = max_i64;
        table[KERNEL_MIN][integers[i]] = min_i64;
    }
    table[KERNEL_SUM][TR_INT64] = sum_i64;
    table[KERNEL_SUM][TR_FLOAT64] = sum_f64;
    table[KERNEL_PROD][TR_INT64] = prod_i64;
    table[KERNEL_PROD][TR_FLOAT64] = prod_f64;
    table[KERNEL_MAX][TR_FLOAT64] = max_f64;
    table[KERNEL_MIN][TR_FLOAT64] = min_f64;
    table[KERNEL_SUM][TR_COMPLEX64] = table[KERNEL_SUM][TR_COMPLEX128] = sum_complex;
    table[KERNEL_PROD][TR_COMPLEX64] = table[KERNEL_PROD][TR_COMPLEX128] = prod_complex;
}
