/* The same elements elsewhere: flipped, rolled, repeated, split; and their running sums.
 *
 *     flip:   y_i = x_(n-1-i)              dx = flip dy
 *     roll:   y_(i+s mod n) = x_i          dx = dy rolled back
 *     repeat: y = x beside itself          dx = dy summed over the copies
 *     cumsum: y_i = x_0 + ... + x_i        dx_i = dy_i + ... + dy_(n-1) */
#include "autograd/autocast.h"
#include "autograd/operands.h"

static autograd_args numbers(int64_t a, int64_t b) { return (autograd_args){.shape.ndim = -1, .shape_b.ndim = -1, .n = {a, b}}; }

/* ---- flip ---- */

static void flip_derivative(autograd_node *n, tr_tensor *dy) { autograd_give(n, 0, (tr_flip)(dy, n->args.shape)); }
static tr_tensor *flip_sample(tr_tensor *const *x) { return (tr_flip)(x[0], (tr_shape){2, {0, -1}}); }
static const autograd_case flip_cases[] = {
    {"dims 0 and 2", flip_sample, -1, 1, 1, {{3, {2, 3, 4}}}},
    {0}};
const autograd_op autograd_flip = {"flip", "FlipBackward0", flip_derivative, flip_cases};

/* A view that walks backwards, for the copying kernel alone: no tensor of ours has a negative stride for long. */
tr_tensor *(tr_flip)(tr_tensor *x, tr_shape dims)
{
    if (!x) return core_null("tr_flip");
    int64_t stride[TR_MAX_DIMS], start = 0;
    bool turned[TR_MAX_DIMS] = {false};
    for (int d = 0; d < x->shape.ndim; d++) stride[d] = x->stride[d];
    if (dims.ndim < 0 || dims.ndim > TR_MAX_DIMS) return core_fail("tr_flip: no dims to turn %s around", core_show(x));
    for (int i = 0; i < dims.ndim; i++) {
        int d = autograd_dim("tr_flip", x, dims.size[i] < -TR_MAX_DIMS || dims.size[i] > TR_MAX_DIMS ? TR_MAX_DIMS : (int)dims.size[i]);
        if (d < 0) return NULL;
        if (turned[d]) return core_fail("tr_flip: dim %d is named twice", d);
        turned[d] = true;
        if (x->shape.ndim == 0 || x->numel == 0) continue;
        start += (x->shape.size[d] - 1) * x->stride[d];
        stride[d] = -x->stride[d];
    }
    tr_tensor *from = core_tensor_alias(x, &x->shape, stride, start, "tr_flip");
    tr_tensor *y = from ? core_tensor_new((tr_dtype)x->dtype, core_device_at(x), &x->shape, "tr_flip") : NULL;
    if (!y || autograd_pointwise(KERNEL_COPY, (tr_dtype)x->dtype, y, &from, 1, 0) < 0) return NULL;
    return autograd_note(y, &autograd_flip, x, NULL, NULL, 0, &(autograd_args){.shape = dims, .shape_b.ndim = -1});
}

/* ---- roll ---- */

static void roll_derivative(autograd_node *n, tr_tensor *dy) { autograd_give(n, 0, (tr_roll)(dy, -n->args.n[0], (int)n->args.n[1])); }
static tr_tensor *roll_sample(tr_tensor *const *x) { return (tr_roll)(x[0], -2, 1); }
static const autograd_case roll_cases[] = {
    {"back by 2", roll_sample, -1, 1, 1, {{2, {3, 5}}}},
    {0}};
const autograd_op autograd_roll = {"roll", "RollBackward0", roll_derivative, roll_cases};

tr_tensor *(tr_roll)(tr_tensor *x, int64_t shift, int dim)
{
    if (!x) return core_null("tr_roll");
    int d = autograd_dim("tr_roll", x, dim);
    if (d < 0) return NULL;
    if (x->shape.ndim == 0 || x->numel == 0) return (tr_clone)(x);
    int64_t n = x->shape.size[d], by = (shift % n + n) % n;
    tr_tensor *y = NULL;
    {
        TR_SCOPE;
        TR_NO_GRAD;
        tr_tensor *parts[2] = {(tr_narrow)(x, d, n - by, by), (tr_narrow)(x, d, 0, n - by)};
        y = tr_pass_up((tr_cat)((tr_tensors){parts, 2}, d));
    }
    autograd_args args = numbers(by, d);
    return autograd_note(y, &autograd_roll, x, NULL, NULL, 0, &args);
}

/* ---- repeat ---- */

static void repeat_derivative(autograd_node *n, tr_tensor *dy)
{
    const tr_shape *x = &n->args.shape, *times = &n->args.shape_b;
    for (int d = 0; d < times->ndim && dy; d++) {
        int64_t size = d < times->ndim - x->ndim ? 1 : x->size[d - (times->ndim - x->ndim)];
        if (times->size[d] == 1) continue;
        tr_shape apart = dy->shape; /* the copies along d as a dim before all others */
        apart.size[d] = size;
        tr_tensor *sum = NULL;
        if (times->size[d] == 0) sum = autograd_zeros(dy, &apart);
        for (int64_t i = 0; i < times->size[d]; i++) {
            tr_tensor *copy = (tr_narrow)(dy, d, i * size, size);
            if (!(sum = sum && copy ? (tr_add)(sum, copy) : copy)) return;
        }
        dy = sum;
    }
    autograd_give(n, 0, dy ? (tr_reshape)(dy, *x) : NULL);
}
static tr_tensor *repeat_sample(tr_tensor *const *x) { return (tr_repeat)(x[0], (tr_shape){3, {2, 1, 3}}); }
static const autograd_case repeat_cases[] = {
    {"a matrix to three dims", repeat_sample, -1, 1, 1, {{2, {2, 3}}}},
    {0}};
const autograd_op autograd_repeat = {"repeat", "RepeatBackward0", repeat_derivative, repeat_cases};

tr_tensor *(tr_repeat)(tr_tensor *x, tr_shape times)
{
    if (!x) return core_null("tr_repeat");
    int ahead = times.ndim - x->shape.ndim;
    tr_shape shape = times, start = times;
    bool good = ahead >= 0 && times.ndim <= TR_MAX_DIMS;
    for (int d = 0; d < times.ndim && good; d++) {
        start.size[d] = d < ahead ? 1 : x->shape.size[d - ahead];
        good = times.size[d] >= 0 && !__builtin_mul_overflow(start.size[d], times.size[d], &shape.size[d]);
    }
    if (!good) return core_fail("tr_repeat: %s cannot be repeated %s times", core_show(x), core_shape_text(&times));
    tr_tensor *y = core_tensor_new((tr_dtype)x->dtype, core_device_at(x), &shape, "tr_repeat");
    if (!y) return NULL;
    if (y->numel) {
        TR_SCOPE;
        TR_NO_GRAD;
        tr_tensor *part = (tr_reshape)(x, start);
        for (int64_t i = 0, copies = y->numel / x->numel; part && i < copies; i++) { /* copy i of x into its place */
            int64_t offset = 0, left = i;
            for (int d = times.ndim - 1; d >= 0; left /= times.size[d], d--) offset += left % times.size[d] * start.size[d] * y->stride[d];
            tr_tensor *place = core_tensor_alias(y, &start, y->stride, offset, "tr_repeat");
            if (!place || autograd_pointwise(KERNEL_COPY, (tr_dtype)y->dtype, place, &part, 1, 0) < 0) return NULL;
        }
        if (!part) return NULL;
    }
    return autograd_note(y, &autograd_repeat, x, NULL, NULL, 0, &(autograd_args){.shape = x->shape, .shape_b = times});
}

/* ---- split, chunk: views side by side ---- */

int64_t(tr_split)(tr_tensor *x, int64_t length, int dim, tr_tensor **parts, int64_t room)
{
    if (!x || !parts) return core_null_status("tr_split");
    int d = x->shape.ndim ? autograd_dim("tr_split", x, dim) : -1;
    if (d < 0) return core_fail_status("tr_split: %s has no dim %d", core_show(x), dim);
    int64_t n = x->shape.size[d];
    if (length < 0 || (length == 0 && n)) return core_fail_status("tr_split: parts of %lld elements", (long long)length);
    int64_t count = n ? (n - 1) / length + 1 : 1;
    if (count > room) return core_fail_status("tr_split: %s has %lld parts of %lld along dim %d, but there is room for %lld", core_show(x), (long long)count, (long long)length, dim, (long long)room);
    for (int64_t i = 0; i < count; i++)
        if (!(parts[i] = autograd_named((tr_narrow)(x, d, i * length, n - i * length < length ? n - i * length : length), "SplitBackward0"))) return -1;
    return count;
}

int64_t(tr_chunk)(tr_tensor *x, int64_t chunks, int dim, tr_tensor **parts)
{
    if (!x || !parts) return core_null_status("tr_chunk");
    int d = x->shape.ndim ? autograd_dim("tr_chunk", x, dim) : -1;
    if (d < 0) return core_fail_status("tr_chunk: %s has no dim %d", core_show(x), dim);
    if (chunks < 1) return core_fail_status("tr_chunk: %lld chunks", (long long)chunks);
    int64_t n = x->shape.size[d];
    if (n) return (tr_split)(x, (n - 1) / chunks + 1, d, parts, chunks);
    for (int64_t i = 0; i < chunks; i++)
        if (!(parts[i] = autograd_named((tr_narrow)(x, d, 0, 0), "SplitBackward0"))) return -1;
    return chunks;
}

/* ---- cumsum ---- */

static void cumsum_derivative(autograd_node *n, tr_tensor *dy)
{
    int d = (int)n->args.n[0];
    tr_shape turned = {1, {d}};
    autograd_give(n, 0, (tr_flip)((tr_cumsum)((tr_flip)(dy, turned), d), turned));
}
static tr_tensor *cumsum_sample(tr_tensor *const *x) { return (tr_cumsum)(x[0], 1); }
static const autograd_case cumsum_cases[] = {
    {"middle dim", cumsum_sample, -1, 1, 1, {{3, {2, 4, 3}}}},
    {0}};
const autograd_op autograd_cumsum = {"cumsum", "CumsumBackward0", cumsum_derivative, cumsum_cases};

tr_tensor *(tr_cumsum)(tr_tensor *x, int dim)
{
    x = autograd_wide(x);
    if (!x) return core_null("tr_cumsum");
    int d = autograd_dim("tr_cumsum", x, dim);
    if (d < 0) return NULL;
    tr_dtype type = core_dtype_category[x->dtype] < 2 ? TR_INT64 : (tr_dtype)x->dtype;
    tr_tensor *dense = autograd_plain_copy(x, type);
    tr_tensor *y = dense ? core_tensor_new(type, core_device_at(x), &x->shape, "tr_cumsum") : NULL;
    if (!y) return NULL;
    kernel_call call = {.kernel = KERNEL_CUMSUM, .type = (uint8_t)type, .n = y->numel, .at = {y->data, dense->data}};
    autograd_around(&x->shape, d, call.size);
    if (y->numel && autograd_run(&call, y, dense, NULL, NULL) < 0) return NULL;
    autograd_args args = numbers(d, 0);
    return autograd_note(y, &autograd_cumsum, x, NULL, NULL, 0, &args);
}
