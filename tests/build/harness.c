/* The harness's own claims: every test here whose name begins with bad_ must fail, all others pass. */
#include "test.h"

#include <math.h>

TEST(good_comparisons)
{
    const double infinity = (double)INFINITY, nan_ = (double)NAN;
    assert_close(row(1, 2, 3), row64(1, 2, 3), 0);
    assert_close(row(1, 2, 3), row(1, 2, 3.5), 0.5);
    assert_close(row(), row(), 0);
    assert_close(row(infinity), row(infinity), 0);
    assert_close_nan(row(1, nan_), row(1, nan_), 0);
    assert_shape(row(1, 2), 2);
    assert_shape(tr_tensor_of(1));
    assert_dtype(row(1), TR_FLOAT32);
    assert_dtype(row64(1), TR_FLOAT64);
    assert_item(tr_tensor_of(2.5), 2.5, 0);
}

TEST(good_error_is_taken_away)
{
    tr_fail("%d rowers, %d oars", 3, 2);
    assert_error_says("3 rowers");
    assert_false(tr_error_stands());
}

TEST(bad_scope_left_by_a_jump)
{
    TR_SCOPE;
    assert_true(false);
}

TEST(good_scopes_are_closed_whatever_happens)
{
    assert_int_equal(tr_scope_depth(), 1);
}

TEST(skipped) { skip_because("nothing to try"); }

TEST(bad_difference) { assert_close(row(1, 2, 3), row(1, 2, 3.5), 0.4); }
TEST(bad_nan) { assert_close(row((double)NAN), row((double)NAN), 1); }
TEST(bad_nan_against_number) { assert_close_nan(row((double)NAN), row(1), 1); }
TEST(bad_infinity) { assert_close(row((double)INFINITY), row(1), 1); }
TEST(bad_sizes) { assert_close(row(1, 2, 3), row(1, 2), 1); }
TEST(bad_null) { assert_close(NULL, row(1, 2), 1); }
TEST(bad_null_with_a_reason) { assert_close(tr_fail("no oars"), row(1, 2), 1); }
TEST(bad_shape) { assert_shape(row(1, 2), 3); }
TEST(bad_number_of_dims) { assert_shape(row(1, 2), 2, 1); }
TEST(bad_dtype) { assert_dtype(row(1, 2), TR_FLOAT64); }
TEST(bad_item) { assert_item(tr_tensor_of(NAN), 1, 2); }
TEST(bad_no_error) { assert_error_says("oars"); }
TEST(bad_other_error)
{
    tr_fail("no oars");
    assert_error_says("rowers");
}
TEST(bad_error_left_standing) { tr_fail("no oars"); }
