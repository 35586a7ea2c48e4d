/* A plot drawn with characters.
 *
 * Points are placed on a grid of dots: eight to a character (braille, two by four) for a single curve where the locale
 * can show it, else one to a character, each curve with its own mark. */
#include "report/plot.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/fail.h"
#include "report/words.h"

enum { LEAST_COLUMNS = 30,
       LEAST_ROWS = 10,
       MOST = 1000,
       TICS = 64 };

static const char marks[] = "*+xo#@%&";

/* ---- an axis ---- */

typedef struct {
    double low, high;
    bool log; /* low and high are then logarithms */
    int tics;
    double at[TICS]; /* 0 to 1 */
    char label[TICS][32];
} axis;

/* Where v stands on the axis, 0 to 1. */
static double place(const axis *a, double v)
{
    return ((a->log ? log10(v) : v) - a->low) / (a->high - a->low);
}

/* 1, 2 or 5 times a power of ten: at most about `most` steps of it cover the range. */
static double round_step(double range, int most)
{
    static const double times[] = {1, 2, 5, 10};
    double least = range / most, power = pow(10, floor(log10(least)));
    int i = 0;
    while (i < 3 && times[i] * power < least) i++;
    return times[i] * power;
}

static void add_tic(axis *a, double v, int digits)
{
    double at = place(a, v);
    if (a->tics == TICS || !(at >= -1e-9 && at <= 1 + 1e-9)) return;
    a->at[a->tics] = at;
    snprintf(a->label[a->tics++], sizeof *a->label, "%.*g", digits, v);
}

static void add_tics(axis *a, int most)
{
    if (a->log && a->high - a->low >= 1) {
        int every = (int)ceil((a->high - a->low) / most);
        for (int e = (int)ceil(a->low); e <= a->high; e += every) add_tic(a, pow(10, e), 3);
        return;
    }
    double low = a->log ? pow(10, a->low) : a->low, high = a->log ? pow(10, a->high) : a->high;
    double step = round_step(high - low, most), first = ceil(low / step);
    /* enough digits to tell one from the next, and few enough that 3 * 0.1 is 0.3 */
    double digits = fmin(fmax(6, 1 + ceil(log10(fmax(fabs(low), fabs(high)) / step))), 17);
    for (int i = 0; i < TICS; i++) add_tic(a, (first + i) * step + 0.0, (int)digits); /* + 0.0: no "-0" */
}

static axis make_axis(const double extent[2], bool log, int most)
{
    axis a = {.log = log, .low = log ? log10(extent[0]) : extent[0], .high = log ? log10(extent[1]) : extent[1]};
    if (!(a.high - a.low > fmax(DBL_MIN, 1e-15 * fabs(a.high)))) { /* what is one value stands in the middle */
        double around = log || fabs(a.low) < DBL_MIN ? 1 : fabs(a.low) / 2;
        a.low -= around;
        a.high += around;
    }
    add_tics(&a, most);
    return a;
}

/* ---- the grid ---- */

typedef struct {
    int columns, rows; /* in characters */
    bool braille;
    unsigned char *cells; /* owns; braille: the dots that are set; else a mark or 0 */
} grid;

static void set_dot(grid *g, int x, int y, int curve)
{
    static const unsigned char dots[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (g->braille)
        g->cells[y / 4 * g->columns + x / 2] |= dots[y % 4][x % 2];
    else
        g->cells[y * g->columns + x] = (unsigned char)marks[(size_t)curve % (sizeof marks - 1)];
}

typedef struct {
    double x, y; /* 0 to 1 on the grid, y upwards */
} spot;

/* What lies far away is brought near enough to reckon with. */
static double near(double at) { return fmin(fmax(at, -1e9), 1e9); }

/* The part of the line from a to b that lies on the grid; false if there is none (Liang & Barsky 1984). */
static bool clip(spot *a, spot *b)
{
    const double dx = b->x - a->x, dy = b->y - a->y, slack = 1e-9;
    const double way[4] = {-dx, dx, -dy, dy}, room[4] = {a->x + slack, 1 + slack - a->x, a->y + slack, 1 + slack - a->y};
    double from = 0, to = 1;
    for (int i = 0; i < 4; i++) {
        if (way[i] < 0)
            from = fmax(from, room[i] / way[i]);
        else if (way[i] > 0)
            to = fmin(to, room[i] / way[i]);
        else if (room[i] < 0)
            return false;
    }
    if (!(from <= to)) return false;
    *b = (spot){a->x + to * dx, a->y + to * dy};
    *a = (spot){a->x + from * dx, a->y + from * dy};
    return true;
}

static bool is_dot(tr_mark mark, int step)
{
    return mark == TR_DASHED ? step % 4 < 2 : mark == TR_DOTTED ? step % 3 == 0
                                                                : true;
}

/* `walked` counts the dots along a curve, so that its pattern goes on from one piece to the next. */
static void draw_line(grid *g, spot a, spot b, tr_mark mark, int number, int *walked)
{
    int right = g->columns * (g->braille ? 2 : 1) - 1, bottom = g->rows * (g->braille ? 4 : 1) - 1;
    if (!clip(&a, &b)) return;
    int x0 = (int)lround(right * a.x), y0 = (int)lround(bottom * (1 - a.y));
    int dx = (int)lround(right * b.x) - x0, dy = (int)lround(bottom * (1 - b.y)) - y0, steps = abs(dx) > abs(dy) ? abs(dx) : abs(dy);
    if (is_dot(mark, *walked)) set_dot(g, x0, y0, number);
    for (int s = 1; s <= steps; s++)
        if (is_dot(mark, ++*walked)) set_dot(g, x0 + (int)lround((double)dx * s / steps), y0 + (int)lround((double)dy * s / steps), number);
}

static void draw_curve(grid *g, const tr_plot *p, int number, const axis *across, const axis *up)
{
    const report_curve *c = &p->curves[number];
    bool joined = false;
    spot before = {0, 0};
    int walked = 0;
    for (int64_t i = 0; i < c->n; i++) {
        if (!report_shows(p, c->x[i], c->y[i])) {
            joined = false;
            continue;
        }
        spot here = {near(place(across, c->x[i])), near(place(up, c->y[i]))};
        if (!joined || c->mark == TR_POINTS) walked = 0, before = here;
        draw_line(g, before, here, c->mark, number, &walked);
        before = here;
        joined = true;
    }
}

/* ---- the page ---- */

typedef struct {
    FILE *stream; /* borrowed */
    bool utf8;
    int columns, left; /* left: columns before the grid, its axis included */
} page;

static void write_words(const page *g, const char *text, int from, int to, bool centred)
{
    char clean[1024];
    report_clean(clean, sizeof clean, text, g->utf8);
    report_cut(clean, sizeof clean, to - from, g->utf8);
    fprintf(g->stream, "%*s%s\n", centred ? from + (to - from - report_columns(clean)) / 2 : from, "", clean);
}

int report_write_line(FILE *stream, const char *text, int columns)
{
    write_words(&(page){.stream = stream, .utf8 = report_utf8()}, text, 0, columns, true);
    return ferror(stream) ? -1 : 0;
}

static void write_row(const page *g, const grid *cells, int row, const axis *up)
{
    int tic = -1;
    for (int i = 0; i < up->tics; i++)
        if (lround((cells->rows - 1) * (1 - up->at[i])) == row) tic = i;
    fprintf(g->stream, "%*s ", g->left - 2, tic < 0 ? "" : up->label[tic]);
    fputs(g->utf8 ? (tic < 0 ? "│" : "┤") : (tic < 0 ? "|" : "+"), g->stream);

    const unsigned char *c = cells->cells + (ptrdiff_t)row * cells->columns;
    int end = cells->columns;
    while (end > 0 && !c[end - 1]) end--; /* no blanks at a line's end */
    for (int x = 0; x < end; x++)
        if (!c[x] || !cells->braille)
            fputc(c[x] ? c[x] : ' ', g->stream);
        else
            fprintf(g->stream, "\xe2%c%c", 0xA0 | c[x] >> 6, 0x80 | (c[x] & 0x3F)); /* U+2800 + dots */
    fputc('\n', g->stream);
}

/* The lower axis and, below, its labels: each centred at its tic, and left out where it would touch the one before. */
static void write_lower_axis(const page *g, const grid *cells, const axis *across)
{
    char labels[MOST + 64];
    bool tic_at[MOST] = {false};
    memset(labels, ' ', sizeof labels);
    int end = 0;
    for (int i = 0; i < across->tics; i++) {
        int x = (int)lround((cells->columns - 1) * across->at[i]), length = (int)strlen(across->label[i]);
        int from = g->left + x - length / 2;
        if (from + length > g->columns) from = g->columns - length;
        tic_at[x] = true;
        if (from < 0 || (end > 0 && from < end + 2)) continue;
        memcpy(labels + from, across->label[i], (size_t)length);
        end = from + length;
    }
    fprintf(g->stream, "%*s%s", g->left - 1, "", g->utf8 ? "└" : "+");
    for (int x = 0; x < cells->columns; x++) fputs(g->utf8 ? (tic_at[x] ? "┬" : "─") : (tic_at[x] ? "+" : "-"), g->stream);
    fprintf(g->stream, "\n%.*s\n", end, labels);
}

static bool has_legend(const tr_plot *p)
{
    for (int i = 0; i < p->count; i++)
        if (p->curves[i].legend) return true;
    return false;
}

static void write_legend(const page *g, const tr_plot *p, bool braille)
{
    char line[1024] = "", one[256];
    for (int i = 0; i < p->count; i++) {
        if (!p->curves[i].legend) continue;
        report_clean(one, sizeof one, p->curves[i].legend, g->utf8);
        size_t n = strlen(line);
        snprintf(line + n, sizeof line - n, "%s%c %s", n ? "   " : "", marks[(size_t)i % (sizeof marks - 1)], one);
    }
    write_words(g, braille ? line + 2 : line, g->left, g->columns, true); /* a single curve needs no mark */
}

static int write_page(const tr_plot *p, FILE *stream, int columns, int rows)
{
    report_extent extent;
    report_extent_of(p, &extent);
    page g = {.stream = stream, .utf8 = report_utf8(), .columns = columns};
    grid cells = {.braille = g.utf8 && p->count == 1};
    cells.rows = rows - !!p->title - !!p->ylabel - 2 - !!p->xlabel - has_legend(p);

    axis up = make_axis(extent.y, p->log_y, cells.rows / 2);
    for (int i = 0; i < up.tics; i++)
        if ((int)strlen(up.label[i]) + 2 > g.left) g.left = (int)strlen(up.label[i]) + 2;
    if (g.left < 2) g.left = 2;
    cells.columns = columns - g.left;
    axis across = make_axis(extent.x, p->log_x, cells.columns / 10 + 1);

    cells.cells = calloc((size_t)cells.columns, (size_t)cells.rows);
    if (!cells.cells) {
        core_fail_memory("tr_plot_text", (int64_t)cells.columns * cells.rows);
        return -1;
    }
    for (int i = 0; i < p->count; i++) draw_curve(&cells, p, i, &across, &up);

    if (p->title) write_words(&g, p->title, g.left, columns, true);
    if (p->ylabel) write_words(&g, p->ylabel, 0, columns, false);
    for (int row = 0; row < cells.rows; row++) write_row(&g, &cells, row, &up);
    write_lower_axis(&g, &cells, &across);
    if (p->xlabel) write_words(&g, p->xlabel, g.left, columns, true);
    if (has_legend(p)) write_legend(&g, p, cells.braille);
    free(cells.cells);
    return 0;
}

int(tr_plot_text)(tr_plot *p, FILE *stream, int columns, int rows)
{
    if (!p || !stream) return core_null_status("tr_plot_text");
    if (columns == 0) columns = 80;
    if (rows == 0) rows = 20;
    if (columns < LEAST_COLUMNS || rows < LEAST_ROWS || columns > MOST || rows > MOST)
        return core_fail_status("tr_plot_text: %d columns by %d rows: at least %d by %d, at most %d", columns, rows, LEAST_COLUMNS, LEAST_ROWS, MOST);
    if (write_page(p, stream, columns, rows) < 0) return -1;
    if (fflush(stream) || ferror(stream)) return core_fail_status("tr_plot_text: cannot write: %s", strerror(errno));
    return 0;
}
