/* What the fuzz targets share: every input is a file in memory, and errors are nothing to speak of. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/io.h>
#include "io/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* A reader gives a tensor with all its memory, or an error: never neither, never both. */
static inline void fuzz_look(tr_tensor *t)
{
    if (!t != tr_error_stands()) abort();
    const volatile unsigned char *element = tr_data(t);
    for (int64_t i = 0; t && i < tr_numel(t) * tr_dtype_size(tr_dtype_of(t)); i++) (void)element[i];
    tr_error_clear();
}

static inline io_source fuzz_source(const uint8_t *data, size_t bytes)
{
    tr_on_error(NULL, NULL);
    return io_source_memory("fuzz", data, (int64_t)bytes);
}

#endif
