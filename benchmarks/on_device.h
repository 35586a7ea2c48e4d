/* What the programs that take --device share: the device itself, waiting for it, and what is not made for it yet. */
#ifndef ON_DEVICE_H
#define ON_DEVICE_H

#include <trireme/trireme.h>
#include "bench.h"

/* bench_begin for such a program: *device is what --device named.  False: the program ends with bench_end(), since its
 * options were wrong or there is no such device here, which was said. */
bool bench_begin_on(int argc, char **argv, bench_subject subject, tr_device *device);

/* What stands as an error because it is not made for the device yet, and no longer stands; NULL: nothing of that kind. */
const char *bench_missing(void);

/* t in the memory of the host: t itself if it is there. */
tr_tensor *bench_at_home(tr_tensor *t);

#endif
