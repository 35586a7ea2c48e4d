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

TEST(a_step_reaches_from_one_begin_to_the_next_and_is_told)
{
    int err = dup(2), file = open(tr_dist_rank() == 0 ? "lines" : "/dev/null", O_RDWR | O_CREAT | O_TRUNC, 0666);
    assert_true(file >= 0 && dup2(file, 2) == 2);
    tr_reducer *r = reducer_of(numbers[0]);
    for (int i = 0; i < 7; i++) {
        average(r);
        assert_int_equal(tr_ledger_read().steps, i);
    }
    tr_reducer_free(r);
    dup2(err, 2);
    close(err);
    tr_ledger l = tr_ledger_read();
    assert_int_equal(l.steps, 7);
    const tr_ledger_times *t = &l.total;
    assert_true(fabs(t->compute + t->communication + t->data + t->optimiser + t->other - t->wall) <= 1e-9);
    assert_true(t->other > 0 && (t->communication > 0 || tr_dist_world() == 1));
    char text[2000] = "";
    if (tr_dist_rank() == 0) {
        assert_true(pread(file, text, sizeof text - 1, 0) > 0);
        assert_true(strstr(text, "trireme: ms a step") && strstr(text, "\n        1-3 ") && strstr(text, "\n        4-6 "));
    }
    close(file);
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
