/* Writing a file so that there is always a whole one: the new bytes go to a file beside the old one, are synced to the
 * disk, and take its name in one step.  A full disk, a kill or a power cut leaves the old file as it was.
 *
 *     io_writer w;
 *     if (io_write_begin(&w, "tr_save_npy", path) < 0) return -1;
 *     io_write(&w, bytes, count);                     failures wait in w until the end
 *     return io_write_end(&w);                        the file is there, or an error says why not
 *
 * A path that is a device or a pipe (/dev/stdout) is written to directly; there is no old file to save. */
#ifndef TRIREME_IO_WRITE_H
#define TRIREME_IO_WRITE_H

#include <stdio.h>
#include <trireme/base.h>

typedef struct {
    const char *call, *path; /* borrowed */
    char *target;            /* owned: the path, a symbolic link followed */
    char *temporary;         /* owned: the file beside it; NULL when writing directly */
    FILE *file;              /* owned */
    int error;               /* errno of the first failure */
} io_writer;

/* After a failure w is closed: nothing else is to be called. */
int io_write_begin(io_writer *w, const char *call, const char *path);

void io_write(io_writer *w, const void *bytes, int64_t count);
void io_write_text(io_writer *w, const char *format, ...) TR_PRINTF(2, 3);

/* Give the new file its name.  On any failure since the beginning: remove it, note an error, return -1. */
int io_write_end(io_writer *w);

/* Give up without an error of its own; the old file stays. */
void io_write_abandon(io_writer *w);

#endif
