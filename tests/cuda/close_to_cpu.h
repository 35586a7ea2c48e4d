/* Kernels that add up in another order than the CPU's: their results are near its, for elements that are no more than
 * everyday numbers. */
#ifndef TEST_CLOSE_TO_CPU_H
#define TEST_CLOSE_TO_CPU_H

#include "on_fibres.h"

/* Numbers in [1/2, 3/2), of which sums do not cancel and products stay near 1; whole ones from 0 to 100. */
static inline void fill_tame(void *data, tr_dtype type, int64_t n)
{
    tr_dtype part = type == TR_COMPLEX64 ? TR_FLOAT32 : type == TR_COMPLEX128 ? TR_FLOAT64
                                                                              : type;
    for (int64_t i = 0; i < n * (part == type ? 1 : 2); i++)
        core_element_set(data, part, i, tr_dtype_is_floating(part) ? 1 + next_number() / 2 : type == TR_BOOL ? (double)(next_bits() % 2)
                                                                                                             : (double)(next_bits() % 101));
}

/* Twice what rounding to the type can make of a result that differs in double's last bits. */
static inline double tolerance_of(tr_dtype type)
{
    switch (type) {
    case TR_FLOAT16: return 0x1p-10;
    case TR_BFLOAT16: return 0x1p-7;
    case TR_FLOAT32:
    case TR_COMPLEX64: return 0x1p-23;
    case TR_FLOAT64:
    case TR_COMPLEX128: return 1e-13;
    default: return 0;
    }
}

/* Parts of a complex number are as close as the larger of them asks. */
static inline void assert_close_elements(const void *got, const void *want, tr_dtype type, int64_t n, double tolerance, const char *what)
{
    int parts = tr_dtype_is_complex(type) ? 2 : 1;
    tr_dtype part = type == TR_COMPLEX64 ? TR_FLOAT32 : type == TR_COMPLEX128 ? TR_FLOAT64
                                                                              : type;
    tolerance = fmax(tolerance, least_tolerance(type));
    for (int64_t i = 0; i < n * parts; i++) {
        double a = core_element_get(got, part, i), b = core_element_get(want, part, i);
        double size = fmax(fabs(b), fabs(core_element_get(want, part, parts == 2 ? i ^ 1 : i)));
        if (a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= tolerance * size) continue;
        fail_msg("%s of %s: number %lld is %.17g, not %.17g", what, tr_dtype_name(type), (long long)i, a, b);
    }
}

/* Run the call on both and compare the first n elements of at[0]; `guard` more are not to be touched. */
static inline void assert_close_to_cpu(kernel_call call, tr_dtype out, int64_t n, double tolerance)
{
    static int runs;
    enum { GUARD = 5 };
    size_t bytes = (size_t)((n + GUARD) * tr_dtype_size(out));
    char *got = malloc(bytes), *want = malloc(bytes);
    assert_true(got && want);
    memset(got, 0x5a, bytes);
    memset(want, 0x5a, bytes);
    fibres_order = runs++ % FIBRES_ORDERS;
    call.at[0] = want;
    assert_int_equal(on_cpu[call.kernel][call.type](&call), 0);
    call.at[0] = got;
    assert_int_equal(on_gpu[call.kernel][call.type](&call), 0);
    assert_close_elements(got, want, out, n, tolerance, kernel_name(call.kernel));
    assert_memory_equal(got + n * tr_dtype_size(out), want + n * tr_dtype_size(out), GUARD * (size_t)tr_dtype_size(out));
    free(got);
    free(want);
}

#endif
