/* Recorded steps of data parallel on CUDA devices: graphs, and between them what ranks say to each other, unless NCCL says it
 * in a graph (test_dist_nccl_graph.c). */
#include "test.h"

#include <string.h>

#include <trireme/dist.h>
#include <trireme/nn.h>
#include <trireme/optim.h>
#include <trireme/record.h>

BEFORE_ALL
{
    if (tr_cuda_is_available()) return tr_dist_init(argc, argv) < 0;
    print_message("skipped: no CUDA device: %s\n", tr_cuda_missing());
    return TEST_SKIPPED;
}
AFTER_ALL { return tr_dist_finish(); }

enum { IN = 6,
       OUT = 3,
       STEPS = 9 };

typedef struct {
    tr_module *model, *ranks;
    tr_optim *adam;
} training;

/* Buckets that are sent while backward goes on. */
static training made(void)
{
    tr_manual_seed(1);
    training t = {.model = tr_sequential(tr_linear_layer(IN, 8), tr_tanh_layer(), tr_linear_layer(8, 8), tr_relu_layer(), tr_linear_layer(8, OUT))};
    assert_int_equal(tr_module_to(t.model, tr_dist_device()), 0);
    t.ranks = tr_data_parallel(t.model, .bucket_bytes = 100, .first_bucket_bytes = 1);
    t.adam = tr_adam(tr_parameters(t.model), .lr = 0.01);
    return t;
}

static void step(const training *t, tr_tensor *x, tr_tensor *y, int backwards)
{
    TR_SCOPE;
    tr_zero_grad(t->adam);
    for (int i = 0; i < backwards; i++) {
        bool before = tr_set_gradient_sync(i == backwards - 1);
        assert_int_equal(tr_backward(tr_mse_loss(tr_forward(t->ranks, tr_mul(x, i + 1)), y)), 0);
        tr_set_gradient_sync(before);
    }
    assert_int_equal(tr_step(t->adam), 0);
}

static void assert_replays_as_running(int backwards)
{
    const training run = made(), replayed = made();
    const int64_t rows = 3 + tr_dist_rank(); /* ranks have unlike shares */
    tr_recording *r = NULL;
    for (int i = 0; i < STEPS; i++) {
        TR_SCOPE;
        tr_manual_seed(100 * (uint64_t)i + (uint64_t)tr_dist_rank());
        tr_tensor *x = tr_to_device(tr_randn(TR_SHAPE(rows, IN)), tr_dist_device()), *y = tr_to_device(tr_randn(TR_SHAPE(rows, OUT)), tr_dist_device());
        step(&run, x, y, backwards);
        if (i == 1) {
            assert_int_equal(tr_record(&r, .inputs = TR_TENSORS(x, y)), 0);
            tr_recording_keep(r);
        }
        if (i < 2)
            step(&replayed, x, y, backwards);
        else
            assert_int_equal(tr_replay(r, .inputs = TR_TENSORS(x, y)), 0);
        if (i == 1) assert_int_equal(tr_record_end(), 0);
    }
    if (strstr(tr_dist_transport(), " by NCCL ") && backwards == 1)
        assert_int_equal(tr_recording_info_of(r).graphs, 1);
    else
        assert_true(tr_recording_info_of(r).graphs > (tr_dist_world() > 1));
    tr_tensors p = tr_parameters(run.model), q = tr_parameters(replayed.model);
    for (int64_t i = 0; i < p.count; i++) assert_close(q.tensor[i], p.tensor[i], 0);
    assert_int_equal(tr_check_replicas(replayed.model), 0);
    tr_recording_drop(r);
}

TEST(a_recorded_step_gives_the_bits_of_running_it) { assert_replays_as_running(1); }

TEST(a_recorded_step_gathers_as_running_it_does) { assert_replays_as_running(3); }
