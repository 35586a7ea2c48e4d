/* Matrix products by CUDA's own kernels, their threads run as fibres: the bits of the sums as products.cuh writes them, and
 * near the CPU's products, whose sums run otherwise. */
#include "on_fibres.h"

#include "kernels/cuda/gemm.h"

enum { MOST = 40000 }; /* elements of a view, of 16 bytes at most */
static _Alignas(16) char a[MOST * 16], b[MOST * 16], c[MOST * 16], want[MOST * 16];

static bool is_whole(tr_dtype type) { return type <= TR_INT64; }
static tr_dtype part_of(tr_dtype type) { return type == TR_COMPLEX64 ? TR_FLOAT32 : type == TR_COMPLEX128 ? TR_FLOAT64
                                                                                                          : type; }

/* ---- what is to come out: a sum's terms shared out over lanes, which are folded in halves ---- */
typedef struct {
    double part[2];
    uint64_t whole;
} number;

static number number_at(const void *from, tr_dtype type, int64_t i)
{
    int64_t parts = tr_dtype_is_complex(type) ? 2 : 1;
    number x = {{0}, 0};
    if (type == TR_INT64) x.whole = ((const uint64_t *)from)[i];
    if (is_whole(type) && type != TR_INT64) x.whole = (uint64_t)(int64_t)core_element_get(from, type, i);
    for (int64_t p = 0; p < parts && !is_whole(type); p++) x.part[p] = core_element_get(from, part_of(type), parts * i + p);
    return x;
}

static double fused(double x, double y, double sum, bool single) { return single ? (double)fmaf((float)x, (float)y, (float)sum) : fma(x, y, sum); }
static double sum_of_two(double x, double y, bool single) { return single ? (double)((float)x + (float)y) : x + y; }
static double product_of_two(double x, double y, bool single) { return single ? (double)((float)x * (float)y) : x * y; }

static number finished(number sum, number before, double alpha, double beta, bool single)
{
    number y = {{0}, (uint64_t)(int64_t)alpha * sum.whole + (uint64_t)(int64_t)beta * before.whole};
    for (int p = 0; p < 2; p++) {
        y.part[p] = product_of_two(alpha, sum.part[p], single);
        if (beta != 0) y.part[p] = sum_of_two(y.part[p], product_of_two(beta, before.part[p], single), single);
    }
    return y;
}

/* turned: as of c' = b' a', where a complex number's products stand the other way round. */
static void element_by_definition(const kernel_call *call, int64_t step, int64_t i, int64_t j, int lanes, bool turned, bool single)
{
    static number lane[256];
    const int64_t *sc = call->stride[0], *sa = call->stride[1], *sb = call->stride[2], at = step * sc[0] + i * sc[1] + j * sc[2];
    const tr_dtype type = (tr_dtype)call->type;
    memset(lane, 0, sizeof lane);
    for (int64_t l = 0; l < call->size[3]; l++) {
        number x = number_at(a, type, step * sa[0] + i * sa[1] + l * sa[2]), y = number_at(b, type, step * sb[0] + l * sb[1] + j * sb[2]), *sum = &lane[l % lanes];
        if (turned) {
            const number swapped = x;
            x = y, y = swapped;
        }
        sum->whole += x.whole * y.whole;
        sum->part[0] = fused(x.part[0], y.part[0], sum->part[0], single);
        if (!tr_dtype_is_complex(type)) continue;
        sum->part[0] = fused(-x.part[1], y.part[1], sum->part[0], single);
        sum->part[1] = fused(x.part[0], y.part[1], sum->part[1], single);
        sum->part[1] = fused(x.part[1], y.part[0], sum->part[1], single);
    }
    for (int half = lanes / 2; half > 0; half /= 2)
        for (int t = 0; t < half; t++) {
            lane[t].whole += lane[t + half].whole;
            for (int p = 0; p < 2; p++) lane[t].part[p] = sum_of_two(lane[t].part[p], lane[t + half].part[p], single);
        }
    number y = finished(lane[0], number_at(want, type, at), call->number[0], call->number[1], single);
    if (is_whole(type))
        memcpy(want + at * tr_dtype_size(type), &y.whole, (size_t)tr_dtype_size(type));
    else
        for (int64_t p = 0, parts = tr_dtype_is_complex(type) ? 2 : 1; p < parts; p++) core_element_set(want, part_of(type), parts * at + p, y.part[p]);
}

static void by_definition(const kernel_call *call)
{
    const bool vector = call->size[1] == 1 || call->size[2] == 1;
    const int matrix = call->size[2] == 1 ? 1 : 2;
    const bool along_row = call->stride[matrix][3 - matrix] == 1 || call->stride[matrix][matrix] != 1;
    const int lanes = !vector ? 1 : call->size[3] > 1024 && (along_row || call->size[0] * call->size[matrix] < 1024) ? 256
                                                                                                                     : 8;
    const bool double_sum = call->type == TR_FLOAT64 || call->type == TR_COMPLEX128 || (call->type == TR_FLOAT32 && vector);
    for (int64_t step = 0; step < call->size[0]; step++)
        for (int64_t i = 0; i < call->size[1]; i++)
            for (int64_t j = 0; j < call->size[2]; j++) element_by_definition(call, step, i, j, lanes, vector && matrix == 2, !double_sum);
}

/* ---- calls ---- */
/* Strides of a matrix in one of six layouts: dense rows, dense columns, padded rows, every second element, one row or one
 * column again and again. */
enum { LAYOUTS = 6 };
static int64_t lay_matrix(int how, int64_t rows, int64_t columns, int64_t stride[3])
{
    const int64_t row[LAYOUTS] = {columns, 1, columns + 3, 2 * columns, 0, 1}, column[LAYOUTS] = {1, rows, 1, 2, 1, 0};
    stride[1] = row[how], stride[2] = column[how];
    return rows * columns * 2 + 3 * rows;
}

static kernel_call product_of(tr_dtype type, const int64_t size[4], const int how[3], double alpha, double beta)
{
    kernel_call call = {.kernel = KERNEL_GEMM, .type = (uint8_t)type, .at = {c, a, b}, .number = {alpha, beta}};
    memcpy(call.size, size, 4 * sizeof *size);
    call.n = size[0] * size[1] * size[2];
    call.stride[0][0] = lay_matrix(how[0], size[1], size[2], call.stride[0]);
    call.stride[1][0] = lay_matrix(how[1], size[1], size[3], call.stride[1]);
    call.stride[2][0] = lay_matrix(how[2], size[3], size[2], call.stride[2]);
    for (int v = 0; v < 3; v++) assert_true(call.stride[v][0] * size[0] <= MOST);
    return call;
}

/* Where c is not read, NaN stands there. */
static void fill(tr_dtype type, double beta)
{
    const int64_t parts = tr_dtype_is_complex(type) ? 2 : 1;
    for (int64_t i = 0; i < MOST * parts; i++) {
        core_element_set(a, part_of(type), i, is_whole(type) ? (double)(i % 251) : next_number());
        core_element_set(b, part_of(type), i, is_whole(type) ? (double)(i % 127) : next_number());
        core_element_set(c, part_of(type), i, is_whole(type) ? (double)(i % 31) : beta == 0 ? (double)NAN
                                                                                            : next_number());
    }
    for (int64_t i = 0; i < MOST && type == TR_INT64; i++) ((uint64_t *)a)[i] = next_bits();
}

static void assert_bits_as_defined(kernel_call call)
{
    static int runs;
    static tr_dtype filled;
    static double filled_beta;
    const tr_dtype type = (tr_dtype)call.type;
    const int64_t bytes = tr_dtype_size(type);
    if (filled != type || filled_beta != call.number[1]) fill(type, call.number[1]);
    filled = type, filled_beta = call.number[1];
    memcpy(want, c, sizeof want);
    by_definition(&call);
    static char before[MOST * 16];
    memcpy(before, c, sizeof c);
    fibres_order = runs++ % FIBRES_ORDERS;
    assert_int_equal(on_gpu[call.kernel][type](&call), 0);
    for (int64_t i = 0; i < MOST * bytes / tr_dtype_size(part_of(type)); i++)
        if (!same_part(c + i * tr_dtype_size(part_of(type)), want + i * tr_dtype_size(part_of(type)), part_of(type)))
            fail_msg("%s (%d, %d, %d) x %d, strides (%d, %d) (%d, %d) (%d, %d): number %d is %a, not %a", tr_dtype_name(type), (int)call.size[1], (int)call.size[3], (int)call.size[2], (int)call.size[0], (int)call.stride[0][1], (int)call.stride[0][2], (int)call.stride[1][1], (int)call.stride[1][2], (int)call.stride[2][1], (int)call.stride[2][2], (int)i, core_element_get(c, part_of(type), i), core_element_get(want, part_of(type), i));
    memcpy(c, before, sizeof c);
}

static void run(tr_dtype type, int64_t batch, int64_t m, int64_t n, int64_t k, int layouts, double alpha, double beta)
{
    assert_bits_as_defined(product_of(type, (int64_t[]){batch, m, n, k}, (int[]){layouts % 4, layouts % LAYOUTS, layouts * 5 % LAYOUTS}, alpha, beta));
}

TEST(products_of_every_type_are_sums_in_ascending_order)
{
    static const int shapes[][3] = {{2, 2, 1}, {31, 33, 15}, {32, 32, 16}, {33, 31, 17}, {65, 66, 40}, {3, 100, 33}, {7, 5, 0}, {0, 3, 2}, {3, 0, 2}};
    int layouts = 0;
    for (tr_dtype type = TR_UINT8; type < TR_DTYPES; type++)
        for (unsigned s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            run(type, 1, shapes[s][0], shapes[s][1], shapes[s][2], layouts++, 1, 0);
            run(type, 1, shapes[s][0], shapes[s][1], shapes[s][2], layouts++, is_whole(type) ? -3 : -0.3, is_whole(type) ? 2 : 0.7);
        }
}

TEST(products_lie_anyhow)
{
    for (int layouts = 0; layouts < 12; layouts++) {
        run(TR_FLOAT32, 1, 34, 35, 18, layouts, 1, 0);
        run(TR_BFLOAT16, 3, 5, 33, 20, layouts, 1, 1);
    }
}

/* Just few enough products that a library is not asked. */
TEST(large_tiles_have_the_bits_of_small_ones)
{
    for (tr_dtype type = TR_UINT8; type < TR_DTYPES; type++) run(type, 1, 130, 129, 15, (int)type % 3, 1, 0);
    run(TR_FLOAT32, 1, 128, 131, 3, 1, 0.5, 2);
}

/* Our kernels with a bias give the bits of a product and an addition. */
static void assert_bias_is_an_addition(tr_dtype type, const int64_t size[4], int layouts)
{
    static char bias[200 * 16], sums[MOST * 16];
    kernel_call call = product_of(type, size, (int[]){layouts % 4, layouts % LAYOUTS, layouts * 5 % LAYOUTS}, 1, 0);
    kernel_call sum = {.kernel = KERNEL_ADD, .type = (uint8_t)type, .form = KERNEL_STRIDED, .ndim = 3, .n = call.n, .at = {c, c, bias}, .size = {size[0], size[1], size[2]}};
    memcpy(sum.stride[0], call.stride[0], sizeof *sum.stride);
    memcpy(sum.stride[1], call.stride[0], sizeof *sum.stride);
    sum.stride[2][2] = 1;
    fill(type, 0);
    memcpy(bias, b + 64, sizeof bias);
    memcpy(sums, c, sizeof sums);
    assert_int_equal(on_gpu[KERNEL_GEMM][type](&call), 0);
    assert_int_equal(on_gpu[KERNEL_ADD][type](&sum), 0);
    call.kernel = KERNEL_GEMM_BIAS, call.at[0] = sums, call.at[3] = bias;
    assert_int_equal(on_gpu[KERNEL_GEMM_BIAS][type](&call), 0);
    for (int64_t i = 0, bytes = tr_dtype_size(part_of(type)); i < MOST * tr_dtype_size(type) / bytes; i++)
        if (!same_part(c + i * bytes, sums + i * bytes, part_of(type)))
            fail_msg("%s (%d, %d, %d): number %d is %a, not %a", tr_dtype_name(type), (int)size[1], (int)size[3], (int)size[2], (int)i, core_element_get(sums, part_of(type), i), core_element_get(c, part_of(type), i));
}

/* And of relu after them: halves that are 0 or less, NaN, and -0, which is less the sum of nothing and a bias of -0. */
static void assert_relu_comes_last(tr_dtype type, const int64_t size[4], int layouts)
{
    static char bias[200 * 16], all[MOST * 16];
    kernel_call call = product_of(type, size, (int[]){layouts % 4, layouts % LAYOUTS, layouts * 5 % LAYOUTS}, -1, 0);
    call.kernel = KERNEL_GEMM_BIAS, call.at[3] = bias;
    fill(type, 0);
    memcpy(bias, b + 64, sizeof bias);
    core_element_set(bias, type, 0, NAN);
    core_element_set(bias, type, 1, -0.0);
    memcpy(all, c, sizeof all);
    kernel_call relu = {.kernel = KERNEL_relu, .type = (uint8_t)type, .form = KERNEL_STRIDED, .ndim = 3, .n = call.n, .at = {c, c}, .size = {size[0], size[1], size[2]}};
    memcpy(relu.stride[0], call.stride[0], sizeof *relu.stride);
    memcpy(relu.stride[1], call.stride[0], sizeof *relu.stride);
    assert_int_equal(on_gpu[KERNEL_GEMM_BIAS][type](&call), 0);
    assert_int_equal(on_gpu[KERNEL_relu][type](&relu), 0);
    call.flags = KERNEL_GEMM_RELU, call.at[0] = all;
    assert_int_equal(on_gpu[KERNEL_GEMM_BIAS][type](&call), 0);
    for (int64_t i = 0, bytes = tr_dtype_size(type); i < MOST; i++)
        if (!same_part(c + i * bytes, all + i * bytes, type)) fail_msg("%s (%d, %d, %d): number %d is %a, not %a", tr_dtype_name(type), (int)size[1], (int)size[3], (int)size[2], (int)i, core_element_get(all, type, i), core_element_get(c, type, i));
}

TEST(relu_is_of_what_was_rounded)
{
    static const int64_t sizes[][4] = {{1, 33, 31, 17}, {2, 5, 40, 9}, {1, 129, 130, 15}, {1, 1, 37, 20}, {1, 43, 1, 8}, {1, 1, 3, 1030}, {1, 1, 1, 5}, {1, 4, 5, 0}};
    int layouts = 0;
    for (tr_dtype type = TR_FLOAT16; type <= TR_FLOAT64; type++)
        for (unsigned s = 0; s < sizeof sizes / sizeof *sizes; s++) assert_relu_comes_last(type, sizes[s], layouts++ % 3);
}

TEST(a_bias_is_added_to_what_was_rounded)
{
    static const int64_t sizes[][4] = {{1, 33, 31, 17}, {2, 5, 40, 9}, {1, 129, 130, 15}, {1, 1, 37, 20}, {1, 43, 1, 8}, {1, 1, 3, 1030}, {1, 1, 1, 5}, {1, 4, 5, 0}};
    int layouts = 0;
    for (tr_dtype type = TR_UINT8; type < TR_DTYPES; type++)
        for (unsigned s = 0; s < sizeof sizes / sizeof *sizes; s++) assert_bias_is_an_addition(type, sizes[s], layouts++ % 3);
}

TEST(batches_beyond_the_largest_grid_and_of_one_matrix_again_and_again)
{
    run(TR_FLOAT32, 7, 3, 4, 5, 0, 1, 0);
    run(TR_COMPLEX64, 0, 3, 4, 5, 0, 1, 0);
    kernel_call call = product_of(TR_FLOAT64, (int64_t[]){9, 4, 33, 6}, (int[]){0, 1, 0}, 1, 0);
    call.stride[1][0] = 0;
    assert_bits_as_defined(call);
    call.at[0] = c, call.at[1] = a, call.stride[1][0] = 24, call.stride[2][0] = 0;
    assert_bits_as_defined(call);
}

TEST(vectors_are_summed_over_lanes)
{
    static const int lengths[] = {0, 1, 7, 8, 9, 100, 1024, 1025, 3000};
    for (tr_dtype type = TR_UINT8; type < TR_DTYPES; type++)
        for (unsigned l = 0; l < sizeof lengths / sizeof *lengths; l++)
            for (int wide = 0; wide < 2; wide++)
                for (int layouts = 0; layouts < 3; layouts++) {
                    const int64_t rows = lengths[l] > 100 ? 4 : 43;
                    run(type, 1, wide ? 1 : rows, wide ? rows : 1, lengths[l], layouts, wide ? 2 : 1, wide ? 1 : 0);
                }
    run(TR_FLOAT32, 13, 1, 5, 20, 0, 1, 0);
    run(TR_FLOAT32, 1, 1, 1, 513, 0, 1, 0);
    run(TR_FLOAT16, 1, 1040, 1, 7, 1, 1, 0);
}

TEST(a_matrix_times_a_vector_has_the_cpus_bits)
{
    const tr_dtype held[] = {TR_FLOAT32, TR_FLOAT32, TR_FLOAT32, TR_DEFAULT_DTYPE};
    static const int64_t rows[] = {1, 3, 16, 33, 200}, columns[] = {1, 8, 17, 25};
    for (int r = 0; r < 5; r++)
        for (int k = 0; k < 4; k++)
            for (int turned = 0; turned < 2; turned++) {
                kernel_call call = {.kernel = KERNEL_MATVEC, .type = TR_FLOAT32};
                layout l = {.n = rows[r], .offset = {1, turned, 3}, .ndim = 2, .size = {rows[r], columns[k]}, .stride = {{1 + turned}, {turned ? 1 : columns[k], turned ? rows[r] : 1}, {1 + turned}}};
                assert_same_bits(call, &l, held);
            }
}

/* As far apart as sums of k products in float32 and back may be. */
TEST(products_are_near_the_cpus)
{
    for (tr_dtype type = TR_UINT8; type < TR_DTYPES; type++)
        for (int m = 1; m <= 70; m += 23) {
            kernel_call call = product_of(type, (int64_t[]){2, m, 30, 50}, (int[]){0, 0, 1}, 1, 0);
            const int64_t parts = tr_dtype_is_complex(type) ? 2 : 1;
            fill(type, 0);
            assert_int_equal(on_gpu[KERNEL_GEMM][type](&call), 0);
            memcpy(want, c, sizeof want);
            assert_int_equal(on_cpu[KERNEL_GEMM][type](&call), 0);
            const double tolerance = is_whole(type) ? 0 : type == TR_FLOAT16 ? 0x1p-7
                                                      : type == TR_BFLOAT16  ? 0x1p-4
                                                                             : 100 * 0x1p-23;
            for (int64_t i = 0; i < 2 * call.stride[0][0] * parts; i++) assert_near(core_element_get(want, part_of(type), i), core_element_get(c, part_of(type), i), tolerance);
        }
}

/* For sanitizers: matrices that end where their memory does. */
TEST(nothing_beyond_the_matrices_is_touched)
{
    static const int shapes[][3] = {{33, 31, 17}, {1, 9, 1030}, {130, 129, 5}};
    for (int s = 0; s < 3; s++)
        for (int turned = 0; turned < 2; turned++) {
            const int64_t m = shapes[s][0], n = shapes[s][1], k = shapes[s][2];
            kernel_call call = product_of(TR_FLOAT32, (int64_t[]){1, m, n, k}, (int[]){turned, turned, turned}, 1, 0);
            float *own[] = {calloc((size_t)(m * n), 4), calloc((size_t)(m * k), 4), calloc((size_t)(k * n), 4)};
            for (int v = 0; v < 3; v++) call.at[v] = own[v];
            assert_int_equal(on_gpu[KERNEL_GEMM][TR_FLOAT32](&call), 0);
            for (int64_t i = 0; i < m * n; i++) assert_true(own[0][i] == 0);
            for (int v = 0; v < 3; v++) free(own[v]);
        }
}
