/* The file that a trace is kept in while it is being made (trace_file.h). */
#ifndef TRIREME_CORE_TRACE_STORE_H
#define TRIREME_CORE_TRACE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include "core/trace_file.h"

typedef struct {
    trace_head *head; /* the mapping; NULL: none */
    size_t bytes;
    _Atomic uint32_t room; /* blocks */
    int fd;
    const char *call;
    char *folder, *part; /* owned: where it goes, and the file that is mapped */
} trace_store;

/* An empty one in `folder`, with room for so many spans.  0, or -1 with an error noted, of `call`. */
int trace_store_open(trace_store *s, const char *call, const char *folder, int64_t spans);

/* Whose it is: the file takes the rank's name. */
void trace_store_rank(trace_store *s, int64_t rank, int64_t ranks);

/* A block for a thread, NULL where there is no more room. */
trace_block *trace_store_block(trace_store *s, uint32_t thread, uint32_t name);

/* A name's number.  One caller at a time, as above. */
uint32_t trace_store_name(trace_store *s, const char *text);
const char *trace_store_text(const trace_store *s, uint32_t name);

/* Write rank-N.json.  0, or -1 with an error noted; the file that was mapped stays then. */
int trace_store_write(trace_store *s);

/* Let go; `keep` the mapping where somebody may still write into it. */
void trace_store_close(trace_store *s, bool keep);

#endif
