/* Traces as tests look at them. */
#ifndef TEST_TRACES_H
#define TEST_TRACES_H

#include <stdio.h>
#include <stdlib.h>
#include "launcher/trace_read.h"
#include "test.h"

/* A rank's file in a folder; to be freed. */
static inline trace_input read_trace(const char *folder, int64_t rank)
{
    char path[256];
    trace_input t;
    snprintf(path, sizeof path, "%s/rank-%lld.json", folder, (long long)rank);
    if (trace_input_read(&t, path) < 0) fail_msg("%s", t.why);
    return t;
}

static inline bool says(const trace_event *e, const char *words)
{
    char text[800];
    snprintf(text, sizeof text, "%.*s", (int)e->length, e->text);
    return strstr(text, words) != NULL;
}

static inline bool is_called(const trace_event *e, const char *name)
{
    char wanted[200];
    snprintf(wanted, sizeof wanted, "\"name\":\"%s", name);
    return says(e, wanted);
}

/* Spans whose names begin so. */
static inline int64_t count_spans(const trace_input *t, const char *name)
{
    int64_t n = 0;
    for (int64_t i = 0; i < t->events; i++) n += t->event[i].phase == 'X' && is_called(&t->event[i], name);
    return n;
}

/* The first of this name, and with these words. */
static inline const trace_event *find_span_with(const trace_input *t, const char *name, const char *words)
{
    for (int64_t i = 0; i < t->events; i++)
        if (t->event[i].phase == 'X' && is_called(&t->event[i], name) && says(&t->event[i], words)) return &t->event[i];
    fail_msg("no span \"%s\" with %s", name, words);
    return NULL;
}

static inline const trace_event *find_span(const trace_input *t, const char *name) { return find_span_with(t, name, ""); }

static inline bool holds(const trace_event *a, const trace_event *b)
{
    const double tick = 0.0015; /* times have three digits */
    return a->thread == b->thread && a->begin_us <= b->begin_us + tick && b->begin_us + b->us <= a->begin_us + a->us + tick;
}

/* On each track a span lies within the one before it, or behind it. */
static inline void assert_spans_nest(const trace_input *t)
{
    enum { DEEP = 256 };
    const trace_event *open[DEEP];
    for (int64_t thread = 0; thread < 2000; thread++) {
        int depth = 0;
        for (int64_t i = 0; i < t->events; i++) {
            const trace_event *e = &t->event[i];
            if (e->phase != 'X' || e->thread != thread) continue;
            assert_true(e->us >= 0);
            while (depth > 0 && open[depth - 1]->begin_us + open[depth - 1]->us <= e->begin_us) depth--;
            if (depth > 0 && !holds(open[depth - 1], e)) fail_msg("%.*s\nis neither in nor behind\n%.*s", (int)e->length, e->text, (int)open[depth - 1]->length, open[depth - 1]->text);
            assert_true(depth < DEEP);
            open[depth++] = e;
        }
    }
}

static inline void remove_folder(const char *path)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

#endif
