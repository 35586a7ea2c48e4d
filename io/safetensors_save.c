#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "core/fail.h"
#include "core/memory.h"
#include "io/elements.h"
#include "io/json.h"
#include "io/safetensors.h"

static const char call[] = "tr_safetensors_save";

typedef struct {
    const char *const *name; /* borrowed */
    tr_tensors tensors;      /* borrowed */
    const char *const *metadata;
    int64_t pairs;
    int64_t *begin; /* owned: of each tensor, in the order given */
} plan;

static int64_t element_bytes(const tr_tensor *t) { return tr_dtype_size(tr_dtype_of(t)); }
static int64_t bytes_of(const tr_tensor *t) { return tr_numel(t) * element_bytes(t); }

static int refuse(const char *path, const char *what, const char *name)
{
    return core_fail_status("%s: %s: %s '%s'", call, path, what, io_shown(name));
}

static int compare(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* No text may come twice among every `step`-th one. */
static int refuse_twice(const char *path, const char *what, const char *const *text, int64_t count, int64_t step)
{
    const char **sorted = core_alloc((count + 1) * (int64_t)sizeof *sorted, call);
    if (!sorted) return -1;
    for (int64_t i = 0; i < count; i++) sorted[i] = text[i * step];
    qsort(sorted, (size_t)count, sizeof *sorted, compare);
    int status = 0;
    for (int64_t i = 1; i < count && status == 0; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0) status = refuse(path, what, sorted[i]);
    core_free(sorted);
    return status;
}

static int check(const char *path, const plan *p)
{
    for (int64_t i = 0; i < p->tensors.count; i++) {
        const tr_tensor *t = p->tensors.tensor[i];
        if (!p->name[i] || !t) return core_null_status(call);
        if (!io_utf8_valid(p->name[i])) return refuse(path, "not UTF-8: the name", p->name[i]);
        if (strcmp(p->name[i], "__metadata__") == 0) return refuse(path, "kept for something else: the name", p->name[i]);
        if (!io_safetensors_code(tr_dtype_of(t))) return core_fail_status("%s: %s: '%s' is %s, which the format has no type for", call, path, io_shown(p->name[i]), tr_dtype_name(tr_dtype_of(t)));
    }
    for (int64_t i = 0; i < 2 * p->pairs; i++) {
        if (!p->metadata[i]) return core_null_status(call);
        if (!io_utf8_valid(p->metadata[i])) return refuse(path, "not UTF-8: the metadata", p->metadata[i]);
    }
    if (refuse_twice(path, "two tensors", p->name, p->tensors.count, 1) < 0) return -1;
    return refuse_twice(path, "two metadata entries", p->metadata, p->pairs, 2);
}

/* Wide elements first: then each tensor lies where its elements may be read in place, and there are no holes. */
static const int64_t widths[] = {8, 4, 2, 1};
enum { WIDTHS = sizeof widths / sizeof *widths };

static void place(plan *p)
{
    int64_t at = 0;
    for (int w = 0; w < WIDTHS; w++)
        for (int64_t i = 0; i < p->tensors.count; i++) {
            if (element_bytes(p->tensors.tensor[i]) != widths[w]) continue;
            p->begin[i] = at;
            at += bytes_of(p->tensors.tensor[i]);
        }
}

static void print_header(FILE *file, const plan *p)
{
    const char *comma = "";
    putc('{', file);
    if (p->pairs) {
        fputs("\"__metadata__\":{", file);
        for (int64_t i = 0; i < 2 * p->pairs; i++) {
            if (i) putc(i % 2 ? ':' : ',', file);
            io_json_write_string(file, p->metadata[i]);
        }
        putc('}', file);
        comma = ",";
    }
    for (int64_t i = 0; i < p->tensors.count; i++, comma = ",") {
        const tr_tensor *t = p->tensors.tensor[i];
        fputs(comma, file);
        io_json_write_string(file, p->name[i]);
        fprintf(file, ":{\"dtype\":\"%s\",\"shape\":[", io_safetensors_code(tr_dtype_of(t)));
        for (int d = 0; d < tr_ndim(t); d++) fprintf(file, d ? ",%" PRId64 : "%" PRId64, tr_size(t, d));
        fprintf(file, "],\"data_offsets\":[%" PRId64 ",%" PRId64 "]}", p->begin[i], p->begin[i] + bytes_of(t));
    }
    putc('}', file);
}

/* The header's text, to be freed, padded to a multiple of 8; NULL with an error noted. */
static char *make_header(const char *path, const plan *p, size_t *length)
{
    char *text = NULL;
    FILE *memory = open_memstream(&text, length);
    if (!memory) return core_fail("out of memory: %s", call);
    print_header(memory, p);
    for (long at = ftell(memory); at >= 0 && at % 8; at++) putc(' ', memory);
    bool failed = ferror(memory);
    if (fclose(memory) != 0 || failed)
        core_fail("out of memory: %s", call);
    else if (*length > IO_SAFETENSORS_HEADER_LIMIT)
        core_fail("%s: %s: a header of %zu bytes; the format allows %d", call, path, *length, IO_SAFETENSORS_HEADER_LIMIT);
    else
        return text;
    free(text);
    return NULL;
}

static int write_all(const char *path, const plan *p, const char *header, size_t length)
{
    io_writer w;
    if (io_write_begin(&w, call, path) < 0) return -1;
    unsigned char begin[8];
    for (int i = 0; i < 8; i++) begin[i] = (unsigned char)((uint64_t)length >> 8 * i);
    io_write(&w, begin, 8);
    io_write(&w, header, (int64_t)length);
    for (int k = 0; k < WIDTHS; k++)
        for (int64_t i = 0; i < p->tensors.count; i++) {
            const tr_tensor *t = p->tensors.tensor[i];
            if (element_bytes(t) != widths[k] || io_elements_write(&w, t) == 0) continue;
            io_write_abandon(&w);
            return -1;
        }
    return io_write_end(&w);
}

int(tr_safetensors_save)(const char *path, const char *const *names, tr_tensors tensors, const char *const *metadata, int64_t pairs)
{
    if (!path || (tensors.count && (!names || !tensors.tensor)) || (pairs && !metadata)) return core_null_status(call);
    if (tensors.count < 0 || pairs < 0) return core_fail_status("%s: %s: a negative count", call, path);
    plan p = {names, tensors, metadata, pairs, NULL};
    if (check(path, &p) < 0) return -1;

    p.begin = core_alloc((tensors.count + 1) * (int64_t)sizeof *p.begin, call);
    if (!p.begin) return -1;
    place(&p);
    size_t length = 0;
    char *header = make_header(path, &p, &length);
    int status = header ? write_all(path, &p, header, length) : -1;
    free(header);
    core_free(p.begin);
    return status;
}
