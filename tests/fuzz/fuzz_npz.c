#include "fuzz.h"
#include "io/npz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    io_source source = fuzz_source(data, bytes);
    TR_SCOPE;
    fuzz_look(io_npz_read(&source, "none"));
    for (int64_t i = 0; i < 4; i++) {
        const char *name = io_npz_name(&source, i);
        tr_error_clear();
        if (!name) break;
        fuzz_look(io_npz_read(&source, name));
    }
    return 0;
}
