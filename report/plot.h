/* A plot as its two renderers see it: gnuplot.c for pictures, text.c for characters. */
#ifndef TRIREME_REPORT_PLOT_H
#define TRIREME_REPORT_PLOT_H

#include <trireme/report.h>

typedef struct {
    int64_t n;
    double *x, *y; /* owns */
    tr_mark mark;
    char *legend;   /* owns; NULL: none */
    char colour[8]; /* "#RRGGBB"; "": the next in the row */
    double width;
} report_curve;

typedef struct {
    int width, height; /* pixels */
    double scale;      /* of texts and lines */
} report_size;

struct tr_plot {
    char *title, *xlabel, *ylabel; /* owns; NULL: none */
    bool log_x, log_y;
    double xlim[2], ylim[2]; /* two equal ones: none */
    report_size size;
    report_curve *curves; /* owns */
    int count;
    bool is_part; /* belongs to a figure or an animation */
};

/* What is drawn into one file: plots in rows and columns, or one after the other in time. */
typedef struct {
    tr_plot *const *plot; /* borrows */
    int count, rows, columns;
    const char *title; /* borrows; NULL: none */
    report_size size;
    int milliseconds; /* of a frame; 0: no animation */
    bool once;
} report_sheet;

/* An empty plot; `what` is the public function that makes it. */
tr_plot *report_plot_new(const tr_plot_options *options, const char *what);
void report_plot_free(tr_plot *p);

/* A copy of a text that may be absent; false if out of memory. */
bool report_copy_text(char **copy, const char *text);

/* The size that these options ask for; 0 or -1. */
int report_size_of(report_size *size, int width, int height, const double figsize[2], double dpi, int default_width, int default_height, const char *what);

/* A curve over memory that it takes over, also if it fails (x NULL is out of memory, too). */
int report_curve_add(tr_plot *p, int64_t n, double *x, double *y, const tr_curve_options *options, const char *what);

/* False for a gap. */
bool report_shows(const tr_plot *p, double x, double y);

static inline bool report_limited(const double limit[2]) { return limit[0] < limit[1]; }

/* The smallest and the largest of all shown points, or the limits; something to look at and false if there is none. */
typedef struct {
    double x[2], y[2];
} report_extent;
bool report_extent_of(const tr_plot *p, report_extent *extent);

/* The whole text that gnuplot reads; 0 or -1 with errno set. */
typedef enum { REPORT_PNG,
               REPORT_SVG,
               REPORT_GIF } report_format;
int report_write_script(FILE *script, const report_sheet *sheet, report_format format);

/* A text in the middle of a line of characters; 0 or -1. */
int report_write_line(FILE *stream, const char *text, int columns);

/* What tr_plot_save says of itself. */
int report_save(const report_sheet *sheet, const char *path, const char *what);

#endif
