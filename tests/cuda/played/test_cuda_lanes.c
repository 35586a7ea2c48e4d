/* Marks in a device's lanes know when they were reached, on the host's clock, and nobody waits for it. */
#include <time.h>
#include <trireme/lanes.h>
#include "on_played.h"

static const tr_lanes_ *lanes;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void pause_ms(long ms) { nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL); }

static void *timed(tr_lane_ lane)
{
    void *mark = lanes->timed(0, lane);
    assert_non_null(mark);
    return mark;
}

TEST(a_mark_was_reached_after_it_was_asked_for_and_before_it_was_seen)
{
    lanes = tr_lanes_of_(tr_cuda(0));
    in_every_order(order)
    {
        TR_SCOPE;
        int64_t asked = now_ns(), when[TR_LANES_];
        void *marks[TR_LANES_];
        tr_tensor *x = tr_exp(tr_ones(TR_SHAPE(100000), .device = tr_cuda(0)));
        for (int l = 0; l < TR_LANES_; l++) marks[l] = timed((tr_lane_)l);
        for (int l = 0; l < TR_LANES_; l++) assert_int_equal(lanes->reached(marks[l], true), 1);
        for (int l = 0; l < TR_LANES_; l++) {
            when[l] = lanes->when(marks[l]);
            assert_true(asked <= when[l] && when[l] <= now_ns());
            assert_true(lanes->when(marks[l]) == when[l]);
            lanes->forget(marks[l]);
        }
        assert_non_null(x);
    }
}

/* Far more than FAR_MS in all: the origin has moved on. */
TEST(what_is_between_two_marks_is_as_long_as_the_host_saw_it)
{
    lanes = tr_lanes_of_(tr_cuda(0));
    in_order(PLAYED_AT_ONCE);
    for (int i = 0; i < 4; i++) {
        int64_t begin = now_ns();
        void *first = timed(TR_LANE_OWN_);
        assert_int_equal(lanes->reached(first, true), 1);
        pause_ms(200);
        void *last = timed(TR_LANE_UP_);
        assert_int_equal(lanes->reached(last, true), 1);
        int64_t ns = lanes->when(last) - lanes->when(first);
        assert_true(ns > 190000000 && ns < now_ns() - begin);
        lanes->forget(first);
        lanes->forget(last);
    }
    in_order(PLAYED_AT_RANDOM);
}

TEST(a_mark_that_is_not_reached_or_not_timed_knows_nothing)
{
    needs_played_device();
    lanes = tr_lanes_of_(tr_cuda(0));
    in_order(PLAYED_LAZY);
    int64_t waits = counted().waits;
    void *later = timed(TR_LANE_OWN_), *plain = lanes->mark(0, TR_LANE_OWN_);
    assert_int_equal(lanes->when(later), 0);
    assert_int_equal(lanes->when(plain), 0);
    assert_int_equal(counted().waits, waits);
    assert_int_equal(lanes->reached(plain, true), 1);
    assert_true(lanes->when(later) > 0);
    assert_int_equal(lanes->when(plain), 0);
    lanes->forget(later);
    lanes->forget(plain);
    in_order(PLAYED_AT_RANDOM);
    assert_true(tr_synchronize(tr_cuda(0)) == 0 && !tr_error_stands());
}
