/* Pointwise operations of one operand: kernels/pointwise.def read as operations.
 *
 *     y = f(x)      dx = dy f'(x, y), of complex numbers dy times the conjugate
 *
 * A row is read three times here: its derivative as the set of what must be saved, its value as a number's type, and its
 * derivative in the graph's words.  Where the derivative is not differentiated itself, the row's fused kernel does product and f' in one pass. */
#include <math.h>
#include <stdlib.h>
#include "autograd/autocast.h"
#include "autograd/operands.h"

typedef struct {
    const char *function; /* "tr_exp" */
    int kernel;
    unsigned saves;
    bool floats;  /* an integer's value is no integer */
    bool complex; /* serves complex numbers */
} row;

/* The rows whose operand is float32 at least under TR_AUTOCAST. */
#define BIT(name) (UINT64_C(1) << KERNEL_##name / 2)
static const uint64_t is_wide = BIT(exp) | BIT(expm1) | BIT(log) | BIT(log1p) | BIT(log2) | BIT(log10) | BIT(reciprocal) | BIT(tan) |
                                BIT(asin) | BIT(acos) | BIT(sinh) | BIT(cosh) | BIT(softplus);
#undef BIT

static tr_tensor *apply(const row *r, const autograd_op *op, tr_tensor *x)
{
    if (r->kernel < KERNEL_ADD && is_wide >> r->kernel / 2 & 1) x = autograd_wide(x);
    if (!x) return core_null(r->function);
    tr_dtype type = (tr_dtype)x->dtype;
    if (r->kernel == KERNEL_abs && core_dtype_category[type] == 3) return autograd_abs_complex(x);
    if (!r->complex && autograd_no_complex(r->function, x)) return NULL;
    if (core_dtype_category[type] < 2) {
        if (type == TR_BOOL && r->kernel == KERNEL_sign) return (tr_clone)(x);
        if (type == TR_BOOL && r->kernel == KERNEL_square) type = TR_INT64; /* x ** 2 by a whole number */
        if (r->floats) type = tr_get_default_dtype();
        x = (tr_to)(x, type);
    }
    tr_tensor *y = x ? core_tensor_like(x, type, r->function) : NULL;
    if (!y || autograd_flat(r->kernel, type, y, x, NULL, NULL) < 0) return NULL;
    return autograd_note(y, op, x, NULL, NULL, r->saves | AUTOGRAD_CONJUGATES, NULL);
}

static tr_tensor *fused(int kernel, tr_tensor *dy, tr_tensor *x, tr_tensor *y)
{
    tr_tensor *dx = autograd_dies(dy) ? dy : core_tensor_like(dy, (tr_dtype)dy->dtype, "backward");
    return dx && autograd_flat(kernel, (tr_dtype)dy->dtype, dx, dy, x, y) == 0 ? dx : NULL;
}

/* ---- what each row saves, and whether complex numbers have it ---- */
#include "kernels/words_uses.h"
enum {
#define x 1u
#define y 2u
#define ROW(name, value, derivative, ...)                           \
 name##_complex = !(USES_(value) & USES_REAL),                      \
 name##_chooses = (USES_(derivative) & USES_CHOICE) != 0,           \
 name##_uses = USES_(derivative) & (KERNEL_USES_X | KERNEL_USES_Y), \
 name##_saves = (name##_uses & KERNEL_USES_X ? AUTOGRAD_A : 0) | (name##_uses & KERNEL_USES_Y ? AUTOGRAD_Y : 0),
#include "kernels/pointwise.def"
#undef ROW
#undef x
#undef y
};
#include "kernels/words_undo.h"

/* ---- whether each row makes floating numbers of integers ---- */
#include "autograd/words_kind.h"
enum {
#define x                     1
#define ROW(name, value, ...) name##_floats = KIND_FLOATS_(value),
#include "kernels/pointwise.def"
#undef ROW
#undef x
};
#include "kernels/words_undo.h"

/* ---- the derivatives, in the graph's words ---- */

/* A condition of y is relu's; without one it is true everywhere, as of functions that are flat. */
static tr_tensor *where_true(tr_tensor *condition, tr_tensor *dy, tr_tensor *y)
{
    return y ? autograd_named(autograd_bent(condition, dy, NULL, y), "ThresholdBackwardBackward0") : autograd_zeros(dy, &dy->shape);
}

#include "autograd/words_graph.h"
#define ROW(name, value, derivative, ...)                                               \
 static void name##_derivative(autograd_node *n, tr_tensor *dy)                         \
 {                                                                                      \
  tr_tensor *x = name##_saves & AUTOGRAD_A ? autograd_in(n, 0) : NULL;                  \
  tr_tensor *y = name##_saves & AUTOGRAD_Y ? autograd_out(n) : NULL;                    \
  if (!x != !(name##_saves & AUTOGRAD_A) || !y != !(name##_saves & AUTOGRAD_Y)) return; \
  if (autograd_plain() && core_dtype_category[dy->dtype] != 3)                          \
   autograd_give(n, 0, fused(KERNEL_##name##_backward, dy, x, y));                      \
  else if (name##_chooses)                                                              \
   autograd_give(n, 0, where_true(TR_T(derivative), dy, y));                            \
  else                                                                                  \
   autograd_give(n, 0, mul(dy, (tr_conj)(TR_T(derivative))));                           \
 }
#include "kernels/pointwise.def"
#undef ROW

/* ---- the operations ---- */
/* clang-format off */
#define ROW(name, value, derivative, grad, low, high)                                               \
 static tr_tensor *name##_sample(tr_tensor *const *x) { return (tr_##name)(x[0]); }                 \
 static tr_tensor *name##_complex_sample(tr_tensor *const *x) { return (tr_view_as_real)((tr_##name)((tr_complex)(x[0], x[1]))); } \
 static const autograd_case name##_cases[] = {                                                      \
     {"a vector", name##_sample, low, high, 1, {{1, {7}}}},                                         \
     {"a scalar", name##_sample, low, high, 1, {{0}}},                                              \
     {"complex numbers", name##_complex ? name##_complex_sample : NULL, low, high, 2, {{1, {3}}, {1, {3}}}}, \
     {0}};                                                                                          \
 const autograd_op autograd_##name = {#name, #grad "Backward0", name##_derivative, name##_cases};   \
 static const row name##_row = {"tr_" #name, KERNEL_##name, name##_saves, name##_floats, name##_complex};           \
 tr_tensor *(tr_##name)(tr_tensor *x) { return apply(&name##_row, &autograd_##name, x); }
/* clang-format on */
#include "kernels/pointwise.def"
#undef ROW
