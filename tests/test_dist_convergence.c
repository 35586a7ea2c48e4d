// CTEST DIST RANKS 1 2 3
/* Learning digits on ranks with unequal shares ends where one rank with all samples ends. */
#include "test.h"

#include <trireme/dist.h>
#include <trireme/io.h>
#include <trireme/ops.h>
#include <trireme/optim.h>

BEFORE_ALL { return tr_dist_init(argc, argv) < 0; }
AFTER_ALL { return tr_dist_finish(); }

enum { SAMPLES = 1797,
       BATCH = 64,
       EPOCHS = 5 };

static tr_tensor *images, *labels;

static void load(void)
{
    const char *path = TEST_DIR "/../examples/data/digits.npz";
    images = tr_reshape(tr_div(tr_to(tr_load_npz(path, "images"), TR_FLOAT64), 16), TR_SHAPE(SAMPLES, 64));
    labels = tr_to(tr_load_npz(path, "labels"), TR_INT64);
    assert_non_null(labels);
}

/* Of n samples: shares of 1, 2, ... and the last rank has none of every third batch. */
static int64_t begin_of(int64_t n, int64_t rank, int64_t batch)
{
    int64_t world = tr_dist_world(), all = batch % 3 == 0 && world > 1 ? world - 1 : world;
    return rank >= all ? n : n * (rank * (rank + 1)) / (all * (all + 1));
}

static double step(tr_module *m, tr_optim *o, int64_t first, int64_t n, bool gather)
{
    TR_SCOPE;
    bool before = tr_set_gradient_sync(!gather);
    tr_tensor *loss = tr_cross_entropy(tr_forward(m, tr_narrow(images, 0, first, n)), tr_narrow(labels, 0, first, n));
    assert_int_equal(tr_backward(loss), 0);
    tr_set_gradient_sync(before);
    if (!gather) assert_int_equal(tr_step(o), 0);
    if (!gather) tr_zero_grad(o);
    return n ? tr_item(loss) : 0;
}

/* Every second step gathers two batches. */
static double train(tr_module *m, tr_module *model, bool shared)
{
    tr_optim *o = tr_sgd(tr_parameters(model), .lr = 0.05, .momentum = 0.9, .weight_decay = 1e-4);
    double last = 0;
    for (int64_t epoch = 0; epoch < EPOCHS; epoch++)
        for (int64_t b = 0; b * BATCH < SAMPLES; b++) {
            int64_t first = b * BATCH, n = SAMPLES - first < BATCH ? SAMPLES - first : BATCH, rank = tr_dist_rank();
            int64_t from = shared ? begin_of(n, rank, b) : 0, to = shared ? begin_of(n, rank + 1, b) : n;
            last = step(m, o, first + from, to - from, b % 3 == 1);
        }
    return last;
}

static tr_module *perceptron(void)
{
    tr_manual_seed(3);
    return tr_sequential(tr_linear_layer(64, 48, .dtype = TR_FLOAT64), tr_tanh_layer(), tr_linear_layer(48, 10, .dtype = TR_FLOAT64));
}

TEST(unequal_shares_end_where_one_rank_ends)
{
    load();
    tr_module *alone = perceptron(), *model = perceptron();
    double loss = train(alone, alone, false);
    assert_true(loss < 0.3); /* it has learned something */
    train(tr_data_parallel(model, .bucket_bytes = 4096, .first_bucket_bytes = 1024), model, true);
    for (int64_t i = 0; i < tr_parameters(model).count; i++)
        assert_close(tr_parameters(model).tensor[i], tr_parameters(alone).tensor[i], 1e-6);
}
