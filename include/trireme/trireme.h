/* Trireme: PyTorch's tensors, automatic differentiation, modules, optimisers and data loaders for C.
 * Programs with ranks include <trireme/dist.h> too.
 *
 * Threads: scopes, the standing error and its handler, the default generator and type, TR_NO_GRAD, TR_AUTOCAST and what is being
 * recorded are each thread's own, so several threads may train a model each as if they were alone.  A thing (a tensor, a module, a
 * loader ...) may pass from thread to thread, kept by tr_keep() and its kin, but is for one at a time. */
#ifndef TRIREME_TRIREME_H
#define TRIREME_TRIREME_H

#include <trireme/arrange.h>
#include <trireme/autocast.h>
#include <trireme/autograd.h>
#include <trireme/checkpoint.h>
#include <trireme/data.h>
#include <trireme/io.h>
#include <trireme/linalg.h>
#include <trireme/nn.h>
#include <trireme/optim.h>
#include <trireme/record.h>
#include <trireme/reduce.h>
#include <trireme/report.h>
#include <trireme/scheduler.h>
#include <trireme/trace.h>

#endif
