#include "nn/counted.h"

#include <inttypes.h>
#include <string.h>
#include "core/fail.h"

typedef struct {
    tr_module *module; /* borrowed */
    bool has_place;
    uint64_t batches;
    nn_dropout_place place;
} counts;

struct nn_counted {
    int64_t modules;
    counts of[];
};

/* ---- the tree ---- */

/* m and what is below it.  One that stands at two places counts at both. */
static int64_t count(const tr_module *m)
{
    int64_t n = 1;
    for (int64_t i = 0; i < m->entries; i++)
        if (m->entry[i].kind == NN_CHILD) n += count(m->entry[i].child);
    return n;
}

static void collect(nn_counted *c, tr_module *m)
{
    c->of[c->modules++].module = m;
    for (int64_t i = 0; i < m->entries; i++)
        if (m->entry[i].kind == NN_CHILD) collect(c, m->entry[i].child);
}

static nn_counted *all_below(tr_module *m, const char *call)
{
    int64_t bytes = (int64_t)sizeof(nn_counted) + count(m) * (int64_t)sizeof(counts);
    nn_counted *c = core_scope_memory(bytes, call);
    if (!c) return NULL;
    memset(c, 0, (size_t)bytes);
    collect(c, m);
    return c;
}

static const char *key(const char *what, int64_t i) { return core_text("%s.%lld", what, (long long)i); }

/* ---- writing ---- */

int nn_counted_write(nn_manifest_writer *w, tr_module *m, bool first)
{
    nn_counted *c = all_below(m, w->call);
    if (!c) return -1;
    for (int64_t i = 0; i < c->modules; i++) {
        const tr_module *one = c->of[i].module;
        if (first && one->batches) nn_manifest_put(w, key("batches", i), "%" PRIu64, one->batches);
        if (!nn_is_dropout(one)) continue;
        nn_dropout_place at = nn_dropout_where(one);
        nn_manifest_put(w, key("dropout", i), "%016" PRIx64 " %016" PRIx64 " %" PRIu64, at.seed, at.generator_seed, at.offset);
    }
    return 0;
}

/* ---- reading ---- */

/* As written above, and nothing else. */
static int read_place(const nn_manifest *m, const char *name, nn_dropout_place *place)
{
    const char *text = nn_manifest_text(m, name);
    char again[64];
    if (!text) return -1;
    if (sscanf(text, "%16" SCNx64 " %16" SCNx64 " %" SCNu64, &place->seed, &place->generator_seed, &place->offset) == 3) { /* NOLINT(cert-err34-c) */
        snprintf(again, sizeof again, "%016" PRIx64 " %016" PRIx64 " %" PRIu64, place->seed, place->generator_seed, place->offset);
        if (strcmp(text, again) == 0) return 0;
    }
    return io_fail_status(m->source, "\"%s\" is \"%s\", no dropout layer's place", name, io_shown(text));
}

static int read_layer(const nn_manifest *first, const nn_manifest *own, counts *c, const char *name)
{
    const nn_manifest *from = own ? own : first;
    if (!name) return -1;
    if (!nn_manifest_has(from, name)) return 0;
    nn_dropout_place here = nn_dropout_where(c->module);
    if (read_place(from, name, &c->place) < 0) return -1;
    if (!own) c->place = (nn_dropout_place){c->place.seed, here.generator_seed, here.offset};
    c->has_place = true;
    return 0;
}

static int read_batches(const nn_manifest *first, counts *c, const char *name)
{
    int64_t batches = 0;
    if (!name || (nn_manifest_has(first, name) && nn_manifest_whole(first, name, 1, &batches) < 0)) return -1;
    c->batches = (uint64_t)batches;
    return 0;
}

nn_counted *nn_counted_read(const nn_manifest *first, const nn_manifest *own, tr_module *m)
{
    nn_counted *c = all_below(m, "tr_training_resume");
    for (int64_t i = 0; c && i < c->modules; i++) {
        if (read_batches(first, &c->of[i], key("batches", i)) < 0) return NULL;
        if (nn_is_dropout(c->of[i].module) && read_layer(first, own, &c->of[i], key("dropout", i)) < 0) return NULL;
    }
    return c;
}

void nn_counted_put(const nn_counted *c)
{
    for (int64_t i = 0; i < c->modules; i++) {
        c->of[i].module->batches = c->of[i].batches;
        if (c->of[i].has_place) nn_dropout_put(c->of[i].module, c->of[i].place);
    }
}
