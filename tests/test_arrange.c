/* Elements elsewhere: the edges that PyTorch's values in tests/golden do not reach. */
#include <trireme/arrange.h>
#include <trireme/ops.h>
#include "test.h"

TEST(diagonals_beyond_the_corners_are_all_alike)
{
    tr_tensor *x = tr_ones(TR_SHAPE(2, 3)), *none = tr_zeros_like(x);
    assert_close(tr_tril(x, INT64_MAX), x, 0);
    assert_close(tr_tril(x, 2), x, 0);
    assert_close(tr_tril(x, -2), none, 0);
    assert_close(tr_tril(x, INT64_MIN), none, 0);
    assert_close(tr_triu(x, INT64_MIN), x, 0);
    assert_close(tr_triu(x, -1), x, 0);
    assert_close(tr_triu(x, 3), none, 0);
    assert_close(tr_triu(x, INT64_MAX), none, 0);
    assert_int_equal(tr_numel(tr_diagonal(x, INT64_MIN, 0, 1)), 0);
    assert_int_equal(tr_numel(tr_diagonal(x, INT64_MAX, 0, 1)), 0);
}

/* TR_SHAPE counts; a shape written by hand may say more dims than it has places. */
TEST(a_shape_of_too_many_dims_is_refused)
{
    tr_tensor *x = tr_ones(TR_SHAPE(1, 1, 1, 1, 1, 1, 1, 1));
    tr_shape all = {TR_MAX_DIMS, {0, 1, 2, 3, 4, 5, 6, 7}}, more = all;
    more.ndim = 1000000;
    assert_non_null(tr_flip(x, all));
    assert_null(tr_flip(x, more));
    assert_error_says("tr_flip: ");
    assert_null(tr_repeat(x, more));
    assert_error_says("tr_repeat: ");
    assert_null(tr_permute(x, more));
    assert_error_says("tr_permute: ");
    assert_null(tr_expand(x, more));
    assert_error_says("tr_expand: ");
    assert_null(tr_view(x, more));
    assert_error_says("tr_view: ");
    assert_null(tr_zeros(more));
    assert_error_says("tr_zeros: ");
}
