/* Printing as PyTorch prints. */
#include <stdio.h>
#include <string.h>
#include "core/print_number.h"
#include "core/print_page.h"

static const char opening[] = "tensor(";

enum { LINE = 80,
       SUFFIXES = 4, /* device, size, dtype, how it came to be */
       INDENT = sizeof opening - 1 };

typedef struct {
    core_page page; /* first: what is drawn with is this */
    core_number_format real, imaginary;
    char suffix[SUFFIXES][192];
    int suffixes;
} picture;

static void put_next(core_page *p)
{
    const picture *of = (const picture *)p;
    char text[CORE_NUMBER_ROOM];
    tr_dtype dtype = (tr_dtype)p->t->dtype;
    int64_t i = p->next++;
    core_page_put(p, text, core_number_print(&of->real, p->shown.element, dtype, i, text));
    if (core_dtype_category[dtype] < 3) return;
    core_number_print(&of->imaginary, p->shown.element, dtype, i, text);
    const char *imaginary = text + strspn(text, " ");
    if (*imaginary != '-') core_page_put(p, "+", 1);
    core_page_put_text(p, imaginary);
    core_page_put(p, "j", 1);
}

/* As many to a line as fit, reckoning with the widest. */
static void put_row(core_page *p, int dim)
{
    const picture *of = (const picture *)p;
    int element_length = of->real.width + 2 + (core_dtype_category[p->t->dtype] == 3 ? of->imaginary.width + 1 : 0);
    int room = LINE - INDENT - dim, per_line = room / element_length > 1 ? room / element_length : 1;
    int64_t items = p->shown.size[dim] + p->shown.cut[dim];
    for (int64_t i = 0; i < items; i++) {
        if (i) core_page_put(p, ",", 1);
        if (i && i % per_line == 0)
            core_page_new_lines(p, 1, INDENT + dim + 1);
        else if (i)
            core_page_put(p, " ", 1);
        if (p->shown.cut[dim] && i == CORE_PRINT_EDGE)
            core_page_put_text(p, " ...");
        else
            put_next(p);
    }
}

/* ", dtype=torch.int32", on a new line where this one would grow too long.  The two extra places are PyTorch's. */
static void put_suffix(core_page *p, const char *suffix)
{
    int64_t length = (int64_t)strlen(suffix);
    bool fits = p->length - p->line_start + 2 + length + 2 <= LINE;
    core_page_put(p, ",", 1);
    if (fits) {
        core_page_put(p, " ", 1);
    } else {
        core_page_new_lines(p, 1, INDENT);
        p->line_start += 2; /* and on that line it does not count them */
    }
    core_page_put(p, suffix, length);
}

static void draw(core_page *p)
{
    const picture *of = (const picture *)p;
    core_page_put_text(p, opening);
    if (p->shown.count)
        core_page_put_block(p, 0);
    else
        core_page_put_text(p, "[]");
    for (int i = 0; i < of->suffixes; i++) put_suffix(p, of->suffix[i]);
    core_page_put(p, ")", 1);
}

static void add_suffix(picture *p, const char *before, const char *text, const char *after)
{
    snprintf(p->suffix[p->suffixes++], sizeof p->suffix[0], "%s%s%s", before, text, after);
}

static void choose_suffixes(picture *p)
{
    const tr_tensor *t = p->page.t;
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
    picture p = {.page = {.t = t, .indent = INDENT, .draw = draw, .put_row = put_row, .put_next = put_next}};
    core_shown *shown = &p.page.shown;
    if (core_shown_gather(shown, t, "tr_to_string") < 0) return NULL;
    p.real = core_number_format_for(shown->element, (tr_dtype)t->dtype, shown->count, 0);
    if (core_dtype_category[t->dtype] == 3) p.imaginary = core_number_format_for(shown->element, (tr_dtype)t->dtype, shown->count, 1);
    choose_suffixes(&p);
    return core_page_text(&p.page, "tr_to_string");
}

const char *(tr_to_string)(const tr_tensor *t)
{
    const char *text = picture_of(t);
    return text ? text : "";
}

int(tr_print)(const tr_tensor *t)
{
    TR_SCOPE;
    return core_page_print(picture_of(t), "tr_print");
}
