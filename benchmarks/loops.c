/* The training loops of the tutorials as they are written there (examples/tutorials). */
#include "loops.h"

#include <string.h>

tr_device loop_device;

static tr_tensor *from(const void *values, tr_shape shape) { return tr_to_device(tr_from_data(values, TR_FLOAT32, shape), loop_device); }
static tr_module *on_device(tr_module *m) { return tr_module_to(m, loop_device) < 0 ? NULL : m; }
static void result_of(tr_tensor *t, float *to)
{
    if (tr_to_data(t, TR_FLOAT32, to) < 0) memset(to, 0xff, (size_t)tr_numel(t) * sizeof *to); /* NaN */
}
static void set(tr_tensor *t, const float *values)
{
    TR_SCOPE;
    TR_NO_GRAD;
    tr_copy_(t, tr_from_data(values, TR_FLOAT32, tr_shape_of_tensor(t)));
}

static tr_tensor *parameter(tr_shape shape) { return tr_zeros(shape, .device = loop_device, .requires_grad = true); }

/* ---- (X theta - Y)^2, a gradient descent step by hand ---- */

static tr_tensor *X, *Y, *theta;

static void regression_data(void)
{
    float columns[POINTS][2];
    for (int i = 0; i < POINTS; i++) {
        columns[i][0] = 1;
        columns[i][1] = line_x[i];
    }
    X = from(columns, TR_SHAPE(POINTS, 2));
    Y = from(line_y, TR_SHAPE(POINTS, 1));
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
static void regression_result(float *to) { result_of(theta, to); }

/* ---- the same line as a layer ---- */

static tr_tensor *column, *affine_weight, *affine_bias;
static tr_module *affine;
static tr_optim *affine_sgd;

static void layer_data(void)
{
    column = from(line_x, TR_SHAPE(POINTS, 1));
    affine = on_device(tr_linear_layer(1, 1));
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
    patterns = from(hidden_x, TR_SHAPE(POINTS, INPUTS));
    labels = from(hidden_y, TR_SHAPE(POINTS));
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
    result_of(W, to);
    result_of(w, to + INPUTS * NEURONS);
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
    points_x = from(line_x, TR_SHAPE(POINTS));
    points_y = from(line_y, TR_SHAPE(POINTS));
    model = tr_module_new("MyLinearModel", line_forward, sizeof(line));
    line *self = tr_module_self(model);
    self->w = tr_module_parameter(model, "w", tr_zeros(TR_SHAPE(1), .device = loop_device));
    self->b = tr_module_parameter(model, "b", tr_zeros(TR_SHAPE(1), .device = loop_device));
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
    train_dl = tr_loader_new(train_ds, .batch_size = CROP_BATCH, .shuffle = true, .seed = 1, .workers = -1, .device = loop_device);
    linear = on_device(tr_linear_layer(3, 2));
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
tr_batch loop_batch;
static tr_tensor *crop_yields(void)
{
    tr_tensor *loss = tr_mse_loss(tr_forward(linear, loop_batch.input), loop_batch.target);
    if (tr_backward(loss) < 0) return NULL;
    tr_step(linear_sgd);
    tr_zero_grad(linear_sgd);
    return loss;
}
static bool next_crops(int64_t i)
{
    while (i == 0 || !tr_loader_next(train_dl, &loop_batch)) { /* the first batch, or the end of an epoch */
        static int64_t epoch;
        epoch = i == 0 ? 0 : epoch + 1;
        if (tr_loader_start(train_dl, epoch) < 0) return false;
        if (i == 0) return tr_loader_next(train_dl, &loop_batch);
    }
    return true;
}
static void crops_result(float *to)
{
    result_of(tr_parameters(linear).tensor[0], to);
    result_of(tr_parameters(linear).tensor[1], to + 6);
}

loop loops[BY_HAND_LOOPS] = {
    [LINEAR_REGRESSION] = {.data = regression_data, .start = start_regression, .step = regression, .result = regression_result, .hand = &by_hand[LINEAR_REGRESSION]},
    [LINEAR_LAYER] = {.data = layer_data, .start = start_layer, .step = layer, .result = layer_result, .hand = &by_hand[LINEAR_LAYER]},
    [QUADRATIC] = {.data = quadratic_data, .start = start_quadratic, .step = quadratic, .result = quadratic_result, .hand = &by_hand[QUADRATIC]},
    [HIDDEN_LAYER] = {.data = hidden_data, .start = start_hidden, .step = hidden, .result = hidden_result, .hand = &by_hand[HIDDEN_LAYER]},
    [MODULE] = {.data = module_data, .start = start_module, .step = module, .result = module_result, .hand = &by_hand[MODULE]},
    [CROP_YIELDS] = {.data = crops_data, .start = start_crops, .step = crop_yields, .next = next_crops, .result = crops_result, .hand = &by_hand[CROP_YIELDS]},
};
