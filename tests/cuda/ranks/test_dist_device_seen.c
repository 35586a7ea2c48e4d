/* What a device does with others' is seen: in the report of a data-parallel module, and in a trace; and nobody waits for it. */
#include "../played/played_in_test.h"
#include "learner.h"

#include <stdio.h>
#include <string.h>
#include <trireme/trace.h>

BEFORE_ALL
{
    if (tr_cuda_is_available()) return find_played() || tr_dist_init(argc, argv) < 0;
    print_message("skipped: no CUDA device: %s\n", tr_cuda_missing());
    return TEST_SKIPPED;
}
AFTER_ALL { return tr_dist_finish(); }

enum { STEPS = 5,
       BUCKETS = 4 };

static learner made(tr_overlap overlap)
{
    learner l = learner_of(40, 80, 20, TR_FLOAT32, overlap);
    learn_from(&l, 16, 40, 20, TR_FLOAT32);
    return l;
}

static int64_t waits(void) { return counted().waits; }

/* Where a device does at once what it is asked for, by the thread that computes, the first bucket begins before backward ends. */
/* One rank's gradients travel only where NCCL is asked for by name. */
static bool nobody_travels(void) { return tr_dist_world() == 1 && !strstr(tr_dist_transport(), " by NCCL "); }

TEST(the_report_says_how_much_is_hidden_behind_backward)
{
    if (played.order) played.order(PLAYED_AT_ONCE, 0);
    learner l = made(TR_OVERLAP_CALLER);
    for (int i = 0; i < STEPS; i++) step(&l);
    assert_int_equal(tr_synchronize(tr_dist_device()), 0);
    int64_t before = waits();
    tr_data_parallel_report r = tr_data_parallel_report_of(l.ranks);
    assert_int_equal(waits(), before);
    if (nobody_travels()) {
        assert_true(r.device_seconds == 0 && r.device_hidden_seconds == 0);
    } else {
        assert_int_equal(r.buckets, BUCKETS);
        assert_true(r.device_seconds > 0 && r.device_seconds < 1000);
        assert_true(r.device_hidden_seconds > 0 && r.device_hidden_seconds <= r.device_seconds);
        assert_non_null(strstr(r.words, " ms on the device, "));
        assert_non_null(strstr(r.words, " % of it behind backward"));
    }
    if (played.order) played.order(PLAYED_AT_RANDOM, 1);
}

/* A rank whose device lags far behind goes on. */
TEST(many_steps_are_asked_for_before_any_is_known_to_be_done)
{
    if (played.order) played.order(PLAYED_LAZY, 0);
    learner l = made(TR_OVERLAP_AUTO);
    for (int i = 0; i < 3; i++) step(&l); /* what is made once */
    int64_t before = waits();
    for (int i = 0; i < 40; i++) step(&l); /* more collectives than are remembered */
    if (strstr(tr_dist_transport(), " by NCCL ")) assert_int_equal(waits(), before);
    assert_int_equal(tr_check_replicas(l.model), 0);
    tr_data_parallel_report r = tr_data_parallel_report_of(l.ranks);
    assert_true(r.device_hidden_seconds >= 0 && r.device_hidden_seconds <= r.device_seconds);
    if (played.order) played.order(PLAYED_AT_RANDOM, 1);
}

/* Lines of this rank's trace that have both. */
static int lines_with(const char *one, const char *other)
{
    char path[64], line[1024];
    int n = 0;
    snprintf(path, sizeof path, "traces/rank-%lld.json", (long long)tr_dist_rank());
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) n += strstr(line, one) && strstr(line, other);
    fclose(f);
    return n;
}

TEST(a_trace_has_a_row_of_what_the_device_sums)
{
    learner l = made(TR_OVERLAP_AUTO);
    step(&l); /* afterwards the buckets are laid out anew */
    assert_int_equal(tr_synchronize(tr_dist_device()), 0);
    tr_data_parallel_report_of(l.ranks);
    assert_int_equal(tr_trace_start("traces"), 0);
    for (int i = 0; i < STEPS; i++) step(&l);
    for (int i = 0; i < 200 && !nobody_travels(); i++) { /* until the last is known to be done */
        assert_int_equal(tr_synchronize(tr_dist_device()), 0);
        tr_data_parallel_report_of(l.ranks);
    }
    assert_int_equal(tr_trace_stop(), 0);
    bool alone = nobody_travels();
    assert_int_equal(lines_with("\"thread_name\"", "\"device: collectives\""), !alone);
    assert_int_equal(lines_with("gradients, bucket", "\"tid\":1048576"), alone ? 0 : STEPS * BUCKETS);
    assert_int_equal(lines_with("\"bytes\":12800", "\"tid\":1048576"), alone ? 0 : STEPS); /* 0.weight, in a bucket of its own */

    /* Through the host it is copied there and back, beside what the device computes. */
    char down[32], up[32];
    const bool staged = !alone && !strstr(tr_dist_transport(), " by NCCL ");
    snprintf(down, sizeof down, "\"tid\":%d,", 1048576 + 68 + tr_dist_device().index);
    snprintf(up, sizeof up, "\"tid\":%d,", 1048576 + 138 + tr_dist_device().index);
    assert_int_equal(lines_with("\"device: copies to the host\"", "\"thread_name\""), staged);
    assert_int_equal(lines_with("\"device: copies from the host\"", "\"thread_name\""), staged);
    assert_int_equal(lines_with("\"bytes\":12800", down), staged ? STEPS : 0);
    assert_int_equal(lines_with("\"bytes\":12800", up), staged ? STEPS : 0);
}
