/* A module as text, indented by its depth, as PyTorch prints it. */
#include <stdio.h>
#include <string.h>
#include "nn/module.h"

/* Text that knows how much it would need: with room 0 it only counts. */
typedef struct {
    char *text;
    size_t used, room;
} writer;

static void put(writer *w, const char *text)
{
    for (; *text; text++, w->used++)
        if (w->used + 1 < w->room) w->text[w->used] = *text;
}

static void describe(writer *w, const tr_module *m, int depth)
{
    char line[160] = "";
    if (m->describe) m->describe(m, line, sizeof line);
    put(w, m->kind);
    put(w, "(");
    put(w, line);
    bool children = false;
    for (int64_t i = 0; i < m->entries; i++) {
        if (!m->entry[i].child) continue;
        children = true;
        put(w, "\n");
        for (int d = 0; d <= depth; d++) put(w, "  ");
        put(w, "(");
        put(w, m->entry[i].name);
        put(w, "): ");
        describe(w, m->entry[i].child, depth + 1);
    }
    if (children) put(w, "\n");
    for (int d = 0; children && d < depth; d++) put(w, "  ");
    put(w, ")");
}

const char *tr_module_to_string(tr_module *m)
{
    if (!m) return "None";
    writer count = {0};
    describe(&count, m, 0);
    writer w = {.room = count.used + 1, .text = core_scope_memory((int64_t)count.used + 1, "tr_module_to_string")};
    if (!w.text) return "";
    describe(&w, m, 0);
    return w.text;
}
