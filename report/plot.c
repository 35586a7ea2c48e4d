#include "report/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/fail.h"

enum { LARGEST = 10000 };

/* Far enough from the ends of double that the width of an axis, and its square, can be had. */
static const double FARTHEST = 1e150;

/* ---- options ---- */

bool report_copy_text(char **copy, const char *text)
{
    *copy = text && *text ? strdup(text) : NULL;
    return *copy || !text || !*text;
}

/* Rounded; beyond what is possible where it makes no sense. */
static int pixels(double inches, double dpi)
{
    double n = inches * dpi;
    return n >= 0 && n <= LARGEST ? (int)lround(n) : -1;
}

int report_size_of(report_size *size, int width, int height, const double figsize[2], double dpi, int default_width, int default_height, const char *what)
{
    bool inches = figsize[0] != 0 || figsize[1] != 0;
    if (!(dpi >= 0 && dpi <= LARGEST)) return core_fail_status("%s: %g dots per inch", what, dpi);
    if (inches && (width || height)) return core_fail_status("%s: a size is in pixels (width, height) or in inches (figsize), not both", what);
    if (width < 0 || height < 0 || width > LARGEST || height > LARGEST)
        return core_fail_status("%s: %d x %d pixels: each side has 1 to %d (0: the default)", what, width, height, LARGEST);
    *size = (report_size){width ? width : default_width, height ? height : default_height, dpi != 0 ? dpi / 100 : 1};
    if (!inches) return 0;
    size->width = pixels(figsize[0], 100 * size->scale);
    size->height = pixels(figsize[1], 100 * size->scale);
    if (size->width < 1 || size->height < 1)
        return core_fail_status("%s: %g x %g inches of %g dots: each side has 1 to %d pixels", what, figsize[0], figsize[1], 100 * size->scale, LARGEST);
    return 0;
}

static int check_limits(const double limit[2], bool log, const char *name, const char *what)
{
    if (limit[0] == 0 && limit[1] == 0) return 0;
    if (!(fabs(limit[0]) <= FARTHEST && fabs(limit[1]) <= FARTHEST && limit[0] < limit[1]))
        return core_fail_status("%s: %s from %g to %g", what, name, limit[0], limit[1]);
    if (log && limit[0] < 1 / FARTHEST) return core_fail_status("%s: %s from %g to %g on a logarithmic axis", what, name, limit[0], limit[1]);
    return 0;
}

/* ---- plots ---- */

tr_plot *report_plot_new(const tr_plot_options *o, const char *what)
{
    report_size size;
    if (report_size_of(&size, o->width, o->height, o->figsize, o->dpi, 800, 500, what) < 0) return NULL;
    if (check_limits(o->xlim, o->log_x, "xlim", what) < 0 || check_limits(o->ylim, o->log_y, "ylim", what) < 0) return NULL;
    tr_plot *p = calloc(1, sizeof *p);
    if (!p) return core_fail_memory(what, (int64_t)sizeof *p);
    p->log_x = o->log_x;
    p->log_y = o->log_y;
    memcpy(p->xlim, o->xlim, sizeof p->xlim);
    memcpy(p->ylim, o->ylim, sizeof p->ylim);
    p->size = size;
    if (report_copy_text(&p->title, o->title) && report_copy_text(&p->xlabel, o->xlabel) && report_copy_text(&p->ylabel, o->ylabel)) return p;
    core_fail_memory(what, 0);
    report_plot_free(p);
    return NULL;
}

tr_plot *(tr_plot_new)(tr_plot_options options) { return report_plot_new(&options, "tr_plot_new"); }

void report_plot_free(tr_plot *p)
{
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

void tr_plot_free(tr_plot *p)
{
    if (p && !p->is_part) report_plot_free(p);
}

/* ---- what is shown ---- */

bool report_shows(const tr_plot *p, double x, double y)
{
    return fabs(x) <= FARTHEST && fabs(y) <= FARTHEST && (!p->log_x || x >= 1 / FARTHEST) && (!p->log_y || y >= 1 / FARTHEST);
}

bool report_extent_of(const tr_plot *p, report_extent *extent)
{
    report_extent e = {{INFINITY, -INFINITY}, {INFINITY, -INFINITY}};
    for (int c = 0; c < p->count; c++)
        for (int64_t i = 0; i < p->curves[c].n; i++) {
            double x = p->curves[c].x[i], y = p->curves[c].y[i];
            if (!report_shows(p, x, y)) continue;
            e.x[0] = fmin(e.x[0], x);
            e.x[1] = fmax(e.x[1], x);
            e.y[0] = fmin(e.y[0], y);
            e.y[1] = fmax(e.y[1], y);
        }
    bool any = e.x[0] <= e.x[1];
    if (!any) e = (report_extent){{p->log_x ? 0.1 : 0, 1}, {p->log_y ? 0.1 : 0, 1}};
    if (report_limited(p->xlim)) memcpy(e.x, p->xlim, sizeof e.x);
    if (report_limited(p->ylim)) memcpy(e.y, p->ylim, sizeof e.y);
    *extent = e;
    return any;
}
