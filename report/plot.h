/* A plot as its two renderers see it: gnuplot.c for pictures, text.c for characters. */
#ifndef TRIREME_REPORT_PLOT_H
#define TRIREME_REPORT_PLOT_H

#include <trireme/report.h>

typedef struct {
    int64_t n;
    double *x, *y; /* owns */
    tr_mark mark;
    char *legend; /* owns; NULL: none */
} report_curve;

struct tr_plot {
    char *title, *xlabel, *ylabel; /* owns; NULL: none */
    bool log_y;
    int width, height;    /* pixels */
    report_curve *curves; /* owns */
    int count;
};

/* False for a gap. */
bool report_shows(const tr_plot *p, double x, double y);

/* The smallest and the largest of all shown points; false if there is none. */
typedef struct {
    double x[2], y[2];
} report_extent;
bool report_extent_of(const tr_plot *p, report_extent *extent);

#endif
