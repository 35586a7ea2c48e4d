/* Filling tensors with random numbers, on any device. */
#ifndef TRIREME_AUTOGRAD_RANDOM_H
#define TRIREME_AUTOGRAD_RANDOM_H

#include "autograd/autograd.h"

typedef struct {
    enum { AUTOGRAD_UNIFORM,
           AUTOGRAD_NORMAL } kind;
    double a, b; /* low, high | mean, standard deviation */
} autograd_distribution;

/* All elements of t, of a floating or complex type, anew; `generator` NULL is this thread's.  Notes nothing in the graph.
 * 0, or -1 with an error noted. */
int autograd_draw(autograd_distribution d, tr_generator *generator, tr_tensor *t, const char *what);

/* Memory of t, row-major, from row-major memory of the host.  0, or -1 with an error noted. */
int autograd_send(tr_tensor *t, const void *host, const char *what);

#endif
