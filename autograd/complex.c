/* Complex numbers in parts.  z = x + iy lies in memory as x, y: each part is a view of every second real number.
 *
 *     conj: y = x - iy     dz = conj dy          real: dz = dy          imag: dz = i dy
 *     complex: z = x + iy  dx = real dz, dy = imag dz                   view_as_real, view_as_complex: the same numbers
 *     abs:   y = |z|       dz = dy z / |z|, 0 at 0
 *     angle: y = arg z     dz = i dy z / |z|^2, 0 at 0 */
#include "autograd/operands.h"
#include "autograd/say.h"

#define ZERO tr_number_(0, TR_INT64)
#define ONE  tr_number_(1, TR_INT64)

static bool is_complex(const tr_tensor *t) { return core_dtype_category[t->dtype] == 3; }
static tr_dtype real_type(const tr_tensor *z) { return z->dtype == TR_COMPLEX64 ? TR_FLOAT32 : TR_FLOAT64; }
static tr_dtype complex_type(const tr_tensor *x) { return x->dtype == TR_FLOAT32 ? TR_COMPLEX64 : TR_COMPLEX128; }
static bool has_complex(const tr_tensor *x) { return x->dtype == TR_FLOAT32 || x->dtype == TR_FLOAT64; }

/* The real (0) or imaginary (1) parts, over the same memory. */
static tr_tensor *part(const tr_tensor *z, int which)
{
    int64_t stride[TR_MAX_DIMS];
    for (int d = 0; d < z->shape.ndim; d++) stride[d] = 2 * z->stride[d];
    return autograd_alias_as(z, real_type(z), &z->shape, stride, which * core_dtype_bytes[real_type(z)], "complex");
}

static tr_tensor *zeros_like(tr_tensor *t) { return (tr_zeros_like)(t, (tr_tensor_options){0}); }

static void conj_derivative(autograd_node *n, tr_tensor *dy) { autograd_give(n, 0, (tr_conj)(dy)); }
static void real_derivative(autograd_node *n, tr_tensor *dy) { autograd_give(n, 0, (tr_complex)(dy, zeros_like(dy))); }
static void imag_derivative(autograd_node *n, tr_tensor *dy) { autograd_give(n, 0, (tr_complex)(zeros_like(dy), dy)); }
static void view_as_real_derivative(autograd_node *n, tr_tensor *dy) { autograd_give(n, 0, (tr_view_as_complex)((tr_contiguous)(dy))); }
static void view_as_complex_derivative(autograd_node *n, tr_tensor *dy) { autograd_give(n, 0, (tr_view_as_real)(dy)); }
static void complex_derivative(autograd_node *n, tr_tensor *dz)
{
    if (autograd_wants(n, 0)) autograd_give(n, 0, (tr_real)(dz));
    if (autograd_wants(n, 1)) autograd_give(n, 1, (tr_imag)(dz));
}
static void abs_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *z = autograd_in(n, 0), *y = autograd_out(n);
    if (!z || !y) return;
    tr_tensor *zero = (tr_eq)((tr_detach)(y), ZERO), *safe = (tr_where)(zero, ONE, y);
    autograd_give(n, 0, (tr_mul)(z, (tr_div)((tr_where)(zero, ZERO, dy), safe)));
}
static void angle_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *z = autograd_in(n, 0);
    if (!z) return;
    if (!is_complex(z)) {
        autograd_give(n, 0, zeros_like(dy));
        return;
    }
    tr_tensor *length = (tr_abs)(z), *zero = length ? (tr_eq)((tr_detach)(length), ZERO) : NULL;
    tr_tensor *slope = zero ? (tr_div)((tr_where)(zero, ZERO, dy), (tr_square)((tr_where)(zero, ONE, length))) : NULL;
    autograd_give(n, 0, slope ? (tr_mul)(z, (tr_complex)(zeros_like(slope), slope)) : NULL);
}

static tr_tensor *cube(tr_tensor *const *x)
{
    tr_tensor *z = (tr_complex)(x[0], x[1]);
    return (tr_mul)((tr_conj)(z), (tr_mul)(z, z));
}
static tr_tensor *real_sample(tr_tensor *const *x) { return (tr_real)(cube(x)); }
static tr_tensor *imag_sample(tr_tensor *const *x) { return (tr_imag)(cube(x)); }
static tr_tensor *abs_sample(tr_tensor *const *x) { return (tr_abs)((tr_complex)(x[0], x[1])); }
static tr_tensor *angle_sample(tr_tensor *const *x) { return (tr_angle)((tr_complex)(x[0], x[1])); }
static tr_tensor *pairs_sample(tr_tensor *const *x) { return (tr_view_as_real)((tr_square)((tr_view_as_complex)(x[0]))); }
/* A part written over where the whole, and a part of the other, look on. */
static tr_tensor *written_sample(tr_tensor *const *x)
{
    tr_tensor *z = (tr_square)((tr_complex)(x[0], x[1])), *row = (tr_select)((tr_imag)(z), 0, 1);
    return (tr_mul_)((tr_real)(z), x[1]) && (tr_mul_)(row, row) ? (tr_view_as_real)((tr_mul)(z, z)) : NULL;
}
static const autograd_case real_cases[] = {
    {"of a product", real_sample, -1, 1, 2, {{2, {2, 3}}, {2, {2, 3}}}},
    {"written over", written_sample, -1, 1, 2, {{2, {2, 3}}, {2, {2, 3}}}},
    {0}};
static const autograd_case imag_cases[] = {
    {"of a product", imag_sample, -1, 1, 2, {{2, {2, 3}}, {2, {2, 3}}}},
    {0}};
static const autograd_case abs_cases[] = {
    {"of both parts", abs_sample, 0.5, 1, 2, {{1, {4}}, {1, {4}}}},
    {0}};
static const autograd_case angle_cases[] = {
    {"of both parts", angle_sample, -1, -0.5, 2, {{1, {4}}, {1, {4}}}},
    {0}};
static const autograd_case pairs_cases[] = {
    {"a square", pairs_sample, -1, 1, 1, {{2, {3, 2}}}},
    {0}};
const autograd_op autograd_conj = {"conj", "ConjBackward0", conj_derivative, imag_cases};
/* PyTorch makes real and imag by selecting from pairs, and prints them so. */
const autograd_op autograd_real = {"real", "SelectBackward0", real_derivative, real_cases};
const autograd_op autograd_imag = {"imag", "SelectBackward0", imag_derivative, imag_cases};
const autograd_op autograd_view_as_real = {"view_as_real", "ViewAsRealBackward0", view_as_real_derivative, pairs_cases};
const autograd_op autograd_view_as_complex = {"view_as_complex", "ViewAsComplexBackward0", view_as_complex_derivative, pairs_cases};
const autograd_op autograd_complex = {"complex", "ComplexBackward0", complex_derivative, real_cases};
const autograd_op autograd_abs_complex_op = {"abs", "AbsBackward0", abs_derivative, abs_cases};
const autograd_op autograd_angle = {"angle", "AngleBackward0", angle_derivative, angle_cases};

tr_tensor *(tr_conj)(tr_tensor *z)
{
    if (!z) return core_null("tr_conj");
    if (!is_complex(z)) return z;
    tr_tensor *y = core_tensor_new((tr_dtype)z->dtype, core_device_at(z), &z->shape, "tr_conj");
    if (!y || autograd_pointwise(KERNEL_COPY, (tr_dtype)z->dtype, y, &z, 1, 0) < 0) return NULL;
    tr_tensor *imaginary = part(y, 1);
    if (!imaginary || autograd_pointwise(KERNEL_neg, real_type(z), imaginary, &imaginary, 1, 0) < 0) return NULL;
    if (z->flags & CORE_NUMBER) core_tensor_is_number(y);
    return autograd_note(y, &autograd_conj, z, NULL, NULL, 0, NULL);
}

/* ---- views ---- */

tr_tensor *(tr_real)(tr_tensor *z)
{
    if (!z) return core_null("tr_real");
    return is_complex(z) ? autograd_view_noted(part(z, 0), z, &autograd_real, NULL) : z;
}

tr_tensor *(tr_imag)(tr_tensor *z)
{
    if (!z) return core_null("tr_imag");
    if (!is_complex(z)) return core_fail("tr_imag: %s: imag is not implemented for tensors with non-complex dtypes.", core_show(z));
    return autograd_view_noted(part(z, 1), z, &autograd_imag, NULL);
}

tr_tensor *(tr_view_as_real)(tr_tensor *z)
{
    if (!z) return core_null("tr_view_as_real");
    if (!is_complex(z)) return core_fail("tr_view_as_real: %s: view_as_real is only supported for complex tensors", core_show(z));
    if (z->shape.ndim == TR_MAX_DIMS) return core_fail("tr_view_as_real: %s has no room for one more dim", core_show(z));
    tr_shape shape = z->shape;
    int64_t stride[TR_MAX_DIMS];
    for (int d = 0; d < shape.ndim; d++) stride[d] = 2 * z->stride[d];
    stride[shape.ndim] = 1;
    shape.size[shape.ndim++] = 2;
    return autograd_view_noted(autograd_alias_as(z, real_type(z), &shape, stride, 0, "tr_view_as_real"), z, &autograd_view_as_real, NULL);
}

tr_tensor *(tr_view_as_complex)(tr_tensor *x)
{
    if (!x) return core_null("tr_view_as_complex");
    tr_shape shape = x->shape;
    int64_t stride[TR_MAX_DIMS];
    if (!has_complex(x)) return core_fail("tr_view_as_complex: %s: view_as_complex is only supported for float and double tensors, but got a tensor of scalar type: %s", core_show(x), autograd_say_type((tr_dtype)x->dtype));
    if (shape.ndim == 0 || shape.size[--shape.ndim] != 2) return core_fail("tr_view_as_complex: %s: Tensor must have a last dimension of size 2", core_show(x));
    if (x->stride[shape.ndim] != 1) return core_fail("tr_view_as_complex: %s: Tensor must have a last dimension with stride 1", core_show(x));
    for (int d = 0; d < shape.ndim; d++) {
        if (x->stride[d] % 2 && shape.size[d] > 1) return core_fail("tr_view_as_complex: %s: Tensor must have a stride divisible by 2 for all but last dimension", core_show(x));
        stride[d] = x->stride[d] / 2;
    }
    if ((uintptr_t)x->data % core_dtype_bytes[complex_type(x)] && x->numel) return core_fail("tr_view_as_complex: %s: Tensor must have a storage_offset divisible by 2", core_show(x));
    return autograd_view_noted(autograd_alias_as(x, complex_type(x), &shape, stride, 0, "tr_view_as_complex"), x, &autograd_view_as_complex, NULL);
}

/* ---- made of parts ---- */

tr_tensor *(tr_complex)(tr_tensor *x, tr_tensor *y)
{
    if (!x || !y) return core_null("tr_complex");
    bool fits = x->dtype == y->dtype && core_same_shape(&x->shape, &y->shape) && has_complex(x);
    if (!fits) return core_fail("tr_complex: %s and %s: both must be float32 or float64, of one shape", core_show(x), core_show(y));
    if (!autograd_one_device("tr_complex", x, y)) return NULL;
    tr_tensor *z = core_tensor_new(complex_type(x), core_device_at(x), &x->shape, "tr_complex");
    tr_tensor *real = z ? part(z, 0) : NULL, *imaginary = real ? part(z, 1) : NULL;
    if (!imaginary || autograd_pointwise(KERNEL_COPY, (tr_dtype)x->dtype, real, &x, 1, 0) < 0 || autograd_pointwise(KERNEL_COPY, (tr_dtype)x->dtype, imaginary, &y, 1, 0) < 0)
        return NULL;
    return autograd_note(z, &autograd_complex, x, y, NULL, 0, NULL);
}

tr_tensor *(tr_polar)(tr_tensor *length, tr_tensor *angle)
{
    if (!length || !angle) return core_null("tr_polar");
    bool fits = length->dtype == angle->dtype && core_same_shape(&length->shape, &angle->shape) && has_complex(length);
    if (!fits) return core_fail("tr_polar: %s and %s: both must be float32 or float64, of one shape", core_show(length), core_show(angle));
    tr_tensor *x = (tr_mul)(length, (tr_cos)(angle)), *y = (tr_mul)(length, (tr_sin)(angle));
    return x && y ? autograd_named((tr_complex)(x, y), "PolarBackward0") : NULL;
}

/* ---- length and direction ---- */

tr_tensor *autograd_abs_complex(tr_tensor *z)
{
    tr_tensor *y = core_tensor_new(real_type(z), core_device_at(z), &z->shape, "tr_abs");
    if (!y || autograd_pointwise(KERNEL_abs, (tr_dtype)z->dtype, y, &z, 1, 0) < 0) return NULL;
    return autograd_note(y, &autograd_abs_complex_op, z, NULL, NULL, AUTOGRAD_A | AUTOGRAD_Y | AUTOGRAD_CONJUGATES, NULL);
}

/* The imaginary part of a logarithm; of a real number 0 or pi. */
static tr_tensor *direction(tr_tensor *z)
{
    TR_SCOPE;
    TR_NO_GRAD;
    if (is_complex(z)) return tr_pass_up((tr_clone)((tr_imag)((tr_log)(z))));
    tr_tensor *x = core_dtype_category[z->dtype] < 2 ? (tr_to)(z, tr_get_default_dtype()) : z;
    tr_tensor *half_turn = x ? (tr_full)((tr_shape){0}, 3.14159265358979323846, (tr_tensor_options){.dtype = (tr_dtype)x->dtype, .device = core_device_at(x)}) : NULL;
    return tr_pass_up((tr_where)((tr_isnan)(x), x, (tr_where)((tr_lt)(x, ZERO), half_turn, ZERO)));
}

tr_tensor *(tr_angle)(tr_tensor *z)
{
    if (!z) return core_null("tr_angle");
    return autograd_note(direction(z), &autograd_angle, z, NULL, NULL, AUTOGRAD_A | AUTOGRAD_CONJUGATES, NULL);
}

tr_tensor *(tr_sgn)(tr_tensor *z)
{
    if (!z) return core_null("tr_sgn");
    if (!is_complex(z)) return (tr_sign)(z);
    tr_tensor *length = (tr_abs)(z), *zero = length ? (tr_eq)((tr_detach)(length), ZERO) : NULL;
    return zero ? autograd_named((tr_div)(z, (tr_where)(zero, ONE, length)), "SgnBackward0") : NULL;
}
