/* A line is a row of pieces.  Where they do not all fit, the bar shrinks first; then whole pieces go, the ones that the
 * others also tell before the rest; then the note and the title are cut. */
#include "report/bar.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "report/words.h"

enum { TITLE,
       PERCENT,
       BAR,
       COUNT,
       RATE,
       TIME,
       NOTE,
       PIECES };

enum { BAR_LONGEST = 32,
       BAR_SHORTEST = 8, /* columns, both ends included */
       NOTE_SHORTEST = 8 };

typedef struct {
    char text[PIECES][REPORT_WORDS + 64];
    int columns[PIECES]; /* 0: not shown */
} pieces;

static const int gap_before[PIECES] = {[PERCENT] = 1, [BAR] = 1, [COUNT] = 2, [RATE] = 2, [TIME] = 2, [NOTE] = 2};

static double fraction(const report_moment *m)
{
    return fmin(fmax((double)m->done / (double)m->steps, 0), 1);
}

static void say(pieces *p, int piece, const char *text)
{
    snprintf(p->text[piece], sizeof p->text[piece], "%s", text);
    p->columns[piece] = report_columns(p->text[piece]);
}

static void say_time(pieces *p, const report_moment *m)
{
    char clock[32], text[64];
    report_clock(clock, m->seconds);
    if (m->finished && m->seconds >= 0 && m->seconds < 59.95)
        snprintf(text, sizeof text, "in %.1f s", m->seconds);
    else if (m->finished)
        snprintf(text, sizeof text, "in %s", clock);
    else
        snprintf(text, sizeof text, m->steps > 0 ? "%5s left" : "%5s", clock);
    say(p, TIME, text);
}

static void say_all(pieces *p, const report_moment *m)
{
    char text[REPORT_WORDS + 64], rate[16];
    memset(p, 0, sizeof *p);
    say(p, TITLE, m->title);
    if (m->steps > 0) {
        snprintf(text, sizeof text, "%3d%%", (int)(100 * fraction(m)));
        say(p, PERCENT, text);
        int digits = snprintf(text, sizeof text, "%lld", (long long)m->steps);
        snprintf(text, sizeof text, "%*lld/%lld", digits, (long long)m->done, (long long)m->steps);
    } else {
        snprintf(text, sizeof text, "%lld", (long long)m->done);
    }
    say(p, COUNT, text);
    if (*m->unit) {
        report_si(rate, m->rate);
        snprintf(text, sizeof text, "%5s %s/s", m->rate < 0 ? "-" : rate, m->unit);
        say(p, RATE, text);
    }
    say_time(p, m);
    say(p, NOTE, m->note);
}

static int total(const pieces *p)
{
    int columns = 0;
    for (int i = 0; i < PIECES; i++)
        if (p->columns[i]) columns += p->columns[i] + (columns ? gap_before[i] : 0);
    return columns;
}

static void join(char *line, const pieces *p)
{
    size_t n = 0;
    for (int i = 0; i < PIECES; i++)
        if (*p->text[i] && p->columns[i])
            n += (size_t)snprintf(line + n, REPORT_LINE - n, "%*s%s", n ? gap_before[i] : 0, "", p->text[i]);
    line[n] = '\0';
}

/* The cell that is being filled shows eighths where the terminal has such blocks. */
static void draw_bar(char *text, const report_moment *m, int columns)
{
    static const char *const eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int inner = columns - 2, full = (int)(inner * fraction(m)), eighth = (int)(8 * inner * fraction(m)) % 8;
    const char *arrow = m->done > 0 ? ">" : " ", *tip = m->utf8 ? eighths[eighth] : arrow;

    char *t = stpcpy(text, m->utf8 ? "▕" : "[");
    for (int i = 0; i < full; i++) t = stpcpy(t, m->utf8 ? "█" : "#");
    for (int i = full; i < inner; i++) t = stpcpy(t, i == full ? tip : " ");
    stpcpy(t, m->utf8 ? "▏" : "]");
}

void report_bar(char line[static REPORT_LINE], const report_moment *m, int columns)
{
    pieces p;
    say_all(&p, m);
    if (*m->note && p.columns[NOTE] < m->note_columns) p.columns[NOTE] = m->note_columns;
    if (m->steps > 0) p.columns[BAR] = BAR_SHORTEST;

    int title_most = columns / 3 > 8 ? columns / 3 : 8;
    report_cut(p.text[TITLE], sizeof p.text[TITLE], title_most, m->utf8);
    p.columns[TITLE] = report_columns(p.text[TITLE]);

    static const int less_needed[] = {COUNT, RATE, TIME};
    for (size_t i = 0; i < sizeof less_needed / sizeof *less_needed && total(&p) > columns; i++)
        p.columns[less_needed[i]] = 0;
    int over = total(&p) - columns;
    if (over > 0 && p.columns[NOTE]) {
        p.columns[NOTE] = p.columns[NOTE] - over >= NOTE_SHORTEST ? p.columns[NOTE] - over : 0;
        report_cut(p.text[NOTE], sizeof p.text[NOTE], p.columns[NOTE], m->utf8);
    }
    if (total(&p) > columns) p.columns[BAR] = 0;
    if (p.columns[BAR]) {
        p.columns[BAR] += columns - total(&p);
        if (p.columns[BAR] > BAR_LONGEST) p.columns[BAR] = BAR_LONGEST;
        draw_bar(p.text[BAR], m, p.columns[BAR]);
    }
    join(line, &p);
    report_cut(line, REPORT_LINE, columns, m->utf8);
}

void report_plain(char line[static REPORT_LINE], const report_moment *m)
{
    pieces p;
    say_all(&p, m);
    join(line, &p);
}
