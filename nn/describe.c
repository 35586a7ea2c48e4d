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

static void new_line(writer *w, int depth)
{
    put(w, "\n");
    while (depth-- > 0) put(w, "  ");
}

static void describe(writer *w, tr_module *m, int depth)
{
    char line[160] = "";
    if (m->describe) m->describe(m, line, sizeof line);
    bool children = tr_module_get_child(m, 0, NULL) != NULL;
    put(w, m->kind);
    put(w, "(");
    if (*line && children) new_line(w, depth + 1);
    put(w, line);
    for (int64_t i = 0; i < m->entries; i++) {
        if (!m->entry[i].child) continue;
        new_line(w, depth + 1);
        put(w, "(");
        put(w, m->entry[i].name);
        put(w, "): ");
        describe(w, m->entry[i].child, depth + 1);
    }
    if (children) new_line(w, depth);
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
