/* A gradient scaler's numbers on CUDA, run as fibres: the CPU's bits, for overflows and without. */
#include <math.h>
#include "on_fibres.h"

typedef struct {
    double state[3], out[2];
} numbers;

static numbers both(kernel_fn *(*of)[TR_DTYPES], numbers n, double *sums, int64_t count, bool first, double interval)
{
    kernel_call check = {.kernel = KERNEL_SCALER_CHECK, .type = TR_FLOAT64, .flags = first, .n = count, .at = {n.out, n.state, sums}};
    kernel_call update = {.kernel = KERNEL_SCALER_UPDATE, .type = TR_FLOAT64, .n = 1, .at = {n.state}, .number = {3, 0.7, interval}};
    assert_int_equal(of[KERNEL_SCALER_CHECK][TR_FLOAT64](&check), 0);
    assert_int_equal(of[KERNEL_SCALER_UPDATE][TR_FLOAT64](&update), 0);
    return n;
}

TEST(scales_grow_and_shrink_as_on_the_cpu)
{
    const double sums[][3] = {{1, 2, 3}, {1, INFINITY, 2}, {NAN, 1, 0}, {0, 0, 0}, {1e308, 1e308, 0}, {4, 5, 6}, {4, 5, 6}, {4, 5, 6}};
    numbers here = {.state = {1e300, 0, 0}}, there = here;
    int overflows = 0;
    for (int round = 0; round < 60; round++) {
        double squares[3];
        memcpy(squares, sums[round % 8], sizeof squares);
        here = both(on_cpu, here, squares, round % 9 ? 3 : 0, round % 5 != 0, 2);
        there = both(on_gpu, there, squares, round % 9 ? 3 : 0, round % 5 != 0, 2);
        assert_memory_equal(&there, &here, sizeof here);
        assert_true(here.out[1] == (here.out[0] != 0 ? 1 : here.out[1]) && isfinite(here.state[0]));
        overflows += here.out[0] != 0;
    }
    assert_true(overflows > 15 && overflows < 30);
}

TEST(an_overflow_is_remembered_until_the_first_check_after_it)
{
    numbers n = {.state = {8, 0, 0}};
    double bad = INFINITY, good = 4;
    n = both(on_gpu, n, &bad, 1, true, 2);
    assert_true(n.out[0] == 1 && n.out[1] == 1 && n.state[2] == 1 && n.state[0] == 8 * 0.7);
    n = both(on_gpu, n, &good, 1, false, 2);
    assert_true(n.out[0] == 0 && n.state[2] == 1 && n.state[1] == 0);
    n = both(on_gpu, n, &good, 1, true, 2);
    assert_true(n.state[2] == 0 && n.state[1] == 1);
}
