#include "report/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/fail.h"

enum { LARGEST = 10000 };

/* A copy of a text that may be absent. */
static bool copy_text(char **copy, const char *text)
{
    *copy = text && *text ? strdup(text) : NULL;
    return *copy || !text || !*text;
}

tr_plot *(tr_plot_new)(tr_plot_options options)
{
    if (options.width < 0 || options.height < 0 || options.width > LARGEST || options.height > LARGEST)
        return core_fail("tr_plot_new: %d x %d pixels: each side has 1 to %d (0: the default)", options.width, options.height, LARGEST);
    tr_plot *p = calloc(1, sizeof *p);
    if (!p) return core_fail_memory("tr_plot_new", (int64_t)sizeof *p);
    p->log_y = options.log_y;
    p->width = options.width ? options.width : 800;
    p->height = options.height ? options.height : 500;
    if (copy_text(&p->title, options.title) && copy_text(&p->xlabel, options.xlabel) && copy_text(&p->ylabel, options.ylabel)) return p;
    core_fail_memory("tr_plot_new", 0);
    tr_plot_free(p);
    return NULL;
}

int(tr_plot_add)(tr_plot *p, int64_t n, const double *x, const double *y, tr_mark mark, const char *legend)
{
    if (!p || (!y && n > 0)) return core_null_status("tr_plot_add");
    if (n < 0 || n > INT64_MAX / (int64_t)sizeof *y) return core_fail_status("tr_plot_add: %lld points", (long long)n);
    if (mark < TR_LINE || mark > TR_DASHED) return core_fail_status("tr_plot_add: no mark has the number %d", (int)mark);

    size_t bytes = (size_t)n * sizeof *y;
    report_curve c = {.n = n, .mark = mark, .x = malloc(bytes + 1), .y = malloc(bytes + 1)};
    report_curve *more = realloc(p->curves, ((size_t)p->count + 1) * sizeof *more);
    if (more) p->curves = more;
    if (!more || !c.x || !c.y || !copy_text(&c.legend, legend)) {
        free(c.x);
        free(c.y);
        core_fail_memory("tr_plot_add", (int64_t)bytes);
        return -1;
    }
    for (int64_t i = 0; i < n; i++) {
        c.x[i] = x ? x[i] : (double)i;
        c.y[i] = y[i];
    }
    p->curves[p->count++] = c;
    return 0;
}

void tr_plot_free(tr_plot *p)
{
    if (!p) return;
    for (int i = 0; i < p->count; i++) {
        free(p->curves[i].x);
        free(p->curves[i].y);
        free(p->curves[i].legend);
    }
    free(p->curves);
    free(p->title);
    free(p->xlabel);
    free(p->ylabel);
    free(p);
}

/* Far enough from the ends of double that the width of an axis, and its square, can be had. */
static const double FARTHEST = 1e150;

bool report_shows(const tr_plot *p, double x, double y)
{
    return fabs(x) <= FARTHEST && fabs(y) <= FARTHEST && (!p->log_y || y >= 1 / FARTHEST);
}

bool report_extent_of(const tr_plot *p, report_extent *extent)
{
    *extent = (report_extent){{INFINITY, -INFINITY}, {INFINITY, -INFINITY}};
    for (int c = 0; c < p->count; c++)
        for (int64_t i = 0; i < p->curves[c].n; i++) {
            double x = p->curves[c].x[i], y = p->curves[c].y[i];
            if (!report_shows(p, x, y)) continue;
            extent->x[0] = fmin(extent->x[0], x);
            extent->x[1] = fmax(extent->x[1], x);
            extent->y[0] = fmin(extent->y[0], y);
            extent->y[1] = fmax(extent->y[1], y);
        }
    return extent->x[0] <= extent->x[1];
}
