/* Everything that the CPU serves, CUDA devices serve. */
#include "on_fibres.h"

TEST(every_kernel_of_the_cpu_is_served_in_the_same_types)
{
    int wrong = 0;
    for (int kernel = 0; kernel < KERNEL_COUNT; kernel++)
        for (tr_dtype type = TR_BOOL; type < TR_DTYPES; type++) {
            if (!on_cpu[kernel][type] || on_gpu[kernel][type]) continue;
            print_message("%s of %s is not served\n", kernel_name(kernel), tr_dtype_name(type));
            wrong++;
        }
    assert_int_equal(wrong, 0);
}
