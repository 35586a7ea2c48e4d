#include "nn/manifest.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "core/decimal.h"
#include "core/fail.h"
#include "core/memory.h"
#include "core/object.h"
#include "io/json.h"
#include "io/write.h"

static const char format[] = "trireme checkpoint";
enum { VERSION = 1,
       LARGEST = 1 << 26, /* bytes of a manifest that is believed to be one */
       TAIL = sizeof ",\n  \"check\": \"01234567\"\n}\n" - 1 };

static void make_tail(char tail[TAIL + 1], const char *text, int64_t bytes)
{
    snprintf(tail, TAIL + 1, ",\n  \"check\": \"%08lx\"\n}\n", crc32(crc32(0, NULL, 0), (const unsigned char *)text, (uInt)bytes) & 0xffffffff);
}

/* ---- reading ---- */

static int read_member(io_json *j, char *key, void *data)
{
    nn_manifest *m = data;
    char *value;
    if (io_json_string(j, &value) < 0) return -1;
    if (nn_manifest_has(m, key)) return io_fail_status(j->source, "\"%s\" comes twice", io_shown(key));
    if (m->count == m->room) return io_fail_status(j->source, "more than %lld entries", (long long)m->room);
    m->key[m->count] = key;
    m->value[m->count++] = value;
    return 0;
}

/* An entry is at least `"": "",` long, so the text bounds their number. */
static int64_t room_in(int64_t bytes) { return bytes / 6 + 1; }

nn_manifest *nn_manifest_read(const io_source *s)
{
    static const char foreign[] = "this is no checkpoint's manifest";
    static const char cut[] = "the manifest is damaged: its checksum does not fit";
    if (s->size > LARGEST) return io_fail(s, "this is no checkpoint's manifest: it has %lld bytes", (long long)s->size);
    if (s->size <= TAIL) return io_fail(s, "%s", cut);
    nn_manifest *m = core_scope_memory(sizeof *m, s->call);
    char *text = core_scope_memory(s->size + 1, s->call);
    if (!m || !text || io_source_read(s, 0, text, s->size) < 0) return NULL;
    char tail[TAIL + 1];
    make_tail(tail, text, s->size - TAIL);
    if (memcmp(text + s->size - TAIL, tail, TAIL) != 0) return io_fail(s, "%s", memcmp(text, "{\n  \"format\"", 12) == 0 ? cut : foreign);

    *m = (nn_manifest){.source = s, .room = room_in(s->size)};
    m->key = core_scope_memory(m->room * (int64_t)sizeof *m->key, s->call);
    m->value = core_scope_memory(m->room * (int64_t)sizeof *m->value, s->call);
    io_json j = {.source = s, .text = text, .length = s->size};
    if (!m->key || !m->value || io_json_object(&j, read_member, m) < 0 || io_json_end(&j) < 0) return NULL;
    if (!nn_manifest_has(m, "format") || strcmp(nn_manifest_text(m, "format"), format) != 0) return io_fail(s, "%s", foreign);
    return m;
}

static int64_t find(const nn_manifest *m, const char *key)
{
    for (int64_t i = 0; i < m->count; i++)
        if (strcmp(m->key[i], key) == 0) return i;
    return -1;
}

bool nn_manifest_has(const nn_manifest *m, const char *key) { return find(m, key) >= 0; }

const char *nn_manifest_text(const nn_manifest *m, const char *key)
{
    int64_t i = find(m, key);
    return i < 0 ? io_fail(m->source, "the manifest says nothing of \"%s\"", key) : m->value[i];
}

int nn_manifest_whole(const nn_manifest *m, const char *key, int64_t count, int64_t *value)
{
    const char *text = nn_manifest_text(m, key), *at = text;
    for (int64_t i = 0; text && i < count; i++) {
        char *end;
        errno = 0;
        value[i] = *at >= '0' && *at <= '9' ? strtoll(at, &end, 10) : -1;
        if (value[i] < 0 || errno || *end != (i < count - 1 ? ' ' : '\0'))
            return io_fail_status(m->source, "\"%s\" is \"%s\", not %lld whole number%s", key, io_shown(text), (long long)count, count == 1 ? "" : "s");
        at = end + 1;
    }
    return text ? 0 : -1;
}

int nn_manifest_check_version(const nn_manifest *m)
{
    int64_t version;
    if (nn_manifest_whole(m, "version", 1, &version) < 0) return -1;
    if (version <= VERSION) return 0;
    return io_fail_status(m->source, "written in version %lld of the format; this library knows up to %d", (long long)version, VERSION);
}

/* ---- writing ---- */

int nn_manifest_begin(nn_manifest_writer *w, const char *call)
{
    *w = (nn_manifest_writer){.call = call};
    w->memory = open_memstream(&w->text, &w->length);
    if (!w->memory) return core_fail_status("%s: %s", call, strerror(errno));
    fputs("{", w->memory);
    nn_manifest_put(w, "format", "%s", format);
    nn_manifest_put(w, "version", "%d", VERSION);
    return 0;
}

void nn_manifest_put(nn_manifest_writer *w, const char *key, const char *value, ...)
{
    bool first = ftell(w->memory) == 1;
    fprintf(w->memory, "%s\n  \"%s\": \"", first ? "" : ",", key);
    va_list arguments;
    va_start(arguments, value);
    vfprintf(w->memory, value, arguments);
    va_end(arguments);
    putc('"', w->memory);
}

int nn_manifest_end(nn_manifest_writer *w, const char *path)
{
    bool whole = !ferror(w->memory);
    whole = fclose(w->memory) == 0 && whole;
    io_writer file;
    int status = !whole ? core_fail_status("out of memory: %s", w->call) : io_write_begin(&file, w->call, path);
    if (status == 0) {
        char tail[TAIL + 1];
        make_tail(tail, w->text, (int64_t)w->length);
        io_write(&file, w->text, (int64_t)w->length);
        io_write(&file, tail, TAIL);
        status = io_write_end(&file);
    }
    free(w->text);
    return status;
}

void nn_manifest_abandon(nn_manifest_writer *w)
{
    fclose(w->memory);
    free(w->text);
}

/* ---- numbers ---- */

const char *nn_number_text(double x, char text[NN_NUMBER_ROOM])
{
    if (!isfinite(x)) {
        snprintf(text, NN_NUMBER_ROOM, "%s", isnan(x) ? "nan" : x < 0 ? "-inf"
                                                                      : "inf");
        return text;
    }
    core_decimal d = core_decimal_shortest(x, TR_FLOAT64, CORE_DECIMAL_DIGITS);
    snprintf(text, NN_NUMBER_ROOM, "%s%se%d", signbit(x) ? "-" : "", d.digit, d.exponent - d.digits + 1); /* no point, and so no locale */
    return text;
}

bool nn_number_read(const char **text, double *x)
{
    size_t length = strcspn(*text, " ");
    bool plain = length > 0 && (strspn(*text, "0123456789e+-") == length || strncmp(*text, "nan", length) == 0);
    if (!plain) return false;
    char *end;
    *x = strtod(*text, &end);
    if (end != *text + length) return false;
    *text = *end ? end + 1 : end;
    return true;
}
