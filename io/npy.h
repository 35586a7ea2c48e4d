/* NumPy's format for one array: inside a file of its own, or as a member of an .npz.
 *
 *     0x93 "NUMPY" major minor | header length, 2 bytes (version 1) or 4 (2 and 3) | header | elements
 *
 * The header is a Python dictionary in text: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
 * see  numpy/lib/format.py */
#ifndef TRIREME_IO_NPY_H
#define TRIREME_IO_NPY_H

#include <trireme/tensor.h>
#include "io/stream.h"

typedef struct {
    tr_dtype dtype;
    bool swapped; /* big endian */
    bool fortran; /* the first index runs fastest */
    tr_shape shape;
} io_npy_header;

/* The header's text, `length` bytes and a NUL. */
int io_npy_header_parse(const io_source *source, const char *text, int64_t length, io_npy_header *header);

/* The array that the rest of the stream is, row-major; to be the whole of it. */
tr_tensor *io_npy_read(io_stream *s);

#endif
