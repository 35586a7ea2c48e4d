/* The operations by the names that golden cases call them by, each as a function of its inputs and numbers. */
#ifndef OPERATIONS_H
#define OPERATIONS_H

#include <trireme/trireme.h>

enum { MOST = 8 }; /* inputs, outputs, numbers of a case */

/* What an operation is called with: its inputs, its numbers; and where it leaves its results. */
typedef struct {
    tr_tensor *x[MOST], *y[MOST];
    double a[MOST];
    int inputs, outputs, numbers;
} call;

static tr_reduce_options over(const call *c, int at, int *dims)
{
    int n = (int)c->a[at];
    for (int i = 0; i < n; i++) dims[i] = (int)c->a[at + 1 + i];
    return (tr_reduce_options){.dims = n < 0 ? NULL : dims, .ndims = n < 0 ? 0 : n, .keepdim = c->a[at + 1 + (n < 0 ? 0 : n)] != 0};
}

static tr_var_options var_over(const call *c, int *dims)
{
    tr_reduce_options o = over(c, 1, dims);
    return (tr_var_options){.dims = o.dims, .ndims = o.ndims, .keepdim = o.keepdim, .biased = c->a[0] != 0};
}

static tr_norm_options norm_over(const call *c, int *dims)
{
    tr_reduce_options o = over(c, 1, dims);
    return (tr_norm_options){.dims = o.dims, .ndims = o.ndims, .keepdim = o.keepdim, .p = c->a[0]};
}

static tr_shape shape_from(const call *c, int from)
{
    int64_t size[MOST];
    for (int i = from; i < c->numbers; i++) size[i - from] = (int64_t)c->a[i];
    return tr_shape_of(c->numbers - from, size);
}

static tr_tensors list(const call *c) { return (tr_tensors){c->x, c->inputs}; }

#define I(n) ((int)c->a[n])
#define L(n) ((int64_t)c->a[n])
#define X    c->x[0]
#define X1   c->x[1]
#define X2   c->x[2]
#define LOSS \
 (tr_loss_options) { .reduction = (tr_reduction)I(0) }
#define ONE c->y[0]

/* clang-format off */
#define UNARY(OP)                                                                                        \
    OP(neg) OP(abs) OP(sign) OP(square) OP(sqrt) OP(reciprocal) OP(exp) OP(log) OP(sin) OP(cos) OP(tanh) \
    OP(sigmoid) OP(relu) OP(floor) OP(ceil) OP(round) OP(trunc) OP(log1p) OP(expm1) OP(log2) OP(log10)   \
    OP(exp2) OP(tan) OP(asin) OP(acos) OP(atan) OP(sinh) OP(cosh) OP(erf) OP(silu) OP(gelu) OP(softplus) \
    OP(isnan) OP(isinf) OP(isfinite) OP(logical_not) OP(median) OP(clone) OP(t) OP(trace) OP(inv)        \
    OP(det) OP(sgn) OP(angle) OP(conj) OP(real) OP(imag) OP(view_as_real) OP(view_as_complex)
#define BINARY(OP)                                                                                     \
    OP(add) OP(sub) OP(mul) OP(div) OP(pow) OP(maximum) OP(minimum) OP(eq) OP(ne) OP(lt) OP(le) OP(gt) \
    OP(ge) OP(floor_divide) OP(remainder) OP(fmod) OP(logical_and) OP(logical_or) OP(logical_xor)      \
    OP(clamp_min) OP(clamp_max) OP(masked_select) OP(index) OP(matmul) OP(mm) OP(dot) OP(outer)        \
    OP(solve) OP(complex) OP(polar)
#define REDUCTION(OP)                                                                             \
    OP(sum) OP(mean) OP(max) OP(min) OP(argmax) OP(argmin) OP(prod) OP(any) OP(all) OP(logsumexp)
/* In place: on a copy, which lies in memory as the input does. */
#define IN_PLACE(OP)                    \
    OP(add_) OP(sub_) OP(mul_) OP(div_)

#define EXPRESSION(OP)                                                                                                                                \
    OP(leaky_relu, tr_leaky_relu(X, c->a[0]))                                                                                                         \
    OP(clamp, tr_clamp(X, X1, X2))                                                                                                                    \
    OP(allclose, tr_tensor_of((bool)((tr_allclose)(X, X1, (tr_allclose_options){.rtol = c->a[0], .atol = c->a[1], .equal_nan = c->a[2] != 0}) == 1))) \
    OP(where, tr_where(X, X1, X2))                                                                                                                    \
    OP(masked_fill, tr_masked_fill(X, X1, X2))                                                                                                        \
    OP(masked_fill_, tr_masked_fill_(tr_clone(X), X1, X2))                                                                                            \
    OP(var, (tr_var)(X, var_over(c, dims)))                                                                                                           \
    OP(std, (tr_std)(X, var_over(c, dims)))                                                                                                           \
    OP(norm, (tr_norm)(X, norm_over(c, dims)))                                                                                                        \
    OP(cumsum, tr_cumsum(X, I(0)))                                                                                                                    \
    OP(max_dim, tr_max_dim(X, I(0), .keepdim = I(1) != 0, .indices = &c->y[1]))                                                                       \
    OP(min_dim, tr_min_dim(X, I(0), .keepdim = I(1) != 0, .indices = &c->y[1]))                                                                       \
    OP(median_dim, tr_median_dim(X, I(0), .keepdim = I(1) != 0, .indices = &c->y[1]))                                                                 \
    OP(sort, tr_sort(X, I(0), .descending = I(1) != 0, .indices = &c->y[1]))                                                                          \
    OP(topk, tr_topk(X, L(0), I(1), .smallest = I(2) != 0, .indices = &c->y[1]))                                                                      \
    OP(softmax, tr_softmax(X, I(0)))                                                                                                                  \
    OP(log_softmax, tr_log_softmax(X, I(0)))                                                                                                          \
    OP(flip, tr_flip(X, shape_from(c, 0)))                                                                                                            \
    OP(roll, tr_roll(X, L(0), I(1)))                                                                                                                  \
    OP(repeat, tr_repeat(X, shape_from(c, 0)))                                                                                                        \
    OP(permute, tr_permute(X, shape_from(c, 0)))                                                                                                      \
    OP(transpose, tr_transpose(X, I(0), I(1)))                                                                                                        \
    OP(reshape, tr_reshape(X, shape_from(c, 0)))                                                                                                      \
    OP(flatten, tr_flatten(X, I(0), I(1)))                                                                                                            \
    OP(unsqueeze, tr_unsqueeze(X, I(0)))                                                                                                              \
    OP(squeeze, tr_squeeze(X, I(0)))                                                                                                                  \
    OP(expand, tr_expand(X, shape_from(c, 0)))                                                                                                        \
    OP(select, tr_select(X, I(0), L(1)))                                                                                                              \
    OP(narrow, tr_narrow(X, I(0), L(1), L(2)))                                                                                                        \
    OP(slice, tr_slice(X, I(0), L(1), L(2), L(3)))                                                                                                    \
    OP(diagonal, tr_diagonal(X, L(0), I(1), I(2)))                                                                                                    \
    OP(tril, tr_tril(X, L(0)))                                                                                                                        \
    OP(triu, tr_triu(X, L(0)))                                                                                                                        \
    OP(contiguous, tr_contiguous(X))                                                                                                                  \
    OP(view, tr_view(X, shape_from(c, 0)))                                                                                                            \
    OP(fill_, tr_fill_(tr_clone(X), c->a[0]))                                                                                                         \
    OP(zero_, tr_zero_(tr_clone(X)))                                                                                                                  \
    OP(argsort, tr_argsort(X, I(0), .descending = I(1) != 0))                                                                                         \
    OP(copy_, tr_copy_(tr_clone(X), X1))                                                                                                              \
    OP(eye, tr_eye(L(0)))                                                                                                                             \
    OP(arange, tr_arange(c->a[0], c->a[1], c->a[2]))                                                                                                  \
    OP(linspace, tr_linspace(c->a[0], c->a[1], L(2)))                                                                                                 \
    OP(cat, tr_cat(list(c), I(0)))                                                                                                                    \
    OP(stack, tr_stack(list(c), I(0)))                                                                                                                \
    OP(to, tr_to(X, golden_types[I(0)].dtype))                                                                                                        \
    OP(index_select, tr_index_select(X, I(0), X1))                                                                                                    \
    OP(index_put_, tr_index_put_(tr_clone(X), X1, X2))                                                                                                \
    OP(index_add, tr_index_add(X, I(0), X1, X2))                                                                                                      \
    OP(index_add_, tr_index_add_(tr_clone(X), I(0), X1, X2))                                                                                          \
    OP(index_copy, tr_index_copy(X, I(0), X1, X2))                                                                                                    \
    OP(index_copy_, tr_index_copy_(tr_clone(X), I(0), X1, X2))                                                                                        \
    OP(gather, tr_gather(X, I(0), X1))                                                                                                                \
    OP(scatter_add, tr_scatter_add(X, I(0), X1, X2))                                                                                                  \
    OP(linear, tr_linear(X, X1, X2))                                                                                                                  \
    OP(mse_loss, (tr_mse_loss)(X, X1, LOSS))                                                                                                          \
    OP(cross_entropy, (tr_cross_entropy)(X, X1, LOSS))                                                                                                \
    OP(nll_loss, (tr_nll_loss)(X, X1, LOSS))                                                                                                          \
    OP(chunk, parts(c, tr_chunk(X, L(0), I(1), c->y)))                                                                                                \
    OP(split, parts(c, tr_split(X, L(0), I(1), c->y, MOST)))
/* clang-format on */

static const struct {
    const char *name;
    tr_dtype dtype;
} golden_types[] = {
    {"float32", TR_FLOAT32},
    {"float64", TR_FLOAT64},
    {"float16", TR_FLOAT16},
    {"bfloat16", TR_BFLOAT16},
    {"int64", TR_INT64},
    {"int32", TR_INT32},
    {"uint8", TR_UINT8},
    {"bool", TR_BOOL},
    {"complex64", TR_COMPLEX64},
    {"complex128", TR_COMPLEX128},
};

static tr_tensor *parts(const call *c, int64_t count) { return count == c->outputs ? c->y[0] : tr_fail("%d parts, not %d", (int)count, c->outputs); }

#define OP(name) \
 static void run_##name(call *c) { ONE = tr_##name(X); }
UNARY(OP)
#undef OP
#define OP(name) \
 static void run_##name(call *c) { ONE = tr_##name(X, X1); }
BINARY(OP)
IN_PLACE(OP)
#undef OP
#define OP(name)                          \
 static void run_##name(call *c)          \
 {                                        \
  int dims[MOST];                         \
  ONE = (tr_##name)(X, over(c, 0, dims)); \
 }
REDUCTION(OP)
#undef OP
#define OP(name, expression)     \
 static void run_##name(call *c) \
 {                               \
  int dims[MOST];                \
  (void)dims;                    \
  ONE = expression;              \
 }
EXPRESSION(OP)
#undef OP

static const struct {
    const char *name;
    void (*run)(call *c);
} operations[] = {
#define OP(name) {#name, run_##name},
    UNARY(OP) BINARY(OP) IN_PLACE(OP) REDUCTION(OP)
#undef OP
#define OP(name, expression) {#name, run_##name},
        EXPRESSION(OP)
#undef OP
};
enum { OPERATIONS = sizeof operations / sizeof *operations };

#undef I
#undef L
#undef X
#undef X1
#undef X2
#undef LOSS
#undef ONE

#endif
