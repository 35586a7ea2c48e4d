/* Trireme: PyTorch's tensors, automatic differentiation, modules, optimisers and data loaders for C.
 * Programs with ranks include <trireme/dist.h> too. */
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
