/* The training loops of the tutorials, as bench_loops runs them: each with the same loop in plain C beside it. */
#ifndef LOOPS_H
#define LOOPS_H

#include <trireme/trireme.h>
#include "peers/by_hand.h"

typedef struct {
    void (*data)(void), (*start)(void);
    tr_tensor *(*step)(void);  /* one iteration; the value that the tutorial looks at afterwards */
    bool (*next)(int64_t i);   /* brings the batch of iteration i, for a loop with a loader */
    void (*result)(float *to); /* the parameters, in the order of by_hand[].result */
    const by_hand_loop *hand;
    tr_recording *recording;
    tr_tensor *seen; /* what the recorded step returned */
    char name[64];   /* of the case that replays */
} loop;

extern loop loops[BY_HAND_LOOPS];
extern tr_device loop_device; /* where all of it is; set before data() */
extern tr_batch loop_batch;   /* what next() brought */

#endif
