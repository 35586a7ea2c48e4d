#include "core/ledger_there.h"

#include "core/device.h"
#include "core/memory.h"
#include "core/thread.h"

enum { ROOM = 256 }; /* marks that the device is behind */

struct core_ledger_there {
    const tr_lanes_ *lanes;
    int device, column; /* column: what is asked for belongs to it */
    bool blind;         /* the device serves this process no more */
    bool lost;          /* there was no room for a mark since the last */
    unsigned first, end;
    struct {
        void *mark; /* owned */
        uint8_t column;
        bool ends_step, after_lost;
    } border[ROOM];

    /* What is known. */
    int64_t since_ns; /* of `in`; 0: it is not known */
    int in;
    bool whole; /* all of this step is in `now` */
    core_times now, total;
    int64_t steps;
};

/* ---- what the device has come to ---- */

static void pass(core_ledger_there *t, unsigned i)
{
    const int64_t ns = t->lanes->when(t->border[i].mark), took = ns - t->since_ns;
    if (t->since_ns && ns && !t->border[i].after_lost) {
        if (took > 0) t->now.column[t->in] += took; /* the clocks are held against each other better and better */
    } else if (t->since_ns || !ns) {
        t->whole = false;
    }
    t->since_ns = ns;
    t->in = t->border[i].column;
    if (!t->border[i].ends_step) return;
    for (int k = 0; t->whole && k < CORE_COLUMNS; k++) t->total.column[k] += t->now.column[k];
    t->steps += t->whole;
    t->now = (core_times){0};
    t->whole = ns != 0;
}

/* What a device met is told by who waits for it. */
static int reached(core_ledger_there *t, void *mark)
{
    const bool stood = core_here()->failure.stands;
    const int status = t->lanes->reached(mark, false);
    if (status < 0 && !stood) tr_error_clear();
    t->blind |= status < 0;
    return status;
}

static void look(core_ledger_there *t)
{
    for (; t->first != t->end; t->first++) {
        const unsigned i = t->first % ROOM;
        if (t->blind || reached(t, t->border[i].mark) <= 0) return;
        pass(t, i);
        t->lanes->forget(t->border[i].mark);
    }
}

int64_t core_ledger_there_known(core_ledger_there *t, core_times *total)
{
    look(t);
    *total = t->total;
    return t->steps;
}

/* ---- marking ---- */

static void mark(core_ledger_there *t, bool ends_step)
{
    if (t->blind) return;
    if (t->end - t->first == ROOM) look(t);
    const bool stood = core_here()->failure.stands;
    void *m = t->end - t->first == ROOM ? NULL : t->lanes->timed(t->device, TR_LANE_OWN_);
    if (!m && !stood) tr_error_clear();
    if (m) {
        const unsigned i = t->end++ % ROOM;
        t->border[i].mark = m;
        t->border[i].column = (uint8_t)t->column;
        t->border[i].ends_step = ends_step;
        t->border[i].after_lost = t->lost;
    }
    t->lost = !m;
}

void core_ledger_there_border(core_ledger_there *t, int column)
{
    if (column == t->column) return;
    t->column = column;
    mark(t, false);
}

void core_ledger_there_step(core_ledger_there *t, int column)
{
    t->column = column;
    mark(t, true);
    look(t);
}

/* ---- beginning and end ---- */

core_ledger_there *core_ledger_there_new(tr_device at, int column)
{
    const core_device *there = core_device_of(at);
    core_ledger_there *t = there && there->lanes ? core_system_take((int64_t)sizeof *t) : NULL;
    if (!t) return NULL;
    *t = (core_ledger_there){.lanes = there->lanes, .device = at.index, .column = column, .whole = true};
    mark(t, false);
    return t;
}

void core_ledger_there_free(core_ledger_there *t)
{
    if (!t) return;
    for (; t->first != t->end; t->first++) t->lanes->forget(t->border[t->first % ROOM].mark);
    core_system_give(t);
}
