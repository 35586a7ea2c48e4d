/* Softmax and its logarithm along one dim, and their backwards.  The largest of a row is taken off first, so that no
 * exp overflows; sums run in double, those of exponentials by fours of floats.
 * see  Blanchard, Higham & Higham, IMA J. Numer. Anal. 41 (2021), on shifting by the maximum */
#include "kernels/cpu/levels/reduce.h"
#include "kernels/cpu/levels/through_float.h"
#include "kernels/formulas.h"

enum { TILE = 64 };

#define T            float
#define OF(n)        n##_f32
#define SUM          row_sum_f32
#define POSITIVE_SUM row_sum_positive_f32
#define EXP          exp_f32
#define BELOW        exp_below_f32
#define LOG          log_f32
#include "kernels/cpu/levels/softmax_of.h"
#undef T
#undef OF
#undef EXP
#undef BELOW
#undef LOG
#undef SUM
#undef POSITIVE_SUM

#define T            double
#define OF(n)        n##_f64
#define SUM          row_sum_f64
#define POSITIVE_SUM row_sum_f64
#define EXP          exp
#define BELOW        exp
#define LOG          log
#include "kernels/cpu/levels/softmax_of.h"
#undef T
#undef OF

static int softmax_half(const kernel_call *call)
{
    int64_t n = call->size[0] * call->size[1] * call->size[2];
    return through_float(call, softmax_f32, (const int64_t[KERNEL_VIEWS]){n, n, n, 0}, 1);
}

void kernels_softmax(kernel_table table)
{
    static const kernel_id kernels[] = {KERNEL_SOFTMAX, KERNEL_LOG_SOFTMAX, KERNEL_SOFTMAX_BACKWARD, KERNEL_LOG_SOFTMAX_BACKWARD};
    for (int i = 0; i < 4; i++) {
        table[kernels[i]][TR_FLOAT32] = softmax_f32;
        table[kernels[i]][TR_FLOAT64] = softmax_f64;
        table[kernels[i]][TR_FLOAT16] = softmax_half;
        table[kernels[i]][TR_BFLOAT16] = softmax_half;
    }
}
