/* Parameters' gradients and their places in buckets.
 *
 * A parameter's gradient is its place: a tensor over the bucket's memory, where backward lays it (tr_set_grad_place) or adds
 * to it.  (float16 and bfloat16 lie in buckets as float32, and what a device's virtual shards add up to lies on the host, so
 * these are copied there and back.)
 *
 * What TR_NO_SYNC gathers is weighted already, what backward adds to it is not yet.  So before such a backward the gradient
 * is replaced by a marker, zero, and the place holds the sum; a program that sets its gradients to zero takes the marker
 * away, and with it the sum. */
#ifndef TRIREME_DIST_GRADIENTS_H
#define TRIREME_DIST_GRADIENTS_H

#include "dist/bucket.h"

#include <trireme/autograd.h>

/* What is done with a place when its bucket leaves. */
typedef enum { DIST_LOAD_ZERO,
               DIST_LOAD_SCALE,  /* it holds the gradient */
               DIST_LOAD_WEIGH,  /* from -> place */
               DIST_LOAD_GATHER, /* place += weight * from */
               DIST_LOAD_KEEP    /* it holds what is weighted already */
} dist_load;

typedef struct {
    void *owner;
    tr_tensor *parameter; /* kept */
    tr_tensor *place;     /* kept */
    tr_tensor *shown;     /* kept: what becomes the gradient; place itself, or of another type or device */
    tr_tensor *marker;    /* kept; NULL until needed */
    tr_tensor *aside;     /* kept: a gradient that may have to come back, since nobody may have used it */
    int64_t item;
    int hook;
    bool direct;  /* backward may lay gradients into the place */
    bool gathers; /* place holds what TR_NO_SYNC gathered */
} dist_gradient;

/* Its place is here, in memory that is not ours, or in that of a device's tensor `in`, which is kept as long, and into which
 * what the place held is copied.  0, or -1 with an error standing. */
int dist_gradient_place(dist_gradient *g, void *memory, tr_tensor *in);
void dist_gradient_drop(dist_gradient *g);

/* Before a backward. */
int dist_gradient_mark(dist_gradient *g);

/* From now on its place holds what TR_NO_SYNC gathers, or no longer. */
int dist_gradient_gather(dist_gradient *g, bool gathers);

/* How to load it, and from where; `used`: this backward made a gradient.  What must happen through tensors happens now. */
int dist_gradient_look(dist_gradient *g, bool used, dist_load *how, const void **from);

void dist_gradient_load(const dist_item *item, void *place, dist_load how, const void *from, double weight);

/* The same on a device, in its order. */
int dist_gradient_load_there(dist_gradient *g, dist_load how, double weight);

/* The place holds the gradient.  After a sum: some rank used it, or nobody did. */
int dist_gradient_show(dist_gradient *g);
int dist_gradient_store(dist_gradient *g, bool used);

/* The place's memory is about to go: a gradient that lies there is copied. */
int dist_gradient_leave(dist_gradient *g);

#endif
