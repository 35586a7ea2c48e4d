/* The first look at a CUDA device: of every family of kernels one little call, which gives there what it gives on the CPU.
 * On a real device each test is a process of its own (smoke_NAME_gpu): what a fault leaves behind meets no other. */
#include <trireme/trireme.h>
#include "fake_cublaslt.h"
#include "played/on_played.h"

/* cuBLASLt's stand-in, where the device is played. */
static fake_cublaslt *fake_there(void)
{
    const char *named = getenv("TRIREME_CUDA_LIBRARY");
    void *object = named ? dlopen(named, RTLD_NOLOAD | RTLD_LAZY) : NULL;
    return object ? dlsym(object, "fake") : NULL;
}

static tr_tensor *numbers(int64_t rows, int64_t columns, tr_dtype type, tr_device on)
{
    tr_manual_seed(3);
    tr_tensor *x = tr_randn(TR_SHAPE(rows, columns));
    if (type == TR_COMPLEX64 || type == TR_COMPLEX128) x = tr_complex(x, tr_mul(x, 0.5));
    return tr_to_device(tr_to(x, type), on);
}

static tr_tensor *floats(int64_t rows, int64_t columns, tr_device on) { return numbers(rows, columns, TR_FLOAT32, on); }
static tr_tensor *variable(int64_t rows, int64_t columns, tr_device on) { return tr_requires_grad_(floats(rows, columns, on), true); }
static tr_tensor *places(tr_device on) { return tr_to_device(tr_to(row(2, 0, 2, 4), TR_INT64), on); }

static tr_tensor *gradient(tr_tensor *x, tr_tensor *y) { return tr_backward(tr_sum(tr_mul(y, y))) == 0 ? tr_grad(x) : NULL; }

static void look(tr_tensor *(*at)(tr_device on), double tolerance)
{
    TR_SCOPE;
    tr_tensor *there = at(tr_cuda(0));
    if (!there) fail_msg("%s", tr_error_message());
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
    assert_close(tr_detach(there), tr_detach(at(tr_cpu())), tolerance);
}

/* A name that is part of no other: it chooses the test. */
#define LOOK(name, tolerance)               \
 static tr_tensor *at_##name(tr_device on); \
 TEST(name) { look(at_##name, tolerance); } \
 static tr_tensor *at_##name(tr_device on)

/* ---- kernels of our own: mostly the CPU's bits ---- */
LOOK(copied, 0) { return tr_add(floats(300, 7, on), 0); }
LOOK(row_forward, 0) { return tr_tanh(floats(33, 65, on)); }
LOOK(row_backward, 0)
{
    tr_tensor *x = variable(33, 65, on);
    return gradient(x, tr_sigmoid(x));
}
LOOK(binary, 0) { return tr_div(tr_t(floats(5, 300, on)), floats(300, 1, on)); }
LOOK(power, 1e-5) { return tr_pow(tr_abs(floats(9, 9, on)), 2.5); }
LOOK(complex_row, 1e-5) { return tr_view_as_real(tr_exp(numbers(9, 9, TR_COMPLEX64, on))); }
LOOK(compared, 0)
{
    tr_tensor *x = floats(9, 70, on);
    return tr_where(tr_gt(x, 0.25), x, tr_neg(x));
}
LOOK(converted, 0) { return tr_add(tr_to(tr_to(floats(9, 70, on), TR_BFLOAT16), TR_FLOAT64), tr_to(tr_mul(floats(9, 70, on), 100), TR_INT32)); }
LOOK(filled, 0) { return tr_add(tr_full(TR_SHAPE(70), 1.5, .device = on), tr_arange(0, 70, 1, .device = on)); }
LOOK(random, 0) { return tr_normal_(tr_empty(TR_SHAPE(1001), .device = on), 1, 2, tr_generator_new(TR_PHILOX, 7)); }
LOOK(sum_along, 0) { return tr_sum(floats(70, 1000, on), TR_DIM(1)); }
LOOK(sum_across, 0) { return tr_sum(floats(20, 300, on), TR_DIM(0)); }
LOOK(sum_in_parts, 1e-2) { return tr_sum(floats(400, 2000, on)); }
LOOK(largest, 0) { return tr_max(floats(70, 300, on), TR_DIM(1)); }
LOOK(place_of_most, 0) { return tr_argmax(floats(70, 300, on), TR_DIM(0)); }
LOOK(running_sum, 1e-4) { return tr_cumsum(floats(7, 3000, on), 1); }
LOOK(softmax, 1e-6)
{
    tr_tensor *x = variable(40, 200, on);
    return gradient(x, tr_softmax(x, 1));
}
LOOK(cross_entropy, 1e-6)
{
    tr_tensor *x = variable(4, 10, on);
    return gradient(x, tr_cross_entropy(x, places(on)));
}
LOOK(sorted, 0) { return tr_sort(floats(3, 3000, on), 1); }
LOOK(picked, 0) { return tr_index_select(floats(9, 70, on), 0, places(on)); }
LOOK(added_by_index, 0) { return tr_index_add(floats(9, 70, on), 0, places(on), floats(4, 70, on)); }
LOOK(masked, 0)
{
    tr_tensor *x = floats(90, 70, on);
    return tr_masked_select(x, tr_gt(x, 0.5));
}
LOOK(inverted, 1e-3) { return tr_inv(tr_add(floats(20, 20, on), tr_to_device(tr_mul(tr_eye(20), 9), on))); }
LOOK(little_product, 1e-4) { return tr_matmul(floats(20, 30, on), floats(30, 20, on)); }
LOOK(times_vector, 1e-4) { return tr_matmul(floats(70, 300, on), tr_select(floats(2, 300, on), 0, 1)); }
LOOK(clipped_and_stepped, 1e-6)
{
    tr_tensor *x = variable(33, 65, on);
    tr_optim *adam = tr_adam(TR_TENSORS(x), .lr = 0.1);
    if (!gradient(x, x) || !tr_clip_grad_norm_(TR_TENSORS(x), 1)) return NULL;
    return tr_step(adam) < 0 ? NULL : x;
}

/* ---- the library's products ---- */
static tr_tensor *product(tr_dtype type, tr_device on)
{
    fake_cublaslt *lt = fake_there();
    if (lt) lt->here = true;
    return tr_matmul(numbers(96, 160, type, on), numbers(160, 80, type, on));
}
LOOK(product_of_float32, 1e-3) { return product(TR_FLOAT32, on); }
LOOK(product_of_float64, 1e-9) { return product(TR_FLOAT64, on); }
LOOK(product_of_float16, 0.5) { return tr_to(product(TR_FLOAT16, on), TR_FLOAT32); }
LOOK(product_of_bfloat16, 2) { return tr_to(product(TR_BFLOAT16, on), TR_FLOAT32); }
LOOK(product_of_complex64, 1e-3) { return tr_view_as_real(product(TR_COMPLEX64, on)); }
LOOK(product_of_complex128, 1e-9) { return tr_view_as_real(product(TR_COMPLEX128, on)); }
LOOK(product_in_tf32, 1)
{
    TR_MATMUL_PRECISION(TR_PRECISION_HIGH);
    return product(TR_FLOAT32, on);
}
LOOK(product_with_bias, 1e-3)
{
    (void)product(TR_FLOAT32, on);
    return tr_relu(tr_linear(floats(96, 160, on), floats(80, 160, on), tr_select(floats(2, 80, on), 0, 1)));
}

/* ---- a recorded step: long neighbours, little ones, a product, random numbers; as a graph there, from the second replay on ---- */
LOOK(graph, 1e-3)
{
    tr_tensor *x = floats(300, 300, on), *little = floats(3, 5, on), *sum = tr_zeros(TR_SHAPE(300, 300), .device = on);
    tr_generator *generator = tr_generator_new(TR_PHILOX, 7);
    tr_recording *step;
    if (tr_record(&step) < 0) return NULL;
    {
        TR_SCOPE;
        tr_add_(sum, tr_tanh(tr_mul(x, tr_sum(tr_exp(tr_mul(little, 0.5))))));
        tr_add_(sum, tr_dropout(tr_matmul(x, x), 0.5, generator));
    }
    if (tr_record_end() < 0) return NULL;
    for (int i = 0; i < 4; i++)
        if (tr_replay(step) < 0) return NULL;
    if (on.type != TR_CPU && !tr_error_stands()) assert_true(tr_recording_info_of(step).graphs > 0);
    return sum;
}
