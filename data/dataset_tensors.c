/* A dataset whose samples are the rows of two tensors. */
#include <string.h>
#include <trireme/data.h>
#include "core/memory.h"
#include "core/tensor.h"

typedef struct {
    tr_tensor *tensor; /* keeps */
    const char *rows;  /* its memory, so that a read looks at plain values only, which any thread may */
    int64_t row_bytes;
} column;

typedef struct {
    column inputs, targets;
} pair;

static void copy_row(const column *c, int64_t i, void *to)
{
    if (c->row_bytes) memcpy(to, c->rows + i * c->row_bytes, (size_t)c->row_bytes);
}

static int pair_read(void *data, int64_t i, void *input, void *target)
{
    const pair *p = data;
    copy_row(&p->inputs, i, input);
    copy_row(&p->targets, i, target);
    return 0;
}

static void pair_release(void *data)
{
    pair *p = data;
    tr_drop(p->inputs.tensor);
    tr_drop(p->targets.tensor);
    core_free(p);
}

static tr_shape shape_of_row(const tr_tensor *t)
{
    tr_shape all = tr_shape_of_tensor(t);
    return tr_shape_of(all.ndim - 1, all.size + 1);
}

/* 0, or -1 with an error noted. */
static int check(const char *which, const tr_tensor *t)
{
    if (tr_ndim(t) < 1) return core_fail_status("tr_dataset_tensors: %s have no dim 0 to count samples along", which);
    if (tr_device_of(t).type != TR_CPU) return core_fail_status("tr_dataset_tensors: %s are on %s, not on the CPU", which, tr_device_name(tr_device_of(t)));
    if (!tr_is_contiguous(t)) return core_fail_status("tr_dataset_tensors: %s %s are not row-major (tr_contiguous)", which, core_show(t));
    return 0;
}

static column column_of(tr_tensor *t)
{
    int64_t row_bytes = tr_shape_numel(shape_of_row(t)) * tr_dtype_size(tr_dtype_of(t));
    return (column){tr_keep(t), tr_data(t), row_bytes};
}

tr_dataset *(tr_dataset_tensors)(tr_tensor *inputs, tr_tensor *targets)
{
    if (!inputs || !targets) return core_null("tr_dataset_tensors");
    if (check("inputs", inputs) < 0 || check("targets", targets) < 0) return NULL;
    if (tr_size(inputs, 0) != tr_size(targets, 0))
        return core_fail("tr_dataset_tensors: inputs %s and targets %s: %lld and %lld samples",
                         core_show(inputs), core_show(targets), (long long)tr_size(inputs, 0), (long long)tr_size(targets, 0));
    pair *p = core_alloc(sizeof *p, "tr_dataset_tensors");
    if (!p) return NULL;
    *p = (pair){column_of(inputs), column_of(targets)};
    return (tr_dataset_new)((tr_dataset_source){
        .count = tr_size(inputs, 0),
        .input_shape = shape_of_row(inputs),
        .target_shape = shape_of_row(targets),
        .input_dtype = tr_dtype_of(inputs),
        .target_dtype = tr_dtype_of(targets),
        .read = pair_read,
        .release = pair_release,
        .data = p,
    });
}
