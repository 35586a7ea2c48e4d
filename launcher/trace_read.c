/* What must stand in a trace. */
#define _POSIX_C_SOURCE 200809L
#include "launcher/trace_read.h"
#include "launcher/json_read.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "core/trace_file.h"

static bool refuse(trace_input *t, const char *what)
{
    if (!*t->why) snprintf(t->why, sizeof t->why, "%s: %s", t->path, what);
    return false;
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
        if (!json_string(j, phase, sizeof phase)) return false;
        if (strlen(phase) != 1) return json_wrong(j, "a phase of one letter is expected before this");
        e->phase = phase[0];
        return true;
    }
    if (strcmp(key, "name") == 0) return d->has |= HAS_NAME, json_string(j, NULL, 0);
    if (strcmp(key, "pid") == 0) return d->has |= HAS_PROCESS, json_whole(j, &e->process);
    if (strcmp(key, "tid") == 0) return d->has |= HAS_THREAD, json_whole(j, &e->thread);
    if (strcmp(key, "ts") == 0) return d->has |= HAS_TIME, json_number(j, &e->begin_us);
    if (strcmp(key, "dur") == 0) return d->has |= HAS_LENGTH, json_number(j, &e->us);
    return json_value(j);
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
    trace_input *into = data;
    json_skip_space(j);
    event_draft d = {.event = {.text = j->at}};
    if (!json_object(j, event_member, &d)) return false;
    const char *end = j->at;
    d.event.length = (size_t)(end - d.event.text);
    j->at = d.event.text; /* what is wrong is wrong with all of it */
    bool timed = d.event.phase != 'M';
    if (!d.event.phase) return json_wrong(j, "an event without \"ph\"");
    if ((d.has & (HAS_NAME | HAS_PROCESS | HAS_THREAD)) != (HAS_NAME | HAS_PROCESS | HAS_THREAD)) return json_wrong(j, "an event without \"name\", \"pid\" or \"tid\"");
    if (timed && (!(d.has & HAS_TIME) || !is_time(d.event.begin_us))) return json_wrong(j, "an event without a \"ts\" that is a time");
    if (d.event.phase == 'X' && (!(d.has & HAS_LENGTH) || !is_time(d.event.us) || d.event.us < 0)) return json_wrong(j, "a span without a \"dur\", or one below 0");
    j->at = end;
    if (!grow(into)) return false;
    into->event[into->events++] = d.event;
    return true;
}

typedef struct {
    trace_input *into;
    int64_t version;
    bool has_events;
} file_draft;

static bool told_member(json *j, const char *key, void *data)
{
    file_draft *d = data;
    trace_input *t = d->into;
    if (strcmp(key, "trireme") == 0) return json_whole(j, &d->version);
    if (strcmp(key, "rank") == 0) return json_whole(j, &t->rank);
    if (strcmp(key, "ranks") == 0) return json_whole(j, &t->ranks);
    if (strcmp(key, "dropped") == 0) return json_whole(j, &t->dropped);
    if (strcmp(key, "damaged") == 0) return json_whole(j, &t->damaged);
    if (strcmp(key, "job") == 0) return json_string(j, t->job, sizeof t->job);
    if (strcmp(key, "host") == 0) return json_string(j, t->host, sizeof t->host);
    return json_value(j);
}

static bool file_member(json *j, const char *key, void *data)
{
    file_draft *d = data;
    if (strcmp(key, "otherData") == 0) return json_object(j, told_member, d);
    if (strcmp(key, "traceEvents") != 0) return json_value(j);
    if (d->has_events) return json_wrong(j, "a second \"traceEvents\"");
    d->has_events = true;
    return json_array(j, event, d->into);
}

int trace_input_parse(trace_input *t, const char *path, char *text, size_t bytes)
{
    *t = (trace_input){.path = strdup(path), .text = text, .bytes = bytes, .rank = -1};
    if (!t->path) return snprintf(t->why, sizeof t->why, "%s: there is no memory for it", path), -1;
    json j = {.path = t->path, .why = t->why, .why_bytes = sizeof t->why, .begin = text, .at = text, .end = text + bytes};
    file_draft d = {.into = t};
    if (!json_object(&j, file_member, &d)) return -1;
    json_skip_space(&j);
    if (j.at < j.end) return json_wrong(&j, "the end of the file is expected"), -1;
    if (d.version != 1) return refuse(t, "is not a trace that a rank of this version of Trireme has written"), -1;
    if (!d.has_events) return refuse(t, "has no \"traceEvents\""), -1;
    if (t->ranks < 1 || t->ranks > INT32_MAX || t->rank < 0 || t->rank >= t->ranks) return refuse(t, "says that it is of a rank that there is not"), -1;
    for (int64_t i = 0; i < t->events; i++) {
        j.at = t->event[i].text;
        if (t->event[i].process != t->rank) return json_wrong(&j, "an event of another rank than the file's"), -1;
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
