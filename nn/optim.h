/* An optimiser as the room sees it: the tensors it changes, its own tensors beside them, and its step. */
#ifndef TRIREME_NN_OPTIM_H
#define TRIREME_NN_OPTIM_H

#include <trireme/optim.h>
#include "core/memory.h"
#include "core/object.h"
#include "core/tensor.h"

struct tr_optim {
    core_object object;
    const char *kind;
    double lr;
    int64_t count;
    tr_tensor **parameter; /* owns one count of each */
    tr_tensor **momentum;  /* owns one count of each that was made; NULL before a parameter's first step */
    tr_sgd_options sgd;
    bool *first, *done; /* owned: of a step under way, for each parameter */
    void *items;        /* owned: the fused kernel's list, with room for every parameter */
    char name[32];
};

/* Which parameter the state of this name ("momentum.0") belongs to; -1 with an error noted for none. */
int64_t nn_optim_state_at(const tr_optim *o, const char *name);

#endif
