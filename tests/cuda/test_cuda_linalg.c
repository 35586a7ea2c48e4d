/* Inverses, systems and determinants of CUDA, their threads run as fibres, near the CPU's, and singular where those are. */
#include "on_fibres.h"

#include <stdlib.h>

static const tr_dtype types[] = {TR_FLOAT32, TR_FLOAT64, TR_COMPLEX64, TR_COMPLEX128};

static tr_dtype part_of(tr_dtype type) { return type == TR_COMPLEX64 ? TR_FLOAT32 : type == TR_COMPLEX128 ? TR_FLOAT64
                                                                                                          : type; }
static int64_t parts_of(tr_dtype type) { return tr_dtype_is_complex(type) ? 2 : 1; }
static bool is_single(tr_dtype type) { return part_of(type) == TR_FLOAT32; }

static void *numbers(tr_dtype type, int64_t n)
{
    void *made = malloc((size_t)(n * tr_dtype_size(type)) + 1);
    assert_non_null(made);
    for (int64_t i = 0; i < n * parts_of(type); i++) core_element_set(made, part_of(type), i, next_number());
    return made;
}

/* Well conditioned, with its large numbers far from the diagonal. */
static void *matrices(tr_dtype type, int64_t batch, int64_t n)
{
    void *made = numbers(type, batch * n * n);
    for (int64_t s = 0; s < batch; s++)
        for (int64_t i = 0; i < n; i++) {
            const int64_t at = (s * n * n + i * n + (n - 1 - i + s) % n) * parts_of(type);
            core_element_set(made, part_of(type), at, (double)n * (i % 2 ? 1 : -1));
        }
    return made;
}

static kernel_call call_of(int kernel, tr_dtype type, int64_t batch, int64_t n, int64_t m)
{
    kernel_call call = {.kernel = (uint16_t)kernel, .type = (uint8_t)type, .size = {batch, n, m}};
    if (kernel == KERNEL_INVERSE) call.size[0] = n;
    return call;
}

static int64_t outputs(int kernel, int64_t batch, int64_t n, int64_t m) { return kernel == KERNEL_DET ? batch : kernel == KERNEL_SOLVE ? batch * n * m
                                                                                                                                       : n * n; }

/* Both, on memory that ends where the matrices do. */
static void check(int kernel, tr_dtype type, int64_t batch, int64_t n, int64_t m)
{
    static int runs;
    kernel_call call = call_of(kernel, type, batch, n, m);
    const int64_t out = outputs(kernel, batch, n, m);
    void *a = matrices(type, batch, n), *b = numbers(type, batch * n * m), *got = numbers(type, out), *want = numbers(type, out);
    call.at[1] = a, call.at[2] = kernel == KERNEL_SOLVE ? b : NULL;
    fibres_order = runs++ % FIBRES_ORDERS;
    call.at[0] = got;
    assert_int_equal(on_gpu[kernel][type](&call), 0);
    call.at[0] = want;
    assert_int_equal(on_cpu[kernel][type](&call), 0);
    double largest = 0;
    for (int64_t i = 0; i < out * parts_of(type); i++) largest = fmax(largest, fabs(core_element_get(want, part_of(type), i)));
    for (int64_t i = 0; i < out * parts_of(type); i++) assert_near(core_element_get(got, part_of(type), i), core_element_get(want, part_of(type), i), largest * (is_single(type) ? 1e-5 : 1e-13));
    assert_int_equal(trouble.found, 0);
    free(a);
    free(b);
    free(got);
    free(want);
}

TEST(matrices_of_every_size_are_near_the_cpus)
{
    static const int64_t sizes[] = {0, 1, 2, 3, 8, 31, 33};
    for (int t = 0; t < 4; t++)
        for (int s = 0; s < 7; s++) {
            check(KERNEL_INVERSE, types[t], 1, sizes[s], sizes[s]);
            check(KERNEL_SOLVE, types[t], 2, sizes[s], s % 3);
            check(KERNEL_DET, types[t], 2, sizes[s], 0);
        }
    check(KERNEL_SOLVE, TR_FLOAT32, 1, 5, 70);
    check(KERNEL_DET, TR_FLOAT64, 0, 3, 0);
}

/* More matrices than blocks, and more rows than threads. */
TEST(blocks_take_several_matrices_and_threads_several_rows)
{
    check(KERNEL_SOLVE, TR_FLOAT64, 12, 4, 3);
    check(KERNEL_DET, TR_COMPLEX64, 13, 3, 0);
    check(KERNEL_SOLVE, TR_FLOAT64, 1, 258, 1);
}

/* The place on the diagonal that the CPU's error names. */
static int cpus_place(kernel_call call, void *out)
{
    call.at[0] = out;
    assert_int_equal(on_cpu[call.kernel][call.type](&call), -1);
    const char *found = strstr(tr_error_message(), "element ");
    assert_non_null(found);
    const int place = atoi(found + strlen("element "));
    assert_error_says("singular");
    return place;
}

TEST(a_singular_matrix_is_trouble_that_names_the_cpus_diagonal)
{
    enum { N = 7 };
    for (int t = 0; t < 4; t++)
        for (int line = 0; line < N; line += 2)
            for (int column = 0; column < 2; column++)
                for (int kernel = KERNEL_INVERSE; kernel <= KERNEL_SOLVE; kernel++) {
                    const tr_dtype type = types[t];
                    const int64_t batch = kernel == KERNEL_SOLVE ? 3 : 1, step = batch - 1, parts = parts_of(type);
                    kernel_call call = call_of(kernel, type, batch, N, 2);
                    void *a = matrices(type, batch, N), *b = numbers(type, batch * N * 2), *out = numbers(type, batch * N * N);
                    for (int64_t i = 0; i < N * parts; i++) core_element_set(a, part_of(type), (step * N * N + (column ? i / parts * N + line : line * N + i / parts)) * parts + i % parts, 0);
                    call.at[0] = out, call.at[1] = a, call.at[2] = b;
                    trouble = (cuda_trouble){0};
                    assert_int_equal(on_gpu[kernel][type](&call), 0);
                    assert_int_equal(trouble.found, 1 + kernel);
                    assert_int_equal(trouble.value, step);
                    const int64_t each = outputs(kernel, 1, N, 2) * parts;
                    for (int64_t i = 0; i < each; i++) assert_true(core_element_get(out, part_of(type), step * each + i) == 0);
                    assert_int_equal(-trouble.bound, cpus_place(call, out));
                    trouble = (cuda_trouble){0};
                    free(a);
                    free(b);
                    free(out);
                }
}

TEST(a_singular_matrix_has_the_determinant_0)
{
    const double a[] = {1, 2, 2, 4, 0, 0, 0, 0, 1, 3, 2, 6, 2, 0, 0, 3};
    double det[4];
    kernel_call call = {.kernel = KERNEL_DET, .type = TR_FLOAT64, .at = {det, (void *)(uintptr_t)a}, .size = {4, 2}};
    assert_int_equal(on_gpu[KERNEL_DET][TR_FLOAT64](&call), 0);
    for (int i = 0; i < 3; i++) assert_true(det[i] == 0);
    assert_true(det[3] == 6);
    assert_int_equal(trouble.found, 0);
}

TEST(nan_spreads_and_is_not_singular)
{
    const float a[] = {1, 2, NAN, 4}, b[] = {1, 1};
    float x[2] = {0, 0};
    kernel_call call = {.kernel = KERNEL_SOLVE, .type = TR_FLOAT32, .at = {x, (void *)(uintptr_t)a, (void *)(uintptr_t)b}, .size = {1, 2, 1}};
    assert_int_equal(on_gpu[KERNEL_SOLVE][TR_FLOAT32](&call), 0);
    assert_true(isnan(x[0]) && isnan(x[1]));
    assert_int_equal(trouble.found, 0);
}
