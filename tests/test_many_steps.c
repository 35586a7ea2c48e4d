/* Thousands of training steps hold what a hundred do: on the CPU, and on the device that TRIREME_TEST_DEVICE names.
 * TRIREME_TEST_STEPS says how many, for devices that are played. */
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <trireme/trireme.h>
#include "test.h"

enum { SAMPLES = 70, /* batches of 16, and one of 6 */
       INPUTS = 20,
       CLASSES = 4,
       WARM = 100 };

static int64_t steps_wanted(void)
{
    const char *n = getenv("TRIREME_TEST_STEPS");
    return n ? strtoll(n, NULL, 10) : harness_rounds(10000);
}

typedef struct {
    tr_module *model;
    tr_optim *adam;
    tr_grad_scaler *scaler; /* of float16 */
    tr_loader *loader;
    tr_dtype type;
    int64_t epoch;
} training;

static training begin(tr_dtype type)
{
    tr_manual_seed(3);
    tr_tensor *x = tr_randn(TR_SHAPE(SAMPLES, INPUTS)), *y = tr_randint(0, CLASSES, TR_SHAPE(SAMPLES));
    training t = {.type = type, .scaler = tr_grad_scaler_new()};
    t.model = tr_sequential(tr_linear_layer(INPUTS, 32), tr_relu_layer(), tr_dropout_layer(0.2), tr_linear_layer(32, CLASSES));
    assert_int_equal(tr_module_to(t.model, harness_device()), 0);
    t.adam = tr_adam(tr_parameters(t.model), .lr = 1e-3);
    t.loader = tr_loader_new(tr_dataset_tensors(x, y), .batch_size = 16, .shuffle = true, .device = harness_device());
    return t;
}

static double step(training *t, const tr_batch *b)
{
    TR_SCOPE;
    tr_tensor *loss;
    {
        TR_AUTOCAST(t->type);
        loss = tr_cross_entropy(tr_forward(t->model, b->input), b->target);
    }
    bool scaled = t->type == TR_FLOAT16;
    assert_int_equal(tr_backward(scaled ? tr_scale(t->scaler, loss) : loss), 0);
    if (scaled) assert_int_equal(tr_unscale_(t->scaler, t->adam), 0);
    assert_true(tr_clip_grad_norm(tr_parameters(t->model), 1) >= 0);
    assert_int_equal(scaled ? tr_scaler_step(t->scaler, t->adam) : tr_step(t->adam), 0);
    if (scaled) assert_int_equal(tr_scaler_update(t->scaler), 0);
    tr_zero_grad(t->adam);
    return tr_item(loss);
}

/* So many steps and those up to the end of an epoch; the last loss. */
static double steps(training *t, int64_t n)
{
    double loss = NAN;
    while (n > 0) {
        assert_int_equal(tr_loader_start(t->loader, t->epoch++), 0);
        for (tr_batch b; tr_loader_next(t->loader, &b); n--) loss = step(t, &b);
    }
    return loss;
}

/* What all libraries of the process have of malloc; 0 where nobody says. */
static int64_t in_use(void)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
    return (int64_t)mallinfo2().uordblks;
#else
    return 0;
#endif
}

static void assert_same_memory(tr_device device, tr_memory_stats before)
{
    tr_memory_stats now = tr_memory(device);
    assert_int_equal(now.allocated_bytes, before.allocated_bytes);
    assert_int_equal(now.peak_bytes, before.peak_bytes);
    assert_int_equal(now.cached_bytes, before.cached_bytes);
    assert_int_equal(now.system_requests, before.system_requests);
}

static void train(tr_dtype type)
{
    TR_SCOPE;
    for (int i = 0; i < 100; i++) { /* as many C numbers as a thread keeps: a scaler's factors come late */
        TR_SCOPE;
        tr_mul(row(1), i);
    }
    training t = begin(type);
    assert_true(isfinite(steps(&t, WARM)));
    const tr_memory_stats here = tr_memory(tr_cpu()), there = tr_memory(harness_device());
    int64_t malloced = in_use();
    assert_true(isfinite(steps(&t, steps_wanted())));
    assert_same_memory(tr_cpu(), here);
    assert_same_memory(harness_device(), there);
    if (harness_device().type == TR_CPU) assert_true(in_use() - malloced < 64 << 10); /* a device's runtime has its own */
}

TEST(many_steps_of_float32_hold_what_some_do) { train(TR_DEFAULT_DTYPE); }
TEST(many_steps_of_bfloat16_hold_what_some_do) { train(TR_BFLOAT16); }
TEST(many_scaled_steps_of_float16_hold_what_some_do) { train(TR_FLOAT16); }
