/* What CUDA devices do not serve yet, though the CPU does: the one list, which is to become empty.  A kernel that is served
 * leaves it in the same commit. */
#include "kernels/cuda/cuda.h"
#include "core/dtype.h"
#include "on_fibres.h"
#include "test.h"

static const uint16_t unserved[] = {
    KERNEL_COUNT, /* the list's end */
};
/* Served, but not of complex numbers. */
static const uint16_t unserved_complex[] = {
    KERNEL_neg,
    KERNEL_abs,
    KERNEL_square,
    KERNEL_sqrt,
    KERNEL_reciprocal,
    KERNEL_exp,
    KERNEL_log,
    KERNEL_sin,
    KERNEL_cos,
    KERNEL_tanh,
    KERNEL_sigmoid,
    KERNEL_log1p,
    KERNEL_expm1,
    KERNEL_log2,
    KERNEL_log10,
    KERNEL_exp2,
    KERNEL_tan,
    KERNEL_asin,
    KERNEL_acos,
    KERNEL_atan,
    KERNEL_sinh,
    KERNEL_cosh,
    KERNEL_silu,
    KERNEL_POW,
};

static bool is_in(const uint16_t *list, size_t n, int kernel)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == kernel) return true;
    return false;
}

static bool listed(int kernel, int type)
{
    bool complex = core_dtype_category[type] == 3 && is_in(unserved_complex, sizeof unserved_complex / sizeof *unserved_complex, kernel);
    return complex || is_in(unserved, sizeof unserved / sizeof *unserved, kernel);
}

TEST(what_the_cpu_serves_and_cuda_does_not_is_listed_and_nothing_else)
{
    static kernel_table cuda;
    int wrong = 0;
    kernels_cuda(cuda);
    for (int kernel = 0; kernel < KERNEL_COUNT; kernel++) {
        for (int type = 0; type < TR_DTYPES; type++) {
            bool missing = (*kernels_cpu())[kernel][type] && !cuda[kernel][type], said = listed(kernel, type);
            if (missing == said || (said && !cuda[kernel][type])) continue; /* not served by the CPU either */
            print_message("%s of %s is %s\n", kernel_name(kernel), tr_dtype_name((tr_dtype)type), said ? "served: it leaves the list" : "not served, and not listed");
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}
