#include <trireme/checkpoint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/io.h>
#include "nn/manifest.h"
#include "nn/module.h"
#include "nn/optim.h"

static const char prefix[] = "optimizer.";
enum { PREFIX = sizeof prefix - 1 };

/* Of an optimiser that steps parts of the module's tensors (as ranks do that share its state out) each process has other
 * state under the same names: one would be taken for another's. */
static int refuse_parts(const char *call, const nn_flat *parameters, const tr_optim *o)
{
    for (int64_t i = 0; o && i < o->count; i++) {
        const char *of = NULL;
        bool itself = false;
        for (int64_t k = 0; k < parameters->count && !itself; k++) {
            itself = parameters->tensor[k] == o->parameter[i];
            if (parameters->tensor[k]->storage == o->parameter[i]->storage) of = parameters->name[k];
        }
        if (of && !itself) return core_fail_status("%s: tensor %lld of the optimiser is a part of \"%s\"; only the state of whole parameters goes into a checkpoint", call, (long long)i, of);
    }
    return 0;
}

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
        const int64_t at = nn_optim_state_at(o, name);
        const int began = at < 0 ? -1 : nn_optim_began(o, at);
        if (began < 0) return -1;
        if (!began) continue;
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
    if (!parameters || !buffers || refuse_parts("tr_checkpoint_save", parameters, o) < 0) return -1;
    int64_t most = parameters->count + buffers->count + (o ? NN_OPTIM_STATES * o->count : 0);
    listing l = {.name = core_scope_memory(most * (int64_t)sizeof(char *), "tr_checkpoint_save"),
                 .tensor = core_scope_memory(most * (int64_t)sizeof(tr_tensor *), "tr_checkpoint_save")};
    if (!l.name || !l.tensor) return -1;
    list(&l, parameters);
    list(&l, buffers);
    if (list_optimiser(&l, o) < 0) return -1;
    char step_text[24], rate[NN_NUMBER_ROOM];
    snprintf(step_text, sizeof step_text, "%lld", (long long)step);
    const char *metadata[] = {"format", "trireme", "step", step_text, "learning_rate", nn_number_text(tr_learning_rate(o), rate)};
    return (tr_safetensors_save)(path, l.name, (tr_tensors){l.tensor, l.count}, metadata, o ? 3 : 2);
}

int(tr_checkpoint_save)(const char *path, tr_module *m, tr_optim *o, int64_t step)
{
    CORE_TOLD_AS("tr_checkpoint_save");
    if (!path || !m) return core_null_status("tr_checkpoint_save");
    int depth = tr_scope_open();
    int status = save(path, m, o, step);
    tr_scope_close(depth);
    return status;
}

/* ---- loading: first everything is read and compared, then everything is copied ---- */

typedef struct {
    tr_safetensors *file;
    const char *path;
    const nn_flat *parameters, *buffers;
    tr_tensor **parameter, **buffer, **state; /* what was read for each; NULL for a state that the file does not have */
    double rate;                              /* NaN: the file names none */
} loading;

/* The file's tensor for `name`, like `want`, in the open scope; NULL with an error noted. */
static tr_tensor *read_like(const loading *l, const char *name, const tr_tensor *want)
{
    if (!tr_safetensors_has(l->file, name)) return core_fail("tr_checkpoint_load: %s has no \"%s\", which the module asks for", l->path, name);
    tr_tensor *t = (tr_safetensors_get)(l->file, name);
    if (!t) return NULL;
    if (!core_same_shape(&t->shape, &want->shape) || t->dtype != want->dtype)
        return core_fail("tr_checkpoint_load: %s: \"%s\" is %s, wanted %s", l->path, name, core_show(t), core_show(want));
    return (tr_to_device)(t, core_device_at(want));
}

static tr_tensor **room_for(int64_t tensors) { return core_scope_memory(tensors * (int64_t)sizeof(tr_tensor *), "tr_checkpoint_load"); }

static tr_tensor **read_flat(const loading *l, const nn_flat *flat)
{
    tr_tensor **all = room_for(flat->count);
    for (int64_t i = 0; all && i < flat->count; i++)
        if (!(all[i] = read_like(l, flat->name[i], flat->tensor[i]))) return NULL;
    return all;
}

static bool known(const nn_flat *flat, const char *name)
{
    for (int64_t i = 0; i < flat->count; i++)
        if (!strcmp(flat->name[i], name)) return true;
    return false;
}

/* What the module does not know is the optimiser's, by its name, or an error. */
static int read_rest(const loading *l, tr_optim *o)
{
    const char *name;
    for (int64_t i = 0; (name = tr_safetensors_name(l->file, i)); i++) {
        if (known(l->parameters, name) || known(l->buffers, name)) continue;
        if (strncmp(name, prefix, PREFIX) != 0) return core_fail_status("tr_checkpoint_load: %s holds \"%s\", which the module does not know", l->path, name);
        if (!o) continue;
        int64_t at = nn_optim_state_at(o, name + PREFIX);
        tr_tensor *t = at < 0 ? NULL : (tr_safetensors_get)(l->file, name);
        if (!t || !(l->state[at] = nn_optim_fit(o, at, t, core_text("tr_checkpoint_load: %s", l->path), name))) return -1;
    }
    return 0;
}

static int read_rate(loading *l)
{
    const char *text = tr_safetensors_metadata(l->file, "learning_rate"), *at = text;
    if (!text || (!strchr(text, ' ') && nn_number_read(&at, &l->rate) && nn_not_negative(l->rate))) return 0;
    return core_fail_status("tr_checkpoint_load: %s: \"%.40s\" is no learning rate", l->path, text);
}

static int read_all(loading *l, tr_module *m, tr_optim *o)
{
    if (!(l->file = (tr_safetensors_open)(l->path))) return -1;
    if (!(l->parameters = nn_flatten(m, NN_PARAMETER)) || !(l->buffers = nn_flatten(m, NN_BUFFER))) return -1;
    if (refuse_parts("tr_checkpoint_load", l->parameters, o) < 0) return -1;
    if (!(l->parameter = read_flat(l, l->parameters)) || !(l->buffer = read_flat(l, l->buffers))) return -1;
    if (o && !(l->state = room_for(NN_OPTIM_STATES * o->count))) return -1;
    return read_rest(l, o) < 0 ? -1 : read_rate(l);
}

static int copy_all(const nn_flat *to, tr_tensor *const *from)
{
    for (int64_t i = 0; i < to->count; i++)
        if (!(tr_copy_)(to->tensor[i], from[i])) return -1;
    return 0;
}

static int load(const char *path, tr_module *m, tr_optim *o, int64_t *step)
{
    loading l = {.path = path, .rate = NAN};
    if (read_all(&l, m, o) < 0) return -1;
    if (copy_all(l.parameters, l.parameter) < 0 || copy_all(l.buffers, l.buffer) < 0) return -1;
    for (int64_t at = 0; o && at < NN_OPTIM_STATES * o->count; at++) nn_optim_put(o, at, l.state[at]);
    if (o && !isnan(l.rate)) o->rule.number[0] = l.rate;
    const char *text = tr_safetensors_metadata(l.file, "step");
    if (step) *step = text ? strtoll(text, NULL, 10) : 0;
    return 0;
}

int(tr_checkpoint_load)(const char *path, tr_module *m, tr_optim *o, int64_t *step)
{
    CORE_TOLD_AS("tr_checkpoint_load");
    if (!path || !m) return core_null_status("tr_checkpoint_load");
    int depth = tr_scope_open();
    bool before = tr_set_grad_enabled(false);
    int status = load(path, m, o, step);
    tr_set_grad_enabled(before);
    tr_scope_close(depth);
    return status;
}

int(tr_module_save)(tr_module *m, const char *path)
{
    CORE_TOLD_AS("tr_module_save");
    return (tr_checkpoint_save)(path, m, NULL, 0);
}

int(tr_module_load)(tr_module *m, const char *path)
{
    CORE_TOLD_AS("tr_module_load");
    return (tr_checkpoint_load)(path, m, NULL, NULL);
}
