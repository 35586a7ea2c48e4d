#include "io/safetensors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "core/fail.h"
#include "core/memory.h"
#include "core/object.h"
#include "core/shape.h"
#include "io/elements.h"
#include "io/json.h"

typedef struct {
    const char *name, *code; /* borrowed from the header's text */
    tr_shape shape;
    int64_t begin, end; /* bytes, from the end of the header */
} entry;

typedef struct {
    const char *key, *value; /* borrowed from the header's text */
} pair;

struct tr_safetensors {
    core_object object;
    io_source source; /* owned */
    char *path;       /* owned */
    char *header;     /* owned: the JSON text, its strings unescaped in place */
    int64_t data;     /* where the elements begin */
    entry *tensor;    /* owned: in the header's order */
    int64_t tensors, tensor_room;
    const entry **by_name; /* owned: sorted */
    pair *metadata;        /* owned: sorted */
    int64_t pairs, pair_room;
    bool has_metadata;
};

static void destroy(core_object *object)
{
    tr_safetensors *f = (tr_safetensors *)object;
    io_source_close(&f->source);
    core_free(f->path);
    core_free(f->header);
    core_free(f->tensor);
    core_free(f->by_name);
    core_free(f->metadata);
    core_free(f);
}

static const core_class class = {"safetensors", destroy};

static const char *const codes[TR_DTYPES] = {
    [TR_BOOL] = "BOOL",
    [TR_UINT8] = "U8",
    [TR_INT32] = "I32",
    [TR_INT64] = "I64",
    [TR_FLOAT16] = "F16",
    [TR_BFLOAT16] = "BF16",
    [TR_FLOAT32] = "F32",
    [TR_FLOAT64] = "F64",
    [TR_COMPLEX64] = "C64",
};

const char *io_safetensors_code(tr_dtype dtype) { return dtype < TR_DTYPES ? codes[dtype] : NULL; }

tr_dtype io_safetensors_dtype(const char *code)
{
    for (int d = 1; d < TR_DTYPES; d++)
        if (codes[d] && strcmp(codes[d], code) == 0) return (tr_dtype)d;
    return TR_DEFAULT_DTYPE;
}

/* ---- the header ---- */

/* Room for one more element in a list that grows; NULL with an error noted. */
static void *grow(void *list, int64_t count, int64_t *room, int64_t bytes, const char *what)
{
    if (count < *room) return list;
    int64_t more = *room ? 2 * *room : 16;
    void *larger = core_realloc(list, *room * bytes, more * bytes, what);
    if (larger) *room = more;
    return larger;
}

static int read_size(io_json *j, void *data)
{
    tr_shape *shape = data;
    int64_t size;
    if (io_json_size(j, &size) < 0) return -1;
    if (shape->ndim < TR_MAX_DIMS) shape->size[shape->ndim] = size;
    shape->ndim++;
    return 0;
}

enum { DTYPE = 1,
       SHAPE = 2,
       OFFSETS = 4,
       ALL = 7 };

typedef struct {
    entry entry;
    int seen;
} entry_reader;

static int read_field(io_json *j, char *key, void *data)
{
    entry_reader *r = data;
    entry *e = &r->entry;
    int which = strcmp(key, "dtype") == 0 ? DTYPE : strcmp(key, "shape") == 0      ? SHAPE
                                                : strcmp(key, "data_offsets") == 0 ? OFFSETS
                                                                                   : 0;
    if (!which || r->seen & which) return io_fail_status(j->source, "%s key '%s' in the header of '%s'", which ? "a second" : "unknown", io_shown(key), io_shown(e->name));
    r->seen |= which;

    if (which == DTYPE) {
        char *code;
        int status = io_json_string(j, &code);
        e->code = status < 0 ? NULL : code;
        return status;
    }
    if (which == SHAPE) {
        e->shape = (tr_shape){0};
        if (io_json_array(j, read_size, &e->shape) < 0) return -1;
        if (e->shape.ndim <= TR_MAX_DIMS) return 0;
        return io_fail_status(j->source, "'%s' has %d dimensions; at most %d are possible", io_shown(e->name), e->shape.ndim, TR_MAX_DIMS);
    }
    tr_shape offsets = {0};
    if (io_json_array(j, read_size, &offsets) < 0) return -1;
    if (offsets.ndim != 2) return io_fail_status(j->source, "'%s' has %d data_offsets, not 2", io_shown(e->name), offsets.ndim);
    e->begin = offsets.size[0];
    e->end = offsets.size[1];
    return 0;
}

static int check_entry(const tr_safetensors *f, const entry *e)
{
    const io_source *s = &f->source;
    if (e->begin > e->end || e->end > s->size - f->data)
        return io_fail_status(s, "'%s' lies in bytes %" PRId64 " to %" PRId64 ", the file has %" PRId64, io_shown(e->name), e->begin, e->end, s->size - f->data);
    tr_dtype dtype = io_safetensors_dtype(e->code);
    if (!dtype) return 0; /* refused when it is asked for: the others can still be read */
    int64_t bytes = io_elements_bytes(e->shape, tr_dtype_size(dtype));
    if (bytes < 0) return io_fail_status(s, "'%s' is %s %s, more bytes than can be counted", io_shown(e->name), core_shape_text(&e->shape), e->code);
    if (bytes == e->end - e->begin) return 0;
    return io_fail_status(s, "'%s' is %s %s, %" PRId64 " bytes, but has %" PRId64, io_shown(e->name), core_shape_text(&e->shape), e->code, bytes, e->end - e->begin);
}

static int read_pair(io_json *j, char *key, void *data)
{
    tr_safetensors *f = data;
    char *value;
    if (io_json_string(j, &value) < 0) return -1;
    pair *more = grow(f->metadata, f->pairs, &f->pair_room, sizeof(pair), f->source.call);
    if (!more) return -1;
    f->metadata = more;
    f->metadata[f->pairs++] = (pair){key, value};
    return 0;
}

static int read_entry(io_json *j, char *key, void *data)
{
    tr_safetensors *f = data;
    if (strcmp(key, "__metadata__") == 0) {
        if (f->has_metadata) return io_fail_status(j->source, "two times __metadata__");
        f->has_metadata = true;
        return io_json_object(j, read_pair, f);
    }
    entry_reader r = {.entry = {.name = key}};
    if (io_json_object(j, read_field, &r) < 0) return -1;
    if (r.seen != ALL) return io_fail_status(j->source, "'%s' has no %s", io_shown(key), !(r.seen & DTYPE) ? "dtype" : !(r.seen & SHAPE) ? "shape"
                                                                                                                                         : "data_offsets");
    if (check_entry(f, &r.entry) < 0) return -1;
    entry *more = grow(f->tensor, f->tensors, &f->tensor_room, sizeof(entry), f->source.call);
    if (!more) return -1;
    f->tensor = more;
    f->tensor[f->tensors++] = r.entry;
    return 0;
}

static int by_name(const void *a, const void *b) { return strcmp((*(const entry *const *)a)->name, (*(const entry *const *)b)->name); }
static int by_key(const void *a, const void *b) { return strcmp(((const pair *)a)->key, ((const pair *)b)->key); }

static int by_place(const void *a, const void *b)
{
    const entry *x = *(const entry *const *)a, *y = *(const entry *const *)b;
    return x->begin != y->begin ? (x->begin > y->begin) - (x->begin < y->begin) : (x->end > y->end) - (x->end < y->end);
}

/* The tensors cover the data exactly, and no name comes twice.  Leaves by_name sorted by name. */
static int check_all(tr_safetensors *f)
{
    const io_source *s = &f->source;
    f->by_name = core_alloc((f->tensors + 1) * (int64_t)sizeof(entry *), s->call);
    if (!f->by_name) return -1;
    for (int64_t i = 0; i < f->tensors; i++) f->by_name[i] = &f->tensor[i];

    int64_t covered = 0;
    qsort(f->by_name, (size_t)f->tensors, sizeof(entry *), by_place);
    for (int64_t i = 0; i < f->tensors; covered = f->by_name[i++]->end) {
        const entry *e = f->by_name[i];
        if (e->begin != covered) return io_fail_status(s, "'%s' begins at byte %" PRId64 ", but what is before it ends at %" PRId64, io_shown(e->name), e->begin, covered);
    }
    if (covered != s->size - f->data) return io_fail_status(s, "the tensors end at byte %" PRId64 ", the file has %" PRId64, covered, s->size - f->data);

    qsort(f->by_name, (size_t)f->tensors, sizeof(entry *), by_name);
    for (int64_t i = 1; i < f->tensors; i++)
        if (strcmp(f->by_name[i - 1]->name, f->by_name[i]->name) == 0) return io_fail_status(s, "two tensors '%s'", io_shown(f->by_name[i]->name));
    if (f->pairs) qsort(f->metadata, (size_t)f->pairs, sizeof *f->metadata, by_key);
    for (int64_t i = 1; i < f->pairs; i++)
        if (strcmp(f->metadata[i - 1].key, f->metadata[i].key) == 0) return io_fail_status(s, "metadata '%s' comes twice", io_shown(f->metadata[i].key));
    return 0;
}

/* What torch.save writes: a zip of pickled objects, before PyTorch 1.6 those alone. */
static bool is_pickled(const unsigned char begin[8]) { return memcmp(begin, "PK\003\004", 4) == 0 || memcmp(begin, "\200\002\212\n", 4) == 0; }

static int read_header(tr_safetensors *f)
{
    const io_source *s = &f->source;
    unsigned char begin[8];
    if (s->size < 8) return io_fail_status(s, "this is no .safetensors: it has %" PRId64 " bytes", s->size);
    if (io_source_read(s, 0, begin, 8) < 0) return -1;
    if (is_pickled(begin))
        return io_fail_status(s, "this is no .safetensors but a zip or a pickle, as torch.save's .pt: safetensors.torch.save_file(model.state_dict(), path) writes one that can be read");
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--) length = length << 8 | begin[i];
    if (length > IO_SAFETENSORS_HEADER_LIMIT || (int64_t)length > s->size - 8)
        return io_fail_status(s, "this is no .safetensors: a header of %" PRIu64 " bytes in a file of %" PRId64, length, s->size);

    f->header = core_alloc((int64_t)length + 1, s->call);
    if (!f->header || io_source_read(s, 8, f->header, (int64_t)length) < 0) return -1;
    f->data = 8 + (int64_t)length;
    if (f->header[0] != '{') return io_fail_status(s, "the header does not begin with {");
    io_json j = {.source = s, .text = f->header, .length = (int64_t)length};
    if (io_json_object(&j, read_entry, f) < 0 || io_json_end(&j) < 0) return -1;
    return check_all(f);
}

tr_safetensors *io_safetensors_read(io_source source)
{
    tr_safetensors *f = core_alloc((int64_t)sizeof *f, source.call);
    if (!f) {
        io_source_close(&source);
        return NULL;
    }
    f->source = source;
    f->path = core_strdup(source.path, source.call);
    if (f->path) f->source.path = f->path;
    if (f->path && read_header(f) == 0) return core_object_begin(&f->object, &class);
    destroy(&f->object);
    return NULL;
}

tr_safetensors *(tr_safetensors_open)(const char *path)
{
    io_source source;
    return io_source_open(&source, "tr_safetensors_open", path) < 0 ? NULL : io_safetensors_read(source);
}

/* ---- asking ---- */

int64_t tr_safetensors_count(const tr_safetensors *f) { return f ? f->tensors : -1; }

const char *tr_safetensors_name(const tr_safetensors *f, int64_t i)
{
    return f && i >= 0 && i < f->tensors ? f->tensor[i].name : NULL;
}

static const entry *find(const tr_safetensors *f, const char *name)
{
    const entry wanted = {.name = name}, *key = &wanted;
    const entry **found = f->tensors ? bsearch(&key, f->by_name, (size_t)f->tensors, sizeof(entry *), by_name) : NULL;
    return found ? *found : NULL;
}

bool tr_safetensors_has(const tr_safetensors *f, const char *name) { return f && name && find(f, name); }

const char *tr_safetensors_metadata(const tr_safetensors *f, const char *key)
{
    if (!f || !key || !f->pairs) return NULL;
    const pair wanted = {.key = key}, *found = bsearch(&wanted, f->metadata, (size_t)f->pairs, sizeof *f->metadata, by_key);
    return found ? found->value : NULL;
}

tr_tensor *(tr_safetensors_get)(tr_safetensors *f, const char *name)
{
    if (!f || !name) return core_null("tr_safetensors_get");
    io_source source = f->source;
    source.call = "tr_safetensors_get";
    const entry *e = find(f, name);
    if (!e) return io_fail(&source, "no tensor '%s' among its %" PRId64, io_shown(name), f->tensors);
    tr_dtype dtype = io_safetensors_dtype(e->code);
    if (!dtype) return io_fail(&source, "'%s' is of type %s, which tensors do not have", io_shown(name), io_shown(e->code));

    tr_tensor *t = (tr_empty)(e->shape, (tr_tensor_options){.dtype = dtype});
    if (!t || io_source_read(&source, f->data + e->begin, tr_data(t), e->end - e->begin) < 0) return NULL;
    if (dtype == TR_BOOL) io_elements_tidy_bools(tr_data(t), e->end - e->begin);
    return t;
}
