// CTEST DIST RANKS 1 2 3
/* A whole training with all that changes from step to step: a shuffled loader whose last batch is smaller, dropout, a
 * schedule, data parallel in several buckets.  Replayed wherever a batch fits, and run where not, it ends with the bits of
 * running it, and its sums begin where they do when it is run. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <trireme/dist.h>
#include <trireme/trireme.h>

BEFORE_ALL { return tr_dist_init(argc, argv) < 0; }
AFTER_ALL { return tr_dist_finish(); }

enum { FEATURES = 12,
       CLASSES = 5,
       SAMPLES = 103,
       EPOCHS = 3,
       NUMBERS = FEATURES * 24 + 24 + 24 * CLASSES + CLASSES };

static void step(tr_module *ranks, tr_optim *adam, const tr_batch *b)
{
    TR_SCOPE;
    assert_int_equal(tr_backward(tr_cross_entropy(tr_forward(ranks, b->input), b->target)), 0);
    assert_int_equal(tr_step(adam), 0);
    tr_zero_grad(adam);
}

/* The trained numbers; returns how many steps were replayed. */
static int train(bool records, float *trained)
{
    TR_SCOPE;
    tr_manual_seed(5);
    tr_dataset *data = tr_dataset_tensors(tr_randn(TR_SHAPE(SAMPLES, FEATURES)), tr_randint(0, CLASSES, TR_SHAPE(SAMPLES)));
    tr_loader *loader = tr_loader_new(data, .batch_size = 20, .shuffle = true, .shard = tr_dist_shard());
    tr_module *model = tr_sequential(tr_linear_layer(FEATURES, 24), tr_relu_layer(), tr_dropout_layer(0.2, .seed = 9), tr_linear_layer(24, CLASSES));
    tr_module *ranks = tr_data_parallel(model, .bucket_bytes = 600, .first_bucket_bytes = 100);
    tr_optim *adam = tr_adam(tr_parameters(model), .lr = 0.01);
    tr_scheduler *cosine = tr_cosine_annealing_lr(adam, 40);
    tr_recording *recording = NULL;
    int replays = 0;
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        assert_int_equal(tr_loader_start(loader, epoch), 0);
        for (tr_batch b; tr_loader_next(loader, &b);) {
            tr_tensors batch = TR_TENSORS(b.input, b.target);
            if (tr_recording_fits(recording, batch)) {
                assert_int_equal(tr_replay(recording, .inputs = batch), 0);
                replays++;
            } else if (records && !recording && b.index == 2) { /* the second step settled the buckets */
                assert_int_equal(tr_record(&recording, .inputs = batch), 0);
                step(ranks, adam, &b);
                assert_int_equal(tr_record_end(), 0);
            } else {
                step(ranks, adam, &b);
            }
            assert_int_equal(tr_scheduler_step(cosine), 0);
        }
    }
    tr_tensors all = tr_parameters(model);
    for (int64_t i = 0; i < all.count; trained += tr_numel(all.tensor[i++]))
        assert_int_equal(tr_to_data(all.tensor[i], TR_FLOAT32, trained), 0);
    return replays;
}

TEST(a_training_replayed_where_it_fits_ends_with_the_bits_of_running_it)
{
    float run[NUMBERS], replayed[NUMBERS];
    assert_int_equal(train(false, run), 0);
    const int full = SAMPLES / 20;
    assert_int_equal(train(true, replayed), full - 3 + (EPOCHS - 1) * full);
    assert_memory_equal(replayed, run, sizeof run);
}

/* ---- sums begin where they began when the step was recorded ---- */

enum { REPLAYS = 3 };

/* When this rank's trace says that what has both words began, in us; returns how often, of which at most REPLAYS are kept. */
static int times_of(const char *name, const char *category, double began[REPLAYS])
{
    char path[64], line[1024];
    int n = 0;
    snprintf(path, sizeof path, "traces/rank-%lld.json", (long long)tr_dist_rank());
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        const char *at = strstr(line, name) && strstr(line, category) ? strstr(line, "\"ts\":") : NULL;
        if (at && n++ < REPLAYS) began[n - 1] = strtod(at + 5, NULL);
    }
    fclose(f);
    return n;
}

/* The last layer's gradients are there before the first layer's are computed, for which tanh_backward comes first. */
TEST(a_bucket_is_on_its_way_while_a_replays_backward_goes_on)
{
    tr_manual_seed(5);
    tr_module *model = tr_sequential(tr_linear_layer(FEATURES, 24), tr_tanh_layer(), tr_linear_layer(24, CLASSES));
    tr_module *ranks = tr_data_parallel(model, .bucket_bytes = 1, .first_bucket_bytes = 1, .overlap = TR_OVERLAP_CALLER);
    tr_optim *sgd = tr_sgd(tr_parameters(model), .lr = 0.1);
    tr_batch b = {.input = tr_randn(TR_SHAPE(8, FEATURES)), .target = tr_randint(0, CLASSES, TR_SHAPE(8))};
    for (int i = 0; i < 2; i++) step(ranks, sgd, &b); /* which settle the buckets */
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    step(ranks, sgd, &b);
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(tr_trace_start("traces"), 0);
    for (int i = 0; i < REPLAYS; i++) assert_int_equal(tr_replay(recording), 0);
    assert_int_equal(tr_trace_stop(), 0);

    double replay[REPLAYS] = {0}, bucket[REPLAYS] = {0}, backward[REPLAYS] = {0}, update[REPLAYS] = {0};
    bool alone = tr_dist_world() == 1;
    assert_int_equal(times_of("\"name\":\"replay\"", "\"replay\"", replay), REPLAYS);
    assert_int_equal(times_of("\"name\":\"tanh_backward\"", "\"kernel\"", backward), REPLAYS);
    assert_int_equal(times_of("\"name\":\"sgd\"", "\"kernel\"", update), REPLAYS);
    assert_int_equal(times_of("\"name\":\"gradients, bucket 0", "\"collective\"", bucket), alone ? 0 : REPLAYS);
    for (int i = 0; i < REPLAYS && !alone; i++) assert_true(replay[i] < bucket[i] && bucket[i] < backward[i] && backward[i] < update[i]);
}

typedef struct {
    tr_module *model, *ranks;
    tr_optim *sgd;
} small;

static small made(void)
{
    tr_manual_seed(4);
    small s = {.model = tr_sequential(tr_linear_layer(3, 4), tr_tanh_layer(), tr_linear_layer(4, 2))};
    s.ranks = tr_data_parallel(s.model, .bucket_bytes = 1, .first_bucket_bytes = 1);
    s.sgd = tr_sgd(tr_parameters(s.model), .lr = 0.1);
    return s;
}

static void learn(const small *s, tr_tensor *x)
{
    TR_SCOPE;
    tr_zero_grad(s->sgd);
    assert_int_equal(tr_backward(tr_mean(tr_square(tr_forward(s->ranks, x)))), 0);
    assert_int_equal(tr_step(s->sgd), 0);
}

static tr_recording *recorded(const small *s, tr_tensor *x)
{
    tr_recording *r;
    assert_int_equal(tr_record(&r), 0);
    tr_recording_keep(r);
    learn(s, x);
    assert_int_equal(tr_record_end(), 0);
    return r;
}

static void assert_same(const small *a, const small *b)
{
    tr_tensors p = tr_parameters(a->model), q = tr_parameters(b->model);
    for (int64_t i = 0; i < p.count; i++) assert_close(q.tensor[i], p.tensor[i], 0);
}

/* As where its last batch is smaller; also for ranks that compare what they ask for. */
TEST(some_ranks_replay_what_others_run)
{
    const small run = made(), mixed = made();
    tr_tensor *x = tr_randn(TR_SHAPE(3, 3));
    for (int i = 0; i < 9; i++) learn(&run, x);
    learn(&mixed, x);
    tr_recording *r = recorded(&mixed, x);
    for (int i = 2; i < 9; i++) {
        if (i % tr_dist_world() == tr_dist_rank())
            learn(&mixed, x);
        else
            assert_int_equal(tr_replay(r), 0);
    }
    assert_same(&run, &mixed);
    tr_recording_drop(r);
}

TEST(a_recording_keeps_the_ranks_it_calls)
{
    const small run = made();
    small kept;
    tr_tensor *x = tr_randn(TR_SHAPE(3, 3));
    tr_recording *r;
    {
        TR_SCOPE;
        kept = made();
        tr_module_keep(kept.model);
        learn(&kept, x);
        r = recorded(&kept, x);
    }
    for (int i = 0; i < 5; i++) learn(&run, x);
    for (int i = 2; i < 5; i++) assert_int_equal(tr_replay(r), 0);
    assert_same(&run, &kept);
    tr_recording_drop(r);
    tr_module_drop(kept.model);
}
