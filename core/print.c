/* Printing as PyTorch prints.
 *
 * Only what will be shown is looked at (print_shown.h); then the text is made twice, once to learn its length and once
 * to write it. */
#include <stdio.h>
#include <string.h>
#include "core/print_number.h"
#include "core/print_shown.h"

static const char opening[] = "tensor(";

enum { LINE = 80,
       SUFFIXES = 4, /* device, size, dtype, how it came to be */
       INDENT = sizeof opening - 1 };

typedef struct {
    const tr_tensor *t;
    core_shown shown;
    core_number_format real, imaginary;
    char suffix[SUFFIXES][192];
    int suffixes;

    int64_t next; /* the element to be printed next */
    char *text;   /* NULL while measuring */
    int64_t length;
    int64_t line_start;
} picture;

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
    put(p, text, core_number_print(&p->real, p->shown.element, dtype, i, text));
    if (core_dtype_category[dtype] < 3) return;
    core_number_print(&p->imaginary, p->shown.element, dtype, i, text);
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
    int64_t items = p->shown.size[dim] + p->shown.cut[dim];
    for (int64_t i = 0; i < items; i++) {
        if (i) put(p, ",", 1);
        if (i && i % per_line == 0)
            new_lines(p, 1, indent + 1);
        else if (i)
            put(p, " ", 1);
        if (p->shown.cut[dim] && i == CORE_PRINT_EDGE)
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
        int64_t items = p->shown.size[dim] + p->shown.cut[dim];
        for (int64_t i = 0; i < items; i++) {
            if (i) {
                put(p, ",", 1);
                new_lines(p, ndim - 1 - dim, indent + 1);
            }
            if (p->shown.cut[dim] && i == CORE_PRINT_EDGE)
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
    if (p->shown.count)
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
    tr_dtype usual = tr_get_default_dtype(), usual_complex = usual == TR_FLOAT64 ? TR_COMPLEX128 : TR_COMPLEX64;
    bool empty = t->numel == 0, plain = t->dtype == TR_INT64 || t->dtype == TR_BOOL || t->dtype == usual_complex;
    if (core_device_at(t).type != TR_CPU) add_suffix(p, "device='", tr_device_name(core_device_at(t)), "'");
    if (empty && t->shape.ndim != 1) add_suffix(p, "size=", core_shape_text(&t->shape), "");
    if (t->dtype != usual && (empty || !plain)) add_suffix(p, "dtype=torch.", tr_dtype_name((tr_dtype)t->dtype), "");
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
    if (core_shown_gather(&p.shown, t, "tr_to_string") < 0) return NULL;
    p.real = core_number_format_for(p.shown.element, (tr_dtype)t->dtype, p.shown.count, 0);
    if (core_dtype_category[t->dtype] == 3) p.imaginary = core_number_format_for(p.shown.element, (tr_dtype)t->dtype, p.shown.count, 1);
    choose_suffixes(&p);
    put_tensor(&p);
    p.text = core_scope_memory(p.length + 1, "tr_to_string");
    if (p.text) put_tensor(&p);
    core_shown_free(&p.shown);
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
