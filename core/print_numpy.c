/* Printing as NumPy prints: repr() of an array. */
#include <string.h>
#include "core/print_numpy_number.h"
#include "core/print_page.h"

static const char opening[] = "array(";

enum { LINE = 75,
       INDENT = sizeof opening - 1 };

typedef struct {
    core_page page; /* first: what is drawn with is this */
    core_numpy_format format;
} picture;

static int next_word(core_page *p, char text[CORE_NUMPY_ROOM])
{
    return core_numpy_print(&((const picture *)p)->format, p->shown.element, p->next++, text);
}

static void put_next(core_page *p)
{
    char word[CORE_NUMPY_ROOM];
    core_page_put(p, word, next_word(p, word));
}

/* A line ends where the next word, and what closes or separates it, would not fit. */
static void put_row(core_page *p, int dim)
{
    int indent = INDENT + 1 + dim, room = LINE - 1 - dim - 1, column = indent;
    int64_t items = p->shown.size[dim] + p->shown.cut[dim];
    for (int64_t i = 0; i < items; i++) {
        char word[CORE_NUMPY_ROOM] = "...";
        int length = p->shown.cut[dim] && i == CORE_PRINT_EDGE ? 3 : next_word(p, word);
        if (i && column + length > room) {
            core_page_new_lines(p, 1, indent);
            column = indent;
        } else if (i) {
            core_page_put(p, " ", 1);
        }
        core_page_put(p, word, length);
        if (i < items - 1) core_page_put(p, ",", 1);
        column += length + 2;
    }
}

static void draw(core_page *p)
{
    tr_dtype dtype = (tr_dtype)p->t->dtype;
    bool implied = p->t->numel && (dtype == TR_INT64 || dtype == TR_FLOAT64 || dtype == TR_BOOL || dtype == TR_COMPLEX128);
    core_page_put_text(p, opening);
    if (p->t->numel) {
        core_page_put_block(p, 0);
    } else {
        core_page_put_text(p, "[]");
        if (p->t->shape.ndim != 1) {
            core_page_put_text(p, ", shape=");
            core_page_put_text(p, core_shape_text(&p->t->shape));
        }
    }
    if (!implied) {
        const char *suffix = core_text("dtype=%s", tr_dtype_name(dtype));
        core_page_put(p, ",", 1);
        if (p->length - p->line_start + 1 + (int64_t)strlen(suffix) + 1 > LINE)
            core_page_new_lines(p, 1, INDENT);
        else
            core_page_put(p, " ", 1);
        core_page_put_text(p, suffix);
    }
    core_page_put(p, ")", 1);
}

/* NULL with an error noted if memory, or the device, fails. */
static const char *picture_of(const tr_tensor *t)
{
    if (!t) return "None";
    if (tr_requires_grad(t)) return core_fail("tr_to_numpy_string: Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.");
    picture p = {.page = {.t = t, .indent = INDENT, .draw = draw, .put_row = put_row, .put_next = put_next}};
    core_shown *shown = &p.page.shown;
    if (core_shown_gather(shown, t, "tr_to_numpy_string") < 0) return NULL;
    p.format = core_numpy_format_for(shown->element, (tr_dtype)t->dtype, shown->count, t->shape.ndim == 0);
    return core_page_text(&p.page, "tr_to_numpy_string");
}

const char *(tr_to_numpy_string)(const tr_tensor *t)
{
    const char *text = picture_of(t);
    return text ? text : "";
}

int(tr_print_numpy)(const tr_tensor *t)
{
    TR_SCOPE;
    CORE_TOLD_AS("tr_print_numpy");
    return core_page_print(picture_of(t), "tr_print_numpy");
}
