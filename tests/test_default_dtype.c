/* The default type, and numbers that keep all their digits. */
#include <complex.h>
#include <inttypes.h>
#include <pthread.h>
#include <trireme/nn.h>
#include <trireme/ops.h>
#include "test.h"

static void assert_prints(tr_tensor *t, const char *text) { assert_string_equal(tr_to_string(t), text); }

static void everything_is_of(tr_dtype dtype)
{
    TR_SCOPE;
    tr_shape shape = TR_SHAPE(2);
    tr_tensor *whole = tr_arange(1, 3, 1), *narrow = tr_ones(shape, .dtype = TR_FLOAT16);
    tr_tensor *const follow[] = {
        tr_empty(shape), tr_zeros(shape), tr_ones(shape), tr_full(shape, 2.5), tr_full(shape, 2.5f), tr_rand(shape), tr_randn(shape),
        tr_eye(2), tr_arange(0, 2, 0.5), tr_linspace(0, 1, 3), tr_tensor_of(2.5), tr_tensor_of(2.5f), tr_tensor_of(2.5L), tr_tensor_of_list(1, 2),
        tr_div(whole, 2), tr_div(whole, whole), tr_add(whole, 1.5), tr_mul(0.5f, tr_tensor_of(3)), tr_sqrt(whole), tr_sigmoid(tr_to(whole, TR_BOOL)),
        tr_where(tr_gt(whole, 1), 1.0, 2), *tr_parameters(tr_linear_layer(2, 1)).tensor};
    for (size_t i = 0; i < sizeof follow / sizeof *follow; i++) {
        if (tr_dtype_of(follow[i]) != dtype) print_message("number %d\n", (int)i);
        assert_dtype(follow[i], dtype);
    }
    assert_dtype(tr_mul(whole, 2 * I), dtype == TR_FLOAT64 ? TR_COMPLEX128 : TR_COMPLEX64);
    /* what is of a type keeps it */
    assert_dtype(whole, TR_INT64);
    assert_dtype(tr_full(shape, 42), TR_INT64);
    assert_dtype(tr_full(shape, (bool)true), TR_BOOL);
    assert_dtype(tr_tensor_of(42), TR_INT64);
    assert_dtype(tr_randint(0, 2, shape), TR_INT64);
    assert_dtype(tr_randperm(2), TR_INT64);
    assert_dtype(tr_add(narrow, 1.5), TR_FLOAT16);
    assert_dtype(tr_zeros_like(narrow), TR_FLOAT16);
    assert_dtype(tr_ones(shape, .dtype = TR_BFLOAT16), TR_BFLOAT16);
    assert_dtype(tr_add(whole, 1), TR_INT64);
}

TEST(floating_numbers_become_the_default_type)
{
    everything_is_of(TR_FLOAT32);
    for (tr_dtype dtype = TR_FLOAT16; dtype <= TR_FLOAT64; dtype = (tr_dtype)(dtype + 1)) {
        assert_int_equal(tr_set_default_dtype(dtype), 0);
        assert_int_equal(tr_get_default_dtype(), dtype);
        everything_is_of(dtype);
    }
    assert_int_equal(tr_set_default_dtype(TR_FLOAT32), 0);
    everything_is_of(TR_FLOAT32);
}

TEST(print_names_every_type_but_the_default_one)
{
    tr_tensor *single = tr_ones(TR_SHAPE(2)), *wide = tr_to(single, TR_FLOAT64);
    tr_tensor *z = tr_complex(single, single), *wide_z = tr_complex(wide, wide);
    assert_prints(single, "tensor([1., 1.])");
    assert_prints(wide, "tensor([1., 1.], dtype=torch.float64)");
    assert_int_equal(tr_set_default_dtype(TR_FLOAT64), 0);
    assert_prints(single, "tensor([1., 1.], dtype=torch.float32)");
    assert_prints(wide, "tensor([1., 1.])");
    assert_prints(z, "tensor([1.+1.j, 1.+1.j], dtype=torch.complex64)");
    assert_prints(wide_z, "tensor([1.+1.j, 1.+1.j])");
    assert_prints(tr_zeros(TR_SHAPE(0)), "tensor([])");
    assert_prints(tr_zeros(TR_SHAPE(0), .dtype = TR_FLOAT32), "tensor([], dtype=torch.float32)");
    assert_int_equal(tr_set_default_dtype(TR_FLOAT32), 0);
}

TEST(only_floating_types_can_be_the_default)
{
    static const tr_dtype others[] = {TR_DEFAULT_DTYPE, TR_BOOL, TR_INT64, TR_COMPLEX64, TR_DTYPES, (tr_dtype)-1, (tr_dtype)300};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(tr_set_default_dtype(others[i]), -1);
        assert_error_says("only floating-point types are supported as the default type");
    }
    assert_int_equal(tr_get_default_dtype(), TR_FLOAT32);
}

static void *ask(void *answer)
{
    *(tr_dtype *)answer = tr_get_default_dtype();
    return tr_set_default_dtype(TR_FLOAT16) == 0 ? NULL : answer;
}

TEST(the_default_is_its_threads_alone)
{
    pthread_t other;
    tr_dtype there;
    void *failed;
    assert_int_equal(tr_set_default_dtype(TR_FLOAT64), 0);
    assert_int_equal(pthread_create(&other, NULL, ask, &there), 0);
    assert_int_equal(pthread_join(other, &failed), 0);
    assert_null(failed);
    assert_int_equal(there, TR_FLOAT32);
    assert_int_equal(tr_get_default_dtype(), TR_FLOAT64);
    assert_int_equal(tr_set_default_dtype(TR_FLOAT32), 0);
}

static void assert_whole(tr_tensor *t, int64_t want)
{
    int64_t got[2];
    assert_true(tr_numel(t) <= 2);
    assert_int_equal(tr_to_data(t, TR_INT64, got), 0);
    for (int i = 0; i < tr_numel(t); i++)
        if (got[i] != want) fail_msg("%" PRId64 ", not %" PRId64, got[i], want);
}

TEST(complex_numbers_make_complex_tensors)
{
    assert_prints(tr_tensor_of(2 + 3 * I), "tensor(2.+3.j)");
    assert_prints(tr_tensor_of(2.5f * I, .requires_grad = true), "tensor(0.+2.5000j, requires_grad=True)");
    assert_prints(tr_full(TR_SHAPE(2), 1 - I), "tensor([1.-1.j, 1.-1.j])");
    assert_dtype(tr_tensor_of(0.1 * I, .dtype = TR_COMPLEX128), TR_COMPLEX128);
    assert_item(tr_imag(tr_tensor_of(0.1 * I, .dtype = TR_COMPLEX128)), 0.1, 0);
    assert_null(tr_tensor_of(I, .dtype = TR_FLOAT32));
    assert_error_says("a complex number does not become float32");
}

TEST(integers_keep_every_digit)
{
    static const int64_t numbers[] = {INT64_MAX, INT64_MIN, (INT64_C(1) << 53) + 1, -(INT64_C(1) << 53) - 1, 9007199254740995};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        tr_tensor *t = tr_tensor_of(numbers[i]);
        assert_dtype(t, TR_INT64);
        assert_whole(t, numbers[i]);
        assert_whole(tr_full(TR_SHAPE(2), numbers[i]), numbers[i]);
        assert_whole(tr_from_data(&numbers[i], TR_INT64, TR_SHAPE(1)), numbers[i]);
        assert_whole(tr_sub(t, numbers[i]), 0);
        assert_whole(tr_full_like(tr_empty(TR_SHAPE(2)), numbers[i], .dtype = TR_INT64), numbers[i]);
        assert_whole(tr_fill_(tr_zeros(TR_SHAPE(2), .dtype = TR_INT64), numbers[i]), numbers[i]);
        char text[64];
        snprintf(text, sizeof text, "tensor(%" PRId64 ")", numbers[i]);
        assert_prints(t, text);
    }
    assert_whole(tr_tensor_of(UINT64_C(9007199254740993)), 9007199254740993);
    assert_item(tr_tensor_of((INT64_C(1) << 53) + 1, .dtype = TR_FLOAT64), 0x1p53, 0);
    assert_null(tr_tensor_of(UINT64_MAX));
    assert_error_says("18446744073709551615 is more than int64 holds");
    assert_null(tr_full(TR_SHAPE(2), UINT64_MAX));
    assert_error_says("18446744073709551615 is more than int64 holds");
    assert_item(tr_fill_(tr_zeros(TR_SHAPE()), UINT64_MAX), 0x1p64, 0);
}

static void assert_counts(tr_tensor *t, int64_t n, int64_t first, int64_t last)
{
    assert_dtype(t, TR_INT64);
    assert_int_equal(tr_numel(t), n);
    assert_whole(tr_select(t, 0, 0), first);
    assert_whole(tr_select(t, 0, -1), last);
}

TEST(a_step_away_from_the_end_is_an_error_as_in_pytorch)
{
    assert_null(tr_arange(0, 10, -1));
    assert_error_says("from 0 to 10 in steps of -1 makes no sequence: it ends above its start");
    assert_null(tr_arange(10., 0, 0.5));
    assert_error_says("from 10 to 0 in steps of 0.5 makes no sequence: it ends below its start");
    assert_null((tr_arange)(5, 4, 1, (tr_tensor_options){.dtype = TR_INT32}));
    assert_error_says("it ends below its start");
    assert_null(tr_arange(0, 1. / 0., 1));
    assert_error_says("in steps of 1 makes no sequence");
}

TEST(integers_are_counted_with_every_digit)
{
    const int64_t large = INT64_C(1) << 60;
    assert_counts(tr_arange(large, large + 10, 3), 4, large, large + 9);
    assert_counts(tr_arange(large + 1, large - 9, -2), 5, large + 1, large - 7);
    assert_counts(tr_arange(INT64_MIN, INT64_MIN + 3, 1), 3, INT64_MIN, INT64_MIN + 2);
    assert_counts(tr_arange(INT64_MIN, INT64_MAX, INT64_MAX), 3, INT64_MIN, INT64_MAX - 1);
    assert_counts(tr_arange(INT64_MAX, INT64_MIN, INT64_MIN), 2, INT64_MAX, -1);
    assert_counts(tr_arange(0, 5000, 1), 5000, 0, 4999);
    assert_int_equal(tr_numel(tr_arange(5, 5, 1)), 0);
    assert_int_equal(tr_numel(tr_arange(5, 5, -1)), 0);
    assert_null(tr_arange(0, 5, 0));
    assert_error_says("in steps of 0 makes no sequence");
    assert_null(tr_arange(INT64_MIN, INT64_MAX, 1));
    assert_error_says("is too long");
    assert_null(tr_arange(0, INT64_MAX, 1));
    assert_error_says("more elements than memory can hold");
    assert_null(tr_arange(0, UINT64_MAX, 1));
    assert_error_says("tr_arange: 18446744073709551615 is more than int64 holds");
    assert_null(tr_arange(0, 2 * I, 1));
    assert_error_says("tr_arange: a complex number does not become float64");
}

TEST(a_complex_number_fills_complex_tensors_alone)
{
    assert_prints(tr_fill_(tr_zeros(TR_SHAPE(2), .dtype = TR_COMPLEX64), 1 - I), "tensor([1.-1.j, 1.-1.j])");
    assert_prints(tr_full_like(tr_zeros(TR_SHAPE(1), .dtype = TR_COMPLEX64), 2 * I), "tensor([0.+2.j])");
    assert_null(tr_fill_(tr_zeros(TR_SHAPE(2)), I));
    assert_error_says("tr_fill_: a complex number does not become float32");
    assert_null(tr_full_like(tr_zeros(TR_SHAPE(2)), I));
    assert_error_says("tr_full_like: a complex number does not become float32");
}
