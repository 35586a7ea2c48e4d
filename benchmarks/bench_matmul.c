/* Products of matrices on one thread: the smallest, where a library's start costs more than the arithmetic; squares; and
 * those that a network of 784-512-512-10 makes of a batch of 128.  Best: multiply-adds that stay in registers; the rows
 * above show what is left of that where they are fed from the caches, as any product has to feed them.
 *
 * On a device the same, squares up to 8192 and what a network of 784-4096-4096-10 makes of a batch of 8192, in float32,
 * TF32 and bfloat16.  Best: cuBLASLt called directly, for the same numbers: a GPU is faster on zeros. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "ceilings.h"
#include "ceilings_device.h"
#include "on_device.h"

/* c (m, n) = a (m, k) b (k, n), where a T says that the factor lies transposed in memory. */
typedef struct {
    const char *name, *form;
    int64_t m, k, n;
} product;

static const product products[] = {
    {"regression", "NN", 100, 2, 1},
    {"regression dtheta", "TN", 2, 100, 1},
    {"outer", "NT", 100, 1, 2},
    {"outer", "NT", 100, 1, 11},
    {"hidden", "NN", 100, 50, 11},
    {"hidden dW", "TN", 50, 100, 11},
    {"hidden dX", "NT", 100, 11, 50},
    {"matrix vector", "NN", 100, 11, 1},
    {"matrix vector", "TN", 11, 100, 1},
    {"small", "NN", 5, 3, 2},
    {"square", "NN", 8, 8, 8},
    {"square", "NN", 16, 16, 16},
    {"square", "NN", 32, 32, 32},
    {"square", "NN", 64, 64, 64},
    {"square", "NN", 128, 128, 128},
    {"square", "NN", 512, 512, 512},
    {"square", "NN", 1024, 1024, 1024},
    {"forward 784-512", "NT", 128, 784, 512},
    {"dW 784-512", "TN", 512, 128, 784},
    {"forward 512-512", "NT", 128, 512, 512},
    {"dX 512-512", "NN", 128, 512, 512},
    {"dW 512-512", "TN", 512, 128, 512},
    {"forward 512-10", "NT", 128, 512, 10},
    {"dX 512-10", "NN", 128, 10, 512},
    {"dW 512-10", "TN", 10, 128, 512},
};

static const product large[] = {
    {"square", "NN", 2048, 2048, 2048},
    {"square", "NN", 4096, 4096, 4096},
    {"square", "NN", 8192, 8192, 8192},
    {"forward 784-4096", "NT", 8192, 784, 4096},
    {"forward 4096-4096", "NT", 8192, 4096, 4096},
    {"dX 4096-4096", "NN", 8192, 4096, 4096},
    {"dW 4096-4096", "TN", 4096, 8192, 4096},
};

typedef struct {
    const product *p;
    tr_tensor *a, *b, *c; /* c: NULL for the library's product */
} work;

static void run(void *data, int64_t times)
{
    work *w = data;
    for (int64_t i = 0; i < times; i++) {
        TR_SCOPE;
        tr_matmul(w->a, w->b);
    }
}

static tr_tensor *factor(int64_t rows, int64_t columns, bool transposed, uint32_t seed, tr_dtype type, tr_device device)
{
    tr_tensor *t = transposed ? tr_empty(TR_SHAPE(columns, rows)) : tr_empty(TR_SHAPE(rows, columns));
    if (t) bench_fill(tr_data(t), rows * columns, seed);
    t = tr_to_device(tr_to(t, type), device);
    return transposed ? tr_t(t) : t;
}

/* y = t x in double precision, whatever t's strides and type, and wherever it is. */
static void times_vector(tr_tensor *t, const double *x, double *y)
{
    TR_SCOPE;
    t = tr_clone(tr_to(bench_at_home(t), TR_FLOAT32)); /* row-major */
    const float *values = tr_data(t);
    for (int64_t i = 0; i < tr_size(t, 0); i++) {
        y[i] = values ? 0 : NAN;
        for (int64_t j = 0; values && j < tr_size(t, 1); j++) y[i] += (double)values[i * tr_size(t, 1) + j] * x[j];
    }
}

/* (a b) v against a (b v): as good as comparing every element, and cheap.  Divided by what rounding may come to. */
static double error_of(void *data)
{
    TR_SCOPE;
    work *w = data;
    tr_tensor *c = w->c ? w->c : tr_matmul(w->a, w->b);
    if (!c) return INFINITY;
    int64_t m = w->p->m, k = w->p->k, n = w->p->n;
    double *v = malloc(sizeof(double) * (size_t)(n + k + 2 * m)), largest = 0;
    if (!v) return INFINITY;
    double *bv = v + n, *abv = bv + k, *cv = abv + m;
    for (int64_t i = 0; i < n; i++) v[i] = cos((double)i);
    times_vector(w->b, v, bv);
    times_vector(w->a, bv, abv);
    times_vector(c, v, cv);
    for (int64_t i = 0; i < m; i++) {
        double error = fabs(cv[i] - abv[i]) / sqrt((double)(k * n));
        largest = bench_larger(largest, error);
    }
    free(v);
    return largest;
}

/* What cuBLASLt alone does of this product, if it does it right. */
static double direct(const work *w, const char *name, const char *size, double tolerance, tr_device device)
{
    TR_SCOPE;
    double fastest = 0;
    work alone = *w;
    alone.c = tr_empty(TR_SHAPE(w->p->m, w->p->n), .dtype = tr_dtype_of(w->a), .device = device);
    double first = alone.c ? ceiling_device_product(w->a, w->b, alone.c, &fastest) : 0;
    if (first == 0) return 0;
    double error = error_of(&alone);
    if (!(error <= tolerance)) {
        bench_wrong("cuBLASLt alone", size, error, tolerance);
        return 0;
    }
    if (fastest > 1.02 * first) printf("# %s %s: cuBLASLt's fastest of four is %.2f times as fast as its first\n", name, size, fastest / first);
    return first;
}

static void measure(const product *p, tr_dtype type, tr_precision precision, tr_device device, double peak)
{
    TR_SCOPE;
    TR_MATMUL_PRECISION(precision);
    char name[32], size[32];
    snprintf(name, sizeof name, "%s %s", p->name, p->form);
    snprintf(size, sizeof size, "%lldx%lldx%lld", (long long)p->m, (long long)p->k, (long long)p->n);
    if (!bench_wants(name, size)) return;
    const bool tf32 = precision == TR_PRECISION_HIGH;
    const double tolerance = tf32 ? 2e-3 : type == TR_FLOAT32 ? 1e-5
                                                              : 4e-3;
    work w = {p, factor(p->m, p->k, p->form[0] == 'T', 1, type, device), factor(p->k, p->n, p->form[1] == 'T', 2, type, device), NULL};
    if (bench_on_device()) peak = direct(&w, name, size, tolerance, device);
    bench_run((bench_case){name, size, tf32 ? "tf32" : tr_dtype_name(type), .run = run, .check = error_of, .data = &w, .tolerance = tolerance, .work = 2e-9 * (double)(p->m * p->k * p->n), .ceiling = peak});
}

/* What the processor does of multiply-adds alone, on one thread, as rows of the table: the time of as many as a product of
 * 512x512x512 has. */
static void show_ceilings(double peak)
{
    enum { KIB = 1024 };
    const struct {
        const char *size;
        double rate;
    } rows[] = {{"in registers", peak}, {"fed, 16 KiB", ceiling_fma_fed(16 * KIB)}, {"fed, 256 KiB", ceiling_fma_fed(256 * KIB)}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].rate == 0 || !bench_wants("multiply-adds", rows[i].size)) continue;
        const double gflop = 2e-9 * 512 * 512 * 512;
        double us = 1e6 * gflop / rows[i].rate;
        bench_report((bench_case){"multiply-adds", rows[i].size, .work = gflop, .ceiling = peak}, &us, 1, NAN);
    }
}

int main(int argc, char **argv)
{
    bench_subject subject = {"matmul", "products m x k x n, one thread or a device; N and T: how the factors lie", "us", "GFLOP/s", "2 m k n / time", "trireme", tr_version()};
    tr_device device = tr_cpu();
    if (!bench_begin_on(argc, argv, subject, &device)) return bench_end();
    tr_set_num_threads(1);
    double peak = bench_on_device() ? 0 : ceiling_fma(1);
    if (bench_on_device())
        printf("# best: cublasLtMatmul called directly, its first algorithm, 32 MiB of workspace\n");
    else
        printf("# best: %.1f GFLOP/s of multiply-adds at level %s\n", peak, ceiling_fma_level());
    if (!bench_on_device()) show_ceilings(peak);
    enum { PRODUCTS = sizeof products / sizeof *products,
           LARGE = sizeof large / sizeof *large };
    const int64_t most = bench_on_device() && bench_quick() ? 1 << 20 : INT64_MAX, others_from = bench_quick() ? 1 << 19 : 1 << 21;
    for (int i = 0; i < PRODUCTS + (bench_on_device() ? LARGE : 0); i++) {
        const product *p = i < PRODUCTS ? &products[i] : &large[i - PRODUCTS];
        const int64_t multiplications = p->m * p->k * p->n;
        if (multiplications > most) continue;
        measure(p, TR_FLOAT32, TR_PRECISION_HIGHEST, device, peak);
        if (!bench_on_device() || multiplications < others_from) continue;
        measure(p, TR_FLOAT32, TR_PRECISION_HIGH, device, peak);
        measure(p, TR_BFLOAT16, TR_PRECISION_HIGHEST, device, peak);
    }
    int status = bench_end();
    return tr_finish() ? 1 : status;
}
