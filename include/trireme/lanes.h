/* A device's memory on its way to other processes while the device computes.  For the library's own transports
 * (libtrireme-dist) and those of others; programs have no use for it.
 *
 * A device does its own work in one order.  Beside it run lanes, each in an order of its own.  A mark is a place in such an
 * order; the host can ask whether it is reached, and another lane can begin what it is asked next after it:
 *
 *     own work  ---- backward ----*---------- backward ----------*---- step ----
 *                                  \                            /
 *     down                          *-- copy --*               /
 *     host                                      \-- sum --\   /
 *     up                                                   *-- copy
 *
 * In a recorded step that is one graph (below) own work and ranks have lanes of their own, which the thread that captures it
 * means by the same names.
 *
 * Any thread may call.  Functions that return int give 0, or -1 with an error standing. */
#ifndef TRIREME_LANES_H
#define TRIREME_LANES_H

#include <trireme/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    TR_LANE_OWN_,   /* the device's own work */
    TR_LANE_DOWN_,  /* copies to the host */
    TR_LANE_UP_,    /* copies from the host */
    TR_LANE_RANKS_, /* work with other devices */
    TR_LANES_
} tr_lane_;

typedef struct {
    /* A mark where the lane stands now: the caller's, until forget().  NULL with an error standing. */
    void *(*mark)(int device, tr_lane_ lane);
    int (*reached)(void *mark, bool wait); /* 1 yes, 0 not yet, -1 with an error standing */
    int (*after)(int device, tr_lane_ lane, void *mark);
    void (*forget)(void *mark); /* at any time; NULL is nothing */

    /* Copy in a lane: from the device's memory in DOWN, to it in UP.  Where the host's side is pinned nobody waits. */
    int (*copy)(int device, tr_lane_ lane, void *to, const void *from, int64_t bytes);

    /* Pin memory of the host until unpin(): false, without an error, where the system does not allow it; copies then wait. */
    bool (*pin)(int device, void *memory, int64_t bytes);
    void (*unpin)(int device, void *memory);

    void *(*stream)(int device, tr_lane_ lane); /* the lane as the device's vendor knows it; NULL with an error standing */
    int (*identify)(int device, char uuid[16]); /* the same device has the same everywhere */

    /* A mark that knows when its lane came to it; and when that was, in ns of CLOCK_MONOTONIC, of such a mark that is
     * reached.  The device's clock is held against this one without waiting: how far two marks are apart is exact, where
     * they stand is not before they were asked for, nor after now.  0 where it is not known. */
    void *(*timed)(int device, tr_lane_ lane);
    int64_t (*when)(void *mark);
} tr_lanes_;

/* NULL with an error standing: there is no such device, or it has none (the CPU). */
TR_API const tr_lanes_ *tr_lanes_of_(tr_device device);

/* ---- in a recorded step ---- */

/* A step that is one graph, work with other ranks included: a replay on a device may be one, if each of its calls is a kernel
 * that waits for nothing or such as below.  The call that leads decides, each time. */
typedef struct tr_whole_step_ {
    int64_t number; /* the leader's; begins as 0 */
    bool refused;   /* likewise */

    /* Make the graph.  All calls are asked, twice.  0, or -1 with an error standing and nothing left. */
    int (*capture)(struct tr_whole_step_ *step);
    int (*launch)(struct tr_whole_step_ *step);
} tr_whole_step_;

typedef struct {
    /* As tr_record_call's: where the step is no graph. */
    int (*call)(void *data);
    /* NULL: it does not lead; the first such call of a step does, and no other.  1: the step is done; 0: not as a graph, this
     * time; -1. */
    int (*lead)(void *data, tr_whole_step_ *step);
    /* In a capture, at the call's place: ask lanes and kernels.  First with `tries`, only to find out how many numbers and
     * kernels that is: nothing that other ranks have a part in.  NULL: no graph can have it. */
    int (*ask)(void *data, bool tries);
    /* Nobody calls any more: the recording has gone, or there is none. */
    void (*dropped)(void *data);
} tr_graph_call_;

/* tr_record_call for such a call, whose data it takes; `how` stays where it is. */
TR_API int tr_record_graph_call_(const tr_graph_call_ *how, void *data);

/* No step is a whole one any more: other ranks are about to leave. */
TR_API void tr_forget_whole_steps_(void);

#ifdef __cplusplus
}
#endif
#endif
