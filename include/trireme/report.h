/* Reports: a progress bar for people, metrics as CSV for programs, curves as pictures.
 * Nothing here is printed unless asked for; of several ranks only the one that is told so speaks. */
#ifndef TRIREME_REPORT_H
#define TRIREME_REPORT_H

#include <stdio.h>
#include <trireme/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- progress ---- */

typedef struct tr_progress tr_progress;

typedef struct {
    const char *unit; /* what a step's `units` count: "samples" */
    FILE *stream;     /* default stderr: a bar that redraws itself on a terminal, now and then a plain line elsewhere */
    bool silent;      /* for every rank but one */
    char reserved_;
} tr_progress_options;

/* A bar over `steps` steps called `title` (copied).  Never NULL for want of a terminal; NULL if out of memory. */
TR_API tr_progress *(tr_progress_new)(const char *title, int64_t steps, tr_progress_options options);

/* One step done, that dealt with `units` (samples); note is shown behind the bar: "loss 0.1234". */
TR_API void tr_progress_step(tr_progress *p, int64_t units, const char *note_format, ...) TR_PRINTF(3, 4);

/* End the bar's line and free it (NULL is ignored). */
TR_API void tr_progress_end(tr_progress *p);

/* ---- metrics ---- */

typedef struct tr_metrics tr_metrics;

/* A CSV file with these columns, separated by commas: "step,loss,accuracy".  NULL with an error standing. */
TR_API tr_metrics *tr_metrics_open(const char *path, const char *columns);

/* One row, as many values as there are columns (integers print as such).  0, or -1 with an error standing. */
TR_API int tr_metrics_row(tr_metrics *m, const double *values, int count);

/* Flush and close; 0, or -1 with an error standing if anything was not written (a full disk).  NULL is ignored. */
TR_API int tr_metrics_close(tr_metrics *m);

/* ---- plots ---- */

typedef struct tr_plot tr_plot;

typedef enum { TR_LINE = 0,
               TR_POINTS = 1,
               TR_DASHED = 2 } tr_mark;

typedef struct {
    const char *title, *xlabel, *ylabel;
    bool log_y;
    int width, height; /* pixels; default 800 by 500 */
    char reserved_;
} tr_plot_options;

TR_API tr_plot *(tr_plot_new)(tr_plot_options options);

/* Add n points (x NULL: 0, 1, 2 ...), with this legend (NULL: none); all is copied. */
TR_API int tr_plot_add(tr_plot *p, int64_t n, const double *x, const double *y, tr_mark mark, const char *legend);

/* Write the picture, .png or .svg, with gnuplot.  0; 1 if gnuplot is not installed (nothing is written, no error
 * stands: say so and go on); -1 with an error standing. */
TR_API int tr_plot_save(tr_plot *p, const char *path);

/* Draw it with characters, `columns` wide, onto a stream.  0 or -1. */
TR_API int tr_plot_text(tr_plot *p, FILE *stream, int columns, int rows);
TR_API void tr_plot_free(tr_plot *p); /* NULL is ignored */

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
# define tr_progress_new(...)            TR_PROGRESS_(__VA_ARGS__, )
# define TR_PROGRESS_(title, steps, ...) ((tr_progress_new)(title, steps, (tr_progress_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_plot_new(...)                ((tr_plot_new)((tr_plot_options){.reserved_ = 0, __VA_ARGS__}))
#endif

#endif
