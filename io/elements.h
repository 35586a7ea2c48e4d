/* A tensor's elements as they lie in a file. */
#ifndef TRIREME_IO_ELEMENTS_H
#define TRIREME_IO_ELEMENTS_H

#include <trireme/tensor.h>
#include "io/source.h"
#include "io/write.h"

/* Bytes of so many elements, or -1 if the product of the sizes (a size of 0 left out, so that strides fit as well) passes
 * what an int64_t holds. */
int64_t io_elements_bytes(tr_shape shape, int64_t element_bytes);

/* Reverse the bytes of each of n elements of this width. */
void io_elements_swap(void *elements, int64_t n, int64_t width);

/* Make every byte 0 or 1: another value in a C bool is undefined behaviour. */
void io_elements_tidy_bools(void *elements, int64_t n);

/* Write t's elements in row-major order, however strided they are. */
int io_elements_write(io_writer *w, const tr_tensor *t);

#endif
