/* Dropout: some are zero, the others grow, and evaluation leaves all alone. */
#include "test.h"

#include <trireme/nn.h>

enum { N = 10000 };

TEST(the_rest_grows_so_that_the_mean_stays)
{
    tr_manual_seed(0);
    tr_tensor *y = tr_forward(tr_dropout_layer(0.25), tr_ones(TR_SHAPE(N)));
    const float *v = tr_data(y);
    int64_t zeros = 0;
    for (int64_t i = 0; i < N; i++) {
        assert_true(v[i] == 0 || v[i] == 1 / 0.75f);
        zeros += v[i] == 0;
    }
    assert_true(zeros > N / 4 - 200 && zeros < N / 4 + 200);
}

TEST(the_gradient_passes_where_the_value_did)
{
    tr_tensor *x = tr_randn(TR_SHAPE(50), .dtype = TR_FLOAT64, .requires_grad = true), *r = tr_randn(TR_SHAPE(50), .dtype = TR_FLOAT64);
    tr_tensor *y = tr_forward(tr_dropout_layer(0.5), x);
    assert_int_equal(tr_backward(tr_sum(tr_mul(y, r))), 0);
    tr_tensor *mask = tr_to(tr_ne(tr_detach(y), 0), TR_FLOAT64);
    assert_close(tr_grad(x), tr_mul(tr_mul(r, mask), 2), 0);
}

TEST(evaluation_and_p_0_pass_everything)
{
    tr_tensor *x = tr_randn(TR_SHAPE(50));
    tr_module *m = tr_dropout_layer(0.5);
    tr_train(m, false);
    assert_close(tr_forward(m, x), x, 0);
    assert_close(tr_forward(tr_dropout_layer(0), x), x, 0);
    assert_close(tr_dropout(x, 1, NULL), tr_zeros(TR_SHAPE(50)), 0);
}

TEST(the_same_seed_gives_the_same_masks_and_each_call_another)
{
    tr_tensor *x = tr_ones(TR_SHAPE(100));
    tr_module *a = tr_dropout_layer(0.5, .seed = 7), *b = tr_dropout_layer(0.5, .seed = 7);
    tr_tensor *first = tr_forward(a, x);
    assert_close(tr_forward(b, x), first, 0);
    assert_true(tr_item(tr_sum(tr_abs(tr_sub(tr_forward(a, x), first)))) > 0);
}

TEST(a_place_in_the_batch_gives_its_mask_whenever_it_comes)
{
    tr_tensor *x = tr_ones(TR_SHAPE(100));
    tr_module *m = tr_dropout_layer(0.5, .seed = 7);
    tr_set_sample_place(true, 3, 10);
    tr_tensor *mask = tr_forward(m, x);
    tr_set_sample_place(true, 3, 20);
    assert_true(tr_item(tr_sum(tr_abs(tr_sub(tr_forward(m, x), mask)))) > 0);
    tr_set_sample_place(true, 4, 10);
    assert_true(tr_item(tr_sum(tr_abs(tr_sub(tr_forward(m, x), mask)))) > 0);
    tr_set_sample_place(true, 3, 10);
    assert_close(tr_forward(m, x), mask, 0);
    assert_true(tr_item(tr_sum(tr_abs(tr_sub(tr_forward(tr_dropout_layer(0.5, .seed = 8), x), mask)))) > 0);
    tr_set_sample_place(false, 0, 0);
}

TEST(the_type_stays)
{
    for (tr_dtype type = TR_FLOAT16; type <= TR_FLOAT64; type++) assert_dtype(tr_forward(tr_dropout_layer(0.25), tr_ones(TR_SHAPE(5), .dtype = type)), type);
}

TEST(what_is_no_probability_is_refused)
{
    assert_null(tr_dropout_layer(1.5));
    assert_error_says("p 1.5");
    assert_null(tr_dropout(tr_zeros(TR_SHAPE(2), .dtype = TR_INT64), 0.5, NULL));
    assert_error_says("int64");
}
