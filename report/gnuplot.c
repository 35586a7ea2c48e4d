/* gnuplot gets everything through files without a name: the script, with the numbers in it, is its standard input, the
 * picture its standard output.  So no text of ours is ever a file name or a command to it, nothing is left behind if we
 * crash, and no pipe can break.  Texts stand in single quotes, in which gnuplot knows no escapes, no `commands` and no
 * @macros; line ends and quotes stand between them: 'one'."\n".'two'  (a doubled quote, as gnuplot's manual has it, fails
 * where it opens the text). */
#include "report/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/fail.h"
#include "report/run.h"
#include "report/words.h"

static const double DEADLINE = 60; /* seconds */

/* Told apart by colour-blind readers too: Okabe & Ito, "Color Universal Design" (2008). */
static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444"};
enum { COLOURS = sizeof colours / sizeof *colours };

/* ---- the script ---- */

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

static void write_look(FILE *script, const tr_plot *p, bool svg)
{
    if (svg)
        fprintf(script, "set terminal svg noenhanced size %d,%d font 'sans-serif,14' background rgb '#FFFFFF'\n", p->width, p->height);
    else
        fprintf(script, "if (strstrt(GPVAL_TERMINALS, ' pngcairo ')) { set terminal pngcairo noenhanced size %d,%d font 'sans,11' background rgb '#FFFFFF' }"
                        " else { set terminal png noenhanced truecolor size %d,%d }\n",
                p->width, p->height, p->width, p->height);
    fputs("set encoding utf8\n"
          "set border 3 linewidth 1 linecolor rgb '#888888'\n"
          "set tics nomirror out scale 0.6,0.3 textcolor rgb '#444444'\n"
          "set grid linetype 1 linewidth 0.7 linecolor rgb '#E4E4E4'\n"
          "set key below center horizontal reverse Left samplen 2 width 1 noenhanced textcolor rgb '#222222'\n" /* never over a curve */
          "set autoscale xfix\n"
          "set offsets graph 0.01, graph 0.01, 0, 0\n",
          script);
    write_text(script, "title", p->title, "font ',14' textcolor rgb '#222222'");
    write_text(script, "xlabel", p->xlabel, "offset 0,0.4 textcolor rgb '#222222'");
    write_text(script, "ylabel", p->ylabel, "textcolor rgb '#222222'");
    if (p->log_y) fputs("set logscale y\nset mytics 10\n", script);
}

/* An empty line is a gap.  What is denormal is nothing to gnuplot's axes but trouble. */
static void write_points(FILE *script, const tr_plot *p, int number)
{
    const report_curve *c = &p->curves[number];
    fprintf(script, "$curve%d << END\n", number);
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

static void write_curve(FILE *script, const tr_plot *p, int number)
{
    const report_curve *c = &p->curves[number];
    int64_t shown = shown_points(p, c);
    if (shown == 0)
        fputs("NaN", script); /* gnuplot refuses data without a point; this keeps the legend's entry */
    else
        fprintf(script, "$curve%d using 1:2", number);
    if (c->mark == TR_POINTS || shown == 1)
        fprintf(script, " with points pointtype 7 pointsize 0.5");
    else
        fprintf(script, " with lines linewidth 2%s", c->mark == TR_DASHED ? " dashtype '-'" : "");
    fprintf(script, " linecolor rgb '%s' ", colours[number % COLOURS]);
    if (c->legend) {
        fputs("title ", script);
        write_quoted(script, c->legend);
        fputs(" noenhanced", script);
    } else {
        fputs("notitle", script);
    }
}

static int write_script(FILE *script, const tr_plot *p, bool svg)
{
    report_extent extent;
    write_look(script, p, svg);
    if (!report_extent_of(p, &extent)) fprintf(script, "set xrange [0:1]\nset yrange [%s]\n", p->log_y ? "0.1:1" : "0:1");
    for (int i = 0; i < p->count; i++) write_points(script, p, i);
    fputs("plot ", script);
    if (p->count == 0) fputs("NaN notitle", script);
    for (int i = 0; i < p->count; i++) {
        if (i) fputs(", ", script);
        write_curve(script, p, i);
    }
    fputs("\n", script);
    if (fflush(script) || ferror(script)) return -1;
    rewind(script);
    return 0;
}

/* ---- the picture ---- */

/* The last thing gnuplot said, without the script that it repeats. */
static void last_line(FILE *said, char *line, size_t bytes)
{
    char read[512];
    *line = '\0';
    rewind(said);
    while (fgets(read, sizeof read, said)) {
        const char *text = read + strspn(read, " \t");
        if (*text != '\n' && *text) report_clean(line, bytes, text, true);
    }
}

/* A full disk does not change gnuplot's exit status, but the end is then missing. */
static bool is_complete(int file, bool svg)
{
    enum { TAIL = 16 };
    char tail[TAIL + 1] = "";
    off_t length = lseek(file, 0, SEEK_END);
    if (length < TAIL || pread(file, tail, TAIL, length - TAIL) != TAIL) return false;
    return svg ? strstr(tail, "</svg>") != NULL : memcmp(tail + TAIL - 8, "IEND\xae\x42\x60\x82", 8) == 0;
}

/* A new file beside `path`; `name` has room for 64 bytes more than it. */
static int create_beside(const char *path, char *name)
{
    for (int i = 0; i < 100; i++) {
        sprintf(name, "%s.%ld.%d.tmp", path, (long)getpid(), i);
        int file = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file >= 0 || errno != EEXIST) return file;
    }
    return -1;
}

static int draw(const tr_plot *p, const char *path, bool svg, int picture, FILE *script, FILE *said)
{
    static const char *const gnuplot[] = {"gnuplot", "--default-settings", "-", NULL};
    char why[256];
    if (write_script(script, p, svg) < 0) return core_fail_status("tr_plot_save: cannot write a script for %s: %s", path, strerror(errno));
    report_outcome outcome = report_run(gnuplot, fileno(script), picture, fileno(said), DEADLINE);
    if (outcome == REPORT_ABSENT) return 1;
    if (outcome == REPORT_TOO_LONG) return core_fail_status("tr_plot_save: gnuplot worked on %s for over %.0f s and was ended", path, DEADLINE);
    last_line(said, why, sizeof why);
    if (outcome == REPORT_FAILED) return core_fail_status("tr_plot_save: gnuplot could not draw %s: %s", path, *why ? why : "it said nothing");
    if (!is_complete(picture, svg)) return core_fail_status("tr_plot_save: gnuplot's picture %s is incomplete (is the disk full?) %s", path, why);
    if (fsync(picture) < 0) return core_fail_status("tr_plot_save: cannot write %s: %s", path, strerror(errno));
    return 0;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

int(tr_plot_save)(tr_plot *p, const char *path)
{
    if (!p || !path) return core_null_status("tr_plot_save");
    bool svg = ends_with(path, ".svg");
    if (!svg && !ends_with(path, ".png")) return core_fail_status("tr_plot_save: %s ends neither in .png nor in .svg", path);

    int status = -1, picture = -1;
    FILE *script = tmpfile(), *said = tmpfile();
    char *beside = malloc(strlen(path) + 64);
    if (!script || !said || !beside) {
        core_fail("tr_plot_save: no room for a script for %s: %s", path, strerror(errno));
        goto out;
    }
    picture = create_beside(path, beside);
    if (picture < 0) {
        core_fail("tr_plot_save: cannot write %s: %s", path, strerror(errno));
        goto out;
    }
    status = draw(p, path, svg, picture, script, said);
    if (status == 0 && rename(beside, path) < 0) status = core_fail_status("tr_plot_save: cannot write %s: %s", path, strerror(errno));
    if (status != 0) unlink(beside);
out:
    if (picture >= 0) close(picture);
    if (script) fclose(script);
    if (said) fclose(said);
    free(beside);
    return status;
}
