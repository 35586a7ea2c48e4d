/* More reductions, running sums, and order.  As in ops.h: a dim (TR_DIM) or several go, all without one; .keepdim keeps them
 * with size 1; a negative dim counts from the end. */
#ifndef TRIREME_REDUCE_H
#define TRIREME_REDUCE_H

#include <trireme/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

TR_API tr_tensor *(tr_prod)(tr_tensor *x, tr_reduce_options options); /* bool and integers: int64 */
TR_API tr_tensor *(tr_any)(tr_tensor *x, tr_reduce_options options);  /* bool (of uint8: uint8); what is not 0 is true */
TR_API tr_tensor *(tr_all)(tr_tensor *x, tr_reduce_options options);  /* likewise; true of no elements */

/* log sum exp(x), without overflow; floating types. */
TR_API tr_tensor *(tr_logsumexp)(tr_tensor *x, tr_reduce_options options);

/* sum |x - mean x|^2 / (n - 1), and its square root; floating and complex types, the result real.  One element gives NaN unless .biased. */
typedef struct {
    const int *dims; /* as in tr_reduce_options */
    int ndims;
    bool keepdim;
    bool biased; /* divide by n, not n - 1 */
    char reserved_;
} tr_var_options;
TR_API tr_tensor *(tr_var)(tr_tensor *x, tr_var_options options);
TR_API tr_tensor *(tr_std)(tr_tensor *x, tr_var_options options); /* gradient 0 where it is 0 */

/* (sum |x|^p)^(1/p); p = INFINITY: the largest |x|, -INFINITY: the smallest.  Floating and complex types, the
 * result real; gradient 0 at 0. */
typedef struct {
    const int *dims;
    int ndims;
    bool keepdim;
    double p; /* default: 2 */
    char reserved_;
} tr_norm_options;
TR_API tr_tensor *(tr_norm)(tr_tensor *x, tr_norm_options options);

/* y_i = x_0 + ... + x_i along dim; bool and integers: int64. */
TR_API tr_tensor *(tr_cumsum)(tr_tensor *x, int dim);

/* ---- chosen by order ----
 * Values along dim; .indices, if given, receives where they stood (int64), or NULL on failure.  NaN stands above every
 * number.  The gradient goes to the chosen elements. */

/* Stable: equal elements keep their order. */
typedef struct {
    bool descending;
    tr_tensor **indices;
    char reserved_;
} tr_sort_options;
TR_API tr_tensor *(tr_sort)(tr_tensor *x, int dim, tr_sort_options options);
TR_API tr_tensor *(tr_argsort)(tr_tensor *x, int dim, tr_sort_options options); /* the indices themselves */

/* The k largest, the largest first; .smallest: the k smallest, the smallest first; of a scalar 0 are as many as 1, as in PyTorch. */
typedef struct {
    bool smallest;
    tr_tensor **indices;
    char reserved_;
} tr_topk_options;
TR_API tr_tensor *(tr_topk)(tr_tensor *x, int64_t k, int dim, tr_topk_options options);

/* The largest, the smallest, the lower of the two in the middle; the first of equals.  dim goes unless .keepdim.  (tr_max
 * and tr_min share the gradient among equals; these give it to the chosen one.) */
typedef struct {
    bool keepdim;
    tr_tensor **indices;
    char reserved_;
} tr_pick_options;
TR_API tr_tensor *(tr_max_dim)(tr_tensor *x, int dim, tr_pick_options options);
TR_API tr_tensor *(tr_min_dim)(tr_tensor *x, int dim, tr_pick_options options);
TR_API tr_tensor *(tr_median_dim)(tr_tensor *x, int dim, tr_pick_options options);
TR_API tr_tensor *(tr_median)(tr_tensor *x); /* of all elements; equals share the gradient */

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
# define tr_prod(...)                     TR_REDUCE_(tr_prod, __VA_ARGS__, )
# define tr_any(...)                      TR_REDUCE_(tr_any, __VA_ARGS__, )
# define tr_all(...)                      TR_REDUCE_(tr_all, __VA_ARGS__, )
# define tr_logsumexp(...)                TR_REDUCE_(tr_logsumexp, __VA_ARGS__, )
# define TR_VAR__(function, x, ...)       TR_TENSOR_((function)(x, (tr_var_options){.reserved_ = 0, __VA_ARGS__}))
# define TR_VAR_(function, ...)           TR_VAR__(function, __VA_ARGS__)
# define tr_var(...)                      TR_VAR_(tr_var, __VA_ARGS__, )
# define tr_std(...)                      TR_VAR_(tr_std, __VA_ARGS__, )
# define TR_NORM__(x, ...)                TR_TENSOR_((tr_norm)(x, (tr_norm_options){.reserved_ = 0, __VA_ARGS__}))
# define TR_NORM_(...)                    TR_NORM__(__VA_ARGS__)
# define tr_norm(...)                     TR_NORM_(__VA_ARGS__, )
# define tr_cumsum(x, dim)                TR_TENSOR_((tr_cumsum)(x, dim))
# define TR_SORT__(function, x, dim, ...) TR_TENSOR_((function)(x, dim, (tr_sort_options){.reserved_ = 0, __VA_ARGS__}))
# define TR_SORT_(function, x, ...)       TR_SORT__(function, x, __VA_ARGS__)
# define tr_sort(x, ...)                  TR_SORT_(tr_sort, x, __VA_ARGS__, )
# define tr_argsort(x, ...)               TR_SORT_(tr_argsort, x, __VA_ARGS__, )
# define TR_TOPK_(x, k, dim, ...)         TR_TENSOR_((tr_topk)(x, k, dim, (tr_topk_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_topk(x, k, ...)               TR_TOPK_(x, k, __VA_ARGS__, )
# define TR_PICK__(function, x, dim, ...) TR_TENSOR_((function)(x, dim, (tr_pick_options){.reserved_ = 0, __VA_ARGS__}))
# define TR_PICK_(function, x, ...)       TR_PICK__(function, x, __VA_ARGS__)
# define tr_max_dim(x, ...)               TR_PICK_(tr_max_dim, x, __VA_ARGS__, )
# define tr_min_dim(x, ...)               TR_PICK_(tr_min_dim, x, __VA_ARGS__, )
# define tr_median_dim(x, ...)            TR_PICK_(tr_median_dim, x, __VA_ARGS__, )
# define tr_median(x)                     TR_TENSOR_((tr_median)(x))
#endif

#endif
