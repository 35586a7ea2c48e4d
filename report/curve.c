#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/tensor.h"
#include "report/plot.h"

enum { MOST_BINS = 1000000 };

/* Okabe & Ito's hues for the names of colours: told apart by colour-blind readers too. */
static const struct {
    const char *name, *value;
} named[] = {{"black", "#000000"}, {"blue", "#0072B2"}, {"red", "#D7191C"}, {"green", "#009E73"}, {"orange", "#E69F00"}, {"pink", "#CC79A7"}, {"cyan", "#56B4E9"}, {"grey", "#777777"}, {"gray", "#777777"}};

static int choose_colour(char colour[8], const char *name, const char *what)
{
    *colour = '\0';
    if (!name) return 0;
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (strcmp(named[i].name, name) == 0) return memcpy(colour, named[i].value, 8), 0;
    size_t digits = 0;
    while (*name == '#' && digits < 6 && isxdigit((unsigned char)name[1 + digits])) digits++;
    if (digits != 6 || name[7]) return core_fail_status("%s: no colour is called %.40s: black, blue, red, green, orange, pink, cyan, grey or #RRGGBB", what, name);
    memcpy(colour, name, 8);
    return 0;
}

int report_curve_add(tr_plot *p, int64_t n, double *x, double *y, const tr_curve_options *o, const char *what)
{
    report_curve c = {.n = n, .x = x, .y = y, .mark = o->mark, .width = o->width != 0 ? o->width : 2};
    report_curve *more = NULL;
    if (o->mark < TR_LINE || o->mark > TR_LINE_POINTS) {
        core_fail("%s: no mark has the number %d", what, (int)o->mark);
        goto refused;
    }
    if (!(c.width > 0 && c.width <= 100)) {
        core_fail("%s: a line of width %g", what, o->width);
        goto refused;
    }
    if (choose_colour(c.colour, o->colour, what) < 0) goto refused;
    if (x && y) more = realloc(p->curves, ((size_t)p->count + 1) * sizeof *more);
    if (more) p->curves = more;
    if (!more || !report_copy_text(&c.legend, o->legend)) {
        core_fail_memory(what, n * (int64_t)sizeof *y);
        goto refused;
    }
    p->curves[p->count++] = c;
    return 0;
refused:
    free(x);
    free(y);
    return -1;
}

static double *room_for(int64_t n) { return malloc((size_t)n * sizeof(double) + 1); }

int(tr_plot_add)(tr_plot *p, int64_t n, const double *x, const double *y, tr_mark mark, const char *legend)
{
    if (!p || (!y && n > 0)) return core_null_status("tr_plot_add");
    if (n < 0 || n > INT64_MAX / (int64_t)sizeof *y) return core_fail_status("tr_plot_add: %lld points", (long long)n);
    double *across = room_for(n), *up = room_for(n);
    for (int64_t i = 0; across && up && i < n; i++) {
        across[i] = x ? x[i] : (double)i;
        up[i] = y[i];
    }
    return report_curve_add(p, n, across, up, &(tr_curve_options){.mark = mark, .legend = legend}, "tr_plot_add");
}

/* ---- tensors ---- */

/* All elements as doubles; NULL with an error noted. */
static double *values_of(const tr_tensor *t, const char *what)
{
    if (core_dtype_category[t->dtype] == 3) return core_fail("%s: %s: a complex number has no place on an axis", what, core_show(t));
    double *values = room_for(t->numel);
    if (!values) return core_fail_memory(what, t->numel * (int64_t)sizeof *values);
    if ((tr_to_data)(t, TR_FLOAT64, values) == 0) return values;
    free(values);
    return NULL;
}

int(tr_plot_curve)(tr_plot *p, const tr_tensor *x, const tr_tensor *y, tr_curve_options options)
{
    if (!p || !y) return core_null_status("tr_plot_curve");
    if (x && x->numel != y->numel) return core_fail_status("tr_plot_curve: x %s and y %s are not equally many", core_show(x), core_show(y));
    double *up = values_of(y, "tr_plot_curve"), *across = !up ? NULL : x ? values_of(x, "tr_plot_curve")
                                                                         : room_for(y->numel);
    for (int64_t i = 0; across && !x && i < y->numel; i++) across[i] = (double)i;
    if (!up || (x && !across)) return free(up), -1;
    return report_curve_add(p, y->numel, across, up, &options, "tr_plot_curve");
}

/* ---- histograms ---- */

/* Border i of n parts. */
static double border(double low, double high, int i, int n) { return i == n ? high : low + i * ((high - low) / n); }

/* The outline over all parts: from 0 up, across, up or down at every border, and down to 0. */
static int add_outline(tr_plot *p, double low, double high, const int64_t *in_part, int n, const tr_curve_options *options)
{
    int64_t points = 2 * (int64_t)n + 2;
    double *x = room_for(points), *y = room_for(points);
    for (int i = 0; x && y && i <= n; i++) {
        x[2 * i] = x[2 * i + 1] = border(low, high, i, n);
        y[2 * i] = i > 0 ? (double)in_part[i - 1] : 0;
        y[2 * i + 1] = i < n ? (double)in_part[i] : 0;
    }
    return report_curve_add(p, points, x, y, options, "tr_plot_hist");
}

/* The quotient may fall on the wrong side of a border by its rounding; the borders decide. */
static int part_of(double v, double low, double high, int n)
{
    int part = (int)((v - low) / (high - low) * n);
    if (part >= n) part = n - 1;
    if (part > 0 && v < border(low, high, part, n)) return part - 1;
    if (part < n - 1 && v >= border(low, high, part + 1, n)) return part + 1;
    return part;
}

int(tr_plot_hist)(tr_plot *p, const tr_tensor *values, tr_hist_options options)
{
    if (!p || !values) return core_null_status("tr_plot_hist");
    int n = options.bins ? options.bins : 10;
    if (n < 1 || n > MOST_BINS) return core_fail_status("tr_plot_hist: %d bins: 1 to %d", n, MOST_BINS);
    double *value = values_of(values, "tr_plot_hist");
    if (!value) return -1;
    int64_t *in_part = calloc((size_t)n, sizeof *in_part);
    if (!in_part) return core_fail_memory("tr_plot_hist", n * (int64_t)sizeof *in_part), free(value), -1;

    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < values->numel; i++)
        if (report_shows(&(tr_plot){.count = 0}, value[i], 0)) low = fmin(low, value[i]), high = fmax(high, value[i]);
    if (!(low <= high)) low = 0, high = 1;
    if (!((high - low) / n > 0) || !(low + (high - low) / n > low)) low -= 0.5, high += 0.5; /* all equal: in the middle */
    for (int64_t i = 0; i < values->numel; i++)
        if (value[i] >= low && value[i] <= high) in_part[part_of(value[i], low, high, n)]++;
    int status = add_outline(p, low, high, in_part, n, &(tr_curve_options){.legend = options.legend, .colour = options.colour, .width = options.width});
    free(in_part);
    free(value);
    return status;
}
