/* JSON, read strictly, and what must stand in a trace. */
#define _POSIX_C_SOURCE 200809L
#include "launcher/trace_read.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "core/trace_file.h"

enum { DEEPEST = 32 };

typedef struct {
    trace_input *into;
    const char *begin, *at, *end;
    int depth;
} json;

/* ---- errors ---- */

/* At j->at, in lines and columns from 1. */
static bool wrong(json *j, const char *what)
{
    trace_input *t = j->into;
    if (*t->why) return false;
    int line = 1;
    const char *begin = j->begin;
    for (const char *c = j->begin; c < j->at; c++)
        if (*c == '\n') line++, begin = c + 1;
    char met[24] = "the end of the file";
    unsigned char c = j->at < j->end ? (unsigned char)*j->at : 0;
    if (j->at < j->end) snprintf(met, sizeof met, c > ' ' && c < 127 ? "'%c'" : "byte 0x%02x", c);
    snprintf(t->why, sizeof t->why, "%s:%d:%d: %s, met %s", t->path, line, (int)(j->at - begin) + 1, what, met);
    return false;
}

static bool refuse(trace_input *t, const char *what)
{
    if (!*t->why) snprintf(t->why, sizeof t->why, "%s: %s", t->path, what);
    return false;
}

/* ---- JSON ---- */

static void skip_space(json *j)
{
    while (j->at < j->end && strchr(" \t\r\n", *j->at) && *j->at) j->at++;
}

static bool next_is(json *j, char c)
{
    skip_space(j);
    if (j->at == j->end || *j->at != c) return false;
    j->at++;
    return true;
}

static bool want(json *j, char c, const char *what) { return next_is(j, c) || wrong(j, what); }

static bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

static bool escape(json *j)
{
    if (j->at < j->end && strchr("\"\\/bfnrt", *j->at) && *j->at) return j->at++, true;
    if (j->end - j->at < 5 || *j->at != 'u') return wrong(j, "an escape is expected");
    for (int i = 1; i < 5; i++)
        if (!is_hex(j->at[i])) return wrong(j, "an escape \\u has four hexadecimal digits");
    j->at += 5;
    return true;
}

/* Its bytes as they stand, escapes and all, into `to`, cut to fit; to NULL: nowhere. */
static bool string(json *j, char *to, size_t room)
{
    if (!want(j, '"', "a string is expected")) return false;
    const char *begin = j->at;
    while (j->at < j->end && *j->at != '"') {
        if ((unsigned char)*j->at < ' ') return wrong(j, "a control character in a string");
        if (*j->at++ == '\\' && !escape(j)) return false;
    }
    if (j->at == j->end) return wrong(j, "the string does not end");
    size_t n = (size_t)(j->at++ - begin);
    if (!to) return true;
    if (n >= room) n = room - 1;
    memcpy(to, begin, n);
    to[n] = '\0';
    return true;
}

static bool digits(json *j)
{
    const char *begin = j->at;
    while (j->at < j->end && *j->at >= '0' && *j->at <= '9') j->at++;
    return j->at > begin || wrong(j, "a digit is expected");
}

static bool number(json *j, double *value)
{
    skip_space(j);
    const char *begin = j->at;
    if (j->at < j->end && *j->at == '-') j->at++;
    const char *first = j->at;
    if (!digits(j)) return false;
    if (*first == '0' && j->at > first + 1) return wrong(j, "a number does not begin with 0");
    if (j->at < j->end && *j->at == '.') {
        j->at++;
        if (!digits(j)) return false;
    }
    if (j->at < j->end && (*j->at == 'e' || *j->at == 'E')) {
        j->at++;
        if (j->at < j->end && (*j->at == '+' || *j->at == '-')) j->at++;
        if (!digits(j)) return false;
    }
    *value = strtod(begin, NULL); /* ends where we did: the same grammar */
    return true;
}

static bool whole(json *j, int64_t *value)
{
    double x = 0;
    skip_space(j);
    const char *begin = j->at;
    if (!number(j, &x)) return false;
    if (x >= -9007199254740992.0 && x <= 9007199254740992.0 && x == (double)(int64_t)x) {
        *value = (int64_t)x;
        return true;
    }
    j->at = begin;
    return wrong(j, "a whole number is expected");
}

static bool value(json *j);

typedef bool member_reader(json *j, const char *key, void *data);

static bool skip_member(json *j, const char *key, void *data)
{
    (void)key, (void)data;
    return value(j);
}

static bool object(json *j, member_reader *member, void *data)
{
    if (!want(j, '{', "an object is expected")) return false;
    if (++j->depth > DEEPEST) return wrong(j, "this is nested too deep");
    if (!next_is(j, '}')) {
        do {
            char key[32];
            if (!string(j, key, sizeof key) || !want(j, ':', "a ':' is expected") || !member(j, key, data)) return false;
        } while (next_is(j, ','));
        if (!want(j, '}', "a ',' or the object's '}' is expected")) return false;
    }
    j->depth--;
    return true;
}

typedef bool element_reader(json *j, void *data);

static bool skip_element(json *j, void *data)
{
    (void)data;
    return value(j);
}

static bool array(json *j, element_reader *element, void *data)
{
    if (!want(j, '[', "an array is expected")) return false;
    if (++j->depth > DEEPEST) return wrong(j, "this is nested too deep");
    if (!next_is(j, ']')) {
        do
            if (!element(j, data)) return false;
        while (next_is(j, ','));
        if (!want(j, ']', "a ',' or the array's ']' is expected")) return false;
    }
    j->depth--;
    return true;
}

static bool word(json *j, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(j->end - j->at) < n || memcmp(j->at, text, n) != 0) return false;
    j->at += n;
    return true;
}

static bool value(json *j)
{
    double ignored;
    skip_space(j);
    char c = j->at < j->end ? *j->at : '\0';
    if (c == '{') return object(j, skip_member, NULL);
    if (c == '[') return array(j, skip_element, NULL);
    if (c == '"') return string(j, NULL, 0);
    if (c == '-' || (c >= '0' && c <= '9')) return number(j, &ignored);
    return word(j, "true") || word(j, "false") || word(j, "null") || wrong(j, "a value is expected");
}

/* ---- a trace ---- */

enum { HAS_TIME = 1,
       HAS_LENGTH = 2,
       HAS_PROCESS = 4,
       HAS_THREAD = 8,
       HAS_NAME = 16 };

typedef struct {
    trace_event event;
    int has;
} event_draft;

static bool event_member(json *j, const char *key, void *data)
{
    event_draft *d = data;
    trace_event *e = &d->event;
    char phase[4];
    if (strcmp(key, "ph") == 0) {
        if (!string(j, phase, sizeof phase)) return false;
        if (strlen(phase) != 1) return wrong(j, "a phase of one letter is expected before this");
        e->phase = phase[0];
        return true;
    }
    if (strcmp(key, "name") == 0) return d->has |= HAS_NAME, string(j, NULL, 0);
    if (strcmp(key, "pid") == 0) return d->has |= HAS_PROCESS, whole(j, &e->process);
    if (strcmp(key, "tid") == 0) return d->has |= HAS_THREAD, whole(j, &e->thread);
    if (strcmp(key, "ts") == 0) return d->has |= HAS_TIME, number(j, &e->begin_us);
    if (strcmp(key, "dur") == 0) return d->has |= HAS_LENGTH, number(j, &e->us);
    return value(j);
}

static bool grow(trace_input *t)
{
    if (t->events < t->room) return true;
    int64_t room = t->room ? 2 * t->room : 1024;
    trace_event *event = realloc(t->event, (size_t)room * sizeof *event);
    if (!event) return refuse(t, "there is no memory for it");
    t->event = event;
    t->room = room;
    return true;
}

/* Times that no clock shows would put all others out of sight; NaN and infinity are no JSON, but 1e999 is. */
static bool is_time(double us) { return us > -1e15 && us < 1e15; }

static bool event(json *j, void *data)
{
    (void)data;
    skip_space(j);
    event_draft d = {.event = {.text = j->at}};
    if (!object(j, event_member, &d)) return false;
    const char *end = j->at;
    d.event.length = (size_t)(end - d.event.text);
    j->at = d.event.text; /* what is wrong is wrong with all of it */
    bool timed = d.event.phase != 'M';
    if (!d.event.phase) return wrong(j, "an event without \"ph\"");
    if ((d.has & (HAS_NAME | HAS_PROCESS | HAS_THREAD)) != (HAS_NAME | HAS_PROCESS | HAS_THREAD)) return wrong(j, "an event without \"name\", \"pid\" or \"tid\"");
    if (timed && (!(d.has & HAS_TIME) || !is_time(d.event.begin_us))) return wrong(j, "an event without a \"ts\" that is a time");
    if (d.event.phase == 'X' && (!(d.has & HAS_LENGTH) || !is_time(d.event.us) || d.event.us < 0)) return wrong(j, "a span without a \"dur\", or one below 0");
    j->at = end;
    if (!grow(j->into)) return false;
    j->into->event[j->into->events++] = d.event;
    return true;
}

static bool told_member(json *j, const char *key, void *data)
{
    trace_input *t = j->into;
    int64_t *version = data;
    if (strcmp(key, "trireme") == 0) return whole(j, version);
    if (strcmp(key, "rank") == 0) return whole(j, &t->rank);
    if (strcmp(key, "ranks") == 0) return whole(j, &t->ranks);
    if (strcmp(key, "dropped") == 0) return whole(j, &t->dropped);
    if (strcmp(key, "damaged") == 0) return whole(j, &t->damaged);
    if (strcmp(key, "job") == 0) return string(j, t->job, sizeof t->job);
    if (strcmp(key, "host") == 0) return string(j, t->host, sizeof t->host);
    return value(j);
}

typedef struct {
    int64_t version;
    bool has_events;
} file_draft;

static bool file_member(json *j, const char *key, void *data)
{
    file_draft *d = data;
    if (strcmp(key, "otherData") == 0) return object(j, told_member, &d->version);
    if (strcmp(key, "traceEvents") != 0) return value(j);
    if (d->has_events) return wrong(j, "a second \"traceEvents\"");
    d->has_events = true;
    return array(j, event, NULL);
}

int trace_input_parse(trace_input *t, const char *path, char *text, size_t bytes)
{
    *t = (trace_input){.path = strdup(path), .text = text, .bytes = bytes, .rank = -1};
    if (!t->path) return snprintf(t->why, sizeof t->why, "%s: there is no memory for it", path), -1;
    json j = {.into = t, .begin = text, .at = text, .end = text + bytes};
    file_draft d = {0};
    if (!object(&j, file_member, &d)) return -1;
    skip_space(&j);
    if (j.at < j.end) return wrong(&j, "the end of the file is expected"), -1;
    if (d.version != 1) return refuse(t, "is not a trace that a rank of this version of Trireme has written"), -1;
    if (!d.has_events) return refuse(t, "has no \"traceEvents\""), -1;
    if (t->ranks < 1 || t->ranks > INT32_MAX || t->rank < 0 || t->rank >= t->ranks) return refuse(t, "says that it is of a rank that there is not"), -1;
    for (int64_t i = 0; i < t->events; i++) {
        j.at = t->event[i].text;
        if (t->event[i].process != t->rank) return wrong(&j, "an event of another rank than the file's"), -1;
    }
    return 0;
}

/* ---- files ---- */

int trace_input_convert(trace_input *t, const char *path, const void *file, size_t bytes)
{
    char why[TRACE_WHY], *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    int status = out ? trace_json(out, file, bytes, why) : -1;
    bool closed = out && fclose(out) == 0;
    if (status == 0 && closed && trace_input_parse(t, path, text, length) == 0) return t->unfinished = 1, 0;
    if (status == 0 && closed) return -1;
    free(text);
    *t = (trace_input){.path = strdup(path)};
    refuse(t, status < 0 && out && *why ? why : "there is no memory for it");
    return -1;
}

/* Ended by a NUL. */
static char *read_whole(const char *path, size_t *bytes)
{
    struct stat about;
    FILE *in = fopen(path, "r");
    if (!in) return NULL;
    char *text = NULL;
    if (fstat(fileno(in), &about) != 0)
        about.st_size = -1;
    else if (!S_ISREG(about.st_mode))
        errno = EINVAL;
    else
        text = malloc((size_t)about.st_size + 1);
    if (text) {
        *bytes = fread(text, 1, (size_t)about.st_size, in);
        text[*bytes] = '\0';
        if (ferror(in)) {
            free(text);
            text = NULL;
        }
    }
    int error = errno;
    fclose(in);
    errno = error;
    return text;
}

int trace_input_read(trace_input *t, const char *path)
{
    size_t bytes = 0, length = strlen(path);
    char *text = read_whole(path, &bytes);
    if (!text) {
        *t = (trace_input){.path = strdup(path)};
        snprintf(t->why, sizeof t->why, "%s: %s", path, strerror(errno));
        return -1;
    }
    bool part = length > 5 && strcmp(path + length - 5, ".part") == 0;
    if (!part) return trace_input_parse(t, path, text, bytes);
    int status = trace_input_convert(t, path, text, bytes);
    free(text);
    return status;
}

void trace_input_free(trace_input *t)
{
    free(t->path);
    free(t->text);
    free(t->event);
    *t = (trace_input){0};
}
