/* The choice of a level when the program starts. */
#include "kernels.h"

#include <stdio.h>

TEST(a_variable_caps_the_level)
{
    assert_true(levels() > 0);
    const char *lowest = level_name[0];
    setenv("TRIREME_CPU_LEVEL", lowest, 1); /* before anybody asks for the table in this program */
    assert_string_equal(kernels_cpu_level(), lowest);
    assert_bits(kernels_cpu(), level_table[0], sizeof(kernel_table));
}

TEST(a_level_that_is_none_has_no_table)
{
    kernel_table table = {{0}};
    assert_false(kernels_of_level("v9", table));
    assert_null(table[KERNEL_ADD][TR_FLOAT32]);
}

TEST(levels_serve_the_same)
{
    for (int l = 1; l < levels(); l++)
        for (int k = 0; k < KERNEL_COUNT; k++)
            for (int type = 0; type < TR_DTYPES; type++) assert_true(!level_table[l][k][type] == !level_table[0][k][type]);
    for (int k = 0; k < KERNEL_COUNT; k++)
        if (k != KERNEL_GEMM_BIAS && k != KERNEL_TOGETHER && !level_table[0][k][TR_FLOAT32] && !level_table[0][k][TR_FLOAT64]) fail_msg("%s serves neither float32 nor float64", kernel_name(k));
}

/* For test_info_level.sh, in a program that has chosen nothing yet. */
TEST(the_choice_is_told)
{
    printf("level %s\n", kernels_cpu_level());
}
