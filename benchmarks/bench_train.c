/* Training throughput of a network of 784-512-512-10, on one thread and on two.  Best: the time of its products alone, if
 * they were made of multiply-adds that stay in registers.
 *
 * Two virtual cores are at times two halves of one: what two threads can do at best is measured right before each case. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ceilings.h"
#include "mlp.h"

static void run(void *data, int64_t times)
{
    for (int64_t i = 0; i < times; i++)
        if (mlp_step(data) < 0) return;
}

/* ---- the same in plain C and double precision, for the answer ---- */

enum { LAYERS = 3 };
static const int widths[LAYERS + 1] = {PIXELS, WIDTH, WIDTH, CLASSES};

typedef struct {
    double *w, *b, *vw, *vb; /* (out, in), (out), and their momenta */
    double *y, *dy;          /* (batch, out) */
} plain_layer;

/* n zeros, of the open scope. */
static double *numbers(int64_t n) { return tr_data(tr_zeros(TR_SHAPE(n), .dtype = TR_FLOAT64)); }

static void plain_step(plain_layer *l, const double *x, const int64_t *target, int batch, double lr, double momentum)
{
    for (int k = 0; k < LAYERS; k++) {
        const double *in = k ? l[k - 1].y : x;
        for (int s = 0; s < batch; s++)
            for (int o = 0; o < widths[k + 1]; o++) {
                double sum = l[k].b[o];
                for (int i = 0; i < widths[k]; i++) sum += in[s * widths[k] + i] * l[k].w[o * widths[k] + i];
                l[k].y[s * widths[k + 1] + o] = k < LAYERS - 1 && sum < 0 ? 0 : sum;
            }
    }
    for (int s = 0; s < batch; s++) { /* d(cross-entropy) = (softmax - one at the target) / batch */
        double *y = l[LAYERS - 1].y + s * CLASSES, sum = 0;
        for (int o = 0; o < CLASSES; o++) sum += exp(y[o]);
        for (int o = 0; o < CLASSES; o++) l[LAYERS - 1].dy[s * CLASSES + o] = (exp(y[o]) / sum - (o == target[s])) / batch;
    }
    for (int k = LAYERS - 1; k >= 0; k--) {
        const double *in = k ? l[k - 1].y : x;
        if (k) memset(l[k - 1].dy, 0, sizeof(double) * (size_t)(batch * widths[k]));
        for (int o = 0; o < widths[k + 1]; o++) {
            double *w = l[k].w + o * widths[k], *v = l[k].vw + o * widths[k], db = 0;
            for (int s = 0; k && s < batch; s++) {
                double dy = l[k].dy[s * widths[k + 1] + o];
                for (int i = 0; i < widths[k]; i++) l[k - 1].dy[s * widths[k] + i] += in[s * widths[k] + i] > 0 ? dy * w[i] : 0;
            }
            for (int i = 0; i < widths[k]; i++) v[i] *= momentum;
            for (int s = 0; s < batch; s++) {
                double dy = l[k].dy[s * widths[k + 1] + o];
                db += dy;
                for (int i = 0; i < widths[k]; i++) v[i] += dy * in[s * widths[k] + i];
            }
            for (int i = 0; i < widths[k]; i++) w[i] -= lr * v[i];
            l[k].vb[o] = momentum * l[k].vb[o] + db;
            l[k].b[o] -= lr * l[k].vb[o];
        }
    }
}

/* All weights after three steps with 16 samples.  They move by up to 1e-3: a momentum of 0.8 instead of 0.9 would be an
 * error of 2e-4. */
static double error_of(void *unused)
{
    (void)unused;
    TR_SCOPE;
    enum { BATCH = 16,
           STEPS = 3 };
    mlp m = mlp_new(BATCH);
    tr_tensors p = tr_parameters(m.model);
    plain_layer l[LAYERS];
    double *x = numbers(BATCH * PIXELS), largest = 0;
    int64_t target[BATCH];
    if (!x || tr_to_data(m.x, TR_FLOAT64, x) < 0 || tr_to_data(m.y, TR_INT64, target) < 0) return INFINITY;
    for (int k = 0; k < LAYERS; k++) {
        int64_t n = widths[k] * widths[k + 1];
        l[k] = (plain_layer){numbers(n), numbers(widths[k + 1]), numbers(n), numbers(widths[k + 1]), numbers(BATCH * widths[k + 1]), numbers(BATCH * widths[k + 1])};
        if (!l[k].w || !l[k].b || tr_to_data(p.tensor[2 * k], TR_FLOAT64, l[k].w) < 0 || tr_to_data(p.tensor[2 * k + 1], TR_FLOAT64, l[k].b) < 0) return INFINITY;
    }
    if (tr_error_stands()) return INFINITY; /* memory was missing */
    for (int step = 0; step < STEPS; step++) {
        if (mlp_step(&m) < 0) return INFINITY;
        plain_step(l, x, target, BATCH, 0.01, 0.9);
    }
    for (int k = 0; k < LAYERS; k++) {
        const float *w = tr_data(p.tensor[2 * k]);
        for (int64_t i = 0; i < (int64_t)widths[k] * widths[k + 1]; i++) largest = bench_larger(largest, fabs(w[i] - l[k].w[i]));
    }
    return largest;
}

int main(int argc, char **argv)
{
    bench_subject subject = {"train", "a step of 784-512-512-10, SGD with momentum; best: its products at the machine's peak", "ms", "samples/s", "batch / time", "trireme", tr_version()};
    if (!bench_begin(argc, argv, subject)) return bench_end();
    const int64_t batches[] = {64, 128, 1024};
    for (int threads = 1; threads <= 2; threads++) {
        if (threads > sysconf(_SC_NPROCESSORS_ONLN)) {
            printf("# %d threads: this machine has fewer\n", threads);
            break;
        }
        for (int i = 0; i < (bench_quick() ? 1 : 3); i++) {
            TR_SCOPE;
            char size[32];
            snprintf(size, sizeof size, "batch %lld", (long long)batches[i]);
            if (!bench_wants("mlp", size)) continue;
            double peak = ceiling_fma(threads);
            printf("# peak of %d thread%s now: %.1f GFLOP/s\n", threads, threads > 1 ? "s" : "", peak);
            tr_set_num_threads(threads);
            mlp m = mlp_new(batches[i]);
            bench_run((bench_case){"mlp", size, .threads = threads, .run = run, .check = error_of, .data = &m, .tolerance = 1e-6, .times = 1 + 1024 / batches[i], .work = (double)batches[i], .ceiling = 1e9 * peak / MLP_FLOP_PER_SAMPLE});
        }
    }
    int status = bench_end();
    return tr_finish() ? 1 : status;
}
