/* A stream of output, cut so that lines stay whole.
 *
 * What was read is handed on up to its last newline; the rest waits for its end. Without tags it waits a moment only: it
 * may be a prompt, or a progress bar, which ends its line with a carriage return. */
#ifndef LAUNCHER_LINES_H
#define LAUNCHER_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    void (*write)(void *to, const char *text, size_t bytes);
    void *to;
    const char *tag; /* borrowed; "": none */
    char *held;      /* owned */
    size_t bytes, room;
    char last[512];   /* the last line that is not blank */
    char said[512];   /* the first line that begins with `sign` */
    const char *sign; /* NULL: none is looked for */
} lines;

void lines_add(lines *l, const char *text, size_t bytes);
/* Hands on what still waits. */
void lines_flush(lines *l);
void lines_free(lines *l);

#endif
