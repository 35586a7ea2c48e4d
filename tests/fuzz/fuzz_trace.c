/* A rank's trace as `trireme trace merge` reads it: JSON, or after a 'P' what a killed rank has left, its head and the first
 * block's first bytes. */
#include "core/trace_file.h"
#include "fuzz.h"
#include "launcher/trace_read.h"

static void check(int status, trace_input *t)
{
    if ((status < 0) != (*t->why != '\0')) abort();
    const volatile char *byte;
    for (int64_t i = 0; status == 0 && i < t->events; i++) {
        byte = t->event[i].text;
        if (byte[0] != '{' || byte[t->event[i].length - 1] != '}') abort();
    }
    trace_input_free(t);
}

static void left_behind(const uint8_t *data, size_t bytes)
{
    enum { ALL = TRACE_BLOCKS_AT + 2 * TRACE_BLOCK,
           HEAD = 160 };
    char *file = calloc(1, ALL);
    memcpy(file, TRACE_MAGIC, sizeof TRACE_MAGIC);
    size_t head = bytes < HEAD ? bytes : HEAD;
    memcpy(file + 16, data, head);
    memcpy(file + TRACE_BLOCKS_AT, data + head, bytes - head < TRACE_BLOCK ? bytes - head : TRACE_BLOCK);
    trace_input t;
    check(trace_input_convert(&t, "fuzz", file, ALL), &t);
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes > 0 && data[0] == 'P') {
        left_behind(data + 1, bytes - 1);
        return 0;
    }
    char *text = malloc(bytes + 1);
    memcpy(text, data, bytes);
    text[bytes] = '\0';
    trace_input t;
    check(trace_input_parse(&t, "fuzz", text, bytes), &t);
    return 0;
}
