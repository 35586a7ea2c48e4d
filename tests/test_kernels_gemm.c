/* Matrix products: libraries and small loops against the plain kernel. */
#include "core/dtype.h"
#include "kernels.h"
#include "kernels/cpu/gemm.h"

enum { MOST = 160 * 160 * 2 };
static double a[MOST], b[MOST], c[MOST], want[MOST];

/* Strides of a matrix in one of four layouts: row-major, column-major, padded rows, every second element. */
static void lay(int layout, int64_t rows, int64_t columns, int64_t *row, int64_t *column)
{
    *row = layout == 1 ? 1 : layout == 2 ? columns + 3
                         : layout == 3   ? 2 * columns
                                         : columns;
    *column = layout == 1 ? rows : layout == 3 ? 2
                                               : 1;
}

static void check(tr_dtype type, int64_t m, int64_t n, int64_t k, int layouts, double alpha, double beta, double tolerance)
{
    kernel_call call = {
        .kernel = KERNEL_GEMM, .type = (uint8_t)type, .at = {c, a, b}, .number = {alpha, beta}, .size = {1, m, n, k}};
    lay(layouts & 3, m, n, &call.stride[0][1], &call.stride[0][2]);
    lay(layouts >> 2 & 3, m, k, &call.stride[1][1], &call.stride[1][2]);
    lay(layouts >> 4 & 3, k, n, &call.stride[2][1], &call.stride[2][2]);
    bool whole = type <= TR_INT64;
    for (int i = 0; i < MOST / 2; i++) {
        core_element_set(a, type, i, whole ? i % 5 : next_number());
        core_element_set(b, type, i, whole ? i % 3 : next_number());
        core_element_set(c, type, i, beta == 0 && !whole ? (double)NAN : i % 4);
    }
    memcpy(want, c, sizeof c);
    gemm g = {.type = type, .m = m, .n = n, .k = k, .alpha = alpha, .beta = beta, .c = want, .a = a, .b = b, .c_row = call.stride[0][1], .c_column = call.stride[0][2], .a_row = call.stride[1][1], .a_column = call.stride[1][2], .b_row = call.stride[2][1], .b_column = call.stride[2][2]};
    gemm_plain(&g);
    assert_int_equal(kernel_run(tr_cpu(), &call), 0);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            int64_t at = i * g.c_row + j * g.c_column;
            double got = core_element_get(c, type, at), expected = core_element_get(want, type, at);
            if (!(fabs(got - expected) <= tolerance * (double)(k + 1))) fail_msg("%s %dx%dx%d layouts %d: c[%d, %d] = %g, not %g", tr_dtype_name(type), (int)m, (int)n, (int)k, layouts, (int)i, (int)j, got, expected);
        }
}

static const int shapes[][3] = {
    {1, 1, 1},
    {5, 3, 2},
    {100, 1, 2},
    {2, 1, 100},
    {1, 7, 5},
    {1, 2, 50},
    {40, 30, 1},
    {7, 1, 40},
    {1, 7, 40},
    {11, 1, 100},
    {1, 16, 513},
    {33, 17, 9},
    {0, 3, 2},
    {3, 0, 2},
    {3, 2, 0}};

enum { SHAPES = sizeof shapes / sizeof *shapes };

TEST(products_of_every_floating_type_and_layout)
{
    static const double tolerance[TR_DTYPES] = {[TR_FLOAT16] = 2e-3, [TR_BFLOAT16] = 2e-2, [TR_FLOAT32] = 1e-6, [TR_FLOAT64] = 1e-15, [TR_COMPLEX64] = 1e-6, [TR_COMPLEX128] = 1e-15};
    for (tr_dtype type = TR_FLOAT16; type <= TR_COMPLEX128; type++)
        for (int s = 0; s < SHAPES; s++)
            for (int layouts = 0; layouts < 64; layouts += type == TR_FLOAT32 ? 1 : 7) {
                check(type, shapes[s][0], shapes[s][1], shapes[s][2], layouts, 1, 0, tolerance[type]);
                check(type, shapes[s][0], shapes[s][1], shapes[s][2], layouts, 0.5, 2, tolerance[type] * 4);
            }
}

static void check_vector(int m, int k)
{
    enum { ROWS = 16,
           INNER = 512 };
    static float numbers[ROWS * INNER], vector[INNER];
    float *x = (float *)a, *from = (float *)b, *y = (float *)c, first[ROWS];
    for (int l = 0; l < k; l++) vector[l] = (float)next_number();
    for (int i = 0; i < m * k; i++) numbers[i] = (float)(next_number() * (i % 5 ? 1 : 1e9)); /* beside which float sums lose the rest */
    for (int way = 0; way < 8 * levels(); way++) {
        const int layout = way & 3, step = 1 + (way >> 2 & 1), level = way / 8;
        kernel_call call = {.kernel = KERNEL_MATVEC, .type = TR_FLOAT32, .n = m, .at = {y, from, x}, .size = {m, k}, .stride = {{step}, {0}, {step}}};
        lay(layout, m, k, &call.stride[1][0], &call.stride[1][1]);
        for (int i = 0; i < 3 * ROWS * INNER; i++) from[i] = NAN;
        for (int l = 0; l < k; l++) x[l * step] = vector[l];
        for (int i = 0; i < m; i++)
            for (int l = 0; l < k; l++) from[i * call.stride[1][0] + l * call.stride[1][1]] = numbers[i * k + l];
        run_on(level, &call);
        for (int i = 0; i < m; i++) {
            double sum = 0, size = 0;
            for (int l = 0; l < k; l++) {
                double term = (double)numbers[i * k + l] * (double)vector[l];
                sum += term, size += fabs(term);
            }
            assert_near(y[i * step], sum, fabs(sum) * 6e-8 + size * 1e-14);
            if (!way) first[i] = y[i];
            assert_true(y[i * step] == first[i]);
        }
    }
}

TEST(a_few_sums_with_a_vector_have_the_same_bits_everywhere_and_no_error_to_speak_of)
{
    static const int rows[] = {1, 3, 4, 5, 7, 8, 9, 11, 16}, inner[] = {3, 17, 24, 100, 512};
    for (int s = 0; s < 9 * 5; s++) check_vector(rows[s / 5], inner[s % 5]);
}

/* Every level's own loops, and what stands beside the result stays as it was. */
static void check_small(int m, int n, int k, int layouts)
{
    static const char *const level[] = {"v2", "v3", "v4", "generic"};
    float *x = (float *)a, *y = (float *)b, *z = (float *)c, *expected = (float *)want;
    gemm g = {.type = TR_FLOAT32, .m = m, .n = n, .k = k, .alpha = 1, .c = z, .a = x, .b = y};
    lay(layouts & 3, m, n, &g.c_row, &g.c_column);
    lay(layouts >> 2 & 3, m, k, &g.a_row, &g.a_column);
    lay(layouts >> 4 & 3, k, n, &g.b_row, &g.b_column);
    const int64_t room = 2 * (m + 3) * (n + 3);
    float fused[2 * 70 * 20]; /* of the first level that fuses products with their sums */
    bool found = false;
    for (int i = 0; i < 4; i++) {
        gemm_by_hand *small = kernels_gemm_small_of_level(level[i]);
        if (!small) continue;
        for (int64_t at = 0; at < room; at++) z[at] = expected[at] = 77;
        if (!small(&g)) continue;
        gemm plain = g;
        plain.c = expected;
        gemm_plain(&plain);
        for (int64_t at = 0; at < room; at++) assert_near(z[at], expected[at], 1e-6 * (k + 1));
        if (i == 0 && n != 1) continue;
        if (found) assert_bits(z, fused, (size_t)room * sizeof *z);
        memcpy(fused, z, (size_t)room * sizeof *z);
        found = true;
    }
}

TEST(small_products_are_right_on_every_level)
{
    static const int m[] = {1, 2, 3, 5, 7, 13, 25, 26, 51}, n[] = {1, 2, 3, 7, 8, 9, 15, 16, 17}, k[] = {1, 2, 3, 7, 8, 11, 16, 17, 100};
    for (int i = 0; i < MOST / 2; i++) ((float *)a)[i] = (float)next_number(), ((float *)b)[i] = (float)next_number();
    for (int i = 0; i < 9 * 9 * 9; i++)
        for (int layouts = 0; layouts < 64; layouts++) check_small(m[i % 9], n[i / 9 % 9], k[i / 81], layouts);
}

/* A product's own kernel on every level: the same bits, the plain loops' values, and nothing beside the result. */
static void check_vector_product(int m, int n, int k, int layouts)
{
    float *x = (float *)a, *y = (float *)b, *z = (float *)c, *expected = (float *)want, first[3 * 70];
    gemm g = {.type = TR_FLOAT32, .m = m, .n = n, .k = k, .alpha = 1, .c = expected, .a = x, .b = y};
    lay(layouts & 3, m, n, &g.c_row, &g.c_column);
    lay(layouts >> 2 & 3, m, k, &g.a_row, &g.a_column);
    lay(layouts >> 4 & 3, k, n, &g.b_row, &g.b_column);
    const int room = 3 * 70;
    for (int at = 0; at < room; at++) expected[at] = 77;
    gemm_plain(&g);
    for (int level = 0; level < levels(); level++) {
        kernel_call call = {.kernel = KERNEL_GEMM, .type = TR_FLOAT32, .n = m * n, .at = {z, x, y}, .number = {1, 0}, .size = {1, m, n, k}, .stride = {{0, g.c_row, g.c_column}, {0, g.a_row, g.a_column}, {0, g.b_row, g.b_column}}};
        for (int at = 0; at < room; at++) z[at] = 77;
        run_on(level, &call);
        for (int at = 0; at < room; at++) assert_near(z[at], expected[at], 1e-6 * (k + 1));
        if (level == 0) memcpy(first, z, sizeof first);
        assert_bits(z, first, sizeof first);
    }
}

TEST(products_with_a_vector_have_the_same_bits_on_every_level)
{
    static const int shape[][3] = {{0, 1, 2}, {0, 2, 1}, {2, 1, 0}, {1, 1, 0}, {0, 1, 5}, {0, 1, 8}, {0, 1, 11}, {0, 1, 16}}; /* 0: 1 to 35 */
    for (int i = 0; i < MOST / 2; i++) ((float *)a)[i] = (float)next_number(), ((float *)b)[i] = (float)next_number();
    ((float *)a)[3] = -0.0f, ((float *)a)[9] = NAN;
    for (int s = 0; s < 8; s++)
        for (int any = 1; any <= 35; any++)
            for (int layouts = 0; layouts < 64; layouts++) check_vector_product(shape[s][0] ? shape[s][0] : any, shape[s][1], shape[s][2] ? shape[s][2] : any, layouts);
}

TEST(products_of_integers)
{
    for (tr_dtype type = TR_UINT8; type <= TR_INT64; type++)
        for (int s = 0; s < SHAPES; s++) check(type, shapes[s][0], shapes[s][1], shapes[s][2], 5 * s % 64, 2, 1, 0);
}

TEST(products_large_enough_for_the_other_library)
{
    static const int large[][3] = {
        {128, 100, 120},
        {40, 272, 90},
        {128, 128, 10},
        {97, 97, 97}};
    for (int s = 0; s < 4; s++)
        for (int layouts = 0; layouts < 64; layouts++) check(TR_FLOAT32, large[s][0], large[s][1], large[s][2], layouts, 1, layouts & 1, 1e-6);
}

/* A network's products of a batch of 64, forward and backward, and two that 16 does not divide. */
TEST(the_number_of_threads_changes_no_bit_of_a_product_with_many_columns)
{
    static const struct {
        int m, n, k, layouts; /* of a and b: see lay() */
    } product[] = {
        {64, 512, 784, 16},
        {256, 512, 784, 16},
        {512, 784, 64, 4},
        {300, 272, 1000, 4},
        {40, 300, 700, 4},
        {256, 1024, 100, 4},
        {1030, 300, 500, 16},
        {1024, 130, 90, 16},
        {64, 256, 256, 0},
        {128, 512, 512, 0},
        {20, 300, 767, 0},
        {97, 333, 769, 0},
        {256, 90, 1151, 0},
        {5, 700, 768, 0},
        {350, 272, 90, 4},
        {130, 784, 64, 4},
        {10, 512, 64, 4},
        {10, 512, 128, 4},
        {200, 300, 14, 4},
        {128, 512, 10, 0},
        {128, 10, 512, 16},
        {1000, 3, 40, 16},
        {97, 333, 101, 0},
        {97, 333, 101, 20}};
    if (getenv("ONEDNN_MAX_CPU_ISA")) skip_because("oneDNN is held back, and cuts k by rules of its own");
    enum { MOST_THREADS = 5 };
    size_t room = (size_t)128 * 128;
    for (size_t p = 0; p < sizeof product / sizeof *product; p++) {
        const size_t m = (size_t)product[p].m, n = (size_t)product[p].n, k = (size_t)product[p].k;
        if (room < m * k) room = m * k;
        if (room < k * n) room = k * n;
        if (room < m * n) room = m * n;
    }
    float *x = malloc(sizeof *x * room), *y = malloc(sizeof *y * room), *one = malloc(sizeof *x * room), *many = malloc(sizeof *x * room);
    assert_true(x && y && one && many);
    for (size_t i = 0; i < room; i++) x[i] = (float)next_number(), y[i] = (float)next_number();
    const gemm large = {.type = TR_FLOAT32, .m = 128, .n = 128, .k = 128, .alpha = 1, .c = one, .a = x, .b = y};
    if (!gemm_dnnl(&large, (gemm_layout){false, 128}, (gemm_layout){false, 128}, 128)) {
        free(x), free(y), free(one), free(many);
        skip_because("built without oneDNN");
    }
    const int before = tr_num_threads();
    for (size_t p = 0; p < sizeof product / sizeof *product; p++) {
        const int64_t m = product[p].m, n = product[p].n, k = product[p].k;
        kernel_call call = {.kernel = KERNEL_GEMM, .type = TR_FLOAT32, .at = {one, x, y}, .number = {1, 0}, .size = {1, m, n, k}, .stride = {{0, n, 1}}};
        lay(product[p].layouts >> 2 & 3, m, k, &call.stride[1][1], &call.stride[1][2]);
        lay(product[p].layouts >> 4 & 3, k, n, &call.stride[2][1], &call.stride[2][2]);
        tr_set_num_threads(1);
        assert_int_equal(kernel_run(tr_cpu(), &call), 0);
        for (int threads = 2; threads <= MOST_THREADS; threads++) {
            memset(many, 0xff, sizeof *many * (size_t)(m * n));
            call.at[0] = many;
            tr_set_num_threads(threads);
            assert_int_equal(kernel_run(tr_cpu(), &call), 0);
            if (memcmp(many, one, sizeof *one * (size_t)(m * n)) != 0) fail_msg("%d x %d x %d differs on %d threads", (int)m, (int)n, (int)k, threads);
        }
    }
    tr_set_num_threads(before);
    free(x), free(y), free(one), free(many);
}

TEST(batches_are_products_of_their_own)
{
    float x[2 * 6], y[6], z[2 * 4];
    for (int i = 0; i < 12; i++) x[i] = (float)i;
    for (int i = 0; i < 6; i++) y[i] = (float)(i + 1);
    kernel_call call = {
        .kernel = KERNEL_GEMM, .type = TR_FLOAT32, .at = {z, x, y}, .number = {1, 0}, .size = {2, 2, 2, 3}, .stride = {{4, 2, 1}, {6, 3, 1}, {0, 2, 1}}};
    assert_int_equal(kernel_run(tr_cpu(), &call), 0);
    const float expected[] = {13, 16, 40, 52, 67, 88, 94, 124};
    assert_bits(z, expected, sizeof z);
}

/* (a b + c) v against a (b v) + c v. */
static void check_projection(int64_t m, int64_t n, int64_t k, int layouts)
{
    float *x = malloc(sizeof *x * (size_t)(m * k)), *y = malloc(sizeof *y * (size_t)(k * n)), *z = malloc(sizeof *z * (size_t)(m * n));
    double *v = malloc(sizeof *v * (size_t)n), *yv = calloc((size_t)k, sizeof *yv), *right = calloc((size_t)m, sizeof *right);
    assert_true(x && y && z && v && yv && right);
    for (int64_t i = 0; i < m * k; i++) x[i] = (float)next_number();
    for (int64_t i = 0; i < k * n; i++) y[i] = (float)next_number();
    for (int64_t i = 0; i < m * n; i++) z[i] = (float)next_number();
    for (int64_t j = 0; j < n; j++) v[j] = next_number();
    kernel_call call = {.kernel = KERNEL_GEMM, .type = TR_FLOAT32, .at = {z, x, y}, .number = {1, 1}, .size = {1, m, n, k}, .stride = {{0, n, 1}}};
    lay(layouts >> 2 & 3, m, k, &call.stride[1][1], &call.stride[1][2]);
    lay(layouts >> 4 & 3, k, n, &call.stride[2][1], &call.stride[2][2]);
    for (int64_t l = 0; l < k; l++)
        for (int64_t j = 0; j < n; j++) yv[l] += (double)y[l * call.stride[2][1] + j * call.stride[2][2]] * v[j];
    for (int64_t i = 0; i < m; i++) {
        for (int64_t l = 0; l < k; l++) right[i] += (double)x[i * call.stride[1][1] + l * call.stride[1][2]] * yv[l];
        for (int64_t j = 0; j < n; j++) right[i] += (double)z[i * n + j] * v[j];
    }
    assert_int_equal(kernel_run(tr_cpu(), &call), 0);
    for (int64_t i = 0; i < m; i++) {
        double left = 0;
        for (int64_t j = 0; j < n; j++) left += (double)z[i * n + j] * v[j];
        assert_near(left, right[i], 2e-3);
    }
    free(x), free(y), free(z), free(v), free(yv), free(right);
}

TEST(large_products_agree_by_projection)
{
    check_projection(300, 300, 300, 0);
    check_projection(300, 272, 1000, 4);
    check_projection(40, 300, 700, 4);
    check_projection(1030, 300, 500, 16);
    check_projection(1024, 130, 90, 16);
}

TEST(an_inverse_times_its_matrix_is_one)
{
    double m[] = {4, 1, 2, 0, 3, 1, 1, 5, 2}, inverse[9];
    float f[] = {4, 1, 2, 0, 3, 1, 1, 5, 2}, narrow[9];
    kernel_call call = {
        .kernel = KERNEL_INVERSE, .type = TR_FLOAT64, .at = {inverse, m}, .size = {3}};
    assert_int_equal(kernel_run(tr_cpu(), &call), 0);
    call = (kernel_call){
        .kernel = KERNEL_INVERSE, .type = TR_FLOAT32, .at = {narrow, f}, .size = {3}};
    assert_int_equal(kernel_run(tr_cpu(), &call), 0);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            double sum = 0;
            for (int l = 0; l < 3; l++) sum += inverse[3 * i + l] * m[3 * l + j];
            assert_near(sum, i == j, 1e-14);
            assert_near(narrow[3 * i + j], inverse[3 * i + j], 1e-4);
        }
}

TEST(a_singular_matrix_names_its_diagonal)
{
    double m[] = {1, 2, 2, 4}, out[4];
    kernel_call call = {
        .kernel = KERNEL_INVERSE, .type = TR_FLOAT64, .at = {out, m}, .size = {2}};
    assert_int_equal(kernel_run(tr_cpu(), &call), -1);
    assert_error_says("the diagonal element 2 is zero");
}
