#include "io/stream.h"

#include <string.h>

enum { BELIEVED_RATIO = 16,
       BELIEVED_BYTES = 4096 };

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

int io_stream_open(io_stream *s, const io_source *source, int64_t begin, int64_t end, io_packing packing)
{
    memset(s, 0, offsetof(io_stream, packed));
    s->source = source;
    s->packing = packing;
    s->begin = s->at = begin;
    s->end = end;
    s->crc = crc32(0, NULL, 0);
    if (packing == IO_STORED) return 0;
    int status = inflateInit2(&s->z, packing == IO_GZIPPED ? 16 + MAX_WBITS : -MAX_WBITS);
    return status == Z_OK ? 0 : io_fail_status(source, "zlib cannot start (%d)", status);
}

int io_stream_open_whole(io_stream *s, const io_source *source)
{
    unsigned char magic[2] = {0};
    if (source->size >= 2 && io_source_read(source, 0, magic, 2) < 0) return -1;
    bool gzip = magic[0] == 0x1f && magic[1] == 0x8b;
    return io_stream_open(s, source, 0, source->size, gzip ? IO_GZIPPED : IO_STORED);
}

void io_stream_close(io_stream *s)
{
    if (s->packing != IO_STORED) inflateEnd(&s->z);
}

static int rewind_stream(io_stream *s)
{
    s->at = s->begin;
    s->given = 0;
    s->ended = false;
    s->crc = crc32(0, NULL, 0);
    if (s->packing == IO_STORED) return 0;
    s->z.avail_in = 0;
    return inflateReset(&s->z) == Z_OK ? 0 : io_fail_status(s->source, "zlib cannot start again");
}

static int64_t read_stored(io_stream *s, void *to, int64_t bytes)
{
    bytes = least(bytes, s->end - s->at);
    if (io_source_read(s->source, s->at, to, bytes) < 0) return -1;
    s->at += bytes;
    return bytes;
}

static int refill(io_stream *s)
{
    int64_t bytes = least((int64_t)sizeof s->packed, s->end - s->at);
    if (io_source_read(s->source, s->at, s->packed, bytes) < 0) return -1;
    s->at += bytes;
    s->z.next_in = s->packed;
    s->z.avail_in = (uInt)bytes;
    return 0;
}

/* The compressed data have said that they are complete.  A gzip file may go on with another member. */
static int end_member(io_stream *s)
{
    bool more = s->z.avail_in > 0 || s->at < s->end;
    if (!more)
        s->ended = true;
    else if (s->packing == IO_DEFLATED)
        return io_fail_status(s->source, "more bytes than the compressed data have");
    else
        inflateReset(&s->z);
    return 0;
}

static int64_t read_packed(io_stream *s, void *to, int64_t bytes)
{
    int64_t got = 0;
    while (got < bytes && !s->ended) {
        if (s->z.avail_in == 0 && s->at < s->end && refill(s) < 0) return -1;
        int64_t room = least(bytes - got, 1 << 30);
        s->z.next_out = (unsigned char *)to + got;
        s->z.avail_out = (uInt)room;
        int status = inflate(&s->z, Z_NO_FLUSH);
        got += room - (int64_t)s->z.avail_out;
        if (status == Z_STREAM_END) {
            if (end_member(s) < 0) return -1;
        } else if (status == Z_BUF_ERROR && s->z.avail_in == 0 && s->at == s->end)
            return io_fail_status(s->source, "the compressed data break off"); /* only now: zlib may hold some bits back */
        else if (status == Z_MEM_ERROR)
            return io_fail_status(s->source, "out of memory: zlib");
        else if (status != Z_OK && status != Z_BUF_ERROR)
            return io_fail_status(s->source, "the compressed data are damaged (%s)", s->z.msg ? s->z.msg : "zlib");
    }
    return got;
}

int64_t io_stream_read(io_stream *s, void *to, int64_t bytes)
{
    int64_t got = s->packing == IO_STORED ? read_stored(s, to, bytes) : read_packed(s, to, bytes);
    if (got < 0) return -1;
    s->given += got;
    for (int64_t done = 0; s->summed && done < got;) {
        int64_t some = least(got - done, 1 << 30);
        s->crc = crc32(s->crc, (const unsigned char *)to + done, (uInt)some);
        done += some;
    }
    return got;
}

/* Read on, to nowhere; how many bytes there were. */
static int64_t skip(io_stream *s, int64_t bytes)
{
    unsigned char nowhere[16384];
    int64_t done = 0;
    while (done < bytes) {
        int64_t got = io_stream_read(s, nowhere, least(bytes - done, (int64_t)sizeof nowhere));
        if (got < 0) return -1;
        if (got == 0) break;
        done += got;
    }
    return done;
}

int64_t io_stream_promise(io_stream *s, int64_t bytes)
{
    int64_t packed = s->end - s->at;
    if (s->packing == IO_STORED) return least(bytes, packed);

    packed += (int64_t)s->z.avail_in;
    if (bytes <= BELIEVED_BYTES || bytes / BELIEVED_RATIO <= packed) return bytes;

    int64_t given = s->given, there = skip(s, bytes);
    if (there < 0 || rewind_stream(s) < 0 || skip(s, given) < 0) return -1;
    return there;
}

int io_stream_at_end(io_stream *s)
{
    unsigned char one;
    int64_t got = io_stream_read(s, &one, 1);
    return got < 0 ? -1 : got == 0;
}
