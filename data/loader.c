/* The loader: makes a batch's tensors, has them filled ahead of time, hands them out in order.
 *
 * Between its making and its handing out a batch stands in a slot; `ahead` of them are under way while the program works
 * on the one before.  A batch's tensors are new each time, but their memory is not: what nobody holds any more waits in
 * the allocator for the next batch of its size, and what somebody kept is simply not there to be taken. */
#include "core/memory.h"
#include "core/tensor.h"
#include "core/watch.h"
#include "data/dataset.h"
#include "data/prefetch.h"
#include "data/sampler.h"

typedef struct {
    tr_tensor *input, *target; /* keeps; NULL when there is no batch.  On the CPU until it is handed out */
} slot;

struct tr_loader {
    core_object object;
    tr_dataset *dataset; /* keeps */
    data_sampler sampler;
    int threads;
    tr_device device;        /* of the batches that are handed out */
    data_prefetch *prefetch; /* owns; NULL before the first start */
    slot *slot;              /* owns; batch i stands in slot[i % slots] */
    int64_t slots;           /* ahead + 1: the batch asked for, and those ahead of it */
    int64_t posted, next;    /* batches of this epoch: begun, handed out */
    bool started, over;      /* an epoch is under way; its end was told */
    int64_t epoch, sample;   /* where it stands, or is to begin: samples of the epoch handed out to all ranks */
    bool resumed;            /* `sample` waits for the start of `epoch` */
};

/* ---- one slot ---- */

static void slot_empty(slot *s)
{
    core_drop_tensor(s->input);
    core_drop_tensor(s->target);
    *s = (slot){NULL, NULL};
}

static int slot_fill(slot *s, int64_t count, const tr_dataset_source *of)
{
    TR_SCOPE;
    tr_shape inputs = data_batch_shape(count, of->input_shape), targets = data_batch_shape(count, of->target_shape);
    s->input = core_keep_tensor(core_tensor_new(of->input_dtype, tr_cpu(), &inputs, "tr_loader_next"));
    s->target = core_keep_tensor(core_tensor_new(of->target_dtype, tr_cpu(), &targets, "tr_loader_next"));
    if (s->input && s->target) return 0;
    slot_empty(s);
    return -1;
}

/* Bring one of a filled slot's tensors to where it is handed out. */
static int bring(tr_tensor **t, tr_device device)
{
    TR_SCOPE;
    tr_tensor *there = core_tensor_new((tr_dtype)(*t)->dtype, device, &(*t)->shape, "tr_loader_next");
    if (!there || core_send(there, (*t)->data) < 0) return -1;
    core_drop_tensor(*t);
    *t = core_keep_tensor(there);
    return 0;
}

/* ---- an epoch ---- */

static void stop(tr_loader *l)
{
    l->started = false;
    if (l->prefetch) data_prefetch_stop(l->prefetch); /* before the memory goes */
    for (int64_t i = 0; i < l->slots; i++) slot_empty(&l->slot[i]);
}

/* Begin to read every batch before `end` that is not begun yet. */
static int post_until(tr_loader *l, int64_t end)
{
    for (; l->posted < end && l->posted < l->sampler.end; l->posted++) {
        slot *s = &l->slot[l->posted % l->slots];
        data_part part = data_sampler_part(&l->sampler, l->posted);
        if (slot_fill(s, part.count, &l->dataset->source) < 0) return -1;
        data_job job = {l->dataset, l->sampler.order, part.first, part.count, tr_data(s->input), tr_data(s->target)};
        data_prefetch_post(l->prefetch, &job);
    }
    return 0;
}

int(tr_loader_start)(tr_loader *l, int64_t epoch)
{
    if (!l) return core_null_status("tr_loader_start");
    if (epoch < 0) return core_fail_status("tr_loader_start: epoch %lld", (long long)epoch);
    stop(l);
    if (!l->prefetch && !(l->prefetch = data_prefetch_new(l->threads, l->slots))) return -1;
    l->sample = l->resumed && epoch == l->epoch ? l->sample : 0;
    l->epoch = epoch;
    l->resumed = l->over = false;
    data_sampler_shuffle(&l->sampler, epoch, l->sample);
    l->posted = l->next = l->sampler.begin;
    l->started = true;
    if (post_until(l, l->next + l->slots - 1) == 0) return 0;
    stop(l);
    return -1;
}

bool(tr_loader_next)(tr_loader *l, tr_batch *batch)
{
    if (batch) *batch = (tr_batch){0};
    if (!l || !batch) return core_null("tr_loader_next");
    CORE_SPAN(TRACE_DATA, "data wait");
    if (tr_error_stands()) return false;
    if (!l->started) return core_fail("tr_loader_next: no epoch is under way (tr_loader_start)");
    if (l->next > l->sampler.begin) slot_empty(&l->slot[(l->next - 1) % l->slots]); /* the batch before this one */
    if (l->next == l->sampler.end) {
        l->over = true;
        return false;
    }
    if (post_until(l, l->next + l->slots) < 0 || data_prefetch_take(l->prefetch) < 0) {
        stop(l);
        return false;
    }
    slot *s = &l->slot[l->next % l->slots];
    if (l->device.type != TR_CPU && (bring(&s->input, l->device) < 0 || bring(&s->target, l->device) < 0)) {
        stop(l);
        return false;
    }
    data_part part = data_sampler_part(&l->sampler, l->next);
    *batch = (tr_batch){s->input, s->target, l->next, part.count, part.global_count};
    l->next++;
    l->sample += part.global_count;
    return true;
}

/* ---- making, asking, holding ---- */

/* The options with their defaults filled in.  0, or -1 with an error noted. */
static int settle(tr_loader_options *o)
{
    if (o->shard.world == 0 && o->shard.rank == 0) o->shard.world = 1;
    if (o->shard.world < 1 || o->shard.world > INT32_MAX || o->shard.rank < 0 || o->shard.rank >= o->shard.world)
        return core_fail_status("tr_loader_new: shard: rank %lld of %lld", (long long)o->shard.rank, (long long)o->shard.world);
    if (o->batch_size < 0 || o->batch_size_per_rank < 0)
        return core_fail_status("tr_loader_new: batch_size %lld, batch_size_per_rank %lld", (long long)o->batch_size, (long long)o->batch_size_per_rank);
    if (o->batch_size && o->batch_size_per_rank)
        return core_fail_status("tr_loader_new: both batch_size %lld and batch_size_per_rank %lld are given", (long long)o->batch_size, (long long)o->batch_size_per_rank);
    if (o->batch_size_per_rank > INT64_MAX / o->shard.world)
        return core_fail_status("tr_loader_new: batch_size_per_rank %lld on %lld ranks is too much", (long long)o->batch_size_per_rank, (long long)o->shard.world);
    if (o->batch_size_per_rank) o->batch_size = o->batch_size_per_rank * o->shard.world;
    if (o->batch_size == 0) o->batch_size = 1;
    if (o->virtual_shards < 0 || o->virtual_shards > INT32_MAX) return core_fail_status("tr_loader_new: virtual_shards %lld", (long long)o->virtual_shards);
    if (o->workers < -1) return core_fail_status("tr_loader_new: workers %d (-1: none, 0: the default)", o->workers);
    if (o->ahead < 0) return core_fail_status("tr_loader_new: ahead %d", o->ahead);
    if (o->workers == 0) o->workers = 1;
    if (o->ahead == 0) o->ahead = o->workers > INT32_MAX / 2 ? INT32_MAX : 2 * o->workers;
    return 0;
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static int begin(tr_loader *l, tr_dataset *d, const tr_loader_options *o)
{
    l->dataset = tr_dataset_keep(d);
    l->device = o->device;
    l->sampler = (data_sampler){
        .samples = tr_dataset_count(d),
        .batch_size = o->batch_size,
        .rank = o->shard.rank,
        .world = o->shard.world,
        .virtual_shards = o->virtual_shards,
        .seed = o->seed,
    };
    if (data_sampler_begin(&l->sampler, o->shuffle, o->drop_last) < 0) return -1;
    /* Never more slots than batches, nor more threads than slots: they would have nothing to do. */
    int64_t ahead = o->workers == -1 ? 0 : smaller(o->ahead, l->sampler.batches);
    l->threads = o->workers == -1 ? 0 : (int)smaller(o->workers, ahead + 1);
    l->slot = core_alloc((ahead + 1) * (int64_t)sizeof *l->slot, "tr_loader_new");
    if (!l->slot) return -1;
    l->slots = ahead + 1;
    return 0;
}

static void loader_destroy(core_object *object)
{
    tr_loader *l = (tr_loader *)object;
    stop(l);
    data_prefetch_free(l->prefetch);
    data_sampler_end(&l->sampler);
    tr_dataset_drop(l->dataset);
    core_free(l->slot);
    core_free(l);
}
static const core_class loader_class = {"loader", loader_destroy};

tr_loader *(tr_loader_new)(tr_dataset *d, tr_loader_options options)
{
    if (!d) return core_null("tr_loader_new");
    CORE_TOLD_AS("tr_loader_new");
    if (settle(&options) < 0 || !core_device_of(options.device)) return NULL;
    tr_loader *l = core_alloc(sizeof *l, "tr_loader_new");
    if (!l) return NULL;
    if (begin(l, d, &options) < 0) {
        loader_destroy(&l->object);
        return NULL;
    }
    return core_object_begin(&l->object, &loader_class);
}

/* ---- where it stands ---- */

tr_loader_place tr_loader_state(const tr_loader *l)
{
    if (!l) return (tr_loader_place){.epoch = -1};
    tr_loader_place at = {l->epoch, l->sample, l->sampler.samples, l->sampler.seed, l->sampler.order != NULL};
    if (l->over && l->epoch < INT64_MAX) at.epoch++, at.sample = 0;
    return at;
}

int(tr_loader_set_state)(tr_loader *l, tr_loader_place to)
{
    if (!l) return core_null_status("tr_loader_set_state");
    if (to.samples != l->sampler.samples)
        return core_fail_status("tr_loader_set_state: a place among %lld samples, but the dataset has %lld", (long long)to.samples, (long long)l->sampler.samples);
    if (to.shuffled != (l->sampler.order != NULL))
        return core_fail_status("tr_loader_set_state: a place in samples that %s shuffled, but the loader %s them", to.shuffled ? "were" : "were not", to.shuffled ? "does not shuffle" : "shuffles");
    if (to.epoch < 0 || to.sample < 0 || to.sample > to.samples)
        return core_fail_status("tr_loader_set_state: there is no sample %lld of %lld in epoch %lld", (long long)to.sample, (long long)to.samples, (long long)to.epoch);
    stop(l);
    l->epoch = to.epoch;
    l->sample = to.sample;
    l->sampler.seed = to.seed;
    l->resumed = true;
    l->over = false;
    return 0;
}

int64_t tr_loader_batches(const tr_loader *l) { return l ? l->sampler.batches : -1; }

tr_loader *tr_loader_keep(tr_loader *l)
{
    if (l) core_keep(&l->object);
    return l;
}

void tr_loader_drop(tr_loader *l)
{
    if (l) core_release(&l->object);
}
