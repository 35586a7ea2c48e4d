/* What cuBLASLt is told of a product: a triple loop that reads memory as it would, column after column, finds the product
 * that the row-major call means. */
#include "on_fibres.h"

#include "column_major.h"
#include "kernels/cuda/cublaslt.h"
#include "kernels/cuda/gemm_arguments.h"

enum { ROOM = 3000 };
static double a[2 * ROOM], b[2 * ROOM], c[2 * ROOM], want[2 * ROOM], bias[2 * ROOM];

/* Strides of a matrix, and how far the next one of a batch stands: dense rows, dense columns, both padded, and matrices
 * side by side in rows that they share. */
enum { LAYOUTS = 5 };
static int64_t lay_matrix(int how, int64_t batch, int64_t rows, int64_t columns, int64_t stride[3])
{
    const int64_t row[LAYOUTS] = {columns, 1, columns + 3, 1, batch * columns}, column[LAYOUTS] = {1, rows, 1, rows + 2, 1};
    const int64_t step[LAYOUTS] = {rows * columns, rows * columns, rows * (columns + 3), (rows + 2) * columns, columns};
    stride[0] = step[how], stride[1] = row[how], stride[2] = column[how];
    return batch * (rows + 3) * (columns + 3);
}

static kernel_call product_of(tr_dtype type, int64_t batch, const int64_t size[3], const int how[3], double beta)
{
    kernel_call call = {.kernel = KERNEL_GEMM, .type = (uint8_t)type, .at = {c, a, b}, .number = {1.5, beta}, .size = {batch, size[0], size[1], size[2]}};
    assert_true(lay_matrix(how[0], batch, size[0], size[1], call.stride[0]) <= ROOM);
    assert_true(lay_matrix(how[1], batch, size[0], size[2], call.stride[1]) <= ROOM);
    assert_true(lay_matrix(how[2], batch, size[2], size[1], call.stride[2]) <= ROOM);
    for (int64_t i = 0; i < ROOM; i++) {
        put_value(a, type, i, (complex_value){next_number(), next_number()});
        put_value(b, type, i, (complex_value){next_number(), next_number()});
        put_value(c, type, i, (complex_value){next_number(), next_number()});
        put_value(bias, type, i, (complex_value){next_number(), 0});
    }
    return call;
}

/* The row-major call, element by element, with a bias of c's columns. */
static void by_rows(const kernel_call *call, void *out, bool with_bias, bool relu)
{
    const int64_t *size = call->size, *sc = call->stride[0], *sa = call->stride[1], *sb = call->stride[2];
    const tr_dtype type = (tr_dtype)call->type;
    for (int64_t step = 0; step < size[0]; step++)
        for (int64_t i = 0; i < size[1]; i++)
            for (int64_t j = 0; j < size[2]; j++) {
                const int64_t at = step * sc[0] + i * sc[1] + j * sc[2];
                const complex_value before = value_at(c, type, at);
                complex_value sum = {0, 0};
                for (int64_t l = 0; l < size[3]; l++) {
                    const complex_value x = value_at(a, type, step * sa[0] + i * sa[1] + l * sa[2]), y = value_at(b, type, step * sb[0] + l * sb[1] + j * sb[2]);
                    sum.re += x.re * y.re - x.im * y.im, sum.im += x.re * y.im + x.im * y.re;
                }
                sum.re = call->number[0] * sum.re + call->number[1] * before.re;
                sum.im = call->number[0] * sum.im + call->number[1] * before.im;
                if (with_bias) sum.re += value_at(bias, type, j).re;
                if (relu && sum.re < 0) sum.re = 0;
                put_value(out, type, at, sum);
            }
}

static column_major matrix(const gemm_matrix *m, tr_dtype type) { return (column_major){type, m->rows, m->columns, m->leading, m->step, m->transposed}; }

static void check(const kernel_call *call, gemm_epilogue epilogue)
{
    gemm_arguments g;
    const tr_dtype type = (tr_dtype)call->type;
    memcpy(want, c, sizeof want);
    by_rows(call, want, epilogue != GEMM_ALONE, epilogue == GEMM_BIAS_RELU);
    assert_true(gemm_arguments_of(call, epilogue, bias, &g));
    const column_major in[] = {matrix(&g.shape.a, type), matrix(&g.shape.b, type), matrix(&g.shape.d, type)};
    for (int v = 0; v < 3; v++) assert_true(in[v].leading >= in[v].rows);
    assert_false(in[2].transposed);
    assert_int_equal(in[0].transposed ? in[0].columns : in[0].rows, in[2].rows);
    assert_int_equal(in[1].transposed ? in[1].rows : in[1].columns, in[2].columns);
    assert_int_equal(in[0].transposed ? in[0].rows : in[0].columns, in[1].transposed ? in[1].columns : in[1].rows);
    multiply_column_major(&in[0], g.a, &in[1], g.b, &in[2], g.d, g.shape.batch, g.alpha, g.beta, g.bias, g.shape.epilogue == LT_EPILOGUE_RELU_BIAS);
    const double tolerance = type == TR_FLOAT16 || type == TR_BFLOAT16 ? 0x1p-5 : type == TR_FLOAT32 || type == TR_COMPLEX64 ? 1e-6
                                                                                                                             : 1e-14;
    for (int64_t i = 0; i < ROOM; i++) {
        assert_near(value_at(c, type, i).re, value_at(want, type, i).re, tolerance);
        assert_near(value_at(c, type, i).im, value_at(want, type, i).im, tolerance);
    }
}

TEST(a_library_that_reads_columns_finds_the_product_of_rows)
{
    static const int64_t sizes[][3] = {{3, 4, 5}, {1, 4, 5}, {3, 1, 5}, {3, 4, 1}, {1, 1, 1}, {2, 1, 1}, {7, 2, 2}};
    for (int s = 0; s < 7; s++)
        for (int hows = 0; hows < LAYOUTS * LAYOUTS * LAYOUTS; hows++)
            for (int batch = 1; batch < 4; batch += 2) {
                kernel_call call = product_of(TR_FLOAT64, batch, sizes[s], (int[]){hows % LAYOUTS, hows / LAYOUTS % LAYOUTS, hows / LAYOUTS / LAYOUTS}, batch == 1 ? 0 : 0.5);
                check(&call, GEMM_ALONE);
            }
}

TEST(every_type_has_its_words)
{
    static const int words[TR_DTYPES][3] = {[TR_FLOAT16] = {2, 0, 68}, [TR_BFLOAT16] = {14, 0, 68}, [TR_FLOAT32] = {0, 0, 68}, [TR_FLOAT64] = {1, 1, 70}, [TR_COMPLEX64] = {4, 4, 68}, [TR_COMPLEX128] = {5, 5, 70}};
    gemm_arguments g;
    for (tr_dtype type = TR_BOOL; type < TR_DTYPES; type++) {
        kernel_call call = product_of(type >= TR_FLOAT16 ? type : TR_FLOAT64, 2, (int64_t[]){3, 4, 5}, (int[]){0, 1, 2}, 0.5);
        call.type = (uint8_t)type;
        assert_int_equal(gemm_arguments_of(&call, GEMM_ALONE, NULL, &g), type >= TR_FLOAT16);
        if (type < TR_FLOAT16) continue;
        assert_int_equal(g.shape.type, words[type][0]);
        assert_int_equal(g.shape.scale_type, words[type][1]);
        assert_int_equal(g.shape.compute_type, words[type][2]);
        check(&call, GEMM_ALONE);
    }
}

TEST(float32_alone_may_be_tf32)
{
    gemm_arguments g;
    for (tr_dtype type = TR_FLOAT16; type < TR_DTYPES; type++) {
        kernel_call call = product_of(type, 2, (int64_t[]){3, 4, 5}, (int[]){0, 1, 2}, 0.5);
        assert_true(gemm_arguments_of(&call, GEMM_ALONE, NULL, &g));
        const gemm_shape exact = g.shape;
        call.flags = KERNEL_GEMM_TF32;
        assert_true(gemm_arguments_of(&call, GEMM_ALONE, NULL, &g));
        assert_int_equal(g.shape.compute_type, type == TR_FLOAT32 ? 77 : exact.compute_type);
        g.shape.compute_type = exact.compute_type;
        assert_memory_equal(&g.shape, &exact, sizeof exact);
        check(&call, GEMM_ALONE);
    }
    kernel_call call = product_of(TR_FLOAT32, 1, (int64_t[]){6, 4, 5}, (int[]){0, 0, 0}, 0);
    call.flags = KERNEL_GEMM_TF32;
    assert_true(gemm_arguments_of(&call, GEMM_BIAS, bias, &g));
    assert_int_equal(g.shape.compute_type, LT_COMPUTE_32F_FAST_TF32);
}

TEST(a_bias_lies_along_the_columns_of_c)
{
    for (int hows = 0; hows < LAYOUTS * LAYOUTS; hows++)
        for (int batch = 1; batch < 3; batch++)
            for (gemm_epilogue epilogue = GEMM_BIAS; epilogue <= GEMM_BIAS_RELU; epilogue++) {
                kernel_call call = product_of(TR_FLOAT32, batch, (int64_t[]){6, 4, 5}, (int[]){hows % 2 ? 0 : 2, hows % LAYOUTS, hows / LAYOUTS}, 0);
                check(&call, epilogue);
            }
    gemm_arguments g;
    kernel_call turned = product_of(TR_FLOAT32, 1, (int64_t[]){6, 4, 5}, (int[]){1, 0, 0}, 0);
    assert_true(gemm_arguments_of(&turned, GEMM_ALONE, NULL, &g));
    assert_false(gemm_arguments_of(&turned, GEMM_BIAS, bias, &g));
    kernel_call complex = product_of(TR_COMPLEX64, 1, (int64_t[]){6, 4, 5}, (int[]){0, 0, 0}, 0);
    assert_false(gemm_arguments_of(&complex, GEMM_BIAS, bias, &g));
}

TEST(one_matrix_stands_for_a_batch)
{
    for (int v = 1; v < 3; v++) {
        kernel_call call = product_of(TR_FLOAT64, 4, (int64_t[]){3, 4, 5}, (int[]){0, v - 1, 0}, 0);
        call.stride[v][0] = 0;
        check(&call, GEMM_ALONE);
    }
}

TEST(what_no_library_takes_is_refused)
{
    gemm_arguments g;
    for (int v = 0; v < 3; v++) {
        kernel_call call = product_of(TR_FLOAT64, 2, (int64_t[]){3, 4, 5}, (int[]){0, 0, 0}, 0);
        const kernel_call whole = call;
        call.stride[v][1] *= 2, call.stride[v][2] = 2; /* every second element */
        assert_false(gemm_arguments_of(&call, GEMM_ALONE, NULL, &g));
        call = whole;
        call.stride[v][1] = 0; /* a row again and again */
        assert_false(gemm_arguments_of(&call, GEMM_ALONE, NULL, &g));
        call = whole;
        call.stride[v][1] = call.stride[v][2] = 1; /* each row one further: rows overlap */
        assert_false(gemm_arguments_of(&call, GEMM_ALONE, NULL, &g));
    }
    for (int s = 0; s < 4; s++) {
        kernel_call call = product_of(TR_FLOAT64, 2, (int64_t[]){3, 4, 5}, (int[]){0, 0, 0}, 0);
        call.size[s] = 0;
        assert_false(gemm_arguments_of(&call, GEMM_ALONE, NULL, &g));
        call.size[s] = (int64_t)1 << 31;
        assert_false(gemm_arguments_of(&call, GEMM_ALONE, NULL, &g));
    }
}

TEST(plans_know_how_memory_is_aligned)
{
    static _Alignas(256) char memory[1024];
    const struct {
        int offset, alignment;
    } expected[] = {{0, 256}, {256, 256}, {128, 16}, {16, 16}, {48, 16}, {8, 8}, {12, 4}, {2, 2}, {6, 2}};
    gemm_arguments g, other;
    for (unsigned i = 0; i < sizeof expected / sizeof *expected; i++) {
        kernel_call call = product_of(TR_BFLOAT16, 1, (int64_t[]){3, 4, 5}, (int[]){0, 0, 0}, 0);
        call.at[1] = memory + expected[i].offset;
        assert_true(gemm_arguments_of(&call, GEMM_BIAS, memory + expected[i].offset, &g));
        assert_int_equal(g.shape.b.alignment, expected[i].alignment);
        assert_int_equal(g.shape.bias_alignment, expected[i].alignment);
        assert_true(gemm_arguments_of(&call, GEMM_BIAS, memory + expected[i].offset, &other));
        assert_int_equal(memcmp(&g.shape, &other.shape, sizeof g.shape), 0);
    }
}
