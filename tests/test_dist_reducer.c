// CTEST DIST RANKS 1 2 3 4 8
/* Buffers of a program's own are averaged, whatever the order in which they are finished. */
#include "test.h"

#include <math.h>
#include <trireme/dist.h>

BEFORE_ALL { return tr_dist_init(argc, argv) < 0; }
AFTER_ALL { return tr_dist_finish(); }

enum { N = 1000,
       M = 7 };

static double a[N];
static float b[M], c[M];

static void fill(int step)
{
    double mine = (double)(tr_dist_rank() + step);
    for (int i = 0; i < N; i++) a[i] = mine + i;
    for (int i = 0; i < M; i++) b[i] = c[i] = (float)mine - (float)i;
}

/* sum_r (1 + r) (r + step) / sum_r (1 + r): rank r has 1 + r samples. */
static double mean(int step)
{
    double sum = 0, samples = 0;
    for (int64_t r = 0; r < tr_dist_world(); r++) {
        sum += (double)((1 + r) * (r + step));
        samples += (double)(1 + r);
    }
    return sum / samples;
}

static tr_reducer *reducer(tr_overlap overlap, bool sum)
{
    tr_buffer buffers[] = {{a, N, TR_FLOAT64}, {b, M, TR_FLOAT32}, {c, M, TR_FLOAT32}};
    return tr_reducer_new(buffers, 3, .bucket_bytes = 1, .first_bucket_bytes = 1, .overlap = overlap, .sum = sum);
}

static void assert_averages(tr_overlap overlap)
{
    static const int order[3][3] = {{0, 1, 2}, {2, 0, 1}, {1, 2, 0}};
    tr_reducer *r = reducer(overlap, false);
    assert_non_null(r);
    for (int step = 0; step < 6; step++) {
        fill(step);
        assert_int_equal(tr_reducer_begin(r, 1 + tr_dist_rank()), 0);
        for (int i = 0; i < 3; i++) assert_int_equal(tr_reducer_ready(r, order[(step + tr_dist_rank()) % 3][i]), 0);
        assert_int_equal(tr_reducer_wait(r), 0);
        for (int i = 0; i < N; i++) assert_true(fabs(a[i] - (mean(step) + i)) < 1e-9);
        for (int i = 0; i < M; i++) assert_true(fabs(b[i] - (mean(step) - i)) < 1e-5 && b[i] == c[i]);
    }
    tr_reducer_free(r);
}

TEST(buffers_are_averaged_whatever_their_order) { assert_averages(TR_OVERLAP_CALLER); }
TEST(buffers_are_averaged_by_a_thread) { assert_averages(TR_OVERLAP_THREAD); }

TEST(plain_sums_do_not_count_samples)
{
    tr_reducer *r = reducer(TR_OVERLAP_AUTO, true);
    fill(1);
    assert_int_equal(tr_reducer_begin(r, 5), 0);
    for (int i = 0; i < 3; i++) assert_int_equal(tr_reducer_ready(r, i), 0);
    assert_int_equal(tr_reducer_wait(r), 0);
    double world = (double)tr_dist_world();
    assert_true(a[0] == world * (world + 1) / 2);
    tr_reducer_free(r);
}

TEST(what_is_not_ready_counts_as_zero_and_is_left_alone_if_nobody_is)
{
    tr_reducer *r = reducer(TR_OVERLAP_AUTO, false);
    fill(1);
    assert_int_equal(tr_reducer_begin(r, 1), 0);
    if (tr_dist_rank() == 0) assert_int_equal(tr_reducer_ready(r, 0), 0);
    assert_int_equal(tr_reducer_wait(r), 0);
    assert_true(fabs(a[0] - 1 / (double)tr_dist_world()) < 1e-12);
    assert_true(b[0] == (float)(tr_dist_rank() + 1));
    tr_reducer_free(r);
}

TEST(misuse_is_an_error)
{
    if (tr_dist_world() > 1) skip_because("an error ends all ranks");
    tr_reducer *r = reducer(TR_OVERLAP_AUTO, false);
    assert_int_equal(tr_reducer_ready(r, 0), -1);
    assert_error_says("before tr_reducer_begin");
    assert_int_equal(tr_reducer_begin(r, 1), 0);
    assert_int_equal(tr_reducer_ready(r, 3), -1);
    assert_error_says("buffer 3 of 3");
    assert_int_equal(tr_reducer_wait(r), 0);
    tr_reducer_free(r);
    tr_buffer integers = {a, N, TR_INT64};
    assert_null(tr_reducer_new(&integers, 1));
    assert_error_says("int64");
}
