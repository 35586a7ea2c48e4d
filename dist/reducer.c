#include "dist/reducer.h"

#include "dist/ranks.h"
#include "dist/stop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/dist.h>

enum { FIRST_LIMIT = 1 << 20,
       LIMIT = 25 << 20,
       NETWORK_LIMIT = 256 << 10 }; /* 2 ms of a link of 1 Gbit/s: the last bucket is what nothing hides */

int dist_reducer_choose(dist_reducer *r, const dist_transport *way, const int64_t asked[3], bool *thread)
{
    bool network = way->network, wanted = asked[2] == TR_OVERLAP_THREAD;
    r->limits[0] = asked[0] ? asked[0] : network ? NETWORK_LIMIT
                                                 : FIRST_LIMIT;
    r->limits[1] = asked[1] ? asked[1] : network ? NETWORK_LIMIT
                                                 : LIMIT;
    *thread = way->world > 1 && way->any_thread && (wanted || (asked[2] == TR_OVERLAP_AUTO && (network || r->on)));
    if (!wanted || *thread || way->world == 1) return 0;
    tr_fail("a thread cannot communicate: MPI was started for one thread only");
    return -1;
}

static const char *name_of(const dist_reducer *r, int64_t item)
{
    const char *name = r->name ? r->name(r->owner, item) : NULL;
    return name ? name : "unnamed";
}

static void name_buckets(dist_reducer *r)
{
    for (int64_t i = 0; i < r->plan.buckets; i++) {
        dist_bucket *b = &r->plan.bucket[i];
        int n = snprintf(b->words, sizeof b->words, "gradients, bucket %lld of %lld: %.30s", (long long)i, (long long)r->plan.buckets,
                         name_of(r, b->slot[0].item));
        if (b->slots > 1) snprintf(b->words + n, sizeof b->words - (size_t)n, " .. %.30s", name_of(r, b->slot[b->slots - 1].item));
    }
}

/* The device's memory for the plan: made anew where its layout changes, since gradients still lie in the old. */
static int make_there(dist_reducer *r)
{
    TR_SCOPE;
    if (!r->on) return 0;
    tr_tensor *there = tr_keep((tr_zeros)(tr_shape_of(1, &r->plan.bytes), (tr_tensor_options){.dtype = TR_UINT8, .device = r->on->at}));
    if (!there) return -1;
    tr_drop(r->there);
    r->there = there;
    return 0;
}

int dist_reducer_open(dist_reducer *r, dist_transport *way, const dist_item *item, int64_t items, bool thread)
{
    size_t room = (size_t)items + 1;
    if (dist_plan_make(&r->plan, way, item, items, r->limits[0], r->limits[1], r->scatter) < 0) return -1;
    name_buckets(r);
    r->settled = r->scatter; /* whose a number is must not change */
    r->uses = calloc(room, sizeof *r->uses);
    r->work = calloc(room, sizeof *r->work);
    r->ready = calloc(room, sizeof *r->ready);
    r->missing = calloc(room, sizeof *r->missing);
    r->order = calloc(room, sizeof *r->order);
    if (!r->work || !r->uses || !r->ready || !r->missing || !r->order)
        tr_fail("out of memory: a reducer of %lld gradients", (long long)items);
    else if (make_there(r) == 0 && dist_courier_open(&r->courier, way, thread) == 0) {
        if (r->on && !r->on->pinless) dist_device_pin(r->on, r->plan.memory, r->plan.bytes);
        return 0;
    }
    dist_reducer_close(r);
    return -1;
}

/* One that stopped half-way leaves what the transport may still look at. */
void dist_reducer_close(dist_reducer *r)
{
    dist_courier_close(&r->courier);
    if (!r->running || dist_plan_is_over(&r->plan)) {
        if (r->on && !dist_plan_is_over(&r->plan)) dist_device_unpin(r->on, r->plan.memory);
        tr_drop(r->there);
        r->there = NULL;
        dist_plan_free(&r->plan);
        free(r->work);
        free(r->uses);
    }
    free(r->ready);
    free(r->missing);
    free(r->order);
    r->work = r->uses = NULL;
    r->ready = NULL;
    r->missing = NULL;
    r->order = NULL;
}

/* Are numbers equal, told from sums, which travel anyway: n numbers a_r are all a exactly if sum a_r = n a and
 * sum a_r^2 = n a^2, for then sum (a_r - a)^2 = 0; so all ranks come to one answer. */
static void put(int64_t sums[2], int64_t number)
{
    sums[0] = number;
    sums[1] = number * number;
}

static bool are_equal(const dist_reducer *r, const int64_t sums[2], int64_t number)
{
    int64_t n = r->courier.way->world;
    return sums[0] == n * number && sums[1] == n * number * number;
}

/* Where they stand in all that travels with the samples: the host has no graphs. */
enum { GRAPHS = 2 };
static int64_t digests(const dist_reducer *r) { return r->on ? GRAPHS + 2 : GRAPHS; }

/* Pieces of 22 bits keep the sums of half a million ranks within 63. */
static void split_digest(dist_reducer *r, uint64_t digest)
{
    for (int i = 0; i < DIST_PIECES; i++, digest >>= 22) {
        r->piece[i] = (int64_t)(digest & 0x3fffff);
        put(&r->all[digests(r) + 2 * i], r->piece[i]);
    }
}

static bool digests_differ(const dist_reducer *r)
{
    for (int i = 0; i < DIST_PIECES; i++)
        if (!are_equal(r, &r->all[digests(r) + 2 * i], r->piece[i])) return true;
    return false;
}

bool dist_reducer_agrees(const dist_reducer *r) { return r->graph > 0 && are_equal(r, &r->all[GRAPHS], r->graph); }

int dist_reducer_begin(dist_reducer *r, int64_t samples, const uint64_t *digest, int64_t graph)
{
    if (r->running) {
        tr_fail("the last average of gradients has not ended: a backward pass failed in it");
        return -1;
    }
    r->running = true;
    r->counted = r->launched = false;
    r->began = dist_now();
    r->next = r->early = r->ordered = 0;
    memset(r->ready, 0, (size_t)r->plan.items * sizeof *r->ready);
    for (int64_t i = 0; i < r->plan.buckets; i++) r->missing[i] = r->plan.bucket[i].slots;
    r->samples = r->all[0] = samples;
    r->all[1] = dist_stop_wish();
    r->graph = graph;
    if (r->on) put(&r->all[GRAPHS], graph);
    r->compares = digest;
    r->differs = false;
    if (digest) split_digest(r, *digest);
    int64_t words = digests(r) + (digest ? 2 * DIST_PIECES : 0);
    if (r->on && !graph) dist_underway_backward_begins(&r->on->underway);
    r->count = (dist_work){.operation = DIST_ALL_REDUCE, .from = r->all, .into = r->all, .n = words, .dtype = TR_INT64, .label = "gradients, how many samples"};
    return dist_courier_post(&r->courier, &r->count);
}

double dist_reducer_weight(dist_reducer *r)
{
    if (!r->counted && dist_courier_wait(&r->courier, &r->count) < 0) return NAN;
    if (!r->counted) {
        dist_stop_heard(r->all[1] > 0);
        r->differs = r->compares && digests_differ(r);
    }
    r->counted = true;
    return r->all[0] > 0 ? (double)r->samples / (double)r->all[0] : 0;
}

static int64_t bucket_of(const dist_reducer *r, int64_t item)
{
    int64_t b = 0;
    for (const dist_slot *s = r->plan.home[item]; s >= r->plan.bucket[b].slot + r->plan.bucket[b].slots;) b++;
    return b;
}

int dist_reducer_ready(dist_reducer *r, int64_t item)
{
    if (r->ready[item]) return 0;
    r->ready[item] = true;
    r->order[r->ordered++] = item;
    r->missing[bucket_of(r, item)]--;
    while (r->next < r->plan.buckets && r->missing[r->next] == 0) {
        r->early++;
        if (r->full(r->owner, r->next++) < 0) return -1;
    }
    return dist_courier_progress(&r->courier);
}

static void *on_device(const dist_reducer *r, const void *memory)
{
    return (char *)tr_data(r->there) + ((const char *)memory - (char *)r->plan.memory);
}

void *dist_reducer_place(const dist_reducer *r, int64_t item)
{
    void *place = r->plan.home[item]->place;
    return r->on ? on_device(r, place) : place;
}

void *dist_reducer_memory(const dist_reducer *r, const dist_bucket *b) { return r->on ? on_device(r, b->memory) : b->memory; }

void *dist_reducer_part(const dist_reducer *r, const dist_bucket *b)
{
    return (char *)dist_reducer_memory(r, b) + r->courier.way->rank * b->part * tr_dtype_size(b->dtype);
}

static int scatter(dist_reducer *r, int64_t bucket, double weight)
{
    dist_bucket *b = &r->plan.bucket[bucket];
    void *counts = (char *)b->memory + (b->n - b->slots) * tr_dtype_size(b->dtype);
    r->work[bucket] = (dist_work){.operation = DIST_REDUCE_SCATTER, .from = dist_reducer_memory(r, b), .into = dist_reducer_part(r, b), .n = b->part, .dtype = b->dtype, .weight = weight, .on = r->on, .label = b->words};
    r->uses[bucket] = (dist_work){.operation = DIST_ALL_REDUCE, .from = counts, .into = counts, .n = b->slots, .dtype = b->dtype, .label = b->words};
    return dist_courier_post(&r->courier, &r->work[bucket]) < 0 ? -1 : dist_courier_post(&r->courier, &r->uses[bucket]);
}

int dist_reducer_send(dist_reducer *r, int64_t bucket, double weight)
{
    dist_bucket *b = &r->plan.bucket[bucket];
    if (r->scatter) return scatter(r, bucket, weight);
    void *memory = dist_reducer_memory(r, b);
    r->work[bucket] = (dist_work){.operation = DIST_ALL_REDUCE, .from = memory, .into = memory, .n = b->n, .dtype = b->dtype, .weight = weight, .on = r->on, .label = b->words};
    if (r->on) {
        dist_work *w = &r->work[bucket];
        w->twin = b->memory;
        w->more = b->slots; /* how many ranks used them is the host's to know */
        w->n -= w->more;
    }
    return dist_courier_post(&r->courier, &r->work[bucket]);
}

int dist_reducer_note(dist_reducer *r, int64_t bucket, double weight)
{
    const dist_bucket *b = &r->plan.bucket[bucket];
    void *memory = dist_reducer_memory(r, b);
    dist_work w = {.operation = DIST_ALL_REDUCE, .from = memory, .into = memory, .n = b->n - b->slots, .dtype = b->dtype, .weight = weight, .on = r->on, .label = b->words};
    if (r->scatter) w.operation = DIST_REDUCE_SCATTER, w.into = dist_reducer_part(r, b), w.n = b->part;
    return dist_device_note(r->on, &w, 1);
}

void dist_reducer_launched(dist_reducer *r)
{
    r->running = false;
    r->launched = true;
    r->early = 0;
    r->wait_s = r->total_s = dist_now() - r->began;
}

int dist_reducer_flush(dist_reducer *r)
{
    while (r->next < r->plan.buckets)
        if (r->full(r->owner, r->next++) < 0) return -1;
    return 0;
}

static int wait_for_all(dist_reducer *r)
{
    if (isnan(dist_reducer_weight(r))) return -1;
    for (int64_t i = 0; i < r->plan.buckets; i++)
        if (dist_courier_wait(&r->courier, &r->work[i]) < 0 || (r->scatter && dist_courier_wait(&r->courier, &r->uses[i]) < 0)) return -1;
    return 0;
}

/* What the device does from here on follows the sums: so its own part ends before. */
static int wait_there(dist_reducer *r)
{
    void *ends = r->on->lanes->timed(r->on->at.index, TR_LANE_OWN_);
    if (!ends) return -1;
    int status = wait_for_all(r);
    dist_underway_backward_ends(&r->on->underway, r, ends);
    return status;
}

int dist_reducer_wait(dist_reducer *r)
{
    double before = dist_now();
    if ((r->on ? wait_there(r) : wait_for_all(r)) < 0) return -1;
    r->running = false;
    r->wait_s = dist_now() - before;
    r->total_s = dist_now() - r->began;
    return 0;
}

bool dist_reducer_used(const dist_reducer *r, int64_t item)
{
    const dist_bucket *b = &r->plan.bucket[bucket_of(r, item)];
    return dist_bucket_used(b, r->plan.home[item] - b->slot);
}

/* What was never ready comes last, the last first. */
static void complete(dist_reducer *r)
{
    for (int64_t i = r->plan.items - 1; i >= 0; i--)
        if (!r->ready[i]) r->order[r->ordered++] = i;
}

int dist_reducer_settle(dist_reducer *r, bool *moved)
{
    *moved = false;
    r->settled = true;
    if (r->plan.buckets < 2) return 0;
    dist_transport *way = r->courier.way;
    complete(r);
    if (dist_broadcast(way, r->order, r->plan.items * (int64_t)sizeof *r->order, 0) < 0) return -1;
    if (r->on && dist_device_has_read(r->on) < 0) return -1;
    if (dist_barrier(way) < 0) return -1; /* nobody reads our buckets any more */
    *moved = true;
    int status = dist_plan_reorder(&r->plan, r->order, r->limits[0], r->limits[1]);
    if (status == 0) name_buckets(r);
    return status == 0 ? make_there(r) : status;
}
