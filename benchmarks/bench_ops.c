/* Pointwise operations, reductions and softmax on one thread, from the first cache level to memory, each giving a new
 * tensor, beside the bandwidth of copying an array of that size. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <trireme/trireme.h>
#include "bench.h"
#include "ceilings.h"

enum { ROW = 1024, /* softmax's */
       MOST = 10000000 };

static tr_tensor *op_exp(tr_tensor *x) { return tr_exp(x); }
static tr_tensor *op_tanh(tr_tensor *x) { return tr_tanh(x); }
static tr_tensor *op_sin(tr_tensor *x) { return tr_sin(x); }
static tr_tensor *op_log(tr_tensor *x) { return tr_log(x); }
static tr_tensor *op_relu(tr_tensor *x) { return tr_relu(x); }
static tr_tensor *op_add(tr_tensor *x) { return tr_add(x, x); }
static tr_tensor *op_softmax(tr_tensor *x) { return tr_softmax(x, 1); }
static tr_tensor *op_sum(tr_tensor *x) { return tr_sum(x); }
static tr_tensor *op_mean(tr_tensor *x) { return tr_mean(x); }

static double relu(double x) { return x > 0 ? x : 0; }
static double twice(double x) { return x + x; }

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
    {"add", op_add, twice, -1, 1, 8}, /* x + x: one array is read */
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
    const float *in = tr_data(w->x), *out = tr_data(y);
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

int main(int argc, char **argv)
{
    bench_subject subject = {"ops", "operations that give a new tensor, one thread; best: copying an array of the size of the input",
                             "us", "GB/s", "bytes read and written / time", "trireme", tr_version()};
    if (!bench_begin(argc, argv, subject)) return bench_end();
    tr_set_num_threads(1);
    for (int64_t n = 1000; n <= (bench_quick() ? 100000 : MOST); n *= 100) {
        double copy = 0;
        for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
            TR_SCOPE;
            const operation *o = &operations[i];
            int64_t rows = (n + ROW - 1) / ROW;
            bool softmax = o->op == op_softmax;
            char size[32];
            snprintf(size, sizeof size, softmax ? "%lldx1024" : "%lld", (long long)(softmax ? rows : n));
            if (!bench_wants(o->name, size)) continue;
            if (copy == 0) copy = ceiling_copy(4 * n);
            tr_tensor *x = softmax ? tr_empty(TR_SHAPE(rows, ROW)) : tr_empty(TR_SHAPE(n));
            float *values = tr_data(x);
            if (!values) return 1;
            bench_fill(values, tr_numel(x), 1);
            for (int64_t j = 0; j < tr_numel(x); j++) values[j] = (float)(o->from + (o->to - o->from) * (values[j] + 1) / 2);
            work w = {o, x};
            bench_run((bench_case){o->name, size, .run = run, .check = error_of, .data = &w, .tolerance = 1e-5, .work = o->bytes * 1e-9 * (double)tr_numel(x), .ceiling = copy});
        }
    }
    int status = bench_end();
    return tr_finish() ? 1 : status;
}
