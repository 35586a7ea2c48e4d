/* Products of matrices on one thread: the smallest, where a library's start costs more than the arithmetic; squares; and
 * those that a network of 784-512-512-10 makes of a batch of 128.  Best: multiply-adds that stay in registers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <trireme/trireme.h>
#include "bench.h"
#include "ceilings.h"

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

typedef struct {
    const product *p;
    tr_tensor *a, *b;
} work;

static void run(void *data, int64_t times)
{
    work *w = data;
    for (int64_t i = 0; i < times; i++) {
        TR_SCOPE;
        tr_matmul(w->a, w->b);
    }
}

static tr_tensor *factor(int64_t rows, int64_t columns, bool transposed, uint32_t seed)
{
    tr_tensor *t = transposed ? tr_empty(TR_SHAPE(columns, rows)) : tr_empty(TR_SHAPE(rows, columns));
    if (t) bench_fill(tr_data(t), rows * columns, seed);
    return transposed ? tr_t(t) : t;
}

/* y = t x in double precision, whatever t's strides. */
static void times_vector(tr_tensor *t, const double *x, double *y)
{
    const float *values = tr_data(t);
    for (int64_t i = 0; i < tr_size(t, 0); i++) {
        y[i] = 0;
        for (int64_t j = 0; j < tr_size(t, 1); j++) y[i] += (double)values[i * tr_stride(t, 0) + j * tr_stride(t, 1)] * x[j];
    }
}

/* (a b) v against a (b v): as good as comparing every element, and cheap.  Divided by what rounding may come to. */
static double error_of(void *data)
{
    TR_SCOPE;
    work *w = data;
    tr_tensor *c = tr_matmul(w->a, w->b);
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

int main(int argc, char **argv)
{
    bench_subject subject = {"matmul", "products m x k x n, one thread; N and T: how the factors lie", "us", "GFLOP/s", "2 m k n / time", "trireme", tr_version()};
    if (!bench_begin(argc, argv, subject)) return bench_end();
    tr_set_num_threads(1);
    double peak = ceiling_fma(1);
    printf("# best: %.1f GFLOP/s of multiply-adds at level %s\n", peak, ceiling_fma_level());
    for (size_t i = 0; i < sizeof products / sizeof *products; i++) {
        TR_SCOPE;
        const product *p = &products[i];
        char name[32], size[32];
        snprintf(name, sizeof name, "%s %s", p->name, p->form);
        snprintf(size, sizeof size, "%lldx%lldx%lld", (long long)p->m, (long long)p->k, (long long)p->n);
        if (!bench_wants(name, size)) continue;
        work w = {p, factor(p->m, p->k, p->form[0] == 'T', 1), factor(p->k, p->n, p->form[1] == 'T', 2)};
        bench_run((bench_case){name, size, .run = run, .check = error_of, .data = &w, .tolerance = 1e-5, .work = 2e-9 * (double)(p->m * p->k * p->n), .ceiling = peak});
    }
    int status = bench_end();
    return tr_finish() ? 1 : status;
}
