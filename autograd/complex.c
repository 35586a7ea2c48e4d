/* Complex numbers in parts.  z = x + iy lies in memory as x, y: each part is a view of every second real number.
 *
 *     conj: y = x - iy     dz = conj dy          real: dz = dy          imag: dz = i dy
 *     complex: z = x + iy  dx = real dz, dy = imag dz
 *     abs:  y = |z|        dz = dy z / |z|, 0 at 0 */
#include "autograd/operands.h"

static bool is_complex(const tr_tensor *t) { return core_dtype_category[t->dtype] == 3; }
static tr_dtype real_type(const tr_tensor *z) { return z->dtype == TR_COMPLEX64 ? TR_FLOAT32 : TR_FLOAT64; }

/* The real (0) or imaginary (1) parts, over the same memory. */
static tr_tensor *part(const tr_tensor *z, int which)
{
    int64_t stride[TR_MAX_DIMS];
    for (int d = 0; d < z->shape.ndim; d++) stride[d] = 2 * z->stride[d];
    tr_tensor *t = core_tensor_alias(z, &z->shape, stride, 0, "complex");
    if (!t) return NULL;
    t->dtype = (uint8_t)real_type(z);
    t->data = (char *)z->data + which * core_dtype_bytes[t->dtype];
    return t;
}

/* A part of z as row-major memory of its own. */
static tr_tensor *part_copied(const tr_tensor *z, int which, const char *function)
{
    tr_tensor *from = part(z, which), *y = from ? core_tensor_new(real_type(z), core_device_at(z), &z->shape, function) : NULL;
    return y && autograd_pointwise(KERNEL_COPY, real_type(z), y, &from, 1, 0) == 0 ? y : NULL;
}

static void conj_derivative(autograd_node *n, tr_tensor *dy) { autograd_give(n, 0, (tr_conj)(dy)); }
static void real_derivative(autograd_node *n, tr_tensor *dy) { autograd_give(n, 0, (tr_complex)(dy, (tr_zeros_like)(dy, (tr_tensor_options){0}))); }
static void imag_derivative(autograd_node *n, tr_tensor *dy) { autograd_give(n, 0, (tr_complex)((tr_zeros_like)(dy, (tr_tensor_options){0}), dy)); }
static void complex_derivative(autograd_node *n, tr_tensor *dz)
{
    if (autograd_wants(n, 0)) autograd_give(n, 0, (tr_real)(dz));
    if (autograd_wants(n, 1)) autograd_give(n, 1, (tr_imag)(dz));
}
static void abs_derivative(autograd_node *n, tr_tensor *dy)
{
    tr_tensor *z = autograd_in(n, 0), *y = autograd_out(n);
    if (!z || !y) return;
    tr_tensor *nothing = tr_number_(0, TR_INT64), *zero = (tr_eq)((tr_detach)(y), nothing);
    tr_tensor *safe = (tr_where)(zero, tr_number_(1, TR_INT64), y);
    autograd_give(n, 0, (tr_mul)(z, (tr_div)((tr_where)(zero, nothing, dy), safe)));
}

static tr_tensor *cube(tr_tensor *const *x)
{
    tr_tensor *z = (tr_complex)(x[0], x[1]);
    return (tr_mul)((tr_conj)(z), (tr_mul)(z, z));
}
static tr_tensor *real_sample(tr_tensor *const *x) { return (tr_real)(cube(x)); }
static tr_tensor *imag_sample(tr_tensor *const *x) { return (tr_imag)(cube(x)); }
static tr_tensor *abs_sample(tr_tensor *const *x) { return (tr_abs)((tr_complex)(x[0], x[1])); }
static const autograd_case real_cases[] = {
    {"of a product", real_sample, -1, 1, 2, {{2, {2, 3}}, {2, {2, 3}}}},
    {0}};
static const autograd_case imag_cases[] = {
    {"of a product", imag_sample, -1, 1, 2, {{2, {2, 3}}, {2, {2, 3}}}},
    {0}};
static const autograd_case abs_cases[] = {
    {"of both parts", abs_sample, 0.5, 1, 2, {{1, {4}}, {1, {4}}}},
    {0}};
const autograd_op autograd_conj = {"conj", "ConjBackward0", conj_derivative, imag_cases};
const autograd_op autograd_real = {"real", "RealBackward0", real_derivative, real_cases};
const autograd_op autograd_imag = {"imag", "ImagBackward0", imag_derivative, imag_cases};
const autograd_op autograd_complex = {"complex", "ComplexBackward0", complex_derivative, real_cases};
const autograd_op autograd_abs_complex_op = {"abs", "AbsBackward0", abs_derivative, abs_cases};

tr_tensor *(tr_conj)(tr_tensor *z)
{
    if (!z) return core_null("tr_conj");
    if (!is_complex(z)) return z;
    tr_tensor *y = core_tensor_new((tr_dtype)z->dtype, core_device_at(z), &z->shape, "tr_conj");
    if (!y || autograd_pointwise(KERNEL_COPY, (tr_dtype)z->dtype, y, &z, 1, 0) < 0) return NULL;
    tr_tensor *imaginary = part(y, 1);
    if (!imaginary || autograd_pointwise(KERNEL_neg, real_type(z), imaginary, &imaginary, 1, 0) < 0) return NULL;
    return autograd_note(y, &autograd_conj, z, NULL, NULL, 0, NULL);
}

tr_tensor *(tr_real)(tr_tensor *z)
{
    if (!z) return core_null("tr_real");
    return is_complex(z) ? autograd_note(part_copied(z, 0, "tr_real"), &autograd_real, z, NULL, NULL, 0, NULL) : z;
}

tr_tensor *(tr_imag)(tr_tensor *z)
{
    if (!z) return core_null("tr_imag");
    if (!is_complex(z)) return core_fail("tr_imag: %s: imag is not implemented for tensors with non-complex dtypes.", core_show(z));
    return autograd_note(part_copied(z, 1, "tr_imag"), &autograd_imag, z, NULL, NULL, 0, NULL);
}

tr_tensor *(tr_complex)(tr_tensor *x, tr_tensor *y)
{
    if (!x || !y) return core_null("tr_complex");
    bool fits = x->dtype == y->dtype && core_same_shape(&x->shape, &y->shape) && (x->dtype == TR_FLOAT32 || x->dtype == TR_FLOAT64);
    if (!fits) return core_fail("tr_complex: %s and %s: both must be float32 or float64, of one shape", core_show(x), core_show(y));
    if (!autograd_one_device("tr_complex", x, y)) return NULL;
    tr_tensor *z = core_tensor_new(x->dtype == TR_FLOAT32 ? TR_COMPLEX64 : TR_COMPLEX128, core_device_at(x), &x->shape, "tr_complex");
    tr_tensor *real = z ? part(z, 0) : NULL, *imaginary = real ? part(z, 1) : NULL;
    if (!imaginary || autograd_pointwise(KERNEL_COPY, (tr_dtype)x->dtype, real, &x, 1, 0) < 0 || autograd_pointwise(KERNEL_COPY, (tr_dtype)x->dtype, imaginary, &y, 1, 0) < 0)
        return NULL;
    return autograd_note(z, &autograd_complex, x, y, NULL, 0, NULL);
}

/* m sqrt((x/m)^2 + (y/m)^2), m the larger of |x| and |y|: no overflow on the way. */
static tr_tensor *length(tr_tensor *z)
{
    TR_SCOPE;
    TR_NO_GRAD;
    tr_tensor *x = (tr_abs)(part(z, 0)), *y = (tr_abs)(part(z, 1)), *most = (tr_maximum)(x, y);
    tr_tensor *safe = most ? (tr_where)((tr_eq)(most, tr_number_(0, TR_INT64)), tr_number_(1, TR_INT64), most) : NULL;
    return tr_pass_up((tr_mul)(most, (tr_sqrt)((tr_add)((tr_square)((tr_div)(x, safe)), (tr_square)((tr_div)(y, safe))))));
}

tr_tensor *autograd_abs_complex(tr_tensor *z) { return autograd_note(length(z), &autograd_abs_complex_op, z, NULL, NULL, AUTOGRAD_A | AUTOGRAD_Y | AUTOGRAD_CONJUGATES, NULL); }
