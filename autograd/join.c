/* cat and stack.      y = x_1 | x_2 | ...      dx_i = its part of dy */
#include "autograd/operands.h"
#include "autograd/say.h"

/* One dim and no elements: joins with any shape, and adds nothing to it. */
static bool is_nothing(const tr_tensor *t) { return t->shape.ndim == 1 && t->numel == 0; }
enum { NOTHING = -1 }; /* its length */

static tr_tensor *leader(tr_tensors tensors)
{
    int64_t i = 0;
    while (i < tensors.count - 1 && is_nothing(tensors.tensor[i])) i++;
    return tensors.tensor[i];
}

static void cat_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *lengths = autograd_in(n, 0);
    int64_t start = 0;
    for (int i = 0; lengths && i < n->inputs; i++) {
        int64_t length = ((const int64_t *)lengths->data)[i];
        if (autograd_wants(n, i)) autograd_give(n, i, length == NOTHING ? autograd_zeros(dy, &(tr_shape){1, {0}}) : (tr_narrow)(dy, (int)n->args.n[0], start, length));
        if (length > 0) start += length;
    }
}
static tr_tensor *cat_sample(tr_tensor *const *x) { return (tr_cat)((tr_tensors){x, 2}, 1); }
static tr_tensor *cat_sample_four(tr_tensor *const *x) { return (tr_cat)((tr_tensors){
                                                                             (tr_tensor *const[]){x[0], x[1], x[0], x[1]},
                                                                             4},
                                                                         0); }
static tr_tensor *stack_sample(tr_tensor *const *x) { return (tr_stack)((tr_tensors){x, 2}, -1); }
static const autograd_case cat_cases[] = {
    {"two", cat_sample, -1, 1, 2, {{2, {2, 3}}, {2, {2, 1}}}},
    {"four, of two", cat_sample_four, -1, 1, 2, {{2, {2, 3}}, {2, {1, 3}}}},
    {"stacked", stack_sample, -1, 1, 2, {{2, {2, 3}}, {2, {2, 3}}}},
    {0},
};
const autograd_op autograd_cat = {"cat", "CatBackward0", cat_derivative, cat_cases};
const autograd_op autograd_stack = {"stack", "StackBackward0", cat_derivative, cat_cases};

static const char *say_misfit(const tr_tensor *first, const tr_tensor *t, int dim, int64_t i)
{
    if (t->shape.ndim != first->shape.ndim) return core_text(": Tensors must have same number of dimensions: got %d and %d", first->shape.ndim, t->shape.ndim);
    int d = 0;
    while (d == dim || t->shape.size[d] == first->shape.size[d]) d++;
    return core_text(": Sizes of tensors must match except in dimension %d. Expected size %lld but got size %lld for tensor number %lld in the list.",
                     dim, (long long)first->shape.size[d], (long long)t->shape.size[d], (long long)i);
}

/* All but dim alike; the joined shape and type.  0, or -1 with an error noted. */
static int plan(const char *function, tr_tensors tensors, int dim, tr_shape *shape, tr_dtype *type)
{
    const tr_tensor *first = leader(tensors);
    *shape = first->shape;
    *type = (tr_dtype)first->dtype;
    shape->size[dim] = 0;
    for (int64_t i = 0; i < tensors.count; i++) {
        const tr_tensor *t = tensors.tensor[i];
        if (!autograd_one_device(function, first, t)) return -1;
        *type = tr_promote_types(*type, (tr_dtype)t->dtype);
        if (is_nothing(t)) continue;
        bool fits = t->shape.ndim == first->shape.ndim;
        for (int d = 0; d < shape->ndim && fits; d++) fits = d == dim || t->shape.size[d] == shape->size[d];
        if (!fits)
            return core_fail_status("%s: tensor %lld is %s, but the first is %s: all sizes except along dim %d must match%s", function, (long long)i, core_show(t), core_show(first), dim,
                                    say_misfit(first, t, dim, i));
        if (__builtin_add_overflow(shape->size[dim], t->shape.size[dim], &shape->size[dim])) return core_fail_status("%s: more than memory can hold", function);
    }
    return 0;
}

static int copy_part(tr_tensor *y, int dim, int64_t start, tr_tensor *x)
{
    tr_tensor *place = core_tensor_alias(y, &x->shape, y->stride, x->numel ? start * y->stride[dim] : 0, "tr_cat");
    return place ? autograd_pointwise(KERNEL_COPY, (tr_dtype)y->dtype, place, &x, 1, 0) : -1;
}

static tr_tensor *join(const char *function, tr_tensors tensors, int dim, const autograd_op *op)
{
    tr_shape shape;
    tr_dtype type;
    if (plan(function, tensors, dim, &shape, &type) < 0) return NULL;
    tr_tensor *y = core_tensor_new(type, core_device_at(leader(tensors)), &shape, function);
    tr_tensor *lengths = core_tensor_new(TR_INT64, tr_cpu(), &(tr_shape){1, {tensors.count}}, function);
    if (!y || !lengths) return NULL;
    int64_t start = 0;
    for (int64_t i = 0; i < tensors.count; i++) {
        tr_tensor *x = tensors.tensor[i];
        int64_t *length = (int64_t *)lengths->data + i;
        *length = is_nothing(x) ? NOTHING : x->shape.size[dim];
        if (*length == NOTHING) continue;
        if (copy_part(y, dim, start, x) < 0) return NULL;
        start += *length;
    }
    return autograd_note_many(y, op, tensors, lengths, &(autograd_args){.shape.ndim = -1, .shape_b.ndim = -1, .n = {dim}});
}

static bool some(const char *function, tr_tensors tensors)
{
    if (tensors.count < 1 || tensors.count > INT32_MAX || !tensors.tensor) {
        core_fail("%s: a list of %lld tensors", function, (long long)tensors.count);
        return false;
    }
    for (int64_t i = 0; i < tensors.count; i++)
        if (!tensors.tensor[i]) {
            core_null(function);
            return false;
        }
    return true;
}

/* Where types differ, each is converted first, so that its gradient is converted back. */
static tr_tensor *joined(const char *function, tr_tensors tensors, int dim, const autograd_op *op)
{
    tr_shape shape;
    tr_dtype type;
    if (plan(function, tensors, dim, &shape, &type) < 0) return NULL;
    bool alike = true;
    for (int64_t i = 0; i < tensors.count; i++) alike &= tensors.tensor[i]->dtype == type;
    if (alike) return join(function, tensors, dim, op);
    tr_tensor **same = core_scope_memory(tensors.count * (int64_t)sizeof(tr_tensor *), function);
    for (int64_t i = 0; same && i < tensors.count; i++)
        if (!(same[i] = (tr_to)(tensors.tensor[i], type))) return NULL;
    return same ? join(function, (tr_tensors){same, tensors.count}, dim, op) : NULL;
}

tr_tensor *(tr_cat)(tr_tensors tensors, int dim)
{
    if (!some("tr_cat", tensors)) return NULL;
    tr_tensor *first = leader(tensors);
    int d = is_nothing(first) ? 0 : first->shape.ndim ? autograd_dim("tr_cat", first, dim)
                                                      : -1;
    if (d < 0) return core_fail("tr_cat: %s has no dim %d", core_show(first), dim);
    return joined("tr_cat", tensors, d, &autograd_cat);
}

tr_tensor *(tr_stack)(tr_tensors tensors, int dim)
{
    if (!some("tr_stack", tensors)) return NULL;
    CORE_TOLD_AS("tr_stack");
    const tr_tensor *first = tensors.tensor[0];
    tr_tensor **columns = core_scope_memory(tensors.count * (int64_t)sizeof(tr_tensor *), "tr_stack");
    for (int64_t i = 0; columns && i < tensors.count; i++) {
        if (!core_same_shape(&tensors.tensor[i]->shape, &first->shape))
            return core_fail("tr_stack: stack expects each tensor to be equal size, but got %s at entry 0 and %s at entry %lld",
                             autograd_say_sizes(&first->shape), autograd_say_sizes(&tensors.tensor[i]->shape), (long long)i);
        if (!(columns[i] = (tr_unsqueeze)(tensors.tensor[i], dim))) return NULL;
    }
    return columns ? joined("tr_stack", (tr_tensors){columns, tensors.count}, dim < 0 ? dim + first->shape.ndim + 1 : dim, &autograd_stack) : NULL;
}
