/* What started this process, told by the variables that launchers leave in the environment. */
#ifndef TRIREME_DIST_LAUNCHER_H
#define TRIREME_DIST_LAUNCHER_H

#include <stdint.h>

typedef struct {
    const char *variable; /* that gave it away; NULL: started by hand */
    int64_t ranks;        /* how many it started; 0 where it does not say */
} dist_launch;

dist_launch dist_launcher(void);

/* Which of its host's ranks this process is, as the launcher says; 0 where it does not. */
int64_t dist_launcher_local_rank(void);

#endif
