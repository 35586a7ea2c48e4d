/* Copies: clone, contiguous, other types, other devices, and writing in place. */
#include "autograd/operands.h"
#include "autograd/say.h"

/* clone: y = x, row-major      dx = dy */
static void clone_derivative(autograd_node *n, tr_tensor *dy) { autograd_give(n, 0, dy); }
static tr_tensor *clone_sample(tr_tensor *const *x) { return (tr_clone)((tr_t)(x[0])); }
static const autograd_case clone_cases[] = {
    {"transposed", clone_sample, -1, 1, 1, {{2, {3, 4}}}},
    {0}};
const autograd_op autograd_clone = {"clone", "CloneBackward0", clone_derivative, clone_cases};

tr_tensor *(tr_clone)(tr_tensor *t)
{
    if (!t) return core_null("tr_clone");
    tr_tensor *y = core_tensor_new((tr_dtype)t->dtype, core_device_at(t), &t->shape, "tr_clone");
    if (!y || autograd_pointwise(KERNEL_COPY, (tr_dtype)t->dtype, y, &t, 1, 0) < 0) return NULL;
    return autograd_note(y, &autograd_clone, t, NULL, NULL, 0, NULL);
}

tr_tensor *(tr_contiguous)(tr_tensor *t)
{
    if (!t) return core_null("tr_contiguous");
    return core_row_major_tensor(t) ? t : (tr_clone)(t);
}

/* to: y = x in another type      dx = dy in x's type */
static void to_derivative(autograd_node *n, tr_tensor *dy)
{
    dy = autograd_whole(n);
    autograd_give(n, 0, dy ? (tr_to)(dy, (tr_dtype)n->args.n[0]) : NULL);
}
static tr_tensor *to_sample(tr_tensor *const *x) { return (tr_to)(x[0], TR_COMPLEX128); }
static tr_tensor *to_sample_real(tr_tensor *const *x) { return (tr_to)(to_sample(x), TR_FLOAT64); }
static const autograd_case to_cases[] = {
    {"there and back", to_sample_real, -1, 1, 1, {{1, {5}}}},
    {0}};
const autograd_op autograd_to = {"to", "ToCopyBackward0", to_derivative, to_cases};

tr_tensor *(tr_to)(tr_tensor *t, tr_dtype dtype)
{
    if (!t) return core_null("tr_to");
    if (!core_dtype_ok(dtype)) return core_fail("tr_to: %d is no element type", (int)dtype);
    if (t->dtype == dtype) return t;
    tr_tensor *y = core_tensor_new(dtype, core_device_at(t), &t->shape, "tr_to");
    if (!y || autograd_pointwise(KERNEL_COPY, dtype, y, &t, 1, 0) < 0) return NULL;
    if (core_dtype_category[dtype] < 2) return y; /* integers have no gradient */
    return autograd_note(y, &autograd_to, t, NULL, NULL, 0, &(autograd_args){.shape.ndim = -1, .shape_b.ndim = -1, .n = {t->dtype}});
}

/* to_device: the same values elsewhere      dx = dy, brought back */
static void to_device_derivative(autograd_node *n, tr_tensor *dy)
{
    autograd_give(n, 0, (tr_to_device)(dy, (tr_device){(tr_device_type)n->args.n[0], (int)n->args.n[1]}));
}
static tr_tensor *to_device_sample(tr_tensor *const *x) { return (tr_clone)((tr_to_device)((tr_to_device)(x[0], tr_cpu()), core_device_at(x[0]))); }
static const autograd_case to_device_cases[] = {
    {"there and back", to_device_sample, -1, 1, 1, {{1, {5}}}},
    {0}};
const autograd_op autograd_to_device = {"to_device", "ToCopyBackward0", to_device_derivative, to_device_cases};

/* y = source, both row-major. */
static int carry(tr_tensor *y, const tr_tensor *source)
{
    int64_t bytes = y->numel * core_dtype_bytes[y->dtype];
    tr_device from = core_device_at(source), to = core_device_at(y);
    if (to.type == TR_CPU) return core_receive(source, y->data, source->data, bytes);
    if (from.type == TR_CPU) return core_send(y, source->data);
    const core_there there = core_watched() ? core_there_copy(to, TR_LANE_OWN_) : (core_there){0};
    const int status = y->storage->device->across(to.index, y->data, from.index, source->data, bytes);
    core_there_copied(&there, "copy between devices", bytes);
    return status;
}

tr_tensor *(tr_to_device)(tr_tensor *t, tr_device device)
{
    if (!t) return core_null("tr_to_device");
    CORE_TOLD_AS("tr_to_device");
    tr_device from = core_device_at(t);
    if (from.type == device.type && from.index == device.index) return t;
    if (!(t->flags & CORE_NUMBER)) core_not_recorded("tr_to_device", "a copy between devices");
    tr_tensor *source = autograd_plain_copy(t, (tr_dtype)t->dtype);
    tr_tensor *y = source ? core_tensor_new((tr_dtype)t->dtype, device, &t->shape, "tr_to_device") : NULL;
    if (!y || carry(y, source) < 0) return NULL;
    return autograd_note(y, &autograd_to_device, t, NULL, NULL, 0, &(autograd_args){.shape.ndim = -1, .shape_b.ndim = -1, .n = {from.type, from.index}});
}

/* ---- out, into somebody's array ---- */

int(tr_to_data)(const tr_tensor *t, tr_dtype to, void *data)
{
    if (!t || (!data && t->numel)) return core_null_status("tr_to_data");
    if (!core_dtype_ok(to)) return core_fail_status("tr_to_data: %d is no element type", (int)to);
    core_value_leaves("tr_to_data");
    TR_SCOPE;
    TR_NO_GRAD;
    if (core_device_at(t).type != TR_CPU && !(t = (tr_to_device)((tr_tensor *)(uintptr_t)t, tr_cpu()))) return -1;
    tr_dtype from = (tr_dtype)t->dtype;
    if (core_row_major_tensor(t)) {
        core_convert(data, to, t->data, from, t->numel);
        return 0;
    }
    for (int64_t i = 0; i < t->numel; i++)
        core_convert((char *)data + i * core_dtype_bytes[to], to, (const char *)t->data + core_offset(t, i) * core_dtype_bytes[from], from, 1);
    return 0;
}

/* ---- in place ---- */

/* What a tensor was before it was written over: no gradient is another gradient than 0, to an optimiser that decays weights. */
static void give_zeros(autograd_node *n, const tr_tensor *dy)
{
    if (autograd_wants(n, 0)) autograd_give(n, 0, autograd_zeros(dy, &dy->shape));
}

/* copy_: to = from, converted and stretched      dfrom = dy, dto = 0 */
static void copy_derivative(autograd_node *n, tr_tensor *dy)
{
    dy = autograd_whole(n);
    if (dy) give_zeros(n, dy);
    if (dy && autograd_wants(n, 1)) autograd_give(n, 1, autograd_sum_to((tr_to)(dy, (tr_dtype)n->args.n[0]), &n->args.shape_b));
}
static tr_tensor *copy_sample(tr_tensor *const *x)
{
    tr_tensor *to = (tr_zeros)((tr_shape){
                                   2, {3, 4}},
                               (tr_tensor_options){.dtype = TR_FLOAT64, .device = core_device_at(x[0])});
    return (tr_copy_)(to, x[0]);
}
static const autograd_case copy_cases[] = {
    {"a row into a matrix", copy_sample, -1, 1, 1, {{1, {4}}}},
    {0}};
const autograd_op autograd_copy = {"copy_", "CopyBackwards", copy_derivative, copy_cases};

tr_tensor *(tr_copy_)(tr_tensor *to, tr_tensor *from)
{
    if (!to || !from) return core_null("tr_copy_");
    tr_shape shape;
    bool differentiable = core_dtype_category[to->dtype] >= 2; /* integers end the graph */
    if (autograd_writable(to, differentiable ? from : NULL, "tr_copy_") < 0) return NULL;
    if (!core_broadcast(&to->shape, &from->shape, &shape) || !core_same_shape(&shape, &to->shape))
        return core_fail("tr_copy_: %s does not fit into %s%s", core_show(from), core_show(to), autograd_say_mismatch(&to->shape, &from->shape));
    if (autograd_overlap(to, from)) from = (tr_clone)(from); /* read before written */
    if (from && !core_same_device(to, from)) from = (tr_to_device)(from, core_device_at(to));
    if (!from || autograd_pointwise(KERNEL_COPY, (tr_dtype)to->dtype, to, &from, 1, 0) < 0) return NULL;
    core_written(to);
    if (!differentiable) return to;
    return autograd_note(to, &autograd_copy, to, from, NULL, 0, &(autograd_args){.shape.ndim = -1, .shape_b = from->shape, .n = {from->dtype}});
}

/* fill_: to = number      dto = 0 */
static void fill_derivative(autograd_node *n, tr_tensor *dy) { give_zeros(n, dy); }
static tr_tensor *fill_sample(tr_tensor *const *x) { return (tr_add)((tr_fill_)((tr_clone)(x[0]), 2), x[0]); }
static const autograd_case fill_cases[] = {
    {"and used once more", fill_sample, -1, 1, 1, {{1, {4}}}},
    {0}};
static tr_tensor *zero_sample(tr_tensor *const *x) { return (tr_add)((tr_zero_)((tr_clone)(x[0])), x[0]); }
static const autograd_case zero_cases[] = {
    {"and used once more", zero_sample, -1, 1, 1, {{1, {4}}}},
    {0}};
const autograd_op autograd_fill = {"fill_", "FillBackward2", fill_derivative, fill_cases};
const autograd_op autograd_zero = {"zero_", "ZeroBackward0", fill_derivative, zero_cases};

static int write_real(tr_tensor *t, double value)
{
    if (!core_row_major_tensor(t) || !t->numel) return autograd_pointwise(KERNEL_FILL, (tr_dtype)t->dtype, t, NULL, 0, value);
    kernel_call call;
    autograd_begin_flat_(&call, KERNEL_FILL, (tr_dtype)t->dtype, t);
    call.number[0] = value;
    return autograd_run(&call, t, NULL, NULL, NULL);
}

int autograd_write(tr_tensor *t, const tr_scalar *value, const char *function)
{
    const int64_t in_double = INT64_C(1) << 53; /* up to here a double has every digit */
    bool long_one = value->kind == TR_INT64 && (value->whole > in_double || value->whole < -in_double);
    if (!long_one && value->kind != TR_COMPLEX128) return write_real(t, value->real);
    if (core_check_scalar(value, (tr_dtype)t->dtype, function) < 0) return -1;
    tr_tensor *number = long_one ? tr_integer_(value->whole) : tr_complex_number_(value->real, value->imag);
    if (number && !core_same_device(t, number)) number = (tr_to_device)(number, core_device_at(t));
    return number ? autograd_pointwise(KERNEL_COPY, (tr_dtype)t->dtype, t, &number, 1, 0) : -1;
}

static tr_tensor *fill(tr_tensor *t, const tr_scalar *value, const autograd_op *op, const char *function)
{
    if (!t) return core_null(function);
    bool free = core_row_major_tensor(t) && !autograd_on(t, NULL, NULL); /* nothing that a check could say */
    tr_tensor *elements = free ? t : autograd_elements_of(t, function);
    if (!elements || (!free && autograd_check_in_place(t, NULL, function) < 0) || autograd_write(elements, value, function) < 0) return NULL;
    core_written(t);
    if (free) return t;
    return autograd_note(t, op, t, NULL, NULL, 0, NULL);
}

tr_tensor *tr_fill_scalar_(tr_tensor *t, tr_scalar value) { return fill(t, &value, &autograd_fill, "tr_fill_"); }
tr_tensor *(tr_fill_)(tr_tensor *t, double value) { return fill(t, &(tr_scalar){.kind = TR_FLOAT64, .real = value}, &autograd_fill, "tr_fill_"); }

/* A few zeros that nobody notes, records or watches need no kernel: they are bytes of 0 in every type. */
static inline bool is_little(const tr_tensor *t)
{
    enum { FEW = 16 }; /* classes: up to a KiB */
    return t && t->size_class < FEW && (core_here()->grad_off || !autograd_tracked(t)) && !core_here()->recording && !core_watched();
}

tr_tensor *(tr_zero_)(tr_tensor *t)
{
    static const tr_scalar zero = {.kind = TR_FLOAT64};
    if (!is_little(t)) return fill(t, &zero, &autograd_zero, "tr_zero_");
    memset(t->data, 0, (size_t)(t->numel * core_dtype_bytes[t->dtype]));
    core_written(t);
    return t;
}
