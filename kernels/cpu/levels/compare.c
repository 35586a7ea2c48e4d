/* Comparisons, which write bool, and where, which reads it. */
#include "kernels/cpu/levels/walk.h"

#define RESULT uint8_t

#define LOOPS "kernels/cpu/levels/compare_of.h"
#include "kernels/cpu/levels/floats.h"

#define T     int32_t
#define OF(n) n##_i32
#include "kernels/cpu/levels/compare_of.h"
#undef T
#undef OF

#define T     int64_t
#define OF(n) n##_i64
#include "kernels/cpu/levels/compare_of.h"
#undef T
#undef OF

#define T     uint8_t
#define OF(n) n##_u8
#include "kernels/cpu/levels/compare_of.h"
#undef T
#undef OF

#define T     complex64
#define OF(n) n##_c64
static inline uint8_t eq_c64(complex64 a, complex64 b) { return a.re == b.re && a.im == b.im; }
static inline uint8_t ne_c64(complex64 a, complex64 b) { return !eq_c64(a, b); }
#include "kernels/cpu/levels/binary_of.h"
static void eq_loop_c64(void *const *at, int64_t n, unsigned ones)
{
    run_c64(eq_c64, at, n, ones);
}
static void ne_loop_c64(void *const *at, int64_t n, unsigned ones) { run_c64(ne_c64, at, n, ones); }
#undef T
#undef OF

#define T     complex128
#define OF(n) n##_c128
static inline uint8_t eq_c128(complex128 a, complex128 b)
{
    return a.re == b.re && a.im == b.im;
}
static inline uint8_t ne_c128(complex128 a, complex128 b) { return !eq_c128(a, b); }
#include "kernels/cpu/levels/binary_of.h"
static void eq_loop_c128(void *const *at, int64_t n, unsigned ones)
{
    run_c128(eq_c128, at, n, ones);
}
static void ne_loop_c128(void *const *at, int64_t n, unsigned ones) { run_c128(ne_c128, at, n, ones); }
#undef T
#undef OF

/* name, the kernel, type, the type whose loop runs, tr_dtype, cheap steps per element.  bool holds 0 or 1. */
#define REAL(K, name, id)               \
 K(name, id, f32, f32, TR_FLOAT32, 1)   \
 K(name, id, f64, f64, TR_FLOAT64, 2)   \
 K(name, id, f16, f32, TR_FLOAT16, 4)   \
 K(name, id, bf16, f32, TR_BFLOAT16, 4) \
 K(name, id, i32, i32, TR_INT32, 1)     \
 K(name, id, i64, i64, TR_INT64, 2)     \
 K(name, id, u8, u8, TR_UINT8, 1)       \
 K(name, id, b, u8, TR_BOOL, 1)
#define COMPLEX(K, name, id)            \
 K(name, id, c64, c64, TR_COMPLEX64, 4) \
 K(name, id, c128, c128, TR_COMPLEX128, 4)
/* clang-format off */
#define COMPARISONS(K)                                                                     \
    REAL(K, eq, KERNEL_EQ) COMPLEX(K, eq, KERNEL_EQ)                                       \
    REAL(K, ne, KERNEL_NE) COMPLEX(K, ne, KERNEL_NE)                                       \
    REAL(K, lt, KERNEL_LT) REAL(K, le, KERNEL_LE) REAL(K, gt, KERNEL_GT) REAL(K, ge, KERNEL_GE)
/* clang-format on */

#define KERNEL(name, id, t, loop, type, work)                              \
 static int name##_kernel_##t(const kernel_call *call)                     \
 {                                                                         \
  return walk_run_of(call, name##_loop_##loop, 3, 6, work, TR_BOOL, type); \
 }
COMPARISONS(KERNEL)

/* out = condition ? a : b, of elements of one size, whatever they mean. */
#define T     word1
#define OF(n) n##_1
#include "kernels/cpu/levels/where_of.h"
#undef T
#undef OF

#define T     word2
#define OF(n) n##_2
#include "kernels/cpu/levels/where_of.h"
#undef T
#undef OF

#define T     word4
#define OF(n) n##_4
#include "kernels/cpu/levels/where_of.h"
#undef T
#undef OF

#define T     word8
#define OF(n) n##_8
#include "kernels/cpu/levels/where_of.h"
#undef T
#undef OF

#define T     word16
#define OF(n) n##_16
#include "kernels/cpu/levels/where_of.h"
#undef T
#undef OF

static int where(const kernel_call *call)
{
    static walk_loop *const loops[] = {[1] = where_loop_1, [2] = where_loop_2, [4] = where_loop_4, [8] = where_loop_8, [16] = where_loop_16};
    uint8_t bytes = (uint8_t)bytes_of(call->type);
    const walk_plan plan = {
        .loop = loops[bytes], .views = 4, .work = 2, .bytes = {bytes, 1, bytes, bytes}};
    return walk_run(call, &plan);
}

void kernels_compare(kernel_table table)
{
#define ENTRY(name, id, t, loop, type, work) table[id][type] = name##_kernel_##t;
    COMPARISONS(ENTRY)
    for (tr_dtype type = TR_BOOL; type < TR_DTYPES; type++) table[KERNEL_WHERE][type] = where;
}
