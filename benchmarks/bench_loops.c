/* The training loops of the tutorials as they are written there (examples/tutorials), and what one operation costs.
 *
 * Every loop is first held against the same loop in plain C (peers/by_hand.c), after a hundred iterations; as it is
 * written, and with its step recorded once and replayed. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <trireme/trireme.h>
#include "bench.h"
#include "peers/by_hand.h"

enum { CHECKED = 99, /* iterations after which results are compared: whole epochs of the crops */
       CHAIN = 100,  /* additions in a chain */
       MOST_ROOTS = 100 /* graphs made beforehand, for backward alone */ };

/* The loss of each iteration, which the tutorials write down. */
static volatile double noted;

static void set(tr_tensor *t, const float *values)
{
    TR_SCOPE;
    TR_NO_GRAD;
    tr_copy_(t, tr_from_data(values, TR_FLOAT32, tr_shape_of_tensor(t)));
}

static tr_tensor *parameter(tr_shape shape) { return tr_zeros(shape, .requires_grad = true); }

/* ---- (X theta - Y)^2, a gradient descent step by hand ---- */

static tr_tensor *X, *Y, *theta;

static void regression_data(void)
{
    float columns[POINTS][2];
    for (int i = 0; i < POINTS; i++) {
        columns[i][0] = 1;
        columns[i][1] = line_x[i];
    }
    X = tr_from_data(columns, TR_FLOAT32, TR_SHAPE(POINTS, 2));
    Y = tr_from_data(line_y, TR_FLOAT32, TR_SHAPE(POINTS, 1));
    theta = parameter(TR_SHAPE(2, 1));
}

static void start_regression(void) { set(theta, (const float[]){1, 1}); }
static tr_tensor *regression(void)
{
    tr_tensor *loss = tr_mean(tr_pow(tr_sub(tr_mm(X, theta), Y), 2));
    if (tr_backward(loss) < 0) return NULL;
    TR_NO_GRAD;
    tr_sub_(theta, tr_mul(0.1, tr_grad(theta)));
    tr_zero_(tr_grad(theta));
    return loss;
}
static void regression_result(float *to) { memcpy(to, tr_data(theta), 2 * sizeof *to); }

/* ---- the same line as a layer ---- */

static tr_tensor *column, *affine_weight, *affine_bias;
static tr_module *affine;
static tr_optim *affine_sgd;

static void layer_data(void)
{
    column = tr_from_data(line_x, TR_FLOAT32, TR_SHAPE(POINTS, 1));
    affine = tr_linear_layer(1, 1);
    affine_weight = tr_parameters(affine).tensor[0];
    affine_bias = tr_parameters(affine).tensor[1];
    affine_sgd = tr_sgd(tr_parameters(affine), .lr = 0.1);
}

static void start_layer(void)
{
    set(affine_weight, (const float[]){1});
    set(affine_bias, (const float[]){1});
}
static tr_tensor *layer(void)
{
    tr_tensor *loss = tr_mean(tr_pow(tr_sub(tr_forward(affine, column), Y), 2));
    if (tr_backward(loss) < 0) return NULL;
    tr_step(affine_sgd);
    tr_zero_grad(affine_sgd);
    return loss;
}
static void layer_result(float *to)
{
    to[0] = (float)tr_item(affine_bias);
    to[1] = (float)tr_item(affine_weight);
}

/* ---- x^2 - 3x + 1 ---- */

static tr_tensor *x;
static tr_optim *x_sgd;

static void quadratic_data(void)
{
    x = parameter(TR_SHAPE());
    x_sgd = tr_sgd(TR_TENSORS(x), .lr = 0.01);
}

static void start_quadratic(void) { set(x, (const float[]){0}); }
static tr_tensor *quadratic(void)
{
    tr_tensor *f = tr_add(tr_sub(tr_pow(x, 2), tr_mul(3, x)), 1);
    if (tr_backward(f) < 0) return NULL;
    tr_step(x_sgd);
    tr_zero_grad(x_sgd);
    return x;
}
static void quadratic_result(float *to) { *to = (float)tr_item(x); }

/* ---- tanh(X W) w ---- */

static tr_tensor *patterns, *labels, *W, *w;

static void hidden_data(void)
{
    patterns = tr_from_data(hidden_x, TR_FLOAT32, TR_SHAPE(POINTS, INPUTS));
    labels = tr_from_data(hidden_y, TR_FLOAT32, TR_SHAPE(POINTS));
    W = parameter(TR_SHAPE(INPUTS, NEURONS));
    w = parameter(TR_SHAPE(NEURONS));
}

static void start_hidden(void)
{
    set(W, &hidden_W[0][0]);
    set(w, hidden_w);
    tr_set_grad(W, NULL);
    tr_set_grad(w, NULL);
}
static tr_tensor *hidden(void)
{
    double lr = 1e-1;
    tr_tensor *y_pred = tr_matmul(tr_tanh(tr_matmul(patterns, W)), w);
    tr_tensor *loss = tr_mul(0.5, tr_mean(tr_pow(tr_sub(y_pred, labels), 2)));
    if (tr_grad(W)) tr_zero_(tr_grad(W));
    if (tr_grad(w)) tr_zero_(tr_grad(w));
    if (tr_backward(loss) < 0) return NULL;
    tr_sub_(tr_detach(W), tr_mul(lr, tr_grad(W)));
    tr_sub_(tr_detach(w), tr_mul(lr, tr_grad(w)));
    return loss;
}
static void hidden_result(float *to)
{
    memcpy(to, tr_data(W), INPUTS * NEURONS * sizeof *to);
    memcpy(to + INPUTS * NEURONS, tr_data(w), NEURONS * sizeof *to);
}

/* ---- a module of one's own: w x + b ---- */

typedef struct {
    tr_tensor *w, *b;
} line;

static tr_tensor *line_forward(tr_module *m, tr_tensor *input)
{
    line *self = tr_module_self(m);
    return tr_add(tr_mul(self->w, input), self->b);
}

static tr_tensor *points_x, *points_y;
static tr_module *model;
static tr_optim *model_sgd;

static void module_data(void)
{
    points_x = tr_from_data(line_x, TR_FLOAT32, TR_SHAPE(POINTS));
    points_y = tr_from_data(line_y, TR_FLOAT32, TR_SHAPE(POINTS));
    model = tr_module_new("MyLinearModel", line_forward, sizeof(line));
    line *self = tr_module_self(model);
    self->w = tr_module_parameter(model, "w", tr_zeros(TR_SHAPE(1)));
    self->b = tr_module_parameter(model, "b", tr_zeros(TR_SHAPE(1)));
    model_sgd = tr_sgd(tr_parameters(model), .lr = 0.01);
}

static void start_module(void)
{
    line *self = tr_module_self(model);
    set(self->w, (const float[]){-0.5f});
    set(self->b, (const float[]){-0.5f});
}
static tr_tensor *module(void)
{
    line *self = tr_module_self(model);
    tr_zero_grad(model_sgd);
    tr_tensor *y_pred = tr_forward(model, points_x);
    tr_tensor *loss = tr_mse_loss(y_pred, points_y);
    if (tr_backward(loss) < 0) return NULL;
    tr_step(model_sgd);
    return self->w;
}
static void module_result(float *to)
{
    line *self = tr_module_self(model);
    to[0] = (float)tr_item(self->b);
    to[1] = (float)tr_item(self->w);
}

/* ---- crop yields: five of fifteen samples a step, in an order of their own each epoch ---- */

static tr_module *linear;
static tr_optim *linear_sgd;
static tr_loader *train_dl;

static void crops_data(void)
{
    tr_dataset *train_ds = tr_dataset_tensors(tr_from_data(crops_x, TR_FLOAT32, TR_SHAPE(REGIONS, 3)), tr_from_data(crops_y, TR_FLOAT32, TR_SHAPE(REGIONS, 2)));
    /* batches read when asked for, as PyTorch's loader reads them unless told otherwise */
    train_dl = tr_loader_new(train_ds, .batch_size = CROP_BATCH, .shuffle = true, .seed = 1, .workers = -1);
    linear = tr_linear_layer(3, 2);
    linear_sgd = tr_sgd(tr_parameters(linear), .lr = 1e-5);

    tr_generator *generator = tr_generator_new(TR_MT19937, 0);
    for (int epoch = 0; epoch < CROP_EPOCHS; epoch++) {
        int64_t order[REGIONS];
        tr_seed(generator, (uint64_t)(1 + epoch));
        tr_random_permutation(generator, REGIONS, order);
        for (int i = 0; i < REGIONS; i++) crops_order[epoch * REGIONS + i] = (int)order[i];
    }
}

static void start_crops(void)
{
    set(tr_parameters(linear).tensor[0], &crops_w[0][0]);
    set(tr_parameters(linear).tensor[1], crops_b);
}
static tr_batch batch;
static tr_tensor *crop_yields(void)
{
    tr_tensor *loss = tr_mse_loss(tr_forward(linear, batch.input), batch.target);
    if (tr_backward(loss) < 0) return NULL;
    tr_step(linear_sgd);
    tr_zero_grad(linear_sgd);
    return loss;
}
static bool next_crops(int64_t i)
{
    while (i == 0 || !tr_loader_next(train_dl, &batch)) { /* the first batch, or the end of an epoch */
        static int64_t epoch;
        epoch = i == 0 ? 0 : epoch + 1;
        if (tr_loader_start(train_dl, epoch) < 0) return false;
        if (i == 0) return tr_loader_next(train_dl, &batch);
    }
    return true;
}
static void crops_result(float *to)
{
    memcpy(to, tr_data(tr_parameters(linear).tensor[0]), 6 * sizeof *to);
    memcpy(to + 6, tr_data(tr_parameters(linear).tensor[1]), 2 * sizeof *to);
}

typedef struct {
    void (*data)(void), (*start)(void);
    tr_tensor *(*step)(void);  /* one iteration; the value that the tutorial looks at afterwards */
    bool (*next)(int64_t i);   /* brings the batch of iteration i, for a loop with a loader */
    void (*result)(float *to); /* the parameters, in the order of by_hand[].result */
    const by_hand_loop *hand;
    tr_recording *recording;
    tr_tensor *seen; /* what the recorded step returned */
    char name[64];
} loop;

static loop loops[BY_HAND_LOOPS] = {
    [LINEAR_REGRESSION] = {.data = regression_data, .start = start_regression, .step = regression, .result = regression_result, .hand = &by_hand[LINEAR_REGRESSION]},
    [LINEAR_LAYER] = {.data = layer_data, .start = start_layer, .step = layer, .result = layer_result, .hand = &by_hand[LINEAR_LAYER]},
    [QUADRATIC] = {.data = quadratic_data, .start = start_quadratic, .step = quadratic, .result = quadratic_result, .hand = &by_hand[QUADRATIC]},
    [HIDDEN_LAYER] = {.data = hidden_data, .start = start_hidden, .step = hidden, .result = hidden_result, .hand = &by_hand[HIDDEN_LAYER]},
    [MODULE] = {.data = module_data, .start = start_module, .step = module, .result = module_result, .hand = &by_hand[MODULE]},
    [CROP_YIELDS] = {.data = crops_data, .start = start_crops, .step = crop_yields, .next = next_crops, .result = crops_result, .hand = &by_hand[CROP_YIELDS]},
};

static void start_loop(void *data, int64_t times)
{
    (void)times;
    ((loop *)data)->start();
}

static void run_loop(void *data, int64_t times)
{
    loop *l = data;
    for (int64_t i = 0; i < times; i++) {
        TR_SCOPE;
        if (l->next && !l->next(i)) return;
        tr_tensor *seen = l->step();
        if (!seen) return;
        noted = tr_item(seen);
    }
}

/* The same with the step recorded in the first iteration of all. */
static int record(loop *l)
{
    if (tr_record(&l->recording, .inputs = l->next ? TR_TENSORS(batch.input, batch.target) : (tr_tensors){0}) < 0) return -1;
    {
        TR_SCOPE;
        l->seen = tr_keep(l->step());
    }
    return tr_record_end();
}

static void replay_loop(void *data, int64_t times)
{
    loop *l = data;
    for (int64_t i = 0; i < times; i++) {
        if (l->next && !l->next(i)) return;
        int status = !l->recording ? record(l) : l->next ? tr_replay(l->recording, .inputs = TR_TENSORS(batch.input, batch.target))
                                                         : tr_replay(l->recording);
        if (status < 0) return;
        noted = tr_item(l->seen);
    }
}

static double error_of(loop *l, void (*run)(void *data, int64_t times))
{
    float result[INPUTS * NEURONS + NEURONS];
    l->start();
    run(l, CHECKED);
    if (tr_error_stands()) return INFINITY;
    l->result(result);
    l->hand->start();
    l->hand->run(NULL, CHECKED);
    return bench_difference(result, l->hand->result, l->hand->results);
}
static double loop_error(void *data) { return error_of(data, run_loop); }
static double replay_error(void *data) { return error_of(data, replay_loop); }

/* ---- what one operation costs: tensors of one element ---- */

static tr_tensor *a, *b; /* not tracked */
static tr_tensor *leaf;  /* tracked */
static tr_tensor *roots[MOST_ROOTS];
static int64_t roots_made;

static tr_tensor *chain(int64_t n)
{
    tr_tensor *y = leaf;
    for (int64_t i = 0; i < n; i++) y = tr_add(y, b);
    return y;
}

static void drop_roots(void)
{
    for (int64_t i = 0; i < roots_made; i++) tr_drop(roots[i]);
    roots_made = 0;
    tr_set_grad(leaf, NULL);
}

/* So many graphs of a chain of n, for backward alone. */
static void make_roots(int64_t n, int64_t times)
{
    drop_roots();
    for (; roots_made < times; roots_made++) {
        TR_SCOPE;
        roots[roots_made] = tr_keep(chain(n));
    }
}

static void add(void *unused, int64_t times)
{
    (void)unused;
    for (int64_t i = 0; i < times; i++) {
        TR_SCOPE;
        tr_add(a, b);
    }
}
static void add_tracked(void *unused, int64_t times)
{
    (void)unused;
    for (int64_t i = 0; i < times; i++) {
        TR_SCOPE;
        tr_add(leaf, b);
    }
}
static void add_chain(void *unused, int64_t times)
{
    (void)unused;
    for (int64_t i = 0; i < times; i++) {
        TR_SCOPE;
        chain(CHAIN);
    }
}
static void prepare_one(void *unused, int64_t times)
{
    (void)unused;
    make_roots(1, times);
}
static void prepare_chains(void *unused, int64_t times)
{
    (void)unused;
    make_roots(CHAIN, times);
}
static void backward(void *unused, int64_t times)
{
    (void)unused;
    for (int64_t i = 0; i < times; i++)
        if (tr_backward(roots[i]) < 0) return;
}

/* 0.25 + 0.5, a hundred times 0.5 more, and one gradient of 1 from each of two chains. */
static double add_error(void *unused)
{
    (void)unused;
    TR_SCOPE;
    make_roots(CHAIN, 2);
    double error = fabs(tr_item(roots[0]) - (0.25 + 0.5 * CHAIN)) + fabs(tr_item(tr_add(a, b)) - 0.75);
    if (tr_backward(roots[0]) < 0 || tr_backward(roots[1]) < 0) return INFINITY;
    error += fabs(tr_item(tr_grad(leaf)) - 2);
    drop_roots();
    return error;
}

int main(int argc, char **argv)
{
    bench_subject subject = {"loops", "one iteration of each tutorial's training loop; one operation on tensors of one element",
                             "us", NULL, NULL, "trireme", tr_version()};
    if (!bench_begin(argc, argv, subject)) return bench_end();
    tr_set_num_threads(1);
    by_hand_data();
    for (int i = 0; i < BY_HAND_LOOPS; i++) loops[i].data();
    for (int i = 0; i < BY_HAND_LOOPS; i++) {
        const by_hand_loop *hand = loops[i].hand;
        bench_run((bench_case){hand->name, hand->size, .prepare = start_loop, .run = run_loop, .check = loop_error, .data = &loops[i], .tolerance = 1e-3, .times = hand->iterations});
        snprintf(loops[i].name, sizeof loops[i].name, "%s, replayed", hand->name);
        bench_run((bench_case){loops[i].name, hand->size, .prepare = start_loop, .run = replay_loop, .check = replay_error, .data = &loops[i], .tolerance = 1e-3, .times = hand->iterations});
    }

    a = tr_full(TR_SHAPE(1), 0.25);
    b = tr_full(TR_SHAPE(1), 0.5);
    leaf = tr_full(TR_SHAPE(1), 0.25, .requires_grad = true);
    bench_run((bench_case){"add", "1", .run = add, .check = add_error});
    bench_run((bench_case){"add tracked", "1", .run = add_tracked, .check = add_error});
    bench_run((bench_case){"add backward", "1", .prepare = prepare_one, .run = backward, .check = add_error, .times = MOST_ROOTS});
    bench_run((bench_case){"add in a chain", "100", .run = add_chain, .check = add_error, .parts = CHAIN});
    bench_run((bench_case){"backward in a chain", "100", .prepare = prepare_chains, .run = backward, .check = add_error, .times = MOST_ROOTS, .parts = CHAIN});
    drop_roots();
    for (int i = 0; i < BY_HAND_LOOPS; i++) tr_drop(loops[i].seen);
    int status = bench_end();
    return tr_finish() ? 1 : status;
}
