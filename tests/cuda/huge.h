/* Tensors of more elements than 31 and 32 bits count, on a CUDA device.  What they hold is known at every place, and looked at
 * around the places that a number of 32 bits confuses with others, and along the whole.
 *
 * TRIREME_TEST_EDGE stands for 2^31.  A played device takes 1024 for it, which its kernels take for more than 31 bits
 * (fibres.h), so that a test does there what it does on a real one. */
#ifndef TEST_HUGE_H
#define TEST_HUGE_H

#include <math.h>
#include "played/on_played.h"

static inline int64_t edge(void)
{
    const char *asked = getenv("TRIREME_TEST_EDGE");
    const int64_t number = asked ? strtoll(asked, NULL, 0) : 0;
    return number >= 1024 ? number : played.count ? 1024
                                                  : (int64_t)1 << 31;
}

/* A little more than 2^31 elements, and than 2^32. */
static inline int64_t long_line(void) { return edge() + 1001; }
static inline int64_t longer_line(void) { return 2 * edge() + 1001; }

/* A size of a matrix beside a long one: there, and where all is small. */
static inline int64_t scaled(int64_t size, int64_t small) { return edge() > (1 << 20) ? size : small; }

/* So many rows of this length are a little more than 2^31 elements. */
static inline int64_t rows_of(int64_t columns) { return edge() / columns + 3; }

/* A device that has too little says itself what it has, and what was wanted. */
static inline void needs(int64_t bytes)
{
    static char reason[512];
    tr_empty_cache();
    {
        TR_SCOPE;
        if ((tr_empty)(TR_SHAPE(bytes), (tr_tensor_options){.dtype = TR_UINT8, .device = tr_cuda(0)}))
            reason[0] = 0;
        else
            snprintf(reason, sizeof reason, "%s", tr_error_message());
    }
    tr_error_clear();
    tr_empty_cache();
    if (*reason) skip_because(reason);
}

/* ---- what they hold: i % period at place i, of every type that holds 250 ---- */
static inline tr_tensor *periodic(int64_t n, int64_t period, tr_dtype type)
{
    const int64_t turns = (n + period - 1) / period;
    tr_tensor *x = tr_empty(TR_SHAPE(turns, period), .dtype = type, .device = tr_cuda(0));
    tr_copy_(x, tr_arange(0, period, 1, .dtype = type, .device = tr_cuda(0)));
    return tr_narrow(tr_view(x, TR_SHAPE(turns * period)), 0, 0, n);
}

enum { PERIOD = 251 }; /* a prime */
static inline tr_tensor *digits(int64_t n, tr_dtype type) { return periodic(n, PERIOD, type); }
static inline double digit(int64_t i) { return (double)(i % PERIOD); }

/* The sum of f(first + k step) for k < count, where f knows its place by the digit alone. */
static inline double sum_of(double (*f)(int64_t), int64_t first, int64_t step, int64_t count)
{
    double turn = 0, rest = 0;
    for (int64_t k = 0; k < PERIOD; k++) turn += f(first + k * step);
    for (int64_t k = 0; k < count % PERIOD; k++) rest += f(first + k * step);
    return (double)(count / PERIOD) * turn + rest;
}

/* ---- looking ---- */
enum { WINDOW = 16 };

/* Elements `begin` and on of a line. */
static inline void look(tr_tensor *line, int64_t begin, double (*want)(int64_t), double tolerance, const char *file, int at_line)
{
    TR_SCOPE;
    double got[WINDOW];
    assert_int_equal(tr_to_data(tr_narrow(line, 0, begin, WINDOW), TR_FLOAT64, got), 0);
    for (int64_t i = begin; i < begin + WINDOW; i++) {
        const double x = got[i - begin], y = want(i);
        if (x == y || fabs(x - y) <= tolerance * fabs(y)) continue;
        print_error("%s: element %lld is %.9g, not %.9g\n", tr_shape_string(tr_shape_of_tensor(line)), (long long)i, x, y);
        _fail(file, at_line);
    }
}

/* Elements of a row-major tensor, counted through: want(i), or off by that part of it. */
static inline void harness_holds(tr_tensor *x, double (*want)(int64_t), double tolerance, const char *file, int at_line)
{
    const int64_t n = tr_numel(x), place[] = {0, edge(), 2 * edge(), 4 * edge(), n / 5, n / 3, n / 2, n / 7 * 5, n - 1};
    tr_tensor *line = tr_view(x, TR_SHAPE(n));
    for (size_t p = 0; p < sizeof place / sizeof *place; p++) {
        int64_t begin = place[p] - WINDOW / 2;
        if (begin > n - WINDOW) begin = n - WINDOW;
        look(line, begin < 0 ? 0 : begin, want, tolerance, file, at_line);
    }
}
#define assert_holds(x, want)                  harness_holds(x, want, 0, __FILE__, __LINE__)
#define assert_holds_about(x, want, tolerance) harness_holds(x, want, tolerance, __FILE__, __LINE__)

/* All elements of both, in pieces that 31 bits count. */
static inline void assert_same(tr_tensor *a, tr_tensor *b)
{
    const int64_t n = tr_numel(a), piece = edge() / 8;
    assert_true(tr_numel(b) == n);
    a = tr_view(a, TR_SHAPE(n)), b = tr_view(b, TR_SHAPE(n));
    for (int64_t i = 0; i < n; i += piece) {
        TR_SCOPE;
        const int64_t length = n - i < piece ? n - i : piece;
        const double differ = tr_item(tr_sum(tr_ne(tr_narrow(a, 0, i, length), tr_narrow(b, 0, i, length))));
        if (differ != 0) fail_msg("%g of the elements from %lld on differ", differ, (long long)i);
    }
}

static inline double at(tr_tensor *x, int64_t i)
{
    TR_SCOPE;
    return tr_item(tr_narrow(x, 0, i, 1));
}

static inline void put(tr_tensor *x, int64_t i, double value)
{
    TR_SCOPE;
    assert_non_null(tr_fill_(tr_narrow(x, 0, i, 1), value));
}

/* A row of a matrix on the CPU, of float64. */
static inline tr_tensor *row_of(tr_tensor *x, int64_t i) { return tr_to(tr_to_device(tr_select(x, 0, i), tr_cpu()), TR_FLOAT64); }

#endif
