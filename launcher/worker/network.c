#include "launcher/worker/worker.h"

#include <errno.h>
#include <time.h>

enum { PIXELS = 784,
       WIDTH = 512,
       CLASSES = 10,
       LAYERS = 41, /* of the simulated one, 64 KiB each: as many bytes as the real one has */
       LAYER_WIDTH = 128 };

/* ---- a device's work ---- */

/* A third of it is forward; backward finishes one gradient after the other.  Times count from the step's beginning: a device
 * works on while the process sends gradients off. */
void network_works_until(const network *n, double part)
{
    double until = n->begin_s + part * n->compute_s;
    struct timespec t = {.tv_sec = (time_t)until, .tv_nsec = (long)(1e9 * (until - (double)(time_t)until))};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {}
}

double network_finishes(const network *n, int gradient) { return (1 + 2.0 * (gradient + 1) / n->gradients) / 3; }

/* Called before the ranks' own, which sends it off. */
static void gradient_done(tr_tensor *parameter, void *data)
{
    network *n = data;
    if (n->finished == NETWORK_GRADIENTS) return;
    n->bytes[n->finished] = tr_numel(parameter) * tr_dtype_size(tr_dtype_of(parameter));
    if (n->compute_s > 0) network_works_until(n, network_finishes(n, n->finished));
    n->ready_s[n->finished++] = worker_now() - n->begin_s;
}

/* ---- networks ---- */

static tr_module *chain(void)
{
    tr_module *layer[LAYERS];
    for (int i = 0; i < LAYERS; i++) layer[i] = tr_linear_layer(LAYER_WIDTH, LAYER_WIDTH, .bias_off = true);
    return tr_sequential_of(layer, LAYERS);
}

int network_make(network *n, const worker_wish *wish, bool together)
{
    *n = (network){.compute_s = wish->compute_s};
    tr_manual_seed(1);
    if (n->compute_s > 0) {
        n->model = chain();
        n->x = tr_rand(TR_SHAPE(1, LAYER_WIDTH));
    } else {
        n->model = tr_sequential(tr_linear_layer(PIXELS, WIDTH), tr_relu_layer(), tr_linear_layer(WIDTH, WIDTH), tr_relu_layer(), tr_linear_layer(WIDTH, CLASSES));
        n->x = tr_rand(TR_SHAPE(wish->samples, PIXELS));
        n->y = tr_randint(0, CLASSES, TR_SHAPE(wish->samples));
    }
    tr_tensors all = tr_parameters(n->model);
    n->gradients = (int)all.count;
    for (int64_t i = 0; i < all.count; i++)
        if (tr_on_grad(all.tensor[i], gradient_done, n) < 0) return -1;
    if (together) n->model = tr_data_parallel(n->model, .bucket_bytes = wish->bucket_bytes, .first_bucket_bytes = wish->bucket_bytes);
    n->sgd = tr_sgd(tr_parameters(n->model), .lr = 1e-4, .momentum = 0.9);
    return n->sgd && n->model ? 0 : -1;
}

int network_step(network *n)
{
    TR_SCOPE;
    n->begin_s = worker_now();
    n->finished = 0;
    tr_tensor *out = tr_forward(n->model, n->x);
    tr_tensor *loss = n->y ? tr_cross_entropy(out, n->y) : tr_mean(out);
    if (n->compute_s > 0) network_works_until(n, network_finishes(n, -1));
    if (tr_backward(loss) < 0) return -1;
    n->backward_s = worker_now() - n->begin_s;
    if (tr_step(n->sgd) < 0) return -1;
    tr_zero_grad(n->sgd);
    return 0;
}
