#include "fuzz.h"
#include "io/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    io_source source = fuzz_source(data, bytes);
    TR_SCOPE;
    tr_safetensors *f = io_safetensors_read(source);
    if (!f != tr_error_stands()) abort();
    tr_error_clear();
    for (int64_t i = 0; i < tr_safetensors_count(f); i++) {
        if (!tr_safetensors_has(f, tr_safetensors_name(f, i))) abort();
        fuzz_look((tr_safetensors_get)(f, tr_safetensors_name(f, i)));
    }
    tr_safetensors_metadata(f, "format");
    return 0;
}
