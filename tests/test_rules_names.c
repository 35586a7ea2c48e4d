/* The names of operations and the sentences of errors, as PyTorch has them. */
#include <trireme/autograd.h>
#include "test.h"

static tr_tensor *leaf(tr_tensor *t) { return tr_requires_grad_(t, true); }
static tr_tensor *ones(tr_shape shape) { return leaf(tr_ones(shape)); }
#define assert_made_by(t, name) assert_string_equal(tr_grad_fn(t), name)

TEST(products_are_named_after_their_operands)
{
    tr_tensor *m = ones(TR_SHAPE(3, 3)), *v = ones(TR_SHAPE(3)), *b = ones(TR_SHAPE(2, 2, 3, 3));
    assert_made_by(tr_matmul(m, m), "MmBackward0");
    assert_made_by(tr_matmul(m, v), "MvBackward0");
    assert_made_by(tr_matmul(v, v), "DotBackward0");
    assert_made_by(tr_dot(v, v), "DotBackward0");
    assert_made_by(tr_outer(v, v), "MulBackward0");
    assert_made_by(tr_matmul(b, m), "UnsafeViewBackward0");
    assert_made_by(tr_linear(m, m, v), "AddmmBackward0");
    assert_made_by(tr_linear(m, m, NULL), "MmBackward0");
}

TEST(numbers_change_the_names_of_sub_and_pow)
{
    tr_tensor *x = ones(TR_SHAPE(3));
    assert_made_by(tr_sub(x, 1), "SubBackward0");
    assert_made_by(tr_sub(1, x), "RsubBackward1");
    assert_made_by(tr_sub(x, x), "SubBackward0");
    assert_made_by(tr_pow(x, 3), "PowBackward0");
    assert_made_by(tr_pow(2, x), "PowBackward2");
    assert_made_by(tr_pow(x, x), "PowBackward1");
    tr_tensor *y = tr_sub(1, tr_pow(x, 3));
    assert_int_equal(tr_backward(tr_sum(y)), 0);
    assert_close(tr_grad(x), row(-3, -3, -3), 0);
}

TEST(views_reductions_and_losses_have_their_names)
{
    tr_tensor *x = ones(TR_SHAPE(2, 3));
    assert_made_by(tr_view(x, TR_SHAPE(6)), "ViewBackward0");
    assert_made_by(tr_reshape(x, TR_SHAPE(6)), "ViewBackward0");
    assert_made_by(tr_reshape(tr_t(x), TR_SHAPE(6)), "UnsafeViewBackward0");
    assert_made_by(tr_t(x), "TBackward0");
    assert_made_by(tr_permute(x, TR_SHAPE(1, 0)), "PermuteBackward0");
    assert_made_by(tr_select(x, 0, 0), "SelectBackward0");
    assert_made_by(tr_slice(x, 0, 0, 1, 1), "SliceBackward0");
    assert_made_by(tr_unsqueeze(x, 1), "UnsqueezeBackward0");
    assert_made_by(tr_squeeze(tr_unsqueeze(x, 1), 1), "SqueezeBackward1");
    assert_made_by(tr_expand(tr_unsqueeze(x, 0), TR_SHAPE(2, 2, 3)), "ExpandBackward0");
    assert_made_by(tr_stack(TR_TENSORS(x, x), 0), "StackBackward0");
    assert_made_by(tr_cat(TR_TENSORS(x, x), 0), "CatBackward0");
    assert_made_by(tr_sum(x), "SumBackward0");
    assert_made_by(tr_sum(x, TR_DIM(0)), "SumBackward1");
    assert_made_by(tr_mean(x), "MeanBackward0");
    assert_made_by(tr_mean(x, TR_DIM(0)), "MeanBackward1");
    assert_made_by(tr_max(x), "MaxBackward1");
    assert_made_by(tr_min(x), "MinBackward1");
    assert_made_by(tr_max(x, TR_DIM(0)), "AmaxBackward0");
    assert_made_by(tr_mse_loss(x, tr_zeros(TR_SHAPE(2, 3))), "MseLossBackward0");
    assert_made_by(tr_cross_entropy(x, tr_zeros(TR_SHAPE(2), .dtype = TR_INT64)), "NllLossBackward0");
    assert_made_by(tr_mul_(tr_exp(x), 2), "MulBackward0");
    assert_made_by(tr_zero_(tr_clone(x)), "ZeroBackward0");
    assert_made_by(tr_fill_(tr_clone(x), 3), "FillBackward2");
    assert_made_by(tr_sort(x, 0), "SortBackward0");
    assert_string_equal(tr_to_string(tr_mse_loss(x, tr_zeros(TR_SHAPE(2, 3)))), "tensor(1., grad_fn=<MseLossBackward0>)");
}

TEST(mse_loss_is_a_mean_a_sum_or_every_square)
{
    tr_tensor *x = leaf(row(1, 2, 4)), *t = leaf(row(0, 2, 1));
    assert_item(tr_mse_loss(x, t), 10. / 3, 1e-6);
    assert_item(tr_mse_loss(x, t, .reduction = TR_SUM), 10, 0);
    assert_close(tr_mse_loss(x, t, .reduction = TR_NONE), row(1, 0, 9), 0);
    assert_int_equal(tr_backward(tr_mse_loss(x, t, .reduction = TR_SUM)), 0);
    assert_close(tr_grad(x), row(2, 0, 6), 0);
    assert_close(tr_grad(t), row(-2, 0, -6), 0);
    assert_null(tr_mse_loss(x, t, .reduction = (tr_reduction)7));
    assert_error_says("there is no reduction 7");
}

TEST(sizes_that_do_not_match_are_told_in_pytorchs_words)
{
    tr_tensor *m = tr_ones(TR_SHAPE(2, 3)), *two = row(1, 2), *three = row(1, 2, 3);
    assert_null(tr_add(m, two));
    assert_error_says("The size of tensor a (3) must match the size of tensor b (2) at non-singleton dimension 1");
    assert_null(tr_matmul(m, m));
    assert_error_says("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)");
    assert_null(tr_matmul(two, tr_t(m)));
    assert_error_says("mat1 and mat2 shapes cannot be multiplied (1x2 and 3x2)");
    assert_null(tr_matmul(m, two));
    assert_error_says("size mismatch, got 2, 2x3,2");
    assert_null(tr_matmul(two, three));
    assert_error_says("expected tensor [2] and src [3] to have the same number of elements");
    assert_null(tr_view(two, TR_SHAPE(3)));
    assert_error_says("shape '[3]' is invalid for input of size 2");
    assert_null(tr_view(tr_t(m), TR_SHAPE(6)));
    assert_error_says("view size is not compatible with input tensor's size and stride");
    assert_null(tr_select(three, 0, 5));
    assert_error_says("index 5 is out of bounds for dimension 0 with size 3");
    assert_null(tr_sum(m, TR_DIM(2)));
    assert_error_says("Dimension out of range (expected to be in range of [-2, 1], but got 2)");
    assert_null(tr_stack(TR_TENSORS(two, three), 0));
    assert_error_says("stack expects each tensor to be equal size, but got [2] at entry 0 and [3] at entry 1");
    assert_null(tr_cat(TR_TENSORS(tr_ones(TR_SHAPE(1, 2)), tr_ones(TR_SHAPE(1, 3))), 0));
    assert_error_says("Sizes of tensors must match except in dimension 0. Expected size 2 but got size 3 for tensor number 1 in the list.");
    assert_null(tr_cat(TR_TENSORS(m, two), 0));
    assert_error_says("Tensors must have same number of dimensions: got 2 and 1");
    assert_null(tr_add_(two, tr_ones(TR_SHAPE(3, 2))));
    assert_error_says("output with shape [2] doesn't match the broadcast shape [3, 2]");
}

static tr_tensor *index_of(int64_t i) { return tr_full(TR_SHAPE(1), i); }

TEST(indices_beyond_the_end_are_told_in_pytorchs_words)
{
    static const char beyond[] = "index 5 is out of bounds for dimension 0 with size 3";
    tr_tensor *x = row(1, 2, 3), *one = row(1), *m = tr_ones(TR_SHAPE(2, 3)), *rows[] = {one, tr_ones(TR_SHAPE(2, 1))};
    assert_null(tr_index(x, index_of(5)));
    assert_error_says(beyond);
    assert_null(tr_index(x, index_of(-5)));
    assert_error_says("index -5 is out of bounds for dimension 0 with size 3");
    assert_item(tr_index(x, index_of(-3)), 1, 0);
    assert_null(tr_index_put_(x, index_of(5), 9));
    assert_error_says(beyond);
    assert_null(tr_index_select(x, 0, index_of(5)));
    assert_error_says(beyond);
    assert_null(tr_index_select(m, 1, index_of(3)));
    assert_error_says("index 3 is out of bounds for dimension 1 with size 3");
    assert_null(tr_gather(x, 0, index_of(5)));
    assert_error_says(beyond);
    assert_null(tr_scatter_add(x, 0, index_of(5), one));
    assert_error_says(beyond);
    assert_null(tr_index_add(x, 0, index_of(5), one));
    assert_error_says(beyond);
    assert_null(tr_index_copy(m, 1, index_of(5), rows[1]));
    assert_error_says("index 5 is out of bounds for dimension 1 with size 3");
    assert_null(tr_index(x, tr_gt(row(1, 0), 0)));
    assert_error_says("The shape of the mask [2] at index 0 does not match the shape of the indexed tensor [3] at index 0");
    assert_null(tr_index(m, tr_ones(TR_SHAPE(2, 2), .dtype = TR_BOOL)));
    assert_error_says("The shape of the mask [2, 2] at index 1 does not match the shape of the indexed tensor [2, 3] at index 1");
    assert_null(tr_narrow(x, 0, 2, 5));
    assert_error_says("start (2) + length (5) exceeds dimension size (3)");
    assert_null(tr_topk(x, 4, 0));
    assert_error_says("selected index k out of range");
    assert_null(tr_cross_entropy(m, tr_full(TR_SHAPE(2), 5)));
    assert_error_says("Target 5 is out of bounds");
}

TEST(types_that_do_not_fit_are_told_in_pytorchs_words)
{
    tr_tensor *n = tr_ones(TR_SHAPE(3), .dtype = TR_INT64);
    assert_null(tr_add_(n, 1.5));
    assert_error_says("result type Float can't be cast to the desired output type Long");
    assert_null(tr_mean(n));
    assert_error_says("mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: Long");
    assert_null(tr_requires_grad_(n, true));
    assert_error_says("only Tensors of floating point and complex dtype can require gradients");
    assert_null(tr_ones(TR_SHAPE(3), .dtype = TR_INT64, .requires_grad = true));
    assert_error_says("Only Tensors of floating point and complex dtype can require gradients");
    assert_true(tr_item(tr_ones(TR_SHAPE(3))) != 1);
    assert_error_says("a Tensor with 3 elements cannot be converted to Scalar");
    assert_null(tr_inv(tr_zeros(TR_SHAPE(2, 2))));
    assert_error_says("the inversion could not be completed because the input matrix is singular");
}

TEST(the_graphs_rules_are_told_in_pytorchs_words)
{
    tr_tensor *x = ones(TR_SHAPE(3)), *y = tr_exp(x), *loss = tr_sum(y);
    assert_int_equal(tr_backward(y), -1);
    assert_error_says("grad can be implicitly created only for scalar outputs");
    assert_int_equal(tr_backward(loss), 0);
    assert_int_equal(tr_backward(loss), -1);
    assert_error_says("Trying to backward through the graph a second time");
    assert_int_equal(tr_backward(tr_argmax(x)), -1);
    assert_error_says("element 0 of tensors does not require grad and does not have a grad_fn");
    assert_null(tr_add_(x, 3));
    assert_error_says("a leaf Variable that requires grad is being used in an in-place operation.");
    tr_tensor *changed = tr_exp(x);
    tr_mul_(changed, 2);
    assert_int_equal(tr_backward(tr_sum(changed)), -1);
    assert_error_says("one of the variables needed for gradient computation has been modified by an inplace operation: "
                      "[torch.FloatTensor [3]], which is output 0 of ExpBackward0, is at version 1; expected version 0 instead");
    tr_tensor *other = tr_ones(TR_SHAPE(3)), *product = tr_mul(x, other);
    tr_zero_(other);
    assert_int_equal(tr_backward(tr_sum(product)), -1);
    assert_error_says("[torch.FloatTensor [3]] is at version 1; expected version 0 instead");
}

TEST(a_sum_of_a_difference_may_be_walked_twice)
{
    tr_tensor *x = ones(TR_SHAPE(3)), *loss = tr_sum(tr_sub(x, 1));
    assert_int_equal(tr_backward(loss), 0);
    assert_int_equal(tr_backward(loss), 0);
    assert_close(tr_grad(x), row(2, 2, 2), 0);
}
