// CTEST DIST RANKS 1 2 3 4 8
/* Data parallel over parameters that this rank, or no rank, uses, that are frozen, or whose wrapper is gone. */
#include "test.h"

#include <stdio.h>
#include <trireme/dist.h>

BEFORE_ALL { return tr_dist_init(argc, argv) < 0; }
AFTER_ALL { return tr_dist_finish(); }

typedef struct {
    tr_tensor *a, *b, *c;
    bool uses_a, uses_b;
} branches;

static tr_tensor *take_branches(tr_module *m, tr_tensor *x)
{
    branches *self = tr_module_self(m);
    tr_tensor *y = tr_mul(x, 1);
    if (self->uses_a) y = tr_mul(y, self->a);
    if (self->uses_b) y = tr_mul(y, self->b);
    return y;
}

static tr_module *branching(bool uses_a, bool uses_b)
{
    tr_module *m = tr_module_new("Branching", take_branches, sizeof(branches));
    branches *self = tr_module_self(m);
    *self = (branches){.uses_a = uses_a, .uses_b = uses_b};
    self->a = tr_module_parameter(m, "a", tr_full(TR_SHAPE(1), 2, .dtype = TR_FLOAT64));
    self->b = tr_module_parameter(m, "b", tr_full(TR_SHAPE(1), 3, .dtype = TR_FLOAT64));
    self->c = tr_module_parameter(m, "c", tr_full(TR_SHAPE(1), 5, .dtype = TR_FLOAT64));
    return m;
}

TEST(a_parameter_unused_here_gets_the_gradient_of_there)
{
    tr_module *m = branching(true, tr_dist_rank() == 0);
    branches *self = tr_module_self(m);
    tr_module *ranks = tr_data_parallel(m);
    double world = (double)tr_dist_world();
    for (int step = 1; step <= 2; step++) {
        assert_int_equal(tr_backward(tr_mean(tr_forward(ranks, tr_ones(TR_SHAPE(2, 1), .dtype = TR_FLOAT64)))), 0);
        assert_item(tr_grad(self->a), step * (3 + (world - 1)) / world, 1e-12);
        assert_item(tr_grad(self->b), step * 2 / world, 1e-12);
    }
}

static void assert_left_alone(int64_t bucket_bytes)
{
    tr_module *m = branching(true, false);
    branches *self = tr_module_self(m);
    tr_module *ranks = tr_data_parallel(m, .bucket_bytes = bucket_bytes, .first_bucket_bytes = bucket_bytes);
    tr_set_grad(self->c, tr_full(TR_SHAPE(1), 0.1, .dtype = TR_FLOAT64));
    assert_int_equal(tr_backward(tr_mean(tr_forward(ranks, tr_ones(TR_SHAPE(3, 1), .dtype = TR_FLOAT64)))), 0);
    assert_null(tr_grad(self->b));
    assert_item(tr_grad(self->c), 0.1, 0);
    if (tr_dist_world() > 1) assert_non_null(strstr(tr_data_parallel_report_of(ranks).words, "; not used by any rank: b, c"));
}

TEST(a_parameter_that_nobody_uses_is_left_alone)
{
    assert_left_alone(1);    /* in a bucket of its own */
    assert_left_alone(1000); /* together with one that is used */
}

TEST(an_output_past_all_parameters_still_meets_the_others)
{
    tr_module *m = branching(tr_dist_rank() == 0, false);
    branches *self = tr_module_self(m);
    tr_module *ranks = tr_data_parallel(m);
    for (int step = 1; step <= 2; step++) {
        tr_tensor *x = tr_ones(TR_SHAPE(2, 1), .dtype = TR_FLOAT64, .requires_grad = step == 2);
        assert_int_equal(tr_backward(tr_mean(tr_forward(ranks, x))), 0);
        assert_item(tr_grad(self->a), step / (double)tr_dist_world(), 1e-12);
    }
}

typedef struct {
    tr_tensor *p[61];
} many;

static tr_tensor *take_many(tr_module *m, tr_tensor *x)
{
    many *self = tr_module_self(m);
    tr_tensor *y = tr_mul(x, self->p[60]);
    for (int i = 0; i < 60 && tr_dist_rank() > 0; i += 2) y = tr_mul(y, self->p[i]);
    return y;
}

static void assert_ends_with(const char *text, const char *end)
{
    assert_true(strlen(text) >= strlen(end));
    assert_string_equal(text + strlen(text) - strlen(end), end);
}

TEST(a_report_that_is_full_says_how_many_names_it_leaves_out)
{
    if (tr_dist_world() == 1) skip_because("one rank reports nothing");
    char name[40];
    tr_module *m = tr_module_new("Many", take_many, sizeof(many));
    many *self = tr_module_self(m);
    for (int i = 0; i <= 60; i++) {
        snprintf(name, sizeof name, "one_that_has_a_long_name_%d", i);
        self->p[i] = tr_module_parameter(m, name, tr_ones(TR_SHAPE(1)));
    }
    tr_module *ranks = tr_data_parallel(m);
    assert_int_equal(tr_backward(tr_mean(tr_forward(ranks, tr_ones(TR_SHAPE(2, 1))))), 0);
    tr_data_parallel_report r = tr_data_parallel_report_of(ranks);
    const char *here = strstr(r.words, "; not used by this rank: one_that_has_a_long_name_0, "), *any = strstr(r.words, "; not used by any rank: one_that_has_a_long_name_1, ");
    assert_non_null(any);
    assert_ends_with(r.words, " more");
    assert_true(tr_dist_rank() == 0 ? here && here < any && strncmp(any - 5, " more", 5) == 0 : !here);
}

TEST(a_frozen_parameter_is_not_averaged)
{
    tr_module *m = branching(true, true);
    branches *self = tr_module_self(m);
    tr_requires_grad_(self->b, false);
    tr_module *ranks = tr_data_parallel(m);
    assert_int_equal(tr_backward(tr_mean(tr_forward(ranks, tr_ones(TR_SHAPE(2, 1), .dtype = TR_FLOAT64)))), 0);
    assert_item(tr_grad(self->a), 3, 1e-12);
    assert_null(tr_grad(self->b));
}

TEST(a_dropped_wrapper_leaves_the_gradients_alone)
{
    tr_module *m = branching(true, true);
    branches *self = tr_module_self(m);
    {
        TR_SCOPE;
        assert_non_null(tr_data_parallel(m));
    }
    tr_tensor *mine = tr_full(TR_SHAPE(2, 1), 1 + (double)tr_dist_rank(), .dtype = TR_FLOAT64);
    assert_int_equal(tr_backward(tr_mean(tr_forward(m, mine))), 0);
    assert_item(tr_grad(self->a), 3 * (1 + (double)tr_dist_rank()), 1e-12);
}
