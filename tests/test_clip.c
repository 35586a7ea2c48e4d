/* Gradients clipped by their common norm. */
#include <math.h>
#include <trireme/record.h>
#include "core/memory.h"
#include "kernels.h"
#include "optimisers.h"

static tr_tensor *with_grad(tr_tensor *gradient)
{
    tr_tensor *t = leaf((tr_zeros)(tr_shape_of_tensor(gradient), (tr_tensor_options){.dtype = tr_dtype_of(gradient)}));
    assert_int_equal(tr_set_grad(t, gradient), 0);
    return t;
}

TEST(clipping_scales_as_torch_does)
{
    tr_tensor *a = with_grad(row(3, 4)), *b = with_grad(row(12));
    assert_true(tr_clip_grad_norm(TR_TENSORS(a, b), 1) == 13);
    assert_close(tr_grad(a), row(0.23076922, 0.30769229), 3e-8);
    assert_close(tr_grad(b), row(0.92307687), 6e-8);
}

TEST(what_is_short_enough_stays_as_it_is)
{
    tr_tensor *a = with_grad(row(3, 4)), *b = leaf(row(1));
    assert_true(tr_clip_grad_norm(TR_TENSORS(a, b), 6) == 5);
    assert_true(tr_clip_grad_norm(TR_TENSORS(a, b), INFINITY) == 5);
    assert_close(tr_grad(a), row(3, 4), 0);
    assert_null(tr_grad(b));
    tr_clip_grad_norm(TR_TENSORS(a), 5); /* at the edge 1e-6 counts, as in PyTorch */
    assert_close(tr_grad(a), row(3 / 1.0000002, 4 / 1.0000002), 5e-7);
}

TEST(the_norm_may_be_a_tensor)
{
    for (double max_norm = 1; max_norm < 40; max_norm += 19) {
        tr_tensor *a = with_grad(row(3, 4)), *b = with_grad(row64(12)), *c = with_grad(row(3, 4)), *d = with_grad(row64(12));
        tr_tensor *norm = tr_clip_grad_norm_(TR_TENSORS(a, b), max_norm);
        assert_dtype(norm, TR_FLOAT64);
        assert_shape(norm);
        assert_item(norm, tr_clip_grad_norm(TR_TENSORS(c, d), max_norm), 0);
        assert_close(tr_grad(a), tr_grad(c), 0);
        assert_close(tr_grad(b), tr_grad(d), 0);
    }
    assert_item(tr_clip_grad_norm_(((tr_tensors){NULL, 0}), 1), 0, 0);
    tr_tensor *a = with_grad(row(NAN, 1));
    assert_null(tr_clip_grad_norm_(TR_TENSORS(a), 1, .error_if_nonfinite = true));
    assert_error_says("tr_clip_grad_norm_: the total norm is nan");
    assert_true(isnan((tr_item)(tr_clip_grad_norm_(TR_TENSORS(a), 1))));
    assert_true(isnan(tr_get(tr_grad(a), 1)));
    assert_null(tr_clip_grad_norm_(TR_TENSORS(a), -1));
    assert_error_says("tr_clip_grad_norm_: max_norm -1");
}

TEST(nothing_to_clip_has_norm_0)
{
    tr_tensor *a = leaf(row(1)), *none = with_grad(tr_zeros(TR_SHAPE(0)));
    assert_true(tr_clip_grad_norm(TR_TENSORS(a), 1) == 0);
    assert_true(tr_clip_grad_norm(TR_TENSORS(none), 1) == 0);
    assert_true(tr_clip_grad_norm(((tr_tensors){NULL, 0}), 1) == 0);
    tr_tensor *zero = with_grad(row(0, 0));
    assert_true(tr_clip_grad_norm(TR_TENSORS(zero), 0) == 0);
    assert_close(tr_grad(zero), row(0, 0), 0);
}

TEST(types_and_layouts_may_be_mixed)
{
    tr_tensor *a = with_grad(row(3)), *b = with_grad(row64(4)), *c = with_grad(tr_t(tr_ones(TR_SHAPE(3, 4)))), *d = with_grad(tr_expand(row64(6), TR_SHAPE(3)));
    assert_true(fabs(tr_clip_grad_norm(TR_TENSORS(a, b, c, d), 1) - sqrt(9 + 16 + 12 + 108)) < 1e-14);
    double factor = 1 / (sqrt(145) + 1e-6);
    assert_item(tr_grad(a), 3 * factor, 1e-7);
    assert_item(tr_grad(b), 4 * factor, 1e-15);
    assert_close(tr_grad(c), tr_full(TR_SHAPE(4, 3), factor), 1e-7);
    assert_close(tr_grad(d), row64(6 * factor, 6 * factor, 6 * factor), 1e-15);
}

TEST(large_numbers_do_not_overflow_single_precision)
{
    tr_tensor *a = with_grad(row(3e30, 4e30));
    assert_true(fabs(tr_clip_grad_norm(TR_TENSORS(a), 10) / 5e30 - 1) < 1e-6);
    assert_close(tr_grad(a), row(6, 8), 1e-5);
}

TEST(a_norm_that_is_no_number_goes_into_every_gradient_or_is_an_error)
{
    tr_tensor *a = with_grad(row(NAN)), *b = with_grad(row(2));
    assert_true(isnan(tr_clip_grad_norm(TR_TENSORS(a, b), 1, .error_if_nonfinite = true)));
    assert_error_says("tr_clip_grad_norm: the total norm is nan");
    assert_item(tr_grad(b), 2, 0);
    assert_true(isnan(tr_clip_grad_norm(TR_TENSORS(a, b), 1)));
    assert_true(isnan(tr_get(tr_grad(b), 0)));
    tr_tensor *c = with_grad(row(INFINITY, 1));
    assert_true(isinf(tr_clip_grad_norm(TR_TENSORS(c), INFINITY)));
    assert_true(tr_get(tr_grad(c), 1) == 1);
    assert_true(isinf(tr_clip_grad_norm(TR_TENSORS(c), 1)));
    assert_true(isnan(tr_get(tr_grad(c), 0)) && tr_get(tr_grad(c), 1) == 0);
}

TEST(bad_arguments_are_refused)
{
    tr_tensor *a = with_grad(row(2)), *h = with_grad(tr_ones(TR_SHAPE(1), .dtype = TR_FLOAT16));
    assert_true(isnan(tr_clip_grad_norm(TR_TENSORS(a), -1)));
    assert_error_says("tr_clip_grad_norm: max_norm -1");
    assert_true(isnan(tr_clip_grad_norm(TR_TENSORS(a), NAN)));
    assert_error_says("max_norm nan");
    assert_true(isnan(tr_clip_grad_norm(TR_TENSORS(a, NULL), 1)));
    assert_error_says("tr_clip_grad_norm: an argument is NULL");
    assert_true(isnan(tr_clip_grad_norm(TR_TENSORS(a, h), 1)));
    assert_error_says("float16");
    tr_fail("lost");
    assert_true(isnan(tr_clip_grad_norm(TR_TENSORS(a), 1)));
    assert_error_says("lost");
    assert_item(tr_grad(a), 2, 0);
}

TEST(backward_notices_that_clipping_has_changed_what_it_saved)
{
    tr_tensor *a = with_grad(row(2)), *x = leaf(row(3));
    tr_tensor *loss = tr_mul(tr_grad(a), x);
    tr_clip_grad_norm(TR_TENSORS(a), 1);
    assert_int_equal(tr_backward(loss), -1);
    assert_error_says("changed in place");
}

/* ---- recorded ---- */

typedef struct {
    tr_tensor *a, *b, *x; /* float32 and float64: two lists for the kernels */
    tr_optim *sgd;
} clipped;

static clipped clipped_new(void)
{
    clipped c = {.a = leaf(row(1, -2)), .b = leaf(row64(0.5)), .x = tr_full(TR_SHAPE(), 1.0)};
    c.sgd = tr_sgd(TR_TENSORS(c.a, c.b), .lr = 0.125);
    return c;
}

static double clipped_step(clipped *c, bool error_if_nonfinite)
{
    TR_SCOPE;
    tr_tensor *loss = tr_add(tr_sum(tr_mul(c->x, tr_mul(c->a, c->a))), tr_sum(tr_mul(c->b, tr_to(c->x, TR_FLOAT64))));
    tr_zero_grad(c->sgd);
    if (tr_backward(loss) < 0) return NAN;
    double norm = tr_clip_grad_norm(TR_TENSORS(c->a, c->b), 2, .error_if_nonfinite = error_if_nonfinite);
    if (tr_step(c->sgd) < 0) return NAN;
    tr_zero_grad(c->sgd); /* so that the gradients' memory is the recording's to lay out */
    return norm;
}

static void set_x(clipped *c, double x) { tr_fill_(c->x, x); }

/* Gradients too long and short enough in turn, as when the step was recorded and not. */
TEST(a_recorded_step_clips_by_the_norm_of_each_replay)
{
    for (int first = 0; first < 2; first++) {
        TR_SCOPE;
        clipped run = clipped_new(), replayed = clipped_new();
        tr_recording *recording;
        bool was_long = false, was_short = false;
        set_x(&run, first ? 3 : 0.01), set_x(&replayed, first ? 3 : 0.01);
        assert_int_equal(tr_record(&recording), 0);
        double norm = clipped_step(&replayed, false);
        assert_int_equal(tr_record_end(), 0);
        assert_true(norm == clipped_step(&run, false));
        assert_true((norm > 2) == first);
        for (int i = 0; i < 12; i++) {
            const double x = i % 3 == 0 ? 0.02 : i % 3 == 1 ? 5
                                                            : 1;
            set_x(&run, x), set_x(&replayed, x);
            assert_int_equal(tr_replay(recording), 0);
            norm = clipped_step(&run, false);
            was_long |= norm > 2, was_short |= norm < 2;
            assert_bits(tr_data(replayed.a), tr_data(run.a), 2 * sizeof(float));
            assert_bits(tr_data(replayed.b), tr_data(run.b), sizeof(double));
        }
        assert_true(was_long && was_short);
    }
}

TEST(a_norm_that_is_a_tensor_is_each_replays)
{
    tr_tensor *a = leaf(row(3, 4)), *x = tr_full(TR_SHAPE(), 1.0), *norm;
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    assert_int_equal(tr_backward(tr_sum(tr_mul(x, tr_mul(a, a)))), 0);
    norm = tr_clip_grad_norm_(TR_TENSORS(a), 5);
    tr_tensor *after = tr_clone(tr_grad(a));
    assert_int_equal(tr_set_grad(a, NULL), 0);
    assert_int_equal(tr_record_end(), 0);
    assert_item(norm, 10, 0);
    assert_close(after, row(3, 4), 1e-6);
    tr_fill_(x, 0.25);
    assert_int_equal(tr_replay(recording), 0);
    assert_item(norm, 2.5, 0);
    assert_close(after, row(1.5, 2), 0);
}

TEST(a_replay_whose_norm_is_no_number_is_an_error_where_that_was_asked_for)
{
    clipped c = clipped_new();
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    clipped_step(&c, true);
    assert_int_equal(tr_record_end(), 0);
    set_x(&c, INFINITY);
    assert_int_equal(tr_replay(recording), -1);
    assert_error_says("tr_clip_grad_norm: the total norm is inf");
    assert_true(isfinite(tr_get(c.a, 0)) && isfinite(tr_item(c.b)));
}

TEST(a_norm_that_is_only_measured_must_be_a_number_in_every_replay_too)
{
    tr_tensor *a = leaf(row(3, 4)), *gradient = row(3, 4);
    tr_recording *recording;
    assert_int_equal(tr_set_grad(a, gradient), 0);
    assert_int_equal(tr_record(&recording), 0);
    assert_true(tr_clip_grad_norm(TR_TENSORS(a), INFINITY, .error_if_nonfinite = true) == 5);
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(tr_replay(recording), 0);
    assert_close(gradient, row(3, 4), 0);
    tr_fill_(gradient, NAN);
    assert_int_equal(tr_replay(recording), -1);
    assert_error_says("tr_clip_grad_norm: the total norm is nan");
}

/* ---- the kernels, and memory ---- */

enum { N = 70 * 16384 + 5 };

TEST(the_sum_of_squares_has_the_same_bits_on_every_level_and_stays_exact)
{
    float *x = calloc(N, sizeof *x);
    double want = 0, sum[MOST_LEVELS];
    assert_non_null(x);
    for (int64_t i = 0; i < N; i++) {
        x[i] = (float)next_number();
        want += (double)x[i] * (double)x[i];
    }
    kernel_optim_item list[] = {{.parameter = x, .n = N}, {.parameter = x}, {.parameter = x, .n = 31}, {.parameter = x + 3, .n = 40000}};
    for (int64_t i = 0; i < 40031; i++) want += i < 31 ? (double)x[i] * (double)x[i] : (double)x[i - 28] * (double)x[i - 28];
    for (int l = 0; l < levels(); l++) {
        kernel_call call = {.kernel = KERNEL_LIST_SQUARES, .type = TR_FLOAT32, .n = 4, .at = {list, &sum[l]}};
        run_on(l, &call);
        assert_near(sum[l], want, 1e-12 * want);
        assert_bits(&sum[l], sum, sizeof *sum);
    }
    for (int l = 0; l < levels(); l++) {
        kernel_call call = {.kernel = KERNEL_LIST_SCALE, .type = TR_FLOAT32, .n = 1, .at = {list}, .number = {l % 2 ? 0.5 : 2}};
        float before = x[N - 1];
        run_on(l, &call);
        assert_true(x[N - 1] == before * (l % 2 ? 0.5f : 2));
    }
    free(x);
}

TEST(clipping_asks_the_system_for_nothing_the_second_time)
{
    tr_tensor *a = with_grad(row(3, 4)), *b = with_grad(row64(12));
    tr_clip_grad_norm(TR_TENSORS(a, b), 1);
    int64_t before = tr_memory(tr_cpu()).system_requests;
    for (int i = 0; i < 10; i++) tr_clip_grad_norm(TR_TENSORS(a, b), 0.5);
    assert_int_equal(tr_memory(tr_cpu()).system_requests, before);
}

TEST(clipping_without_memory_scales_nothing)
{
    bool whole = false;
    for (int64_t n = 1; !whole; n++) {
        TR_SCOPE;
        tr_tensor *a = with_grad(row(3, 4)), *b = with_grad(tr_t(tr_full(TR_SHAPE(1, 1), 12.0)));
        tr_empty_cache();
        core_system_fail_from(n);
        double norm = tr_clip_grad_norm(TR_TENSORS(a, b), 1);
        whole = !core_system_failed();
        core_system_fail_at(0);
        if (norm == 13) continue; /* what could not be had was not needed */
        assert_error_says("out of memory");
        assert_true(isnan(norm));
        assert_close(tr_grad(a), row(3, 4), 0);
        assert_item(tr_grad(b), 12, 0);
    }
}
