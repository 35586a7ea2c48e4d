/* Pointwise operations, reductions, softmax and copies on one thread, from the first cache level to memory, or on a device
 * up to 1 GiB, each giving a new tensor, beside the bandwidth of copying an array of that size. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include "ceilings.h"
#include "ceilings_device.h"
#include "on_device.h"

enum { ROW = 1024 }; /* softmax's */

static tr_tensor *other; /* like x, for what takes two */
static tr_tensor *halves[2];

static tr_tensor *op_exp(tr_tensor *x) { return tr_exp(x); }
static tr_tensor *op_tanh(tr_tensor *x) { return tr_tanh(x); }
static tr_tensor *op_sin(tr_tensor *x) { return tr_sin(x); }
static tr_tensor *op_log(tr_tensor *x) { return tr_log(x); }
static tr_tensor *op_relu(tr_tensor *x) { return tr_relu(x); }
static tr_tensor *op_add(tr_tensor *x) { return tr_add(x, x); }
static tr_tensor *op_add_two(tr_tensor *x) { return tr_add(x, other); }
static tr_tensor *op_copy(tr_tensor *x) { return tr_clone(x); }
static tr_tensor *op_cat(tr_tensor *x)
{
    (void)x;
    return tr_cat(TR_TENSORS(halves[0], halves[1]), 0);
}
static tr_tensor *op_softmax(tr_tensor *x) { return tr_softmax(x, 1); }
static tr_tensor *op_sum(tr_tensor *x) { return tr_sum(x); }
static tr_tensor *op_mean(tr_tensor *x) { return tr_mean(x); }

static double relu(double x) { return x > 0 ? x : 0; }
static double twice(double x) { return x + x; }
static double same(double x) { return x; }

typedef struct {
    const char *name;
    tr_tensor *(*op)(tr_tensor *x);
    double (*value)(double x); /* of a pointwise one; NULL: see reference() */
    double from, to;           /* where x lies */
    int bytes;                 /* read and written for each element of x */
} operation;

static const operation operations[] = {
    {"exp", op_exp, exp, -5, 5, 8},
    {"tanh", op_tanh, tanh, -5, 5, 8},
    {"sin", op_sin, sin, -10, 10, 8},
    {"log", op_log, log, 0.1, 10, 8},
    {"relu", op_relu, relu, -1, 1, 8},
    {"add", op_add, twice, -1, 1, 8},              /* x + x: one array is read */
    {"add, of two", op_add_two, twice, -1, 1, 12}, /* of two arrays of the same numbers */
    {"copy", op_copy, same, -1, 1, 8},
    {"cat, of two", op_cat, same, -1, 1, 8}, /* the halves of x */
    {"softmax", op_softmax, NULL, -5, 5, 8},
    {"sum", op_sum, NULL, 0, 1, 4},
    {"mean", op_mean, NULL, 0, 1, 4},
};

typedef struct {
    const operation *o;
    tr_tensor *x;
} work;

static void run(void *data, int64_t times)
{
    work *w = data;
    for (int64_t i = 0; i < times; i++) {
        TR_SCOPE;
        w->o->op(w->x);
    }
}

/* Softmax's value at i, from its row. */
static double softmax_at(const float *x, int64_t i)
{
    const float *row = x + i / ROW
    *ROW;
    double sum = 0;
    for (int64_t j = 0; j < ROW; j++) sum += exp(row[j]);
    return exp(x[i]) / sum;
}

/* Against double precision; of many elements some. */
static double error_of(void *data)
{
    TR_SCOPE;
    work *w = data;
    tr_tensor *y = w->o->op(w->x);
    const float *in = tr_data(bench_at_home(w->x)), *out = tr_data(bench_at_home(y));
    if (!in || !out) return INFINITY;
    int64_t n = tr_numel(w->x);
    if (tr_numel(y) == 1) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += in[i];
        double right = w->o->op == op_sum ? sum : sum / (double)n;
        return fabs(*out - right) / right;
    }
    double largest = 0;
    for (int64_t i = 0; i < n; i += 1 + n / 5000) {
        double right = w->o->value ? w->o->value(in[i]) : softmax_at(in, i);
        double error = fabs(out[i] - right) / fmax(fabs(right), 1e-6);
        largest = bench_larger(largest, error);
    }
    return largest;
}

/* n numbers in [from, to) from one fill of a size, their halves, and once more for what reads two arrays. */
static tr_tensor *numbers(const operation *o, tr_tensor *filled, int64_t n)
{
    tr_tensor *x = tr_add(tr_mul(tr_slice(filled, 0, 0, n, 1), (o->to - o->from) / 2), (o->to + o->from) / 2);
    other = o->op == op_add_two ? tr_clone(x) : NULL;
    for (int i = 0; i < 2; i++) halves[i] = o->op == op_cat ? tr_slice(x, 0, i * n / 2, (i + 1) * n / 2, 1) : NULL;
    return o->op == op_softmax ? tr_view(x, TR_SHAPE(n / ROW, ROW)) : x;
}

static void measure_all(int64_t n, tr_device device)
{
    TR_SCOPE;
    const int64_t rows = (n + ROW - 1) / ROW;
    tr_tensor *filled = tr_empty(TR_SHAPE(rows * ROW));
    if (!filled) return;
    bench_fill(tr_data(filled), rows * ROW, 1);
    filled = tr_to_device(filled, device);
    double copy = 0;
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        TR_SCOPE;
        const operation *o = &operations[i];
        const bool softmax = o->op == op_softmax;
        char size[32];
        snprintf(size, sizeof size, softmax ? "%lldx1024" : "%lld", (long long)(softmax ? rows : n));
        if (!bench_wants(o->name, size)) continue;
        if (copy == 0) copy = bench_on_device() ? ceiling_device_copy(device, 4 * n) : ceiling_copy(4 * n);
        const int64_t count = softmax ? rows * ROW : n;
        work w = {.o = o, .x = numbers(o, filled, count)};
        bench_run((bench_case){o->name, size, .run = run, .check = error_of, .data = &w, .tolerance = 1e-5, .work = o->bytes * 1e-9 * (double)count, .ceiling = copy});
    }
}

int main(int argc, char **argv)
{
    bench_subject subject = {"ops", "operations that give a new tensor, one thread or a device; best: copying an array of the size of the input",
                             "us", "GB/s", "bytes read and written / time", "trireme", tr_version()};
    tr_device device = tr_cpu();
    if (!bench_begin_on(argc, argv, subject, &device)) return bench_end();
    tr_set_num_threads(1);
    const int64_t on_cpu[] = {1000, 100000, 10000000}, on_device[] = {1000, 1000000, INT64_C(1) << 28}; /* 1 GiB */
    const int sizes = !bench_quick() ? 3 : bench_on_device() ? 1
                                                             : 2;
    const int64_t *size = bench_on_device() ? on_device : on_cpu;
    for (int s = 0; s < sizes; s++) measure_all(size[s], device);
    int status = bench_end();
    return tr_finish() ? 1 : status;
}
