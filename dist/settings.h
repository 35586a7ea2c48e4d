/* Numbers that the environment may set for ranks.  What cannot be read counts as not said, until all ranks have met: then
 * tr_dist_init refuses it. */
#ifndef TRIREME_DIST_SETTINGS_H
#define TRIREME_DIST_SETTINGS_H

#include <stdint.h>

/* How long a collective waits for other ranks where the transport can give up (TRIREME_TIMEOUT); 0: for ever. */
double dist_limit(void);

/* So many ranks of a host are taken for a host (TRIREME_HOST_RANKS; for tests); 0: all. */
int64_t dist_host_ranks(void);

/* Shared memory of each rank (TRIREME_WINDOW); 0: as usual. */
int64_t dist_window_bytes(void);

/* 0, or -1 with an error standing that names the variable and what stands there. */
int dist_settings_check(void);

#endif
