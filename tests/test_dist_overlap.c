// CTEST LIBRARIES trireme_dist_internal
/* What of a backward's sums is hidden behind it, from when they began and ended. */
#include "dist/overlap.h"
#include "test.h"

TEST(spans_that_lie_over_one_another_count_once)
{
    dist_overlap o = {.spans = 0};
    assert_int_equal(dist_overlap_busy(&o), 0);
    dist_overlap_add(&o, 10, 30);
    dist_overlap_add(&o, 20, 50); /* its copy began while the first was summed */
    dist_overlap_add(&o, 60, 70);
    dist_overlap_add(&o, 65, 70);
    assert_int_equal(dist_overlap_busy(&o), 50);
}

TEST(a_span_that_began_before_others_holds_them)
{
    dist_overlap o = {.spans = 0};
    dist_overlap_add(&o, 0, 5);
    dist_overlap_add(&o, 10, 20); /* a copy, */
    dist_overlap_add(&o, 25, 30);
    dist_overlap_add(&o, 2, 40); /* while the bucket before was summed */
    assert_int_equal(dist_overlap_busy(&o), 40);
    assert_int_equal(dist_overlap_exposed(&o, 22), 18);
    assert_int_equal(o.spans, 2);
}

TEST(what_comes_after_the_end_of_backward_is_exposed)
{
    dist_overlap o = {.spans = 0};
    dist_overlap_add(&o, 10, 30);
    dist_overlap_add(&o, 40, 60);
    assert_int_equal(dist_overlap_exposed(&o, 5), 40);
    assert_int_equal(dist_overlap_exposed(&o, 10), 40);
    assert_int_equal(dist_overlap_exposed(&o, 25), 25);
    assert_int_equal(dist_overlap_exposed(&o, 35), 20);
    assert_int_equal(dist_overlap_exposed(&o, 45), 15);
    assert_int_equal(dist_overlap_exposed(&o, 60), 0);
}

TEST(more_spans_than_there_is_room_for_end_with_the_last)
{
    dist_overlap o = {.spans = 0};
    for (int i = 0; i < 2 * DIST_OVERLAP_SPANS; i++) dist_overlap_add(&o, 10 * i, 10 * i + 4);
    assert_int_equal(o.spans, DIST_OVERLAP_SPANS);
    assert_int_equal(o.span[DIST_OVERLAP_SPANS - 1].end_ns, 10 * (2 * DIST_OVERLAP_SPANS - 1) + 4);
    assert_int_equal(dist_overlap_exposed(&o, 10 * (2 * DIST_OVERLAP_SPANS - 1)), 4);
}
