/* Where a step's time goes: every moment of the thread that trains belongs to one column.
 *
 * Entering a column charges the time since the last change to the column before, so the columns sum to the wall by
 * construction, and whatever is nested is counted once.  Arithmetic never takes from another column: a kernel that the
 * optimiser runs is the optimiser's. */
#include <trireme/trace.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/fail.h"
#include "core/ledger_there.h"
#include "core/memory.h"
#include "core/thread.h"
#include "core/watch.h"

enum { WALLS = 255,
       MOST_STEPS = 1000000000 };

typedef struct core_ledger {
    bool runs;
    bool steps_known; /* tr_step or tr_replay ends them */
    int column;
    int64_t since_ns;
    core_times now, last, total, told;
    int64_t steps, told_steps;
    int64_t wall[WALLS];      /* of the last steps, a ring */
    core_ledger_there *there; /* owned; NULL: no device was asked for anything yet */
} core_ledger;

static _Atomic int64_t every;
static _Atomic bool told_elsewhere;

/* ---- counting ---- */

static void charge(core_ledger *l, int64_t now_ns)
{
    l->now.column[l->column] += now_ns - l->since_ns;
    l->since_ns = now_ns;
}

/* Without memory there is no ledger, and that is no error. */
static bool make(core_thread *here)
{
    here->ledger = core_system_take((int64_t)sizeof *here->ledger);
    if (here->ledger) *here->ledger = (core_ledger){0};
    return here->ledger;
}

static void begin(core_ledger *l, int64_t now_ns)
{
    core_ledger_there_free(l->there);
    *l = (core_ledger){.runs = true, .since_ns = now_ns};
}

int core_ledger_enter(int column, int64_t *now_ns)
{
    core_thread *here = core_here();
    if (!here->ledger && !make(here)) return -1;
    core_ledger *l = here->ledger;
    if (!l->runs && column != CORE_COMPUTE && column != CORE_DATA) return -1;
    if (l->runs && (l->column == column || (column == CORE_COMPUTE && l->column != CORE_OTHER))) return -1;
    *now_ns = core_now_ns();
    if (l->runs)
        charge(l, *now_ns);
    else
        begin(l, *now_ns);
    int before = l->column;
    l->column = column;
    if (l->there) core_ledger_there_border(l->there, column);
    return before;
}

void core_ledger_leave(int before, int64_t now_ns, bool bordered)
{
    core_ledger *l = core_here()->ledger;
    if (!l || !l->runs) return;
    charge(l, now_ns);
    l->column = before;
    if (l->there && (bordered || before != CORE_OTHER)) core_ledger_there_border(l->there, before);
}

void core_ledger_device(tr_device at)
{
    core_ledger *l = core_here()->ledger;
    if (l && l->runs && !l->there) l->there = core_ledger_there_new(at, l->column);
}

static int64_t sum(const core_times *t)
{
    int64_t ns = 0;
    for (int i = 0; i < CORE_COLUMNS; i++) ns += t->column[i];
    return ns;
}

static void tell(core_ledger *l);

static void end_step(core_ledger *l, int64_t now_ns)
{
    charge(l, now_ns);
    if (l->there) core_ledger_there_step(l->there, l->column);
    l->wall[l->steps++ % WALLS] = sum(&l->now);
    for (int i = 0; i < CORE_COLUMNS; i++) l->total.column[i] += l->now.column[i];
    l->last = l->now;
    l->now = (core_times){0};
    int64_t n = atomic_load_explicit(&every, memory_order_relaxed);
    if (n > 0 && l->steps % n == 0 && !atomic_load_explicit(&told_elsewhere, memory_order_relaxed)) tell(l);
}

void core_ledger_step(int64_t now_ns)
{
    core_ledger *l = core_here()->ledger;
    if (!l || !l->runs) return;
    l->steps_known = true;
    end_step(l, now_ns);
}

/* ---- telling ---- */

static tr_ledger_times seconds(const core_times *t, double of)
{
    const double s = 1e-9 / of;
    return (tr_ledger_times){
        .wall = s * (double)sum(t),
        .compute = s * (double)t->column[CORE_COMPUTE],
        .communication = s * (double)t->column[CORE_COMMUNICATION],
        .data = s * (double)t->column[CORE_DATA],
        .optimiser = s * (double)t->column[CORE_OPTIMISER],
        .other = s * (double)t->column[CORE_OTHER],
    };
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

tr_ledger tr_ledger_read(void)
{
    const core_ledger *l = core_here()->ledger;
    if (!l || l->steps == 0) return (tr_ledger){0};
    int64_t wall[WALLS], n = l->steps < WALLS ? l->steps : WALLS;
    memcpy(wall, l->wall, (size_t)n * sizeof *wall);
    qsort(wall, (size_t)n, sizeof *wall, by_size);
    tr_ledger now = {.steps = l->steps, .last = seconds(&l->last, 1), .total = seconds(&l->total, 1), .median_wall = 0.5e-9 * (double)(wall[(n - 1) / 2] + wall[n / 2])};
    core_times there;
    if (!l->there || (now.device_steps = core_ledger_there_known(l->there, &there)) == 0) return now;
    now.device = seconds(&there, 1);
    return now;
}

const char *tr_ledger_heading_(char *text, int64_t ranks)
{
    char of[40] = "";
    if (ranks > 1) snprintf(of, sizeof of, ", mean of %lld ranks", (long long)ranks);
    snprintf(text, 2 * TR_LEDGER_LINE_, "trireme: ms a step%s\n%11s %7s %7s %7s %7s %7s %7s%s\n", of, "steps", "wall", "compute", "comm", "data", "optim", "other",
             ranks > 1 ? "  slowest rank" : "");
    return text;
}

/* Three digits behind the point as long as there is room for them. */
static void put(char text[16], double seconds)
{
    double ms = 1e3 * seconds;
    snprintf(text, 16, "%7.*f", ms < 1000 ? 3 : ms < 100000 ? 1
                                                            : 0,
             ms);
}

const char *tr_ledger_line_(char *text, const char *steps, const tr_ledger_times *mean, const char *slowest)
{
    char number[6][16];
    const double values[6] = {mean->wall, mean->compute, mean->communication, mean->data, mean->optimiser, mean->other};
    for (int i = 0; i < 6; i++) put(number[i], values[i]);
    snprintf(text, TR_LEDGER_LINE_, "%11s %s %s %s %s %s %s%s%s\n", steps, number[0], number[1], number[2], number[3], number[4], number[5], *slowest ? "  " : "", slowest);
    return text;
}

/* In hundredths of the wall. */
const char *tr_ledger_shares_(char *text, const tr_ledger_times *t)
{
    const double part[] = {t->wall, t->compute, t->communication, t->data, t->optimiser, t->other};
    int n = snprintf(text, TR_LEDGER_LINE_, "%11s", "share");
    for (int i = 0; i < 6; i++) n += snprintf(text + n, (size_t)(TR_LEDGER_LINE_ - n), " %6.1f%%", t->wall > 0 ? 100 * part[i] / t->wall : 0);
    snprintf(text + n, (size_t)(TR_LEDGER_LINE_ - n), "\n");
    return text;
}

static bool has_bar(void)
{
    const char *asked = getenv("TRIREME_PROGRESS"), *terminal = getenv("TERM");
    if (asked) return strcmp(asked, "bar") == 0;
    return terminal && strcmp(terminal, "dumb") != 0 && isatty(STDERR_FILENO);
}

void tr_ledger_say_(const char *text)
{
    char lines[3 * TR_LEDGER_LINE_];
    int n = snprintf(lines, sizeof lines, "%s%s", has_bar() ? "\r\033[K" : "", text); /* where a bar stood; it draws itself again below */
    ssize_t written = write(STDERR_FILENO, lines, (size_t)n);                         /* one write, so that ranks' lines do not mix */
    (void)written;
}

static void tell_line(int64_t first, int64_t last, const core_times *t)
{
    char steps[48], line[TR_LEDGER_LINE_];
    snprintf(steps, sizeof steps, last > first ? "%lld-%lld" : "%lld", (long long)first, (long long)last);
    tr_ledger_times mean = seconds(t, (double)(last - first + 1));
    tr_ledger_say_(tr_ledger_line_(line, steps, &mean, ""));
}

static void tell_heading(const core_ledger *l)
{
    char heading[2 * TR_LEDGER_LINE_];
    if (l->told_steps == 0) tr_ledger_say_(tr_ledger_heading_(heading, 1));
}

static void tell(core_ledger *l)
{
    tell_heading(l);
    core_times since = l->total;
    for (int i = 0; i < CORE_COLUMNS; i++) since.column[i] -= l->told.column[i];
    tell_line(l->told_steps + 1, l->steps, &since);
    l->told = l->total;
    l->told_steps = l->steps;
}

/* Beside the columns of the thread, which does not wait for it: of how many steps it is known, where not of all. */
static void tell_of_device(const core_ledger *l)
{
    core_times there;
    char line[TR_LEDGER_LINE_], known[32] = "";
    const int64_t steps = l->there ? core_ledger_there_known(l->there, &there) : 0;
    if (steps == 0) return;
    const tr_ledger_times mean = seconds(&there, (double)steps);
    if (steps < l->steps) snprintf(known, sizeof known, "of %lld steps", (long long)steps);
    tr_ledger_say_(tr_ledger_line_(line, "device", &mean, known));
}

void core_ledger_finish(void)
{
    core_ledger *l = core_here()->ledger;
    if (!l || !l->runs || l->steps == 0 || atomic_load(&every) == 0 || atomic_load(&told_elsewhere)) return;
    tell_heading(l);
    if (l->told_steps > 0 && l->told_steps < l->steps) tell(l);
    tell_line(1, l->steps, &l->total);
    char shares[TR_LEDGER_LINE_];
    tr_ledger_times all = seconds(&l->total, 1);
    tr_ledger_say_(tr_ledger_shares_(shares, &all));
    tell_of_device(l);
    l->runs = false;
}

/* ---- beginning and end ---- */

int(tr_ledger_start)(int64_t steps)
{
    if (steps < 0) return core_fail_status("tr_ledger_start: a line every %lld steps", (long long)steps);
    core_watch();
    atomic_store(&every, steps);
    core_watch_change(CORE_WATCH_LEDGER, 0);
    return 0;
}

void tr_ledger_stop(void)
{
    core_watch();
    core_ledger_finish();
    core_watch_change(0, CORE_WATCH_LEDGER);
    core_ledger *l = core_here()->ledger;
    if (l) l->runs = false;
}

int core_ledger_from_environment(void)
{
    int64_t n = 0;
    if (core_watch_count("TRIREME_LEDGER", 0, MOST_STEPS, &n) < 0) return -1;
    if (n == 0) return 0;
    atomic_store(&every, n);
    core_watch_change(CORE_WATCH_LEDGER, 0);
    return 0;
}

void core_ledger_thread_ends(void)
{
    core_ledger *l = core_here()->ledger;
    if (!l) return;
    core_ledger_there_free(l->there);
    core_system_give(l);
    core_here()->ledger = NULL;
}

/* ---- for libtrireme-dist ---- */

/* Whoever comes round first ends the step, however many reducers a step has. */
int64_t tr_ledger_turn_(int64_t known)
{
    if (!core_watched() || !(core_watch() & CORE_WATCH_LEDGER)) return -1;
    core_thread *here = core_here();
    if (!here->ledger && !make(here)) return -1;
    core_ledger *l = here->ledger;
    if (!l->runs) {
        if (known >= 0) return -1;
        begin(l, core_now_ns());
    }
    if (!l->steps_known && l->steps == known) end_step(l, core_now_ns());
    return l->steps;
}

int64_t tr_ledger_every_(void) { return core_watched() && core_watch() & CORE_WATCH_LEDGER ? atomic_load(&every) : 0; }
void tr_ledger_told_elsewhere_(bool elsewhere) { atomic_store(&told_elsewhere, elsewhere); }
