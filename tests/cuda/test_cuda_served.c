/* What CUDA devices do not serve yet, though the CPU does: the one list, which is to become empty.  A kernel that is served
 * leaves it in the same commit. */
#include "kernels/cuda/cuda.h"
#include "core/dtype.h"
#include "test.h"

static const uint16_t unserved[] = {
    KERNEL_COUNT, /* the list's end */
};

static bool listed(int kernel)
{
    for (size_t i = 0; i < sizeof unserved / sizeof *unserved; i++)
        if (unserved[i] == kernel) return true;
    return false;
}

TEST(what_the_cpu_serves_and_cuda_does_not_is_listed_and_nothing_else)
{
    static kernel_table cuda;
    int wrong = 0;
    kernels_cuda(cuda);
    for (int kernel = 0; kernel < KERNEL_COUNT; kernel++) {
        bool missing = false;
        for (int type = 0; type < TR_DTYPES; type++) {
            if (!(*kernels_cpu())[kernel][type] || cuda[kernel][type]) continue;
            missing = true;
            if (listed(kernel)) continue;
            print_message("%s of %s is not served, and not listed\n", kernel_name(kernel), tr_dtype_name((tr_dtype)type));
            wrong++;
        }
        if (missing || !listed(kernel)) continue;
        print_message("%s is served: it leaves the list\n", kernel_name(kernel));
        wrong++;
    }
    assert_int_equal(wrong, 0);
}
