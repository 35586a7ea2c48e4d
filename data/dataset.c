#include "data/dataset.h"

#include "core/fail.h"
#include "core/memory.h"
#include "core/shape.h"

static void dataset_destroy(core_object *object)
{
    tr_dataset *d = (tr_dataset *)object;
    if (d->source.release) d->source.release(d->source.data);
    core_free(d);
}
static const core_class dataset_class = {"dataset", dataset_destroy};

tr_shape data_batch_shape(int64_t count, tr_shape sample)
{
    if (sample.ndim < 0 || sample.ndim >= TR_MAX_DIMS) return (tr_shape){.ndim = -1};
    tr_shape batch = {.ndim = sample.ndim + 1, .size = {count}};
    for (int dim = 0; dim < sample.ndim; dim++) batch.size[dim + 1] = sample.size[dim];
    return batch;
}

/* One sample's bytes; -1 with an error noted for what is no type, no shape, or too much of it. */
static int64_t sample_bytes(const char *which, tr_shape shape, tr_dtype dtype)
{
    int64_t n = tr_shape_numel(data_batch_shape(1, shape)), size = tr_dtype_size(dtype);
    if (size <= 0) return core_fail_status("tr_dataset_new: %s_dtype %d is no element type", which, (int)dtype);
    if (n < 0 || n > INT64_MAX / size)
        return core_fail_status("tr_dataset_new: %s_shape %s is no shape of a sample (at most %d dims)", which, core_shape_text(&shape), TR_MAX_DIMS - 1);
    return n * size;
}

/* 0, or -1 with an error noted. */
static int check(tr_dataset_source *s, int64_t *input_bytes, int64_t *target_bytes)
{
    if (s->count < 0) return core_fail_status("tr_dataset_new: %lld samples", (long long)s->count);
    if (!s->read) return core_fail_status("tr_dataset_new: there is no read function");
    if (s->input_dtype == TR_DEFAULT_DTYPE) s->input_dtype = tr_get_default_dtype();
    if (s->target_dtype == TR_DEFAULT_DTYPE) s->target_dtype = tr_get_default_dtype();
    *input_bytes = sample_bytes("input", s->input_shape, s->input_dtype);
    *target_bytes = sample_bytes("target", s->target_shape, s->target_dtype);
    return *input_bytes < 0 || *target_bytes < 0 ? -1 : 0;
}

tr_dataset *(tr_dataset_new)(tr_dataset_source source)
{
    int64_t input_bytes = 0, target_bytes = 0;
    tr_dataset *d = NULL;
    if (check(&source, &input_bytes, &target_bytes) == 0) d = core_alloc(sizeof *d, "tr_dataset_new");
    if (!d) {
        if (source.release) source.release(source.data);
        return NULL;
    }
    d->source = source;
    d->input_bytes = input_bytes;
    d->target_bytes = target_bytes;
    return core_object_begin(&d->object, &dataset_class);
}

int data_read(const tr_dataset *d, int64_t i, void *input, void *target)
{
    int status = d->source.read(d->source.data, i, input, target);
    if (status < 0) return core_fail_status("read returned %d", status); /* unless it said more itself */
    return tr_error_stands() ? -1 : 0;
}

/* ---- a part of another dataset ---- */

typedef struct {
    tr_dataset *whole; /* keeps */
    int64_t first;
} part;

static int part_read(void *data, int64_t i, void *input, void *target)
{
    const part *p = data;
    return data_read(p->whole, p->first + i, input, target);
}

static void part_release(void *data)
{
    part *p = data;
    tr_dataset_drop(p->whole);
    core_free(p);
}

tr_dataset *(tr_dataset_part)(tr_dataset *d, int64_t first, int64_t count)
{
    if (!d) return core_null("tr_dataset_part");
    if (first < 0 || count < 0 || count > d->source.count - first)
        return core_fail("tr_dataset_part: %lld samples from %lld on, out of %lld", (long long)count, (long long)first, (long long)d->source.count);
    part *p = core_alloc(sizeof *p, "tr_dataset_part");
    if (!p) return NULL;
    *p = (part){tr_dataset_keep(d), first};
    tr_dataset_source source = d->source; /* shapes and types */
    source.count = count;
    source.read = part_read;
    source.release = part_release;
    source.data = p;
    return (tr_dataset_new)(source);
}

/* ---- asking and holding ---- */

int64_t tr_dataset_count(const tr_dataset *d) { return d ? d->source.count : -1; }
tr_shape tr_dataset_input_shape(const tr_dataset *d) { return d ? d->source.input_shape : (tr_shape){.ndim = -1}; }
tr_shape tr_dataset_target_shape(const tr_dataset *d) { return d ? d->source.target_shape : (tr_shape){.ndim = -1}; }

tr_dataset *tr_dataset_keep(tr_dataset *d)
{
    if (d) core_keep(&d->object);
    return d;
}

void tr_dataset_drop(tr_dataset *d)
{
    if (d) core_release(&d->object);
}
