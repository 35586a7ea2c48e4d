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
               TR_DASHED = 2 } tr_mark;

typedef struct {
    const char *title, *xlabel, *ylabel; /* UTF-8, shown as they are; title and labels may have several lines */
    bool log_y;                          /* logarithmic; values that are not positive are gaps */
    int width, height;                   /* pixels, at most 10000; default 800 by 500 */
    char reserved_;
} tr_plot_options;

/* An empty plot; all texts are copied.  NULL with an error standing: a bad size, out of memory. */
TR_API tr_plot *(tr_plot_new)(tr_plot_options options);

/* Add n points (x NULL: 0, 1, 2 ...), with this legend (NULL: none); all is copied.  A point that is not finite
 * (or beyond 1e150) is a gap in the line.  0, or -1 with an error standing. */
TR_API int(tr_plot_add)(tr_plot *p, int64_t n, const double *x, const double *y, tr_mark mark, const char *legend);

/* Write the picture, .png or .svg, with gnuplot.  It appears under its name when it is complete; until then, and after
 * a failure, what was there stays.
 * returns  0; 1 if gnuplot is not installed (nothing is written, no error stands: say so and go on); -1 with an error
 *          standing: what gnuplot said, or that it took more than a minute and was ended */
TR_API int(tr_plot_save)(tr_plot *p, const char *path);

/* Draw it with characters onto a stream, `columns` by `rows` with everything (0: 80 by 20; 30 by 10 to 1000 by
 * 1000).  One curve is drawn in braille dots where the locale is UTF-8; several are told apart by their marks.
 * returns  0, or -1 with an error standing */
TR_API int(tr_plot_text)(tr_plot *p, FILE *stream, int columns, int rows);

TR_API void tr_plot_free(tr_plot *p); /* NULL is ignored */

#ifdef __cplusplus
}
#endif

TR_LOOK_AT_RESULT_(progress)
TR_LOOK_AT_RESULT_(metrics)
TR_LOOK_AT_RESULT_(plot)

#ifndef __cplusplus
# define tr_progress_new(...)            TR_PROGRESS_(__VA_ARGS__, )
# define TR_PROGRESS_(title, steps, ...) tr_progress_at_((tr_progress_new)(title, steps, (tr_progress_options){.reserved_ = 0, __VA_ARGS__}), __FILE__, __LINE__)

/* `...` where an argument may be a literal array: tr_metrics_row(m, (double[]){step, loss}, 2). */
# define tr_metrics_open(path, columns) tr_metrics_at_((tr_metrics_open)(path, columns), __FILE__, __LINE__)
# define tr_metrics_row(m, ...)         TR_STATUS_((tr_metrics_row)(m, __VA_ARGS__))
# define tr_metrics_close(m)            TR_STATUS_((tr_metrics_close)(m))

# define tr_plot_new(...)                       tr_plot_at_((tr_plot_new)((tr_plot_options){.reserved_ = 0, __VA_ARGS__}), __FILE__, __LINE__)
# define tr_plot_add(p, ...)                    TR_STATUS_((tr_plot_add)(p, __VA_ARGS__))
# define tr_plot_save(p, path)                  TR_STATUS_((tr_plot_save)(p, path))
# define tr_plot_text(p, stream, columns, rows) TR_STATUS_((tr_plot_text)(p, stream, columns, rows))
#endif

#endif
