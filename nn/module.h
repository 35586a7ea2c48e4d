/* A module as the room sees it: named tensors and children, in the order they were named. */
#ifndef TRIREME_NN_MODULE_H
#define TRIREME_NN_MODULE_H

#include <trireme/nn.h>
#include "core/memory.h"
#include "core/object.h"
#include "core/tensor.h"

typedef enum { NN_PARAMETER,
               NN_BUFFER,
               NN_CHILD } nn_kind;

typedef struct {
    char *name; /* owned */
    nn_kind kind;
    tr_tensor *tensor; /* owns one count, unless it is a child */
    tr_module *child;  /* owns one count */
} nn_entry;

/* All tensors of one kind below a module, with their full names; each tensor once. */
typedef struct {
    int64_t count, room, stamp;
    char **name;
    tr_tensor **tensor; /* borrowed from the modules */
} nn_flat;

struct tr_module {
    core_object object;
    char *kind;
    tr_forward_function *forward;
    void *self;
    nn_entry *entry;
    int64_t entries, room;
    int64_t changes; /* how often entries were added */
    nn_flat flat[2]; /* of parameters, of buffers */
    bool training;
    uint64_t batches; /* global ones, that it has seen in virtual shards */
    void (*on_free)(tr_module *m);
    void (*describe)(const tr_module *m, char *text, size_t bytes); /* "in_features=1, ..."; may be NULL */
};

/* Parameters or buffers below m, brought up to date; NULL with an error noted. */
const nn_flat *nn_flatten(tr_module *m, nn_kind kind);

#endif
