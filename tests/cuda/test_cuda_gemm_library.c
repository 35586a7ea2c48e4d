/* Large products by a library that counts and refuses (fake_cublaslt.c), and by our own kernels where it does not. */
#include "on_fibres.h"

#include "fake_cublaslt.h"
#include "kernels/cuda/cublaslt.h"

enum { SIDE = 68,
       ROOM = 4 * 80 * 80 };
static _Alignas(256) char a[ROOM * 16], b[ROOM * 16], c[ROOM * 16], bias[2 * SIDE * 16], want[ROOM * 16];

static tr_dtype part_of(tr_dtype type) { return type == TR_COMPLEX64 ? TR_FLOAT32 : type == TR_COMPLEX128 ? TR_FLOAT64
                                                                                                          : type; }
static int64_t parts_of(tr_dtype type) { return tr_dtype_is_complex(type) ? 2 : 1; }

static kernel_call square(tr_dtype type, int64_t side)
{
    return (kernel_call){.kernel = KERNEL_GEMM, .type = (uint8_t)type, .n = side * side, .at = {c, a, b}, .number = {1, 0}, .size = {1, side, side, side}, .stride = {{0, side, 1}, {0, side, 1}, {0, side, 1}}};
}

/* With a bias that stands beside an aligned address. */
static kernel_call biased(tr_dtype type, int64_t side)
{
    kernel_call call = square(type, side);
    call.kernel = KERNEL_GEMM_BIAS;
    call.at[3] = bias + tr_dtype_size(type);
    return call;
}

/* The CPU has a product and an addition. */
static void run_on_cpu(kernel_call call)
{
    const bool has_bias = call.kernel == KERNEL_GEMM_BIAS;
    const int64_t n = call.size[2];
    call.kernel = KERNEL_GEMM;
    assert_int_equal(on_cpu[KERNEL_GEMM][call.type](&call), 0);
    for (int64_t i = 0; has_bias && i < call.size[1]; i++) {
        char *row = (char *)call.at[0] + i * call.stride[0][1] * tr_dtype_size((tr_dtype)call.type);
        const kernel_call sum = flat(KERNEL_ADD, (tr_dtype)call.type, n, row, row, call.at[3], NULL);
        assert_int_equal(on_cpu[KERNEL_ADD][call.type](&sum), 0);
        const kernel_call relu = flat(KERNEL_relu, (tr_dtype)call.type, n, row, row, NULL, NULL);
        if (call.flags & KERNEL_GEMM_RELU) assert_int_equal(on_cpu[KERNEL_relu][call.type](&relu), 0);
    }
}

static void assert_near_the_cpus(kernel_call call)
{
    const tr_dtype type = (tr_dtype)call.type;
    for (int64_t i = 0; i < ROOM * parts_of(type); i++) {
        core_element_set(a, part_of(type), i, next_number());
        core_element_set(b, part_of(type), i, next_number());
        core_element_set(c, part_of(type), i, next_number());
    }
    for (int64_t i = 0; i < 2 * SIDE * parts_of(type); i++) core_element_set(bias, part_of(type), i, next_number());
    memcpy(want, c, sizeof want);
    assert_int_equal(on_gpu[call.kernel][type](&call), 0);
    call.at[0] = want + ((char *)call.at[0] - c);
    run_on_cpu(call);
    const double tolerance = type == TR_FLOAT16 ? 0x1p-6 : type == TR_BFLOAT16 ? 0x1p-3
                                                                               : 1e-4;
    for (int64_t i = 0; i < ROOM * parts_of(type); i++) assert_near(core_element_get(c, part_of(type), i), core_element_get(want, part_of(type), i), tolerance);
    if (fake.wrong) fail_msg("the library got %s", fake.wrong);
}

/* A library for a test; what older plans hold stays. */
static void begin(fake_cublaslt library)
{
    library.alive = fake.alive;
    fake = library;
}

/* How many the library computed. */
static int products_of(kernel_call call)
{
    fake.products = 0;
    assert_near_the_cpus(call);
    return fake.products;
}

TEST(what_is_large_goes_to_the_library_and_nothing_else)
{
    begin((fake_cublaslt){.here = true, .workspace = 1000});
    for (tr_dtype type = TR_FLOAT16; type < TR_DTYPES; type++) {
        assert_int_equal(products_of(square(type, SIDE)), 1);
        assert_int_equal(products_of(square(type, 64)), 0); /* 64^3 is not more than 64^3 */
    }
    assert_int_equal(products_of(square(TR_INT32, SIDE)), 0);

    kernel_call many = square(TR_FLOAT32, 34);
    many.size[0] = 20, many.stride[0][0] = many.stride[1][0] = 34 * 34;
    assert_int_equal(products_of(many), 1);
    kernel_call vector = square(TR_FLOAT32, 20);
    vector.size[0] = 1, vector.size[1] = 160, vector.size[2] = 1, vector.size[3] = 159;
    vector.stride[1][1] = 159, vector.stride[2][1] = 1;
    assert_int_equal(products_of(vector), 0);
    kernel_call gaps = square(TR_FLOAT32, SIDE);
    gaps.stride[1][1] = 2 * SIDE, gaps.stride[1][2] = 2;
    assert_int_equal(products_of(gaps), 0);
}

TEST(scales_views_and_transposes_arrive)
{
    begin((fake_cublaslt){.here = true});
    for (tr_dtype type = TR_FLOAT16; type < TR_DTYPES; type++)
        for (int turned = 0; turned < 8; turned++) {
            kernel_call call = square(type, SIDE);
            call.number[0] = -0.5, call.number[1] = 0.25;
            for (int v = 0; v < 3; v++) {
                call.stride[v][1] = turned >> v & 1 ? 1 : SIDE + v;
                call.stride[v][2] = turned >> v & 1 ? SIDE + v : 1;
                call.at[v] = (char *)call.at[v] + (turned + v) * tr_dtype_size(type);
            }
            assert_int_equal(products_of(call), 1);
        }
}

TEST(a_bias_is_the_librarys_epilogue)
{
    begin((fake_cublaslt){.here = true, .workspace = 1000});
    for (tr_dtype type = TR_FLOAT16; type < TR_DTYPES; type++)
        for (int again = 0; again < 2; again++) {
            kernel_call call = biased(type, SIDE);
            call.at[3] = bias + (again ? 16 : 1) * tr_dtype_size(type);
            assert_int_equal(products_of(call), 1);
            assert_int_equal(products_of(biased(type, 60)), 0);
        }
}

TEST(a_bias_that_the_library_does_not_know_is_added_behind_it)
{
    begin((fake_cublaslt){.here = true, .no_bias = true});
    for (tr_dtype type = TR_FLOAT16; type < TR_DTYPES; type++)
        for (int again = 0; again < 2; again++) assert_int_equal(products_of(biased(type, SIDE + 1)), 1);
    assert_int_equal(fake.asked, 2 * 4 + 2); /* with and without, complex numbers only without, and not again */
    begin((fake_cublaslt){.here = false});
    assert_int_equal(products_of(biased(TR_BFLOAT16, SIDE)), 0);
    assert_int_equal(products_of(biased(TR_COMPLEX64, SIDE)), 0);
}

/* Unless it may be the library's, it is a launch behind it; where the library does not know it, too. */
TEST(relu_is_behind_the_library_or_in_it)
{
    for (int in_it = 0; in_it < 2; in_it++)
        for (int without_bias = 0; without_bias < 2; without_bias++) {
            begin((fake_cublaslt){.here = true, .no_bias = without_bias});
            if (in_it) setenv("TRIREME_CUDA_EPILOGUE", "relu", 1);
            for (tr_dtype type = TR_FLOAT16; type <= TR_FLOAT64; type++) {
                kernel_call call = biased(type, SIDE + 8 + without_bias);
                call.flags = KERNEL_GEMM_RELU;
                fake.relus = 0;
                assert_int_equal(products_of(call), 1);
                assert_int_equal(fake.relus, in_it && !without_bias);
            }
            unsetenv("TRIREME_CUDA_EPILOGUE");
        }
}

TEST(tf32_is_asked_for_where_the_call_lets_it_be_and_the_library_knows_it)
{
    begin((fake_cublaslt){.here = true});
    kernel_call exact = square(TR_FLOAT32, 74), loose = exact;
    loose.flags = KERNEL_GEMM_TF32;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(products_of(exact), 1);
        assert_int_equal(fake.tf32, i);
        assert_int_equal(products_of(loose), 1);
        assert_int_equal(fake.tf32, i + 1);
    }
    assert_int_equal(fake.asked, 2); /* two plans of one shape */

    begin((fake_cublaslt){.here = true, .no_tf32 = true});
    loose = biased(TR_FLOAT32, SIDE);
    loose.flags = KERNEL_GEMM_TF32;
    for (int i = 0; i < 2; i++) assert_int_equal(products_of(loose), 1);
    assert_int_equal(fake.tf32, 0);
}

TEST(a_shape_is_asked_for_once)
{
    begin((fake_cublaslt){.here = true});
    kernel_call call = square(TR_FLOAT32, 71);
    for (int i = 0; i < 3; i++) assert_int_equal(products_of(call), 1);
    assert_int_equal(fake.asked, 1);
    call.at[1] = a + 4; /* whose addresses another algorithm takes */
    for (int i = 0; i < 3; i++) assert_int_equal(products_of(call), 1);
    assert_int_equal(fake.asked, 2);
    call.number[0] = 3, call.number[1] = 1; /* and whose numbers none needs to know */
    assert_int_equal(products_of(call), 1);
    assert_int_equal(fake.asked, 2);
}

/* A thousand shapes more than there are places: plans go, with what they hold, and are made again. */
TEST(plans_are_forgotten_where_there_are_too_many)
{
    enum { SHAPES = 1600 };
    begin((fake_cublaslt){.here = true, .idle = true});
    kernel_call call = square(TR_FLOAT32, 2);
    for (int again = 0; again < 2; again++)
        for (int64_t k = 66000; k < 66000 + SHAPES; k++) {
            call.size[3] = call.stride[1][1] = k;
            assert_int_equal(on_gpu[KERNEL_GEMM][TR_FLOAT32](&call), 0);
        }
    assert_int_equal(fake.products, 2 * SHAPES);
    assert_true(fake.asked > SHAPES && fake.asked <= 2 * SHAPES);
    assert_true(fake.alive > 0 && fake.alive <= 4 * (512 + 8));
    fake.asked = 0;
    assert_int_equal(on_gpu[KERNEL_GEMM][TR_FLOAT32](&call), 0);
    assert_int_equal(fake.asked, 0);
}

TEST(without_the_library_our_own_kernels_multiply)
{
    begin((fake_cublaslt){.here = false});
    assert_int_equal(products_of(square(TR_FLOAT32, SIDE)), 0);
    assert_int_equal(fake.asked, 0);
}

TEST(a_library_without_a_handle_is_asked_for_one_once)
{
    stream_here = &stream_here;
    begin((fake_cublaslt){.here = true, .no_handle = true});
    assert_int_equal(products_of(square(TR_FLOAT32, SIDE)), 0);
    assert_int_equal(products_of(square(TR_FLOAT32, SIDE)), 0);
    assert_int_equal(fake.handles, 1);
    stream_here = NULL;
}

TEST(every_stream_has_a_handle)
{
    static int others[2];
    begin((fake_cublaslt){.here = true});
    for (int again = 0; again < 2; again++)
        for (int i = 0; i < 2; i++) {
            stream_here = &others[i];
            assert_int_equal(products_of(square(TR_FLOAT32, SIDE)), 1);
        }
    assert_int_equal(fake.handles, 2);
    assert_int_equal(fake.asked, 2);
    stream_here = NULL;
}

TEST(what_the_library_does_not_do_our_own_kernels_do_from_then_on)
{
    begin((fake_cublaslt){.here = true, .knows_none = true});
    for (int i = 0; i < 3; i++) assert_int_equal(products_of(square(TR_FLOAT32, 72)), 0);
    assert_int_equal(fake.asked, 1);

    begin((fake_cublaslt){.here = true, .result = LT_NOT_SUPPORTED});
    assert_int_equal(products_of(square(TR_FLOAT32, 73)), 0);
    fake.result = LT_SUCCESS;
    assert_int_equal(products_of(square(TR_FLOAT32, 73)), 0);
    assert_int_equal(fake.asked, 1);
}

TEST(what_the_library_fails_at_is_an_error)
{
    begin((fake_cublaslt){.here = true, .result = 13});
    kernel_call call = square(TR_FLOAT32, SIDE);
    assert_int_equal(on_gpu[KERNEL_GEMM][TR_FLOAT32](&call), -1);
    assert_error_says("gemm: CUDA: the fake failed");
}
