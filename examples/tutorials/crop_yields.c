/* Tensors, gradients, and a linear regression that predicts the yields of apples and oranges from temperature, rainfall
 * and humidity: first with a few tensor operations, then with datasets, loaders, layers and losses.
 *
 * Without --seed the random weights start where the tutorial's happened to start, so that its numbers come out again. */
#include "program.h"

static const char usage[] =
    "usage: crop_yields [--device NAME] [--seed N] [--out DIR] [--text]\n"
    "  --device NAME   cpu, cuda, cuda:1 ...                          (cpu)\n"
    "  --seed N        draw the weights from this seed                (the tutorial's own numbers)\n"
    "  --out DIR       where pictures go: this tutorial draws none\n"
    "  --text          pictures as text: likewise\n";

/* What Python would raise. */
static void print_value_error(const tr_error *error, void *data)
{
    (void)data;
    printf("ValueError: %s\n", error->message);
}

static tr_tensor *w, *b;

/* [4.13]  the model is a function: x @ w.t() + b */
static tr_tensor *model(tr_tensor *x) { return tr_add(tr_matmul(x, tr_t(w)), b); }

/* [4.14]  the mean squared error */
static tr_tensor *mse(tr_tensor *t1, tr_tensor *t2)
{
    tr_tensor *diff = tr_sub(t1, t2);
    return tr_div(tr_sum(tr_mul(diff, diff)), tr_numel(diff));
}

/* [4.16]  a small step downhill */
static void adjust_weights(void)
{
    TR_NO_GRAD;
    tr_sub_(w, tr_mul(tr_grad(w), 1e-5));
    tr_sub_(b, tr_mul(tr_grad(b), 1e-5));
}

/* [4.17]  gradients add up until they are set to zero */
static void reset_gradients(void)
{
    tr_zero_(tr_grad(w));
    tr_zero_(tr_grad(b));
}

static void tensors(void)
{
    cell("4.1"); /* a number */
    tr_tensor *t1 = tr_tensor_of(4.);
    tr_print(t1);
    printf("torch.%s\n", tr_dtype_name(tr_dtype_of(t1)));

    cell("4.2"); /* a vector, a matrix, three dimensions */
    tr_tensor *t2 = tr_tensor_of_list(1., 2., 3., 4.);
    tr_print(t2);
    float matrix[3][2] = {{5., 6}, {7, 8}, {9, 10}};
    tr_tensor *t3 = tr_from_data(matrix, TR_FLOAT32, TR_SHAPE(3, 2));
    tr_print(t3);
    float blocks[2][2][3] = {{{11, 12, 13}, {13, 14, 15}}, {{15, 16, 17}, {17, 18, 19.}}};
    tr_tensor *t4 = tr_from_data(blocks, TR_FLOAT32, TR_SHAPE(2, 2, 3));
    tr_print(t4);

    cell("4.3"); /* shapes */
    tr_tensor *all[] = {t1, t2, t3, t4};
    for (int i = 0; i < 4; i++) {
        tr_print(all[i]);
        print_size(all[i]);
    }

    cell("4.4"); /* rows of different lengths make no tensor */
    tr_on_error(print_value_error, NULL);
    tr_stack(TR_TENSORS(tr_tensor_of_list(5, 6, 11), tr_tensor_of_list(7, 8)), 0);
    tr_error_clear();
    tr_on_error(tr_error_to_stderr, NULL);
}

static void operations_and_gradients(void)
{
    cell("4.5");
    tr_tensor *x = tr_tensor_of(3.);
    w = tr_tensor_of(4., .requires_grad = true);
    b = tr_tensor_of(5., .requires_grad = true);
    printf("(%s, %s, %s)\n", tr_to_string(x), tr_to_string(w), tr_to_string(b));

    cell("4.6");
    tr_tensor *y = tr_add(tr_mul(w, x), b);
    tr_print(y);
    tr_backward(y);
    printf("dy/dx: %s\n", tr_to_string(tr_grad(x)));
    printf("dy/dw: %s\n", tr_to_string(tr_grad(w)));
    printf("dy/db: %s\n", tr_to_string(tr_grad(b)));
}

static void tensor_functions(void)
{
    cell("4.7"); /* C says the type that Python takes from the number */
    tr_tensor *t6 = tr_full(TR_SHAPE(3, 2), 42, .dtype = TR_INT64);
    tr_print(t6);

    cell("4.8");
    tr_tensor *t3 = tr_view(tr_tensor_of_list(5., 6, 7, 8, 9, 10), TR_SHAPE(3, 2));
    tr_tensor *t7 = tr_cat(TR_TENSORS(t3, t6), 0);
    tr_print(t7);

    cell("4.9");
    tr_print(tr_sin(t7));
    tr_tensor *t8 = tr_cos(t7);
    tr_print(t8);

    cell("4.10");
    tr_print(tr_reshape(t8, TR_SHAPE(3, 2, 2)));

    cell("4.11"); /* a C array is what NumPy's array is there: a tensor over it copies nothing */
    double x[2][2] = {{1, 2}, {3, 4.}};
    tr_tensor *y = tr_from_blob(x, TR_FLOAT64, TR_SHAPE(2, 2), NULL, NULL);
    tr_print_numpy(y);
    tr_print(y);
    printf("(dtype('%s'), torch.%s)\n", tr_dtype_name(TR_FLOAT64), tr_dtype_name(tr_dtype_of(y)));
    tr_print_numpy(y);
}

static void regression_by_hand(void)
{
    cell("4.12");
    float regions[5][3] = {{73, 67, 43}, {91, 88, 64}, {87, 134, 58}, {102, 43, 37}, {69, 96, 70}}; /* temp, rainfall, humidity */
    float yields[5][2] = {{56, 70}, {81, 101}, {119, 133}, {22, 37}, {103, 119}};                   /* apples, oranges */
    tr_tensor *inputs = tr_from_data(regions, TR_FLOAT32, TR_SHAPE(5, 3), .device = device);
    tr_tensor *targets = tr_from_data(yields, TR_FLOAT32, TR_SHAPE(5, 2), .device = device);
    tr_print(inputs);
    tr_print(targets);

    cell("4.13");
    w = tr_randn(TR_SHAPE(2, 3));
    b = tr_randn(TR_SHAPE(2));
    if (!seed_given) {
        tr_copy_(w, tr_view(tr_tensor_of_list(0.5121, 0.0860, -0.1805, 1.3327, -1.7127, 0.5562), TR_SHAPE(2, 3)));
        tr_copy_(b, tr_tensor_of_list(-0.5312, -1.3984));
    }
    w = tr_requires_grad_(tr_to_device(w, device), true);
    b = tr_requires_grad_(tr_to_device(b, device), true);
    tr_print(w);
    tr_print(b);
    tr_tensor *preds = model(inputs);
    tr_print(preds);
    tr_print(targets);

    cell("4.14");
    tr_tensor *loss = mse(preds, targets);
    tr_print(loss);

    cell("4.15");
    tr_backward(loss);
    tr_print(tr_grad(w));
    tr_print(w);

    cell("4.16"); /* preds are the old ones, and so is their loss */
    tr_print(tr_grad(w));
    adjust_weights();
    tr_print(mse(preds, targets));

    cell("4.17");
    reset_gradients();
    tr_print(tr_grad(w));
    tr_print(tr_grad(b));

    cell("4.18"); /* the same once more, step by step */
    preds = model(inputs);
    tr_print(preds);
    loss = mse(preds, targets);
    tr_print(loss);
    tr_backward(loss);
    tr_print(tr_grad(w));
    tr_print(tr_grad(b));
    adjust_weights();
    reset_gradients();
    tr_print(w);
    tr_print(b);

    cell("4.19"); /* and a hundred times */
    tr_print(mse(model(inputs), targets));
    for (int epoch = 0; epoch < 100; epoch++) {
        TR_SCOPE;
        tr_backward(mse(model(inputs), targets));
        adjust_weights();
        reset_gradients();
    }
    preds = model(inputs);
    tr_print(mse(preds, targets));
    tr_print(preds);
    tr_print(targets);
}

static void regression_with_built_ins(void)
{
    /* the inputs and targets again, ten rows more */
    float regions[15][3] = {{73, 67, 43}, {91, 88, 64}, {87, 134, 58}, {102, 43, 37}, {69, 96, 70}, {74, 66, 43}, {91, 87, 65}, {88, 134, 59}, {101, 44, 37}, {68, 96, 71}, {73, 66, 44}, {92, 87, 64}, {87, 135, 57}, {103, 43, 36}, {68, 97, 70}};
    float yields[15][2] = {{56, 70}, {81, 101}, {119, 133}, {22, 37}, {103, 119}, {57, 69}, {80, 102}, {118, 132}, {21, 38}, {104, 118}, {57, 69}, {82, 100}, {118, 134}, {20, 38}, {102, 120}};
    tr_tensor *inputs = tr_from_data(regions, TR_FLOAT32, TR_SHAPE(15, 3));
    tr_tensor *targets = tr_from_data(yields, TR_FLOAT32, TR_SHAPE(15, 2));

    cell("4.20"); /* a dataset gives pairs of rows: train_ds[0:3] */
    tr_dataset *train_ds = tr_dataset_tensors(inputs, targets);
    tr_loader *first_three = tr_loader_new(tr_dataset_part(train_ds, 0, 3), .batch_size = 3);
    tr_loader_start(first_three, 0);
    for (tr_batch rows; tr_loader_next(first_three, &rows);) {
        putchar('(');
        print_inside(tr_to_string(rows.input));
        printf(",\n ");
        print_inside(tr_to_string(rows.target));
        printf(")\n");
    }

    cell("4.21"); /* PyTorch's loader draws two numbers; the second one seeds the order */
    tr_random_u64(tr_default_generator());
    uint64_t order = tr_random_u64(tr_default_generator()) & INT64_MAX;
    tr_loader *train_dl = tr_loader_new(train_ds, .batch_size = 5, .shuffle = true, .seed = order);
    tr_loader_start(train_dl, 0);
    for (tr_batch batch; tr_loader_next(train_dl, &batch);) {
        tr_print(batch.input);
        tr_print(batch.target);
        break;
    }

    cell("4.22");
    tr_module *linear = tr_linear_layer(3, 2);
    tr_tensors parameters = tr_parameters(linear);
    tr_tensor *weight = parameters.tensor[0], *bias = parameters.tensor[1];
    if (!seed_given) {
        TR_NO_GRAD;
        tr_copy_(weight, tr_view(tr_tensor_of_list(0.4824, 0.0354, 0.5314, -0.3054, -0.4184, 0.3570), TR_SHAPE(2, 3)));
        tr_copy_(bias, tr_tensor_of_list(0.3742, -0.2385));
    }
    tr_module_to(linear, device);
    printf("Parameter containing:\n%s\n", tr_to_string(weight));
    printf("Parameter containing:\n%s\n", tr_to_string(bias));
    printf("[Parameter containing:\n ");
    print_inside(tr_to_string(weight));
    printf(",\n Parameter containing:\n ");
    print_inside(tr_to_string(bias));
    printf("]\n");

    cell("4.23");
    tr_tensor *preds = tr_forward(linear, tr_to_device(inputs, device));
    tr_print(preds);

    cell("4.24");
    tr_print(tr_mse_loss(preds, tr_to_device(targets, device)));

    cell("4.25"); /* the same data, read from a file: five columns, under a heading */
    tr_tensor *table = tr_load_csv(EXAMPLE_DIR "/crop_yields.csv", .skip_rows = 1);
    print_size(table);
    printf("%s\n", tr_allclose(tr_slice(table, 1, 0, 3, 1), tr_to(inputs, TR_FLOAT64)) == 1 ? "True" : "False");
}

int main(int argc, char **argv)
{
    read_options(argc, argv, usage);
    tr_manual_seed(seed);
    tensors();
    operations_and_gradients();
    tensor_functions();
    regression_by_hand();
    regression_with_built_ins();
    return tr_finish();
}
