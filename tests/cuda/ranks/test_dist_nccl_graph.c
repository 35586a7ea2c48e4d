/* Recorded steps whose sums between ranks, by NCCL, stand in their graph. */
#include "by_nccl.h"

#include <trireme/nn.h>
#include <trireme/optim.h>
#include <trireme/record.h>
#include <trireme/trace.h>

/* These outlive their ranks. */
static tr_recording *of_before;
static tr_module *with_them;

BEFORE_ALL { return begin_by_nccl(argc, argv, 27, 3); }

/* NCCL's end would wait for ever for a graph that has its calls. */
AFTER_ALL
{
    int failed = tr_dist_finish();
    if (of_before && (tr_replay(of_before) == 0 || !strstr(tr_error_message(), "recorded with other ranks than these"))) failed = 1;
    tr_error_clear();
    tr_recording_drop(of_before);
    tr_module_drop(with_them);
    return failed;
}

enum { IN = 6,
       OUT = 3,
       STEPS = 12,
       RECORDED = 1 };

/* How many collectives have run in graphs. */
static int64_t in_graphs(void)
{
    assert_int_equal(tr_synchronize(tr_dist_device()), 0);
    return counted_by_nccl("fake_nccl_captured");
}

/* ---- training ---- */

typedef struct {
    tr_module *model, *ranks;
    tr_optim *adam;
    tr_tensors trained;
    bool shares, clips;
    bool gathers_first, steps_first; /* by what the last step left, instead of at its end */
} training;

static training made_to_check(tr_dtype dtype, bool shares, bool clips, int64_t check_every)
{
    tr_manual_seed(1);
    training t = {.shares = shares, .clips = clips};
    t.model = tr_sequential(tr_linear_layer(IN, 8, .dtype = dtype), tr_tanh_layer(), tr_linear_layer(8, 8, .dtype = dtype), tr_relu_layer(), tr_linear_layer(8, OUT, .dtype = dtype));
    assert_int_equal(tr_module_to(t.model, tr_dist_device()), 0);
    t.ranks = tr_data_parallel(t.model, .bucket_bytes = 100, .first_bucket_bytes = 1, .shard_state = shares, .check_every = check_every);
    t.trained = shares ? tr_shard_parameters(t.ranks) : tr_parameters(t.model);
    t.adam = tr_adam(t.trained, .lr = 0.01);
    return t;
}

static training made(tr_dtype dtype, bool shares, bool clips) { return made_to_check(dtype, shares, clips, 0); }

static void step(const training *t, tr_tensor *x, tr_tensor *y)
{
    TR_SCOPE;
    if (t->gathers_first) assert_int_equal(tr_gather_parameters(t->ranks), 0);
    if (t->steps_first) assert_int_equal(tr_step(t->adam), 0);
    tr_zero_grad(t->adam);
    assert_int_equal(tr_backward(tr_mse_loss(tr_forward(t->ranks, x), y)), 0);
    if (t->clips) tr_clip_grad_norm_(t->trained, 0.1);
    if (!t->steps_first) assert_int_equal(tr_step(t->adam), 0);
    if (t->shares && !t->gathers_first) assert_int_equal(tr_gather_parameters(t->ranks), 0);
}

static void batch(int64_t number, int64_t rows, tr_dtype dtype, tr_tensor **x, tr_tensor **y)
{
    tr_manual_seed(100 * (uint64_t)number + (uint64_t)tr_dist_rank());
    *x = tr_to_device(tr_randn(TR_SHAPE(rows, IN), .dtype = dtype), tr_dist_device());
    *y = tr_to_device(tr_randn(TR_SHAPE(rows, OUT), .dtype = dtype), tr_dist_device());
}

static tr_recording *recorded(const training *t, tr_tensor *x, tr_tensor *y)
{
    tr_recording *r = NULL;
    assert_int_equal(tr_record(&r, .inputs = TR_TENSORS(x, y)), 0);
    tr_recording_keep(r);
    step(t, x, y);
    assert_int_equal(tr_record_end(), 0);
    return r;
}

static void assert_same(const training *a, const training *b)
{
    tr_tensors p = tr_parameters(a->model), q = tr_parameters(b->model);
    for (int64_t i = 0; i < p.count; i++) assert_close(tr_to_device(q.tensor[i], tr_cpu()), tr_to_device(p.tensor[i], tr_cpu()), 0);
    assert_int_equal(tr_check_replicas(b->model), 0);
}

static void rate(const training *t, int i) { assert_int_equal(tr_set_learning_rate(t->adam, 0.01 / (1 + i)), 0); }

/* Ranks have unlike shares, and the learning rate changes. */
static void assert_replays_as_running(tr_dtype dtype, bool shares, bool clips)
{
    TR_SCOPE;
    const training run = made(dtype, shares, clips), replayed = made(dtype, shares, clips);
    const int64_t rows = 3 + tr_dist_rank();
    tr_recording *r = NULL;
    int64_t before = 0;
    for (int i = 0; i < STEPS; i++) {
        TR_SCOPE;
        tr_tensor *x, *y;
        batch(i, rows, dtype, &x, &y);
        rate(&run, i);
        rate(&replayed, i);
        step(&run, x, y);
        if (i < RECORDED)
            step(&replayed, x, y);
        else if (i == RECORDED)
            r = recorded(&replayed, x, y);
        else
            assert_int_equal(tr_replay(r, .inputs = TR_TENSORS(x, y)), 0);
        if (i == STEPS - 2) before = in_graphs();
    }
    assert_int_equal(tr_recording_info_of(r).graphs, 1);
    if (before) assert_true(in_graphs() - before > 2);
    assert_same(&run, &replayed);
    tr_recording_drop(r);
}

TEST(in_every_order_a_step_is_one_graph_and_gives_the_bits_of_running_it)
{
    in_every_order(order) assert_replays_as_running(order % 2 ? TR_FLOAT64 : TR_FLOAT32, false, order % 3 == 1);
    in_order(PLAYED_AT_RANDOM);
}

TEST(in_every_order_so_is_one_with_shared_out_state)
{
    in_every_order(order) assert_replays_as_running(TR_FLOAT32, true, false);
    in_order(PLAYED_AT_RANDOM);
}

TEST(a_replay_waits_for_no_device)
{
    needs_played_device();
    const training t = made(TR_FLOAT32, false, true);
    tr_tensor *x, *y;
    batch(0, 4, TR_FLOAT32, &x, &y);
    step(&t, x, y);
    tr_recording *r = recorded(&t, x, y);
    for (int i = 0; i < 3; i++) assert_int_equal(tr_replay(r), 0);
    const played_counts before = counted();
    for (int i = 0; i < 5; i++) assert_int_equal(tr_replay(r), 0);
    assert_int_equal(counted().waits - before.waits, 0);
    assert_int_equal(counted().launches - before.launches, 5);
    tr_recording_drop(r);
}

/* Rank 0 runs every third step as usual, and two recordings take turns. */
TEST(where_a_rank_has_no_graph_none_has)
{
    const training run = made(TR_FLOAT32, false, false), replayed = made(TR_FLOAT32, false, false);
    tr_recording *r[2] = {NULL, NULL};
    int64_t before = in_graphs();
    for (int i = 0; i < 3 * STEPS; i++) {
        TR_SCOPE;
        tr_tensor *x, *y;
        batch(i, i % 2 ? 5 : 2 + tr_dist_rank(), TR_FLOAT32, &x, &y);
        step(&run, x, y);
        if (i == 0 || (r[i % 2] && tr_dist_rank() == 0 && i % 3 == 0))
            step(&replayed, x, y);
        else if (!r[i % 2])
            r[i % 2] = recorded(&replayed, x, y);
        else
            assert_int_equal(tr_replay(r[i % 2], .inputs = TR_TENSORS(x, y)), 0);
    }
    assert_same(&run, &replayed);
    if (before) assert_true(in_graphs() > before);
    for (int i = 0; i < 2; i++) tr_recording_drop(r[i]);
}

/* Rank 0 runs the steps with this remainder, which the others replay. */
static tr_recording *train_both(const training *run, const training *replayed, int every, int remainder)
{
    tr_recording *r = NULL;
    for (int i = 0; i < STEPS; i++) {
        TR_SCOPE;
        tr_tensor *x, *y;
        batch(i, 4, TR_FLOAT32, &x, &y);
        step(run, x, y);
        if (i == RECORDED)
            r = recorded(replayed, x, y);
        else if (i < RECORDED || (tr_dist_rank() == 0 && i % every == remainder))
            step(replayed, x, y);
        else
            assert_int_equal(tr_replay(r, .inputs = TR_TENSORS(x, y)), 0);
    }
    return r;
}

/* Where a step meets others before its backward, all meet in that order. */
TEST(parameters_may_be_gathered_first_where_a_rank_runs)
{
    training run = made(TR_FLOAT32, true, false), replayed = made(TR_FLOAT32, true, false);
    run.gathers_first = replayed.gathers_first = true;
    tr_recording *r = train_both(&run, &replayed, 3, 0);
    assert_true(tr_gather_parameters(run.ranks) == 0 && tr_gather_parameters(replayed.ranks) == 0);
    assert_same(&run, &replayed);
    tr_recording_drop(r);
}

/* After what the step did before it, as where a rank runs. */
TEST(parameters_are_compared_where_a_backward_begins)
{
    training run = made(TR_FLOAT32, false, false), replayed = made_to_check(TR_FLOAT32, false, false, 3);
    run.steps_first = replayed.steps_first = true;
    const int64_t before = in_graphs();
    tr_recording *r = train_both(&run, &replayed, 2, 1);
    if (before) assert_true(in_graphs() > before);
    assert_same(&run, &replayed);
    tr_recording_drop(r);
}

/* What is captured together is launched together: else shares of samples would be others'. */
TEST(ranks_that_captured_unlike_steps_do_not_mix_them)
{
    const training run = made(TR_FLOAT32, false, false), replayed = made(TR_FLOAT32, false, false);
    tr_recording *r[2] = {NULL, NULL};
    for (int i = 0; i < 3 * STEPS; i++) {
        TR_SCOPE;
        tr_tensor *x, *y;
        int which = (i / (1 + (int)tr_dist_rank())) % 2; /* rank 0 changes in every step, rank 1 in every second */
        batch(i, which ? 5 : 2, TR_FLOAT32, &x, &y);
        step(&run, x, y);
        if (i == 0)
            step(&replayed, x, y);
        else if (!r[which])
            r[which] = recorded(&replayed, x, y);
        else
            assert_int_equal(tr_replay(r[which], .inputs = TR_TENSORS(x, y)), 0);
    }
    assert_same(&run, &replayed);
    for (int i = 0; i < 2; i++) tr_recording_drop(r[i]);
}

/* While one of them watches its device, all show their parts. */
TEST(who_watches_sees_the_parts)
{
    const training t = made(TR_FLOAT32, false, false);
    tr_tensor *x, *y;
    batch(0, 4, TR_FLOAT32, &x, &y);
    step(&t, x, y);
    tr_recording *r = recorded(&t, x, y);
    for (int i = 0; i < 3; i++) assert_int_equal(tr_replay(r), 0);
    assert_int_equal(tr_recording_info_of(r).graphs, 1);
    tr_data_parallel_report said = tr_data_parallel_report_of(t.ranks);
    assert_true(said.in_graph && said.early == 0 && said.exposed_seconds > 0 && said.device_seconds == 0);
    assert_non_null(strstr(said.words, "summed in the graph of a replay, which ranks agreed on in "));
    int64_t before = in_graphs();
    if (tr_dist_rank() == 0) assert_int_equal(tr_ledger_start(0), 0);
    for (int i = 0; i < 3; i++) assert_int_equal(tr_replay(r), 0);
    if (tr_dist_rank() == 0) tr_ledger_stop();
    assert_int_equal(in_graphs(), before);
    assert_true(tr_recording_info_of(r).graphs > 1);
    assert_false(tr_data_parallel_report_of(t.ranks).in_graph);
    assert_int_equal(tr_replay(r), 0);
    if (before) assert_true(in_graphs() > before);
    tr_recording_drop(r);
}

/* Then all do without. */
TEST(a_rank_without_memory_for_a_graph_leaves_none_alone)
{
    needs_played_device();
    const training run = made(TR_FLOAT32, false, false), replayed = made(TR_FLOAT32, false, false);
    tr_tensor *x, *y;
    batch(0, 4, TR_FLOAT32, &x, &y);
    for (int i = 0; i < 2 + STEPS; i++) step(&run, x, y);
    step(&replayed, x, y);
    tr_recording *r = recorded(&replayed, x, y);
    assert_int_equal(tr_replay(r), 0);
    int64_t before = in_graphs();
    for (int i = 1; i < STEPS; i++) {
        if (i == 1 && tr_dist_rank() == 0) assert_int_equal(tr_ledger_start(0), 0);
        if (i == 2 && tr_dist_rank() == tr_dist_world() - 1) played.fail_at(1, true);
        assert_int_equal(tr_replay(r), 0);
        played.fail_at(0, false);
        tr_ledger_stop();
        assert_true(tr_recording_info_of(r).graphs > 1);
    }
    assert_int_equal(in_graphs(), before);
    assert_same(&run, &replayed);
    tr_recording_drop(r);
}

TEST(a_recording_may_outlive_its_ranks)
{
    const training t = made(TR_FLOAT32, false, false);
    with_them = tr_module_keep(t.ranks);
    tr_tensor *x, *y;
    batch(0, 4, TR_FLOAT32, &x, &y);
    step(&t, x, y);
    of_before = recorded(&t, x, y);
    for (int i = 0; i < 3; i++) assert_int_equal(tr_replay(of_before), 0);
    assert_int_equal(tr_recording_info_of(of_before).graphs, 1);
}
