// CTEST DIST LABELS mpi jobs
/* A rank whose parameters drift away from the others' is found, and named with the first of them. */
#include "job.h"
#include "test.h"

#include <trireme/dist.h>
#include <trireme/ops.h>
#include <trireme/optim.h>
#include <trireme/record.h>

/* ---- the parts that ranks play; the last rank's fourth step leaves a number of its own ---- */

static tr_module *model(void)
{
    return tr_sequential(tr_linear_layer(3, 4), tr_relu_layer(), tr_linear_layer(4, 2));
}

static void drift(tr_module *m, int step)
{
    TR_NO_GRAD;
    if (step == 4 && tr_dist_rank() == tr_dist_world() - 1) tr_add_(tr_select(tr_parameters(m).tensor[2], 0, 1), 1e-7);
}

static void say_begun(int step)
{
    printf("rank %d begins step %d\n", (int)tr_dist_rank(), step);
    fflush(stdout);
}

static int is_asked(void)
{
    tr_module *m = model();
    tr_data_parallel(m);
    if (tr_check_replicas(m) != 0) return 98;
    drift(m, 4);
    tr_check_replicas(m);
    return tr_dist_finish();
}

static void train(tr_module *ranks, tr_optim *sgd, tr_tensor *x)
{
    TR_SCOPE;
    tr_backward(tr_mean(tr_pow(tr_forward(ranks, x), 2)));
    tr_step(sgd);
    tr_zero_grad(sgd);
}

static int runs(int64_t every, tr_overlap overlap)
{
    tr_module *m = model(), *ranks = tr_data_parallel(m, .check_every = every, .overlap = overlap, .bucket_bytes = 1, .first_bucket_bytes = 1);
    tr_optim *sgd = tr_sgd(tr_parameters(m), .lr = 0.1);
    for (int step = 1; step <= 8; step++) {
        say_begun(step);
        train(ranks, sgd, tr_randn(TR_SHAPE(2, 3)));
        drift(m, step);
    }
    return tr_dist_finish();
}

static int runs_steps(void) { return runs(3, TR_OVERLAP_CALLER); }
static int runs_steps_with_a_thread(void) { return runs(3, TR_OVERLAP_THREAD); }
static int never_looks(void) { return runs(0, TR_OVERLAP_CALLER); }

static int replays_steps(void)
{
    tr_module *m = model(), *ranks = tr_data_parallel(m, .check_every = 3);
    tr_optim *sgd = tr_sgd(tr_parameters(m), .lr = 0.1);
    tr_tensor *x = tr_randn(TR_SHAPE(2, 3));
    tr_recording *recording;
    tr_record(&recording, .inputs = TR_TENSORS(x));
    train(ranks, sgd, x);
    tr_record_end();
    for (int step = 2; step <= 8; step++) {
        say_begun(step);
        tr_replay(recording, .inputs = TR_TENSORS(tr_randn(TR_SHAPE(2, 3))));
        drift(m, step);
    }
    return tr_dist_finish();
}

static int cuts_shards(void)
{
    tr_module *m = model(), *ranks = tr_data_parallel(m, .check_every = 3, .reproducible = true, .virtual_shards = 4);
    tr_optim *sgd = tr_sgd(tr_parameters(m), .lr = 0.1);
    tr_dataset *data = tr_dataset_tensors(tr_ones(TR_SHAPE(64, 3)), tr_ones(TR_SHAPE(64, 2)));
    tr_loader *loader = tr_loader_new(data, .batch_size = 8, .shard = tr_dist_shard(), .virtual_shards = 4);
    int step = 1;
    tr_loader_start(loader, 0);
    for (tr_batch b; tr_loader_next(loader, &b); step++) {
        say_begun(step);
        for (tr_batch s = {0}; tr_next_shard(ranks, &b, &s);) tr_backward(tr_mse_loss(tr_forward(ranks, s.input), s.target));
        tr_step(sgd);
        tr_zero_grad(sgd);
        drift(m, step);
    }
    return tr_dist_finish();
}

static const job_part parts[] = {
    {PART(is_asked)},
    {PART(runs_steps)},
    {PART(runs_steps_with_a_thread)},
    {PART(never_looks)},
    {PART(replays_steps)},
    {PART(cuts_shards)},
};

BEFORE_ALL
{
    const char *part = part_of_rank(argc, argv);
    if (!part) return 0;
    tr_manual_seed(7);
    play_part(parts, sizeof parts / sizeof *parts, part);
}

/* ---- the jobs ---- */

static int play(int ranks, const char *part)
{
    char launcher[40];
    need_mpirun();
    snprintf(launcher, sizeof launcher, "mpirun -n %d", ranks);
    return run_job(launcher, part);
}

static void assert_named(int ranks, const char *part, const char *function)
{
    char line[200];
    assert_failed_within(10, play(ranks, part), part);
    snprintf(line, sizeof line, "%s: parameter 2.weight differs: rank %d of %d holds values of its own (of 4 parameters ", function, ranks - 1, ranks);
    assert_output_has(line);
    assert_null(strstr(output, "failed first"));
}

TEST(a_replica_that_drifts_away_is_named_with_its_first_parameter)
{
    assert_named(4, "is_asked", "tr_check_replicas");
}

static void assert_found_at_step_6(int ranks, const char *part, const char *function)
{
    assert_named(ranks, part, function);
    assert_output_has("begins step 6");
    assert_null(strstr(output, "begins step 7"));
}

TEST(a_backward_finds_it_at_the_next_step_that_looks)
{
    for (int ranks = 2; ranks <= 4; ranks++) assert_found_at_step_6(ranks, "runs_steps", "tr_backward");
    assert_found_at_step_6(3, "runs_steps_with_a_thread", "tr_backward");
}

TEST(so_does_a_replay)
{
    for (int ranks = 2; ranks <= 4; ranks++) assert_found_at_step_6(ranks, "replays_steps", "tr_backward");
}

TEST(so_does_a_reproducible_batch) { assert_found_at_step_6(3, "cuts_shards", "tr_next_shard"); }

TEST(nobody_looks_unless_asked)
{
    assert_int_equal(play(2, "never_looks"), 0);
    assert_output_has("begins step 8");
}
