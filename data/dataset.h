/* A dataset inside the library: a source of samples, and how many bytes one takes. */
#ifndef TRIREME_DATA_DATASET_H
#define TRIREME_DATA_DATASET_H

#include <trireme/data.h>
#include "core/object.h"

struct tr_dataset {
    core_object object;
    tr_dataset_source source; /* owns its data, through its release */
    int64_t input_bytes, target_bytes;
};

/* Sample i into row-major memory of one sample each; from any thread.  0, or a negative status with an error noted. */
int data_read(const tr_dataset *d, int64_t i, void *input, void *target);

/* The shape of `count` samples: (count, size of one ...).  No shape if one sample's has no room for another dim. */
tr_shape data_batch_shape(int64_t count, tr_shape sample);

#endif
