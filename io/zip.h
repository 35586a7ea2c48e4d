/* The table of contents of a zip archive, and its members as streams.
 *
 * Only the central directory at the end is believed to say what there is; local headers are looked at for their length.
 * Handled: stored and deflated members, and zip64.  Refused: encryption, other methods, archives in several parts.
 * see  PKWARE, APPNOTE.TXT 6.3.10 */
#ifndef TRIREME_IO_ZIP_H
#define TRIREME_IO_ZIP_H

#include "io/stream.h"

typedef struct {
    const io_source *source; /* borrowed */
    int64_t begin, end;      /* the central directory's place */
    int64_t at, left;        /* the next entry, and how many there are from there */
} io_zip;

enum { IO_ZIP_NAME = 512 };

typedef struct {
    char name[IO_ZIP_NAME];
    int flags, method;
    unsigned long crc;
    int64_t packed, unpacked; /* bytes */
    int64_t header;           /* the local header's place */
} io_zip_entry;

int io_zip_open(io_zip *zip, const io_source *source);

/* 1 and the next entry, 0 past the last, -1 with an error noted. */
int io_zip_next(io_zip *zip, io_zip_entry *entry);

/* The entry's bytes, unpacked; to be closed if 0 comes back.  Whether its length and checksum are what the entry says is
 * for the reader to ask, at the end: io_zip_check(). */
int io_zip_stream(const io_zip *zip, const io_zip_entry *entry, io_stream *stream);
int io_zip_check(const io_zip_entry *entry, const io_stream *stream);

#endif
