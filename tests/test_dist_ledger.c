// CTEST DIST RANKS 1 2 3
/* The ledger of a program that has a reducer and no optimiser: what a step is there. */
#include "test.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/dist.h>
#include <trireme/trace.h>
#include <trireme/trireme.h>
#include <unistd.h>

BEFORE_ALL
{
    setenv("TRIREME_LEDGER", "3", 1);
    return tr_dist_init(argc, argv) < 0;
}
AFTER_ALL { return tr_dist_finish(); }

static double numbers[2][100];

static tr_reducer *reducer_of(double *data)
{
    tr_buffer buffer = {data, 100, TR_FLOAT64};
    tr_reducer *r = tr_reducer_new(&buffer, 1);
    assert_non_null(r);
    return r;
}

static void average(tr_reducer *r)
{
    assert_int_equal(tr_reducer_begin(r, 1), 0);
    assert_int_equal(tr_reducer_ready(r, 0), 0);
    assert_int_equal(tr_reducer_wait(r), 0);
}

/* What is written to stderr from one to the other, of this rank alone. */
static int err;

static int begin_reading(void)
{
    char name[32];
    snprintf(name, sizeof name, "lines.%d", (int)tr_dist_rank());
    int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0666);
    err = dup(2);
    assert_true(file >= 0 && err >= 0 && dup2(file, 2) == 2);
    return file;
}

enum { TEXT = 2000 };

static void end_reading(int file, char text[TEXT])
{
    dup2(err, 2);
    close(err);
    memset(text, 0, TEXT);
    assert_true(pread(file, text, TEXT - 1, 0) >= 0);
    close(file);
}

TEST(a_step_reaches_from_one_begin_to_the_next_and_is_told)
{
    char text[TEXT];
    int file = begin_reading();
    tr_reducer *r = reducer_of(numbers[0]);
    for (int i = 0; i < 7; i++) {
        average(r);
        assert_int_equal(tr_ledger_read().steps, i);
    }
    tr_reducer_free(r);
    end_reading(file, text);
    tr_ledger l = tr_ledger_read();
    assert_int_equal(l.steps, 7);
    const tr_ledger_times *t = &l.total;
    assert_true(fabs(t->compute + t->communication + t->data + t->optimiser + t->other - t->wall) <= 1e-9);
    assert_true(t->other > 0 && (t->communication > 0 || tr_dist_world() == 1));
    if (tr_dist_rank() > 0) return;
    assert_true(strstr(text, "trireme: ms a step") && strstr(text, "\n        1-3 ") && strstr(text, "\n        4-6 "));
}

TEST(two_reducers_of_a_step_count_it_once)
{
    tr_reducer *a = reducer_of(numbers[0]), *b = reducer_of(numbers[1]);
    int64_t before = tr_ledger_read().steps;
    for (int i = 0; i < 5; i++) {
        average(a);
        average(b);
    }
    tr_reducer_free(a);
    tr_reducer_free(b);
    assert_int_equal(tr_ledger_read().steps - before, 5);
}

TEST(where_an_optimiser_steps_nothing_is_counted_twice)
{
    tr_tensor *w = tr_ones(TR_SHAPE(3), .requires_grad = true);
    tr_optim *o = tr_sgd(TR_TENSORS(w), .lr = 0.1);
    tr_reducer *r = reducer_of(numbers[0]);
    int64_t before = tr_ledger_read().steps;
    for (int i = 0; i < 4; i++) {
        average(r);
        assert_int_equal(tr_backward(tr_sum(w)), 0);
        assert_int_equal(tr_step(o), 0);
        tr_zero_grad(o);
        average(r);
    }
    tr_reducer_free(r);
    assert_int_equal(tr_ledger_read().steps - before, 4);
}

typedef struct {
    tr_module *on_0, *elsewhere, *spare;
} branches;

static tr_tensor *take_a_branch(tr_module *m, tr_tensor *x)
{
    branches *b = tr_module_self(m);
    return tr_forward(tr_dist_rank() == 0 ? b->on_0 : b->elsewhere, x);
}

static tr_module *branching(void)
{
    tr_module *m = tr_module_new("Branches", take_a_branch, sizeof(branches));
    branches *b = tr_module_self(m);
    b->on_0 = tr_module_child(m, "on_0", tr_linear_layer(3, 2));
    b->elsewhere = tr_module_child(m, "elsewhere", tr_linear_layer(3, 2, .bias_off = true));
    b->spare = tr_module_child(m, "spare", tr_linear_layer(3, 2, .bias_off = true));
    return m;
}

static int times_in(const char *text, const char *words)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, words)); at++) n++;
    return n;
}

TEST(parameters_that_backward_does_not_reach_are_named_once)
{
    char text[TEXT], words[100];
    bool first = tr_dist_rank() == 0;
    tr_module *ranks = tr_data_parallel(branching());
    int file = begin_reading();
    for (int i = 0; i < 5; i++) tr_backward(tr_sum(tr_forward(ranks, tr_ones(TR_SHAPE(4, 3)))));
    end_reading(file, text);
    assert_int_equal(times_in(text, "not reached by backward on "), tr_dist_world() == 1 ? 0 : first ? 2
                                                                                                     : 1);
    if (tr_dist_world() == 1) return;
    snprintf(words, sizeof words, "trireme: not reached by backward on rank %d of %d: %s\n", (int)tr_dist_rank(), (int)tr_dist_world(), first ? "elsewhere.weight" : "on_0.weight, on_0.bias");
    assert_int_equal(times_in(text, words), 1);
    assert_int_equal(times_in(text, "trireme: not reached by backward on any rank: spare.weight\n"), first);
}
