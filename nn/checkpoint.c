#include <trireme/checkpoint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/io.h>
#include "nn/module.h"
#include "nn/optim.h"

static const char prefix[] = "optimizer.";
enum { PREFIX = sizeof prefix - 1 };

/* ---- saving ---- */

/* Names and tensors side by side, as the file wants them; all memory belongs to the open scope. */
typedef struct {
    const char **name;
    tr_tensor **tensor;
    int64_t count;
} listing;

static void list(listing *l, const nn_flat *f)
{
    for (int64_t i = 0; i < f->count; i++) {
        l->name[l->count] = f->name[i];
        l->tensor[l->count++] = f->tensor[i];
    }
}

static int list_optimiser(listing *l, tr_optim *o)
{
    const char *name;
    tr_tensor *t;
    for (int64_t i = 0; o && tr_optim_state(o, i, &name, &t); i++) {
        char *full = core_scope_memory((int64_t)strlen(name) + PREFIX + 1, "tr_checkpoint_save");
        if (!full) return -1;
        memcpy(full, prefix, PREFIX);
        memcpy(full + PREFIX, name, strlen(name) + 1);
        l->name[l->count] = full;
        l->tensor[l->count++] = t;
    }
    return 0;
}

static int save(const char *path, tr_module *m, tr_optim *o, int64_t step)
{
    const nn_flat *parameters = nn_flatten(m, NN_PARAMETER), *buffers = nn_flatten(m, NN_BUFFER);
    if (!parameters || !buffers) return -1;
    int64_t most = parameters->count + buffers->count + (o ? o->count : 0);
    listing l = {.name = core_scope_memory(most * (int64_t)sizeof(char *), "tr_checkpoint_save"),
                 .tensor = core_scope_memory(most * (int64_t)sizeof(tr_tensor *), "tr_checkpoint_save")};
    if (!l.name || !l.tensor) return -1;
    list(&l, parameters);
    list(&l, buffers);
    if (list_optimiser(&l, o) < 0) return -1;
    char step_text[24];
    snprintf(step_text, sizeof step_text, "%lld", (long long)step);
    const char *metadata[] = {"format", "trireme", "step", step_text};
    return (tr_safetensors_save)(path, l.name, (tr_tensors){l.tensor, l.count}, metadata, 2);
}

int(tr_checkpoint_save)(const char *path, tr_module *m, tr_optim *o, int64_t step)
{
    if (!path || !m) return core_null_status("tr_checkpoint_save");
    int depth = tr_scope_open();
    int status = save(path, m, o, step);
    tr_scope_close(depth);
    return status;
}

/* ---- loading: first everything is read and compared, then everything is copied ---- */

/* The file's tensor for `name`, like `want`, in the open scope; NULL with an error noted. */
static tr_tensor *read_like(tr_safetensors *f, const char *path, const char *name, const tr_tensor *want)
{
    if (!tr_safetensors_has(f, name)) return core_fail("tr_checkpoint_load: %s has no \"%s\", which the module asks for", path, name);
    tr_tensor *t = (tr_safetensors_get)(f, name);
    if (!t) return NULL;
    if (!core_same_shape(&t->shape, &want->shape) || t->dtype != want->dtype)
        return core_fail("tr_checkpoint_load: %s: \"%s\" is %s in the file, but %s in the module", path, name, core_show(t), core_show(want));
    return t;
}

typedef struct {
    tr_tensor **to, **from;
    int64_t count;
} copies;

static int read_module(copies *c, tr_safetensors *f, const char *path, const nn_flat *flat)
{
    for (int64_t i = 0; i < flat->count; i++) {
        if (!(c->from[c->count] = read_like(f, path, flat->name[i], flat->tensor[i]))) return -1;
        c->to[c->count++] = flat->tensor[i];
    }
    return 0;
}

static bool known(const nn_flat *flat, const char *name)
{
    for (int64_t i = 0; i < flat->count; i++)
        if (!strcmp(flat->name[i], name)) return true;
    return false;
}

/* A look at every name in the file: one that nobody asks for is an error. */
static int check_names(tr_safetensors *f, const char *path, const nn_flat *parameters, const nn_flat *buffers, tr_optim *o)
{
    const char *name;
    for (int64_t i = 0; (name = tr_safetensors_name(f, i)); i++) {
        if (!strncmp(name, prefix, PREFIX)) {
            if (o && (tr_optim_set_state)(o, name + PREFIX, NULL) < 0) return -1;
        } else if (!known(parameters, name) && !known(buffers, name)) {
            return core_fail_status("tr_checkpoint_load: %s holds \"%s\", which the module does not know", path, name);
        }
    }
    return 0;
}

static int read_optimiser(copies *c, tr_safetensors *f, const char *path, tr_optim *o)
{
    const char *name;
    for (int64_t i = 0; o && (name = tr_safetensors_name(f, i)); i++) {
        if (strncmp(name, prefix, PREFIX)) continue;
        int64_t of = strtoll(strrchr(name, '.') + 1, NULL, 10); /* check_names has seen that it is one of o's */
        tr_tensor *t = read_like(f, path, name, o->parameter[of]);
        if (!t || !(c->from[c->count++] = (tr_to_device)(t, core_device_at(o->parameter[of])))) return -1;
    }
    return 0;
}

static int load(const char *path, tr_module *m, tr_optim *o, int64_t *step)
{
    tr_safetensors *f = (tr_safetensors_open)(path);
    const char *name;
    const nn_flat *parameters = f ? nn_flatten(m, NN_PARAMETER) : NULL, *buffers = f ? nn_flatten(m, NN_BUFFER) : NULL;
    if (!parameters || !buffers) return -1;
    int64_t bytes = (parameters->count + buffers->count + tr_safetensors_count(f)) * (int64_t)sizeof(tr_tensor *);
    copies c = {core_scope_memory(bytes, "tr_checkpoint_load"), core_scope_memory(bytes, "tr_checkpoint_load"), 0};
    if (!c.to || !c.from) return -1;
    if (check_names(f, path, parameters, buffers, o) < 0) return -1;
    if (read_module(&c, f, path, parameters) < 0 || read_module(&c, f, path, buffers) < 0) return -1;
    int64_t of_module = c.count, at = of_module;
    if (read_optimiser(&c, f, path, o) < 0) return -1;
    for (int64_t i = 0; i < of_module; i++)
        if (!(tr_copy_)(c.to[i], c.from[i])) return -1;
    for (int64_t i = 0; o && (name = tr_safetensors_name(f, i)); i++)
        if (!strncmp(name, prefix, PREFIX) && (tr_optim_set_state)(o, name + PREFIX, c.from[at++]) < 0) return -1;
    const char *text = tr_safetensors_metadata(f, "step");
    if (step) *step = text ? strtoll(text, NULL, 10) : 0;
    return 0;
}

int(tr_checkpoint_load)(const char *path, tr_module *m, tr_optim *o, int64_t *step)
{
    if (!path || !m) return core_null_status("tr_checkpoint_load");
    int depth = tr_scope_open();
    bool before = tr_set_grad_enabled(false);
    int status = load(path, m, o, step);
    tr_set_grad_enabled(before);
    tr_scope_close(depth);
    return status;
}

int(tr_module_save)(tr_module *m, const char *path) { return (tr_checkpoint_save)(path, m, NULL, 0); }
int(tr_module_load)(tr_module *m, const char *path) { return (tr_checkpoint_load)(path, m, NULL, NULL); }
