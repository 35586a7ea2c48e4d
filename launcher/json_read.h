/* JSON, read strictly: whoever wrote it. */
#ifndef LAUNCHER_JSON_READ_H
#define LAUNCHER_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *path; /* borrowed, for errors */
    char *why;        /* borrowed: the first error, "PATH:LINE:COLUMN: ..."; "" before it */
    size_t why_bytes;
    const char *begin, *at, *end; /* *end is a NUL */
    int depth;
} json;

/* They read what stands at j->at, which moves behind it. false: an error was noted. */
bool json_value(json *j); /* whatever it is */
bool json_number(json *j, double *value);
bool json_whole(json *j, int64_t *value);

/* Its bytes as they stand, escapes and all, into `to`, cut to fit; to NULL: nowhere. */
bool json_string(json *j, char *to, size_t room);

/* The reader is called for each member, and for each element, and reads its value. */
typedef bool json_member(json *j, const char *key, void *data);
typedef bool json_element(json *j, void *data);
bool json_object(json *j, json_member *member, void *data);
bool json_array(json *j, json_element *element, void *data);

void json_skip_space(json *j);

/* Notes the error, at j->at, unless one stands. false. */
bool json_wrong(json *j, const char *what);

#endif
