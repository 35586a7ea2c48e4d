/* Named tensors in one file:
 *
 *     header length, 8 bytes little endian | header, JSON | elements
 *     {"weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, "__metadata__": {"key": "value"}}
 *
 * Offsets count from the end of the header.  The tensors cover what is behind it exactly: no holes, no overlaps.
 * see  https://github.com/huggingface/safetensors */
#ifndef TRIREME_IO_SAFETENSORS_H
#define TRIREME_IO_SAFETENSORS_H

#include <trireme/io.h>
#include "io/source.h"

enum { IO_SAFETENSORS_HEADER_LIMIT = 100000000 };

/* The format's name for a type, NULL if it has none; and back, TR_DEFAULT_DTYPE for a type that tensors do not have. */
const char *io_safetensors_code(tr_dtype dtype);
tr_dtype io_safetensors_dtype(const char *code);

/* Read the header.  The source is the file object's from here on, also on failure. */
tr_safetensors *io_safetensors_read(io_source source);

#endif
