/* What is written through a view, seen by its base and by every other view.
 *
 *     y = base[1]; z = base.t();  y *= 2           the memory knows; the graph must learn:
 *
 *     base --> [select] --> y                      base --> [select] --> [mul] --+
 *     base --> [t] -------> z                      base ----------------------> [put] = base, from now on
 *                                                  [put] --> [take] = y,   [put] --> [take] = z
 *
 * put is the base with a window of it replaced, take is a window of the base; both see the base's memory as it lies, so
 * that a view is type, shape, strides and offset, however it came about: the parts of a complex number are a view of
 * every second real one, and their gradients lie likewise.  PyTorch calls them CopySlices and AsStridedBackward0.
 *
 *     take: y = x in the window               dx = 0 with dy in the window
 *     put:  y = x with z in the window        dx = dy with 0 in the window     dz = dy in the window */
#include "autograd/operands.h"

#include <string.h>

typedef struct {
    tr_shape base, view;
    int64_t base_stride[TR_MAX_DIMS], view_stride[TR_MAX_DIMS], bytes_on;
    tr_dtype base_type, view_type;
} window;

/* A window as a tensor, so that a node can keep it. */
static tr_tensor *window_kept(const window *w)
{
    tr_tensor *t = core_tensor_new(TR_UINT8, tr_cpu(), &(tr_shape){1, {(int64_t)sizeof *w}}, "window");
    if (t) memcpy(t->data, w, sizeof *w);
    return t;
}

static window window_of(const tr_tensor *view, const tr_tensor *base)
{
    window w = {.base = base->shape, .view = view->shape, .base_type = (tr_dtype)base->dtype, .view_type = (tr_dtype)view->dtype};
    memcpy(w.base_stride, base->stride, sizeof w.base_stride);
    memcpy(w.view_stride, view->stride, sizeof w.view_stride);
    w.bytes_on = (const char *)view->data - (const char *)base->data;
    return w;
}

static bool lies_like_base(const tr_tensor *x, const window *w)
{
    if (x->dtype != w->base_type) return false;
    for (int d = 0; d < x->shape.ndim; d++)
        if (x->shape.size[d] > 1 && x->stride[d] != w->base_stride[d]) return false;
    return true;
}

/* Fresh memory that lies like the base's, holding x, or zeros for NULL. */
static tr_tensor *lay_out(tr_tensor *x, const window *w, tr_dtype dtype, tr_device device)
{
    int64_t extent = 1;
    for (int d = 0; d < w->base.ndim; d++) extent = w->base.size[d] && extent ? extent + (w->base.size[d] - 1) * w->base_stride[d] : 0;
    tr_tensor *memory = core_tensor_new(dtype, device, &(tr_shape){1, {extent}}, "window");
    tr_tensor *y = memory ? core_tensor_alias(memory, &w->base, w->base_stride, 0, "window") : NULL;
    if (!y) return NULL;
    int status = x ? autograd_pointwise(KERNEL_COPY, dtype, y, &x, 1, 0) : autograd_pointwise(KERNEL_FILL, dtype, memory, NULL, 0, 0);
    return status < 0 ? NULL : y;
}

extern const autograd_op autograd_take, autograd_put;

static tr_tensor *put(tr_tensor *x, tr_tensor *z, const window *w)
{
    const tr_tensor *like = x ? x : z;
    tr_tensor *kept = like ? window_kept(w) : NULL;
    tr_tensor *y = kept ? lay_out(x, w, w->base_type, core_device_at(like)) : NULL;
    tr_tensor *part = y ? autograd_alias_as(y, w->view_type, &w->view, w->view_stride, w->bytes_on, "window") : NULL;
    if (!part || autograd_pointwise(z ? KERNEL_COPY : KERNEL_FILL, w->view_type, part, z ? &z : NULL, z ? 1 : 0, 0) < 0) return NULL;
    return autograd_note(y, &autograd_put, x, z, kept, AUTOGRAD_C, NULL);
}

static tr_tensor *take(tr_tensor *x, const window *w)
{
    tr_tensor *kept = x ? window_kept(w) : NULL;
    tr_tensor *laid = !kept || lies_like_base(x, w) ? x : lay_out(x, w, w->base_type, core_device_at(x));
    tr_tensor *y = kept && laid ? autograd_alias_as(laid, w->view_type, &w->view, w->view_stride, w->bytes_on, "window") : NULL;
    return autograd_note(y, &autograd_take, x, NULL, kept, AUTOGRAD_C, NULL);
}

static void take_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *kept = autograd_in(n, 2);
    if (!kept) return;
    window w;
    memcpy(&w, kept->data, sizeof w);
    for (int d = 0; d < w.view.ndim; d++) /* an expanded view shows one element several times */
        if (w.view_stride[d] == 0) w.view.size[d] = w.view.size[d] ? 1 : 0;
    autograd_give(n, 0, put(NULL, autograd_sum_to(dy, &w.view), &w));
}

static void put_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *kept = autograd_in(n, 2);
    if (!kept) return;
    window w;
    memcpy(&w, kept->data, sizeof w);
    if (autograd_wants(n, 0)) autograd_give(n, 0, put(dy, NULL, &w));
    if (autograd_wants(n, 1)) autograd_give(n, 1, take(dy, &w));
}

static tr_tensor *take_sample(tr_tensor *const *x)
{
    tr_tensor *base = (tr_clone)(x[0]), *view = (tr_t)((tr_slice)(base, 1, 1, TR_END, 2));
    return (tr_mul_)(base, tr_number_(2, TR_INT64)) ? view : NULL;
}
static tr_tensor *take_expanded_sample(tr_tensor *const *x)
{
    tr_tensor *base = (tr_clone)(x[0]), *view = (tr_expand)((tr_select)(base, 0, 1), (tr_shape){2, {3, 4}});
    return (tr_mul_)(base, tr_number_(2, TR_INT64)) ? view : NULL;
}
static tr_tensor *put_sample(tr_tensor *const *x)
{
    tr_tensor *base = (tr_clone)(x[0]);
    return (tr_mul_)((tr_t)((tr_slice)(base, 1, 1, TR_END, 2)), x[1]) ? base : NULL;
}
static const autograd_case take_cases[] = {
    {"odd columns, as rows", take_sample, -1, 1, 1, {{2, {3, 5}}}},
    {"a row, three times", take_expanded_sample, -1, 1, 1, {{2, {2, 4}}}},
    {0}};
static const autograd_case put_cases[] = {
    {"odd columns, as rows", put_sample, -1, 1, 2, {{2, {3, 5}}, {2, {2, 3}}}},
    {0}};
const autograd_op autograd_take = {"take", "AsStridedBackward0", take_derivative, take_cases};
const autograd_op autograd_put = {"put", "CopySlices", put_derivative, put_cases};

/* ---- the graph learns ---- */

/* Where the last element ends, in bytes from the base's first on. */
static int64_t end_of(const window *w)
{
    int64_t last = 0;
    for (int d = 0; d < w->view.ndim; d++) last += (w->view.size[d] - 1) * w->view_stride[d];
    return w->bytes_on + (last + 1) * core_dtype_bytes[w->view_type];
}

/* What was written lies elsewhere, and the view's history is still its own: rows filled one by one would otherwise cost
 * the square of their number. */
static bool untouched(const tr_tensor *view, const window *w, const window *written)
{
    return autograd_tracked(view) && (w->bytes_on >= end_of(written) || written->bytes_on >= end_of(w));
}

tr_tensor *autograd_tell_views(tr_tensor *written)
{
    tr_tensor *base = written->base ? written->base : written;
    window there = window_of(written, base);
    if (written->base) {
        tr_tensor *kept = window_kept(&there);
        if (!kept || !autograd_note_only(base, &autograd_put, base, written, kept, AUTOGRAD_C, NULL)) return NULL;
    }
    for (tr_tensor *view = base->views; view; view = view->next_view) {
        if (view->flags & CORE_REQUIRES_GRAD) continue; /* a leaf of its own */
        window w = window_of(view, base);
        if (untouched(view, &w, &there)) continue;
        tr_tensor *kept = window_kept(&w);
        if (!kept || !autograd_note_only(view, &autograd_take, base, NULL, kept, AUTOGRAD_C, NULL)) return NULL;
    }
    return written;
}
