/* Tensors, automatic differentiation, optimisers, modules and parameters, and a line fitted to noisy points. */
#include <complex.h>
#include "program.h"

static const char usage[] =
    "usage: bootcamp [--device NAME] [--seed N] [--out DIR] [--text]\n"
    "  --device NAME   cpu, cuda, cuda:1 ...             (cpu)\n"
    "  --seed N        of all random numbers             (0)\n"
    "  --out DIR       where the pictures go             (" PICTURES ")\n"
    "  --text          draw the pictures here as well\n";

/* print("name", tensor) */
static void print(const char *name, tr_tensor *t) { printf("%s %s\n", name, tr_to_string(t)); }

/* What Python would raise. */
static void print_error(const tr_error *error, void *data)
{
    (void)data;
    printf("RuntimeError: %s\n", error->message);
}

static void tensors(void)
{
    cell("1.1");
    tr_tensor *scalar = tr_tensor_of(42); /* watch the type - this is an integer, not a float */
    print("a =", scalar);
    scalar = tr_tensor_of(42, .dtype = TR_FLOAT32); /* explicitly enforce float type */
    print("a =", scalar);
    scalar = tr_tensor_of(42.); /* or infer from C's floating type */
    print("a =", scalar);

    cell("1.2");
    tr_tensor *vector = tr_tensor_of_list(1., 2., 3.);
    print("v =", vector);
    tr_tensor *matrix = tr_view(tr_tensor_of_list(1., 2., 3., 4., 5., 6.), TR_SHAPE(2, 3));
    print("M =", matrix);

    cell("1.3"); /* element by element */
    print("v + v =", tr_add(vector, vector));
    print("v * v =", tr_mul(vector, vector));

    cell("1.4"); /* broadcasting */
    print("a * v =", tr_mul(scalar, vector));
    print("M * v =", tr_mul(matrix, vector));

    cell("1.5"); /* matrix multiplication */
    print("v @ v =", tr_matmul(vector, vector));
    print("M @ v =", tr_matmul(matrix, vector));

    cell("1.6");
    print("v^2 =", tr_pow(vector, 2));
    print("exp(v) =", tr_exp(vector));
    print("sin(v) =", tr_sin(vector));

    cell("1.7");                                                       /* complex values */
    tr_tensor *cmplx = tr_to(tr_tensor_of_list(2., 3.), TR_COMPLEX64); /* explicitly enforce complex type */
    tr_print(cmplx);
    float complex values[] = {2 + 3 * I, 4 + 5 * I};
    cmplx = tr_from_data(values, TR_COMPLEX64, TR_SHAPE(2)); /* or from C's complex type */
    tr_print(cmplx);
}

static void gradients(void)
{
    cell("1.8");
    tr_tensor *w = tr_tensor_of(1., .requires_grad = true);
    tr_tensor *x = tr_add(w, 1);
    tr_tensor *y = tr_pow(x, 3);
    tr_tensor *z = tr_sin(y);
    print("w:", w);
    print("x:", x);
    print("y:", y);
    print("z:", z);

    cell("1.9");
    w = tr_tensor_of(1., .requires_grad = true);
    tr_backward(tr_sin(tr_pow(tr_add(w, 1), 3)));
    print("dz/dw evaluated at w=1:", tr_grad(w));

    cell("1.10"); /* inputs of any shape */
    tr_tensor *M = tr_requires_grad_(tr_to_device(tr_randn(TR_SHAPE(3, 3)), device), true);
    tr_tensor *v = tr_requires_grad_(tr_to_device(tr_randn(TR_SHAPE(3)), device), true);
    tr_backward(tr_sum(tr_matmul(M, v)));
    tr_print(tr_grad(M));
    tr_print(tr_grad(v));
}

/* Some things to keep in mind when using automatic differentiation */
static void to_keep_in_mind(void)
{
    cell("1.11"); /* gradients of intermediate tensors are not stored unless marked */
    tr_tensor *w = tr_tensor_of(1., .requires_grad = true);
    tr_tensor *x = tr_retain_grad(tr_add(w, 1));
    tr_tensor *y = tr_retain_grad(tr_pow(x, 3));
    tr_backward(tr_sin(y));
    print("x.grad:", tr_grad(x));
    print("y.grad:", tr_grad(y));
    print("w.grad:", tr_grad(w));

    cell("1.12"); /* the graph can be kept for a second time, and gradients add up */
    w = tr_tensor_of(1., .requires_grad = true);
    tr_tensor *z = tr_sin(tr_pow(tr_add(w, 1), 3));
    tr_backward(z, .retain_graph = true);
    tr_backward(z);
    print("w.grad:", tr_grad(w));
    tr_on_error(print_error, NULL);
    if (tr_backward(z) < 0) tr_error_clear();

    cell("1.13"); /* so they are zeroed explicitly */
    tr_zero_(tr_grad(w));
    print("w.grad:", tr_grad(w));
    tr_backward(tr_sin(tr_pow(tr_add(w, 1), 3)));
    print("w.grad:", tr_grad(w));

    cell("1.14"); /* not every operation supports gradients */
    x = tr_requires_grad_(tr_tensor_of_list(1., 3., 2.), true);
    tr_tensor *place = tr_argmax(x);
    printf("%s torch.%s requires_grad=%s\n", tr_to_string(place), tr_dtype_name(tr_dtype_of(place)), tr_requires_grad(place) ? "True" : "False");
    if (tr_backward(place) < 0) tr_error_clear();

    cell("1.15");                                           /* nor every change in place */
    if (!tr_add_(x, 3)) tr_error_clear();                   /* x += 3 */
    if (!tr_fill_(tr_select(x, 0, 2), 0)) tr_error_clear(); /* x[2] = 0 */
    y = tr_exp(x);                                          /* its derivative is y itself */
    tr_add_(y, 1);
    if (tr_backward(tr_sum(y)) < 0) tr_error_clear();
    tr_on_error(tr_error_to_stderr, NULL);
}

static void optimizers(void)
{
    enum { ITERATIONS = 500 };

    cell("1.16"); /* the minimum of f(x) = x^2 - 3x + 1 */
    tr_tensor *x = tr_tensor_of(0., .device = device, .requires_grad = true);
    tr_optim *optim = tr_sgd(TR_TENSORS(x), .lr = 0.01);
    double xs[ITERATIONS];
    for (int i = 0; i < ITERATIONS; i++) {
        TR_SCOPE;
        xs[i] = tr_item(x);
        tr_tensor *f = tr_add(tr_sub(tr_pow(x, 2), tr_mul(3, x)), 1); /* forward pass */
        if (i == 0) print("f =", f);
        tr_backward(f);      /* backward pass */
        tr_step(optim);      /* gradient descent step */
        tr_zero_grad(optim); /* reset the gradients */
    }
    const int some[] = {0, 1, 2, 10, 100, 499};
    for (int i = 0; i < 6; i++) printf("x_%d = %s\n", some[i], tr_number_string(tr_tensor_of(xs[some[i]], .dtype = TR_FLOAT64)));
    printf("x = %s\n", tr_number_string(x));

    cell("1.17");
    tr_plot *figure = tr_plot_new(.figsize = {4, 2}, .xlabel = "Iteration", .ylabel = "Estimate of x", .ylim = {-0.5, 2});
    tr_plot_add(figure, ITERATIONS, NULL, xs, TR_LINE, NULL);
    if (text) tr_plot_text(figure, stdout, 0, 0);
    const char *path = path_of("bootcamp_convergence.png");
    say(tr_plot_save(figure, path), path);
    tr_plot_free(figure);
}

/* class MyLinearModel(torch.nn.Module) */
typedef struct {
    tr_tensor *w, *b;
} my_linear_model;

static tr_tensor *my_linear_forward(tr_module *m, tr_tensor *x)
{
    my_linear_model *self = tr_module_self(m);
    return tr_add(tr_mul(self->w, x), self->b);
}

static tr_module *my_linear_new(void)
{
    tr_module *m = tr_module_new("MyLinearModel", my_linear_forward, sizeof(my_linear_model));
    my_linear_model *self = tr_module_self(m);
    if (!self) return NULL;
    /* initialize parameters randomly from a uniform distribution on the interval [-1, 1] */
    self->w = tr_module_parameter(m, "w", tr_sub(tr_mul(2, tr_rand(TR_SHAPE(1))), 1));
    self->b = tr_module_parameter(m, "b", tr_sub(tr_mul(2, tr_rand(TR_SHAPE(1))), 1));
    return m;
}

static void modules_and_parameters(void)
{
    enum { POINTS = 100,
           ITERATIONS = 2000 };

    cell("1.18");
    tr_module *model = my_linear_new();
    const char *name;
    tr_tensor *p;
    for (int64_t i = 0; tr_named_parameter(model, i, &name, &p); i++)
        printf("('%s', Parameter containing:\n%s)\n", name, tr_to_string(p));

    cell("1.19"); /* a noisy dataset along the line y = 2x + 1, and a linear model fitted to it */
    tr_tensor *x = tr_rand(TR_SHAPE(POINTS));
    tr_tensor *y = tr_add(tr_add(tr_mul(2, x), 1), tr_mul(0.3, tr_randn(TR_SHAPE(POINTS))));
    x = tr_to_device(x, device);
    y = tr_to_device(y, device);

    model = my_linear_new();
    if (tr_module_to(model, device) < 0) return;
    my_linear_model *line = tr_module_self(model);
    printf("Initial parameters:\nw = %s\nb = %s\n\n", tr_number_string(line->w), tr_number_string(line->b));

    tr_optim *optim = tr_sgd(tr_parameters(model), .lr = 0.01);
    double ws[ITERATIONS], bs[ITERATIONS];
    for (int i = 0; i < ITERATIONS; i++) {
        TR_SCOPE;
        ws[i] = tr_item(line->w);
        bs[i] = tr_item(line->b);
        tr_zero_grad(optim);
        tr_tensor *y_pred = tr_forward(model, x); /* forward pass */
        tr_tensor *loss = tr_mse_loss(y_pred, y);
        tr_backward(loss); /* backward pass */
        tr_step(optim);    /* gradient descent step */
    }
    printf("Parameters after fitting:\nw = %s\nb = %s\n", tr_number_string(tr_tensor_of(ws[ITERATIONS - 1], .dtype = TR_FLOAT64)), tr_number_string(tr_tensor_of(bs[ITERATIONS - 1], .dtype = TR_FLOAT64)));

    cell("1.20"); /* animate the fitting process */
    x = tr_to_device(x, tr_cpu());
    y = tr_to_device(y, tr_cpu());
    tr_animation *anim = tr_animation_new(.milliseconds = 50, .figsize = {6, 4});
    for (int i = 0; i < ITERATIONS; i += 10) {
        TR_SCOPE;
        char title[64];
        snprintf(title, sizeof title, "Estimated fit after %d iterations", i);
        tr_plot *frame = tr_animation_frame(anim, .title = title, .xlabel = "X", .ylabel = "Y");
        tr_plot_curve(frame, x, y, .mark = TR_POINTS);
        tr_plot_curve(frame, x, tr_add(tr_mul(ws[i], x), bs[i]), .colour = "red", .width = 2);
    }
    if (text) tr_animation_text(anim, stdout, 0, 0);
    const char *path = path_of("bootcamp_fit.gif");
    say(tr_animation_save(anim, path), path);
    tr_animation_free(anim);
}

int main(int argc, char **argv)
{
    read_options(argc, argv, usage);
    tr_manual_seed(seed);
    tensors();
    gradients();
    to_keep_in_mind();
    optimizers();
    modules_and_parameters();
    return tr_finish();
}
