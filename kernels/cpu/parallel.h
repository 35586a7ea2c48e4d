/* The one place where kernels meet threads.
 *
 * A kernel describes its work as a range that may be cut anywhere and writes results that do not depend on the cuts:
 * the number of threads never changes a bit.  Small work stays on the calling thread; so does everything inside
 * somebody else's parallel region. */
#ifndef TRIREME_KERNELS_PARALLEL_H
#define TRIREME_KERNELS_PARALLEL_H

#include <stdint.h>

/* Below this many cheap steps (an addition of floats in cache) waking a team costs more than it saves. */
enum { KERNELS_SERIAL_WORK = 32768 };

typedef void kernels_part(void *job, int64_t from, int64_t to);

/* Run part over [0, n) in pieces, `work` cheap steps in all.  No piece starts at other than a multiple of `grain`. */
void kernels_split(int64_t n, int64_t grain, int64_t work, kernels_part *part, void *job);

/* How many threads kernels_split would use for much work, here and now. */
int kernels_threads(void);

/* To be called once: from then on the child of a fork computes on its one thread.  It would wait for ever for the team that
 * its parent had, whichever library asked for one. */
void kernels_watch_forks(void);

#endif
