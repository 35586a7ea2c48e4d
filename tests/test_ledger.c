/* Where a step's time goes: the columns, that they sum to the wall, and the lines. */
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <trireme/trireme.h>
#include <unistd.h>
#include "mlp.h"

static void sleep_ms(int ms) { nanosleep(&(struct timespec){.tv_nsec = 1000000L * ms}, NULL); }

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int read_slowly(void *self, int64_t i, void *input, void *target)
{
    (void)self;
    sleep_ms(2);
    for (int k = 0; k < INPUTS; k++) ((float *)input)[k] = (float)(i + k);
    *(int64_t *)target = i % CLASSES;
    return 0;
}

/* Four samples a step, 8 ms of reading; 5 ms of the program's own. */
static void learn_slowly(int steps)
{
    TR_SCOPE;
    tr_module *m = mlp();
    tr_optim *o = sgd_of(m);
    tr_dataset *d = tr_dataset_new((tr_dataset_source){.count = 4 * steps, .read = read_slowly, .input_shape = TR_SHAPE(INPUTS), .target_dtype = TR_INT64});
    tr_loader *l = tr_loader_new(d, .batch_size = 4, .workers = -1);
    assert_non_null(l);
    assert_int_equal(tr_loader_start(l, 0), 0);
    for (tr_batch b; tr_loader_next(l, &b);) {
        sleep_ms(5);
        train(m, o, b.input, b.target);
    }
}

static void assert_sums(const tr_ledger_times *t)
{
    double sum = t->compute + t->communication + t->data + t->optimiser + t->other;
    assert_true(fabs(sum - t->wall) <= 1e-9 * (1 + t->wall));
    assert_true(t->compute >= 0 && t->communication >= 0 && t->data >= 0 && t->optimiser >= 0 && t->other >= 0);
}

TEST(every_moment_of_a_step_is_in_one_column)
{
    assert_int_equal(tr_ledger_start(0), 0);
    double before = now();
    learn_slowly(6);
    double took = now() - before;
    tr_ledger l = tr_ledger_read();
    tr_ledger_stop();
    assert_int_equal(l.steps, 6);
    assert_sums(&l.last);
    assert_sums(&l.total);
    assert_true(l.total.wall <= took);
    assert_true(l.total.data >= 6 * 0.008 && l.total.other >= 6 * 0.005);
    assert_true(l.last.compute > 0 && l.last.optimiser > 0);
    assert_true(l.total.communication == 0);
    assert_true(l.median_wall >= 0.013 && l.median_wall <= l.total.wall);
}

TEST(operations_outside_of_modules_are_compute_and_a_replay_is_a_step)
{
    tr_recording *step;
    tr_tensor *x = tr_randn(TR_SHAPE(64, 64)), *w = tr_randn(TR_SHAPE(64, 64), .requires_grad = true);
    tr_optim *o = tr_sgd(TR_TENSORS(w), .lr = 1e-3);
    assert_int_equal(tr_record(&step), 0);
    {
        TR_SCOPE;
        assert_int_equal(tr_backward(tr_mean(tr_pow(tr_matmul(x, w), 2))), 0);
        assert_int_equal(tr_step(o), 0);
        tr_zero_grad(o);
    }
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(tr_ledger_start(0), 0);
    for (int i = 0; i < 3; i++) {
        tr_matmul(x, x);
        assert_int_equal(tr_replay(step), 0);
    }
    tr_ledger l = tr_ledger_read();
    tr_ledger_stop();
    assert_int_equal(l.steps, 3);
    assert_sums(&l.total);
    assert_true(l.total.compute > 0 && l.total.optimiser > 0);
}

static void *nothing_of_mine(void *into)
{
    *(tr_ledger *)into = tr_ledger_read();
    return NULL;
}

TEST(each_thread_has_its_own)
{
    tr_ledger other;
    pthread_t thread;
    assert_int_equal(tr_ledger_start(0), 0);
    learn_slowly(1);
    assert_int_equal(pthread_create(&thread, NULL, nothing_of_mine, &other), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(other.steps, 0);
    assert_int_equal(tr_ledger_read().steps, 1);
    tr_ledger_stop();
}

TEST(lines_tell_of_every_so_many_steps_and_of_all_and_fit_80_columns)
{
    int err = dup(2), file = open("lines", O_RDWR | O_CREAT | O_TRUNC, 0666);
    assert_true(file >= 0 && dup2(file, 2) == 2);
    unsetenv("TRIREME_PROGRESS");
    assert_int_equal(tr_ledger_start(2), 0);
    learn_slowly(5);
    tr_ledger_stop();
    dup2(err, 2);
    close(err);
    char text[2000];
    ssize_t n = pread(file, text, sizeof text - 1, 0);
    close(file);
    assert_true(n > 0);
    text[n] = '\0';
    static const char *const begins[] = {"trireme: ms a step", "      steps    wall compute    comm    data   optim   other", "        1-2", "        3-4", "          5", "        1-5", "      share  100.0%"};
    int lines = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        assert_true(lines < 7);
        assert_memory_equal(line, begins[lines], strlen(begins[lines]));
        assert_true(strlen(line) <= 80);
        lines++;
    }
    assert_int_equal(lines, 7);
}

TEST(a_line_every_so_many_steps_is_a_count)
{
    assert_int_equal((tr_ledger_start)(-1), -1);
    assert_error_says("every -1 steps");
}
