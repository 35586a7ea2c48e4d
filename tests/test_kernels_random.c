/* Counted random numbers: an element depends on its number alone. */
#include "core/philox.h"
#include "kernels.h"

static kernel_call draw(int kernel, tr_dtype type, int64_t n, void *out, uint64_t offset)
{
    kernel_call call = flat(kernel, type, n, out, NULL, NULL, NULL);
    call.number[1] = 1;
    call.word[0] = 42;
    call.word[1] = offset;
    return call;
}

TEST(an_element_depends_on_its_number_alone)
{
    enum { N = 3000 };
    static double whole[N], part[N];
    for (int l = 0; l < levels(); l++)
        for (int kernel = KERNEL_PHILOX_UNIFORM; kernel <= KERNEL_PHILOX_NORMAL; kernel++)
            for (tr_dtype type = TR_FLOAT32; type <= TR_FLOAT64; type++) {
                size_t bytes = type == TR_FLOAT32 ? 4 : 8;
                kernel_call call = draw(kernel, type, N, whole, 1000);
                run_on(l, &call);
                for (int from = 0; from < 20; from++) {
                    call = draw(kernel, type, 700 + from, part, 1000 + (uint64_t)(from * 97));
                    run_on(l, &call);
                    assert_bits(part, (char *)whole + (size_t)(from * 97) * bytes, (size_t)(700 + from) * bytes);
                }
            }
}

TEST(uniform_is_the_word_scaled)
{
    float x[5];
    core_philox_words words = core_philox_block(42, 0);
    for (int l = 0; l < levels(); l++) {
        kernel_call call = draw(KERNEL_PHILOX_UNIFORM, TR_FLOAT32, 5, x, 0);
        run_on(l, &call);
        for (int i = 0; i < 4; i++) assert_near(x[i], (words.word[i] >> 8) * 0x1p-24, 0);
        call.number[0] = -2, call.number[1] = 2;
        run_on(l, &call);
        for (int i = 0; i < 4; i++) assert_near(x[i], (words.word[i] >> 8) * 0x1p-22 - 2, 1e-6);
    }
}

TEST(moments_are_those_of_the_distribution)
{
    enum { N = 100000 };
    static double x[N];
    for (int l = 0; l < levels(); l++)
        for (int kernel = KERNEL_PHILOX_UNIFORM; kernel <= KERNEL_PHILOX_NORMAL; kernel++)
            for (tr_dtype type = TR_FLOAT32; type <= TR_FLOAT64; type++) {
                kernel_call call = draw(kernel, type, N, x, 0);
                run_on(l, &call);
                double sum = 0, squares = 0;
                for (int i = 0; i < N; i++) {
                    double value = type == TR_FLOAT32 ? (double)((float *)x)[i] : x[i];
                    assert_true(kernel == KERNEL_PHILOX_NORMAL ? isfinite(value) : value >= 0 && value < 1);
                    sum += value, squares += value * value;
                }
                bool normal = kernel == KERNEL_PHILOX_NORMAL;
                assert_near(sum / N, normal ? 0 : 0.5, 0.01);
                assert_near(squares / N, normal ? 1 : 1.0 / 3, 0.02);
            }
}

TEST(halves_stay_below_one)
{
    static uint16_t x[20000];
    for (int l = 0; l < levels(); l++) {
        kernel_call call = draw(KERNEL_PHILOX_UNIFORM, TR_BFLOAT16, 20000, x, 0);
        run_on(l, &call);
        for (int i = 0; i < 20000; i++) assert_true(x[i] < 0x3f80);
        call.type = TR_FLOAT16;
        run_on(l, &call);
        for (int i = 0; i < 20000; i++) assert_true(x[i] < 0x3c00);
    }
}
