#include "io/npy.h"

#include <inttypes.h>
#include <string.h>
#include <trireme/io.h>
#include "core/fail.h"
#include "core/memory.h"
#include "core/shape.h"
#include "io/elements.h"
#include "io/write.h"

enum { HEADER_LIMIT = 65535 };

static const char magic[6] = "\x93NUMPY";

static int need(io_stream *s, void *to, int64_t bytes)
{
    int64_t got = io_stream_read(s, to, bytes);
    if (got < 0) return -1;
    return got == bytes ? 0 : io_fail_status(s->source, "the header is cut off after %" PRId64 " bytes", s->given);
}

static int read_header(io_stream *s, io_npy_header *header)
{
    unsigned char begin[12] = {0};
    if (io_stream_promise(s, 8) < 8 || io_stream_read(s, begin, 8) < 8 || memcmp(begin, magic, sizeof magic) != 0)
        return io_fail_status(s->source, "this is no .npy: it does not begin with \\x93NUMPY");
    int major = begin[6], minor = begin[7];
    if (major < 1 || major > 3 || minor != 0) return io_fail_status(s->source, ".npy version %d.%d; 1.0, 2.0 and 3.0 can be read", major, minor);
    if (need(s, begin + 8, major == 1 ? 2 : 4) < 0) return -1;

    int64_t length = begin[8] | begin[9] << 8 | (int64_t)begin[10] << 16 | (int64_t)begin[11] << 24;
    if (length > HEADER_LIMIT) return io_fail_status(s->source, "a header of %" PRId64 " bytes; at most %d are possible", length, HEADER_LIMIT);
    char *text = core_alloc(length + 1, s->source->call);
    if (!text) return -1;
    int status = need(s, text, length);
    if (status == 0) status = io_npy_header_parse(s->source, text, length, header);
    core_free(text);
    return status;
}

/* In the file the first index runs fastest, in the tensor the last one. */
static int64_t read_fortran(io_stream *s, const tr_shape *shape, int64_t width, char *to, int64_t bytes)
{
    char chunk[8192]; /* a multiple of every width */
    int64_t index[TR_MAX_DIMS] = {0}, stride[TR_MAX_DIMS], offset = 0, done = 0;
    core_row_major(shape->ndim, shape->size, stride);
    while (done < bytes) {
        int64_t want = bytes - done < (int64_t)sizeof chunk ? bytes - done : (int64_t)sizeof chunk;
        int64_t got = io_stream_read(s, chunk, want);
        if (got < 0) return -1;
        for (int64_t i = 0; i + width <= got; i += width) {
            memcpy(to + offset * width, chunk + i, (size_t)width);
            for (int d = 0; d < shape->ndim; d++) {
                offset += stride[d];
                if (++index[d] < shape->size[d]) break;
                offset -= shape->size[d] * stride[d];
                index[d] = 0;
            }
        }
        done += got;
        if (got < want) break;
    }
    return done;
}

tr_tensor *io_npy_read(io_stream *s)
{
    io_npy_header h;
    if (read_header(s, &h) < 0) return NULL;

    int64_t width = tr_dtype_size(h.dtype), bytes = io_elements_bytes(h.shape, width);
    const char *shape = core_shape_text(&h.shape), *type = tr_dtype_name(h.dtype);
    if (bytes < 0) return io_fail(s->source, "header says %s %s, more bytes than can be counted", shape, type);

    tr_tensor *t = NULL;
    int64_t has = io_stream_promise(s, bytes);
    if (has == bytes) {
        t = (tr_empty)(h.shape, (tr_tensor_options){.dtype = h.dtype});
        if (!t) return NULL;
        has = h.fortran ? read_fortran(s, &h.shape, width, tr_data(t), bytes) : io_stream_read(s, tr_data(t), bytes);
    }
    if (has < 0) return NULL;
    if (has < bytes) return io_fail(s->source, "header says %s %s, %" PRId64 " bytes, but the file has %" PRId64, shape, type, bytes, has);
    int end = io_stream_at_end(s);
    if (end < 0) return NULL;
    if (!end) return io_fail(s->source, "header says %s %s, %" PRId64 " bytes, but the file has more", shape, type, bytes);

    int64_t n = bytes / width, numbers = tr_dtype_is_complex(h.dtype) ? 2 : 1;
    if (h.swapped) io_elements_swap(tr_data(t), n * numbers, width / numbers);
    if (h.dtype == TR_BOOL) io_elements_tidy_bools(tr_data(t), n);
    return t;
}

tr_tensor *(tr_load_npy)(const char *path)
{
    io_source source;
    io_stream stream;
    if (io_source_open(&source, "tr_load_npy", path) < 0) return NULL;
    tr_tensor *t = NULL;
    if (io_stream_open(&stream, &source, 0, source.size, IO_STORED) == 0) {
        t = io_npy_read(&stream);
        io_stream_close(&stream);
    }
    io_source_close(&source);
    return t;
}

static const char *const codes[TR_DTYPES] = {
    [TR_BOOL] = "|b1",
    [TR_UINT8] = "|u1",
    [TR_INT32] = "<i4",
    [TR_INT64] = "<i8",
    [TR_FLOAT16] = "<f2",
    [TR_FLOAT32] = "<f4",
    [TR_FLOAT64] = "<f8",
    [TR_COMPLEX64] = "<c8",
    [TR_COMPLEX128] = "<c16",
};

/* Byte for byte what NumPy writes, padded so that the elements begin at a multiple of 64.  (NumPy also leaves room for the
 * first size to grow, but 8 sizes whose product fits an int64_t never need more than the 128 bytes that this gives.) */
static void write_header(io_writer *w, const char *code, tr_shape shape)
{
    char text[512], sizes[256] = "";
    int used = 0;
    for (int d = 0; d < shape.ndim; d++)
        used += snprintf(sizes + used, sizeof sizes - (size_t)used, "%s%" PRId64 "%s", d ? " " : "", shape.size[d], d + 1 < shape.ndim || shape.ndim == 1 ? "," : "");
    int length = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", code, sizes);
    int padded = (10 + length + 1 + 63) / 64 * 64 - 10;
    unsigned char begin[4] = {1, 0, (unsigned char)(padded & 0xff), (unsigned char)(padded >> 8)};
    io_write(w, magic, sizeof magic);
    io_write(w, begin, sizeof begin);
    io_write_text(w, "%-*s\n", padded - 1, text);
}

int(tr_save_npy)(const char *path, const tr_tensor *t)
{
    if (!path || !t) return core_null_status("tr_save_npy");
    tr_dtype dtype = tr_dtype_of(t);
    if (!codes[dtype]) return core_fail_status("tr_save_npy: %s: .npy has no type for %s", path, tr_dtype_name(dtype));

    io_writer w;
    if (io_write_begin(&w, "tr_save_npy", path) < 0) return -1;
    write_header(&w, codes[dtype], tr_shape_of_tensor(t));
    if (io_elements_write(&w, t) < 0) {
        io_write_abandon(&w);
        return -1;
    }
    return io_write_end(&w);
}
