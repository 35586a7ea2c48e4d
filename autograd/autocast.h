/* What operations ask of TR_AUTOCAST.  Nothing, where there is none: a look at the thread's switch. */
#ifndef TRIREME_AUTOGRAD_AUTOCAST_H
#define TRIREME_AUTOGRAD_AUTOCAST_H

#include "autograd/autograd.h"

tr_tensor *autograd_autocast_narrow(tr_tensor *x);
tr_tensor *autograd_autocast_wide(tr_tensor *x);

/* x in the type that products take; noted.  NULL with an error noted, or for NULL. */
static inline tr_tensor *autograd_narrow(tr_tensor *x) { return core_here()->autocast && x ? autograd_autocast_narrow(x) : x; }

/* x in float32, if it is a half; noted.  NULL with an error noted, or for NULL. */
static inline tr_tensor *autograd_wide(tr_tensor *x) { return core_here()->autocast && x ? autograd_autocast_wide(x) : x; }

/* Off for backward: it takes the types of forward.  Returns what it was. */
static inline tr_dtype autograd_autocast_pause(void)
{
    tr_dtype before = (tr_dtype)core_here()->autocast;
    core_here()->autocast = TR_DEFAULT_DTYPE;
    return before;
}
static inline void autograd_autocast_resume(tr_dtype before) { core_here()->autocast = (uint8_t)before; }

#endif
