#include <stdlib.h>
#include "core/fail.h"
#include "report/plot.h"

/* ---- plots in a row ---- */

typedef struct {
    tr_plot **plot; /* owns them, and the list */
    int count, room;
} plots;

static tr_plot *add_plot(plots *list, const tr_plot_options *options, const char *what)
{
    if (list->count == list->room) {
        int room = list->room ? 2 * list->room : 8;
        tr_plot **more = realloc(list->plot, (size_t)room * sizeof *more);
        if (!more) return core_fail_memory(what, room * (int64_t)sizeof *more);
        list->plot = more;
        list->room = room;
    }
    tr_plot *p = report_plot_new(options, what);
    if (!p) return NULL;
    p->is_part = true;
    return list->plot[list->count++] = p;
}

static void free_plots(plots *list)
{
    for (int i = 0; i < list->count; i++) report_plot_free(list->plot[i]);
    free(list->plot);
}

/* ---- figures ---- */

enum { MOST_PANELS = 20 };

struct tr_figure {
    plots plots;
    int rows, columns;
    char *title; /* owns; NULL: none */
    report_size size;
};

tr_figure *(tr_figure_new)(int rows, int columns, tr_figure_options options)
{
    report_size size;
    if (rows < 1 || columns < 1 || rows > MOST_PANELS || columns > MOST_PANELS)
        return core_fail("tr_figure_new: %d rows by %d columns: each is 1 to %d", rows, columns, MOST_PANELS);
    int width = 520 * columns < 10000 ? 520 * columns : 10000, height = 400 * rows < 10000 ? 400 * rows : 10000;
    if (report_size_of(&size, options.width, options.height, options.figsize, options.dpi, width, height, "tr_figure_new") < 0) return NULL;
    tr_figure *f = calloc(1, sizeof *f);
    if (!f || !report_copy_text(&f->title, options.title)) {
        free(f);
        return core_fail_memory("tr_figure_new", (int64_t)sizeof *f);
    }
    f->rows = rows;
    f->columns = columns;
    f->size = size;
    return f;
}

tr_plot *(tr_figure_plot)(tr_figure *f, tr_plot_options options)
{
    if (!f) return core_null("tr_figure_plot");
    if (f->plots.count == f->rows * f->columns) return core_fail("tr_figure_plot: all %d by %d plots are there", f->rows, f->columns);
    return add_plot(&f->plots, &options, "tr_figure_plot");
}

int(tr_figure_save)(tr_figure *f, const char *path)
{
    if (!f || !path) return core_null_status("tr_figure_save");
    report_sheet sheet = {.plot = f->plots.plot, .count = f->plots.count, .rows = f->rows, .columns = f->columns, .title = f->title, .size = f->size};
    return report_save(&sheet, path, "tr_figure_save");
}

int(tr_figure_text)(tr_figure *f, FILE *stream, int columns, int rows)
{
    if (!f || !stream) return core_null_status("tr_figure_text");
    if (f->title && report_write_line(stream, f->title, columns ? columns : 80) < 0) return core_fail_status("tr_figure_text: cannot write");
    for (int i = 0; i < f->plots.count; i++)
        if ((i && fputc('\n', stream) == EOF) || (tr_plot_text)(f->plots.plot[i], stream, columns, rows) < 0) return core_fail_status("tr_figure_text: cannot write");
    return 0;
}

void tr_figure_free(tr_figure *f)
{
    if (!f) return;
    free_plots(&f->plots);
    free(f->title);
    free(f);
}

/* ---- animations ---- */

enum { LONGEST = 60000 }; /* milliseconds */

struct tr_animation {
    plots frames;
    int milliseconds;
    bool once;
    report_size size;
};

tr_animation *(tr_animation_new)(tr_animation_options options)
{
    report_size size;
    if (options.milliseconds < 0 || options.milliseconds > LONGEST) return core_fail("tr_animation_new: %d milliseconds: 1 to %d", options.milliseconds, LONGEST);
    if (report_size_of(&size, options.width, options.height, options.figsize, options.dpi, 640, 420, "tr_animation_new") < 0) return NULL;
    tr_animation *a = calloc(1, sizeof *a);
    if (!a) return core_fail_memory("tr_animation_new", (int64_t)sizeof *a);
    a->milliseconds = options.milliseconds ? options.milliseconds : 50;
    a->once = options.once;
    a->size = size;
    return a;
}

tr_plot *(tr_animation_frame)(tr_animation *a, tr_plot_options options)
{
    if (!a) return core_null("tr_animation_frame");
    return add_plot(&a->frames, &options, "tr_animation_frame");
}

int(tr_animation_save)(tr_animation *a, const char *path)
{
    if (!a || !path) return core_null_status("tr_animation_save");
    if (a->frames.count == 0) return core_fail_status("tr_animation_save: %s would have no frame", path);
    report_sheet sheet = {.plot = a->frames.plot, .count = a->frames.count, .rows = 1, .columns = 1, .size = a->size, .milliseconds = a->milliseconds, .once = a->once};
    return report_save(&sheet, path, "tr_animation_save");
}

int(tr_animation_text)(tr_animation *a, FILE *stream, int columns, int rows)
{
    if (!a || !stream) return core_null_status("tr_animation_text");
    int n = a->frames.count;
    if (n == 0) return core_fail_status("tr_animation_text: there is no frame");
    if ((tr_plot_text)(a->frames.plot[n - 1], stream, columns, rows) < 0) return -1;
    if (fprintf(stream, "(the last of %d frames)\n", n) < 0 || fflush(stream)) return core_fail_status("tr_animation_text: cannot write");
    return 0;
}

void tr_animation_free(tr_animation *a)
{
    if (!a) return;
    free_plots(&a->frames);
    free(a);
}
