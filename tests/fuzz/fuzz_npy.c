#include "fuzz.h"
#include "io/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    io_source source = fuzz_source(data, bytes);
    TR_SCOPE;
    io_stream stream;
    if (io_stream_open(&stream, &source, 0, source.size, IO_STORED) < 0) abort();
    fuzz_look(io_npy_read(&stream));
    io_stream_close(&stream);
    return 0;
}
