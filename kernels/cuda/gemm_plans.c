#include "kernels/cuda/gemm_plans.h"

#include <stdlib.h>
#include <string.h>

enum { PLACES = 512,   /* a network's step has tens of shapes; a power of two */
       NEIGHBOURS = 8, /* places that a shape may stand at; where all are taken, the first one's plan goes */
       CHOICES = 8 };
static const uint64_t most_workspace = 32 << 20; /* what Hopper's best ones ask for */

struct gemm_plans {
    void *stream, *handle;
    gemm_plans *next;
    gemm_plan plan[PLACES + NEIGHBOURS];
};

gemm_plans *gemm_plans_of(const cublaslt *lt, void *stream)
{
    static gemm_plans *all;
    gemm_plans *p = all;
    while (p && p->stream != stream) p = p->next;
    if (!p) {
        if (!(p = calloc(1, sizeof *p))) return NULL;
        p->stream = stream;
        if (lt->create(&p->handle) != LT_SUCCESS) p->handle = NULL;
        p->next = all;
        all = p;
    }
    return p->handle ? p : NULL;
}

void *gemm_plans_handle(const gemm_plans *plans) { return plans->handle; }

/* see  Fowler, Noll & Vo's hash, FNV-1a, by words */
static uint64_t hash_of(const gemm_shape *shape)
{
    uint64_t words[sizeof *shape / 8], hash = UINT64_C(0xcbf29ce484222325);
    _Static_assert(sizeof words == sizeof *shape, "a shape is whole words, without holes");
    memcpy(words, shape, sizeof words);
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        hash = (hash ^ words[i]) * UINT64_C(0x100000001b3);
        hash ^= hash >> 29;
    }
    return hash;
}

static void forget(const cublaslt *lt, gemm_plan *p)
{
    if (p->desc) lt->desc_destroy(p->desc);
    if (p->a) lt->layout_destroy(p->a);
    if (p->b) lt->layout_destroy(p->b);
    if (p->d) lt->layout_destroy(p->d);
    memset(p, 0, sizeof *p);
}

#define SET(set, object, attribute, value) (set(object, attribute, &(value), sizeof(value)) == LT_SUCCESS)

static bool describe(const cublaslt *lt, const gemm_arguments *g, gemm_plan *p)
{
    const gemm_shape *s = &g->shape;
    const uint32_t epilogue = (uint32_t)s->epilogue;
    bool done = lt->desc_create(&p->desc, s->compute_type, s->scale_type) == LT_SUCCESS && SET(lt->desc_set, p->desc, LT_DESC_TRANSA, s->a.transposed) && SET(lt->desc_set, p->desc, LT_DESC_TRANSB, s->b.transposed) && SET(lt->desc_set, p->desc, LT_DESC_EPILOGUE, epilogue);
    if (done && g->bias) done = SET(lt->desc_set, p->desc, LT_DESC_BIAS_POINTER, g->bias) && SET(lt->desc_set, p->desc, LT_DESC_BIAS_DATA_TYPE, s->type);
    return done;
}

static bool lay_out(const cublaslt *lt, const gemm_shape *s, const gemm_matrix *m, void **layout)
{
    bool done = lt->layout_create(layout, s->type, (uint64_t)m->rows, (uint64_t)m->columns, m->leading) == LT_SUCCESS;
    if (done && s->batch > 1) done = SET(lt->layout_set, *layout, LT_LAYOUT_BATCH_COUNT, s->batch) && SET(lt->layout_set, *layout, LT_LAYOUT_BATCH_STEP, m->step);
    return done;
}

/* Partial sums along k are added in the type they are computed in, in a fixed order; before a bias not at all, which would
 * come behind a rounding. */
static bool prefer(const cublaslt *lt, const gemm_shape *s, void *preference)
{
    const uint32_t schemes = s->bias_alignment ? 0 : LT_REDUCTION_IN_COMPUTE_TYPE;
    const uint32_t a = (uint32_t)s->a.alignment, b = (uint32_t)s->b.alignment, d = (uint32_t)s->d.alignment;
    return SET(lt->preference_set, preference, LT_PREFER_MAX_WORKSPACE, most_workspace) && SET(lt->preference_set, preference, LT_PREFER_REDUCTION_SCHEMES, schemes) && SET(lt->preference_set, preference, LT_PREFER_ALIGNMENT_A, a) && SET(lt->preference_set, preference, LT_PREFER_ALIGNMENT_B, b) && SET(lt->preference_set, preference, LT_PREFER_ALIGNMENT_C, d) && SET(lt->preference_set, preference, LT_PREFER_ALIGNMENT_D, d);
}

static bool choose(const cublaslt *lt, void *handle, gemm_plan *p)
{
    lt_choice choice[CHOICES];
    int found = 0;
    void *preference = NULL;
    bool done = lt->preference_create(&preference) == LT_SUCCESS && prefer(lt, &p->shape, preference);
    done = done && lt->choose(handle, p->desc, p->a, p->b, p->d, p->d, preference, CHOICES, choice, &found) == LT_SUCCESS;
    if (preference) lt->preference_destroy(preference);
    for (int i = 0; done && i < found; i++)
        if (choice[i].status == LT_SUCCESS && choice[i].workspace <= most_workspace) {
            p->algo = choice[i].algo;
            p->workspace = choice[i].workspace;
            return true;
        }
    return false;
}

gemm_plan *gemm_plan_of(const cublaslt *lt, gemm_plans *plans, const gemm_arguments *g)
{
    gemm_plan *first = &plans->plan[hash_of(&g->shape) % PLACES], *p = first;
    while (p < first + NEIGHBOURS && p->shape.batch && memcmp(&p->shape, &g->shape, sizeof p->shape) != 0) p++;
    if (p == first + NEIGHBOURS) {
        p = first;
        forget(lt, p);
    }
    if (!p->shape.batch) {
        p->shape = g->shape;
        p->usable = describe(lt, g, p) && lay_out(lt, &p->shape, &p->shape.a, &p->a) && lay_out(lt, &p->shape, &p->shape.b, &p->b) && lay_out(lt, &p->shape, &p->shape.d, &p->d) && choose(lt, plans->handle, p);
    }
    if (p->usable && g->bias && !SET(lt->desc_set, p->desc, LT_DESC_BIAS_POINTER, g->bias)) return NULL;
    return p->usable ? p : NULL;
}
