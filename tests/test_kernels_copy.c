/* Kernels that copy, convert, turn and fill. */
#include "core/dtype.h"
#include "kernels.h"

enum { N = 1500 };

TEST(copies_convert_between_all_types)
{
    static double in[2 * N], out[2 * N];
    for (int l = 0; l < levels(); l++)
        for (tr_dtype from = TR_BOOL; from < TR_DTYPES; from++)
            for (tr_dtype to = TR_BOOL; to < TR_DTYPES; to++)
                for (int strided = 0; strided < 2; strided++) {
                    int64_t stride = strided ? 2 : 1;
                    for (int i = 0; i < N; i++) core_element_set(in, from, i, i % 4);
                    kernel_call call = flat(KERNEL_COPY, to, N / 2, out, in, NULL, NULL);
                    call.from = (uint8_t)from;
                    call.form = (uint8_t)strided;
                    call.ndim = 1;
                    call.size[0] = N / 2;
                    call.stride[0][0] = stride;
                    call.stride[1][0] = stride;
                    run_on(l, &call);
                    for (int i = 0; i < N / 2; i++) {
                        double x = core_element_get(in, from, i * stride);
                        assert_near(core_element_get(out, to, i * stride), to == TR_BOOL ? x != 0 : x, 0);
                    }
                }
}

TEST(transposes_copy_whatever_their_size)
{
    enum { MOST = 100,
           GAP = 3 };
    static float in[MOST * (MOST + GAP)], out[MOST * (MOST + GAP)];
    static const int sizes[] = {1, 15, 16, 33, 34, 64, 70, MOST};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    for (int i = 0; i < MOST * (MOST + GAP); i++) in[i] = (float)i;
    for (int l = 0; l < levels(); l++)
        for (int s = 0; s < SIZES * SIZES; s++)
            for (int gap = 0; gap <= GAP; gap += GAP) {
                const int rows_ = sizes[s / SIZES], columns = sizes[s % SIZES], in_row = rows_ + gap, out_row = columns + gap;
                for (int i = 0; i < MOST * (MOST + GAP); i++) out[i] = -1;
                kernel_call call = {
                    .kernel = KERNEL_COPY, .type = TR_FLOAT32, .form = KERNEL_STRIDED, .ndim = 2, .n = rows_ * columns, .at = {out, in}, .size = {rows_, columns}, .stride = {{out_row, 1}, {1, in_row}}};
                run_on(l, &call);
                for (int i = 0; i < rows_; i++)
                    for (int j = 0; j < out_row; j++) assert_true(out[i * out_row + j] == (j < columns ? in[j * in_row + i] : -1));
                for (int i = rows_ * out_row; i < MOST * (MOST + GAP); i++) assert_true(out[i] == -1);
            }
}

/* What the bits of a half type mean; the infinities as the next power of 2, where rounding takes them for it. */
static double half_value(uint16_t bits, tr_dtype type)
{
    int digits = type == TR_FLOAT16 ? 10 : 7, exponents = type == TR_FLOAT16 ? 31 : 255;
    int exponent = bits >> digits & exponents, fraction = bits & ((1 << digits) - 1);
    if (exponent == exponents && fraction) return NAN;
    double size = exponent ? ldexp(fraction + (1 << digits), exponent - 1) : fraction;
    return ldexp(bits & 0x8000 ? -size : size, 1 - exponents / 2 - digits);
}

static void assert_nearest(uint16_t half, float x, tr_dtype type)
{
    uint16_t quiet = type == TR_FLOAT16 ? 0x7e00 : 0x7fc0, largest = type == TR_FLOAT16 ? 0x7c00 : 0x7f80;
    if (isnan(x)) {
        assert_int_equal(half & 0x7fff, quiet);
        return;
    }
    assert_int_equal(half >> 15, signbit(x) != 0);
    double wanted = fmin(fabs((double)x), half_value(largest, type)), error = fabs(half_value(half & 0x7fff, type) - wanted);
    for (int other = (half & 0x7fff) - 1; other <= (half & 0x7fff) + 1; other += 2) {
        double others = other < 0 || other > largest ? INFINITY : fabs(half_value((uint16_t)other, type) - wanted);
        bool nearest = error < others || (error == others && half % 2 == 0);
        if (!nearest) fail_msg("%a became %#x, but %#x is nearer", (double)x, half, (unsigned)other);
    }
}

TEST(halves_are_the_nearest_or_of_two_the_even)
{
    static float x[65536];
    static uint16_t half[65536];
    for (int l = 0; l < levels(); l++)
        for (tr_dtype type = TR_FLOAT16; type <= TR_BFLOAT16; type++) {
            for (int i = 0; i < 65536; i++) half[i] = (uint16_t)i;
            kernel_call call = flat(KERNEL_COPY, TR_FLOAT32, 65536, x, half, NULL, NULL);
            call.from = (uint8_t)type;
            run_on(l, &call);
            uint16_t infinity = type == TR_FLOAT16 ? 0x7c00 : 0x7f80;
            for (int i = 0; i < 65536; i++) assert_near(x[i], (i & 0x7fff) == infinity ? (i >> 15 ? -INFINITY : INFINITY) : half_value((uint16_t)i, type), 0);
            for (int i = 0; i < 65536; i++) {
                uint32_t bits = (uint32_t)i << 16; /* two of three a tie, of each type in turn */
                if (i % 3 != 0) bits |= type == TR_FLOAT16 ? 0x1000u : 0x8000u;
                memcpy(&x[i], &bits, sizeof bits);
            }
            call = flat(KERNEL_COPY, type, 65536, half, x, NULL, NULL);
            call.from = TR_FLOAT32;
            run_on(l, &call);
            for (int i = 0; i < 65536; i++) assert_nearest(half[i], x[i], type);
        }
}

TEST(fill_and_arange_write_every_type)
{
    double out[200];
    for (int l = 0; l < levels(); l++)
        for (tr_dtype type = TR_UINT8; type < TR_DTYPES; type++) {
            kernel_call call = flat(KERNEL_ARANGE, type, 20, out, NULL, NULL, NULL);
            call.number[0] = 3, call.number[1] = 2;
            run_on(l, &call);
            for (int i = 0; i < 20; i++) assert_near(core_element_get(out, type, i), 3 + 2 * i, 0);
            kernel_call fill = {.kernel = KERNEL_FILL, .type = (uint8_t)type, .form = KERNEL_STRIDED, .ndim = 1, .n = 10, .at = {out}, .size = {10}, .stride = {{2}}, .number = {7}};
            run_on(l, &fill);
            for (int i = 0; i < 20; i++) assert_near(core_element_get(out, type, i), i % 2 ? 3 + 2 * i : 7, 0);
        }
}
