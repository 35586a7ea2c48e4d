/* The asserts of test.h. A failing one prints what came and what was wanted, and jumps out of the test. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <trireme/error.h>

enum { SHAPE_TEXT = 256 };

static const char *show(tr_shape shape, char text[SHAPE_TEXT])
{
    if (shape.ndim < 0) return "no shape";
    int at = snprintf(text, SHAPE_TEXT, "(");
    for (int i = 0; i < shape.ndim; i++)
        at += snprintf(text + at, (size_t)(SHAPE_TEXT - at), i ? ", %lld" : "%lld", (long long)shape.size[i]);
    snprintf(text + at, (size_t)(SHAPE_TEXT - at), ")");
    return text;
}

/* A NULL tensor comes with the error that says why. */
static void require(const tr_tensor *t, const char *what, const char *file, int line)
{
    if (t) return;
    print_error("%s is NULL: %s\n", what, tr_error_stands() ? tr_error_message() : "no error stands");
    _fail(file, line);
}

tr_tensor *harness_row(tr_dtype dtype, int64_t n, const double *values)
{
    return (tr_from_data)(values, TR_FLOAT64, tr_shape_of(1, &n), (tr_tensor_options){.dtype = dtype});
}

static void same_shape(tr_shape got, tr_shape want, const char *file, int line)
{
    bool same = got.ndim == want.ndim;
    for (int i = 0; same && i < got.ndim; i++) same = got.size[i] == want.size[i];
    if (same) return;
    char g[SHAPE_TEXT], w[SHAPE_TEXT];
    print_error("shape %s, wanted %s\n", show(got, g), show(want, w));
    _fail(file, line);
}

/* All elements as numbers, complex ones as two each; the caller frees. */
static double *numbers(const tr_tensor *t, bool complex, const char *file, int line)
{
    size_t bytes = (size_t)tr_numel(t) * (complex ? 2 : 1) * sizeof(double);
    double *all = malloc(bytes ? bytes : 1);
    if (all && (tr_to_data)(t, complex ? TR_COMPLEX128 : TR_FLOAT64, all) == 0) return all;
    free(all);
    print_error("the elements cannot be read: %s\n", tr_error_message());
    _fail(file, line);
    return NULL;
}

void harness_close(tr_tensor *got, tr_tensor *want, double tolerance, bool nan_equals_nan, const char *file, int line)
{
    require(got, "what came", file, line);
    require(want, "what was wanted", file, line);
    same_shape(tr_shape_of_tensor(got), tr_shape_of_tensor(want), file, line);

    bool complex = tr_dtype_is_complex(tr_dtype_of(got)) || tr_dtype_is_complex(tr_dtype_of(want));
    double *g = numbers(got, complex, file, line), *w = numbers(want, complex, file, line);
    int64_t n = tr_numel(got) * (complex ? 2 : 1), wrong = 0, worst = -1;
    for (int64_t i = 0; i < n; i++) {
        if (g[i] == w[i]) continue; /* an infinity minus itself is NaN */
        if (nan_equals_nan && isnan(g[i]) && isnan(w[i])) continue;
        if (fabs(g[i] - w[i]) <= tolerance) continue;
        wrong++;
        if (worst < 0 || !(fabs(g[i] - w[i]) <= fabs(g[worst] - w[worst]))) worst = i;
    }
    if (wrong)
        print_error("%lld of %lld elements differ by more than %g, most element %lld: %.17g, wanted %.17g\n", (long long)wrong,
                    (long long)n, tolerance, (long long)(complex ? worst / 2 : worst), g[worst], w[worst]);
    free(g);
    free(w);
    if (wrong) _fail(file, line);
}

void harness_shape(tr_tensor *t, tr_shape want, const char *file, int line)
{
    require(t, "the tensor", file, line);
    same_shape(tr_shape_of_tensor(t), want, file, line);
}

void harness_dtype(tr_tensor *t, tr_dtype want, const char *file, int line)
{
    require(t, "the tensor", file, line);
    if (tr_dtype_of(t) == want) return;
    print_error("%s, wanted %s\n", tr_dtype_name(tr_dtype_of(t)), tr_dtype_name(want));
    _fail(file, line);
}

void harness_item(tr_tensor *t, double want, double tolerance, const char *file, int line)
{
    require(t, "the tensor", file, line);
    double got = (tr_item)(t);
    if (got == want || fabs(got - want) <= tolerance) return;
    print_error("%.17g, wanted %.17g within %g; %s\n", got, want, tolerance, tr_error_message());
    _fail(file, line);
}

void harness_error_says(const char *part, const char *file, int line)
{
    if (!tr_error_stands()) {
        print_error("no error stands, wanted one that says \"%s\"\n", part);
        _fail(file, line);
    }
    if (!strstr(tr_error_message(), part)) {
        print_error("the error does not say \"%s\": %s\n", part, tr_error_message());
        _fail(file, line);
    }
    tr_error_clear();
}
