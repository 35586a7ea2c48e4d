/* Operations on tensors.  All are differentiable where mathematics allows, broadcast as in PyTorch, promote types as in
 * PyTorch, and return a tensor that belongs to the open scope, or NULL with an error standing.  Given NULL they return
 * NULL.  A plain C number, complex ones included, may stand wherever a tensor is asked for in the macros of binary
 * operations: tr_add(x, 1); as in PyTorch it does not decide the result's type, or no more of it than that it is complex.
 *
 * Derivatives stand beside the operations in autograd/ and, for the pointwise ones, in kernels/pointwise.def. */
#ifndef TRIREME_OPS_H
#define TRIREME_OPS_H

#include <trireme/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- pointwise, two operands ---- */
TR_API tr_tensor *(tr_add)(tr_tensor *a, tr_tensor *b);
TR_API tr_tensor *(tr_sub)(tr_tensor *a, tr_tensor *b);
TR_API tr_tensor *(tr_mul)(tr_tensor *a, tr_tensor *b);
TR_API tr_tensor *(tr_div)(tr_tensor *a, tr_tensor *b); /* true division: integers give the default type */
TR_API tr_tensor *(tr_pow)(tr_tensor *a, tr_tensor *b);
TR_API tr_tensor *(tr_maximum)(tr_tensor *a, tr_tensor *b); /* NaN if either is; ties share the gradient */
TR_API tr_tensor *(tr_minimum)(tr_tensor *a, tr_tensor *b);

/* Division that rounds.  An integer divided by zero is an error. */
TR_API tr_tensor *(tr_floor_divide)(tr_tensor *a, tr_tensor *b); /* the whole number below a / b; no gradient */
TR_API tr_tensor *(tr_remainder)(tr_tensor *a, tr_tensor *b);    /* a - b floor(a / b): b's sign, as Python's % */
TR_API tr_tensor *(tr_fmod)(tr_tensor *a, tr_tensor *b);         /* a - b trunc(a / b): a's sign, as C's % */

/* min(max(x, low), high): NaN stays NaN, the gradient passes at both edges.  NULL for a bound means none: tr_clamp(x, NULL, 6). */
TR_API tr_tensor *(tr_clamp)(tr_tensor *x, tr_tensor *low, tr_tensor *high);
TR_API tr_tensor *(tr_clamp_min)(tr_tensor *x, tr_tensor *low);
TR_API tr_tensor *(tr_clamp_max)(tr_tensor *x, tr_tensor *high);

/* ---- truth: bool, no gradient; what is not 0 is true ---- */
TR_API tr_tensor *(tr_logical_and)(tr_tensor *a, tr_tensor *b);
TR_API tr_tensor *(tr_logical_or)(tr_tensor *a, tr_tensor *b);
TR_API tr_tensor *(tr_logical_xor)(tr_tensor *a, tr_tensor *b);
TR_API tr_tensor *(tr_logical_not)(tr_tensor *x);
TR_API tr_tensor *(tr_isnan)(tr_tensor *x);
TR_API tr_tensor *(tr_isinf)(tr_tensor *x);
TR_API tr_tensor *(tr_isfinite)(tr_tensor *x);

/* ---- comparisons: bool, no gradient ---- */
TR_API tr_tensor *(tr_eq)(tr_tensor *a, tr_tensor *b);
TR_API tr_tensor *(tr_ne)(tr_tensor *a, tr_tensor *b);
TR_API tr_tensor *(tr_lt)(tr_tensor *a, tr_tensor *b);
TR_API tr_tensor *(tr_le)(tr_tensor *a, tr_tensor *b);
TR_API tr_tensor *(tr_gt)(tr_tensor *a, tr_tensor *b);
TR_API tr_tensor *(tr_ge)(tr_tensor *a, tr_tensor *b);

/* condition (bool) ? a : b, all three broadcast together. */
TR_API tr_tensor *(tr_where)(tr_tensor *condition, tr_tensor *a, tr_tensor *b);

/* |a - b| <= atol + rtol |b| everywhere; NaN equals nothing.  1, 0, or -1 with an error standing.
 * Zero options mean PyTorch's rtol 1e-5 and atol 1e-8. */
typedef struct {
    double rtol, atol;
    bool equal_nan;
    char reserved_;
} tr_allclose_options;
TR_API int(tr_allclose)(tr_tensor *a, tr_tensor *b, tr_allclose_options options);

/* ---- pointwise, one operand: the rows of kernels/pointwise.def ---- */
TR_API tr_tensor *(tr_neg)(tr_tensor *x);
TR_API tr_tensor *(tr_abs)(tr_tensor *x);
TR_API tr_tensor *(tr_sign)(tr_tensor *x); /* -1, 0 or 1; 0 of NaN */
TR_API tr_tensor *(tr_square)(tr_tensor *x);
TR_API tr_tensor *(tr_sqrt)(tr_tensor *x);
TR_API tr_tensor *(tr_reciprocal)(tr_tensor *x);
TR_API tr_tensor *(tr_exp)(tr_tensor *x);
TR_API tr_tensor *(tr_log)(tr_tensor *x);
TR_API tr_tensor *(tr_sin)(tr_tensor *x);
TR_API tr_tensor *(tr_cos)(tr_tensor *x);
TR_API tr_tensor *(tr_tanh)(tr_tensor *x);
TR_API tr_tensor *(tr_sigmoid)(tr_tensor *x);
TR_API tr_tensor *(tr_relu)(tr_tensor *x); /* NaN stays NaN; derivative 0 at 0 */
TR_API tr_tensor *(tr_floor)(tr_tensor *x);
TR_API tr_tensor *(tr_ceil)(tr_tensor *x);
TR_API tr_tensor *(tr_round)(tr_tensor *x); /* halves to the even neighbour */
TR_API tr_tensor *(tr_trunc)(tr_tensor *x);
TR_API tr_tensor *(tr_log1p)(tr_tensor *x);
TR_API tr_tensor *(tr_expm1)(tr_tensor *x);
TR_API tr_tensor *(tr_log2)(tr_tensor *x);
TR_API tr_tensor *(tr_log10)(tr_tensor *x);
TR_API tr_tensor *(tr_exp2)(tr_tensor *x);
TR_API tr_tensor *(tr_tan)(tr_tensor *x);
TR_API tr_tensor *(tr_asin)(tr_tensor *x);
TR_API tr_tensor *(tr_acos)(tr_tensor *x);
TR_API tr_tensor *(tr_atan)(tr_tensor *x);
TR_API tr_tensor *(tr_sinh)(tr_tensor *x);
TR_API tr_tensor *(tr_cosh)(tr_tensor *x);
TR_API tr_tensor *(tr_erf)(tr_tensor *x);
TR_API tr_tensor *(tr_silu)(tr_tensor *x);     /* x sigmoid(x) */
TR_API tr_tensor *(tr_gelu)(tr_tensor *x);     /* x Phi(x), by erf */
TR_API tr_tensor *(tr_softplus)(tr_tensor *x); /* log(1 + exp x); x itself beyond 20 */

TR_API tr_tensor *(tr_leaky_relu)(tr_tensor *x, double slope); /* x > 0 ? x : slope x; PyTorch's default slope is 0.01 */

/* ---- complex numbers ----
 * Gradients by PyTorch's convention: of a real loss L by z = x + iy, dL/dx + i dL/dy, so that a step against it goes
 * downhill.  Served wherever it has a meaning; what needs an order (lt, max, sort, clamp, relu, floor ...) refuses. */
TR_API tr_tensor *(tr_complex)(tr_tensor *real, tr_tensor *imag);  /* one floating type (32 or 64 bits), one shape */
TR_API tr_tensor *(tr_polar)(tr_tensor *length, tr_tensor *angle); /* length (cos angle + i sin angle); likewise */
TR_API tr_tensor *(tr_conj)(tr_tensor *z);                         /* a copy; of a real tensor: itself */
TR_API tr_tensor *(tr_angle)(tr_tensor *z);                        /* in (-pi, pi]; gradient 0 at 0 */
TR_API tr_tensor *(tr_sgn)(tr_tensor *z);                          /* z / |z|, 0 at 0; of a real tensor: tr_sign */

/* Views: they share z's memory. */
TR_API tr_tensor *(tr_real)(tr_tensor *z);            /* of a real tensor: itself */
TR_API tr_tensor *(tr_imag)(tr_tensor *z);            /* complex only */
TR_API tr_tensor *(tr_view_as_real)(tr_tensor *z);    /* (...) complex as (..., 2) real */
TR_API tr_tensor *(tr_view_as_complex)(tr_tensor *x); /* (..., 2) float32 or float64, the last dim dense */

/* ---- in place: the left operand changes, every view of it sees that ----
 * Written through a view, the base and all its views get the new history, so that their gradients are right.  A leaf that
 * requires grad, and a view of one, may be changed only under TR_NO_GRAD.  Each returns its first argument. */
TR_API tr_tensor *(tr_add_)(tr_tensor *a, tr_tensor *b);
TR_API tr_tensor *(tr_sub_)(tr_tensor *a, tr_tensor *b);
TR_API tr_tensor *(tr_mul_)(tr_tensor *a, tr_tensor *b);
TR_API tr_tensor *(tr_div_)(tr_tensor *a, tr_tensor *b);
TR_API tr_tensor *(tr_copy_)(tr_tensor *to, tr_tensor *from); /* converts the type, broadcasts `from` */
TR_API tr_tensor *(tr_fill_)(tr_tensor *t, double value);
TR_API tr_tensor *(tr_zero_)(tr_tensor *t);
TR_API tr_tensor *(tr_uniform_)(tr_tensor *t, double low, double high, tr_generator *generator); /* NULL: the default */
TR_API tr_tensor *(tr_normal_)(tr_tensor *t, double mean, double std, tr_generator *generator);

/* ---- reductions ----
 * Without a dim over all elements, giving a scalar; with .dim over that one (or .dims over several), which is dropped
 * unless .keepdim.  Sums of bool and integers are int64; float32 sums accumulate in double,
 * in contiguous rows of 2048 and more sums of four: the error is at most 3 2^-24 (|x_0| + |x_1| + ...). */
typedef struct {
    const int *dims; /* the dims to reduce, `ndims` of them; NULL: all */
    int ndims;
    bool keepdim;
    char reserved_;
} tr_reduce_options;
TR_API tr_tensor *(tr_sum)(tr_tensor *x, tr_reduce_options options);
TR_API tr_tensor *(tr_mean)(tr_tensor *x, tr_reduce_options options); /* floating and complex types only */
TR_API tr_tensor *(tr_max)(tr_tensor *x, tr_reduce_options options);  /* NaN if any is; ties share the gradient evenly */
TR_API tr_tensor *(tr_min)(tr_tensor *x, tr_reduce_options options);
TR_API tr_tensor *(tr_argmax)(tr_tensor *x, tr_reduce_options options); /* int64; the first of the largest; one dim or all */
TR_API tr_tensor *(tr_argmin)(tr_tensor *x, tr_reduce_options options);

/* ---- matrices ----
 * 1-D @ 1-D: a dot product; 2-D @ 2-D; 2-D @ 1-D; 1-D @ 2-D; more dims: batches, which broadcast. */
TR_API tr_tensor *(tr_matmul)(tr_tensor *a, tr_tensor *b);
TR_API tr_tensor *(tr_mm)(tr_tensor *a, tr_tensor *b);  /* 2-D @ 2-D only */
TR_API tr_tensor *(tr_dot)(tr_tensor *a, tr_tensor *b); /* 1-D @ 1-D only */
TR_API tr_tensor *(tr_outer)(tr_tensor *a, tr_tensor *b);
TR_API tr_tensor *(tr_linear)(tr_tensor *x, tr_tensor *weight, tr_tensor *bias); /* x weight' + bias; weight (out, in); bias may be NULL */

/* ---- joining and indexing ---- */
TR_API tr_tensor *(tr_cat)(tr_tensors tensors, int dim); /* one of shape (0,) joins with any */
TR_API tr_tensor *(tr_stack)(tr_tensors tensors, int dim);
TR_API tr_tensor *(tr_index_select)(tr_tensor *x, int dim, tr_tensor *index);                /* index: 1-D int64 */
TR_API tr_tensor *(tr_gather)(tr_tensor *x, int dim, tr_tensor *index);                      /* y[i][j] = x[index[i][j]][j] for dim 0 */
TR_API tr_tensor *(tr_scatter_add)(tr_tensor *x, int dim, tr_tensor *index, tr_tensor *src); /* a copy of x with src added */
TR_API tr_tensor *(tr_masked_select)(tr_tensor *x, tr_tensor *mask);                         /* 1-D: x where mask, row-major */

/* ---- softmax and losses ---- */

/* y_i = exp(x_i - max x) / sum_j exp(x_j - max x) along dim; a negative dim counts from the end. */
TR_API tr_tensor *(tr_softmax)(tr_tensor *x, int dim);
TR_API tr_tensor *(tr_log_softmax)(tr_tensor *x, int dim);

typedef enum { TR_MEAN = 0,
               TR_SUM = 1,
               TR_NONE = 2 } tr_reduction;
typedef struct {
    tr_reduction reduction; /* default: the mean */
    char reserved_;
} tr_loss_options;

/* (x - target)^2.  Shapes broadcast, of which torch warns and this library, which prints nothing of its own, does not: (4, 1)
 * beside (4) gives (4, 4) differences, which are seldom meant. */
TR_API tr_tensor *(tr_mse_loss)(tr_tensor *x, tr_tensor *target, tr_loss_options options);

/* -log softmax(logits)[target].  logits (B, C), target (B) int64 in [0, C); a target of -100 is left out of the mean. */
TR_API tr_tensor *(tr_cross_entropy)(tr_tensor *logits, tr_tensor *target, tr_loss_options options);
TR_API tr_tensor *(tr_nll_loss)(tr_tensor *log_probabilities, tr_tensor *target, tr_loss_options options);

/* A C number as an operand: a scalar that does not decide the result's type (torch's "wrapped number").  Not to be written
 * to: the same number may be one tensor wherever it is an operand. */
TR_API tr_tensor *tr_number_(double value, tr_dtype kind);
TR_API tr_tensor *tr_integer_(int64_t value); /* every digit of it */
TR_API tr_tensor *tr_complex_number_(double real, double imag);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
/* Either a tensor or a number.  All arithmetic types are listed, no default: tr_add(x, optim) does not compile. */
static inline tr_tensor *tr_operand_t_(const tr_tensor *t) { return (tr_tensor *)(uintptr_t)t; }
static inline tr_tensor *tr_operand_n_(const void *p) { return (tr_tensor *)(uintptr_t)p; }
static inline tr_tensor *tr_operand_b_(bool x) { return tr_number_(x, TR_BOOL); }
static inline tr_tensor *tr_operand_i_(long long x) { return tr_integer_(x); }
static inline tr_tensor *tr_operand_u_(unsigned long long x) { return x <= INT64_MAX ? tr_integer_((int64_t)x) : tr_number_((double)x, TR_FLOAT32); }
static inline tr_tensor *tr_operand_f_(double x) { return tr_number_(x, TR_FLOAT32); }
static inline tr_tensor *tr_operand_l_(long double x) { return tr_number_((double)x, TR_FLOAT32); }
static inline tr_tensor *tr_operand_z_(double _Complex x) { return tr_complex_number_(((const double *)&x)[0], ((const double *)&x)[1]); }
static inline tr_tensor *tr_operand_y_(long double _Complex x) { return tr_operand_z_((double _Complex)x); }
/* clang-format off */
# define TR_T(x) _Generic((x), tr_tensor *: tr_operand_t_, const tr_tensor *: tr_operand_t_, void *: tr_operand_n_,  \
    bool: tr_operand_b_, char: tr_operand_i_, signed char: tr_operand_i_, unsigned char: tr_operand_i_,              \
    short: tr_operand_i_, unsigned short: tr_operand_i_, int: tr_operand_i_, unsigned: tr_operand_i_,                \
    long: tr_operand_i_, unsigned long: tr_operand_u_, long long: tr_operand_i_, unsigned long long: tr_operand_u_,  \
    float: tr_operand_f_, double: tr_operand_f_, long double: tr_operand_l_,               \
    float _Complex: tr_operand_z_, double _Complex: tr_operand_z_, long double _Complex: tr_operand_y_)(x)
/* clang-format on */
# define TR_BINARY_(function, a, b)           TR_TENSOR_((function)(TR_T(a), TR_T(b)))
# define tr_add(a, b)                         TR_BINARY_(tr_add, a, b)
# define tr_sub(a, b)                         TR_BINARY_(tr_sub, a, b)
# define tr_mul(a, b)                         TR_BINARY_(tr_mul, a, b)
# define tr_div(a, b)                         TR_BINARY_(tr_div, a, b)
# define tr_pow(a, b)                         TR_BINARY_(tr_pow, a, b)
# define tr_maximum(a, b)                     TR_BINARY_(tr_maximum, a, b)
# define tr_minimum(a, b)                     TR_BINARY_(tr_minimum, a, b)
# define tr_floor_divide(a, b)                TR_BINARY_(tr_floor_divide, a, b)
# define tr_remainder(a, b)                   TR_BINARY_(tr_remainder, a, b)
# define tr_fmod(a, b)                        TR_BINARY_(tr_fmod, a, b)
# define tr_logical_and(a, b)                 TR_BINARY_(tr_logical_and, a, b)
# define tr_logical_or(a, b)                  TR_BINARY_(tr_logical_or, a, b)
# define tr_logical_xor(a, b)                 TR_BINARY_(tr_logical_xor, a, b)
# define tr_clamp(x, low, high)               TR_TENSOR_((tr_clamp)(x, TR_T(low), TR_T(high)))
# define tr_clamp_min(x, low)                 TR_TENSOR_((tr_clamp_min)(x, TR_T(low)))
# define tr_clamp_max(x, high)                TR_TENSOR_((tr_clamp_max)(x, TR_T(high)))
# define tr_logical_not(x)                    TR_TENSOR_((tr_logical_not)(x))
# define tr_isnan(x)                          TR_TENSOR_((tr_isnan)(x))
# define tr_isinf(x)                          TR_TENSOR_((tr_isinf)(x))
# define tr_isfinite(x)                       TR_TENSOR_((tr_isfinite)(x))
# define tr_leaky_relu(x, slope)              TR_TENSOR_((tr_leaky_relu)(x, slope))
# define tr_eq(a, b)                          TR_BINARY_(tr_eq, a, b)
# define tr_ne(a, b)                          TR_BINARY_(tr_ne, a, b)
# define tr_lt(a, b)                          TR_BINARY_(tr_lt, a, b)
# define tr_le(a, b)                          TR_BINARY_(tr_le, a, b)
# define tr_gt(a, b)                          TR_BINARY_(tr_gt, a, b)
# define tr_ge(a, b)                          TR_BINARY_(tr_ge, a, b)
# define tr_where(condition, a, b)            TR_TENSOR_((tr_where)(condition, TR_T(a), TR_T(b)))
# define tr_allclose(a, ...)                  TR_ALLCLOSE_(a, __VA_ARGS__, )
# define TR_ALLCLOSE_(a, b, ...)              TR_STATUS_((tr_allclose)(a, TR_T(b), (tr_allclose_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_complex(real, imag)               TR_TENSOR_((tr_complex)(real, imag))
# define tr_polar(length, angle)              TR_TENSOR_((tr_polar)(length, angle))
# define tr_conj(z)                           TR_TENSOR_((tr_conj)(z))
# define tr_angle(z)                          TR_TENSOR_((tr_angle)(z))
# define tr_sgn(z)                            TR_TENSOR_((tr_sgn)(z))
# define tr_view_as_real(z)                   TR_TENSOR_((tr_view_as_real)(z))
# define tr_view_as_complex(x)                TR_TENSOR_((tr_view_as_complex)(x))
# define tr_real(z)                           TR_TENSOR_((tr_real)(z))
# define tr_imag(z)                           TR_TENSOR_((tr_imag)(z))
# define tr_neg(x)                            TR_TENSOR_((tr_neg)(x))
# define tr_abs(x)                            TR_TENSOR_((tr_abs)(x))
# define tr_sign(x)                           TR_TENSOR_((tr_sign)(x))
# define tr_square(x)                         TR_TENSOR_((tr_square)(x))
# define tr_sqrt(x)                           TR_TENSOR_((tr_sqrt)(x))
# define tr_reciprocal(x)                     TR_TENSOR_((tr_reciprocal)(x))
# define tr_exp(x)                            TR_TENSOR_((tr_exp)(x))
# define tr_log(x)                            TR_TENSOR_((tr_log)(x))
# define tr_sin(x)                            TR_TENSOR_((tr_sin)(x))
# define tr_cos(x)                            TR_TENSOR_((tr_cos)(x))
# define tr_tanh(x)                           TR_TENSOR_((tr_tanh)(x))
# define tr_sigmoid(x)                        TR_TENSOR_((tr_sigmoid)(x))
# define tr_relu(x)                           TR_TENSOR_((tr_relu)(x))
# define tr_floor(x)                          TR_TENSOR_((tr_floor)(x))
# define tr_ceil(x)                           TR_TENSOR_((tr_ceil)(x))
# define tr_round(x)                          TR_TENSOR_((tr_round)(x))
# define tr_trunc(x)                          TR_TENSOR_((tr_trunc)(x))
# define tr_log1p(x)                          TR_TENSOR_((tr_log1p)(x))
# define tr_expm1(x)                          TR_TENSOR_((tr_expm1)(x))
# define tr_log2(x)                           TR_TENSOR_((tr_log2)(x))
# define tr_log10(x)                          TR_TENSOR_((tr_log10)(x))
# define tr_exp2(x)                           TR_TENSOR_((tr_exp2)(x))
# define tr_tan(x)                            TR_TENSOR_((tr_tan)(x))
# define tr_asin(x)                           TR_TENSOR_((tr_asin)(x))
# define tr_acos(x)                           TR_TENSOR_((tr_acos)(x))
# define tr_atan(x)                           TR_TENSOR_((tr_atan)(x))
# define tr_sinh(x)                           TR_TENSOR_((tr_sinh)(x))
# define tr_cosh(x)                           TR_TENSOR_((tr_cosh)(x))
# define tr_erf(x)                            TR_TENSOR_((tr_erf)(x))
# define tr_silu(x)                           TR_TENSOR_((tr_silu)(x))
# define tr_gelu(x)                           TR_TENSOR_((tr_gelu)(x))
# define tr_softplus(x)                       TR_TENSOR_((tr_softplus)(x))
# define tr_add_(a, b)                        TR_BINARY_(tr_add_, a, b)
# define tr_sub_(a, b)                        TR_BINARY_(tr_sub_, a, b)
# define tr_mul_(a, b)                        TR_BINARY_(tr_mul_, a, b)
# define tr_div_(a, b)                        TR_BINARY_(tr_div_, a, b)
# define tr_copy_(to, from)                   TR_BINARY_(tr_copy_, to, from)
# define tr_fill_(t, value)                   TR_TENSOR_(tr_fill_scalar_(t, TR_SCALAR_(value)))
# define tr_zero_(t)                          TR_TENSOR_((tr_zero_)(t))
# define tr_uniform_(t, low, high, generator) TR_TENSOR_((tr_uniform_)(t, low, high, generator))
# define tr_normal_(t, mean, std, generator)  TR_TENSOR_((tr_normal_)(t, mean, std, generator))

/* tr_sum(x), tr_sum(x, TR_DIM(0)), tr_sum(x, TR_DIM(0, 1), .keepdim = true) */
# define TR_DIM(...)                   .dims = (const int[]){__VA_ARGS__}, .ndims = (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int))
# define TR_REDUCE__(function, x, ...) TR_TENSOR_((function)(x, (tr_reduce_options){.reserved_ = 0, __VA_ARGS__}))
# define TR_REDUCE_(function, ...)     TR_REDUCE__(function, __VA_ARGS__)
# define tr_sum(...)                   TR_REDUCE_(tr_sum, __VA_ARGS__, )
# define tr_mean(...)                  TR_REDUCE_(tr_mean, __VA_ARGS__, )
# define tr_max(...)                   TR_REDUCE_(tr_max, __VA_ARGS__, )
# define tr_min(...)                   TR_REDUCE_(tr_min, __VA_ARGS__, )
# define tr_argmax(...)                TR_REDUCE_(tr_argmax, __VA_ARGS__, )
# define tr_argmin(...)                TR_REDUCE_(tr_argmin, __VA_ARGS__, )

# define tr_matmul(a, b)                    TR_TENSOR_((tr_matmul)(a, b))
# define tr_mm(a, b)                        TR_TENSOR_((tr_mm)(a, b))
# define tr_dot(a, b)                       TR_TENSOR_((tr_dot)(a, b))
# define tr_outer(a, b)                     TR_TENSOR_((tr_outer)(a, b))
# define tr_linear(x, weight, bias)         TR_TENSOR_((tr_linear)(x, weight, bias))
# define tr_cat(tensors, dim)               TR_TENSOR_((tr_cat)(tensors, dim))
# define tr_stack(tensors, dim)             TR_TENSOR_((tr_stack)(tensors, dim))
# define tr_index_select(x, dim, index)     TR_TENSOR_((tr_index_select)(x, dim, index))
# define tr_gather(x, dim, index)           TR_TENSOR_((tr_gather)(x, dim, index))
# define tr_scatter_add(x, dim, index, src) TR_TENSOR_((tr_scatter_add)(x, dim, index, src))
# define tr_masked_select(x, mask)          TR_TENSOR_((tr_masked_select)(x, mask))
# define tr_softmax(x, dim)                 TR_TENSOR_((tr_softmax)(x, dim))
# define tr_log_softmax(x, dim)             TR_TENSOR_((tr_log_softmax)(x, dim))
# define TR_LOSS_(function, x, target, ...) TR_TENSOR_((function)(x, target, (tr_loss_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_mse_loss(x, ...)                TR_LOSS_(tr_mse_loss, x, __VA_ARGS__, )
# define tr_cross_entropy(x, ...)           TR_LOSS_(tr_cross_entropy, x, __VA_ARGS__, )
# define tr_nll_loss(x, ...)                TR_LOSS_(tr_nll_loss, x, __VA_ARGS__, )
#endif

#endif
