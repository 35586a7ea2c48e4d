/* Views: other shapes and strides over the same memory, by PyTorch's and Python's rules. */
#include <math.h>
#include <trireme/autograd.h>
#include <trireme/random.h>
#include "test.h"

static tr_tensor *counted(tr_shape shape)
{
    return tr_view(tr_arange(0, (double)tr_shape_numel(shape), 1), shape);
}

/* ---- view and reshape ---- */

TEST(view_shows_the_same_elements_in_another_shape)
{
    tr_tensor *x = counted(TR_SHAPE(2, 6)), *y = tr_view(x, TR_SHAPE(3, -1));
    assert_shape(y, 3, 4);
    assert_ptr_equal(tr_data(y), tr_data(x));
    tr_fill_(tr_select(y, 0, 2), 7);
    assert_close(tr_select(x, 0, 1), row(6, 7, 7, 7, 7, 7), 0);
    assert_shape(tr_view(tr_tensor_of(1.), TR_SHAPE(1, 1)), 1, 1);
    assert_shape(tr_view(tr_ones(TR_SHAPE(1, 1)), TR_SHAPE()));
    assert_shape(tr_view(tr_zeros(TR_SHAPE(0, 4)), TR_SHAPE(2, 0)), 2, 0);
    assert_shape(tr_view(tr_zeros(TR_SHAPE(0, 4)), TR_SHAPE(-1, 4)), 0, 4);
}

TEST(view_says_which_shape_does_not_fit)
{
    assert_null(tr_view(row(1, 2), TR_SHAPE(3)));
    assert_error_says("tr_view: shape (3,) is invalid for (2,) float32, 2 elements");
    assert_null(tr_view(row(1, 2), TR_SHAPE(-1, -1)));
    assert_error_says("tr_view: shape");
    assert_null(tr_view(row(1, 2), TR_SHAPE(-1, 3)));
    assert_error_says("tr_view: shape");
    assert_null(tr_view(row(1, 2), TR_SHAPE(-2, -1)));
    assert_error_says("tr_view: shape");
    assert_null(tr_view(tr_zeros(TR_SHAPE(0)), TR_SHAPE(-1, 0))); /* any size would do */
    assert_error_says("tr_view: shape");
    assert_null(tr_view(row(1, 2), TR_SHAPE(INT64_MAX, INT64_MAX)));
    assert_error_says("tr_view: shape");
    assert_null(tr_view(row(1), TR_SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1)));
    assert_error_says("tr_view: shape");
    assert_null(tr_view(row(1), ((tr_shape){.ndim = 1000})));
    assert_error_says("tr_view: shape");
    assert_null(tr_expand(row(1), ((tr_shape){.ndim = 1000})));
    assert_error_says("tr_expand");
    assert_null(tr_permute(row(1), ((tr_shape){.ndim = 1000})));
    assert_error_says("tr_permute");
    assert_null(tr_view(tr_t(counted(TR_SHAPE(2, 3))), TR_SHAPE(6)));
    assert_error_says("tr_view: the strides of (3, 2) float32 do not allow a view of shape (6,); use tr_reshape");
}

/* What a view must show, found the slow way: for each element of the new shape, in order, an element of t, in order. If
 * strides exist that reach them all, they are the steps along each dim. */
static bool could_be_viewed(const tr_tensor *t, tr_shape shape)
{
    tr_shape old = tr_shape_of_tensor(t);
    int64_t n = tr_numel(t), place[64], stride[TR_MAX_DIMS];
    for (int64_t i = 0; i < n; i++) {
        int64_t left = i;
        place[i] = 0;
        for (int d = old.ndim - 1; d >= 0; d--) {
            place[i] += left % old.size[d] * tr_stride(t, d);
            left /= old.size[d];
        }
    }
    int64_t step = 1;
    for (int d = shape.ndim - 1; d >= 0; d--) {
        stride[d] = shape.size[d] > 1 ? place[step] - place[0] : 0;
        step *= shape.size[d];
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t left = i, at = place[0];
        for (int d = shape.ndim - 1; d >= 0; d--) {
            at += left % shape.size[d] * stride[d];
            left /= shape.size[d];
        }
        if (at != place[i]) return false;
    }
    return true;
}

static int64_t below(int64_t n) { return (int64_t)(tr_random_u32(tr_default_generator()) % (uint32_t)n); }

/* A tensor of 1 to 64 elements, however it lies. */
static tr_tensor *any_tensor(void)
{
    static const int64_t sizes[] = {1, 2, 3, 4, 1, 2};
    tr_shape shape = {.ndim = (int)below(5)};
    for (int d = 0; d < shape.ndim; d++) shape.size[d] = sizes[below(6)];
    if (tr_shape_numel(shape) > 16) shape.ndim = 2;
    tr_tensor *t = counted(shape);
    for (int i = 0; i < 3; i++) {
        int dim = tr_ndim(t) ? (int)below(tr_ndim(t)) : 0;
        switch (below(6)) {
        case 0: t = tr_ndim(t) ? tr_transpose(t, dim, 0) : t; break;
        case 1: t = tr_ndim(t) ? tr_slice(t, dim, below(2), TR_END, 1 + below(2)) : t; break;
        case 2: t = tr_ndim(t) < 5 ? tr_unsqueeze(t, dim) : t; break;
        case 3: t = tr_ndim(t) ? tr_squeeze(t, dim) : t; break;
        case 4: {
            tr_shape wide = tr_shape_of_tensor(t);
            if (wide.ndim && wide.size[dim] == 1 && tr_numel(t) <= 16) wide.size[dim] = 2;
            t = tr_expand(t, wide);
            break;
        }
        default: break;
        }
    }
    return t;
}

/* A shape of n elements. */
static tr_shape any_shape(int64_t n)
{
    tr_shape shape = {.ndim = 0};
    while (n > 1 && shape.ndim < 5) {
        int64_t factor = 1 + below(n);
        if (n % factor) continue;
        shape.size[shape.ndim++] = factor;
        n /= factor;
    }
    if (n > 1 || below(3) == 0) shape.size[shape.ndim++] = n;
    return shape;
}

TEST(view_exists_exactly_where_strides_can_say_it)
{
    int possible = 0, impossible = 0;
    for (int i = 0; i < 20000; i++) {
        TR_SCOPE;
        tr_tensor *t = any_tensor();
        if (tr_numel(t) == 0) continue;
        tr_shape shape = any_shape(tr_numel(t));
        tr_tensor *y = tr_view(t, shape);
        if (!y) tr_error_clear();
        bool could = could_be_viewed(t, shape);
        if (could != (y != NULL)) fail_msg("round %d: %s of a %s that could %sbe viewed as %s", i, y ? "a view" : "no view", tr_to_string(t), could ? "" : "not ", tr_shape_string(shape));
        could ? possible++ : impossible++;
        tr_tensor *z = tr_reshape(t, shape);
        assert_true((tr_data(z) == tr_data(t)) == could);
        assert_close(tr_flatten(z, 0, -1), tr_flatten(tr_clone(t), 0, -1), 0);
        if (y) assert_close(y, z, 0);
    }
    assert_true(possible > 1000 && impossible > 500);
}

TEST(flatten_joins_the_dims_between)
{
    tr_tensor *x = counted(TR_SHAPE(2, 3, 4));
    assert_shape(tr_flatten(x, 0, -1), 24);
    assert_shape(tr_flatten(x, 1, 2), 2, 12);
    assert_shape(tr_flatten(x, 1, 1), 2, 3, 4);
    assert_shape(tr_flatten(tr_tensor_of(1.), 0, -1), 1);
    assert_null(tr_flatten(x, 2, 1));
    assert_error_says("tr_flatten: from dim 2 to dim 1 of (2, 3, 4) float32");
    assert_null(tr_flatten(x, 0, 3));
    assert_error_says("tr_flatten: (2, 3, 4) float32 has no dim 3");
}

/* ---- the order of dims ---- */

TEST(dims_are_exchanged_without_a_copy)
{
    tr_tensor *x = counted(TR_SHAPE(2, 3)), *y = tr_t(x);
    assert_shape(y, 3, 2);
    assert_int_equal(tr_stride(y, 0), 1);
    assert_int_equal(tr_stride(y, -1), 3);
    assert_false(tr_is_contiguous(y));
    assert_true(tr_is_contiguous(tr_contiguous(y)));
    assert_ptr_equal(tr_contiguous(x), x);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 2; j++) assert_true(tr_get(y, 2 * i + j) == 3 * j + i);
    tr_tensor *v = row(1, 2);
    assert_close(tr_t(v), v, 0);
    assert_shape(tr_t(tr_tensor_of(1.)));
    assert_null(tr_t(tr_zeros(TR_SHAPE(1, 2, 3))));
    assert_error_says("tr_t: (1, 2, 3) float32 has more than two dims");

    tr_tensor *z = tr_permute(counted(TR_SHAPE(2, 3, 4)), TR_SHAPE(2, 0, -2));
    assert_shape(z, 4, 2, 3);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 2; j++)
            for (int k = 0; k < 3; k++) assert_true(tr_get(z, i * 6 + j * 3 + k) == j * 12 + k * 4 + i);
    assert_shape(tr_transpose(z, 0, -1), 3, 2, 4);
    assert_null(tr_permute(z, TR_SHAPE(0, 1)));
    assert_error_says("tr_permute: (0, 1) does not list each dim of (4, 2, 3) float32 once");
    assert_null(tr_permute(z, TR_SHAPE(0, 1, 1)));
    assert_error_says("tr_permute");
    assert_null(tr_permute(z, TR_SHAPE(0, 1, 3)));
    assert_error_says("tr_permute");
    assert_null(tr_transpose(z, 0, 3));
    assert_error_says("tr_transpose: (4, 2, 3) float32 has no dim 3");
}

/* ---- sizes of 1 ---- */

TEST(sizes_of_1_come_go_and_stretch)
{
    tr_tensor *x = counted(TR_SHAPE(2, 3));
    assert_shape(tr_unsqueeze(x, 0), 1, 2, 3);
    assert_shape(tr_unsqueeze(x, -1), 2, 3, 1);
    assert_shape(tr_unsqueeze(x, 2), 2, 3, 1);
    assert_shape(tr_unsqueeze(tr_tensor_of(1.), 0), 1);
    assert_null(tr_unsqueeze(x, 3));
    assert_error_says("tr_unsqueeze: (2, 3) float32 has no place for a dim at 3");
    assert_null(tr_unsqueeze(x, -4));
    assert_error_says("at -4");
    assert_null(tr_unsqueeze(tr_zeros(TR_SHAPE(1, 1, 1, 1, 1, 1, 1, 1)), 0));
    assert_error_says("tr_unsqueeze");
    assert_shape(tr_squeeze(tr_unsqueeze(x, 1), 1), 2, 3);
    assert_shape(tr_squeeze(x, 1), 2, 3);
    assert_ptr_equal(tr_data(tr_squeeze(x, 1)), tr_data(x));
    assert_shape(tr_squeeze(tr_tensor_of(1.), -1));
    assert_null(tr_squeeze(x, 2));
    assert_error_says("tr_squeeze: (2, 3) float32 has no dim 2");

    tr_tensor *y = tr_expand(tr_unsqueeze(x, 1), TR_SHAPE(5, -1, 2, 3));
    assert_shape(y, 5, 2, 2, 3);
    assert_ptr_equal(tr_data(y), tr_data(x));
    assert_int_equal(tr_stride(y, 0), 0);
    for (int64_t i = 0; i < 60; i++) assert_true(tr_get(y, i) == (double)(i % 12 / 6 * 3 + i % 3));
    assert_ptr_equal(tr_expand(x, TR_SHAPE(2, 3)), x);
    assert_shape(tr_expand(tr_zeros(TR_SHAPE(1)), TR_SHAPE(0)), 0);
    assert_shape(tr_expand(tr_tensor_of(1.), TR_SHAPE(2, 2)), 2, 2);
    assert_null(tr_expand(x, TR_SHAPE(4, 3)));
    assert_error_says("tr_expand: (2, 3) float32 cannot be stretched to (4, 3)");
    assert_null(tr_expand(x, TR_SHAPE(3)));
    assert_error_says("tr_expand");
    assert_null(tr_expand(x, TR_SHAPE(-1, 2, 3)));
    assert_error_says("tr_expand");
    assert_null(tr_expand(row(1), TR_SHAPE(INT64_MAX, INT64_MAX, 1)));
    assert_error_says("tr_expand");
}

/* ---- parts ---- */

/* Python's t[start:stop:step], from its own documentation. */
static int64_t python_slice(int64_t n, int64_t start, int64_t stop, int64_t step, int64_t *seen)
{
    int64_t count = 0;
    if (start < 0) start = start + n < 0 ? 0 : start + n;
    if (stop < 0) stop += n;
    for (int64_t i = start; i < stop && i < n; i += step) seen[count++] = i;
    return count;
}

TEST(slices_follow_python)
{
    for (int64_t n = 0; n <= 4; n++)
        for (int64_t start = -6; start <= 6; start++)
            for (int64_t stop = -6; stop <= 7; stop++)
                for (int64_t step = 1; step <= 3; step++) {
                    TR_SCOPE;
                    int64_t end = stop == 7 ? TR_END : stop, seen[8], count = python_slice(n, start, end, step, seen);
                    tr_tensor *y = tr_slice(tr_arange(0, (double)n, 1), 0, start, end, step);
                    assert_shape(y, count);
                    for (int64_t i = 0; i < count; i++) assert_true(tr_get(y, i) == (double)seen[i]);
                }
}

TEST(slices_take_any_number)
{
    tr_tensor *x = counted(TR_SHAPE(3, 4));
    assert_close(tr_slice(x, -1, 1, 3, 0), tr_narrow(x, 1, 1, 2), 0);
    assert_shape(tr_slice(x, 1, INT64_MIN, INT64_MAX, INT64_MAX), 3, 1);
    assert_shape(tr_slice(x, 0, INT64_MAX, INT64_MIN, 1), 0, 4);
    assert_shape(tr_slice(x, 0, INT64_MIN, INT64_MIN, 1), 0, 4);
    assert_null(tr_slice(x, 0, 0, 1, -1));
    assert_error_says("tr_slice: a step of -1: steps are positive");
    assert_null(tr_slice(x, 2, 0, 1, 1));
    assert_error_says("tr_slice: (3, 4) float32 has no dim 2");
    assert_null(tr_slice(tr_tensor_of(1.), 0, 0, 1, 1));
    assert_error_says("tr_slice: a scalar has no dims");
    tr_fill_(tr_slice(x, 1, 1, TR_END, 2), -1);
    assert_close(tr_select(x, 0, 0), row(0, -1, 2, -1), 0);

    tr_tensor *y = tr_requires_grad_(row(1, 2, 3), true);
    assert_int_equal(tr_backward(tr_sum(tr_slice(y, 0, -1, TR_END, INT64_MAX))), 0);
    assert_close(tr_grad(y), row(0, 0, 1), 0);
}

TEST(parts_out_of_bounds_are_named)
{
    tr_tensor *x = counted(TR_SHAPE(3, 4));
    assert_close(tr_select(x, 0, -1), row(8, 9, 10, 11), 0);
    assert_close(tr_select(x, -1, 2), row(2, 6, 10), 0);
    assert_null(tr_select(x, 0, 5));
    assert_error_says("tr_select: index 5 is out of bounds for dimension 0 with size 3");
    assert_null(tr_select(x, 1, -5));
    assert_error_says("index -5 is out of bounds for dimension 1 with size 4");
    assert_null(tr_select(tr_tensor_of(1.), 0, 0));
    assert_error_says("tr_select: () float32 has no dim 0");
    assert_null(tr_select(tr_zeros(TR_SHAPE(0)), 0, 0));
    assert_error_says("with size 0");
    assert_shape(tr_narrow(x, 0, 3, 0), 0, 4);
    assert_null(tr_narrow(x, 0, 2, 2));
    assert_error_says("tr_narrow: 2 elements from 2 on are not in dim 0 of (3, 4) float32");
    assert_null(tr_narrow(x, 0, 1, INT64_MAX));
    assert_error_says("tr_narrow");
    assert_null(tr_narrow(x, 0, -4, 1));
    assert_error_says("tr_narrow: 1 elements from -4 on");
}

/* Under TR_NO_GRAD a view holds its storage, not its base. */
TEST(memory_that_a_view_held_last_is_used_again_from_its_beginning)
{
    for (int64_t n = 10; n <= 100; n *= 10) {
        TR_NO_GRAD;
        {
            TR_SCOPE;
            tr_tensor *end;
            {
                TR_SCOPE;
                end = tr_keep(tr_narrow(tr_ones(TR_SHAPE(n)), 0, n / 2, n / 2));
            }
            assert_close(tr_sum(end), tr_tensor_of((double)n / 2), 0);
            tr_drop(end);
        }
        tr_tensor *x = tr_arange(0, (double)n, 1), *like = tr_mul(x, x);
        assert_true(tr_item(tr_select(like, 0, n - 1)) == (double)((n - 1) * (n - 1)));
        assert_true((uintptr_t)tr_data(x) % 64 == 0 && (uintptr_t)tr_data(like) % 64 == 0);
    }
}

TEST(views_of_null_are_null)
{
    tr_tensor *views[] = {tr_view(NULL, TR_SHAPE(1)), tr_reshape(NULL, TR_SHAPE(1)), tr_flatten(NULL, 0, -1), tr_t(NULL), tr_transpose(NULL, 0, 1), tr_permute(NULL, TR_SHAPE(0)), tr_unsqueeze(NULL, 0), tr_squeeze(NULL, 0), tr_expand(NULL, TR_SHAPE(1)), tr_select(NULL, 0, 0), tr_narrow(NULL, 0, 0, 0), tr_slice(NULL, 0, 0, 0, 1), tr_detach(NULL), tr_clone(NULL), tr_contiguous(NULL), tr_to(NULL, TR_FLOAT32)};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) assert_null(views[i]);
    assert_error_says("tr_view: an argument is NULL");
}
