/* Gradient clipping on CUDA, its threads run as fibres, against the CPU's: sums of squares in another order, scaled arrays
 * with the same bits. */
#include "close_to_cpu.h"

enum { MOST = 400 };
static kernel_optim_item list[MOST], copies[MOST];

/* Arrays that begin one element behind a place of 64 bytes. */
static void make(tr_dtype type, int count, const int64_t *size)
{
    int64_t bytes = tr_dtype_size(type);
    for (int i = 0; i < count; i++) {
        int64_t n = size ? size[i] : i % 7 * 13;
        char *x = malloc((size_t)((n + 1) * bytes)), *y = malloc((size_t)((n + 1) * bytes));
        assert_true(x && y);
        fill_tame(x, type, n + 1);
        memcpy(y, x, (size_t)((n + 1) * bytes));
        list[i] = (kernel_optim_item){.parameter = x + bytes, .n = n};
        copies[i] = (kernel_optim_item){.parameter = y + bytes, .n = n};
    }
}

static void drop(tr_dtype type, int count)
{
    for (int i = 0; i < count; i++) {
        free((char *)list[i].parameter - tr_dtype_size(type));
        free((char *)copies[i].parameter - tr_dtype_size(type));
    }
}

static void run(tr_dtype type, int count, const int64_t *size, double factor)
{
    static int runs;
    double got = -1, want = -1;
    fibres_order = runs++ % FIBRES_ORDERS;
    make(type, count, size);
    kernel_call cpu = {.kernel = KERNEL_LIST_SQUARES, .type = (uint8_t)type, .n = count, .at = {copies, &want}}, gpu = cpu;
    gpu.at[0] = list, gpu.at[1] = &got;
    assert_int_equal(on_cpu[KERNEL_LIST_SQUARES][type](&cpu), 0);
    assert_int_equal(on_gpu[KERNEL_LIST_SQUARES][type](&gpu), 0);
    assert_near(got, want, 1e-13 * want);

    cpu.kernel = gpu.kernel = KERNEL_LIST_SCALE;
    cpu.at[1] = gpu.at[1] = NULL;
    cpu.number[0] = gpu.number[0] = factor;
    assert_int_equal(on_cpu[KERNEL_LIST_SCALE][type](&cpu), 0);
    assert_int_equal(on_gpu[KERNEL_LIST_SCALE][type](&gpu), 0);
    for (int i = 0; i < count; i++) assert_bits(list[i].parameter, copies[i].parameter, (size_t)(list[i].n * tr_dtype_size(type)));
    drop(type, count);
}

/* A factor that stands in memory, made of several sums. */
static void run_by_norm(double scale, double max_norm)
{
    double sums[3] = {9 * scale, 16 * scale, 144 * scale}, here[2], there[2];
    kernel_call cpu = {.kernel = KERNEL_CLIP_FACTOR, .type = TR_FLOAT64, .n = 3, .at = {here, sums}, .number = {max_norm}}, gpu = cpu;
    gpu.at[0] = there;
    assert_int_equal(on_cpu[KERNEL_CLIP_FACTOR][TR_FLOAT64](&cpu), 0);
    assert_int_equal(on_gpu[KERNEL_CLIP_FACTOR][TR_FLOAT64](&gpu), 0);
    assert_bits(there, here, sizeof here);
    make(TR_FLOAT32, 20, NULL);
    cpu = gpu = (kernel_call){.kernel = KERNEL_LIST_SCALE, .type = TR_FLOAT32, .n = 20, .number = {7}};
    cpu.at[0] = copies, cpu.at[1] = &here[1], gpu.at[0] = list, gpu.at[1] = &there[1];
    assert_int_equal(on_cpu[KERNEL_LIST_SCALE][TR_FLOAT32](&cpu), 0);
    assert_int_equal(on_gpu[KERNEL_LIST_SCALE][TR_FLOAT32](&gpu), 0);
    for (int i = 0; i < 20; i++) assert_bits(list[i].parameter, copies[i].parameter, (size_t)(list[i].n * 4));
    drop(TR_FLOAT32, 20);
}

TEST(a_factor_is_made_and_read_where_the_arrays_are)
{
    run_by_norm(1, 5);
    run_by_norm(1, 13);
    run_by_norm(1, 14);
    run_by_norm(1, 0);
    run_by_norm(1, INFINITY);
    run_by_norm(0, 1);
    run_by_norm(INFINITY, 1);
    run_by_norm(INFINITY, INFINITY);
    run_by_norm(NAN, 1);
}

TEST(arrays_of_any_size_are_measured_and_scaled)
{
    static const int64_t sizes[] = {1, 0, 255, 2049, 16384, 16385, 0, 40000, 31};
    for (tr_dtype type = TR_FLOAT32; type <= TR_FLOAT64; type++) {
        run(type, 9, sizes, 0.3);
        run(type, 9, sizes, 1);
        run(type, 0, NULL, 0.5);
        run(type, 2, (const int64_t[]){0, 0}, 0.5);
    }
}

TEST(a_list_longer_than_a_launch_takes) { run(TR_FLOAT32, MOST, NULL, 0.7); }

TEST(what_is_not_finite_is_seen)
{
    float x[3] = {1, INFINITY, 2}, y[2] = {NAN, 0};
    double sum = 0;
    kernel_optim_item both[] = {{.parameter = x, .n = 3}, {.parameter = y, .n = 2}};
    kernel_call call = {.kernel = KERNEL_LIST_SQUARES, .type = TR_FLOAT32, .n = 1, .at = {both, &sum}};
    assert_int_equal(on_gpu[KERNEL_LIST_SQUARES][TR_FLOAT32](&call), 0);
    assert_true(isinf(sum));
    call.n = 2;
    assert_int_equal(on_gpu[KERNEL_LIST_SQUARES][TR_FLOAT32](&call), 0);
    assert_true(isnan(sum));
}
