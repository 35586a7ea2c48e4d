#include "io/idx.h"

#include <inttypes.h>
#include <string.h>
#include <trireme/io.h>
#include "core/shape.h"
#include "io/elements.h"
#include "io/stream.h"

typedef struct {
    const char *name;
    int64_t width;  /* bytes of an element in the file */
    tr_dtype dtype; /* what it becomes; 0 for no such type */
} idx_type;

static const idx_type types[] = {
    [0x08] = {"uint8", 1, TR_UINT8},
    [0x09] = {"int8", 1, TR_INT32},
    [0x0b] = {"int16", 2, TR_INT32},
    [0x0c] = {"int32", 4, TR_INT32},
    [0x0d] = {"float32", 4, TR_FLOAT32},
    [0x0e] = {"float64", 8, TR_FLOAT64},
};

static int read_header(io_stream *s, const idx_type **type, tr_shape *shape)
{
    const io_source *source = s->source;
    unsigned char begin[4], sizes[4 * TR_MAX_DIMS];
    int64_t got = io_stream_read(s, begin, 4);
    if (got < 0) return -1;
    if (got < 4 || begin[0] != 0 || begin[1] != 0) return io_fail_status(source, "this is no IDX file: it does not begin with two zero bytes");
    if (begin[2] >= sizeof types / sizeof *types || !types[begin[2]].name) return io_fail_status(source, "unknown IDX type 0x%02x", begin[2]);
    if (begin[3] > TR_MAX_DIMS) return io_fail_status(source, "%d dimensions; at most %d are possible", begin[3], TR_MAX_DIMS);
    *type = &types[begin[2]];

    got = io_stream_read(s, sizes, 4 * (int64_t)begin[3]);
    if (got < 0) return -1;
    if (got < 4 * begin[3]) return io_fail_status(source, "the header is cut off");
    *shape = (tr_shape){.ndim = begin[3]};
    for (int d = 0; d < shape->ndim; d++) {
        const unsigned char *b = sizes + 4 * (size_t)d;
        if (b[0] & 0x80) return io_fail_status(source, "size %d of the header is negative", d);
        shape->size[d] = (int64_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
    }
    return 0;
}

/* n integers of 1 or 2 bytes, native order, at the end of the room for n int32: spread from the front, none is overwritten
 * before it was read. */
static void widen(unsigned char *room, int64_t n, int64_t width)
{
    const unsigned char *narrow = room + n * (4 - width);
    for (int64_t i = 0; i < n; i++) {
        int8_t one;
        int16_t two;
        memcpy(&one, narrow + i * width, 1);
        if (width == 2) memcpy(&two, narrow + i * width, 2);
        int32_t wide = width == 2 ? two : one;
        memcpy(room + i * 4, &wide, 4);
    }
}

static tr_tensor *read_stream(io_stream *s)
{
    const idx_type *type;
    tr_shape shape;
    if (read_header(s, &type, &shape) < 0) return NULL;

    int64_t width = tr_dtype_size(type->dtype), bytes = io_elements_bytes(shape, type->width), n = bytes / type->width;
    const char *text = core_shape_text(&shape);
    if (io_elements_bytes(shape, width) < 0) return io_fail(s->source, "header says %s %s, more bytes than can be counted", text, type->name);

    tr_tensor *t = NULL;
    int64_t has = io_stream_promise(s, bytes);
    if (has == bytes) {
        t = (tr_empty)(shape, (tr_tensor_options){.dtype = type->dtype});
        if (!t) return NULL;
        unsigned char *elements = bytes ? (unsigned char *)tr_data(t) + n * (width - type->width) : NULL;
        has = io_stream_read(s, elements, bytes);
        if (has == bytes) io_elements_swap(elements, n, type->width);
    }
    if (has < 0) return NULL;
    if (has < bytes) return io_fail(s->source, "header says %s %s, %" PRId64 " bytes, but the file has %" PRId64, text, type->name, bytes, has);
    int end = io_stream_at_end(s);
    if (end < 0) return NULL;
    if (!end) return io_fail(s->source, "header says %s %s, %" PRId64 " bytes, but the file has more", text, type->name, bytes);
    if (type->width < width && n) widen(tr_data(t), n, type->width);
    return t;
}

tr_tensor *io_idx_read(const io_source *source)
{
    io_stream stream;
    if (io_stream_open_whole(&stream, source) < 0) return NULL;
    tr_tensor *t = read_stream(&stream);
    io_stream_close(&stream);
    return t;
}

tr_tensor *(tr_load_idx)(const char *path)
{
    io_source source;
    if (io_source_open(&source, "tr_load_idx", path) < 0) return NULL;
    tr_tensor *t = io_idx_read(&source);
    io_source_close(&source);
    return t;
}
