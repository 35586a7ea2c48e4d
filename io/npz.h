/* Several named .npy arrays in one zip archive. */
#ifndef TRIREME_IO_NPZ_H
#define TRIREME_IO_NPZ_H

#include <trireme/tensor.h>
#include "io/source.h"

/* The array of this name, without ".npy".  Sets source->part while it reads. */
tr_tensor *io_npz_read(io_source *source, const char *name);

/* The i-th array's name, without ".npy", in the open scope; NULL past the last. */
const char *io_npz_name(const io_source *source, int64_t i);

#endif
