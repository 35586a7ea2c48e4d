/* JSON, read strictly: just what a .safetensors header is made of (objects, arrays, strings, whole numbers).
 *
 * Strings are unescaped where they stand, in the text itself, which must therefore be writable and end in a NUL; they stay
 * valid as long as the text.  Whoever walks an object says what to do with each member, so nothing is ever nested deeper
 * than its reader asks for. */
#ifndef TRIREME_IO_JSON_H
#define TRIREME_IO_JSON_H

#include <stdio.h>
#include "io/source.h"

typedef struct {
    const io_source *source; /* borrowed: whose header it is */
    char *text;              /* borrowed */
    int64_t length, at;
} io_json;

typedef int io_json_member(io_json *j, char *key, void *data);
typedef int io_json_element(io_json *j, void *data);

/* What comes next must be of that kind.  0, or -1 with an error noted. */
int io_json_object(io_json *j, io_json_member *member, void *data);
int io_json_array(io_json *j, io_json_element *element, void *data);
int io_json_string(io_json *j, char **value);
int io_json_size(io_json *j, int64_t *value); /* not negative */

/* Nothing but white space may follow. */
int io_json_end(io_json *j);

/* Is this UTF-8, as RFC 3629 has it (no overlong forms, no surrogates)? */
bool io_utf8_valid(const char *text);

/* Write text as a JSON string, with its quotes. */
void io_json_write_string(FILE *file, const char *text);

#endif
