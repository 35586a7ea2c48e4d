/* The ledger's lines for all ranks.
 *
 * Ranks wait for each other, so all take the same wall time; whom they wait for is the one that communicates least.  A line
 * shows the mean over ranks, names that rank, and in which column it spends more than the mean.  The numbers travel after an
 * average of gradients, where every rank is; one rank's steps are counted like another's. */
#include "dist/device.h"
#include "dist/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    int64_t every; /* averages; 0: no lines */
    int64_t averages;
    int64_t steps; /* that the lines so far have told of */
    tr_ledger_times told;
    bool headed;
} lines;

void dist_ledger_start(int64_t every)
{
    memset(&lines, 0, sizeof lines);
    lines.every = every;
    if (every > 0) (void)(tr_ledger_start)(every);
    tr_ledger_told_elsewhere_(every > 0);
}

bool dist_ledger_speaks(void) { return lines.every > 0; }

enum { COLUMNS = sizeof(tr_ledger_times) / sizeof(double) };

/* Per step; zero where there was none. */
static tr_ledger_times mean_since(const tr_ledger *l, const tr_ledger_times *told, int64_t steps)
{
    union {
        tr_ledger_times times;
        double number[COLUMNS];
    } now = {l->total}, before = {*told};
    for (int i = 0; i < COLUMNS; i++) now.number[i] = steps > 0 ? (now.number[i] - before.number[i]) / (double)steps : 0;
    return now.times;
}

static double own(const tr_ledger_times *t) { return t->wall - t->communication; }

/* "1: data +0.402": who has most to do beside waiting, and what of it is most above the mean. */
static void name_slowest(char *text, size_t bytes, const tr_ledger_times *all, int64_t ranks, const tr_ledger_times *mean)
{
    int64_t slowest = 0;
    for (int64_t i = 1; i < ranks; i++)
        if (own(&all[i]) > own(&all[slowest])) slowest = i;
    const tr_ledger_times *s = &all[slowest];
    struct {
        const char *name;
        double more;
    } column[] = {
        {"compute", s->compute - mean->compute},
        {"data", s->data - mean->data},
        {"optim", s->optimiser - mean->optimiser},
        {"other", s->other - mean->other},
    };
    int most = 0;
    for (int i = 1; i < 4; i++)
        if (column[i].more > column[most].more) most = i;
    snprintf(text, bytes, "%lld: %s %+.3f", (long long)slowest, column[most].name, 1e3 * column[most].more);
}

static tr_ledger_times mean_of(const tr_ledger_times *all, int64_t ranks)
{
    union {
        tr_ledger_times times;
        double number[COLUMNS];
    } sum = {{0}}, one;
    for (int64_t i = 0; i < ranks; i++) {
        one.times = all[i];
        for (int k = 0; k < COLUMNS; k++) sum.number[k] += one.number[k] / (double)ranks;
    }
    return sum.times;
}

static void say_line(const char *steps, const tr_ledger_times *all, int64_t ranks, bool with_shares)
{
    char heading[2 * TR_LEDGER_LINE_], slowest[48], line[TR_LEDGER_LINE_];
    if (!lines.headed) tr_ledger_say_(tr_ledger_heading_(heading, ranks));
    lines.headed = true;
    tr_ledger_times mean = mean_of(all, ranks);
    name_slowest(slowest, sizeof slowest, all, ranks, &mean);
    tr_ledger_say_(tr_ledger_line_(line, steps, &mean, slowest));
    if (with_shares) tr_ledger_say_(tr_ledger_shares_(line, &mean));
}

typedef enum { LINE,
               REST, /* since the last line; where there was none, it is all */
               ALL } part;

/* This rank's mean since `told` meets the others'; rank 0 says what came of it. */
static int meet(dist_transport *way, part what, int64_t first, const tr_ledger *now, const tr_ledger_times *told)
{
    int64_t last = now->steps;
    char steps[48];
    snprintf(steps, sizeof steps, last > first ? "%lld-%lld" : "%lld", (long long)first, (long long)last);
    tr_ledger_times mine = mean_since(now, told, last - first + 1), *all = calloc((size_t)way->world, sizeof *all);
    if (!all) {
        tr_fail("out of memory: the ledger of %lld ranks", (long long)way->world);
        return -1;
    }
    dist_work w = {.operation = DIST_ALL_GATHER, .from = &mine, .into = all, .n = sizeof mine, .label = "ledger"};
    int status = dist_run(way, &w);
    bool news = last >= first && (what != REST || lines.steps > 0);
    if (status == 0 && way->rank == 0 && news) say_line(steps, all, way->world, what == ALL);
    free(all);
    return status;
}

/* The average of step n+1 is where n steps have ended. */
int dist_ledger_averaged(dist_transport *way)
{
    if (lines.every == 0 || way->world == 1) return 0;
    if (lines.averages++ == 0 || (lines.averages - 1) % lines.every != 0) return 0;
    tr_ledger now = tr_ledger_read();
    int status = meet(way, LINE, lines.steps + 1, &now, &lines.told);
    lines.steps = now.steps;
    lines.told = now.total;
    return status;
}

/* What the columns cannot show, since no rank waits for it: the mean over ranks of what devices did. */
static int tell_of_devices(dist_transport *way, const tr_ledger *now)
{
    union {
        struct {
            tr_ledger_times device;
            double steps, busy, hidden, backwards;
        };
        double number[COLUMNS + 4];
    } sum = {.device = now->device, .steps = (double)now->device_steps};
    if (way->device) {
        int64_t backwards;
        dist_there all = dist_underway_all(&way->device->underway, &backwards);
        sum.busy = all.busy, sum.hidden = all.hidden, sum.backwards = (double)backwards;
    }
    if (dist_all_reduce(way, sum.number, COLUMNS + 4, TR_FLOAT64) < 0) return -1;
    if (way->rank > 0) return 0;
    char line[TR_LEDGER_LINE_], known[32] = "";
    const double steps = sum.steps;
    for (int i = 0; steps > 0 && i < COLUMNS; i++) sum.number[i] /= steps;
    if (steps < (double)(way->world * now->steps)) snprintf(known, sizeof known, "of %.0f steps", steps);
    if (steps > 0) tr_ledger_say_(tr_ledger_line_(line, "device", &sum.device, known));
    snprintf(line, sizeof line, "trireme: devices sum gradients %.3f ms a backward, %.1f%% of it behind backward's own work\n", 1e3 * sum.busy / sum.backwards, 100 * sum.hidden / sum.busy);
    if (sum.busy > 0) tr_ledger_say_(line);
    return 0;
}

int dist_ledger_finish(dist_transport *way)
{
    if (lines.every == 0 || way->world == 1 || lines.averages == 0) return 0;
    const tr_ledger_times nothing = {0};
    tr_ledger now = tr_ledger_read();
    if (meet(way, REST, lines.steps + 1, &now, &lines.told) < 0) return -1;
    return meet(way, ALL, 1, &now, &nothing) < 0 ? -1 : tell_of_devices(way, &now);
}
