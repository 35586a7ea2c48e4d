/* What gnuplot is told.  Texts stand in single quotes, in which it knows no escapes, no `commands` and no @macros; line
 * ends and quotes stand between them: 'one'."\n".'two'  (a doubled quote, as its manual has it, fails where it opens the
 * text).  Each is "noenhanced": markup is for our own 10^{-4} on logarithmic axes.  Numbers stand in data blocks before
 * everything else. */
#include <float.h>
#include <math.h>
#include "report/plot.h"
#include "report/words.h"

/* Told apart by colour-blind readers too: Okabe & Ito, "Color Universal Design" (2008). */
static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444"};
enum { COLOURS = sizeof colours / sizeof *colours };

/* ---- texts ---- */

static void write_quoted(FILE *script, const char *text)
{
    fputc('\'', script);
    for (const char *next; *text; text = next) {
        uint32_t c;
        next = report_character(text, &c);
        if (c == '\n')
            fputs("'.\"\\n\".'", script);
        else if (c == '\'')
            fputs("'.\"'\".'", script);
        else if (report_is_control(c))
            fputc(' ', script);
        else if (c == 0xFFFD)
            fputs("?", script);
        else
            fwrite(text, 1, (size_t)(next - text), script);
    }
    fputc('\'', script);
}

static void write_text(FILE *script, const char *what, const char *text, const char *style)
{
    if (!text) return;
    fprintf(script, "set %s ", what);
    write_quoted(script, text);
    fprintf(script, " noenhanced %s\n", style);
}

/* ---- the look ---- */

static void write_terminal(FILE *script, const report_sheet *sheet, report_format format)
{
    char size[128];
    const report_size *s = &sheet->size;
    snprintf(size, sizeof size, "size %d,%d background rgb '#FFFFFF' fontscale %d.%02d linewidth %d.%02d", s->width, s->height,
             (int)s->scale, (int)(s->scale * 100) % 100, (int)s->scale, (int)(s->scale * 100) % 100);
    if (format == REPORT_SVG)
        fprintf(script, "set terminal svg font 'sans-serif,14' %s\n", size);
    else if (format == REPORT_GIF)
        fprintf(script, "set terminal gif animate delay %d loop %d optimize font 'sans,11' %s\n", (sheet->milliseconds + 5) / 10, sheet->once, size);
    else
        fprintf(script, "if (strstrt(GPVAL_TERMINALS, ' pngcairo ')) { set terminal pngcairo font 'sans,11' %s }"
                        " else { set terminal png truecolor size %d,%d }\n",
                size, s->width, s->height);
    fputs("set encoding utf8\n"
          "set border 3 linewidth 1 linecolor rgb '#888888'\n"
          "set tics nomirror out scale 0.6,0.3 textcolor rgb '#444444'\n"
          "set grid linetype 1 linewidth 0.7 linecolor rgb '#E4E4E4'\n"
          "set key below center horizontal reverse Left samplen 2 width 1 height 1.6 noenhanced textcolor rgb '#222222'\n" /* never over a curve */
          "set offsets graph 0.01, graph 0.01, 0, 0\n",
          script);
}

static void write_range(FILE *script, char axis, const double limit[2])
{
    char from[32], to[32];
    report_exact(from, limit[0]);
    report_exact(to, limit[1]);
    fprintf(script, "set %crange [%s:%s]\n", axis, from, to);
}

static bool has_legend(const tr_plot *p)
{
    for (int i = 0; i < p->count; i++)
        if (p->curves[i].legend) return true;
    return false;
}

/* Less than two decades, as numbers of ranks are, have more names than powers of ten: 1, 2, 5, 10 ... */
static void write_short_decades(FILE *script, const double range[2])
{
    static const double steps[] = {1, 2, 5};
    if (!(range[0] > 0 && range[1] < 100 * range[0])) return;
    const char *comma = "";
    fputs("set format x '%g'\nset xtics (", script);
    for (int decade = (int)floor(log10(range[0])); decade <= (int)floor(log10(range[1])); decade++)
        for (int i = 0; i < 3; i++, comma = ",") fprintf(script, "%s%.17g", comma, steps[i] * pow(10, decade));
    fputs(")\n", script);
}

/* Everything that the plot before may have set is said anew. */
static void write_axes(FILE *script, const tr_plot *p, const report_extent *of_all_frames)
{
    report_extent extent;
    bool any = report_extent_of(p, &extent);
    fputs("unset title\nunset xlabel\nunset ylabel\nunset logscale\nset xtics autofreq\nset mxtics default\nset mytics default\nset format '% h'\n"
          "set autoscale\nset autoscale xfix\n",
          script);
    write_text(script, "title", p->title, "font ',14' textcolor rgb '#222222'");
    write_text(script, "xlabel", p->xlabel, "offset 0,0.4 textcolor rgb '#222222'");
    write_text(script, "ylabel", p->ylabel, "textcolor rgb '#222222'");
    fputs(has_legend(p) ? "set key\n" : "unset key\n", script); /* nor room for none */
    if (p->log_x) fputs("set logscale x\nset mxtics 10\nset format x '10^{%T}'\n", script);
    if (p->log_y) fputs("set logscale y\nset mytics 10\nset format y '10^{%T}'\n", script);
    if (of_all_frames) extent = *of_all_frames;
    const double *x = report_limited(p->xlim) ? p->xlim : extent.x;
    if (p->log_x && any) write_short_decades(script, x);
    if (!any || of_all_frames || report_limited(p->xlim)) write_range(script, 'x', x);
    if (!any || of_all_frames || report_limited(p->ylim)) write_range(script, 'y', report_limited(p->ylim) ? p->ylim : extent.y);
}

/* ---- curves ---- */

/* An empty line is a gap.  What is denormal is nothing to gnuplot's axes but trouble. */
static void write_points(FILE *script, const tr_plot *p, int plot, int number)
{
    const report_curve *c = &p->curves[number];
    fprintf(script, "$plot%d_%d << END\n", plot, number);
    for (int64_t i = 0; i < c->n; i++) {
        char x[32], y[32];
        report_exact(x, fabs(c->x[i]) < DBL_MIN ? 0 : c->x[i]);
        report_exact(y, fabs(c->y[i]) < DBL_MIN ? 0 : c->y[i]);
        if (report_shows(p, c->x[i], c->y[i]))
            fprintf(script, "%s %s\n", x, y);
        else
            fputc('\n', script);
    }
    fputs("END\n", script);
}

static int64_t shown_points(const tr_plot *p, const report_curve *c)
{
    int64_t shown = 0;
    for (int64_t i = 0; i < c->n; i++) shown += report_shows(p, c->x[i], c->y[i]);
    return shown;
}

static void write_number(FILE *script, const char *what, double value)
{
    char text[32];
    report_exact(text, value);
    fprintf(script, " %s %s", what, text);
}

static void write_curve(FILE *script, const tr_plot *p, int plot, int number, double point)
{
    static const char *const dashes[] = {[TR_DASHED] = " dashtype '-'", [TR_DOTTED] = " dashtype (2,6)"};
    const report_curve *c = &p->curves[number];
    int64_t shown = shown_points(p, c);
    if (shown == 0)
        fputs("NaN", script); /* gnuplot refuses data without a point; this keeps the legend's entry */
    else
        fprintf(script, "$plot%d_%d using 1:2", plot, number);
    bool points = c->mark == TR_POINTS || c->mark == TR_LINE_POINTS || shown == 1;
    bool line = c->mark != TR_POINTS && shown != 1;
    fprintf(script, " with %s%s", line ? "lines" : "", points ? "points" : "");
    if (points) fputs(" pointtype 7", script);
    if (points) write_number(script, "pointsize", c->width * (line ? 0.75 : 1) * point);
    if (line) write_number(script, "linewidth", c->width);
    if (c->mark == TR_DASHED || c->mark == TR_DOTTED) fputs(line ? dashes[c->mark] : "", script);
    fprintf(script, " linecolor rgb '%s' ", *c->colour ? c->colour : colours[number % COLOURS]);
    if (c->legend) {
        fputs("title ", script);
        write_quoted(script, c->legend);
        fputs(" noenhanced", script);
    } else {
        fputs("notitle", script);
    }
}

static void write_plot(FILE *script, const tr_plot *p, int number, const report_extent *of_all_frames, double point)
{
    write_axes(script, p, of_all_frames);
    fputs("plot ", script);
    if (p->count == 0) fputs("NaN notitle", script);
    for (int i = 0; i < p->count; i++) {
        if (i) fputs(", ", script);
        write_curve(script, p, number, i, point);
    }
    fputs("\n", script);
}

/* ---- the sheet ---- */

static void widen(double range[2], bool log, double by)
{
    if (log) range[0] = log10(range[0]), range[1] = log10(range[1]);
    double more = by * (range[1] - range[0]);
    if (!(more > 0)) more = fmax(1, fabs(range[0])) / 2;
    range[0] -= more, range[1] += more;
    if (log) range[0] = pow(10, range[0]), range[1] = pow(10, range[1]);
}

/* What all frames need, and a little more; the axes are logarithmic as the first frame's. */
static report_extent extent_of_frames(const report_sheet *sheet)
{
    report_extent all = {{0, 1}, {0, 1}}, one;
    bool any = false;
    for (int i = 0; i < sheet->count; i++) {
        if (!report_extent_of(sheet->plot[i], &one)) continue;
        all.x[0] = any ? fmin(all.x[0], one.x[0]) : one.x[0];
        all.x[1] = any ? fmax(all.x[1], one.x[1]) : one.x[1];
        all.y[0] = any ? fmin(all.y[0], one.y[0]) : one.y[0];
        all.y[1] = any ? fmax(all.y[1], one.y[1]) : one.y[1];
        any = true;
    }
    if (sheet->count == 0) return all;
    widen(all.x, sheet->plot[0]->log_x && all.x[0] > 0, 0.02);
    widen(all.y, sheet->plot[0]->log_y && all.y[0] > 0, 0.05);
    return all;
}

int report_write_script(FILE *script, const report_sheet *sheet, report_format format)
{
    report_extent all;
    bool moves = format == REPORT_GIF;
    if (moves) all = extent_of_frames(sheet);
    write_terminal(script, sheet, format);
    for (int i = 0; i < sheet->count; i++)
        for (int c = 0; c < sheet->plot[i]->count; c++) write_points(script, sheet->plot[i], i, c);
    bool panels = !moves && (sheet->rows > 1 || sheet->columns > 1 || sheet->title);
    if (panels) {
        fprintf(script, "set multiplot layout %d,%d", sheet->rows, sheet->columns);
        if (sheet->title) fputs(" title ", script);
        if (sheet->title) write_quoted(script, sheet->title);
        fputs(sheet->title ? " noenhanced font ',15'\n" : "\n", script);
    }
    for (int i = 0; i < sheet->count; i++) write_plot(script, sheet->plot[i], i, moves ? &all : NULL, moves ? 0.5 : 0.35);
    if (panels) fputs("unset multiplot\n", script);
    if (fflush(script) || ferror(script)) return -1;
    rewind(script);
    return 0;
}
