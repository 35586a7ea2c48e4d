/* How much of a backward's sums a device does while backward goes on.
 *
 *     own work   ---- backward ---------------*           ended
 *     ranks           [ bucket 0 ]   [ bucket 1 ][ 2 ]
 *     busy            ============   ================
 *     exposed                                 =======     the rest is hidden
 *
 * Spans may lie over one another, as copies of one bucket and sums of another do: what is in several of them counts once. */
#ifndef TRIREME_DIST_OVERLAP_H
#define TRIREME_DIST_OVERLAP_H

#include <stdint.h>

enum { DIST_OVERLAP_SPANS = 256 };

typedef struct {
    struct {
        int64_t begin_ns, end_ns;
    } span[DIST_OVERLAP_SPANS]; /* none reaches into the next */
    int spans;
} dist_overlap;

/* Spans come in the order in which they end.  One too many is told as one with the last. */
void dist_overlap_add(dist_overlap *o, int64_t begin_ns, int64_t end_ns);

/* The time that is in any span, and what of it is after `ended_ns`. */
int64_t dist_overlap_busy(const dist_overlap *o);
int64_t dist_overlap_exposed(const dist_overlap *o, int64_t ended_ns);

#endif
