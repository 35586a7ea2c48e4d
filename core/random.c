#include "core/random.h"

#include "core/fail.h"
#include "core/memory.h"
#include "core/philox.h"
#include "core/thread.h"

static const uint64_t default_seed = 67280421310721; /* PyTorch's, of a generator that nobody seeded */

static void destroy(core_object *object) { core_free(object); }
static const core_class generator_class = {"generator", destroy};

static void start(tr_generator *g, uint64_t seed)
{
    g->seed = seed;
    g->offset = 0;
    g->has_normal = false;
    g->next_normal = 0;
    if (g->kind == TR_MT19937) core_mt_seed(&g->mt, (uint32_t)seed);
}

static tr_generator *make(tr_generator_kind kind, uint64_t seed, const char *what)
{
    tr_generator *g = core_alloc((int64_t)sizeof *g, what);
    if (!g) return NULL;
    g->kind = kind;
    start(g, seed);
    return g;
}

tr_generator *(tr_generator_new)(tr_generator_kind kind, uint64_t seed)
{
    if (kind != TR_MT19937 && kind != TR_PHILOX) return core_fail("tr_generator_new: %d is no kind of generator", (int)kind);
    tr_generator *g = make(kind, seed, "tr_generator_new");
    return g ? core_object_begin(&g->object, &generator_class) : NULL;
}

/* No scope owns this one: the thread does, and lets it go at its end. */
tr_generator *tr_default_generator(void)
{
    core_thread *here = core_here();
    if (!here->generator && (here->generator = make(TR_MT19937, default_seed, "tr_default_generator"))) {
        core_object *object = &here->generator->object;
        object->class = &generator_class;
        object->count = 1;
    }
    return here->generator;
}

tr_generator *core_generator_or_default(tr_generator *g) { return g ? g : tr_default_generator(); }

tr_generator *tr_generator_keep(tr_generator *g)
{
    if (g) core_keep(&g->object);
    return g;
}

void tr_generator_drop(tr_generator *g)
{
    if (g) core_release(&g->object);
}

int(tr_seed)(tr_generator *g, uint64_t seed)
{
    if (!g) return core_null_status("tr_seed");
    start(g, seed);
    return 0;
}

int tr_manual_seed(uint64_t seed)
{
    tr_generator *g = tr_default_generator();
    return g ? (tr_seed)(g, seed) : -1;
}

uint64_t tr_initial_seed(const tr_generator *g)
{
    if (!g) core_null("tr_initial_seed");
    return g ? g->seed : 0;
}

uint32_t tr_random_u32(tr_generator *g)
{
    if (!g) return core_null("tr_random_u32"), 0;
    return g->kind == TR_MT19937 ? core_mt_draw(&g->mt) : core_philox(g->seed, g->offset++);
}

uint64_t tr_random_u64(tr_generator *g)
{
    CORE_TOLD_AS("tr_random_u64");
    uint64_t high = tr_random_u32(g);
    return high << 32 | tr_random_u32(g);
}

void tr_random_permutation(tr_generator *g, int64_t n, int64_t *order)
{
    if (g && n <= 0) return;
    if (!g || !order) {
        core_null("tr_random_permutation");
        return;
    }
    for (int64_t i = 0; i < n; i++) order[i] = i;
    /* from here on, 32 bits would favour small numbers by more than 5 % */
    bool wide = n >= UINT32_MAX / 20;
    for (int64_t i = 0; i < n - 1; i++) {
        uint64_t left = (uint64_t)(n - i);
        int64_t j = i + (int64_t)((wide ? tr_random_u64(g) : tr_random_u32(g)) % left);
        int64_t other = order[j];
        order[j] = order[i];
        order[i] = other;
    }
}
