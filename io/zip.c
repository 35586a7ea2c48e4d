#include "io/zip.h"

#include <inttypes.h>
#include <string.h>
#include "core/memory.h"

enum { END_BYTES = 22,
       COMMENT_MOST = 65535,
       LOCATOR_BYTES = 20,
       END64_BYTES = 56,
       ENTRY_BYTES = 46,
       LOCAL_BYTES = 30 };

static const unsigned char end_mark[4] = "PK\5\6", locator_mark[4] = "PK\6\7", end64_mark[4] = "PK\6\6", entry_mark[4] = "PK\1\2", local_mark[4] = "PK\3\4";

static int u16(const unsigned char *p) { return p[0] | p[1] << 8; }
static int64_t u32(const unsigned char *p) { return u16(p) | (int64_t)u16(p + 2) << 16; }

/* A number past what an int64_t holds comes out as -1, which every check of a place refuses. */
static int64_t u64(const unsigned char *p) { return p[7] & 0x80 ? -1 : u32(p) | u32(p + 4) << 32; }

/* The end record is the last 22 bytes, unless a comment follows; then its mark is searched for, backwards. */
static int64_t find_end(const io_source *s, unsigned char record[END_BYTES])
{
    int64_t bytes = s->size < END_BYTES + COMMENT_MOST ? s->size : END_BYTES + COMMENT_MOST, found = -1;
    unsigned char *tail = core_alloc(bytes + 1, s->call);
    if (!tail) return -1;
    if (io_source_read(s, s->size - bytes, tail, bytes) == 0)
        for (int64_t i = bytes - END_BYTES; i >= 0 && found < 0; i--)
            if (memcmp(tail + i, end_mark, 4) == 0 && u16(tail + i + 20) == bytes - END_BYTES - i) {
                memcpy(record, tail + i, END_BYTES);
                found = s->size - bytes + i;
            }
    core_free(tail);
    if (found < 0) io_fail(s, "this is no .npz: there is no zip directory at its end");
    return found;
}

/* Where numbers do not fit the end record, a larger one stands before it; a locator between the two says where. */
static int read_end64(io_zip *zip, int64_t end)
{
    const io_source *s = zip->source;
    unsigned char locator[LOCATOR_BYTES], record[END64_BYTES];
    if (io_source_read(s, end - LOCATOR_BYTES, locator, LOCATOR_BYTES) < 0) return -1;
    if (memcmp(locator, locator_mark, 4) != 0) return io_fail_status(s, "the zip64 locator is missing");
    int64_t at = u64(locator + 8);
    if (io_source_read(s, at, record, END64_BYTES) < 0) return -1;
    if (memcmp(record, end64_mark, 4) != 0) return io_fail_status(s, "the zip64 end record is missing");
    zip->left = u64(record + 32);
    zip->begin = u64(record + 48);
    int64_t bytes = u64(record + 40);
    if (bytes < 0 || zip->begin < 0 || zip->begin > at || bytes > at - zip->begin) return io_fail_status(s, "the zip directory does not lie in the file");
    zip->end = zip->begin + bytes;
    return 0;
}

int io_zip_open(io_zip *zip, const io_source *source)
{
    unsigned char record[END_BYTES];
    *zip = (io_zip){.source = source};
    int64_t end = find_end(source, record);
    if (end < 0) return -1;
    if (u16(record + 4) != 0 || u16(record + 6) != 0) return io_fail_status(source, "a zip archive in several parts");

    zip->left = u16(record + 10);
    zip->begin = u32(record + 16);
    zip->end = zip->begin + u32(record + 12);
    bool zip64 = zip->left == 0xffff || zip->begin == 0xffffffff || u32(record + 12) == 0xffffffff;
    if (zip64 && read_end64(zip, end) < 0) return -1;
    if (zip->end > end) return io_fail_status(source, "the zip directory does not lie in the file");
    zip->at = zip->begin;
    return 0;
}

/* The extra fields are blocks of (id, length, bytes); zip64's, id 1, holds those of the three numbers that do not fit. */
static int read_zip64(const io_zip *zip, int64_t at, int64_t end, io_zip_entry *entry)
{
    int64_t *numbers[] = {&entry->unpacked, &entry->packed, &entry->header};
    bool wanted = false;
    for (int i = 0; i < 3; i++) wanted |= *numbers[i] == 0xffffffff;
    if (!wanted) return 0;

    unsigned char block[4], number[8];
    for (; at + 4 <= end; at += 4 + u16(block + 2)) {
        if (io_source_read(zip->source, at, block, 4) < 0) return -1;
        if (u16(block) != 1) continue;
        int64_t next = at + 4, block_end = next + u16(block + 2);
        for (int i = 0; i < 3; i++) {
            if (*numbers[i] != 0xffffffff) continue;
            if (next + 8 > block_end) break;
            if (io_source_read(zip->source, next, number, 8) < 0) return -1;
            *numbers[i] = u64(number);
            next += 8;
        }
        return 0;
    }
    return 0; /* 4294967295 may be meant */
}

int io_zip_next(io_zip *zip, io_zip_entry *entry)
{
    const io_source *s = zip->source;
    unsigned char fixed[ENTRY_BYTES];
    if (zip->left == 0) return 0;
    if (zip->end - zip->at < ENTRY_BYTES) return io_fail_status(s, "the zip directory is cut off");
    if (io_source_read(s, zip->at, fixed, ENTRY_BYTES) < 0) return -1;
    if (memcmp(fixed, entry_mark, 4) != 0) return io_fail_status(s, "the zip directory is damaged");

    int64_t name_bytes = u16(fixed + 28), extra_bytes = u16(fixed + 30), bytes = ENTRY_BYTES + name_bytes + extra_bytes + u16(fixed + 32);
    if (bytes > zip->end - zip->at) return io_fail_status(s, "the zip directory is cut off");
    if (name_bytes >= IO_ZIP_NAME) return io_fail_status(s, "a name of %" PRId64 " bytes; at most %d are possible", name_bytes, IO_ZIP_NAME - 1);
    if (io_source_read(s, zip->at + ENTRY_BYTES, entry->name, name_bytes) < 0) return -1;
    entry->name[name_bytes] = '\0';
    if ((int64_t)strlen(entry->name) != name_bytes) return io_fail_status(s, "a name with a NUL in it");

    entry->flags = u16(fixed + 8);
    entry->method = u16(fixed + 10);
    entry->crc = (unsigned long)u32(fixed + 16);
    entry->packed = u32(fixed + 20);
    entry->unpacked = u32(fixed + 24);
    entry->header = u32(fixed + 42);
    int64_t extra = zip->at + ENTRY_BYTES + name_bytes;
    if (read_zip64(zip, extra, extra + extra_bytes, entry) < 0) return -1;
    zip->at += bytes;
    zip->left--;
    return 1;
}

int io_zip_stream(const io_zip *zip, const io_zip_entry *entry, io_stream *stream)
{
    const io_source *s = zip->source;
    unsigned char local[LOCAL_BYTES];
    if (entry->flags & 1) return io_fail_status(s, "the array is encrypted");
    if (entry->method != 0 && entry->method != 8) return io_fail_status(s, "compression method %d; stored (0) and deflated (8) can be read", entry->method);
    if (io_source_read(s, entry->header, local, LOCAL_BYTES) < 0) return -1;
    if (memcmp(local, local_mark, 4) != 0) return io_fail_status(s, "the array's own zip header is missing");

    int64_t begin = entry->header + LOCAL_BYTES + u16(local + 26) + u16(local + 28);
    if (begin > zip->begin || entry->packed < 0 || entry->packed > zip->begin - begin) return io_fail_status(s, "the array does not lie in the file");
    if (io_stream_open(stream, s, begin, begin + entry->packed, entry->method ? IO_DEFLATED : IO_STORED) < 0) return -1;
    stream->summed = true;
    return 0;
}

int io_zip_check(const io_zip_entry *entry, const io_stream *stream)
{
    const io_source *s = stream->source;
    if (stream->given != entry->unpacked) return io_fail_status(s, "%" PRId64 " bytes came out, the zip directory says %" PRId64, stream->given, entry->unpacked);
    if (stream->crc != entry->crc) return io_fail_status(s, "the checksum is wrong: %08lx, the zip directory says %08lx", stream->crc, entry->crc);
    return 0;
}
