#include "launcher/lines.h"
#include "launcher/launcher.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST = 64 * 1024 }; /* a longer line goes in pieces */

static void keep(char kept[512], const char *line, size_t bytes)
{
    if (bytes > 511) bytes = 511;
    memcpy(kept, line, bytes);
    kept[bytes] = 0;
    for (char *c = kept; *c; c++)
        if ((unsigned char)*c < 32) *c = ' ';
}

/* Open MPI's trace of a crash: "[host:4711] *** Process received signal ***", "[host:4711] [ 0] /lib/...". */
static bool is_trace(const char *line, size_t bytes)
{
    const char *end = *line == '[' ? memchr(line, ']', bytes) : NULL;
    return end && (size_t)(end - line) + 12 < bytes && (strncmp(end, "] [", 3) == 0 || strncmp(end, "] ***", 5) == 0 || strncmp(end, "] Signal", 8) == 0 || strncmp(end, "] Failing at", 12) == 0);
}

/* Remembers what the lines say. A carriage return begins a line again. */
static void note(lines *l, const char *text, size_t bytes)
{
    for (const char *at = text, *end = text + bytes; at < end;) {
        size_t length = 0, visible = 0;
        for (; at + length < end && at[length] != '\n' && at[length] != '\r'; length++) visible += (unsigned char)at[length] > 32;
        if (visible && !is_trace(at, length)) keep(l->last, at, length);
        if (l->sign && !*l->said && length > strlen(l->sign) && strncmp(at, l->sign, strlen(l->sign)) == 0) keep(l->said, at, length);
        at += length + 1;
    }
}

static void hand_on(lines *l, size_t bytes)
{
    if (bytes == 0) return;
    note(l, l->held, bytes);
    if (*l->tag == 0) {
        l->write(l->to, l->held, bytes);
    } else {
        size_t tag = strlen(l->tag), rows = 1;
        for (size_t i = 0; i < bytes; i++) rows += l->held[i] == '\n';
        char *tagged = need_memory((int)(bytes + rows * (tag + 1)), 1), *to = tagged;
        for (const char *at = l->held, *end = at + bytes; at < end;) {
            const char *newline = memchr(at, '\n', (size_t)(end - at));
            size_t length = (size_t)((newline ? newline : end) - at);
            memcpy(to, l->tag, tag);
            memcpy(to + tag, at, length);
            to += tag + length;
            *to++ = '\n'; /* the last line of all may lack its own */
            at += length + 1;
        }
        l->write(l->to, tagged, (size_t)(to - tagged));
        free(tagged);
    }
    l->bytes -= bytes;
    memmove(l->held, l->held + bytes, l->bytes);
}

void lines_add(lines *l, const char *text, size_t bytes)
{
    if (l->bytes + bytes > l->room) {
        l->room = 2 * (l->bytes + bytes);
        l->held = realloc(l->held, l->room);
        if (!l->held) out_of_memory();
    }
    memcpy(l->held + l->bytes, text, bytes);
    l->bytes += bytes;
    size_t whole = l->bytes;
    while (whole > 0 && l->held[whole - 1] != '\n' && (*l->tag || l->held[whole - 1] != '\r')) whole--;
    hand_on(l, whole);
    if (l->bytes >= LONGEST) hand_on(l, l->bytes);
}

void lines_flush(lines *l) { hand_on(l, l->bytes); }

void lines_free(lines *l)
{
    free(l->held);
    l->held = NULL;
    l->bytes = l->room = 0;
}
