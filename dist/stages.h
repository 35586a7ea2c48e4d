/* Stages of collectives in a window (window.h), and the lists that make collectives of them: on one host (stages.c), and on
 * several (stages_hosts.c).  Lists end with NULL. */
#ifndef TRIREME_DIST_STAGES_H
#define TRIREME_DIST_STAGES_H

#include "dist/window.h"

#include <string.h>

/* ---- on one host ---- */

extern const dist_stage dist_small[], dist_sliced[], dist_direct[]; /* all-reduce */
extern const dist_stage dist_scatter[], dist_direct_scatter[], dist_gather[], dist_direct_gather[];
extern const dist_stage dist_root[], dist_meet[], dist_largest_of[];

/* ---- on several ---- */

extern const dist_stage dist_sliced_hosts[], dist_direct_hosts[]; /* all-reduce */
extern const dist_stage dist_scatter_hosts[], dist_direct_scatter_hosts[], dist_gather_hosts[], dist_direct_gather_hosts[];
extern const dist_stage dist_root_hosts[], dist_meet_hosts[];

/* ---- what stages are written in ---- */

static inline void copy(void *into, const void *from, int64_t bytes)
{
    if (bytes > 0 && into != from) memcpy(into, from, (size_t)bytes);
}

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int ranks_of(const dist_window *v) { return v->host->ranks; }
static inline int me_of(const dist_window *v) { return v->host->me; }
static inline int64_t world_of(const dist_window *v) { return v->way.world; } /* parts: each rank's, on whatever host */
static inline char *slot(const dist_window *v, int rank, dist_chunk c) { return v->slots[rank] + c.place; }
static inline const char *from_of(const dist_window *v, const dist_work *w, dist_chunk c) { return (const char *)w->from + c.at * v->size; }
static inline char *into_of(const dist_window *v, const dist_work *w, dist_chunk c) { return (char *)w->into + c.at * v->size; }

static inline char *lying(const dist_window *v, int rank, dist_chunk c) { return (char *)v->direct->piece[rank] + v->offset + c.at * v->size; }

/* Slices: each rank adds its own, whole cache lines. */
static inline int64_t slice_at(const dist_window *v, int64_t n, int rank)
{
    enum { LINE = 64 };
    int64_t line = LINE / v->size, each = (n + ranks_of(v) - 1) / ranks_of(v);
    return smaller(n, rank * ((each + line - 1) / line * line));
}

/* Nothing is done but to meet; what others add is copied into our slot. */
int dist_stage_nothing(dist_window *v, const dist_work *w, dist_chunk c);
int dist_stage_slices_in(dist_window *v, const dist_work *w, dist_chunk c);

/* What each rank's numbers are multiplied by; NULL: nothing. */
const double *dist_stage_weights(dist_window *v);

#endif
