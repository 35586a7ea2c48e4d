/* IDX, the MNIST files' format, big endian:
 *
 *     0 0 type ndim | ndim sizes, int32 | elements, the last index fastest */
#ifndef TRIREME_IO_IDX_H
#define TRIREME_IO_IDX_H

#include <trireme/tensor.h>
#include "io/source.h"

tr_tensor *io_idx_read(const io_source *source);

#endif
