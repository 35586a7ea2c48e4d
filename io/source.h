/* Where a file's bytes come from: a regular file, or memory (which is how tests and fuzzers hand them in).
 *
 * A file is untrusted.  Every read says where it begins and is held against the size that the file really has, so a
 * number found in a header is never believed further than the file reaches. */
#ifndef TRIREME_IO_SOURCE_H
#define TRIREME_IO_SOURCE_H

#include <trireme/base.h>

typedef struct {
    const char *call; /* the public function at work: "tr_load_npy"; borrowed */
    const char *path; /* borrowed */
    const char *part; /* the array inside the file that is being read, or NULL; borrowed */
    int64_t size;
    int fd;                      /* owned; -1 for memory */
    const unsigned char *memory; /* borrowed */
} io_source;

/* Open the regular file at `path`.  Folders, pipes and devices are refused; nothing here waits for another process. */
int io_source_open(io_source *s, const char *call, const char *path);

io_source io_source_memory(const char *call, const void *bytes, int64_t size);

void io_source_close(io_source *s);

/* `bytes` bytes from position `at`; a file that ends before them is an error. */
int io_source_read(const io_source *s, int64_t at, void *to, int64_t bytes);

/* Note an error that begins with "call: path: part: ".  Always NULL; or -1, in sight of compilers and analysers. */
void *io_fail(const io_source *s, const char *format, ...) TR_PRINTF(2, 3);
#define io_fail_status(...) (io_fail(__VA_ARGS__), -1)

/* Text out of a file, fit for a message: cut at 60 bytes, control characters as '?'.  Short-lived (core_text). */
const char *io_shown(const char *text);

#endif
