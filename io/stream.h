/* A file's bytes in order, unpacked on the way: stored as they are, raw deflate (inside a zip), or gzip.
 *
 * A packed stream does not say how much is in it, and what the file says elsewhere is not to be trusted: a few kilobytes
 * could claim to hold terabytes.  So before memory is taken, io_stream_promise() is asked.  Stored bytes are simply
 * counted.  Packed ones are believed up to 16 times their size, which hardly any data passes; whoever claims more is
 * unpacked once to nowhere, to see. */
#ifndef TRIREME_IO_STREAM_H
#define TRIREME_IO_STREAM_H

#include <zlib.h>
#include "io/source.h"

typedef enum { IO_STORED,
               IO_DEFLATED,
               IO_GZIPPED } io_packing;

typedef struct {
    const io_source *source; /* borrowed */
    io_packing packing;
    int64_t begin, end; /* the packed bytes' place in the source */
    int64_t at;         /* where the next ones are read */
    int64_t given;      /* unpacked bytes handed out so far */
    bool summed;        /* keep a checksum of them */
    unsigned long crc;
    bool ended;
    z_stream z;
    unsigned char packed[16384];
} io_stream;

/* A stream over source bytes [begin, end), or over a whole source, gzipped or not as its first bytes say.  To be closed
 * if and only if 0 comes back. */
int io_stream_open(io_stream *s, const io_source *source, int64_t begin, int64_t end, io_packing packing);
int io_stream_open_whole(io_stream *s, const io_source *source);
void io_stream_close(io_stream *s);

/* The next bytes, at most `bytes` of them: as many as are left.  -1 with an error noted if they are damaged. */
int64_t io_stream_read(io_stream *s, void *to, int64_t bytes);

/* How many of the next `bytes` bytes are there?  `bytes`, unless it is already certain that there are fewer. */
int64_t io_stream_promise(io_stream *s, int64_t bytes);

/* 1 if nothing follows, 0 if something does, -1 with an error noted. */
int io_stream_at_end(io_stream *s);

#endif
