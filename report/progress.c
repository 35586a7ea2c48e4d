/* When a bar is drawn.  A step only looks at the clock; what it costs to lay out a line, to format a note and to write
 * is paid when the last drawing is old enough. */
#include <trireme/report.h>

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "core/fail.h"
#include "report/bar.h"
#include "report/words.h"

static const double BAR_EVERY = 1.0 / 15, LINE_EVERY = 5; /* seconds */
static const double MEMORY = 10;                          /* seconds after which a rate counts 1/e */

typedef enum { NONE,
               LINES,
               BAR } manner;

struct tr_progress {
    FILE *stream; /* borrowed */
    manner manner;
    report_moment moment;
    int64_t units;
    double began, drawn, next; /* seconds on the monotonic clock */
    /* What lies between drawings, older parts fading: the rates are quotients of these. */
    struct {
        int64_t done, units; /* at the last drawing */
        double steps, amount, seconds;
    } recent;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static manner manner_for(FILE *stream)
{
    const char *asked = getenv("TRIREME_PROGRESS"), *terminal = getenv("TERM");
    if (asked && strcmp(asked, "bar") == 0) return BAR;
    if (asked && strcmp(asked, "lines") == 0) return LINES;
    if (asked && strcmp(asked, "none") == 0) return NONE;
    if (!terminal || !*terminal || strcmp(terminal, "dumb") == 0) return LINES;
    return isatty(fileno(stream)) ? BAR : LINES;
}

/* Asked anew for every drawing: a window may have been resized, and a signal handler is not ours to install. */
static int terminal_columns(FILE *stream)
{
    struct winsize size;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    const char *columns = getenv("COLUMNS");
    long n = columns ? strtol(columns, NULL, 10) : 0;
    return n > 0 && n < 10000 ? (int)n : 80;
}

static void look_back(tr_progress *p, double time)
{
    double passed = time - p->drawn, fade = exp(-passed / MEMORY);
    p->recent.steps = fade * p->recent.steps + (double)(p->moment.done - p->recent.done);
    p->recent.amount = fade * p->recent.amount + (double)(p->units - p->recent.units);
    p->recent.seconds = fade * p->recent.seconds + passed;
    p->recent.done = p->moment.done;
    p->recent.units = p->units;
}

static void draw(tr_progress *p, double time)
{
    char line[REPORT_LINE];
    report_moment *m = &p->moment;
    look_back(p, time);
    m->rate = p->recent.amount > 0 ? p->recent.amount / p->recent.seconds : -1;
    m->seconds = time - p->began;
    if (m->finished)
        m->rate = p->units > 0 && m->seconds > 0 ? (double)p->units / m->seconds : -1;
    else if (m->steps > 0)
        m->seconds = p->recent.steps > 0 ? fmax(0, (double)(m->steps - m->done)) * p->recent.seconds / p->recent.steps : -1;

    if (p->manner == BAR) {
        int note = report_columns(m->note);
        if (note > m->note_columns) m->note_columns = note;
        /* The last column stays free: some terminals wrap as soon as it is written. */
        report_bar(line, m, terminal_columns(p->stream) - 1);
        fprintf(p->stream, "\r%s\033[K%s", line, m->finished ? "\n" : "");
    } else {
        report_plain(line, m);
        fprintf(p->stream, "%s\n", line);
    }
    fflush(p->stream);
    p->drawn = time;
    p->next = time + (p->manner == BAR ? BAR_EVERY : LINE_EVERY);
}

tr_progress *(tr_progress_new)(const char *title, int64_t steps, tr_progress_options options)
{
    tr_progress *p = calloc(1, sizeof *p);
    if (!p) return core_fail_memory("tr_progress_new", (int64_t)sizeof *p);
    p->stream = options.stream ? options.stream : stderr;
    p->manner = options.silent ? NONE : manner_for(p->stream);
    if (p->manner == NONE) return p;

    report_moment *m = &p->moment;
    m->utf8 = report_utf8();
    report_clean(m->title, sizeof m->title, title, m->utf8);
    report_clean(m->unit, sizeof m->unit, options.unit, m->utf8);
    m->steps = steps > 0 ? steps : 0;
    p->began = p->drawn = now();
    p->next = p->began + LINE_EVERY;
    if (p->manner == BAR) draw(p, p->began);
    return p;
}

static void take_note(report_moment *m, const char *format, va_list values)
{
    char note[REPORT_WORDS];
    vsnprintf(note, sizeof note, format, values);
    report_clean(m->note, sizeof m->note, note, m->utf8);
}

void tr_progress_step(tr_progress *p, int64_t units, const char *note_format, ...)
{
    if (!p || p->manner == NONE) return;
    p->moment.done++;
    p->units += units;
    double time = now();
    bool last = p->moment.done == p->moment.steps;
    if (time < p->next && !last) return;

    if (note_format) {
        va_list values;
        va_start(values, note_format);
        take_note(&p->moment, note_format, values);
        va_end(values);
    }
    if (time >= p->next || p->manner == BAR) draw(p, time); /* a file gets the last one from tr_progress_end */
}

void tr_progress_end(tr_progress *p)
{
    if (!p) return;
    p->moment.finished = true;
    if (p->manner != NONE) draw(p, now());
    free(p);
}
