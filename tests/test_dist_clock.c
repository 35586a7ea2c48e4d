// CTEST LIBRARIES trireme_dist_internal
/* Ranks find out how far rank 0's clock is ahead of theirs. */
#include "test.h"

#include "dist/fake.h"
#include "dist/watch.h"

static _Thread_local int64_t skew_ns;

static int64_t skewed(void) { return tr_clock_ns_() + skew_ns; }

static int compare(dist_transport *way, void *each)
{
    int64_t ahead, error;
    skew_ns = way->rank * *(int64_t *)each;
    if (dist_trace_clocks(way, skewed, &ahead, &error) < 0) return 1;
    int64_t off = ahead + skew_ns;
    return error < 0 || off > error || off < -error || (way->rank == 0 && (ahead || error));
}

TEST(a_clock_is_known_as_well_as_a_message_is_quick)
{
    int64_t skews[] = {0, 3600000000000, -86400000000000, 12345678};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(dist_fake_run((dist_fake){.ranks = 4, .host_ranks = 1}, compare, &skews[i]), 0);
        assert_int_equal(dist_fake_run((dist_fake){.ranks = 4, .host_ranks = 2, .late_us = 200, .seed = 7}, compare, &skews[i]), 0);
    }
}

static int of_one_clock(dist_transport *way, void *unused)
{
    (void)unused;
    int64_t ahead, error;
    return dist_trace_clocks(way, tr_clock_ns_, &ahead, &error) < 0 || ahead != 0;
}

TEST(ranks_of_one_clock_do_not_correct_it)
{
    assert_int_equal(dist_fake_run((dist_fake){.ranks = 3, .host_ranks = 1}, of_one_clock, NULL), 0);
}
