/* A wish to stop, of any rank, that all ranks hear at one step.  It may travel with a reduction that happens anyway:
 *
 *     words[1] = dist_stop_wish();  sum or maximum over all ranks;  dist_stop_heard(words[1] != 0);                        */
#ifndef TRIREME_DIST_STOP_H
#define TRIREME_DIST_STOP_H

#include <stdbool.h>
#include <stdint.h>

/* 1 if this rank was told to stop. */
int64_t dist_stop_wish(void);

/* What all ranks know now, at the same place of the program.  The next tr_dist_should_stop() need not ask. */
void dist_stop_heard(bool any);

#endif
