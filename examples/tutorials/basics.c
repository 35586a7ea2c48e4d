/* The first steps, and a line fitted to noisy points in four ways: gradient descent by hand, with an optimiser, and with a
 * linear layer. */
#include "program.h"

static const char usage[] =
    "usage: basics [--device NAME] [--seed N] [--out DIR] [--text]\n"
    "  --device NAME   cpu, cuda, cuda:1 ...             (cuda if there is one, else cpu)\n"
    "  --seed N        of all random numbers             (0)\n"
    "  --out DIR       where the pictures go             (" PICTURES ")\n"
    "  --text          draw the pictures here as well\n";

enum { SMALL = 20,
       N = 100,
       EPOCHS = 1000 };

static tr_generator *numpy; /* numpy.random */

/* What Python would raise. */
static void print_runtime_error(const tr_error *error, void *data)
{
    (void)data;
    printf("RuntimeError: %s\n", error->message);
}

static void tensors(tr_tensor **x_out, tr_tensor **y_out)
{
    cell("0.1"); /* standard normally distributed vectors, and their inner product: double arrays are C's NumPy */
    double np_x[SMALL], np_y[SMALL], dot = 0;
    tr_numpy_randn(numpy, SMALL, np_x);
    tr_numpy_randn(numpy, SMALL, np_y);
    for (int i = 0; i < SMALL; i++) dot += np_x[i] * np_y[i];
    printf("%s\n", tr_number_string(tr_tensor_of(dot, .dtype = TR_FLOAT64)));

    cell("0.2");
    printf("'%s'\n", tr_version());

    cell("0.3");
    tr_tensor *x = tr_randn(TR_SHAPE(SMALL));
    tr_tensor *y = tr_randn(TR_SHAPE(SMALL));
    tr_print(tr_dot(x, y));

    cell("0.4"); /* a tensor over an array keeps its type */
    static double a[SMALL];
    tr_numpy_randn(numpy, SMALL, a);
    tr_tensor *from_numpy = tr_from_blob(a, TR_FLOAT64, TR_SHAPE(SMALL), NULL, NULL);
    tr_print(from_numpy);

    cell("0.5"); /* .float() */
    tr_print(tr_to(from_numpy, TR_FLOAT32));

    cell("0.6"); /* printed as NumPy does */
    tr_tensor *b = tr_randn(TR_SHAPE(SMALL));
    tr_print_numpy(b);

    cell("0.7"); /* only where there is a GPU */
    if (tr_cuda_is_available()) {
        x = tr_to_device(x, tr_cuda(0));
        y = tr_to_device(y, tr_cuda(0));
        tr_print(tr_dot(x, y));
    }

    cell("0.8"); /* back to the CPU: nothing is done where they are there already */
    x = tr_to_device(x, tr_cpu());
    y = tr_to_device(y, tr_cpu());

    cell("0.9");
    if (!device_given && tr_device_parse(tr_cuda_is_available() ? "cuda:0" : "cpu", &device) < 0) return;
    printf("%s\n", tr_device_name(device));
    *x_out = tr_to_device(x, device);
    *y_out = tr_to_device(y, device);
}

static void gradients(tr_tensor *x, tr_tensor *y)
{
    cell("0.10"); /* state that we want the gradients of x */
    tr_requires_grad_(x, true);

    cell("0.11"); /* the forward pass builds the graph */
    tr_tensor *z = tr_sum(tr_sub(x, y));
    printf("Output of the forward pass: %s\n", tr_number_string(z));

    cell("0.12"); /* the backward pass walks it */
    tr_backward(z);
    printf("Gradient information of x: %s\n", tr_to_string(tr_grad(x)));

    cell("0.13"); /* nobody asked for y's */
    printf("Gradient information of y: %s\n", tr_to_string(tr_grad(y)));

    cell("0.14"); /* once more: gradients add up */
    z = tr_sum(tr_sub(x, y));
    printf("Output of the forward pass: %s\n", tr_number_string(z));
    tr_backward(z);
    printf("Gradient information of x: %s\n", tr_to_string(tr_grad(x)));
    printf("Gradient information of y: %s\n", tr_to_string(tr_grad(y)));

    cell("0.15"); /* unless they are set to zero */
    tr_zero_(tr_grad(x));
    z = tr_sum(tr_sub(x, y));
    printf("Output of the forward pass: %s\n", tr_number_string(z));
    tr_backward(z);
    printf("Gradient information of x: %s\n", tr_to_string(tr_grad(x)));
    printf("Gradient information of y: %s\n", tr_to_string(tr_grad(y)));

    cell("0.16"); /* operations that are not tracked */
    {
        TR_NO_GRAD;
        tr_print(tr_sum(tr_sub(x, y)));
    }

    cell("0.17");
    tr_on_error(print_runtime_error, NULL);
    tr_print_numpy(x);
    tr_error_clear();
    tr_on_error(tr_error_to_stderr, NULL);

    cell("0.18");
    tr_print_numpy(tr_to_device(tr_detach(x), tr_cpu()));
}

/* y = theta_0 + theta_1 x + noise */
static const double theta_true[2] = {0.3, 0.1};
static double xt[N], yt[N];

/* A line from (0, theta0) to (1, theta0 + theta1) */
static void plot_line(tr_plot *plot, double theta0, double theta1, tr_mark mark, const char *colour, const char *legend)
{
    tr_plot_curve(plot, tr_tensor_of_list(0, 1), tr_tensor_of_list(theta0, theta0 + theta1), .mark = mark, .colour = colour, .legend = legend);
}

static tr_plot *plot_data(void)
{
    tr_plot *plot = tr_plot_new();
    tr_plot_add(plot, N, xt, yt, TR_POINTS, "data");
    plot_line(plot, theta_true[0], theta_true[1], TR_DASHED, "black", "true model");
    return plot;
}

static void plot_loss(const double *training_loss, const char *name)
{
    double epochs[EPOCHS];
    for (int i = 0; i < EPOCHS; i++) epochs[i] = i + 1;
    tr_plot *plot = tr_plot_new(.log_y = true, .xlabel = "number of iterations");
    tr_plot_add(plot, EPOCHS, epochs, training_loss, TR_POINTS, "training loss");
    show(plot, name);
}

static void plot_fit(double theta0, double theta1, const char *name)
{
    tr_plot *plot = plot_data();
    plot_line(plot, theta0, theta1, TR_LINE, "red", "estimated model");
    show(plot, name);
}

static void note_loss(double *training_loss, int i, tr_tensor *loss)
{
    training_loss[i] = tr_item(loss);
    if (i == 0 || (i + 1) % 100 == 0) printf("Epoch %4d: training loss % 9.6f\n", i + 1, training_loss[i]);
}

static void print_data(const char *name, double *data)
{
    tr_tensor *t = tr_from_blob(data, TR_FLOAT64, TR_SHAPE(N), NULL, NULL);
    const int some[] = {0, 1, 2, N - 1};
    for (int i = 0; i < 4; i++) printf("%s[%d] = %s\n", name, some[i], tr_number_string(tr_select(t, 0, some[i])));
    printf("sum %s\n", tr_number_string(tr_sum(t)));
}

static void by_hand(tr_tensor *X, tr_tensor *Y)
{
    cell("0.23"); /* the initial model parameters */
    tr_tensor *theta = tr_ones(TR_SHAPE(2, 1), .device = device, .requires_grad = true);
    tr_print(theta);

    cell("0.24"); /* the mean squared error */
    tr_tensor *loss = tr_mean(tr_pow(tr_sub(tr_mm(X, theta), Y), 2));
    tr_print(loss);

    cell("0.25");
    tr_backward(loss);
    tr_print(tr_grad(theta));

    cell("0.26"); /* a gradient descent step */
    {
        TR_NO_GRAD;
        tr_sub_(theta, tr_mul(0.1, tr_grad(theta)));
    }
    tr_print(theta);

    cell("0.27");
    tr_print(tr_zero_(tr_grad(theta)));

    cell("0.28"); /* and so a thousand times */
    theta = tr_ones(TR_SHAPE(2, 1), .device = device, .requires_grad = true);
    double training_loss[EPOCHS];
    for (int i = 0; i < EPOCHS; i++) {
        TR_SCOPE;
        loss = tr_mean(tr_pow(tr_sub(tr_mm(X, theta), Y), 2));
        note_loss(training_loss, i, loss);
        tr_backward(loss);
        TR_NO_GRAD;
        tr_sub_(theta, tr_mul(0.1, tr_grad(theta)));
        tr_zero_(tr_grad(theta));
    }

    cell("0.29");
    tr_print(theta);

    cell("0.30");
    plot_loss(training_loss, "basics_loss.png");

    cell("0.31");
    plot_fit(tr_get(theta, 0), tr_get(theta, 1), "basics_fit.png");
}

static void with_optimizer(tr_tensor *X, tr_tensor *Y)
{
    cell("0.32");
    tr_tensor *theta = tr_ones(TR_SHAPE(2, 1), .device = device, .requires_grad = true);
    tr_optim *optimizer = tr_sgd(TR_TENSORS(theta), .lr = 0.1);
    double training_loss[EPOCHS];
    for (int i = 0; i < EPOCHS; i++) {
        TR_SCOPE;
        tr_tensor *loss = tr_mean(tr_pow(tr_sub(tr_mm(X, theta), Y), 2));
        note_loss(training_loss, i, loss);
        tr_backward(loss);
        tr_step(optimizer);
        tr_zero_grad(optimizer);
    }
    plot_loss(training_loss, "basics_sgd_loss.png");
    plot_fit(tr_get(theta, 0), tr_get(theta, 1), "basics_sgd_fit.png");
}

static void with_linear_layer(tr_tensor *Y)
{
    cell("0.33");
    tr_module *affine = tr_linear_layer(1, 1);
    tr_tensors parameters = tr_parameters(affine);
    printf("[Parameter containing:\n ");
    print_inside(tr_to_string(parameters.tensor[0]));
    printf(",\n Parameter containing:\n ");
    print_inside(tr_to_string(parameters.tensor[1]));
    printf("]\n");

    cell("0.34"); /* .data: the same memory, outside the graph */
    printf("theta0: %s\n", tr_to_string(tr_detach(parameters.tensor[1])));
    printf("theta1: %s\n", tr_to_string(tr_detach(parameters.tensor[0])));

    cell("0.35"); /* no column of ones is needed */
    tr_tensor *X = tr_view(tr_to(tr_from_blob(xt, TR_FLOAT64, TR_SHAPE(N), NULL, NULL), TR_FLOAT32), TR_SHAPE(-1, 1));
    X = tr_to_device(X, device);
    if (tr_module_to(affine, device) < 0) return;
    tr_print(tr_forward(affine, X));

    cell("0.36");
    affine = tr_linear_layer(1, 1);
    if (tr_module_to(affine, device) < 0) return;
    parameters = tr_parameters(affine);
    tr_optim *optimizer = tr_sgd(parameters, .lr = 0.1);
    double training_loss[EPOCHS];
    for (int i = 0; i < EPOCHS; i++) {
        TR_SCOPE;
        tr_tensor *loss = tr_mean(tr_pow(tr_sub(tr_forward(affine, X), Y), 2));
        note_loss(training_loss, i, loss);
        tr_backward(loss);
        tr_step(optimizer);
        tr_zero_grad(optimizer);
    }

    cell("0.37");
    plot_loss(training_loss, "basics_linear_loss.png");
    plot_fit(tr_item(parameters.tensor[1]), tr_item(parameters.tensor[0]), "basics_linear_fit.png");
}

static void linear_regression(void)
{
    cell("0.19"); /* the data, as NumPy draws them after numpy.random.seed(1234) */
    tr_seed(numpy, 1234);
    double noise[N];
    tr_numpy_uniform(numpy, 0, 1, N, xt);
    tr_numpy_randn(numpy, N, noise);
    for (int i = 0; i < N; i++) yt[i] = theta_true[0] + theta_true[1] * xt[i] + 0.01 * noise[i];
    print_data("xt", xt);
    print_data("yt", yt);

    cell("0.20");
    show(plot_data(), "basics_data.png");

    cell("0.21"); /* the data matrix: a column of ones, a column of x */
    tr_tensor *x = tr_to(tr_from_blob(xt, TR_FLOAT64, TR_SHAPE(N), NULL, NULL), TR_FLOAT32);
    tr_tensor *X = tr_stack(TR_TENSORS(tr_ones(TR_SHAPE(N)), x), 1);
    print_size(X);

    cell("0.22");
    tr_tensor *Y = tr_view(tr_to(tr_from_blob(yt, TR_FLOAT64, TR_SHAPE(N), NULL, NULL), TR_FLOAT32), TR_SHAPE(-1, 1));
    print_size(Y);

    X = tr_to_device(X, device);
    Y = tr_to_device(Y, device);
    by_hand(X, Y);
    with_optimizer(X, Y);
    with_linear_layer(Y);
}

int main(int argc, char **argv)
{
    read_options(argc, argv, usage);
    tr_manual_seed(seed);
    numpy = tr_generator_new(TR_MT19937, seed);
    tr_tensor *x = NULL, *y = NULL;
    tensors(&x, &y);
    gradients(x, y);
    linear_regression();
    return tr_finish();
}
