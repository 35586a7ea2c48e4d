/* What a recording is made of; shared by the files record*.c and replay.c.
 *
 *     call     what a kernel gets; its addresses stand in pieces of memory
 *     memory   a storage the calls use, from the first to the last of them
 *     group    neighbouring calls that run block by block
 *     slot     an address that follows an input */
#ifndef TRIREME_AUTOGRAD_RECORDING_H
#define TRIREME_AUTOGRAD_RECORDING_H

#include "autograd/record.h"

#include <trireme/lanes.h>
#include <trireme/record.h>

enum { RECORD_ITEM_VIEWS = 2 + KERNEL_OPTIM_STATES,
       RECORD_BLOCK = 512, /* elements: 2 KiB an operand of float32 */
       RECORD_JOIN_LEAST = 1024 /* below, there is nothing to win */ };

typedef struct {
    core_storage *storage; /* marked while recording, then one count is owned; NULL once planned */
    tr_tensor *handle;     /* owns one count: a handle from outside the step, which may be given other memory; or NULL */
    char *data;            /* where the storage stood */
    int64_t bytes;         /* of it that calls use */
    int64_t covered;       /* of these, bytes that calls have written so far, while recording */
    int32_t first, last;   /* calls; -1: none are left */
    bool read_first;       /* something that no call wrote: what the program put there */
    bool written;
    bool constant; /* holds the same in every replay, since the step was recorded */
    bool partly;   /* a call in a group uses a part of it */
    bool planned;
    int64_t place; /* where it stands in the arena, if planned */
} record_memory;

typedef struct {
    int32_t memory; /* -1: none */
    int64_t offset; /* bytes */
} record_place;

typedef struct {
    kernel_fn *kernel; /* NULL: f(data) */
    bool plain;        /* kernel(&call), and nothing else */
    kernel_call call;
    record_place place[KERNEL_VIEWS];
    core_object *owner; /* owns one count, of the knob's */
    autograd_knob *knob;
    int (*f)(void *data);
    void *data;
    const tr_graph_call_ *how; /* borrowed: f's, how a graph has it, and who owns the data; NULL: none can, the program */
    kernel_optim_item *items;  /* owned; NULL for all but optimisers */
    record_place *item_place;  /* owned: RECORD_ITEM_VIEWS for each */
    int32_t group;             /* one past the last call that runs together with this one, where it is the first; else 0 */
} record_entry;

/* What replays look at of all memory: a handle that must still have its storage, a storage whose version goes up. */
typedef struct {
    const tr_tensor *handle;
    const core_storage *storage;
} record_fixed;

/* A leaf whose gradient the step leaves behind, or begins with. */
typedef struct {
    tr_tensor *leaf;   /* owns one count */
    tr_tensor *tensor; /* owns one count: its gradient at the end; or, if not anew, the one that it began with */
    bool anew;         /* the step itself made the first that somebody asked for */
} record_gradient;

typedef struct {
    int32_t entry, view, input;
    int64_t offset; /* bytes from the input's first element */
} record_slot;

/* Neighbouring calls that a device does as a whole, or one by one. */
typedef struct {
    record_entry *entry;
    int32_t first, end;
    core_graph *graph;   /* owned; NULL: one by one */
    kernel_fn *together; /* the device's KERNEL_TOGETHER; NULL: it has none, or may not */
    int32_t joined;      /* calls that it does */
    bool tries;          /* it is asked to find out what it wants */
} record_part;

/* All calls as one graph: of a step in which ranks meet. */
typedef struct record_whole {
    tr_whole_step_ step;                /* first */
    tr_recording *r;                    /* NULL: nobody has asked yet */
    record_part part;                   /* its graph is owned; NULL: none */
    struct record_whole *before, *next; /* of all that are captured */
} record_whole;

enum { RECORD_BINDINGS = 2 }; /* to the recorded inputs; to copies of others */

typedef struct {
    record_part *part; /* owned; NULL before they are captured */
    int64_t count;
    bool warm; /* they ran one by one */
    record_whole whole;
} record_parts;

struct tr_recording {
    core_object object;
    record_entry *entry;
    record_memory *memory;
    record_slot *slot;
    record_fixed *fixed;
    core_storage **written;
    record_gradient *gradient;
    tr_tensor **input;         /* own one count each */
    bool *input_written;       /* owned: whether a call writes it, and so what a replay gets in its place */
    bool *input_held;          /* owned: whether an optimiser of the step holds it, who would know nothing of another */
    const core_device *device; /* where all its calls are run; NULL before the first */
    tr_device at;
    record_parts parts[RECORD_BINDINGS];
    char *copies; /* on the device: of inputs that are not the recorded ones */
    int64_t copies_capacity;
    int32_t leader; /* 1 + the call that leads where the step may be one graph; 0: not known; -1: none */
    int bound;      /* on such a device: 1 + what the slots' addresses are; 0: anything */
    char *arena;
    int64_t entries, entry_room, memories, memory_room, slots, fixes, writes, gradients, gradient_room, inputs, arena_capacity;
    int32_t *table; /* storage -> memory, open addressing while recording */
    int64_t table_room;
    bool separate, complete, moved; /* moved: the slots hold other addresses than the recorded inputs' */
    tr_recording_info info;
};

/* Room for one more element of an array, which may move; NULL with an error noted. */
void *record_room(void *array, int64_t count, int64_t *allocated, size_t bytes);

/* While recording, a storage is marked; from the end on, it is held like everybody else holds it. */
void record_hold(record_memory *m);
void record_let_go(record_memory *m);
void record_forget_table(tr_recording *r);

/* record_grad.c.  At the end: which of the noted ones matter to replays.  Before each: leaves get the gradients that it will
 * write; 0, or -1 with an error noted and nothing changed. */
void record_end_gradients(tr_recording *r);
int record_bring_gradients(const tr_recording *r);
void record_forget_gradients(tr_recording *r);

/* Drops the calls whose results nobody reads, and those that would give the same again: sets constant. */
bool record_prune(tr_recording *r);

/* Does the program see this memory, or anybody else? */
bool record_is_seen(const tr_recording *r, const record_memory *m);

/* What products may do in passing they do: the calls that did it are dropped. */
void record_epilogues(tr_recording *r, bool *dropped);

/* The whole of a memory is this view of a flat call. */
bool record_is_whole(const tr_recording *r, const record_entry *e, int v, int32_t memory);

/* Neighbours that may run together: sets group. */
void record_join(tr_recording *r);

/* Places in an arena for the memory that nobody else holds: sets planned and place, and info.  Returns its bytes. */
int64_t record_plan(tr_recording *r);

/* Slots get the inputs' addresses; calls [from, to) are run. */
void record_bind(tr_recording *r, tr_tensor *const *input);
int record_run(const tr_recording *r, int64_t from, int64_t to);

/* All of it, on a device that is not the CPU, with these inputs or (NULL) the recorded ones. */
int record_replay_there(tr_recording *r, tr_tensor *const *given);
void record_forget_parts(tr_recording *r);

/* A part's graph, for neighbours all of which record_capturable() says yes to, or of a whole step.  False: none, with an error
 * noted.  And its launch. */
bool record_capturable(const record_entry *e);
bool record_capture_part(tr_recording *r, record_part *p);
int record_launch_part(const tr_recording *r, record_part *p);

/* replay_whole.c.  1: the step is done, as one graph; 0: nothing is; -1. */
int record_replay_whole(tr_recording *r, record_parts *all);
void record_forget_whole(record_whole *w);

/* Is call `at` a pointwise one over whole operands, whose output may stand where `input`'s memory dies? */
bool record_takes_place(const tr_recording *r, int64_t at, int32_t output, int32_t input);

#endif
