/* A trace file as Chrome's JSON.  The file may come from a rank that was killed, or from anybody: nothing in it is believed
 * further than it reaches. */
#define _POSIX_C_SOURCE 200809L
#include "core/trace_file.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    FILE *out;
    const trace_head *head;
    const char *names;
    const trace_block *block;
    uint32_t blocks;
    int64_t spans, damaged;
} reader;

static const char *const category[TRACE_KINDS] = {"user", "forward", "backward", "kernel", "optimiser", "replay", "data", "data", "collective", "wait", "copy"};

/* ---- text ---- */

/* Bytes of the UTF-8 character of several bytes that begins here, within `most`; 0: there is none. */
static size_t wide(const char *text, size_t most)
{
    const unsigned char *c = (const unsigned char *)text;
    size_t n = c[0] >= 0xc2 && c[0] < 0xe0 ? 2 : c[0] >= 0xe0 && c[0] < 0xf0 ? 3
                                             : c[0] >= 0xf0 && c[0] < 0xf5   ? 4
                                                                             : 0;
    if (n == 0 || n > most) return 0;
    for (size_t i = 1; i < n; i++)
        if ((c[i] & 0xc0) != 0x80) return 0;
    bool overlong = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90);
    bool none = (c[0] == 0xed && c[1] >= 0xa0) || (c[0] == 0xf4 && c[1] >= 0x90); /* surrogates, beyond Unicode */
    return overlong || none ? 0 : n;
}

/* As a JSON string, with '?' for what is no text. */
static void put_text(const reader *r, const char *text, size_t most)
{
    putc('"', r->out);
    for (size_t i = 0; i < most && text[i];) {
        size_t n = wide(text + i, most - i);
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') putc('\\', r->out);
        if (n > 0)
            fwrite(text + i, 1, n, r->out);
        else
            putc(c < ' ' || c >= 127 ? '?' : c, r->out);
        i += n > 0 ? n : 1;
    }
    putc('"', r->out);
}

static void put_name(const reader *r, uint32_t name)
{
    bool known = name > 0 && name < TRACE_NAMES;
    put_text(r, known ? r->names + (size_t)name * TRACE_NAME : "?", TRACE_NAME - 1);
}

static void put_us(const reader *r, int64_t ns)
{
    int64_t size = ns < 0 ? -ns : ns;
    fprintf(r->out, "%s%" PRId64 ".%03d", ns < 0 ? "-" : "", size / 1000, (int)(size % 1000));
}

/* ---- spans ---- */

static uint32_t spans_in(const trace_block *b)
{
    uint32_t spans = atomic_load(&b->spans);
    return spans < TRACE_SPANS ? spans : TRACE_SPANS;
}

/* Times further apart than a century are none. */
static bool is_whole(const trace_span *s)
{
    const int64_t most = INT64_MAX / 4;
    return s->begin_ns >= 0 && s->begin_ns < most && s->ns >= 0 && s->ns < most && s->kind < TRACE_KINDS;
}

enum { QUEUED = 1000, /* a thread's second track */
       THERE = 1 << 20 };

static uint32_t track_of(const trace_block *b, const trace_span *s)
{
    if (s->queued >= TRACE_THERE) return THERE + s->queued - TRACE_THERE;
    return b->thread + (s->queued ? QUEUED : 0);
}

static void put_arguments(const reader *r, const trace_span *s)
{
    const uint32_t *n = s->size;
    const char *before = "";
    fputs(",\"args\":{", r->out);
    if (s->what == TRACE_ELEMENTS) fprintf(r->out, "\"elements\":%" PRId64, s->count);
    if (s->what == TRACE_PRODUCT) fprintf(r->out, "\"batch\":%" PRIu32 ",\"m\":%" PRIu32 ",\"n\":%" PRIu32 ",\"k\":%" PRIu32, n[0], n[1], n[2], n[3]);
    if (s->what == TRACE_BYTES) fprintf(r->out, "\"bytes\":%" PRId64, s->count);
    if (s->what == TRACE_BYTES && s->number > 0) fprintf(r->out, ",\"number\":%" PRId64, s->number);
    if (s->what != TRACE_NOTHING) before = ",";
    if (s->detail) {
        fprintf(r->out, "%s\"%s\":", before, s->kind == TRACE_COLLECTIVE ? "transport" : "type");
        put_name(r, s->detail);
    }
    putc('}', r->out);
}

static void put_span(const reader *r, const trace_block *b, const trace_span *s)
{
    fputs(",\n{\"ph\":\"X\",\"name\":", r->out);
    put_name(r, s->name);
    fprintf(r->out, ",\"cat\":\"%s\",\"pid\":%" PRId64 ",\"tid\":%" PRIu32 ",\"ts\":", category[s->kind], r->head->rank, track_of(b, s));
    put_us(r, s->begin_ns + r->head->ahead_ns);
    fputs(",\"dur\":", r->out);
    put_us(r, s->ns);
    if (s->what != TRACE_NOTHING || s->detail) put_arguments(r, s);
    putc('}', r->out);
}

typedef struct {
    const trace_block *block;
    const trace_span *span;
} place;

/* Earlier first; of two that begin together the longer, which holds the other. */
static int by_time(const void *a, const void *b)
{
    const trace_span *x = ((const place *)a)->span, *y = ((const place *)b)->span;
    if (x->begin_ns != y->begin_ns) return x->begin_ns < y->begin_ns ? -1 : 1;
    return (x->ns < y->ns) - (x->ns > y->ns);
}

static int64_t look(reader *r, place *to)
{
    int64_t n = 0;
    r->damaged = 0;
    for (uint32_t i = 0; i < r->blocks; i++)
        for (uint32_t k = 0; k < spans_in(&r->block[i]); k++) {
            const trace_span *s = &r->block[i].span[k];
            if (!is_whole(s))
                r->damaged++;
            else if (to)
                to[n++] = (place){&r->block[i], s};
            else
                n++;
        }
    return n;
}

/* ---- what stands before them ---- */

static void put_meta(const reader *r, const char *what, uint32_t tid)
{
    fprintf(r->out, "{\"ph\":\"M\",\"name\":\"%s\",\"pid\":%" PRId64 ",\"tid\":%" PRIu32 ",\"args\":{", what, r->head->rank, tid);
}

static void put_process(const reader *r)
{
    char name[sizeof r->head->host + 40];
    snprintf(name, sizeof name, "rank %" PRId64 " on %.*s", r->head->rank, (int)sizeof r->head->host - 1, r->head->host);
    put_meta(r, "process_name", 0);
    fputs("\"name\":", r->out);
    put_text(r, name, sizeof name);
    fputs("}},\n", r->out);
    put_meta(r, "process_sort_index", 0);
    fprintf(r->out, "\"sort_index\":%" PRId64 "}}", r->head->rank);
}

static bool has_second(const reader *r, uint32_t thread)
{
    for (uint32_t i = 0; i < r->blocks; i++)
        for (uint32_t k = 0; r->block[i].thread == thread && k < spans_in(&r->block[i]); k++)
            if (r->block[i].span[k].queued == TRACE_QUEUED) return true;
    return false;
}

static const char *row_of(uint32_t track)
{
    if (track >= TRACE_UP_THERE) return "copies from the host";
    if (track >= TRACE_DOWN_THERE) return "copies to the host";
    return track >= TRACE_KERNELS_THERE ? "kernels and copies" : "collectives";
}

static void put_devices(const reader *r)
{
    bool has[UINT8_MAX + 1] = {false};
    for (uint32_t i = 0; i < r->blocks; i++)
        for (uint32_t k = 0; k < spans_in(&r->block[i]); k++) has[r->block[i].span[k].queued] = true;
    for (uint32_t i = TRACE_THERE; i <= UINT8_MAX; i++) {
        if (!has[i]) continue;
        fputs(",\n", r->out);
        put_meta(r, "thread_name", THERE + i - TRACE_THERE);
        fprintf(r->out, "\"name\":\"device: %s\"}}", row_of(i));
    }
}

static void put_threads(const reader *r)
{
    for (uint32_t i = 0; i < r->blocks; i++) {
        uint32_t thread = r->block[i].thread, k = 0;
        while (r->block[k].thread != thread) k++;
        if (k < i) continue; /* has been named */
        fputs(",\n", r->out);
        put_meta(r, "thread_name", thread);
        fputs("\"name\":", r->out);
        put_name(r, r->block[i].name);
        fputs("}}", r->out);
        if (!has_second(r, thread)) continue;
        fputs(",\n", r->out);
        put_meta(r, "thread_name", thread + QUEUED);
        fputs("\"name\":\"collectives\"}}", r->out);
    }
    put_devices(r);
}

static void put_dropped(const reader *r)
{
    int64_t dropped = atomic_load(&r->head->dropped), first = atomic_load(&r->head->first_dropped_ns);
    if (dropped <= 0 || first < 0 || first > INT64_MAX / 4) return;
    fprintf(r->out, ",\n{\"ph\":\"i\",\"s\":\"p\",\"name\":\"the trace is full: %" PRId64 " spans from here on are missing\",\"pid\":%" PRId64 ",\"tid\":0,\"ts\":", dropped, r->head->rank);
    put_us(r, first + r->head->ahead_ns);
    putc('}', r->out);
}

/* ---- all of it ---- */

static bool check(const reader *r, size_t bytes, char why[TRACE_WHY])
{
    const trace_head *h = r->head;
    const int64_t most = INT64_MAX / 4;
    *why = '\0';
    if (bytes < TRACE_BLOCKS_AT || memcmp(h->magic, TRACE_MAGIC, sizeof TRACE_MAGIC) != 0)
        snprintf(why, TRACE_WHY, "is not what a rank of this version of Trireme has left");
    else if (h->rank < -1 || h->rank > INT32_MAX || h->ranks < 1 || h->ranks > INT32_MAX)
        snprintf(why, TRACE_WHY, "says that it is of rank %" PRId64 " of %" PRId64, h->rank, h->ranks);
    else if (h->ahead_ns < -most || h->ahead_ns > most)
        snprintf(why, TRACE_WHY, "says that its clock is %" PRId64 " ns behind", h->ahead_ns);
    return !*why;
}

int trace_json(FILE *out, const void *file, size_t bytes, char why[TRACE_WHY])
{
    reader r = {.out = out, .head = file, .names = (const char *)file + TRACE_HEAD};
    if (!check(&r, bytes, why)) return -1;
    trace_head head = {.rank = r.head->rank < 0 ? 0 : r.head->rank, .ranks = r.head->ranks, .process = r.head->process, .job = r.head->job, .ahead_ns = r.head->ahead_ns, .error_ns = r.head->error_ns};
    memcpy(head.host, r.head->host, sizeof head.host - 1);
    atomic_store(&head.dropped, atomic_load(&r.head->dropped));
    atomic_store(&head.first_dropped_ns, atomic_load(&r.head->first_dropped_ns));
    r.head = &head;
    r.block = (const trace_block *)((const char *)file + TRACE_BLOCKS_AT);
    size_t there = (bytes - TRACE_BLOCKS_AT) / TRACE_BLOCK;
    uint32_t said = atomic_load(&((const trace_head *)file)->blocks);
    r.blocks = said < there ? said : (uint32_t)there;

    int64_t n = look(&r, NULL);
    place *all = malloc(n > 0 ? (size_t)n * sizeof *all : 1);
    if (!all) {
        snprintf(why, TRACE_WHY, "there is no memory for its %" PRId64 " spans", n);
        return -1;
    }
    n = look(&r, all);
    qsort(all, (size_t)n, sizeof *all, by_time);
    fprintf(out, "{\"displayTimeUnit\":\"ns\",\n\"otherData\":{\"trireme\":1,\"job\":\"%016" PRIx64 "\",\"rank\":%" PRId64 ",\"ranks\":%" PRId64 ",\"host\":", head.job, head.rank, head.ranks);
    put_text(&r, head.host, sizeof head.host - 1);
    fprintf(out, ",\"process\":%" PRId64 ",\"spans\":%" PRId64 ",\"dropped\":%" PRId64 ",\"damaged\":%" PRId64 ",\"clock_ahead_ns\":%" PRId64 ",\"clock_error_ns\":%" PRId64 "},\n\"traceEvents\":[\n",
            head.process, n, atomic_load(&head.dropped), r.damaged, head.ahead_ns, head.error_ns);
    put_process(&r);
    put_threads(&r);
    put_dropped(&r);
    for (int64_t i = 0; i < n; i++) put_span(&r, all[i].block, all[i].span);
    fputs("\n]}\n", out);
    free(all);
    return ferror(out) ? -1 : 0;
}
