/* What holds for every optimiser: its own tensors, its memory, and what a failure leaves. */
#include <math.h>
#include "core/memory.h"
#include "io_files.h"
#include "mlp.h"
#include "optimisers.h"
#include <trireme/checkpoint.h>

#define EACH(o) (const optimiser *o = optimisers; o < optimisers + OPTIMISERS; o++)

TEST(its_tensors_are_made_at_a_parameters_first_step)
{
    for
        EACH(k)
        {
            TR_SCOPE;
            tr_tensor *a = leaf(row(1, 2)), *b = leaf(row64(3));
            tr_optim *o = k->make(TR_TENSORS(a, b));
            assert_false(tr_optim_state(o, 0, NULL, NULL));
            assert_int_equal(tr_set_grad(a, row(1, 1)), 0);
            assert_int_equal(tr_step(o), 0);
            assert_true(tr_get(a, 0) != 1);
            assert_item(b, 3, 0); /* no gradient, no step */
            const char *name;
            tr_tensor *t;
            int64_t n = 0;
            for (; tr_optim_state(o, n, &name, &t); n++) {
                assert_string_equal(strrchr(name, '.'), ".0");
                if (strcmp(name, "step.0") == 0) {
                    assert_dtype(t, TR_INT64);
                    assert_item(t, 1, 0);
                } else {
                    assert_shape(t, 2);
                }
            }
            assert_int_equal(n, k->states);
            assert_int_equal(tr_set_grad(b, row64(1)), 0);
            assert_int_equal(tr_step(o), 0);
            for (n = 0; tr_optim_state(o, n, &name, &t); n++)
                if (strcmp(name, "step.1") == 0) assert_item(t, 1, 0); /* each parameter counts its own */
            assert_int_equal(n, 2 * k->states);
        }
}

/* The same numbers, however many parameters there are, of which type, and when they begin. */
TEST(another_like_it_takes_the_same_steps_elsewhere)
{
    for
        EACH(k)
        {
            TR_SCOPE;
            tr_tensor *a = leaf(row(1, 2)), *b = leaf(row(1, 2));
            tr_optim *o = k->make(TR_TENSORS(a));
            assert_int_equal(tr_set_learning_rate(o, 0.125), 0);
            for (int i = 0; i < 2; i++) { /* an optimiser that has stepped hands on no state */
                tr_optim *other = tr_optim_like(o, TR_TENSORS(b));
                assert_true(tr_learning_rate(other) == 0.125);
                assert_false(tr_optim_state(other, 0, NULL, NULL));
                for (int64_t s = 0; tr_optim_state_kind(o, s); s++) assert_string_equal(tr_optim_state_kind(other, s), tr_optim_state_kind(o, s));
                assert_int_equal(tr_set_grad(a, row(1, 3)), 0);
                assert_int_equal(tr_set_grad(b, row(1, 3)), 0);
                if (i == 0) assert_int_equal(tr_step(o), 0);
                if (i == 0) assert_int_equal(tr_step(other), 0);
            }
            assert_close(b, a, 0);
        }
}

TEST(parameters_do_not_touch_each_other)
{
    for
        EACH(k)
        {
            TR_SCOPE;
            tr_tensor *a = leaf(row(1, 2)), *b = leaf(row64(1, 2)), *c = leaf(row(1, 2)), *alone = leaf(row(1, 2)), *none = leaf(tr_zeros(TR_SHAPE(0)));
            tr_optim *o = k->make(TR_TENSORS(a, b, none, c)), *lone = k->make(TR_TENSORS(alone));
            assert_int_equal(tr_set_grad(none, tr_zeros(TR_SHAPE(0))), 0);
            for (int i = 0; i < 4; i++) {
                assert_int_equal(tr_set_grad(a, row(1, i)), 0);
                assert_int_equal(tr_set_grad(b, row64(i, 1)), 0);
                if (i >= 2) {
                    assert_int_equal(tr_set_grad(c, row(3, i)), 0);
                    assert_int_equal(tr_set_grad(alone, row(3, i)), 0);
                }
                assert_int_equal(tr_step(o), 0);
                assert_int_equal(tr_step(lone), 0);
            }
            assert_close(c, alone, 0);
        }
}

/* ---- going on from a checkpoint ---- */

static double train_step(tr_module *m, tr_optim *o) { return train(m, o, inputs(20), classes(20)); }

TEST(training_goes_on_from_a_checkpoint_bit_for_bit)
{
    for
        EACH(k)
        {
            TR_SCOPE;
            tr_module *m = mlp(), *other = mlp();
            tr_optim *o = k->make(tr_parameters(m)), *its = k->make(tr_parameters(other));
            for (int i = 0; i < 3; i++) train_step(m, o);
            assert_int_equal(tr_checkpoint_save("optim.safetensors", m, o, 3), 0);
            for (int i = 0; i < 7; i++) train_step(other, its); /* of which nothing may be left */
            assert_int_equal(tr_checkpoint_load("optim.safetensors", other, its, NULL), 0);
            for (int i = 0; i < 4; i++) assert_true(train_step(m, o) == train_step(other, its));
            assert_true(same_parameters(m, other));
        }
}

TEST(a_checkpoint_of_another_optimiser_is_refused)
{
    tr_module *m = mlp();
    tr_optim *o = adam(tr_parameters(m));
    train_step(m, o);
    assert_int_equal(tr_checkpoint_save("other.safetensors", m, o, 1), 0);
    assert_int_equal(tr_checkpoint_load("other.safetensors", m, rmsprop(tr_parameters(m)), NULL), -1);
    assert_error_says("RMSprop, made with these options over 4 parameters, has no \"exp_avg.0\"");
}

TEST(a_step_that_is_none_is_refused)
{
    tr_module *m = tr_linear_layer(1, 1, .bias_off = true);
    tr_optim *o = adam(tr_parameters(m));
    const struct {
        tr_tensor *t;
        const char *says;
    } bad[] = {
        {tr_full(TR_SHAPE(), -1, .dtype = TR_INT64), "\"step.0\" is -1, which is no number of steps"},
        {tr_full(TR_SHAPE(), 3.0), "\"step.0\" is () float32, wanted () int64"},
        {tr_zeros(TR_SHAPE(1), .dtype = TR_INT64), "\"step.0\" is (1,) int64, wanted () int64"},
        {tr_full(TR_SHAPE(), 9e18, .dtype = TR_INT64), "\"step.0\" is 9000000000000000000, which is no number"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(tr_optim_set_state(o, "step.0", bad[i].t), -1);
        assert_error_says(bad[i].says);
        const char *const names[] = {"weight", "optimizer.step.0"};
        assert_int_equal(tr_safetensors_save("step.safetensors", names, TR_TENSORS(tr_ones(TR_SHAPE(1, 1)), bad[i].t), NULL, 0), 0);
        assert_int_equal(tr_checkpoint_load("step.safetensors", m, o, NULL), -1);
        assert_error_says("step.0\" is");
    }
    assert_false(tr_optim_state(o, 0, NULL, NULL));
}

TEST(state_that_lies_otherwise_is_copied)
{
    tr_tensor *x = leaf(tr_zeros(TR_SHAPE(2, 2))), *turned = tr_t(tr_reshape(row(1, 2, 3, 4), TR_SHAPE(2, 2))), *t;
    tr_optim *o = tr_sgd(TR_TENSORS(x), .momentum = 0.9);
    assert_int_equal(tr_optim_set_state(o, "momentum.0", turned), 0);
    assert_true(tr_optim_state(o, 0, NULL, &t));
    assert_close(t, turned, 0);
    assert_true(tr_is_contiguous(t));
}

/* ---- memory ---- */

TEST(after_two_steps_nothing_is_asked_of_the_system)
{
    for
        EACH(k)
        {
            TR_SCOPE;
            tr_tensor *x = inputs(20), *y = classes(20);
            tr_module *m = mlp();
            tr_optim *o = k->make(tr_parameters(m));
            for (int i = 0; i < 2; i++) train(m, o, x, y);
            tr_memory_stats before = tr_memory(tr_cpu());
            for (int i = 0; i < 50; i++) train(m, o, x, y);
            tr_memory_stats after = tr_memory(tr_cpu());
            assert_int_equal(after.system_requests, before.system_requests);
            assert_int_equal(after.allocated_bytes, before.allocated_bytes);
        }
}

/* Whichever request for memory is refused, nothing has happened, and the next step is the first one. */
TEST(a_step_without_memory_changes_nothing)
{
    for
        EACH(k)
        {
            TR_SCOPE;
            tr_tensor *want = leaf(tr_ones(TR_SHAPE(100)));
            assert_int_equal(tr_set_grad(want, tr_full(TR_SHAPE(100), 2.0)), 0);
            assert_int_equal(tr_step(k->make(TR_TENSORS(want))), 0);
            bool whole = false;
            for (int64_t n = 1; !whole; n++) {
                TR_SCOPE;
                tr_tensor *a = leaf(tr_ones(TR_SHAPE(100))), *b = leaf(tr_ones(TR_SHAPE(20, 5)));
                assert_int_equal(tr_set_grad(a, tr_full(TR_SHAPE(100), 2.0)), 0);
                assert_int_equal(tr_set_grad(b, tr_t(tr_full(TR_SHAPE(5, 20), 2.0))), 0);
                tr_optim *o = k->make(TR_TENSORS(a, b));
                tr_empty_cache();
                core_system_fail_from(n);
                int status = tr_step(o);
                whole = !core_system_failed();
                core_system_fail_at(0);
                assert_int_equal(status, whole ? 0 : -1);
                if (!whole) {
                    assert_error_says("out of memory");
                    assert_false(tr_optim_state(o, 0, NULL, NULL));
                    assert_close(a, tr_ones(TR_SHAPE(100)), 0);
                    assert_close(b, tr_ones(TR_SHAPE(20, 5)), 0);
                    assert_int_equal(tr_step(o), 0);
                }
                assert_close(a, want, 0);
                assert_close(tr_reshape(b, TR_SHAPE(100)), want, 0);
            }
        }
}

TEST(an_optimiser_without_memory_is_an_error)
{
    tr_tensor *x = leaf(row(1));
    for
        EACH(k)
        {
            bool whole = false;
            for (int64_t n = 1; !whole; n++) {
                TR_SCOPE;
                core_system_fail_at(n);
                tr_optim *o = k->make(TR_TENSORS(x));
                whole = o != NULL;
                core_system_fail_at(0);
                if (!whole) assert_error_says("out of memory");
            }
        }
}
