// CTEST LIBRARIES trireme_launcher_parts LABELS launcher
/* What `trireme bench` concludes, from measurements that were made up. */
#include "test.h"

#include "launcher/bench_model.h"

#include <math.h>

static const double latency_s = 20e-6, s_per_byte = 8e-9;

static double sum_time(double bytes, int n) { return latency_s * 2 * ceil(log2(n)) + s_per_byte * bytes * 2 * (n - 1) / n; }

static int make_sums(bench_sum *sum, int n)
{
    int sums = 0;
    for (int64_t bytes = 1 << 10; bytes <= 4 << 20; bytes *= 4) sum[sums++] = (bench_sum){bytes, sum_time((double)bytes, n)};
    return sums;
}

/* A step of 10 gradients of 256 KiB, finished one every millisecond after 5, and 1 ms of optimiser. */
static bench_job make_job(int ranks, int hosts)
{
    bench_job j = {.ranks = ranks, .hosts = hosts, .gradients = 10, .backward_s = 15e-3, .alone_s = 16e-3, .together_s = 16e-3, .thread = hosts > 1};
    for (int i = 0; i < 10; i++) {
        j.gradient[i].bytes = 256 << 10;
        j.gradient[i].ready_s = 1e-3 * (6 + i);
    }
    if (ranks > 1) j.sums = make_sums(j.sum, ranks);
    return j;
}

static void within(double got, double want, double relative)
{
    if (!(fabs(got / want - 1) <= relative)) fail_msg("%g, expected %g", got, want);
}

TEST(a_fit_finds_latency_and_bandwidth)
{
    bench_sum sum[BENCH_SIZES];
    bench_link l = {0};
    bench_link_fit(&l, sum, make_sums(sum, 4), 4);
    within(l.latency_s, latency_s, 1e-6);
    within(l.s_per_byte, s_per_byte, 1e-6);
    assert_int_equal(l.ranks, 4);
    within(bench_link_sum(&l, 100000, 64), sum_time(100000, 64), 1e-6);
}

TEST(one_that_was_disturbed_does_not_count)
{
    bench_sum sum[BENCH_SIZES];
    bench_link l = {0};
    int sums = make_sums(sum, 2);
    sum[3].seconds *= 10;
    bench_link_fit(&l, sum, sums, 2);
    within(l.latency_s, latency_s, 0.01);
    within(l.s_per_byte, s_per_byte, 0.01);
}

TEST(what_a_fit_misses_at_a_size_is_carried_over)
{
    bench_sum sum[BENCH_SIZES];
    bench_link l = {0};
    int sums = make_sums(sum, 2);
    sum[4].seconds *= 1.5; /* 256 KiB */
    bench_link_fit(&l, sum, sums, 2);
    within(bench_link_sum(&l, 256 << 10, 8), 1.5 * sum_time(256 << 10, 8), 0.01);
    within(bench_link_sum(&l, 4 << 20, 8), sum_time(4 << 20, 8), 0.01);
    within(bench_link_sum(&l, 64 << 20, 8), sum_time(64 << 20, 8), 0.01);
}

TEST(odd_times_give_no_negative_latency_or_bandwidth)
{
    bench_sum sum[] = {{1024, 1e-3}, {1 << 20, 1e-4}}, steep[] = {{1024, 1e-6}, {1 << 20, 1e-1}};
    bench_link l = {0};
    bench_link_fit(&l, sum, 2, 2);
    assert_true(l.latency_s >= 0 && l.s_per_byte >= 0);
    assert_true(bench_link_sum(&l, 1 << 14, 2) > 0);
    bench_link_fit(&l, steep, 2, 2);
    assert_true(l.latency_s >= 0 && l.s_per_byte >= 0);
    bench_link none = {0};
    bench_link_fit(&none, sum, 0, 2);
    assert_int_equal(none.ranks, 0);
    assert_true(bench_link_sum(&none, 1024, 2) == 0);
}

TEST(backward_hides_all_but_the_last_bucket)
{
    bench_job jobs[] = {make_job(1, 1), make_job(2, 2)};
    jobs[1].gradients = jobs[0].gradients;
    for (int i = 0; i < 10; i++) { /* far apart: each sum ends before the next begins */
        jobs[0].gradient[i].ready_s = jobs[1].gradient[i].ready_s = 10e-3 * (i + 1);
    }
    jobs[0].backward_s = jobs[1].backward_s = 100e-3;
    jobs[0].alone_s = jobs[1].alone_s = jobs[0].together_s = 101e-3;
    bench_model m;
    assert_true(bench_model_make(&m, jobs, 2, 0, 256 << 10));
    within(bench_step_time(&m, 2, 256 << 10), 101e-3 + sum_time(256 << 10, 2), 1e-3);
    within(bench_step_time(&m, 4, 256 << 10), 101e-3 + sum_time(256 << 10, 4), 1e-3);
    assert_int_equal(bench_last_bucket(&jobs[1], 1 << 20), 512 << 10); /* 4, 4 and 2 */
    assert_int_equal(bench_last_bucket(&jobs[1], 0), 256 << 10);
    assert_int_equal(bench_last_bucket(&jobs[0], 0), 1536 << 10); /* 1 MiB, and up to 25 */
}

TEST(where_sums_take_longer_than_backward_they_set_the_pace)
{
    bench_job jobs[] = {make_job(1, 1), make_job(2, 2)};
    bench_model m;
    assert_true(bench_model_make(&m, jobs, 2, 0, 256 << 10));
    double each = sum_time(256 << 10, 2), began = 6e-3;
    within(bench_step_time(&m, 2, 256 << 10), began + 10 * each + 1e-3, 0.01);
    within(bench_step_sums(&m, 2, 256 << 10), 10 * each, 0.01);
}

TEST(a_caller_that_sums_on_its_host_adds_what_was_measured)
{
    bench_job jobs[] = {make_job(1, 1), make_job(2, 1)};
    jobs[1].communication_s = 3e-3;
    bench_model m;
    assert_true(bench_model_make(&m, jobs, 2, 0, 0));
    within(bench_step_time(&m, 2, 0), 16e-3 + 3e-3, 1e-6);
    assert_int_equal(bench_hosts(&m, 8), 4);
}

TEST(what_buckets_took_beyond_their_sums_is_carried_over)
{
    bench_job jobs[] = {make_job(1, 1), make_job(2, 2)};
    bench_model m;
    jobs[1].communication_s = 2 * 10 * sum_time(256 << 10, 2);
    assert_true(bench_model_make(&m, jobs, 2, 0, 256 << 10));
    within(bench_step_sums(&m, 2, 256 << 10), jobs[1].communication_s, 0.01);
    within(bench_step_sums(&m, 4, 256 << 10), 2 * 10 * sum_time(256 << 10, 4), 0.01);
}

TEST(a_fit_leaves_out_what_it_is_to_predict)
{
    bench_job jobs[] = {make_job(1, 1), make_job(2, 2), make_job(4, 4)};
    bench_model m;
    for (int i = 0; i < jobs[2].sums; i++) jobs[2].sum[i].seconds *= 100;
    assert_true(bench_model_make(&m, jobs, 3, 2, 0));
    within(bench_sum_time(&m, 1 << 20, 4), sum_time(1 << 20, 4), 1e-3);
    assert_true(bench_model_make(&m, jobs, 3, 0, 0));
    within(bench_sum_time(&m, 1 << 20, 4), 100 * sum_time(1 << 20, 4), 1e-3);
    assert_false(bench_model_make(&m, jobs + 1, 2, 0, 0));
}

TEST(the_best_bucket_weighs_messages_against_the_last_one)
{
    bench_job jobs[] = {make_job(1, 1)};
    bench_model m;
    assert_true(bench_model_make(&m, jobs, 1, 0, 0));
    bench_model_say_network(&m, 1e-6, 1e-9); /* hidden but for the last one: as small as gradients are */
    assert_int_equal(bench_best_bucket(&m, 4), 256 << 10);
    bench_model_say_network(&m, 1e-3, 1e-12); /* a message costs more than its bytes: one at the end */
    assert_int_equal(bench_best_bucket(&m, 4), 32 << 20);
}
