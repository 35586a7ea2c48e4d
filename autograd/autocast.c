/* Which type an operand is taken in under TR_AUTOCAST, and the narrow copies of parameters. */
#include "autograd/autocast.h"

#include <trireme/autocast.h>
#include "core/memory.h"

/* A parameter and its copy, both kept: the copy's place in the graph is shared by all uses. */
typedef struct {
    tr_tensor *leaf, *copy;
    uint32_t version; /* of the leaf, when it was copied */
} narrow;

typedef struct autograd_narrows {
    int64_t count, room, capacity; /* of the block that this is */
    narrow of[];
} narrows;

static bool is_half(const tr_tensor *x) { return x->dtype == TR_FLOAT16 || x->dtype == TR_BFLOAT16; }

/* Parameters alone: what a step makes is used once or twice, and would be held for the whole block.  A recording runs again
 * when the parameters are others. */
static bool is_kept(const tr_tensor *x) { return x->flags & CORE_REQUIRES_GRAD && !x->origin && tr_grad_enabled() && !core_here()->recording; }

static tr_tensor *known(const tr_tensor *x)
{
    const narrows *all = core_here()->narrows;
    for (int64_t i = 0; all && i < all->count; i++)
        if (all->of[i].leaf == x && all->of[i].version == x->storage->version) return all->of[i].copy;
    return NULL;
}

/* 0, or -1 with an error noted. */
static int note(tr_tensor *x, tr_tensor *copy)
{
    narrows *all = core_here()->narrows;
    if (!all || all->count == all->room) {
        int64_t room = all ? 2 * all->room : 16, capacity;
        narrows *more = core_block_take((int64_t)sizeof *more + room * (int64_t)sizeof *more->of, &capacity, "tr_set_autocast");
        if (!more) return -1;
        *more = (narrows){.count = all ? all->count : 0, .room = room, .capacity = capacity};
        for (int64_t i = 0; i < more->count; i++) more->of[i] = all->of[i];
        if (all) core_block_give(all, all->capacity);
        core_here()->narrows = all = more;
    }
    all->of[all->count++] = (narrow){core_keep_tensor(x), core_keep_tensor(copy), x->storage->version};
    return 0;
}

static void forget(void)
{
    narrows *all = core_here()->narrows;
    core_here()->narrows = NULL;
    for (int64_t i = 0; all && i < all->count; i++) {
        core_drop_tensor(all->of[i].copy);
        core_drop_tensor(all->of[i].leaf);
    }
    if (all) core_block_give(all, all->capacity);
}

tr_tensor *autograd_autocast_narrow(tr_tensor *x)
{
    tr_dtype type = (tr_dtype)core_here()->autocast;
    if (x->dtype == type || (x->dtype != TR_FLOAT32 && !is_half(x))) return x;
    bool kept = is_kept(x);
    tr_tensor *copy = kept ? known(x) : NULL;
    if (copy) return copy;
    copy = (tr_to)(x, type);
    return copy && kept && note(x, copy) < 0 ? NULL : copy;
}

tr_tensor *autograd_autocast_wide(tr_tensor *x) { return is_half(x) ? (tr_to)(x, TR_FLOAT32) : x; }

tr_dtype tr_get_autocast(void) { return (tr_dtype)core_here()->autocast; }

tr_dtype(tr_set_autocast)(tr_dtype dtype)
{
    core_thread *here = core_here();
    tr_dtype before = (tr_dtype)here->autocast;
    if (dtype != TR_DEFAULT_DTYPE && dtype != TR_BFLOAT16 && dtype != TR_FLOAT16) {
        core_fail("tr_set_autocast: %s: products are taken in bfloat16 or float16", tr_dtype_name(dtype));
        return before;
    }
    if (dtype != before) forget();
    here->autocast = (uint8_t)dtype;
    return before;
}

void tr_autocast_restore_(const tr_dtype *before) { (tr_set_autocast)(*before); }
