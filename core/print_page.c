#include "core/print_page.h"

#include <stdio.h>
#include <string.h>

void core_page_put(core_page *p, const char *text, int64_t length)
{
    if (p->text) memcpy(p->text + p->length, text, (size_t)length);
    p->length += length;
}

void core_page_put_text(core_page *p, const char *text) { core_page_put(p, text, (int64_t)strlen(text)); }

void core_page_new_lines(core_page *p, int lines, int indent)
{
    for (int i = 0; i < lines; i++) core_page_put(p, "\n", 1);
    p->line_start = p->length;
    for (int i = 0; i < indent; i++) core_page_put(p, " ", 1);
}

static void put_blocks(core_page *p, int dim)
{
    int64_t items = p->shown.size[dim] + p->shown.cut[dim];
    for (int64_t i = 0; i < items; i++) {
        if (i) {
            core_page_put(p, ",", 1);
            core_page_new_lines(p, p->t->shape.ndim - 1 - dim, p->indent + 1 + dim);
        }
        if (p->shown.cut[dim] && i == CORE_PRINT_EDGE)
            core_page_put_text(p, "...");
        else
            core_page_put_block(p, dim + 1);
    }
}

void core_page_put_block(core_page *p, int dim)
{
    int ndim = p->t->shape.ndim;
    if (ndim == 0) {
        p->put_next(p);
        return;
    }
    core_page_put(p, "[", 1);
    if (dim == ndim - 1)
        p->put_row(p, dim);
    else
        put_blocks(p, dim);
    core_page_put(p, "]", 1);
}

static void draw(core_page *p)
{
    p->length = p->line_start = p->next = 0;
    p->draw(p);
}

const char *core_page_text(core_page *p, const char *what)
{
    draw(p);
    p->text = core_scope_memory(p->length + 1, what);
    if (p->text) draw(p);
    core_shown_free(&p->shown);
    return p->text;
}

int core_page_print(const char *text, const char *what)
{
    if (!text) return -1;
    if (puts(text) < 0) return core_fail_status("%s: standard output cannot be written to", what);
    return 0;
}
