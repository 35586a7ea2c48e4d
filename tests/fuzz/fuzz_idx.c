#include "fuzz.h"
#include "io/idx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    io_source source = fuzz_source(data, bytes);
    TR_SCOPE;
    fuzz_look(io_idx_read(&source));
    return 0;
}
