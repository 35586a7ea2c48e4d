/* Printing as PyTorch prints.
 *
 * Only what will be shown is looked at: of a tensor of more than 1000 elements, three at either end of each dim.  These
 * are gathered into dense memory first, from any strides and any device; then the text is made twice, once to learn its
 * length and once to write it. */
#include <stdio.h>
#include <string.h>
#include "core/memory.h"
#include "core/print_number.h"
#include "core/tensor.h"

static const char opening[] = "tensor(";

enum { LINE = 80,
       WHOLE_UP_TO = 1000, /* elements */
       EDGE = 3,           /* elements at either end of a dim that is cut */
       SUFFIXES = 4,       /* device, size, dtype, how it came to be */
       INDENT = sizeof opening - 1 };

typedef struct {
    const tr_tensor *t;
    bool cut[TR_MAX_DIMS];      /* is "..." printed in the middle of this dim? */
    int64_t shown[TR_MAX_DIMS]; /* sizes of what is gathered */
    int64_t count;
    char *element; /* `count` elements, row-major */
    core_number_format real, imaginary;
    char suffix[SUFFIXES][192];
    int suffixes;

    int64_t next; /* the element to be printed next */
    char *text;   /* NULL while measuring */
    int64_t length;
    int64_t line_start;
} picture;

/* ---- gathering ---- */

/* `count` elements of the innermost dim, the first of them `offset` elements after t->data. */
static int gather_run(const picture *p, int64_t offset, int64_t stride, int64_t count, char *to)
{
    const tr_tensor *t = p->t;
    int64_t bytes = core_dtype_bytes[t->dtype], each = stride == 1 ? count : 1;
    bool here = core_device_at(t).type == TR_CPU;
    for (int64_t i = 0; i < count; i += each) {
        const char *from = (const char *)t->data + (offset + i * stride) * bytes;
        if (here)
            memcpy(to + i * bytes, from, (size_t)(each * bytes));
        else if (t->storage->device->from_device(to + i * bytes, from, each * bytes) < 0)
            return -1;
    }
    return 0;
}

/* Everything shown of dims `dim` and inwards, at `offset`; *to moves on. */
static int gather(const picture *p, int dim, int64_t offset, char **to)
{
    const tr_tensor *t = p->t;
    bool innermost = dim >= t->shape.ndim - 1;
    int64_t size = t->shape.ndim ? t->shape.size[dim] : 1, stride = t->shape.ndim ? t->stride[dim] : 1;
    bool cut = t->shape.ndim && p->cut[dim];
    for (int64_t from = 0; from < size; from = cut && from == 0 ? size - EDGE : size) {
        int64_t count = cut ? EDGE : size;
        if (innermost) {
            if (gather_run(p, offset + from * stride, stride, count, *to) < 0) return -1;
            *to += count * core_dtype_bytes[t->dtype];
            continue;
        }
        for (int64_t i = from; i < from + count; i++)
            if (gather(p, dim + 1, offset + i * stride, to) < 0) return -1;
    }
    return 0;
}

static void choose_what_is_shown(picture *p)
{
    const tr_shape *shape = &p->t->shape;
    p->count = 1;
    for (int d = 0; d < shape->ndim; d++) {
        p->cut[d] = p->t->numel > WHOLE_UP_TO && shape->size[d] > 2 * EDGE;
        p->shown[d] = p->cut[d] ? 2 * EDGE : shape->size[d];
        p->count *= p->shown[d];
    }
}

/* ---- writing ---- */

static void put(picture *p, const char *text, int64_t length)
{
    if (p->text) memcpy(p->text + p->length, text, (size_t)length);
    p->length += length;
}

static void put_text(picture *p, const char *text) { put(p, text, (int64_t)strlen(text)); }

static void new_lines(picture *p, int lines, int indent)
{
    for (int i = 0; i < lines; i++) put(p, "\n", 1);
    p->line_start = p->length;
    for (int i = 0; i < indent; i++) put(p, " ", 1);
}

static void put_next(picture *p)
{
    char text[CORE_NUMBER_ROOM];
    tr_dtype dtype = (tr_dtype)p->t->dtype;
    int64_t i = p->next++;
    put(p, text, core_number_print(&p->real, p->element, dtype, i, text));
    if (core_dtype_category[dtype] < 3) return;
    core_number_print(&p->imaginary, p->element, dtype, i, text);
    const char *imaginary = text + strspn(text, " ");
    if (*imaginary != '-') put(p, "+", 1);
    put_text(p, imaginary);
    put(p, "j", 1);
}

/* The innermost dim: as many to a line as fit, reckoning with the widest. */
static void put_row(picture *p, int dim, int indent)
{
    int element_length = p->real.width + 2 + (core_dtype_category[p->t->dtype] == 3 ? p->imaginary.width + 1 : 0);
    int per_line = (LINE - indent) / element_length > 1 ? (LINE - indent) / element_length : 1;
    int64_t items = p->shown[dim] + p->cut[dim];
    for (int64_t i = 0; i < items; i++) {
        if (i) put(p, ",", 1);
        if (i && i % per_line == 0)
            new_lines(p, 1, indent + 1);
        else if (i)
            put(p, " ", 1);
        if (p->cut[dim] && i == EDGE)
            put_text(p, " ...");
        else
            put_next(p);
    }
}

/* Dims `dim` and inwards, in brackets; blocks of k dims stand k - 1 lines apart. */
static void put_block(picture *p, int dim, int indent)
{
    int ndim = p->t->shape.ndim;
    if (ndim == 0) {
        put_next(p);
        return;
    }
    put(p, "[", 1);
    if (dim == ndim - 1) {
        put_row(p, dim, indent);
    } else {
        int64_t items = p->shown[dim] + p->cut[dim];
        for (int64_t i = 0; i < items; i++) {
            if (i) {
                put(p, ",", 1);
                new_lines(p, ndim - 1 - dim, indent + 1);
            }
            if (p->cut[dim] && i == EDGE)
                put_text(p, "...");
            else
                put_block(p, dim + 1, indent + 1);
        }
    }
    put(p, "]", 1);
}

/* ", dtype=torch.int32", on a new line where this one would grow too long.  The two extra places are PyTorch's. */
static void put_suffix(picture *p, const char *suffix)
{
    int64_t length = (int64_t)strlen(suffix);
    bool fits = p->length - p->line_start + 2 + length + 2 <= LINE;
    put(p, ",", 1);
    if (fits) {
        put(p, " ", 1);
    } else {
        new_lines(p, 1, INDENT);
        p->line_start += 2; /* and on that line it does not count them */
    }
    put(p, suffix, length);
}

static void put_tensor(picture *p)
{
    p->length = p->line_start = p->next = 0;
    put_text(p, opening);
    if (p->count)
        put_block(p, 0, INDENT);
    else
        put_text(p, "[]");
    for (int i = 0; i < p->suffixes; i++) put_suffix(p, p->suffix[i]);
    put(p, ")", 1);
}

/* ---- the whole ---- */

static void add_suffix(picture *p, const char *before, const char *text, const char *after)
{
    snprintf(p->suffix[p->suffixes++], sizeof p->suffix[0], "%s%s%s", before, text, after);
}

static void choose_suffixes(picture *p)
{
    const tr_tensor *t = p->t;
    bool empty = t->numel == 0, plain = t->dtype == TR_INT64 || t->dtype == TR_BOOL || t->dtype == TR_COMPLEX64;
    if (core_device_at(t).type != TR_CPU) add_suffix(p, "device='", tr_device_name(core_device_at(t)), "'");
    if (empty && t->shape.ndim != 1) add_suffix(p, "size=", core_shape_text(&t->shape), "");
    if (t->dtype != TR_FLOAT32 && (empty || !plain)) add_suffix(p, "dtype=torch.", tr_dtype_name((tr_dtype)t->dtype), "");
    if (t->origin)
        add_suffix(p, "grad_fn=<", t->origin->name, ">");
    else if (tr_requires_grad(t))
        add_suffix(p, "requires_grad=", "True", "");
}

/* NULL with an error noted if memory, or the device, fails. */
static const char *picture_of(const tr_tensor *t)
{
    if (!t) return "None";
    picture p = {.t = t};
    int64_t capacity;
    choose_what_is_shown(&p);
    char *gathered = p.element = core_block_take(p.count * core_dtype_bytes[t->dtype], &capacity, "tr_to_string");
    if (!p.element) return NULL;
    if (t->numel == 0 || gather(&p, 0, 0, &gathered) == 0) {
        p.real = core_number_format_for(p.element, (tr_dtype)t->dtype, p.count, 0);
        if (core_dtype_category[t->dtype] == 3) p.imaginary = core_number_format_for(p.element, (tr_dtype)t->dtype, p.count, 1);
        choose_suffixes(&p);
        put_tensor(&p);
        p.text = core_scope_memory(p.length + 1, "tr_to_string");
        if (p.text) put_tensor(&p);
    }
    core_block_give(p.element, capacity);
    return p.text;
}

const char *tr_to_string(const tr_tensor *t)
{
    const char *text = picture_of(t);
    return text ? text : "";
}

int tr_print(const tr_tensor *t)
{
    TR_SCOPE;
    const char *text = picture_of(t);
    if (!text) return -1;
    if (puts(text) < 0) return core_fail_status("tr_print: standard output cannot be written to");
    return 0;
}
