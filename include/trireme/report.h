/* Reports: a progress bar for people, metrics as CSV for programs, curves as pictures.
 * Nothing here is printed unless asked for; of several ranks only the one that is told so speaks.  None of it installs
 * a signal handler, and a plot or a bar is used by one thread at a time. */
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
    const char *unit; /* what a step's `units` count: "samples"; NULL: no rate is shown */
    FILE *stream;     /* default stderr: a bar that redraws itself on a terminal, now and then a plain line elsewhere */
    bool silent;      /* for every rank but one */
    char reserved_;
} tr_progress_options;

/* A bar over `steps` steps (0: nobody knows how many) called `title` (copied).
 *     epoch 3  42% ▕████████▍           ▏  423/1000  12.3k samples/s   0:12 left  loss 0.1234
 * It fits the terminal's width, giving up the count, the rate and the time, in that order, where that is narrow.
 * Elsewhere (a file, a pipe, TERM=dumb) a line is written every five seconds, and the last one always.
 * returns  NULL with an error standing only if out of memory; the calls below ignore NULL
 * environment  TRIREME_PROGRESS=bar, lines or none decides instead of looking at the stream: mpirun hands a rank a pipe
 *          although a terminal is at its other end, so whoever starts mpirun there says bar, and the width as COLUMNS */
TR_API tr_progress *(tr_progress_new)(const char *title, int64_t steps, tr_progress_options options);

/* One step done, that dealt with `units` (samples); the note is shown behind the bar: "loss 0.1234" (NULL: keep the
 * last).  Only a step that is drawn formats its note, at most 15 a second and the last one; the others cost a look at
 * the clock. */
TR_API void tr_progress_step(tr_progress *p, int64_t units, const char *note_format, ...) TR_PRINTF(3, 4);

/* Draw the last state, which stays, with the mean rate and the time taken; end the line and free the bar. */
TR_API void tr_progress_end(tr_progress *p);

/* ---- metrics ---- */

typedef struct tr_metrics tr_metrics;

/* Begin a CSV file with these columns, separated by commas: "step,loss,accuracy".  A file of that name is replaced.
 * returns  NULL with an error standing: a bad path, a column without a name or with a quote or control character */
TR_API tr_metrics *(tr_metrics_open)(const char *path, const char *columns);

/* The same, but rows of that file stay and the new ones come behind them, as when training is resumed.
 * returns  NULL with an error standing also if it has other columns, or its last row is not whole */
TR_API tr_metrics *(tr_metrics_append)(const char *path, const char *columns);

/* The same for a run that goes on from a checkpoint: of the rows there, whose first column counts steps, those up to number
 * `last` stay.  What had been written after the checkpoint goes, and comes again; so does a row that is not whole. */
TR_API tr_metrics *(tr_metrics_resume)(const char *path, const char *columns, int64_t last);

/* One row, as many values as there are columns: the shortest text that reads back as the same double (integers as
 * such; nan, inf, -inf), whatever the locale.  The row is handed to the system before this returns, so that a crash
 * leaves every row so far; a row that does not fit (a full disk) leaves nothing of itself behind, and ends the file.
 * returns  0, or -1 with an error standing */
TR_API int(tr_metrics_row)(tr_metrics *m, const double *values, int count);

/* Wait until all is on the disk, close and free; NULL is ignored.
 * returns  0, or -1 with an error standing if any row was not written */
TR_API int(tr_metrics_close)(tr_metrics *m);

/* ---- plots ---- */

typedef struct tr_plot tr_plot;

typedef enum { TR_LINE = 0,
               TR_POINTS = 1,
               TR_DASHED = 2,
               TR_DOTTED = 3,
               TR_LINE_POINTS = 4 } tr_mark;

typedef struct {
    const char *title, *xlabel, *ylabel; /* UTF-8, shown as they are; title and labels may have several lines */
    bool log_x, log_y;                   /* logarithmic; values that are not positive are gaps */
    double xlim[2], ylim[2];             /* {0, 1}: show from 0 to 1; default: all there is */
    int width, height;                   /* pixels, at most 10000; default 800 by 500 */
    double figsize[2];                   /* or {4, 2}: inches, */
    double dpi;                          /* of so many pixels, by which texts and lines grow too; default 100 */
    char reserved_;
} tr_plot_options;

/* An empty plot; all texts are copied.  NULL with an error standing: a bad size or limit, out of memory. */
TR_API tr_plot *(tr_plot_new)(tr_plot_options options);

/* Add n points (x NULL: 0, 1, 2 ...), with this legend (NULL: none); all is copied.  A point that is not finite
 * (or beyond 1e150) is a gap in the line.  0, or -1 with an error standing. */
TR_API int(tr_plot_add)(tr_plot *p, int64_t n, const double *x, const double *y, tr_mark mark, const char *legend);

typedef struct {
    tr_mark mark;       /* default: a line */
    const char *legend; /* default: none */
    const char *colour; /* "black", "blue", "red", "green", "orange", "pink", "cyan", "grey" or "#RRGGBB"; default: the
                         * next of a row that colour-blind readers can tell apart too */
    double width;       /* of lines, and by it the size of points; default 2 */
    char reserved_;
} tr_curve_options;

/* Add a tensor's elements, in row-major order, over those of x (NULL: 0, 1, 2 ...), which has as many. */
TR_API int(tr_plot_curve)(tr_plot *p, const tr_tensor *x, const tr_tensor *y, tr_curve_options options);

/* Add the outline of a histogram: how many of the values fall into each of `bins` parts, equally wide, of the range from
 * the smallest to the largest.  A value on a border counts to the right, the largest to the last part, what is not
 * finite not at all. */
typedef struct {
    int bins; /* default 10 */
    const char *legend, *colour;
    double width;
    char reserved_;
} tr_hist_options;
TR_API int(tr_plot_hist)(tr_plot *p, const tr_tensor *values, tr_hist_options options);

/* Write the picture, .png or .svg, with gnuplot.  It appears under its name when it is complete; until then, and after
 * a failure, what was there stays.
 * returns  0; 1 if gnuplot is not installed (nothing is written, no error stands: say so and go on); -1 with an error
 *          standing: what gnuplot said, or that it took more than a minute and was ended */
TR_API int(tr_plot_save)(tr_plot *p, const char *path);

/* Draw it with characters onto a stream, `columns` by `rows` with everything (0: 80 by 20; 30 by 10 to 1000 by
 * 1000).  One curve is drawn in braille dots where the locale is UTF-8; several are told apart by their marks.  Colours
 * and widths are left out.
 * returns  0, or -1 with an error standing */
TR_API int(tr_plot_text)(tr_plot *p, FILE *stream, int columns, int rows);

TR_API void tr_plot_free(tr_plot *p); /* NULL, and a part of a figure or an animation, are ignored */

/* ---- several plots in one picture ---- */

typedef struct tr_figure tr_figure;

typedef struct {
    const char *title; /* above them all */
    int width, height; /* of the whole, as above; default 520 by 400 for each plot */
    double figsize[2], dpi;
    char reserved_;
} tr_figure_options;

/* A picture of rows times columns plots (each 1 to 20).
 *     tr_figure *f = tr_figure_new(1, 2, .figsize = {10, 4});
 *     tr_plot *left = tr_figure_plot(f, .title = "loss", .log_y = true), *right = tr_figure_plot(f, .title = "fit"); */
TR_API tr_figure *(tr_figure_new)(int rows, int columns, tr_figure_options options);

/* The next plot, row by row.  It belongs to the figure, which also has the size.  NULL with an error standing if all are
 * there already. */
TR_API tr_plot *(tr_figure_plot)(tr_figure *f, tr_plot_options options);

TR_API int(tr_figure_save)(tr_figure *f, const char *path);                    /* as tr_plot_save */
TR_API int(tr_figure_text)(tr_figure *f, FILE *stream, int columns, int rows); /* one plot below the other, each of that size */
TR_API void tr_figure_free(tr_figure *f);

/* ---- animations ---- */

typedef struct tr_animation tr_animation;

typedef struct {
    int milliseconds; /* each frame is shown, in steps of 10; default 50 */
    bool once;        /* default: over and over */
    int width, height;
    double figsize[2], dpi;
    char reserved_;
} tr_animation_options;

TR_API tr_animation *(tr_animation_new)(tr_animation_options options);

/* The next frame, to be filled like any plot.  It belongs to the animation, which also has the size.  Axes without
 * limits of their own show what all frames need, so that they stand still. */
TR_API tr_plot *(tr_animation_frame)(tr_animation *a, tr_plot_options options);

TR_API int(tr_animation_save)(tr_animation *a, const char *path);                    /* .gif; else as tr_plot_save */
TR_API int(tr_animation_text)(tr_animation *a, FILE *stream, int columns, int rows); /* the last frame, and which it is */
TR_API void tr_animation_free(tr_animation *a);

#ifdef __cplusplus
}
#endif

TR_LOOK_AT_RESULT_(progress)
TR_LOOK_AT_RESULT_(metrics)
TR_LOOK_AT_RESULT_(plot)
TR_LOOK_AT_RESULT_(figure)
TR_LOOK_AT_RESULT_(animation)

#ifndef __cplusplus
# define tr_progress_new(...)            TR_PROGRESS_(__VA_ARGS__, )
# define TR_PROGRESS_(title, steps, ...) tr_progress_at_((tr_progress_new)(title, steps, (tr_progress_options){.reserved_ = 0, __VA_ARGS__}), __FILE__, __LINE__)

/* `...` where an argument may be a literal array: tr_metrics_row(m, (double[]){step, loss}, 2). */
# define tr_metrics_open(path, columns)         tr_metrics_at_((tr_metrics_open)(path, columns), __FILE__, __LINE__)
# define tr_metrics_append(path, columns)       tr_metrics_at_((tr_metrics_append)(path, columns), __FILE__, __LINE__)
# define tr_metrics_resume(path, columns, last) tr_metrics_at_((tr_metrics_resume)(path, columns, last), __FILE__, __LINE__)
# define tr_metrics_row(m, ...)                 TR_STATUS_((tr_metrics_row)(m, __VA_ARGS__))
# define tr_metrics_close(m)                    TR_STATUS_((tr_metrics_close)(m))

# define tr_plot_new(...)                       tr_plot_at_((tr_plot_new)(TR_PLOT_OPTIONS_(__VA_ARGS__)), __FILE__, __LINE__)
# define TR_PLOT_OPTIONS_(...)                  ((tr_plot_options){.reserved_ = 0, __VA_ARGS__})
# define tr_plot_add(p, ...)                    TR_STATUS_((tr_plot_add)(p, __VA_ARGS__))
# define tr_plot_curve(...)                     TR_CURVE_(__VA_ARGS__, )
# define TR_CURVE_(p, x, y, ...)                TR_STATUS_((tr_plot_curve)(p, x, y, (tr_curve_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_plot_hist(...)                      TR_HIST_(__VA_ARGS__, )
# define TR_HIST_(p, values, ...)               TR_STATUS_((tr_plot_hist)(p, values, (tr_hist_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_plot_save(p, path)                  TR_STATUS_((tr_plot_save)(p, path))
# define tr_plot_text(p, stream, columns, rows) TR_STATUS_((tr_plot_text)(p, stream, columns, rows))

# define tr_figure_new(...)                       TR_FIGURE_(__VA_ARGS__, )
# define TR_FIGURE_(rows, columns, ...)           tr_figure_at_((tr_figure_new)(rows, columns, (tr_figure_options){.reserved_ = 0, __VA_ARGS__}), __FILE__, __LINE__)
# define tr_figure_plot(...)                      TR_FIGURE_PLOT_(__VA_ARGS__, )
# define TR_FIGURE_PLOT_(f, ...)                  tr_plot_at_((tr_figure_plot)(f, TR_PLOT_OPTIONS_(__VA_ARGS__)), __FILE__, __LINE__)
# define tr_figure_save(f, path)                  TR_STATUS_((tr_figure_save)(f, path))
# define tr_figure_text(f, stream, columns, rows) TR_STATUS_((tr_figure_text)(f, stream, columns, rows))

# define tr_animation_new(...)                       tr_animation_at_((tr_animation_new)((tr_animation_options){.reserved_ = 0, __VA_ARGS__}), __FILE__, __LINE__)
# define tr_animation_frame(...)                     TR_ANIMATION_FRAME_(__VA_ARGS__, )
# define TR_ANIMATION_FRAME_(a, ...)                 tr_plot_at_((tr_animation_frame)(a, TR_PLOT_OPTIONS_(__VA_ARGS__)), __FILE__, __LINE__)
# define tr_animation_save(a, path)                  TR_STATUS_((tr_animation_save)(a, path))
# define tr_animation_text(a, stream, columns, rows) TR_STATUS_((tr_animation_text)(a, stream, columns, rows))
#endif

#endif
