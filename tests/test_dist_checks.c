// CTEST DIST LABELS mpi jobs
/* Ranks that ask for different things are told so before anything is added, by whatever way they travel. */
#include "job.h"
#include "test.h"

#include <trireme/dist.h>
#include <trireme/ops.h>

/* ---- the parts that ranks play; the last rank does something else ---- */

static bool other;

static int meet(void)
{
    tr_barrier();
    return tr_dist_finish();
}

static int changes_the_type(void)
{
    tr_all_reduce(tr_zeros(TR_SHAPE(5), .dtype = other ? TR_INT32 : TR_FLOAT32)); /* as many bytes */
    return tr_dist_finish();
}

static tr_reducer *reducer(int64_t buffers, int64_t n, tr_dtype dtype)
{
    static double data[3][5];
    tr_buffer all[] = {{data[0], 5, TR_FLOAT64}, {data[1], n, dtype}, {data[2], 5, TR_FLOAT64}};
    return tr_reducer_new(all, buffers);
}

static int makes_no_reducer(void)
{
    if (other) return meet();
    tr_reducer_free(reducer(2, 5, TR_FLOAT64));
    return tr_dist_finish();
}

static int begins_no_average(void)
{
    tr_reducer *r = reducer(2, 5, TR_FLOAT64);
    if (other) return meet();
    tr_reducer_begin(r, 1);
    tr_reducer_wait(r);
    return tr_dist_finish();
}

static int has_a_buffer_less(void)
{
    reducer(other ? 2 : 3, 5, TR_FLOAT64);
    return tr_dist_finish();
}

static int has_another_buffer(void)
{
    reducer(3, other ? 5 : 4, other ? TR_FLOAT64 : TR_FLOAT32);
    return tr_dist_finish();
}

static int ends_no_batch(void)
{
    tr_module *ranks = tr_data_parallel(tr_linear_layer(3, 2), .reproducible = true, .virtual_shards = 2);
    tr_dataset *data = tr_dataset_tensors(tr_ones(TR_SHAPE(8, 3)), tr_ones(TR_SHAPE(8, 2)));
    tr_loader *loader = tr_loader_new(data, .batch_size = 8, .shard = tr_dist_shard(), .virtual_shards = 2);
    tr_batch b, s = {0};
    tr_loader_start(loader, 0);
    tr_loader_next(loader, &b);
    if (other) return meet();
    while (tr_next_shard(ranks, &b, &s)) tr_backward(tr_mse_loss(tr_forward(ranks, s.input), s.target));
    return tr_dist_finish();
}

static const job_part parts[] = {
    {PART(changes_the_type)},
    {PART(makes_no_reducer)},
    {PART(begins_no_average)},
    {PART(has_a_buffer_less)},
    {PART(has_another_buffer)},
    {PART(ends_no_batch)},
};

BEFORE_ALL
{
    const char *part = part_of_rank(argc, argv);
    if (!part) return 0;
    other = tr_dist_rank() == tr_dist_world() - 1;
    play_part(parts, sizeof parts / sizeof *parts, part);
}

/* ---- the jobs ---- */

/* And whatever rank speaks: all have the same error, and none failed first. */
static void assert_told(const char *transport, const char *part, const char *words, const char *others)
{
    need_mpirun();
    setenv("TRIREME_CHECK", "1", 1);
    setenv("TRIREME_TRANSPORT", transport, 1);
    assert_failed_within(10, run_job("mpirun -n 3", part), part);
    unsetenv("TRIREME_TRANSPORT");
    unsetenv("TRIREME_CHECK");
    assert_output_has(words);
    assert_output_has(others);
    assert_null(strstr(output, "failed first"));
}

TEST(two_types_are_not_added)
{
    for (int i = 0; i < 2; i++)
        assert_told(i ? "mpi" : "shared", "changes_the_type", "tr_all_reduce: ranks ask for different things in #", ": all_reduce int32 (5,) at test_dist_checks.c:");
}

TEST(a_reducer_is_everybody_s)
{
    assert_told("mpi", "makes_no_reducer", "ranks 0-1: reducer_new at test_dist_checks.c:", "rank 2: barrier");
    assert_told("mpi", "begins_no_average", "ranks 0-1: average 2 buffers at test_dist_checks.c:", "rank 2: barrier");
}

TEST(both_sides_of_buffers_that_differ_are_named)
{
    assert_told("shared", "has_a_buffer_less", "tr_reducer_new: the ranks' buffers differ: rank 0 has 3 of them, rank 2 has 2", "");
    assert_told("mpi", "has_another_buffer", "tr_reducer_new: buffer 1 differs: rank 0 has 4 float32, rank 2 has 5 float64", "");
}

TEST(a_batch_of_shards_is_everybody_s)
{
    assert_told("mpi", "ends_no_batch", "ranks 0-1: average the gradients of 2 parameters over shards at test_dist_checks.c:", "rank 2: barrier");
}
