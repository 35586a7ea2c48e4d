#include "nn/module.h"

#include <stdio.h>
#include <string.h>
#include "core/watch.h"

static void flat_clear(nn_flat *f)
{
    for (int64_t i = 0; i < f->count; i++) core_free(f->name[i]);
    core_free(f->name);
    core_free(f->tensor);
    *f = (nn_flat){.stamp = -1};
}

static void module_destroy(core_object *object)
{
    tr_module *m = (tr_module *)object;
    if (m->on_free) m->on_free(m);
    for (int64_t i = 0; i < m->entries; i++) {
        core_free(m->entry[i].name);
        core_drop_tensor(m->entry[i].tensor);
        tr_module_drop(m->entry[i].child);
    }
    core_free(m->entry);
    flat_clear(&m->flat[NN_PARAMETER]);
    flat_clear(&m->flat[NN_BUFFER]);
    core_free(m->kind);
    core_free(m->self);
    core_free(m);
}

static const core_class module_class = {"module", module_destroy};

tr_module *(tr_module_new)(const char *kind, tr_forward_function *forward, size_t self_bytes)
{
    if (!kind || !forward) return core_null("tr_module_new");
    tr_module *m = core_alloc(sizeof *m, "tr_module_new");
    if (!m) return NULL;
    *m = (tr_module){.forward = forward, .training = true, .flat = {{.stamp = -1}, {.stamp = -1}}};
    m->kind = core_strdup(kind, "tr_module_new");
    m->self = core_alloc((int64_t)self_bytes, "tr_module_new");
    if (!m->kind || !m->self) {
        module_destroy(&m->object);
        return NULL;
    }
    return core_object_begin(&m->object, &module_class);
}

void *tr_module_self(const tr_module *m) { return m ? m->self : NULL; }
const char *tr_module_kind(const tr_module *m) { return m ? m->kind : ""; }

tr_module *tr_module_keep(tr_module *m)
{
    if (m) core_keep(&m->object);
    return m;
}

void tr_module_drop(tr_module *m)
{
    if (m) core_release(&m->object);
}

void tr_module_on_free(tr_module *m, void (*f)(tr_module *m))
{
    if (m) m->on_free = f;
}

/* ---- naming ---- */

/* A new entry for `name`, the caller fills in what it names; NULL with an error noted. */
static nn_entry *add(tr_module *m, const char *name, nn_kind kind, const char *function)
{
    if (!*name || strchr(name, '.')) return core_fail("%s: \"%s\" is no name: it must not be empty or hold a dot", function, name);
    for (int64_t i = 0; i < m->entries; i++)
        if (!strcmp(m->entry[i].name, name)) return core_fail("%s: %s has a \"%s\" already", function, m->kind, name);
    if (m->entries == m->room) {
        int64_t room = m->room ? 2 * m->room : 8, each = (int64_t)sizeof *m->entry;
        nn_entry *entry = core_realloc(m->entry, m->entries * each, room * each, function);
        if (!entry) return NULL;
        m->entry = entry;
        m->room = room;
    }
    char *copy = core_strdup(name, function);
    if (!copy) return NULL;
    m->changes++;
    nn_entry *e = &m->entry[m->entries++];
    *e = (nn_entry){.name = copy, .kind = kind};
    return e;
}

tr_tensor *(tr_module_parameter)(tr_module *m, const char *name, tr_tensor *t)
{
    if (!m || !name || !t) return core_null("tr_module_parameter");
    if (t->origin) return core_fail("tr_module_parameter: \"%s\" is the result of %s; a parameter is a leaf (tr_detach)", name, t->origin->name);
    if (core_dtype_category[t->dtype] < 2) return core_fail("tr_module_parameter: \"%s\" is %s, which can have no gradient; it may be a buffer", name, core_show(t));
    nn_entry *e = add(m, name, NN_PARAMETER, "tr_module_parameter");
    return e ? e->tensor = core_keep_tensor((tr_requires_grad_)(t, true)) : NULL;
}

tr_tensor *(tr_module_buffer)(tr_module *m, const char *name, tr_tensor *t)
{
    if (!m || !name || !t) return core_null("tr_module_buffer");
    nn_entry *e = add(m, name, NN_BUFFER, "tr_module_buffer");
    return e ? e->tensor = core_keep_tensor(t) : NULL;
}

static bool holds(const tr_module *m, const tr_module *other)
{
    if (m == other) return true;
    for (int64_t i = 0; i < m->entries; i++)
        if (m->entry[i].child && holds(m->entry[i].child, other)) return true;
    return false;
}

tr_module *(tr_module_child)(tr_module *m, const char *name, tr_module *child)
{
    if (!m || !name || !child) return core_null("tr_module_child");
    if (holds(child, m)) return core_fail("tr_module_child: \"%s\" holds the %s it would become a child of", name, m->kind);
    nn_entry *e = add(m, name, NN_CHILD, "tr_module_child");
    return e ? e->child = tr_module_keep(child) : NULL;
}

tr_module *tr_module_get_child(tr_module *m, int64_t i, const char **name)
{
    for (int64_t at = 0; m && at < m->entries; at++)
        if (m->entry[at].kind == NN_CHILD && i-- == 0) {
            if (name) *name = m->entry[at].name;
            return m->entry[at].child;
        }
    return NULL;
}

/* ---- running ---- */

tr_tensor *(tr_forward)(tr_module *m, tr_tensor *input)
{
    if (!m || !input) return core_null("tr_forward");
    CORE_SPAN(TRACE_FORWARD, m->kind);
    int depth = tr_scope_open();               /* only the result leaves; what else is needed later, the graph holds */
    if (depth > tr_scope_depth()) return NULL; /* none was opened: an error stands */
    tr_tensor *y = tr_pass_up(m->forward(m, input));
    tr_scope_close(depth);
    return y || tr_error_stands() ? y : core_fail("tr_forward: %s made no result", m->kind);
}

void tr_train(tr_module *m, bool training)
{
    if (!m) return;
    m->training = training;
    for (int64_t i = 0; i < m->entries; i++) tr_train(m->entry[i].child, training);
}

bool tr_is_training(const tr_module *m) { return m && m->training; }

/* ---- all tensors below a module ---- */

static int64_t stamp_of(const tr_module *m)
{
    int64_t stamp = m->changes;
    for (int64_t i = 0; i < m->entries; i++)
        if (m->entry[i].child) stamp += stamp_of(m->entry[i].child);
    return stamp;
}

static char *join(const char *prefix, const char *name, const char *end)
{
    int64_t bytes = (int64_t)(strlen(prefix) + strlen(name) + strlen(end)) + 1;
    char *text = core_alloc(bytes, "tr_parameters");
    if (text) snprintf(text, (size_t)bytes, "%s%s%s", prefix, name, end);
    return text;
}

static int flat_add(nn_flat *f, const char *prefix, const nn_entry *e)
{
    for (int64_t i = 0; i < f->count; i++)
        if (f->tensor[i] == e->tensor) return 0; /* shared by two modules: once */
    if (f->count == f->room) {
        int64_t room = f->room ? 2 * f->room : 16;
        int64_t old_bytes = f->count * (int64_t)sizeof(void *), bytes = room * (int64_t)sizeof(void *);
        char **name = core_realloc(f->name, old_bytes, bytes, "tr_parameters");
        if (name) f->name = name;
        tr_tensor **tensor = name ? core_realloc(f->tensor, old_bytes, bytes, "tr_parameters") : NULL;
        if (!tensor) return -1;
        f->tensor = tensor;
        f->room = room;
    }
    char *name = join(prefix, e->name, "");
    if (!name) return -1;
    f->name[f->count] = name;
    f->tensor[f->count++] = e->tensor;
    return 0;
}

static int flatten(nn_flat *f, const tr_module *m, nn_kind kind, const char *prefix)
{
    for (int64_t i = 0; i < m->entries; i++) {
        const nn_entry *e = &m->entry[i];
        if (e->kind == kind && flat_add(f, prefix, e) < 0) return -1;
        if (!e->child) continue;
        char *longer = join(prefix, e->name, ".");
        int status = longer ? flatten(f, e->child, kind, longer) : -1;
        core_free(longer);
        if (status < 0) return -1;
    }
    return 0;
}

const nn_flat *nn_flatten(tr_module *m, nn_kind kind)
{
    nn_flat *f = &m->flat[kind];
    int64_t stamp = stamp_of(m);
    if (f->stamp == stamp) return f;
    nn_flat fresh = {.stamp = stamp};
    if (flatten(&fresh, m, kind, "") < 0) {
        flat_clear(&fresh);
        return NULL;
    }
    flat_clear(f);
    *f = fresh;
    return f;
}

tr_tensors tr_parameters(tr_module *m)
{
    const nn_flat *f = m ? nn_flatten(m, NN_PARAMETER) : core_null("tr_parameters");
    return f ? (tr_tensors){f->tensor, f->count} : (tr_tensors){NULL, 0};
}

static bool named(tr_module *m, nn_kind kind, int64_t i, const char **name, tr_tensor **t)
{
    const nn_flat *f = m ? nn_flatten(m, kind) : NULL;
    if (!f || i < 0 || i >= f->count) return false;
    if (name) *name = f->name[i];
    if (t) *t = f->tensor[i];
    return true;
}

bool tr_named_parameter(tr_module *m, int64_t i, const char **name, tr_tensor **t) { return named(m, NN_PARAMETER, i, name, t); }
bool tr_named_buffer(tr_module *m, int64_t i, const char **name, tr_tensor **t) { return named(m, NN_BUFFER, i, name, t); }

void tr_module_zero_grad(tr_module *m)
{
    CORE_TOLD_AS("tr_module_zero_grad");
    tr_tensors all = tr_parameters(m);
    for (int64_t i = 0; i < all.count; i++) (tr_set_grad)(all.tensor[i], NULL);
}

/* Copies of all tensors of f on the device, in the open scope. */
static tr_tensor **copies(const nn_flat *f, tr_device device)
{
    tr_tensor **there = f ? core_scope_memory(f->count * (int64_t)sizeof(tr_tensor *), "tr_module_to") : NULL;
    for (int64_t i = 0; there && i < f->count; i++)
        if (!(there[i] = (tr_to_device)(f->tensor[i], device))) return NULL;
    return there;
}

static void take_over(const nn_flat *f, tr_tensor *const *there)
{
    for (int64_t i = 0; i < f->count; i++) {
        if (there[i] == f->tensor[i]) continue;
        there[i]->storage->version = f->tensor[i]->storage->version + 1; /* graphs and autocast's copies, which saw the old memory, notice */
        core_tensor_adopt(f->tensor[i], there[i]);
        (tr_set_grad)(f->tensor[i], NULL);
    }
}

/* Everything is copied first and taken over afterwards, so that a failure leaves the module where it was. */
int(tr_module_to)(tr_module *m, tr_device device)
{
    if (!m) return core_null_status("tr_module_to");
    CORE_TOLD_AS("tr_module_to");
    int depth = tr_scope_open();
    bool before = tr_set_grad_enabled(false);
    const nn_flat *parameters = nn_flatten(m, NN_PARAMETER), *buffers = nn_flatten(m, NN_BUFFER);
    tr_tensor **moved = parameters && buffers ? copies(parameters, device) : NULL;
    tr_tensor **moved_buffers = moved ? copies(buffers, device) : NULL;
    if (moved_buffers) {
        take_over(parameters, moved);
        take_over(buffers, moved_buffers);
    }
    tr_set_grad_enabled(before);
    tr_scope_close(depth);
    return moved_buffers ? 0 : -1;
}
