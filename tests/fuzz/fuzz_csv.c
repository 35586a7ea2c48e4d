#include "fuzz.h"
#include "io/csv.h"

/* The first two bytes choose the options. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes < 2) return 0;
    io_source source = fuzz_source(data + 2, bytes - 2);
    TR_SCOPE;
    fuzz_look(io_csv_read(&source, (tr_csv_options){.separator = (char)data[0], .skip_rows = (int8_t)data[1]}));
    return 0;
}
