#include "dist/bucket.h"

#include "dist/ranks.h"

#include <stdlib.h>
#include <string.h>
#include <trireme/dlpack.h>

/* ---- the plan ---- */

/* The type that gradients of a type are added in. */
static tr_dtype sum_type(tr_dtype dtype)
{
    return dtype == TR_FLOAT16 || dtype == TR_BFLOAT16 ? TR_FLOAT32 : dtype;
}

/* home[i] = the bucket of parameter i, -1 if it does not train; returns how many buckets.  Each type has its own open
 * bucket and its own first. */
static int64_t share_out(tr_tensors parameters, int64_t first_limit, int64_t limit, int64_t *home)
{
    struct {
        int64_t bucket, bytes, closed;
        bool open;
    } of[TR_DTYPES] = {0};
    int64_t buckets = 0;
    for (int64_t i = parameters.count - 1; i >= 0; i--) {
        home[i] = -1;
        if (!tr_requires_grad(parameters.tensor[i])) continue;
        tr_dtype type = sum_type(tr_dtype_of(parameters.tensor[i]));
        if (!of[type].open) {
            of[type].open = true;
            of[type].bucket = buckets++;
            of[type].bytes = 0;
        }
        home[i] = of[type].bucket;
        of[type].bytes += tr_numel(parameters.tensor[i]) * tr_dtype_size(type);
        if (of[type].bytes >= (of[type].closed ? limit : first_limit)) {
            of[type].open = false;
            of[type].closed++;
        }
    }
    return buckets;
}

/* The parameters of bucket `which`, last first, into slots from plan->slots on. */
static void fill_slots(dist_plan *plan, int64_t which, tr_tensors parameters, const int64_t *home)
{
    dist_bucket *b = &plan->bucket[which];
    b->slot = &plan->slot[plan->slots];
    for (int64_t i = parameters.count - 1; i >= 0; i--) {
        if (home[i] != which) continue;
        b->slot[b->slots++] = (dist_slot){.parameter = tr_keep(parameters.tensor[i]), .number = plan->slots++};
    }
}

static int64_t numbers_in(const dist_bucket *b)
{
    int64_t n = 0;
    for (int64_t i = 0; i < b->slots; i++) n += tr_numel(b->slot[i].parameter);
    return n;
}

static tr_dtype type_of(const dist_bucket *b) { return sum_type(tr_dtype_of(b->slot[0].parameter)); }

/* Whole cache lines, so that no two buckets share one. */
static int64_t bytes_for(const dist_bucket *b) { return (numbers_in(b) * tr_dtype_size(type_of(b)) + 63) / 64 * 64; }

/* ---- memory ---- */

/* A 1-D tensor over memory that is not ours. */
typedef struct {
    DLManagedTensorVersioned dl; /* first */
    int64_t n;
} loan;

static void end_loan(DLManagedTensorVersioned *dl) { free(dl); }

static tr_tensor *lend(void *memory, tr_dtype dtype, int64_t n)
{
    loan *l = calloc(1, sizeof *l);
    if (!l) return tr_fail("out of memory: a bucket");
    uint8_t code = tr_dtype_is_complex(dtype) ? kDLComplex : kDLFloat;
    l->n = n;
    l->dl = (DLManagedTensorVersioned){
        .version = {DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION},
        .deleter = end_loan,
        .dl_tensor = {.data = memory, .device = {kDLCPU, 0}, .ndim = 1, .dtype = {code, (uint8_t)(8 * tr_dtype_size(dtype)), 1}, .shape = &l->n},
    };
    return (tr_from_dlpack)(&l->dl);
}

static int give_memory(dist_bucket *b, void *memory)
{
    TR_SCOPE;
    b->memory = tr_keep(lend(memory, type_of(b), numbers_in(b)));
    int64_t at = 0;
    for (int64_t i = 0; i < b->slots; i++) {
        tr_tensor *p = b->slot[i].parameter;
        b->slot[i].place = tr_keep((tr_view)((tr_narrow)(b->memory, 0, at, tr_numel(p)), tr_shape_of_tensor(p)));
        if (!b->slot[i].place) return -1;
        at += tr_numel(p);
    }
    return 0;
}

/* All buckets in one piece of what ranks share. */
static int give_all_memory(dist_plan *plan, dist_transport *way)
{
    int64_t bytes = 0;
    for (int64_t i = 0; i < plan->buckets; i++) bytes += bytes_for(&plan->bucket[i]);
    plan->generation = dist_generation();
    plan->memory = way->take(way, bytes);
    if (!plan->memory) return -1;
    char *at = plan->memory;
    for (int64_t i = 0; i < plan->buckets; i++) {
        if (give_memory(&plan->bucket[i], at) < 0) return -1;
        at += bytes_for(&plan->bucket[i]);
    }
    return 0;
}

bool dist_plan_is_over(const dist_plan *plan) { return plan->generation != dist_generation(); }

/* ---- making and freeing ---- */

int dist_plan_make(dist_plan *plan, dist_transport *way, tr_tensors parameters, int64_t first_limit, int64_t limit)
{
    int status = -1;
    size_t room = (size_t)parameters.count + 1; /* calloc(0) may be NULL */
    int64_t *home = calloc(room, sizeof *home);
    *plan = (dist_plan){.slot = calloc(room, sizeof *plan->slot), .bucket = calloc(room, sizeof *plan->bucket)};
    if (!home || !plan->slot || !plan->bucket) {
        tr_fail("out of memory: tr_data_parallel plans buckets for %lld parameters", (long long)parameters.count);
        goto out;
    }
    plan->buckets = share_out(parameters, first_limit, limit, home);
    for (int64_t i = 0; i < plan->buckets; i++) fill_slots(plan, i, parameters, home);
    status = give_all_memory(plan, way);
out:
    free(home);
    if (status < 0) dist_plan_free(plan);
    return status;
}

void dist_plan_free(dist_plan *plan)
{
    for (int64_t i = 0; i < plan->slots; i++) {
        tr_drop(plan->slot[i].place);
        tr_drop(plan->slot[i].parameter);
    }
    for (int64_t i = 0; i < plan->buckets && plan->bucket; i++) tr_drop(plan->bucket[i].memory);
    if (plan->memory && !dist_plan_is_over(plan)) {
        dist_transport *way = dist_way();
        if (way) way->give_back(way, plan->memory);
    }
    free(plan->slot);
    free(plan->bucket);
    *plan = (dist_plan){0};
}

/* ---- loading and storing ---- */

bool dist_bucket_used(const dist_bucket *b, const int64_t *used)
{
    for (int64_t i = 0; i < b->slots; i++)
        if (used[b->slot[i].number] > 0) return true;
    return false;
}

static int64_t bytes_of(const tr_tensor *t) { return tr_numel(t) * tr_dtype_size(tr_dtype_of(t)); }

/* The product is rounded once: a weight of 1/3 is not first made a float. */
static void scale(tr_tensor *memory, double weight)
{
    tr_dtype type = tr_dtype_of(memory);
    int64_t n = tr_dtype_is_complex(type) ? 2 * tr_numel(memory) : tr_numel(memory);
    if (type == TR_FLOAT32 || type == TR_COMPLEX64) {
        float *x = tr_data(memory);
        for (int64_t i = 0; i < n; i++) x[i] = (float)(weight * x[i]);
    } else {
        double *x = tr_data(memory);
        for (int64_t i = 0; i < n; i++) x[i] *= weight;
    }
}

int dist_bucket_load(dist_bucket *b, double weight)
{
    TR_SCOPE;
    TR_NO_GRAD;
    for (int64_t i = 0; i < b->slots; i++) {
        tr_tensor *place = b->slot[i].place, *gradient = tr_grad(b->slot[i].parameter);
        if (!gradient || weight == 0)
            memset(tr_data(place), 0, (size_t)bytes_of(place));
        else if (!(tr_copy_)(place, gradient))
            return -1;
    }
    if (weight != 0 && weight != 1) scale(b->memory, weight);
    return 0;
}

static int store(dist_slot *s)
{
    tr_tensor *gradient = tr_grad(s->parameter);
    if (gradient && tr_is_contiguous(gradient)) return (tr_copy_)(gradient, s->place) ? 0 : -1;
    tr_dtype dtype = tr_dtype_of(s->parameter);
    gradient = (tr_copy_)((tr_empty)(tr_shape_of_tensor(s->parameter), (tr_tensor_options){.dtype = dtype}), s->place);
    return gradient ? (tr_set_grad)(s->parameter, gradient) : -1;
}

int dist_bucket_store(dist_bucket *b, const int64_t *used)
{
    TR_SCOPE;
    TR_NO_GRAD;
    for (int64_t i = 0; i < b->slots; i++)
        if (used[b->slot[i].number] > 0 && store(&b->slot[i]) < 0) return -1;
    return 0;
}
