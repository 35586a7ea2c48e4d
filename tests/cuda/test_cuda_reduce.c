/* Reductions of CUDA, their threads run as fibres, against the CPU's: the same bits of whole numbers, of the largest and
 * smallest and where they stand, and of contiguous rows of up to 1024 floats; elsewhere what double rounds otherwise. */
#include "close_to_cpu.h"

/* A shape, what of it is kept, and the strides of both. */
typedef struct {
    int ndim, split;
    int64_t size[4], from[4], to[4];
} shape;

static const shape shapes[] = {
    {1, 0, {1}, {1}, {0}},
    {1, 0, {257}, {3}, {0}},
    {1, 0, {1025}, {1}, {0}},
    {1, 1, {37}, {2}, {3}},                                  /* nothing is reduced */
    {2, 1, {3, 31}, {-31, 1}, {-1}},                         /* strides below 0 */
    {2, 1, {41, 33}, {33, 1}, {1}},                          /* more rows than the largest grid has */
    {2, 1, {9, 130}, {130, 1}, {2}},                         /* a warp's */
    {2, 1, {300, 7}, {1, 300}, {1}},                         /* columns, short */
    {2, 1, {70, 40}, {1, 70}, {1}},                          /* columns, folded */
    {2, 1, {5, 400}, {1, 5}, {1}},                           /* few columns */
    {2, 1, {64, 20}, {0, 1}, {1}},                           /* a row again and again */
    {3, 1, {5, 7, 33}, {33, 5 * 33, 1}, {1}},                /* the middle is kept */
    {3, 2, {7, 11, 50}, {50 * 11, 1, 11}, {11, 1}},          /* the middle is reduced */
    {4, 2, {3, 5, 7, 11}, {1, 7 * 3, 3, 5 * 7 * 3}, {5, 1}}, /* any */
    {3, 1, {2, 40, 30}, {1, 2, 100}, {1}},                   /* more than are counted in few bits */
    {4, 2, {40, 30, 3, 2}, {600, 15, 5, 2}, {1, 40}},        /* and more outputs */
};
static const shape large[] = {
    {1, 0, {20011}, {1}, {0}},              /* a block, in parts */
    {2, 1, {3, 5000}, {5000, 1}, {1}},      /* a block each */
    {2, 1, {33, 3000}, {1, 33}, {2}},       /* columns, in parts */
    {3, 1, {3, 50, 99}, {99, 400, 1}, {1}}, /* two dims, in parts */
};
enum { SHAPES = sizeof shapes / sizeof *shapes,
       LARGE = sizeof large / sizeof *large };

static kernel_call call_of(int kernel, tr_dtype type, tr_dtype from, const shape *s)
{
    kernel_call call = {.kernel = (uint16_t)kernel, .type = (uint8_t)type, .from = from == type ? 0 : (uint8_t)from, .n = 1, .ndim = (uint8_t)s->ndim, .split = (uint8_t)s->split, .number = {1}};
    for (int d = 0; d < s->ndim; d++) {
        call.size[d] = s->size[d];
        call.stride[0][d] = s->to[d];
        call.stride[1][d] = s->from[d];
        if (d < s->split) call.n *= s->size[d];
    }
    return call;
}

/* How far the elements of both reach. */
static void reach(int64_t n, const int64_t *size, const int64_t *stride, int64_t *least, int64_t *most)
{
    *least = *most = 0;
    for (int64_t d = 0; d < n; d++)
        if (stride[d] < 0)
            *least += (size[d] - 1) * stride[d];
        else
            *most += (size[d] - 1) * stride[d];
}

static void run_shape(int kernel, tr_dtype type, tr_dtype from, const shape *s, double below)
{
    enum { BESIDE = 3 }; /* elements around, and the first place off a pack */
    bool finds = kernel >= KERNEL_ARGMAX;
    tr_dtype out = finds ? TR_INT64 : type;
    int64_t a_least, a_most, out_least, out_most;
    reach(s->ndim, s->size, s->from, &a_least, &a_most);
    reach(s->split, s->size, s->to, &out_least, &out_most);
    int64_t in_count = a_most - a_least + 1 + BESIDE, out_count = out_most - out_least + 1 + 2 * BESIDE;
    char *a = malloc((size_t)(in_count * tr_dtype_size(from))), *got = calloc((size_t)out_count, 16), *want = calloc((size_t)out_count, 16);
    assert_true(a && got && want);
    fill_tame(a, from, in_count);
    kernel_call call = call_of(kernel, type, from, s);
    static int runs;
    fibres_order = runs++ % FIBRES_ORDERS;
    if (below != 0) call.number[0] = below;
    call.at[1] = a + (BESIDE - a_least) * tr_dtype_size(from);
    call.at[0] = want + (BESIDE - out_least) * tr_dtype_size(out);
    assert_int_equal(on_cpu[kernel][type](&call), 0);
    call.at[0] = got + (BESIDE - out_least) * tr_dtype_size(out);
    assert_int_equal(on_gpu[kernel][type](&call), 0);
    double tolerance = kernel == KERNEL_SUM || kernel == KERNEL_PROD ? tolerance_of(out) : 0;
    assert_close_elements(got, want, out, out_count, tolerance, kernel_name(kernel));
    free(a);
    free(got);
    free(want);
}

static void run_shapes(int kernel, tr_dtype type, tr_dtype from)
{
    for (int i = 0; i < SHAPES; i++) run_shape(kernel, type, from, &shapes[i], 0);
    for (int i = 0; i < LARGE && type == TR_FLOAT32; i++) run_shape(kernel, type, from, &large[i], 0);
}

TEST(sums_and_products_of_every_type)
{
    for (int kernel = KERNEL_SUM; kernel <= KERNEL_PROD; kernel++) {
        for (tr_dtype type = TR_FLOAT16; type < TR_DTYPES; type++) run_shapes(kernel, type, type);
        for (tr_dtype from = TR_BOOL; from <= TR_INT64; from++) run_shapes(kernel, TR_INT64, from);
    }
}

TEST(the_largest_and_smallest_and_where_they_stand)
{
    for (int kernel = KERNEL_MAX; kernel <= KERNEL_ARGMIN; kernel++)
        for (tr_dtype type = TR_BOOL; type <= TR_FLOAT64; type++) run_shapes(kernel, type, type);
}

TEST(a_mean_is_a_sum_that_is_divided)
{
    const tr_dtype types[] = {TR_FLOAT16, TR_FLOAT32, TR_FLOAT64, TR_COMPLEX64};
    for (int t = 0; t < 4; t++) run_shape(KERNEL_SUM, types[t], types[t], &shapes[5], 33);
}

/* Any bits at all: NaN, infinities, numbers that cancel. */
TEST(contiguous_rows_of_up_to_1024_floats_have_the_cpus_bits)
{
    static const int64_t lengths[] = {1, 7, 8, 31, 32, 33, 127, 128, 255, 257, 511, 1000, 1023, 1024};
    for (tr_dtype type = TR_FLOAT32; type <= TR_FLOAT64; type++)
        for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            int64_t n = lengths[i], rows = n < 200 ? 17 : 3;
            const tr_dtype held[] = {type, type, TR_DEFAULT_DTYPE, TR_DEFAULT_DTYPE};
            layout l = {.n = rows, .ndim = 2, .offset = {1, 1}, .size = {rows, n}, .stride = {{1}, {n, 1}}};
            kernel_call call = {.kernel = KERNEL_SUM, .type = (uint8_t)type, .split = 1, .number = {3}};
            assert_same_bits(call, &l, held);
        }
}

TEST(short_columns_of_floats_have_the_cpus_bits)
{
    for (tr_dtype type = TR_FLOAT16; type <= TR_FLOAT64; type++)
        for (int64_t n = 1; n <= 32; n += 31) {
            const tr_dtype held[] = {type, type, TR_DEFAULT_DTYPE, TR_DEFAULT_DTYPE};
            layout l = {.n = 61, .ndim = 2, .offset = {0, 1}, .size = {61, n}, .stride = {{1}, {1, 61}}};
            kernel_call call = {.kernel = KERNEL_SUM, .type = (uint8_t)type, .split = 1, .number = {1}};
            assert_same_bits(call, &l, held);
        }
}

/* Arguments of the largest and smallest over any bits, NaN and zeros of both signs among them. */
TEST(the_first_of_the_largest_is_found_among_any_bits)
{
    for (int kernel = KERNEL_ARGMAX; kernel <= KERNEL_ARGMIN; kernel++)
        for (tr_dtype type = TR_BOOL; type <= TR_FLOAT64; type++) {
            const tr_dtype held[] = {TR_INT64, type, TR_DEFAULT_DTYPE, TR_DEFAULT_DTYPE};
            layout rows = {.n = 40, .ndim = 2, .size = {40, 50}, .stride = {{1}, {50, 1}}};
            layout columns = {.n = 40, .ndim = 2, .size = {40, 50}, .stride = {{1}, {1, 40}}};
            kernel_call call = {.kernel = (uint16_t)kernel, .type = (uint8_t)type, .split = 1};
            assert_same_bits(call, &rows, held);
            assert_same_bits(call, &columns, held);
        }
}

static void put_nan(void *x, tr_dtype type, int64_t i) { core_element_set(x, type, i, NAN); }

TEST(nan_is_the_largest_and_the_smallest_wherever_it_stands)
{
    enum { LENGTH = 1100 };
    static const int64_t places[] = {0, 1, 31, 255, 256, 700, 1099};
    for (tr_dtype type = TR_FLOAT16; type <= TR_FLOAT64; type++)
        for (int kernel = KERNEL_MAX; kernel <= KERNEL_ARGMIN; kernel++)
            for (unsigned p = 0; p < sizeof places / sizeof *places; p++) {
                double x[LENGTH] = {0}, result[2] = {0};
                put_nan(x, type, places[p]);
                put_nan(x, type, LENGTH - 1);
                kernel_call call = {.kernel = (uint16_t)kernel, .type = (uint8_t)type, .n = 1, .ndim = 1, .at = {result, x}, .size = {LENGTH}, .stride = {{0}, {1}}};
                assert_int_equal(on_gpu[kernel][type](&call), 0);
                int64_t at;
                memcpy(&at, result, sizeof at);
                assert_true(kernel >= KERNEL_ARGMAX ? at == places[p] : isnan(core_element_get(result, type, 0)));
            }
}

TEST(nothing_adds_up_to_0_and_multiplies_to_1)
{
    for (int kernel = KERNEL_SUM; kernel <= KERNEL_PROD; kernel++)
        for (tr_dtype type = TR_INT64; type < TR_DTYPES; type++) {
            kernel_call call = {.kernel = (uint16_t)kernel, .type = (uint8_t)type, .n = 3, .ndim = 2, .split = 1, .number = {1}, .size = {3, 0}, .stride = {{1}, {0, 1}}};
            if (on_gpu[kernel][type]) assert_close_to_cpu(call, type, 3, 0);
            call.n = 0, call.size[0] = 0;
            if (on_gpu[kernel][type]) assert_close_to_cpu(call, type, 0, 0);
        }
    kernel_call mean_of_nothing = {.kernel = KERNEL_SUM, .type = TR_FLOAT32, .n = 1, .ndim = 1, .number = {0}, .size = {0}, .stride = {{0}, {1}}};
    assert_close_to_cpu(mean_of_nothing, TR_FLOAT32, 1, 0);
}

TEST(a_sum_of_floats_is_no_int64)
{
    kernel_call call = {.kernel = KERNEL_SUM, .type = TR_INT64, .from = TR_FLOAT32, .n = 1};
    assert_int_equal(on_gpu[KERNEL_SUM][TR_INT64](&call), -1);
    assert_error_says("sum: CUDA: the source's elements are no whole numbers");
}

TEST(all_that_the_cpu_serves_is_served)
{
    for (int kernel = KERNEL_SUM; kernel <= KERNEL_ARGMIN; kernel++)
        for (tr_dtype type = TR_BOOL; type < TR_DTYPES; type++)
            if (!on_gpu[kernel][type] != !on_cpu[kernel][type]) fail_msg("%s of %s", kernel_name(kernel), tr_dtype_name(type));
}
