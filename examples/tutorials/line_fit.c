/* Tensors and NumPy arrays share memory, a gradient checked by hand, and a module of its own fitted to a line. */
#include "program.h"

static const char usage[] =
    "usage: line_fit [--device NAME] [--seed N] [--out DIR] [--text]\n"
    "  --device NAME   cpu, cuda, cuda:1 ...             (cpu)\n"
    "  --seed N        of all random numbers             (0)\n"
    "  --out DIR       where the pictures go             (" PICTURES ")\n"
    "  --text          draw the pictures here as well\n";

enum { N = 100,
       EPOCHS = 5000 };

static void sharing_memory(void)
{
    cell("3.1"); /* an array, a tensor over it, and the tensor's memory as an array: one and the same */
    double a[] = {1.0, 2.0};
    tr_tensor *b = tr_from_blob(a, TR_FLOAT64, TR_SHAPE(2), NULL, NULL);
    double *c = tr_data(b);
    tr_fill_(tr_select(b, 0, 0), 7);
    tr_print(b);
    tr_print_numpy(tr_from_blob(a, TR_FLOAT64, TR_SHAPE(2), NULL, NULL));
    c[1] = 8;
    tr_print(b);
}

static void gradient_of_sigmoid(void)
{
    cell("3.2");
    tr_tensor *t = tr_tensor_of_list(0.8762);
    tr_print(t); /* not considered for gradient computations */
    tr_requires_grad_(t, true);
    tr_print(t); /* now it is */

    cell("3.3"); /* the gradient by backward, and by hand */
    tr_backward(tr_sigmoid(t));
    tr_tensor *manual_grad = tr_mul(tr_sigmoid(t), tr_sub(1, tr_sigmoid(t)));
    printf("torch grad:  %s", tr_number_string(tr_grad(t)));
    printf("  manual gradient:  %s\n", tr_number_string(manual_grad));
}

/* class Lin(nn.Module): one linear layer, called net */
static tr_tensor *lin_forward(tr_module *m, tr_tensor *x)
{
    return tr_forward(tr_module_get_child(m, 0, NULL), x);
}

static tr_module *lin_new(void)
{
    tr_module *m = tr_module_new("Lin", lin_forward, 0);
    tr_module_child(m, "net", tr_linear_layer(1, 1));
    return m;
}

static void linear_model(void)
{
    cell("3.4"); /* the data, first as arrays */
    double x[N], y_noise_free[N], y[N], noise[N];
    tr_tensor *steps = tr_linspace(-1, 1, N, .dtype = TR_FLOAT64);
    if (tr_to_data(steps, TR_FLOAT64, x) < 0) return;
    tr_print_numpy(steps);
    tr_generator *numpy = tr_generator_new(TR_MT19937, seed);
    tr_numpy_randn(numpy, N, noise);
    for (int i = 0; i < N; i++) {
        y_noise_free[i] = 4 * x[i] + 5 + 0.5;
        y[i] = y_noise_free[i] + 0.5 * noise[i];
    }

    cell("3.5"); /* then as tensors of two dimensions */
    tr_tensor *X_train = tr_unsqueeze(tr_from_data(x, TR_FLOAT64, TR_SHAPE(N), .dtype = TR_FLOAT32, .device = device), 1);
    tr_tensor *y_train = tr_unsqueeze(tr_from_data(y, TR_FLOAT64, TR_SHAPE(N), .dtype = TR_FLOAT32, .device = device), 1);
    print_size(X_train);
    print_size(y_train);

    cell("3.6");
    tr_module *model = lin_new();
    if (tr_module_to(model, device) < 0) return;
    printf("%s\n", tr_module_to_string(model));

    cell("3.7");
    printf("Start training: \n");

    cell("3.8");
    tr_tensors parameters = tr_parameters(model);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        TR_SCOPE;
        tr_train(model, true);                           /* model computations are for training now */
        tr_module_zero_grad(model);                      /* clear accumulated gradients */
        tr_tensor *outputs = tr_forward(model, X_train); /* predict values ... */
        tr_tensor *loss = tr_mse_loss(outputs, y_train); /* ... so we can compute the loss */
        tr_backward(loss);
        {
            TR_NO_GRAD; /* the update is not to be tracked */
            for (int64_t i = 0; i < parameters.count; i++)
                tr_sub_(parameters.tensor[i], tr_mul(0.005, tr_grad(parameters.tensor[i])));
        }
        if ((epoch + 1) % 500 == 0) printf("Epoch %d/5000 - Loss: %.4f\n", epoch + 1, tr_item(loss));
    }

    cell("3.9");
    tr_train(model, false); /* eval mode */
    TR_NO_GRAD;
    double outputs[N];
    if (tr_to_data(tr_select(tr_forward(model, X_train), 1, 0), TR_FLOAT64, outputs) < 0) return;
    tr_plot *plot = tr_plot_new();
    tr_plot_add(plot, N, x, y, TR_POINTS, "noise data");
    tr_plot_add(plot, N, x, y_noise_free, TR_POINTS, "true (noise-free)");
    tr_plot_add(plot, N, x, outputs, TR_POINTS, "predicted");
    show(plot, "line_fit.png");
}

int main(int argc, char **argv)
{
    read_options(argc, argv, usage);
    tr_manual_seed(seed);
    sharing_memory();
    gradient_of_sigmoid();
    linear_model();
    return tr_finish();
}
