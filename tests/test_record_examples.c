/* The training steps of the examples and tutorials, as they are written there: recorded and replayed they give every
 * parameter the bits that running them gives.  On the device under test (test.h). */
#include <math.h>
#include <string.h>
#include <trireme/trireme.h>
#include "test.h"

enum { MOST = 8, /* parameters */
       WARM = 2, /* steps before the one that is recorded: gradients and an optimiser's state are there */
       STEPS = 25,
       STEPS_THERE = 6 /* where a device is played */ };

typedef struct {
    tr_tensor *parameter[MOST];
    int count;
    tr_tensor *x, *y; /* data; of examples with a loader a batch, another one in each step */
    tr_module *model;
    tr_optim *optim;
} training;

/* Called before an optimiser is made of them. */
static void parameters_of_model(training *t)
{
    assert_int_equal(tr_module_to(t->model, harness_device()), 0);
    tr_tensors all = tr_parameters(t->model);
    assert_true(all.count <= MOST);
    for (int64_t i = 0; i < all.count; i++) t->parameter[t->count++] = all.tensor[i];
}

static tr_tensor *parameter(training *t, tr_tensor *start) { return t->parameter[t->count++] = tr_requires_grad_(harness_there(start), true); }

/* A hundred points of a line, as rows of one column. */
static void line_data(training *t, int64_t columns)
{
    tr_tensor *at = tr_view(tr_linspace(-1, 1, 100), TR_SHAPE(100, 1));
    t->y = harness_there(tr_add(tr_add(tr_mul(4, at), 5), tr_mul(0.5, tr_randn(TR_SHAPE(100, 1)))));
    t->x = harness_there(columns == 2 ? tr_cat(TR_TENSORS(tr_ones(TR_SHAPE(100, 1)), at), 1) : at);
}

/* ---- basics: theta by hand, by an optimiser, then a layer ---- */

static void regression_make(training *t)
{
    line_data(t, 2);
    parameter(t, tr_ones(TR_SHAPE(2, 1)));
}
static void regression(training *t)
{
    tr_tensor *theta = t->parameter[0];
    tr_backward(tr_mean(tr_pow(tr_sub(tr_mm(t->x, theta), t->y), 2)));
    TR_NO_GRAD;
    tr_sub_(theta, tr_mul(0.1, tr_grad(theta)));
    tr_zero_(tr_grad(theta));
}

static void optimised_make(training *t)
{
    regression_make(t);
    t->optim = tr_sgd(TR_TENSORS(t->parameter[0]), .lr = 0.1);
}
static void optimised(training *t)
{
    tr_backward(tr_mean(tr_pow(tr_sub(tr_mm(t->x, t->parameter[0]), t->y), 2)));
    tr_step(t->optim);
    tr_zero_grad(t->optim);
}

static void layer_make(training *t)
{
    line_data(t, 1);
    t->model = tr_linear_layer(1, 1);
    parameters_of_model(t);
    t->optim = tr_sgd(tr_parameters(t->model), .lr = 0.1);
}
static void layer(training *t)
{
    tr_backward(tr_mean(tr_pow(tr_sub(tr_forward(t->model, t->x), t->y), 2)));
    tr_step(t->optim);
    tr_zero_grad(t->optim);
}

/* ---- bootcamp: a minimum, and a module of one's own ---- */

static void quadratic_make(training *t)
{
    tr_tensor *x = parameter(t, tr_zeros(TR_SHAPE()));
    t->optim = tr_sgd(TR_TENSORS(x), .lr = 0.01);
}
static void quadratic(training *t)
{
    tr_tensor *x = t->parameter[0];
    tr_backward(tr_add(tr_sub(tr_pow(x, 2), tr_mul(3, x)), 1));
    tr_step(t->optim);
    tr_zero_grad(t->optim);
}

typedef struct {
    tr_tensor *w, *b;
} my_linear_model;

static tr_tensor *my_linear_forward(tr_module *m, tr_tensor *x)
{
    my_linear_model *self = tr_module_self(m);
    return tr_add(tr_mul(self->w, x), self->b);
}
static void module_make(training *t)
{
    line_data(t, 1);
    t->model = tr_module_new("MyLinearModel", my_linear_forward, sizeof(my_linear_model));
    my_linear_model *self = tr_module_self(t->model);
    self->w = tr_module_parameter(t->model, "w", tr_rand(TR_SHAPE(1)));
    self->b = tr_module_parameter(t->model, "b", tr_rand(TR_SHAPE(1)));
    parameters_of_model(t);
    t->optim = tr_sgd(tr_parameters(t->model), .lr = 0.01);
}
static void mse(training *t) /* and line_fit.c's order: gradients go first */
{
    tr_zero_grad(t->optim);
    tr_backward(tr_mse_loss(tr_forward(t->model, t->x), t->y));
    tr_step(t->optim);
}

/* ---- hidden_layer: least squares, and a layer of eleven neurons ---- */

static void squares_make(training *t)
{
    t->x = harness_there(tr_randn(TR_SHAPE(100, 50)));
    t->y = harness_there(tr_randn(TR_SHAPE(100)));
    parameter(t, tr_randn(TR_SHAPE(50)));
}
static void squares(training *t)
{
    tr_tensor *w = t->parameter[0], *loss = tr_mean(tr_pow(tr_sub(tr_matmul(t->x, w), t->y), 2));
    if (tr_grad(w)) tr_zero_(tr_grad(w));
    tr_backward(loss);
    tr_sub_(tr_detach(w), tr_mul(1e-1, tr_grad(w)));
}

static void hidden_make(training *t)
{
    t->x = harness_there(tr_randn(TR_SHAPE(100, 50)));
    t->y = harness_there(tr_randn(TR_SHAPE(100)));
    parameter(t, tr_randn(TR_SHAPE(50, 11)));
    parameter(t, tr_randn(TR_SHAPE(11)));
}
static void hidden(training *t)
{
    tr_tensor *W = t->parameter[0], *w = t->parameter[1];
    tr_tensor *loss = tr_mul(0.5, tr_mean(tr_pow(tr_sub(tr_matmul(tr_tanh(tr_matmul(t->x, W)), w), t->y), 2)));
    if (tr_grad(W)) tr_zero_(tr_grad(W));
    if (tr_grad(w)) tr_zero_(tr_grad(w));
    tr_backward(loss);
    tr_sub_(tr_detach(W), tr_mul(1e-1, tr_grad(W)));
    tr_sub_(tr_detach(w), tr_mul(1e-1, tr_grad(w)));
}

/* ---- line_fit: a module inside a module, and updates that are not tracked ---- */

static tr_tensor *lin_forward(tr_module *m, tr_tensor *x) { return tr_forward(tr_module_get_child(m, 0, NULL), x); }

static void lin_make(training *t)
{
    line_data(t, 1);
    t->model = tr_module_new("Lin", lin_forward, 0);
    tr_module_child(t->model, "net", tr_linear_layer(1, 1));
    parameters_of_model(t);
}
static void lin(training *t)
{
    tr_train(t->model, true);
    tr_module_zero_grad(t->model);
    tr_backward(tr_mse_loss(tr_forward(t->model, t->x), t->y));
    TR_NO_GRAD;
    for (int i = 0; i < t->count; i++) tr_sub_(t->parameter[i], tr_mul(0.005, tr_grad(t->parameter[i])));
}

/* ---- crop_yields: by hand, and with layers and a loader ---- */

static void crops_by_hand_make(training *t)
{
    t->x = harness_there(tr_mul(100, tr_rand(TR_SHAPE(5, 3))));
    t->y = harness_there(tr_mul(100, tr_rand(TR_SHAPE(5, 2))));
    parameter(t, tr_randn(TR_SHAPE(2, 3)));
    parameter(t, tr_randn(TR_SHAPE(2)));
}
static void crops_by_hand(training *t)
{
    tr_tensor *w = t->parameter[0], *b = t->parameter[1];
    tr_tensor *diff = tr_sub(tr_add(tr_matmul(t->x, tr_t(w)), b), t->y);
    tr_backward(tr_div(tr_sum(tr_mul(diff, diff)), tr_numel(diff)));
    TR_NO_GRAD;
    tr_sub_(w, tr_mul(tr_grad(w), 1e-5));
    tr_sub_(b, tr_mul(tr_grad(b), 1e-5));
    tr_zero_(tr_grad(w));
    tr_zero_(tr_grad(b));
}

static void crops_make(training *t)
{
    t->model = tr_linear_layer(3, 2);
    parameters_of_model(t);
    t->optim = tr_sgd(tr_parameters(t->model), .lr = 1e-5);
}
static void crops_batch(training *t)
{
    t->x = harness_there(tr_mul(100, tr_rand(TR_SHAPE(5, 3))));
    t->y = harness_there(tr_mul(100, tr_rand(TR_SHAPE(5, 2))));
}

/* ---- digits and mnist; the same in bfloat16, and with dropout, Adam and clipped gradients ---- */

static void digits_make(training *t)
{
    t->model = tr_sequential(tr_flatten_layer(), tr_linear_layer(784, 64), tr_relu_layer(), tr_linear_layer(64, 10));
    parameters_of_model(t);
    t->optim = tr_sgd(tr_parameters(t->model), .lr = 0.1, .momentum = 0.9);
}
static void digits_batch(training *t)
{
    t->x = harness_there(tr_rand(TR_SHAPE(32, 28, 28)));
    t->y = harness_there(tr_randint(0, 10, TR_SHAPE(32)));
}
static void digits(training *t)
{
    tr_backward(tr_cross_entropy(tr_forward(t->model, t->x), t->y));
    tr_step(t->optim);
    tr_zero_grad(t->optim);
}

static tr_tensor *loss_in_bfloat16(training *t)
{
    TR_AUTOCAST(TR_BFLOAT16);
    return tr_cross_entropy(tr_forward(t->model, t->x), t->y);
}
static void digits_in_bfloat16(training *t)
{
    tr_backward(loss_in_bfloat16(t));
    tr_step(t->optim);
    tr_zero_grad(t->optim);
}

static void dropout_make(training *t)
{
    t->model = tr_sequential(tr_flatten_layer(), tr_linear_layer(784, 64), tr_tanh_layer(), tr_dropout_layer(0.3), tr_linear_layer(64, 10));
    parameters_of_model(t);
    t->optim = tr_adam(tr_parameters(t->model), .lr = 0.001);
}
static void clipped(training *t)
{
    tr_backward(tr_cross_entropy(tr_forward(t->model, t->x), t->y));
    tr_clip_grad_norm(tr_parameters(t->model), 0.5);
    tr_step(t->optim);
    tr_zero_grad(t->optim);
}

static const struct {
    const char *name;
    void (*make)(training *t), (*step)(training *t);
    void (*batch)(training *t); /* NULL: the data stay */
    int alone;                  /* calls that a device does not do together with others, at most */
} examples[] = {
    {"basics, by hand", regression_make, regression, NULL, 0},
    {"basics, an optimiser", optimised_make, optimised, NULL, 0},
    {"basics, a layer", layer_make, layer, NULL, 0},
    {"bootcamp, a minimum", quadratic_make, quadratic, NULL, 0},
    {"bootcamp, a module", module_make, mse, NULL, 0},
    {"hidden_layer, least squares", squares_make, squares, NULL, 0},
    {"hidden_layer", hidden_make, hidden, NULL, 2},
    {"line_fit", lin_make, lin, NULL, 0},
    {"crop_yields, by hand", crops_by_hand_make, crops_by_hand, NULL, 0},
    {"crop_yields, a layer", crops_make, mse, crops_batch, 0},
    {"digits, mnist", digits_make, digits, digits_batch, 4},
    {"digits in bfloat16", digits_make, digits_in_bfloat16, digits_batch, 21},
    {"digits with dropout, Adam and clipping", dropout_make, clipped, digits_batch, 13},
};
enum { EXAMPLES = sizeof examples / sizeof *examples };

static void step(int example, training *t)
{
    TR_SCOPE;
    examples[example].step(t);
}

static void assert_same_bits(int example, int at, const training *run, const training *replayed)
{
    for (int i = 0; i < run->count; i++) {
        tr_tensor *a = tr_to_device(run->parameter[i], tr_cpu()), *b = tr_to_device(replayed->parameter[i], tr_cpu());
        if (memcmp(tr_data(a), tr_data(b), (size_t)(tr_numel(a) * tr_dtype_size(tr_dtype_of(a)))) != 0) fail_msg("%s: step %d: parameter %d", examples[example].name, at, i);
    }
}

/* Dropout's numbers are counted by each module: two of them made alike draw alike. */
static training made(int example)
{
    training t = {0};
    tr_manual_seed(11);
    examples[example].make(&t);
    return t;
}

TEST(every_example_replays_the_bits_of_running_it)
{
    for (int example = 0; example < EXAMPLES; example++) {
        TR_SCOPE;
        training run = made(example), replayed = made(example);
        tr_recording *recording = NULL;
        const double before = tr_item(tr_sum(run.parameter[0]));
        void (*batch)(training *) = examples[example].batch;
        const int steps = harness_device().type == TR_CPU ? STEPS : STEPS_THERE;
        for (int i = 0; i < WARM + 1 + steps; i++) {
            TR_SCOPE;
            if (batch) {
                tr_manual_seed((uint64_t)i); /* both see the same one */
                batch(&run);
                replayed.x = run.x, replayed.y = run.y;
            }
            step(example, &run);
            if (i < WARM) {
                step(example, &replayed);
            } else if (i == WARM) {
                assert_int_equal(tr_record(&recording, .inputs = batch ? TR_TENSORS(replayed.x, replayed.y) : (tr_tensors){0}), 0);
                tr_recording_keep(recording);
                step(example, &replayed);
                assert_int_equal(tr_record_end(), 0);
            } else {
                assert_int_equal(tr_replay(recording, .inputs = batch ? TR_TENSORS(replayed.x, replayed.y) : (tr_tensors){0}), 0);
            }
            assert_same_bits(example, i, &run, &replayed);
        }
        const double after = tr_item(tr_sum(run.parameter[0]));
        assert_true(isfinite(after) && after != before);
        const tr_recording_info info = tr_recording_info_of(recording);
        const bool captured = harness_device().type == TR_CUDA;
        assert_true(captured ? info.graphs > 0 : info.graphs == 0);
        if (captured && info.calls - info.joined > examples[example].alone) fail_msg("%s: %d calls of %d stand alone", examples[example].name, (int)(info.calls - info.joined), (int)info.calls);
        tr_recording_drop(recording);
    }
}
