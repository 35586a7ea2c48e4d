#include "dist/bucket.h"

#include "dist/ranks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/tensor.h>

enum { LINE = 64 }; /* bytes: no two gradients share a cache line */

tr_dtype dist_sum_type(tr_dtype dtype) { return dtype == TR_FLOAT16 || dtype == TR_BFLOAT16 ? TR_FLOAT32 : dtype; }

static int64_t lines(int64_t bytes) { return (bytes + LINE - 1) / LINE * LINE; }

static int64_t close_bytes(const dist_item *item) { return item->n * tr_dtype_size(dist_sum_type(item->dtype)); }

static int64_t bytes_of(const dist_item *item) { return lines(close_bytes(item)); }

/* ---- the plan ---- */

static int64_t at(const int64_t *order, int64_t items, int64_t i) { return order ? order[i] : items - 1 - i; }

/* bucket_of[i] = item i's; returns how many.  Each type has its own open bucket and its own first. */
static int64_t share_out(const dist_plan *plan, const int64_t *order, int64_t first_limit, int64_t limit, int64_t *bucket_of)
{
    struct {
        int64_t bucket, bytes, closed;
        bool open;
    } of[TR_DTYPES] = {0};
    int64_t buckets = 0;
    for (int64_t k = 0; k < plan->items; k++) {
        int64_t i = at(order, plan->items, k);
        tr_dtype type = dist_sum_type(plan->item[i].dtype);
        if (!of[type].open) {
            of[type].open = true;
            of[type].bucket = buckets++;
            of[type].bytes = 0;
        }
        bucket_of[i] = of[type].bucket;
        of[type].bytes += plan->item[i].n * tr_dtype_size(type);
        if (of[type].bytes >= (of[type].closed ? limit : first_limit)) {
            of[type].open = false;
            of[type].closed++;
        }
    }
    return buckets;
}

/* The items of one bucket get their slots, from *slot on, and their places, from memory on. */
static void fill(dist_plan *plan, dist_bucket *b, const int64_t *order, const int64_t *bucket_of, dist_slot **slot, char **memory)
{
    b->slot = *slot;
    b->memory = *memory;
    for (int64_t k = 0; k < plan->items; k++) {
        int64_t i = at(order, plan->items, k);
        if (bucket_of[i] != b - plan->bucket) continue;
        b->dtype = dist_sum_type(plan->item[i].dtype);
        plan->home[i] = *slot;
        *(*slot)++ = (dist_slot){.item = i, .n = plan->item[i].n, .place = *memory};
        *memory += plan->parts > 1 ? close_bytes(&plan->item[i]) : bytes_of(&plan->item[i]);
        b->slots++;
    }
    int64_t size = tr_dtype_size(b->dtype), numbers = (*memory - (char *)b->memory) / size;
    b->part = (numbers + plan->parts - 1) / plan->parts;
    b->n = b->part * plan->parts + b->slots;
    *memory = (char *)b->memory + lines(b->n * size);
}

/* Room for any order: at worst each item has a bucket, and so a line of counts, to itself. */
static int64_t room_for(const dist_item *item, int64_t items)
{
    int64_t bytes = 0;
    for (int64_t i = 0; i < items; i++) bytes += bytes_of(&item[i]) + LINE;
    return bytes;
}

/* What parts of one length take up beyond their gradients. */
static int64_t room_for_parts(int64_t parts, int64_t items, int64_t bytes, int64_t limit)
{
    enum { LARGEST = 16 };                           /* bytes of a number */
    int64_t buckets = bytes / limit + TR_DTYPES + 1; /* those that are full, and one of each type that is not */
    return parts == 1 ? 0 : (buckets < items ? buckets : items) * (parts * LARGEST + LINE);
}

static int lay_out(dist_plan *plan, const int64_t *order, int64_t first_limit, int64_t limit)
{
    size_t room = (size_t)plan->items + 1; /* calloc(0) may be NULL */
    int64_t *bucket_of = calloc(room, sizeof *bucket_of);
    plan->slot = calloc(room, sizeof *plan->slot);
    plan->home = calloc(room, sizeof *plan->home);
    plan->bucket = calloc(room, sizeof *plan->bucket);
    int status = bucket_of && plan->slot && plan->home && plan->bucket ? 0 : -1;
    if (status < 0)
        tr_fail("out of memory: buckets for %lld gradients", (long long)plan->items);
    else
        plan->buckets = share_out(plan, order, first_limit, limit, bucket_of);
    dist_slot *slot = plan->slot;
    char *memory = plan->memory;
    for (int64_t i = 0; i < plan->buckets && status == 0; i++) fill(plan, &plan->bucket[i], order, bucket_of, &slot, &memory);
    free(bucket_of);
    return status;
}

static void forget_layout(dist_plan *plan)
{
    free(plan->slot);
    free(plan->home);
    free(plan->bucket);
}

bool dist_plan_is_over(const dist_plan *plan) { return plan->generation != dist_generation(); }

int dist_plan_make(dist_plan *plan, dist_transport *way, const dist_item *item, int64_t items, int64_t first_limit, int64_t limit, bool in_parts)
{
    *plan = (dist_plan){.item = item, .items = items, .way = way, .generation = dist_generation(), .parts = in_parts ? way->world : 1};
    plan->bytes = room_for(item, items);
    plan->bytes += room_for_parts(plan->parts, items, plan->bytes, first_limit < limit ? first_limit : limit);
    plan->memory = way->take(way, plan->bytes);
    if (plan->memory && lay_out(plan, NULL, first_limit, limit) == 0) return 0;
    dist_plan_free(plan);
    return -1;
}

int dist_plan_reorder(dist_plan *plan, const int64_t *order, int64_t first_limit, int64_t limit)
{
    dist_plan before = *plan;
    char *copy = malloc(plan->bytes > 0 ? (size_t)plan->bytes : 1);
    if (!copy) {
        tr_fail("out of memory: gradients asked for %lld bytes", (long long)plan->bytes);
        return -1;
    }
    if (lay_out(plan, order, first_limit, limit) < 0) {
        forget_layout(plan);
        *plan = before;
        free(copy);
        return -1;
    }
    memcpy(copy, plan->memory, (size_t)plan->bytes);
    memset(plan->memory, 0, (size_t)plan->bytes);
    for (int64_t i = 0; i < plan->items; i++) {
        assert(before.home[i] && plan->home[i]); /* every item has a place */
        int64_t from = (char *)before.home[i]->place - (char *)plan->memory;
        memcpy(plan->home[i]->place, copy + from, (size_t)bytes_of(&plan->item[i]));
    }
    forget_layout(&before);
    free(copy);
    return 0;
}

void dist_plan_free(dist_plan *plan)
{
    bool there = plan->way == dist_alone() || !dist_plan_is_over(plan);
    if (plan->memory && there) plan->way->give_back(plan->way, plan->memory);
    forget_layout(plan);
    *plan = (dist_plan){0};
}

/* ---- how many used it ---- */

static void *count_of(const dist_bucket *b, int64_t s)
{
    return (char *)b->memory + (b->n - b->slots + s) * tr_dtype_size(b->dtype);
}

static bool is_double(tr_dtype dtype) { return dtype == TR_FLOAT64 || dtype == TR_COMPLEX128; }

void dist_bucket_set_used(dist_bucket *b, int64_t s, bool used)
{
    memset(count_of(b, s), 0, (size_t)tr_dtype_size(b->dtype));
    if (is_double(b->dtype))
        *(double *)count_of(b, s) = used;
    else
        *(float *)count_of(b, s) = used;
}

bool dist_bucket_used(const dist_bucket *b, int64_t s)
{
    return is_double(b->dtype) ? *(double *)count_of(b, s) > 0 : *(float *)count_of(b, s) > 0;
}
