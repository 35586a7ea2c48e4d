/* Printing as NumPy prints: repr() of an array.  The text is made twice, once to learn its length and once to write it. */
#include <stdio.h>
#include <string.h>
#include "core/decimal.h"
#include "core/print_numpy_number.h"
#include "core/print_shown.h"

static const char opening[] = "array(";

enum { LINE = 75,
       INDENT = sizeof opening - 1 };

typedef struct {
    const tr_tensor *t;
    core_shown shown;
    core_numpy_format format;

    int64_t next; /* the element to be printed next */
    char *text;   /* NULL while measuring */
    int64_t length, line_start;
} picture;

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

static int next_word(picture *p, char text[CORE_NUMPY_ROOM])
{
    return core_numpy_print(&p->format, p->shown.element, p->next++, text);
}

/* The innermost dim.  A line ends where the next word, and what closes or separates it, would not fit. */
static void put_row(picture *p, int dim)
{
    int indent = INDENT + 1 + dim, room = LINE - 1 - dim - 1, column = indent;
    int64_t items = p->shown.size[dim] + p->shown.cut[dim];
    for (int64_t i = 0; i < items; i++) {
        char word[CORE_NUMPY_ROOM] = "...";
        int length = p->shown.cut[dim] && i == CORE_PRINT_EDGE ? 3 : next_word(p, word);
        if (i && column + length > room) {
            new_lines(p, 1, indent);
            column = indent;
        } else if (i) {
            put(p, " ", 1);
        }
        put(p, word, length);
        if (i < items - 1) put(p, ",", 1);
        column += length + 2;
    }
}

/* Dims `dim` and inwards, in brackets; blocks of k dims stand k - 1 lines apart. */
static void put_block(picture *p, int dim)
{
    int ndim = p->t->shape.ndim;
    if (ndim == 0) {
        char word[CORE_NUMPY_ROOM];
        put(p, word, next_word(p, word));
        return;
    }
    put(p, "[", 1);
    if (dim == ndim - 1) {
        put_row(p, dim);
    } else {
        int64_t items = p->shown.size[dim] + p->shown.cut[dim];
        for (int64_t i = 0; i < items; i++) {
            if (i) {
                put(p, ",", 1);
                new_lines(p, ndim - 1 - dim, INDENT + 1 + dim);
            }
            if (p->shown.cut[dim] && i == CORE_PRINT_EDGE)
                put_text(p, "...");
            else
                put_block(p, dim + 1);
        }
    }
    put(p, "]", 1);
}

static void put_array(picture *p)
{
    tr_dtype dtype = (tr_dtype)p->t->dtype;
    bool implied = p->t->numel && (dtype == TR_INT64 || dtype == TR_FLOAT64 || dtype == TR_BOOL || dtype == TR_COMPLEX128);
    p->length = p->line_start = p->next = 0;
    put_text(p, opening);
    if (p->t->numel) {
        put_block(p, 0);
    } else {
        put_text(p, "[]");
        if (p->t->shape.ndim != 1) {
            put_text(p, ", shape=");
            put_text(p, core_shape_text(&p->t->shape));
        }
    }
    if (!implied) {
        const char *suffix = core_text("dtype=%s", tr_dtype_name(dtype));
        put(p, ",", 1);
        if (p->length - p->line_start + 1 + (int64_t)strlen(suffix) + 1 > LINE)
            new_lines(p, 1, INDENT);
        else
            put(p, " ", 1);
        put_text(p, suffix);
    }
    put(p, ")", 1);
}

/* NULL with an error noted if memory, or the device, fails. */
static const char *picture_of(const tr_tensor *t)
{
    if (!t) return "None";
    if (tr_requires_grad(t)) return core_fail("tr_to_numpy_string: Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.");
    picture p = {.t = t};
    if (core_shown_gather(&p.shown, t, "tr_to_numpy_string") < 0) return NULL;
    p.format = core_numpy_format_for(p.shown.element, (tr_dtype)t->dtype, p.shown.count, t->shape.ndim == 0);
    put_array(&p);
    p.text = core_scope_memory(p.length + 1, "tr_to_numpy_string");
    if (p.text) put_array(&p);
    core_shown_free(&p.shown);
    return p.text;
}

const char *tr_to_numpy_string(const tr_tensor *t)
{
    const char *text = picture_of(t);
    return text ? text : "";
}

int tr_print_numpy(const tr_tensor *t)
{
    TR_SCOPE;
    const char *text = picture_of(t);
    if (!text) return -1;
    if (puts(text) < 0) return core_fail_status("tr_print_numpy: standard output cannot be written to");
    return 0;
}
