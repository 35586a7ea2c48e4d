/* A ledger's columns by the clock of the device that its thread computes on; nobody waits for them. */
#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <trireme/lanes.h>
#include "on_played.h"

static void sleep_ms(long ms) { nanosleep(&(struct timespec){.tv_nsec = 1000000 * ms}, NULL); }

enum { INPUTS = 6,
       BATCH = 4 };

static int read_slowly(void *self, int64_t i, void *input, void *target)
{
    (void)self;
    sleep_ms(2);
    for (int k = 0; k < INPUTS; k++) ((float *)input)[k] = (float)(i + k);
    *(float *)target = (float)i;
    return 0;
}

typedef struct {
    tr_module *model;
    tr_optim *sgd;
    tr_tensor *x, *y;
} learner;

static learner made(void)
{
    learner l = {.model = tr_sequential(tr_linear_layer(INPUTS, 16), tr_relu_layer(), tr_linear_layer(16, 1))};
    assert_int_equal(tr_module_to(l.model, tr_cuda(0)), 0);
    l.sgd = tr_sgd(tr_parameters(l.model), .lr = 1e-4, .momentum = 0.9);
    l.x = tr_randn(TR_SHAPE(BATCH, INPUTS), .device = tr_cuda(0));
    l.y = tr_randn(TR_SHAPE(BATCH, 1), .device = tr_cuda(0));
    return l;
}

static void step(learner *l, tr_tensor *x, tr_tensor *y)
{
    TR_SCOPE;
    assert_int_equal(tr_backward(tr_mse_loss(tr_forward(l->model, x), y)), 0);
    assert_int_equal(tr_step(l->sgd), 0);
    tr_zero_grad(l->sgd);
}

static void assert_sums(const tr_ledger_times *t)
{
    double sum = t->compute + t->communication + t->data + t->optimiser + t->other;
    assert_true(fabs(sum - t->wall) <= 1e-9 * (1 + t->wall));
    assert_true(t->compute >= 0 && t->communication >= 0 && t->data >= 0 && t->optimiser >= 0 && t->other >= 0);
}

/* Four samples a step, 8 ms of reading; 5 ms of the program's own: a device that does at once what it is asked for waits as
 * long. */
TEST(a_column_is_as_long_there_as_what_it_is_asked_for)
{
    enum { STEPS = 6 };
    in_order(PLAYED_AT_ONCE);
    learner l = made();
    step(&l, l.x, l.y);
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
    tr_dataset *d = tr_dataset_new((tr_dataset_source){.count = BATCH * (STEPS + 1), .read = read_slowly, .input_shape = TR_SHAPE(INPUTS), .target_shape = TR_SHAPE(1), .target_dtype = TR_FLOAT32});
    tr_loader *loader = tr_loader_new(d, .batch_size = BATCH, .workers = -1, .device = tr_cuda(0));
    assert_int_equal(tr_loader_start(loader, 0), 0);
    assert_int_equal(tr_ledger_start(0), 0);
    for (tr_batch b; tr_loader_next(loader, &b);) {
        sleep_ms(5);
        step(&l, b.input, b.target);
    }
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
    tr_ledger t = tr_ledger_read();
    tr_ledger_stop();
    assert_int_equal(t.steps, STEPS + 1);
    assert_int_equal(t.device_steps, STEPS + 1);
    assert_sums(&t.device);
    assert_true(t.device.wall > 0 && t.device.wall < 2 * t.total.wall + 0.1);
    if (!played.order) return;                                                      /* one that lags does this while others sleep */
    assert_true(t.device.data >= STEPS * 0.008 && t.device.other >= STEPS * 0.005); /* the first began with its first kernel */
    assert_true(t.device.compute > 0 && t.device.optimiser > 0);
    in_order(PLAYED_AT_RANDOM);
}

TEST(steps_are_known_when_the_device_has_done_them_and_nobody_waits)
{
    needs_played_device();
    learner l = made();
    for (int i = 0; i < 3; i++) step(&l, l.x, l.y);
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
    played.order(PLAYED_LAZY, 0);
    assert_int_equal(tr_ledger_start(0), 0);
    int64_t before = counted().waits;
    for (int i = 0; i < 5; i++) step(&l, l.x, l.y);
    tr_ledger t = tr_ledger_read();
    assert_int_equal(counted().waits, before);
    assert_int_equal(t.steps, 5);
    assert_true(t.device_steps < 5);
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
    t = tr_ledger_read();
    assert_int_equal(t.device_steps, 5);
    assert_sums(&t.device);
    tr_ledger_stop();
    in_order(PLAYED_AT_RANDOM);
}

/* What the ledger says last as it ends. */
static void stop_and_say(char *text, size_t bytes)
{
    int err = dup(2), file = open("lines", O_RDWR | O_CREAT | O_TRUNC, 0666);
    assert_true(err >= 0 && file >= 0 && dup2(file, 2) == 2);
    unsetenv("TRIREME_PROGRESS");
    tr_ledger_stop();
    dup2(err, 2);
    close(err);
    char all[2000], *last = all;
    ssize_t n = pread(file, all, sizeof all - 1, 0);
    close(file);
    assert_true(n > 1);
    all[n - 1] = '\0';
    for (char *c = all; *c; c++)
        if (*c == '\n') last = c + 1;
    assert_true(strlen(last) < bytes);
    memcpy(text, last, strlen(last) + 1);
}

static void steps_of(tr_optim *o, int steps)
{
    for (int i = 0; i < steps; i++) assert_int_equal(tr_step(o), 0);
}

static int is_open(void *gate) { return *(atomic_bool *)gate; }
static void pass(void *gate) { (void)gate; }

/* Of steps that are asked for long before the device does them those behind the last mark are not known, and none is half
 * known: the time from that mark to the next is nobody's. */
TEST(a_device_that_is_far_behind_is_known_in_part)
{
    enum { MOST = 127, /* two marks each, and the one before them, where there is room for 256 */
           STEPS = 150,
           PAUSE_MS = 400 };
    static atomic_bool gate;
    needs_played_device();
    tr_tensor *w = tr_requires_grad_(tr_zeros(TR_SHAPE(8), .device = tr_cuda(0)), true);
    tr_optim *sgd = tr_sgd(TR_TENSORS(w), .lr = 1);
    assert_int_equal(tr_set_grad(w, tr_ones(TR_SHAPE(8), .device = tr_cuda(0))), 0);
    steps_of(sgd, 1);
    played.order(PLAYED_LAZY, 0);
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
    atomic_store(&gate, false);
    played.enqueue_when(tr_lanes_of_(tr_cuda(0))->stream(0, TR_LANE_OWN_), "a gate", is_open, pass, pass, &gate);
    assert_int_equal(tr_ledger_start(1000), 0);
    assert_non_null(tr_neg(w)); /* a step begins with its forward */
    steps_of(sgd, STEPS);
    atomic_store(&gate, true);
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
    tr_ledger t = tr_ledger_read();
    assert_int_equal(t.steps, STEPS);
    assert_int_equal(t.device_steps, MOST);
    assert_sums(&t.device);

    sleep_ms(PAUSE_MS);
    steps_of(sgd, 3); /* the first began where nobody knows */
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
    tr_ledger later = tr_ledger_read();
    assert_int_equal(later.device_steps, MOST + 2);
    assert_true(later.device.wall - t.device.wall < 1e-3 * PAUSE_MS);

    char last[200], known[40];
    stop_and_say(last, sizeof last);
    snprintf(known, sizeof known, "  of %d steps", MOST + 2);
    assert_non_null(strstr(last, " device "));
    assert_non_null(strstr(last, known));
    in_order(PLAYED_AT_RANDOM);
}

TEST(events_of_a_ledger_that_ended_wait_for_the_next)
{
    needs_played_device();
    learner l = made();
    int64_t events = 0;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(tr_ledger_start(0), 0);
        for (int k = 0; k < 5; k++) step(&l, l.x, l.y);
        tr_ledger_stop();
        if (i == 2) events = counted().events;
    }
    assert_true(counted().events <= events + 60);
}

TEST(a_replay_is_a_step_of_the_device_too)
{
    learner l = made();
    tr_recording *r;
    assert_int_equal(tr_record(&r), 0);
    step(&l, l.x, l.y);
    assert_int_equal(tr_record_end(), 0);
    for (int i = 0; i < 2; i++) assert_int_equal(tr_replay(r), 0);
    assert_int_equal(tr_ledger_start(0), 0);
    for (int i = 0; i < 7; i++) assert_int_equal(tr_replay(r), 0);
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
    tr_ledger t = tr_ledger_read();
    tr_ledger_stop();
    assert_int_equal(t.steps, 7);
    assert_int_equal(t.device_steps, 7);
    assert_true(t.device.compute > 0 && t.device.optimiser == 0); /* one graph */
    assert_sums(&t.device);
}

TEST(the_last_line_is_the_devices)
{
    char last[200];
    double wall, part[5], sum = 0;
    learner l = made();
    step(&l, l.x, l.y);
    assert_int_equal(tr_ledger_start(5), 0);
    for (int i = 0; i < 4; i++) step(&l, l.x, l.y);
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
    stop_and_say(last, sizeof last);
    assert_int_equal(sscanf(last, " device %lf %lf %lf %lf %lf %lf", &wall, &part[0], &part[1], &part[2], &part[3], &part[4]), 6);
    for (int i = 0; i < 5; i++) sum += part[i];
    assert_true(wall > 0 && fabs(sum - wall) <= 0.003 + 1e-3 * wall);
    assert_true(strlen(last) <= 80);
    assert_null(strstr(last, "steps")); /* it is of all of them */
}
