/* One rank's trace, read as a file from anybody: any bytes give spans or an error that names the place. */
#ifndef LAUNCHER_TRACE_READ_H
#define LAUNCHER_TRACE_READ_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *text; /* "{...}", as it stands in the file; not ended by a NUL */
    size_t length;
    double begin_us, us; /* of a span; otherwise us is 0 */
    int64_t process, thread;
    char phase; /* 'X' a span, 'i' an instant, 'M' a name, ... */
} trace_event;

typedef struct {
    char *path, *text; /* owned */
    size_t bytes;
    char job[32], host[256];
    int64_t rank, ranks, dropped, damaged;
    trace_event *event; /* owned */
    int64_t events, room;
    int unfinished; /* its process did not live to write it */
    char why[700];  /* of an error */
} trace_input;

/* Chrome's JSON as a rank writes it, or what a killed one has left.  0, or -1 and t->why: "PATH:LINE:COLUMN: ...". */
int trace_input_read(trace_input *t, const char *path);

/* The same of text, ended by a NUL, which becomes t's. */
int trace_input_parse(trace_input *t, const char *path, char *text, size_t bytes);

/* The same of a file that a process left before it had written its JSON; `bytes` stay the caller's. */
int trace_input_convert(trace_input *t, const char *path, const void *file, size_t bytes);

void trace_input_free(trace_input *t);

#endif
