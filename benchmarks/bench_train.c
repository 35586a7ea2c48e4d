/* Training throughput of a network of 784-512-512-10, on one thread and on two, as written and replayed.  Best: the time of
 * its products alone, if they were made of multiply-adds that stay in registers.
 *
 * Two virtual cores are at times two halves of one: what two threads can do at best is measured right before each case.
 *
 * On a device the same network, that of examples/digits, and one of 784-4096-4096-10 with its products in bfloat16.  Best: the
 * products at the speed of cuBLASLt's largest square. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ceilings.h"
#include "ceilings_device.h"
#include "mlp.h"
#include "on_device.h"

typedef struct {
    mlp m;
    bool replays;
    tr_recording *recording;
} training;

static int step(training *t)
{
    if (!t->replays) return mlp_step(&t->m);
    if (t->recording) return tr_replay(t->recording);
    if (tr_record(&t->recording) < 0) return -1;
    return mlp_step(&t->m) < 0 ? (void)tr_record_end(), -1 : tr_record_end();
}

static void run(void *data, int64_t times)
{
    for (int64_t i = 0; i < times; i++)
        if (step(data) < 0) return;
}

/* ---- the same in plain C and double precision, for the answer ---- */

typedef struct {
    double *w, *b, *vw, *vb; /* (out, in), (out), and their momenta */
    double *y, *dy;          /* (batch, out) */
    double *first;           /* w before the first step */
} plain_layer;

/* n zeros, of the open scope. */
static double *numbers(int64_t n) { return tr_data(tr_zeros(TR_SHAPE(n), .dtype = TR_FLOAT64)); }

static void plain_step(const mlp_network *n, plain_layer *l, const double *x, const int64_t *target, int batch, double lr, double momentum)
{
    const int *widths = n->width, last = n->layers - 1, classes = widths[n->layers];
    for (int k = 0; k <= last; k++) {
        const double *in = k ? l[k - 1].y : x;
        for (int s = 0; s < batch; s++)
            for (int o = 0; o < widths[k + 1]; o++) {
                double sum = l[k].b[o];
                for (int i = 0; i < widths[k]; i++) sum += in[s * widths[k] + i] * l[k].w[o * widths[k] + i];
                l[k].y[s * widths[k + 1] + o] = k < last && sum < 0 ? 0 : sum;
            }
    }
    for (int s = 0; s < batch; s++) { /* d(cross-entropy) = (softmax - one at the target) / batch */
        double *y = l[last].y + s * classes, sum = 0;
        for (int o = 0; o < classes; o++) sum += exp(y[o]);
        for (int o = 0; o < classes; o++) l[last].dy[s * classes + o] = (exp(y[o]) / sum - (o == target[s])) / batch;
    }
    for (int k = last; k >= 0; k--) {
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

/* A layer of these weights.  0, or -1 with an error standing. */
static int plain_layer_like(plain_layer *l, tr_tensor *weight, tr_tensor *bias, int64_t batch)
{
    const int64_t out = tr_size(weight, 0), count = tr_numel(weight);
    *l = (plain_layer){numbers(count), numbers(out), numbers(count), numbers(out), numbers(batch * out), numbers(batch * out), numbers(count)};
    if (!l->w || !l->b || !l->vw || !l->vb || !l->y || !l->dy || !l->first) return -1;
    return tr_to_data(weight, TR_FLOAT64, l->w) < 0 || tr_to_data(weight, TR_FLOAT64, l->first) < 0 || tr_to_data(bias, TR_FLOAT64, l->b) < 0 ? -1 : 0;
}

/* How far the weights are from those of plain C after three steps with a few samples, as a part of how far they moved.  A
 * momentum of 0.8 instead of 0.9 would be an error of 0.07; products in bfloat16 are one of 0.004 in a narrow network and of
 * 0.03 in one 4096 wide. */
static double error_of(void *data)
{
    TR_SCOPE;
    enum { STEPS = 3,
           MOST_BATCH = 16,
           WIDE = 1024 };
    const training *asked = data;
    const mlp_network n = *asked->m.network;
    assert(n.layers > 0);
    const int batch = n.width[1] > WIDE ? MOST_BATCH / 4 : MOST_BATCH;
    training t = {.m = mlp_new_on(asked->m.network, batch, asked->m.narrow, tr_device_of(asked->m.x)), .replays = asked->replays};
    tr_tensors p = tr_parameters(t.m.model);
    plain_layer l[MOST_LAYERS] = {0};
    double *x = numbers(batch * n.width[0]), wrong = 0, moved = 0;
    int64_t target[MOST_BATCH];
    if (!x || tr_to_data(t.m.x, TR_FLOAT64, x) < 0 || tr_to_data(t.m.y, TR_INT64, target) < 0) return INFINITY;
    for (int k = 0; k < n.layers; k++)
        if (plain_layer_like(&l[k], p.tensor[2 * k], p.tensor[2 * k + 1], batch) < 0) return INFINITY;
    for (int i = 0; i < STEPS; i++) {
        if (step(&t) < 0) return INFINITY;
        plain_step(&n, l, x, target, batch, 0.01, 0.9);
    }
    for (int k = 0; k < n.layers; k++) {
        const int64_t count = (int64_t)n.width[k] * n.width[k + 1];
        double *w = numbers(count);
        if (!w || tr_to_data(p.tensor[2 * k], TR_FLOAT64, w) < 0) return INFINITY;
        for (int64_t i = 0; i < count; i++) {
            wrong += (w[i] - l[k].w[i]) * (w[i] - l[k].w[i]);
            moved += (l[k].w[i] - l[k].first[i]) * (l[k].w[i] - l[k].first[i]);
        }
    }
    return sqrt(wrong / moved);
}

/* ---- the cases ---- */

static void on_threads(int threads, int64_t batch, bool replays)
{
    TR_SCOPE;
    char size[32];
    const char *name = replays ? "mlp, replayed" : "mlp";
    snprintf(size, sizeof size, "batch %lld", (long long)batch);
    if (!bench_wants(name, size)) return;
    double peak = ceiling_fma(threads);
    printf("# peak of %d thread%s now: %.1f GFLOP/s; of one, fed from the caches: %.1f\n", threads, threads > 1 ? "s" : "", peak, ceiling_fma_fed(256 << 10));
    tr_set_num_threads(threads);
    training t = {.m = mlp_new(batch), .replays = replays};
    bench_run((bench_case){name, size, .threads = threads, .run = run, .check = error_of, .data = &t, .tolerance = 1e-3, .times = 1 + 1024 / batch, .work = (double)batch, .ceiling = 1e9 * peak / mlp_flop_per_sample(&mlp_usual)});
}

static void on_cpu(void)
{
    const int64_t batches[] = {64, 128, 1024};
    for (int threads = 1; threads <= 2; threads++) {
        if (threads > sysconf(_SC_NPROCESSORS_ONLN)) {
            printf("# %d threads: this machine has fewer\n", threads);
            break;
        }
        for (int i = 0; i < (bench_quick() ? 1 : 3); i++)
            for (int replays = 0; replays < 2; replays++) on_threads(threads, batches[i], replays);
    }
}

/* 1e9 operations a second of cuBLASLt's product of the largest squares of this type; 0: unknown. */
static double device_peak(tr_dtype type, tr_device device)
{
    TR_SCOPE;
    const int64_t n = bench_quick() ? 64 : 8192;
    double fastest = 0;
    tr_tensor *square = tr_empty(TR_SHAPE(n, n));
    if (!square) return 0;
    bench_fill(tr_data(square), n * n, 1);
    square = tr_to_device(tr_to(square, type), device);
    tr_tensor *product = tr_empty_like(square);
    return product ? ceiling_device_product(square, square, product, &fastest) : 0;
}

static void on_device(tr_device device)
{
    static const mlp_network digits = {"digits", 2, {64, 256, CLASSES}}, wide = {"wide mlp", 3, {PIXELS, 4096, 4096, CLASSES}},
                             little = {"wide mlp", 3, {20, 32, 32, CLASSES}};
    const struct {
        const mlp_network *network;
        int64_t batch;
        tr_dtype type;
    } cases[] = {
        {&digits, 64, TR_FLOAT32},
        {&mlp_usual, 64, TR_FLOAT32},
        {&mlp_usual, 128, TR_FLOAT32},
        {&mlp_usual, 1024, TR_FLOAT32},
        {bench_quick() ? &little : &wide, bench_quick() ? 64 : 8192, TR_BFLOAT16},
    };
    const double peak[] = {device_peak(TR_FLOAT32, device), device_peak(TR_BFLOAT16, device)};
    printf("# products of the largest squares by cuBLASLt: %.0f GFLOP/s in float32, %.0f in bfloat16\n", peak[0], peak[1]);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (bench_quick() && cases[i].network == &mlp_usual) continue;
        for (int replays = 0; replays < 2; replays++) {
            TR_SCOPE;
            char name[32], size[32];
            const mlp_network *n = cases[i].network;
            const bool narrow = cases[i].type == TR_BFLOAT16;
            snprintf(name, sizeof name, "%s%s", n->name, replays ? ", replayed" : "");
            snprintf(size, sizeof size, "batch %lld", (long long)cases[i].batch);
            if (!bench_wants(name, size)) continue;
            training t = {.m = mlp_new_on(n, cases[i].batch, narrow ? TR_BFLOAT16 : TR_DEFAULT_DTYPE, device), .replays = replays};
            bench_run((bench_case){name, size, tr_dtype_name(cases[i].type), .run = run, .check = error_of, .data = &t, .tolerance = narrow ? 5e-2 : 1e-3, .work = (double)cases[i].batch, .ceiling = 1e9 * peak[narrow] / mlp_flop_per_sample(n)});
        }
    }
}

int main(int argc, char **argv)
{
    bench_subject subject = {"train", "a training step, SGD with momentum; best: its products at the machine's peak", "ms", "samples/s", "batch / time", "trireme", tr_version()};
    tr_device device = tr_cpu();
    if (!bench_begin_on(argc, argv, subject, &device)) return bench_end();
    if (bench_on_device())
        on_device(device);
    else
        on_cpu();
    int status = bench_end();
    return tr_finish() ? 1 : status;
}
