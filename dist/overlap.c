#include "dist/overlap.h"

void dist_overlap_add(dist_overlap *o, int64_t begin_ns, int64_t end_ns)
{
    if (end_ns <= begin_ns) return;
    while (o->spans && o->span[o->spans - 1].begin_ns >= begin_ns) { /* it began before that one, and goes on behind it */
        if (o->span[o->spans - 1].end_ns > end_ns) end_ns = o->span[o->spans - 1].end_ns;
        o->spans--;
    }
    int64_t last = o->spans ? o->span[o->spans - 1].end_ns : INT64_MIN;
    if (begin_ns < last) begin_ns = last;
    if (end_ns <= begin_ns) return;
    if (o->spans == DIST_OVERLAP_SPANS) {
        o->span[o->spans - 1].end_ns = end_ns;
        return;
    }
    o->span[o->spans].begin_ns = begin_ns;
    o->span[o->spans++].end_ns = end_ns;
}

int64_t dist_overlap_exposed(const dist_overlap *o, int64_t ended_ns)
{
    int64_t ns = 0;
    for (int i = 0; i < o->spans; i++) {
        int64_t begin = o->span[i].begin_ns > ended_ns ? o->span[i].begin_ns : ended_ns;
        if (o->span[i].end_ns > begin) ns += o->span[i].end_ns - begin;
    }
    return ns;
}

int64_t dist_overlap_busy(const dist_overlap *o) { return dist_overlap_exposed(o, INT64_MIN); }
