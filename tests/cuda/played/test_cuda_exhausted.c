/* Training steps in the middle of which a CUDA device's memory ends. */
#include <math.h>
#include "on_played.h"

enum { INPUTS = 20,
       HIDDEN = 32,
       CLASSES = 4,
       KIB = 1 << 10 };

typedef struct {
    tr_device at;
    tr_module *model;
    tr_optim *adam;
    tr_tensor *x, *y; /* on the CPU */
} training;

static training begin(tr_device at, int64_t samples)
{
    tr_manual_seed(3);
    training t = {.at = at, .x = tr_randn(TR_SHAPE(samples, INPUTS)), .y = tr_randint(0, CLASSES, TR_SHAPE(samples))};
    t.model = tr_sequential(tr_linear_layer(INPUTS, HIDDEN), tr_relu_layer(), tr_linear_layer(HIDDEN, CLASSES));
    assert_int_equal(tr_module_to(t.model, at), 0);
    t.adam = tr_adam(tr_parameters(t.model), .lr = 0.01);
    return t;
}

/* A step over the first so many samples: the loss, or NaN with an error standing. */
static double step(training *t, int64_t samples)
{
    TR_SCOPE;
    tr_tensor *x = tr_to_device(tr_narrow(t->x, 0, 0, samples), t->at), *y = tr_to_device(tr_narrow(t->y, 0, 0, samples), t->at);
    tr_tensor *loss = tr_cross_entropy(tr_forward(t->model, x), y);
    bool stepped = tr_backward(loss) == 0 && !isnan(tr_clip_grad_norm(tr_parameters(t->model), 0.5)) && tr_step(t->adam) == 0;
    tr_zero_grad(t->adam);
    return stepped ? tr_item(loss) : NAN;
}

static tr_tensor *weights(const training *t)
{
    tr_tensors p = tr_parameters(t->model);
    tr_tensor *all[8];
    for (int64_t i = 0; i < p.count; i++) all[i] = tr_to_device(tr_flatten(tr_detach(p.tensor[i]), 0, -1), tr_cpu());
    return tr_cat(((tr_tensors){all, p.count}), 0);
}

/* What two steps over half of the samples make of the weights on the CPU. */
static tr_tensor *wanted(int64_t samples)
{
    training t = begin(tr_cpu(), samples);
    for (int i = 0; i < 2; i++) assert_true(isfinite(step(&t, samples / 2)));
    return weights(&t);
}

/* Who asked, for how much, where, what is free, who holds the rest. */
static void assert_error_says_all(void)
{
    static const char *const words[] = {"out of memory: ", " asked for ", " bytes) of cuda:0: ", " are free; ", " are held ("};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strstr(tr_error_message(), words[i])) fail_msg("\"%s\" is not in: %s", words[i], tr_error_message());
    tr_error_clear();
}

TEST(a_step_that_met_the_end_of_memory_anywhere_changed_nothing_and_the_next_one_steps)
{
    needs_played_device();
    tr_tensor *want = wanted(16);
    played.order(PLAYED_AT_RANDOM, 7);
    int64_t n = 0;
    for (bool whole = false; !whole && n < 500;) {
        TR_SCOPE;
        training t = begin(tr_cuda(0), 16);
        tr_empty_cache();
        int64_t held = tr_memory(tr_cuda(0)).allocated_bytes, blocks = counted().live_blocks;
        played.fail_at(++n, true);
        whole = isfinite(step(&t, 16));
        played.fail_at(0, false);
        if (whole) continue;
        assert_error_says_all();
        tr_empty_cache();
        assert_int_equal(tr_memory(tr_cuda(0)).allocated_bytes, held);
        assert_int_equal(counted().live_blocks, blocks);
        for (int i = 0; i < 2; i++) assert_true(isfinite(step(&t, 8)));
        assert_close(weights(&t), want, 1e-5);
    }
    assert_in_range(n, 20, 499);
}

TEST(a_batch_that_does_not_fit_gives_way_to_one_that_does)
{
    needs_played_device();
    enum { MANY = 1024 };
    tr_tensor *want = wanted(MANY);
    in_every_order(order)
    {
        TR_SCOPE;
        training t = begin(tr_cuda(0), MANY);
        tr_empty_cache();
        int64_t held = tr_memory(tr_cuda(0)).allocated_bytes;
        played.limit(held + 300 * KIB); /* half of the samples take about 210, all of them 390 */
        assert_true(isnan(step(&t, MANY)));
        assert_error_says_all();
        assert_int_equal(tr_memory(tr_cuda(0)).allocated_bytes, held);
        for (int i = 0; i < 2; i++) assert_true(isfinite(step(&t, MANY / 2)));
        played.limit(0);
        assert_close(weights(&t), want, 1e-5);
    }
}
