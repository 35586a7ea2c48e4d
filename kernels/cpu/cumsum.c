/* Running sums along a dim: {outer, n, inner}.  Floating ones run in double, integers in int64. */
#include "core/half.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/parallel.h"

#define CUMSUM(t, T, A, READ, WRITE)                                                      \
 static void lines_##t(void *job, int64_t from, int64_t to)                               \
 {                                                                                        \
  const kernel_call *call = job;                                                          \
  int64_t n = call->size[1], inner = call->size[2] * (int64_t)parts(call->type);          \
  for (int64_t line = from; line < to; line++) {                                          \
   int64_t at = line / inner * n * inner + line % inner;                                  \
   T *y = (T *)call->at[0] + at;                                                          \
   const T *x = (const T *)call->at[1] + at;                                              \
   A sum = 0;                                                                             \
   for (int64_t i = 0; i < n * inner; i += inner) {                                       \
    sum += (A)READ(x[i]);                                                                 \
    y[i] = (T)WRITE(sum);                                                                 \
   }                                                                                      \
  }                                                                                       \
 }                                                                                        \
 static int cumsum_##t(const kernel_call *call)                                           \
 {                                                                                        \
  int64_t lines = call->size[0] * call->size[2] * (int64_t)parts(call->type);             \
  kernels_split(lines, 1, 2 * lines * call->size[1], lines_##t, (void *)(uintptr_t)call); \
  return 0;                                                                               \
 }

/* A complex number is two that run side by side. */
static int parts(uint8_t type) { return type == TR_COMPLEX64 || type == TR_COMPLEX128 ? 2 : 1; }

#define ITSELF(x)    (x)
#define HALF_OF(x)   core_half_from_float((float)(x))
#define BFLOAT_OF(x) core_bfloat_from_float((float)(x))
CUMSUM(f32, float, double, ITSELF, ITSELF)
CUMSUM(f64, double, double, ITSELF, ITSELF)
CUMSUM(f16, uint16_t, double, core_half_to_float, HALF_OF)
CUMSUM(bf16, uint16_t, double, core_bfloat_to_float, BFLOAT_OF)
CUMSUM(i64, int64_t, uint64_t, ITSELF, ITSELF)

void kernels_cumsum(kernel_table table)
{
    table[KERNEL_CUMSUM][TR_FLOAT32] = table[KERNEL_CUMSUM][TR_COMPLEX64] = cumsum_f32;
    table[KERNEL_CUMSUM][TR_FLOAT64] = table[KERNEL_CUMSUM][TR_COMPLEX128] = cumsum_f64;
    table[KERNEL_CUMSUM][TR_FLOAT16] = cumsum_f16;
    table[KERNEL_CUMSUM][TR_BFLOAT16] = cumsum_bf16;
    table[KERNEL_CUMSUM][TR_INT64] = cumsum_i64;
}
