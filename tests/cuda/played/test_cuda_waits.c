/* Nobody waits for a CUDA device who does not ask for a value; and what a device met is told to whoever waits next. */
#include <math.h>
#include "on_played.h"

static tr_tensor *there(tr_tensor *t) { return tr_to_device(t, tr_cuda(0)); }

/* y = tanh(x w), of element by element; its squares' derivative, and a step of SGD. */
static void train(tr_optim *sgd, tr_tensor *w, const tr_tensor *x, tr_tensor *ones)
{
    TR_SCOPE;
    tr_tensor *y = tr_tanh(tr_mul(there((tr_tensor *)x), w)), *loss = tr_mul(y, y);
    assert_int_equal(tr_backward(loss, .gradient = ones), 0);
    assert_int_equal(tr_step(sgd), 0);
    tr_zero_grad(sgd);
}

TEST(a_training_step_waits_for_nothing)
{
    needs_played_device();
    TR_SCOPE;
    tr_tensor *x = tr_ones(TR_SHAPE(100)), *ones = there(x), *w = there(tr_mul(tr_ones(TR_SHAPE(100)), 0.5));
    (tr_requires_grad_)(w, true);
    tr_optim *sgd = tr_sgd(((tr_tensors){&w, 1}), .lr = 0.1, .momentum = 0.9);
    for (int i = 0; i < 2; i++) train(sgd, w, x, ones); /* where there are no pools, new memory may be waited for */
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
    played.order(PLAYED_LAZY, 0);
    played_counts before = counted();
    for (int i = 0; i < 10; i++) train(sgd, w, x, ones);
    played_counts after = counted();
    assert_true(after.launches > before.launches + 30);
    assert_int_equal(after.waits, before.waits);
    assert_true(tr_get(w, 0) < 0.5);
    assert_int_equal(counted().waits, before.waits + 1);
}

/* A linear layer, relu, another, the mean of squares. */
static void train_layers(tr_module *model, tr_optim *sgd, tr_tensor *x, tr_tensor *target)
{
    TR_SCOPE;
    tr_tensor *loss = tr_mse_loss(tr_forward(model, there(x)), there(target));
    assert_int_equal(tr_backward(loss), 0);
    assert_int_equal(tr_step(sgd), 0);
    tr_zero_grad(sgd);
}

TEST(a_training_step_of_layers_waits_for_nothing)
{
    needs_played_device();
    TR_SCOPE;
    tr_module *model = tr_sequential(tr_linear_layer(6, 8), tr_relu_layer(), tr_linear_layer(8, 2));
    assert_int_equal(tr_module_to(model, tr_cuda(0)), 0);
    tr_optim *sgd = tr_sgd(tr_parameters(model), .lr = 0.1, .momentum = 0.9);
    tr_tensor *x = tr_randn(TR_SHAPE(10, 6)), *target = tr_randn(TR_SHAPE(10, 2));
    for (int i = 0; i < 2; i++) train_layers(model, sgd, x, target);
    played.order(PLAYED_LAZY, 0);
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
    played_counts before = counted();
    for (int i = 0; i < 5; i++) train_layers(model, sgd, x, target);
    assert_int_equal(counted().waits, before.waits);
    assert_true(counted().launches > before.launches + 50);
}

/* The norm of a gradient on each of two devices, and float64's. */
static tr_tensor *clip(tr_device one, tr_device two, tr_tensor **a, tr_tensor **b, tr_tensor **c, int64_t *waits)
{
    *a = tr_to_device(tr_zeros(TR_SHAPE(2)), one), *b = tr_to_device(tr_zeros(TR_SHAPE(1)), two);
    *c = tr_to_device(tr_zeros(TR_SHAPE(1), .dtype = TR_FLOAT64), one);
    tr_tensor *x = tr_to_device(row(3, 4), one), *y = tr_to_device(row(12), two), *z = tr_to_device(row64(84), one);
    assert_int_equal(tr_set_grad(tr_requires_grad_(*a, true), x), 0);
    assert_int_equal(tr_set_grad(tr_requires_grad_(*b, true), y), 0);
    assert_int_equal(tr_set_grad(tr_requires_grad_(*c, true), z), 0);
    *waits = counted().waits;
    tr_tensor *norm = tr_clip_grad_norm_(TR_TENSORS(*a, *b, *c), 8.5);
    *waits = counted().waits - *waits;
    return norm;
}

/* And no launch brings it again: a loop has the same ones in every iteration. */
static int64_t launches_of_tenfold(tr_tensor *x)
{
    TR_SCOPE;
    const int64_t before = counted().launches;
    tr_tensor *y = tr_mul(x, 10);
    const int64_t launches = counted().launches - before;
    assert_close(tr_to(y, TR_FLOAT64), tr_mul(tr_to(tr_ones(TR_SHAPE(3)), TR_FLOAT64), 10.0), 0);
    return launches;
}

static void *multiplies(void *done)
{
    TR_SCOPE;
    *(bool *)done = tr_mul(there(tr_ones(TR_SHAPE(3))), 10);
    return NULL;
}

TEST(a_number_stands_on_the_device_that_it_was_used_on)
{
    needs_played_device();
    tr_tensor *x = there(tr_ones(TR_SHAPE(3))), *wide = tr_to(x, TR_FLOAT64);
    tr_tensor *elsewhere = tr_to_device(tr_ones(TR_SHAPE(3)), tr_cuda(1));
    pthread_t thread;
    bool done = false;
    assert_int_equal(launches_of_tenfold(x), 2);
    for (int i = 0; i < 3; i++) assert_int_equal(launches_of_tenfold(x), 1);
    assert_int_equal(launches_of_tenfold(wide), 2);
    assert_int_equal(launches_of_tenfold(wide), 1);
    assert_int_equal(launches_of_tenfold(elsewhere), 2);
    assert_int_equal(launches_of_tenfold(x), 2);
    assert_int_equal(pthread_create(&thread, NULL, multiplies, &done), 0); /* and ends with one of its own */
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(done);
    for (int i = 0; i < 40; i++) tr_mul(x, 10 + i); /* more than are remembered */
    assert_int_equal(launches_of_tenfold(x), 2);
    assert_int_equal(launches_of_tenfold(x), 1);
}

TEST(clipping_waits_for_nothing_and_a_norm_that_is_asked_for_once)
{
    in_every_order(order)
    {
        TR_SCOPE;
        tr_tensor *a, *b, *c;
        int64_t waits;
        {
            TR_SCOPE;
            clip(tr_cuda(0), tr_cuda(tr_cuda_device_count() - 1), &a, &b, &c, &waits);
        }
        assert_item(clip(tr_cuda(0), tr_cuda(tr_cuda_device_count() - 1), &a, &b, &c, &waits), 85, 0);
        assert_int_equal(waits, 0);
        assert_close(tr_grad(a), row(0.3, 0.4), 1e-7);
        assert_close(tr_grad(b), row(1.2), 1e-7);
        assert_close(tr_grad(c), row64(8.4), 1e-7);
        waits = counted().waits;
        assert_true(fabs(tr_clip_grad_norm(TR_TENSORS(a, b, c), 1) - 8.5) < 1e-6);
        assert_true(counted().waits <= waits + 1);
        assert_close(tr_grad(a), row(0.3 / 8.5, 0.4 / 8.5), 1e-7);
    }
}

/* The same numbers whatever the order. */
TEST(a_training_run_does_not_depend_on_when_work_is_done)
{
    double first = 0;
    in_every_order(order)
    {
        TR_SCOPE;
        tr_tensor *x = tr_ones(TR_SHAPE(100)), *ones = there(x), *w = there(tr_mul(tr_ones(TR_SHAPE(100)), 0.5));
        (tr_requires_grad_)(w, true);
        tr_optim *sgd = tr_sgd(((tr_tensors){&w, 1}), .lr = 0.1, .momentum = 0.9);
        for (int i = 0; i < 5; i++) train(sgd, w, x, ones);
        double now = tr_get(w, 99);
        if (order == 0) first = now;
        assert_true(now == first && now < 0.5);
    }
}

TEST(an_index_out_of_range_is_told_to_who_waits_next)
{
    in_every_order(order)
    {
        TR_SCOPE;
        tr_tensor *x = there(tr_ones(TR_SHAPE(4, 2))), *index = there(tr_to(tr_tensor_of_list(1, 7), TR_INT64));
        tr_tensor *rows = tr_index_select(x, 0, index);
        assert_non_null(rows);
        assert_true(tr_synchronize(tr_cuda(0)) < 0);
        assert_error_says("tr_index_select: 7 is not in [0, 4)");
        assert_int_equal(tr_synchronize(tr_cuda(0)), 0); /* it was told */
    }
}

static int fault(void)
{
    tr_on_error(NULL, NULL);
    tr_tensor *x = tr_ones(TR_SHAPE(10), .device = tr_cuda(0));
    played.order(PLAYED_LAZY, 0);
    played.fault_at(2, 700);
    tr_tensor *y = tr_sin(tr_exp(tr_add(x, x)));
    if (!y || *tr_error_message()) return 1;
    if (tr_synchronize(tr_cuda(0)) == 0) return 2;
    if (!strstr(tr_error_message(), "illegal memory access")) return 3;
    if (!strstr(tr_error_message(), "latest first: sin, exp, add")) return 4;
    tr_error_clear();
    if (tr_exp(x) || !strstr(tr_error_message(), "(700)")) return 5; /* it stays */
    return 0;
}

TEST(a_fault_names_what_was_launched_last_and_stays)
{
    needs_played_device();
    assert_int_equal(in_a_child(fault), 0);
}

/* ---- threads ---- */

enum { THREADS_ = 4,
       ROUNDS = 50 };

static void *works(void *number)
{
    long n = (long)(intptr_t)number, wrong = 0;
    tr_device device = tr_cuda((int)n % tr_cuda_device_count());
    for (int i = 0; i < ROUNDS; i++) {
        TR_SCOPE;
        tr_tensor *x = tr_to_device(tr_mul(tr_ones(TR_SHAPE(300)), (double)n), device);
        tr_tensor *y = tr_add(tr_mul(x, x), (double)i);
        if (tr_get(y, 299) != (double)(n * n + i)) wrong++;
    }
    return (void *)(intptr_t)wrong;
}

TEST(several_threads_ask_one_device)
{
    in_every_order(order)
    {
        pthread_t thread[THREADS_];
        for (intptr_t i = 0; i < THREADS_; i++) assert_int_equal(pthread_create(&thread[i], NULL, works, (void *)i), 0);
        for (int i = 0; i < THREADS_; i++) {
            void *wrong;
            pthread_join(thread[i], &wrong);
            assert_null(wrong);
        }
    }
}
