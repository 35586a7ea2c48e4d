/* Gradients by backward, least squares by gradient descent, and a network with one hidden layer whose gradients are checked
 * against those derived by hand. */
#include "program.h"

static const char usage[] =
    "usage: hidden_layer [--device NAME] [--seed N] [--out DIR] [--text]\n"
    "  --device NAME   cpu, cuda, cuda:1 ...             (cpu)\n"
    "  --seed N        of all random numbers             (0)\n"
    "  --out DIR       where the pictures go             (" PICTURES ")\n"
    "  --text          draw the pictures here as well\n";

/* randn(...).requires_grad_() */
static tr_tensor *weights(tr_shape shape) { return tr_requires_grad_(tr_to_device(tr_randn(shape), device), true); }

static void plot_losses(const double *losses, int n, const char *name)
{
    printf("%d losses from %.6f to %.6f\n", n, losses[0], losses[n - 1]);
    tr_plot *plot = tr_plot_new(.title = "loss through epochs", .xlabel = "ep");
    tr_plot_add(plot, n, NULL, losses, TR_LINE, "loss");
    show(plot, name);
}

/* `found` against `expected`: all points lie on the diagonal, if they are the same. */
static void plot_against(tr_plot *plot, tr_tensor *expected, tr_tensor *found, const char *expected_name, const char *found_name)
{
    tr_tensor *ends = tr_stack(TR_TENSORS(tr_min(expected), tr_max(expected)), 0);
    tr_plot_curve(plot, ends, ends, .mark = TR_DOTTED, .legend = expected_name);
    tr_plot_curve(plot, expected, found, .mark = TR_POINTS, .legend = found_name);
}

/* y_pred of the patterns of either label */
static void plot_answers(tr_tensor *y_pred, tr_tensor *y, const char *name)
{
    tr_plot *plot = tr_plot_new();
    tr_plot_hist(plot, tr_masked_select(tr_detach(y_pred), tr_eq(y, -1)), .legend = "y = -1");
    tr_plot_hist(plot, tr_masked_select(tr_detach(y_pred), tr_eq(y, +1)), .legend = "y = +1");
    show(plot, name);
}

static void tensors_and_backward(void)
{
    cell("2.1"); /* set default type to float32 */
    if (tr_set_default_dtype(TR_FLOAT32) < 0) return;
    printf("torch.%s\n", tr_dtype_name(tr_dtype_of(tr_tensor_of(1.))));

    cell("2.2");
    tr_tensor *X = tr_tensor_of_list(0., 1., 2., 3., 4.);
    tr_print_numpy(X);

    cell("2.3");
    printf("min: %s\n", tr_number_string(tr_min(X)));
    printf("max: %s\n", tr_number_string(tr_max(X)));
    tr_print(tr_max(X));

    cell("2.4");
    tr_requires_grad_(X, true);
    tr_tensor *f = tr_sum(tr_pow(X, 2));
    tr_print(f);

    cell("2.5");
    tr_tensor *expected_grad = tr_mul(2., tr_detach(X));
    printf("the old way of computing a gradient: %s\n", tr_to_string(expected_grad));

    cell("2.6");
    tr_backward(f);
    printf("the pytorch way of computing a gradient: %s\n", tr_to_string(tr_grad(X)));
}

static void least_squares(void)
{
    enum { M = 100, /* number of input patterns */
           N = 10,  /* number of parameters */
           EPOCHS = 100 };

    cell("2.7");
    tr_tensor *X = tr_to_device(tr_randn(TR_SHAPE(M, N)), device); /* input data */
    tr_tensor *y = tr_to_device(tr_randn(TR_SHAPE(M)), device);    /* target data */
    tr_tensor *w = weights(TR_SHAPE(N));                           /* regression weights */
    double lr = 1e-1, losses[EPOCHS];
    for (int ep = 0; ep < EPOCHS; ep++) {
        TR_SCOPE;
        tr_tensor *y_pred = tr_matmul(X, w);                     /* compute predicted output */
        tr_tensor *loss = tr_mean(tr_pow(tr_sub(y_pred, y), 2)); /* compute loss */
        losses[ep] = tr_item(loss);                              /* record loss */
        if (tr_grad(w)) tr_zero_(tr_grad(w));                    /* zero grad */
        tr_backward(loss);                                       /* compute gradient */
        tr_sub_(tr_detach(w), tr_mul(lr, tr_grad(w)));           /* gradient descent step, on w.data */
    }
    plot_losses(losses, EPOCHS, "hidden_layer_least_squares.png");

    cell("2.8"); /* the optimal w, from the pseudo-inverse */
    tr_tensor *w_opt = tr_matmul(tr_inv(tr_matmul(tr_t(X), X)), tr_matmul(tr_t(X), y));
    tr_tensor *residual = tr_matmul(tr_t(X), tr_sub(tr_matmul(X, w_opt), y));
    printf("w_opt = %s\n", tr_to_string(w_opt));
    printf("residual of the normal equations: %.1e\n", tr_item(tr_max(tr_abs(residual))));
    printf("largest difference of w: %.1e\n", tr_item(tr_max(tr_abs(tr_sub(w_opt, tr_detach(w))))));
    tr_plot *plot = tr_plot_new();
    plot_against(plot, w_opt, tr_detach(w), "w opt", "w");
    show(plot, "hidden_layer_w.png");
}

static void hidden_layer(void)
{
    enum { N = 50,  /* input dimension */
           M = 100, /* number of input patterns */
           K = 11,  /* number of neurons in the hidden layer */
           EPOCHS = 5000 };

    tr_tensor *X = tr_to_device(tr_randn(TR_SHAPE(M, N)), device);

    cell("2.9"); /* random labels, -1 or +1 */
    tr_tensor *y = tr_sub(tr_mul(2., tr_to_device(tr_randint(0, 2, TR_SHAPE(M)), device)), 1);
    tr_print(y);

    cell("2.10");
    tr_tensor *W = weights(TR_SHAPE(N, K)); /* first layer weights */
    tr_tensor *w = weights(TR_SHAPE(K));    /* second layer (readout) weights */
    tr_print(w);

    cell("2.11");
    tr_tensor *h = tr_matmul(X, W);          /* compute preactivation */
    tr_tensor *phi_h = tr_tanh(h);           /* pass preactivation through nonlinearity */
    tr_tensor *y_pred = tr_matmul(phi_h, w); /* compute output */
    tr_print(y_pred);

    cell("2.12"); /* the gradients, derived by hand */
    tr_tensor *delta = tr_sub(y_pred, y);
    tr_tensor *loss = tr_mul(0.5, tr_mean(tr_pow(delta, 2)));
    tr_tensor *grad_W_expected, *grad_w_expected;
    {
        TR_NO_GRAD;
        tr_tensor *dphi_h = tr_sub(1., tr_pow(phi_h, 2)); /* derivative of tanh as a function of its output */
        grad_W_expected = tr_div(tr_matmul(tr_t(X), tr_mul(tr_outer(delta, w), dphi_h)), tr_size(X, 0));
        grad_w_expected = tr_mean(tr_mul(tr_unsqueeze(delta, 1), phi_h), TR_DIM(0));
    }
    tr_print(grad_w_expected);

    cell("2.13"); /* does backward compute the exact gradients? */
    tr_backward(loss);
    tr_tensor *grad_W_torch = tr_grad(W), *grad_w_torch = tr_grad(w);
    printf("grad w is%s OK\n", tr_allclose(grad_w_torch, grad_w_expected) == 1 ? "" : " not");
    printf("grad w is%s OK\n", tr_allclose(grad_W_torch, grad_W_expected) == 1 ? "" : " not");

    cell("2.14"); /* a final visual check */
    tr_figure *figure = tr_figure_new(1, 2, .figsize = {10, 4});
    plot_against(tr_figure_plot(figure, .title = "w", .xlabel = "W"), grad_w_expected, grad_w_torch, "expected", "torch");
    plot_against(tr_figure_plot(figure, .title = "W", .xlabel = "w"), grad_W_expected, grad_W_torch, "expected", "torch");
    if (text) tr_figure_text(figure, stdout, 0, 0);
    const char *path = path_of("hidden_layer_gradients.png");
    say(tr_figure_save(figure, path), path);
    tr_figure_free(figure);

    cell("2.15"); /* the untrained network's answers to either label */
    plot_answers(y_pred, y, "hidden_layer_untrained.png");

    cell("2.16"); /* let's train the network */
    double lr = 1e-1;
    static double losses[EPOCHS];
    for (int ep = 0; ep < EPOCHS; ep++) {
        TR_SCOPE;
        y_pred = tr_matmul(tr_tanh(tr_matmul(X, W)), w);
        loss = tr_mul(0.5, tr_mean(tr_pow(tr_sub(y_pred, y), 2)));
        losses[ep] = tr_item(loss);
        if (tr_grad(W)) tr_zero_(tr_grad(W));
        if (tr_grad(w)) tr_zero_(tr_grad(w));
        tr_backward(loss);
        tr_sub_(tr_detach(W), tr_mul(lr, tr_grad(W)));
        tr_sub_(tr_detach(w), tr_mul(lr, tr_grad(w)));
    }
    plot_losses(losses, EPOCHS, "hidden_layer_loss.png");
    plot_answers(tr_matmul(tr_tanh(tr_matmul(X, W)), w), y, "hidden_layer_trained.png"); /* what our network is doing now */
}

int main(int argc, char **argv)
{
    read_options(argc, argv, usage);
    tr_manual_seed(seed);
    tensors_and_backward();
    least_squares();
    hidden_layer();
    return tr_finish();
}
