/* Tensors: making them, reading them, viewing them, printing them.
 *
 * A tensor is a handle: an element type, a device, a shape, strides, and a place in a storage that several views may
 * share.  Functions return handles that belong to the open scope (scope.h).  Strides and sizes count elements. */
#ifndef TRIREME_TENSOR_H
#define TRIREME_TENSOR_H

#include <stdio.h>
#include <trireme/error.h>
#include <trireme/random.h>
#include <trireme/scope.h>
#include <trireme/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- making ---- */

typedef struct {
    tr_dtype dtype;          /* default: tr_get_default_dtype(), or what the values are for tr_tensor_of, tr_full and tr_arange */
    tr_device device;        /* default: the CPU */
    bool requires_grad;      /* floating and complex types only */
    tr_generator *generator; /* for random ones; default: this thread's */
    char reserved_;
} tr_tensor_options;

TR_API tr_tensor *(tr_empty)(tr_shape shape, tr_tensor_options options); /* contents undefined */
TR_API tr_tensor *(tr_zeros)(tr_shape shape, tr_tensor_options options);
TR_API tr_tensor *(tr_ones)(tr_shape shape, tr_tensor_options options);
TR_API tr_tensor *(tr_full)(tr_shape shape, double value, tr_tensor_options options);

/* Uniform in [0, 1), normal, and uniform integers in [low, high) (int64 by default): PyTorch's numbers for the same
 * seed on an MT19937 generator (normal ones of 16 elements and more to 3e-7). */
TR_API tr_tensor *(tr_rand)(tr_shape shape, tr_tensor_options options);
TR_API tr_tensor *(tr_randn)(tr_shape shape, tr_tensor_options options);
TR_API tr_tensor *(tr_randint)(int64_t low, int64_t high, tr_shape shape, tr_tensor_options options);
TR_API tr_tensor *(tr_randperm)(int64_t n, tr_tensor_options options); /* int64 by default */

TR_API tr_tensor *(tr_eye)(int64_t n, tr_tensor_options options); /* n by n: ones on the diagonal */

/* Of t's shape, on t's device, of t's type unless options say another. */
TR_API tr_tensor *(tr_empty_like)(tr_tensor *t, tr_tensor_options options);
TR_API tr_tensor *(tr_zeros_like)(tr_tensor *t, tr_tensor_options options);
TR_API tr_tensor *(tr_ones_like)(tr_tensor *t, tr_tensor_options options);
TR_API tr_tensor *(tr_full_like)(tr_tensor *t, double value, tr_tensor_options options);
TR_API tr_tensor *(tr_rand_like)(tr_tensor *t, tr_tensor_options options);
TR_API tr_tensor *(tr_randn_like)(tr_tensor *t, tr_tensor_options options);

/* start, start + step, ... below end (above, if step < 0; a step away from the end is an error), int64 if all three are integers; n values from start to end,
 * both included. */
TR_API tr_tensor *(tr_arange)(double start, double end, double step, tr_tensor_options options);
TR_API tr_tensor *(tr_linspace)(double start, double end, int64_t n, tr_tensor_options options);

/* A copy of values in row-major order.  `from` is their type in memory, options.dtype what they become (default: the
 * same).  tr_tensor_of(2.5), and tr_tensor_of_list(1, 2, 3), read better for a few numbers.  A list in braces goes into
 * parentheses of its own, as in any macro: tr_from_data(((float[]){1, 2}), TR_FLOAT32, TR_SHAPE(2)). */
TR_API tr_tensor *(tr_from_data)(const void *data, tr_dtype from, tr_shape shape, tr_tensor_options options);

/* A tensor over the caller's memory, nothing copied: writing one shows in the other.  strides NULL means row-major.
 * `release(data)` (may be NULL) is called once, when the last view is gone. */
TR_API tr_tensor *(tr_from_blob)(void *data, tr_dtype dtype, tr_shape shape, const int64_t *strides, void (*release)(void *data));

/* ---- asking ---- */

TR_API tr_dtype tr_dtype_of(const tr_tensor *t); /* TR_DEFAULT_DTYPE for NULL */
TR_API tr_device tr_device_of(const tr_tensor *t);
TR_API tr_shape tr_shape_of_tensor(const tr_tensor *t); /* ndim -1 for NULL */
TR_API int tr_ndim(const tr_tensor *t);                 /* -1 for NULL */
TR_API int64_t tr_size(const tr_tensor *t, int dim);    /* a negative dim counts from the end; -1 for NULL or no such dim */
TR_API int64_t tr_stride(const tr_tensor *t, int dim);
TR_API int64_t tr_numel(const tr_tensor *t);      /* -1 for NULL */
TR_API bool tr_is_contiguous(const tr_tensor *t); /* row-major without gaps */
TR_API bool tr_requires_grad(const tr_tensor *t);
TR_API bool tr_is_leaf(const tr_tensor *t);

/* The first element's address, on the tensor's device; NULL for NULL.  Writes through it are the caller's affair: they
 * are not noticed by backward. */
TR_API void *tr_data(const tr_tensor *t);

/* The value of a tensor with one element, as a double (an int64 beyond 2^53 is read exactly by tr_to_data); NaN with an
 * error standing otherwise. */
TR_API double(tr_item)(const tr_tensor *t);

/* Element i in row-major order (whatever the strides), as a double; NaN with an error standing if there is none. */
TR_API double(tr_get)(const tr_tensor *t, int64_t i);

/* Copy all elements, row-major, as `to`, from whatever device into memory of the host for tr_numel(t) of them.  0, or -1
 * with an error standing. */
TR_API TR_CHECK_RESULT int(tr_to_data)(const tr_tensor *t, tr_dtype to, void *data);

/* ---- views: nothing is copied ---- */

TR_API tr_tensor *(tr_view)(tr_tensor *t, tr_shape shape);                /* one size may be -1; strides must allow it */
TR_API tr_tensor *(tr_reshape)(tr_tensor *t, tr_shape shape);             /* a view where possible, else a copy */
TR_API tr_tensor *(tr_flatten)(tr_tensor *t, int start_dim, int end_dim); /* joins dims start..end, both included */
TR_API tr_tensor *(tr_t)(tr_tensor *t);                                   /* the two dims of a matrix exchanged */
TR_API tr_tensor *(tr_transpose)(tr_tensor *t, int dim0, int dim1);
TR_API tr_tensor *(tr_permute)(tr_tensor *t, tr_shape dims);         /* TR_SHAPE(2, 0, 1): dim i of the result is dims[i] of t */
TR_API tr_tensor *(tr_unsqueeze)(tr_tensor *t, int dim);             /* a size 1 before dim; -1: at the end */
TR_API tr_tensor *(tr_squeeze)(tr_tensor *t, int dim);               /* without dim if its size is 1, else all of t */
TR_API tr_tensor *(tr_expand)(tr_tensor *t, tr_shape shape);         /* sizes 1 stretched; -1 keeps a size */
TR_API tr_tensor *(tr_select)(tr_tensor *t, int dim, int64_t index); /* t[..., index, ...]; negative counts from the end */

/* `length` elements along dim, from start on; a negative start counts from the end. */
TR_API tr_tensor *(tr_narrow)(tr_tensor *t, int dim, int64_t start, int64_t length);

/* t[..., start:stop:step, ...], Python's rules: negative counts from the end, out of range is cut.  step > 0, 0 means 1;
 * TR_END stands for "to the end". */
#define TR_END INT64_MAX
TR_API tr_tensor *(tr_slice)(tr_tensor *t, int dim, int64_t start, int64_t stop, int64_t step);

/* The same memory, cut off from the graph. */
TR_API tr_tensor *(tr_detach)(tr_tensor *t);

/* ---- copies ---- */

TR_API tr_tensor *(tr_clone)(tr_tensor *t);                       /* row-major; differentiable */
TR_API tr_tensor *(tr_contiguous)(tr_tensor *t);                  /* t itself if it is row-major already */
TR_API tr_tensor *(tr_to)(tr_tensor *t, tr_dtype dtype);          /* t itself if it has that type */
TR_API tr_tensor *(tr_to_device)(tr_tensor *t, tr_device device); /* t itself if it is there */

/* ---- printing, as PyTorch prints ---- */

/* The text of print(t).  The string belongs to the open scope.  "None" for NULL. */
TR_API const char *(tr_to_string)(const tr_tensor *t);

/* tr_to_string(t) and a newline, on stdout; 0, or -1 if that failed. */
TR_API int(tr_print)(const tr_tensor *t);

/* The number in a tensor with one element as Python writes it: "-4.794588088989258" (the fewest digits that read back as
 * the same double), "3.0", "1e-05", "7", "True", "(1+2j)"; for printf("loss: %s").  Belongs to the open scope; "" with
 * an error standing if t has not one element; "None" for NULL. */
TR_API const char *(tr_number_string)(const tr_tensor *t);

/* The text of NumPy's repr(), "array([1. , 2.5], dtype=float32)", and the same with a newline on stdout.  bfloat16,
 * which NumPy lacks, is written by the same rules.  "" and -1, with an error standing, for a tensor that requires grad:
 * NumPy's arrays know nothing of that, so it is tr_detach(t) that is printed. */
TR_API const char *(tr_to_numpy_string)(const tr_tensor *t);
TR_API int(tr_print_numpy)(const tr_tensor *t);

/* "torch.Size"-like text of a shape, "(2, 3)"; belongs to the open scope. */
TR_API const char *tr_shape_string(tr_shape shape);

/* ---- memory ---- */

typedef struct {
    int64_t allocated_bytes; /* in storages now */
    int64_t peak_bytes;      /* the most there ever were */
    int64_t cached_bytes;    /* kept for reuse */
    int64_t system_requests; /* how often memory was asked of the system so far: storages, handles, graph nodes */
} tr_memory_stats;

TR_API tr_memory_stats tr_memory(tr_device device);

/* Give cached memory back to the system: this thread's on the CPU, and that of all CUDA devices, for which it waits. */
TR_API void tr_empty_cache(void);

/* ---- what the macros call ---- */

/* A C number as it was written, with every digit. */
typedef struct {
    tr_dtype kind;     /* TR_BOOL, TR_INT64, TR_FLOAT64, TR_COMPLEX128; TR_DEFAULT_DTYPE: unsigned, and more than int64 holds */
    int64_t whole;     /* of bools and integers */
    double real, imag; /* of all, as near as a double comes */
} tr_scalar;

TR_API tr_tensor *tr_tensor_of_(tr_scalar value, tr_tensor_options options);
TR_API tr_tensor *tr_full_(tr_shape shape, tr_scalar value, tr_tensor_options options);
TR_API tr_tensor *tr_full_like_(tr_tensor *t, tr_scalar value, tr_tensor_options options);
TR_API tr_tensor *tr_arange_(tr_scalar start, tr_scalar end, tr_scalar step, tr_tensor_options options);
TR_API tr_tensor *tr_fill_scalar_(tr_tensor *t, tr_scalar value);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
# define TR_OPTIONS_(...)                                   ((tr_tensor_options){.reserved_ = 0, __VA_ARGS__})
# define TR_CREATE_(function, first, ...)                   TR_TENSOR_((function)(first, TR_OPTIONS_(__VA_ARGS__)))
# define TR_CREATE3_(function, first, second, third, ...)   TR_TENSOR_((function)(first, second, third, TR_OPTIONS_(__VA_ARGS__)))
# define tr_empty(...)                                      TR_CREATE_(tr_empty, __VA_ARGS__, )
# define tr_zeros(...)                                      TR_CREATE_(tr_zeros, __VA_ARGS__, )
# define tr_ones(...)                                       TR_CREATE_(tr_ones, __VA_ARGS__, )
# define tr_full(...)                                       TR_FULL_(__VA_ARGS__, )
# define TR_FULL_(shape, value, ...)                        TR_TENSOR_(tr_full_(shape, TR_SCALAR_(value), TR_OPTIONS_(__VA_ARGS__)))
# define tr_rand(...)                                       TR_CREATE_(tr_rand, __VA_ARGS__, )
# define tr_randn(...)                                      TR_CREATE_(tr_randn, __VA_ARGS__, )
# define tr_randint(...)                                    TR_CREATE3_(tr_randint, __VA_ARGS__, )
# define tr_randperm(...)                                   TR_CREATE_(tr_randperm, __VA_ARGS__, )
# define tr_eye(...)                                        TR_CREATE_(tr_eye, __VA_ARGS__, )
# define tr_empty_like(...)                                 TR_CREATE_(tr_empty_like, __VA_ARGS__, )
# define tr_zeros_like(...)                                 TR_CREATE_(tr_zeros_like, __VA_ARGS__, )
# define tr_ones_like(...)                                  TR_CREATE_(tr_ones_like, __VA_ARGS__, )
# define tr_rand_like(...)                                  TR_CREATE_(tr_rand_like, __VA_ARGS__, )
# define tr_randn_like(...)                                 TR_CREATE_(tr_randn_like, __VA_ARGS__, )
# define tr_full_like(...)                                  TR_FULL_LIKE_(__VA_ARGS__, )
# define TR_FULL_LIKE_(t, value, ...)                       TR_TENSOR_(tr_full_like_(t, TR_SCALAR_(value), TR_OPTIONS_(__VA_ARGS__)))
# define tr_arange(...)                                     TR_ARANGE_(__VA_ARGS__, )
# define TR_ARANGE_(start, end, step, ...)                  TR_TENSOR_(tr_arange_(TR_SCALAR_(start), TR_SCALAR_(end), TR_SCALAR_(step), TR_OPTIONS_(__VA_ARGS__)))
# define tr_linspace(...)                                   TR_CREATE3_(tr_linspace, __VA_ARGS__, )
# define tr_from_data(...)                                  TR_CREATE3_(tr_from_data, __VA_ARGS__, )
# define tr_from_blob(data, dtype, shape, strides, release) TR_TENSOR_((tr_from_blob)(data, dtype, shape, strides, release))

/* tr_tensor_of(2.5): a scalar; an integer gives int64, every digit of it, a floating number the default type, as
 * torch.tensor does, and a complex one complex64 (complex128 beside float64).  tr_tensor_of_list(1., 2.): a 1-D tensor of the default type. */
# define tr_tensor_of(...)         TR_TENSOR_OF_(__VA_ARGS__, )
# define TR_TENSOR_OF_(value, ...) TR_TENSOR_(tr_tensor_of_(TR_SCALAR_(value), TR_OPTIONS_(__VA_ARGS__)))
# define tr_tensor_of_list(...) \
  TR_TENSOR_((tr_from_data)((const double[]){__VA_ARGS__}, TR_FLOAT64, TR_SHAPE((int64_t)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double))), TR_OPTIONS_(.dtype = tr_get_default_dtype())))

# define tr_item(t)                          TR_NUMBER_((tr_item)(t))
# define tr_get(t, i)                        TR_NUMBER_((tr_get)(t, i))
# define TR_NUMBER_(call)                    tr_number_at_(call, __FILE__, __LINE__)
# define tr_number_string(t)                 tr_text_at_((tr_number_string)(t), __FILE__, __LINE__)
# define tr_to_string(t)                     tr_text_at_((tr_to_string)(t), __FILE__, __LINE__)
# define tr_print(t)                         TR_STATUS_((tr_print)(t))
# define tr_to_numpy_string(t)               tr_text_at_((tr_to_numpy_string)(t), __FILE__, __LINE__)
# define tr_print_numpy(t)                   TR_STATUS_((tr_print_numpy)(t))
# define tr_to_data(t, to, data)             TR_STATUS_((tr_to_data)(t, to, data))
# define tr_view(t, shape)                   TR_TENSOR_((tr_view)(t, shape))
# define tr_reshape(t, shape)                TR_TENSOR_((tr_reshape)(t, shape))
# define tr_flatten(t, start_dim, end_dim)   TR_TENSOR_((tr_flatten)(t, start_dim, end_dim))
# define tr_t(t)                             TR_TENSOR_((tr_t)(t))
# define tr_transpose(t, dim0, dim1)         TR_TENSOR_((tr_transpose)(t, dim0, dim1))
# define tr_permute(t, dims)                 TR_TENSOR_((tr_permute)(t, dims))
# define tr_unsqueeze(t, dim)                TR_TENSOR_((tr_unsqueeze)(t, dim))
# define tr_squeeze(t, dim)                  TR_TENSOR_((tr_squeeze)(t, dim))
# define tr_expand(t, shape)                 TR_TENSOR_((tr_expand)(t, shape))
# define tr_select(t, dim, index)            TR_TENSOR_((tr_select)(t, dim, index))
# define tr_narrow(t, dim, start, length)    TR_TENSOR_((tr_narrow)(t, dim, start, length))
# define tr_slice(t, dim, start, stop, step) TR_TENSOR_((tr_slice)(t, dim, start, stop, step))
# define tr_detach(t)                        TR_TENSOR_((tr_detach)(t))
# define tr_clone(t)                         TR_TENSOR_((tr_clone)(t))
# define tr_contiguous(t)                    TR_TENSOR_((tr_contiguous)(t))
# define tr_to(t, dtype)                     TR_TENSOR_((tr_to)(t, dtype))
# define tr_to_device(t, device)             TR_TENSOR_((tr_to_device)(t, device))

static inline double tr_number_at_(double x, const char *file, int line)
{
    if (x != x) tr_error_at_(file, line); /* a NaN that is a value leaves no error standing, and nothing happens */
    return x;
}

static inline const char *tr_text_at_(const char *text, const char *file, int line)
{
    if (!*text) tr_error_at_(file, line);
    return text;
}

/* A number of any kind as a tr_scalar.  Every arithmetic type is listed and there is no default, so that a wrong argument
 * is the compiler's error and not a number. */
/* clang-format off */
# define TR_SCALAR_(x) _Generic((x), bool: tr_scalar_b_, char: tr_scalar_i_, signed char: tr_scalar_i_, unsigned char: tr_scalar_i_, \
    short: tr_scalar_i_, unsigned short: tr_scalar_i_, int: tr_scalar_i_, unsigned: tr_scalar_i_,                                   \
    long: tr_scalar_i_, long long: tr_scalar_i_, unsigned long: tr_scalar_u_, unsigned long long: tr_scalar_u_,                     \
    float: tr_scalar_f_, double: tr_scalar_f_, long double: tr_scalar_l_,                                                           \
    float _Complex: tr_scalar_z_, double _Complex: tr_scalar_z_)(x)
/* clang-format on */
static inline tr_scalar tr_scalar_b_(bool x) { return (tr_scalar){TR_BOOL, x, x, 0}; }
static inline tr_scalar tr_scalar_i_(long long x) { return (tr_scalar){TR_INT64, x, (double)x, 0}; }
static inline tr_scalar tr_scalar_u_(unsigned long long x) { return (tr_scalar){x <= INT64_MAX ? TR_INT64 : TR_DEFAULT_DTYPE, (int64_t)x, (double)x, 0}; }
static inline tr_scalar tr_scalar_f_(double x) { return (tr_scalar){TR_FLOAT64, 0, x, 0}; }
static inline tr_scalar tr_scalar_l_(long double x) { return tr_scalar_f_((double)x); }
static inline tr_scalar tr_scalar_z_(double _Complex x) { return (tr_scalar){TR_COMPLEX128, 0, ((const double *)&x)[0], ((const double *)&x)[1]}; }
#endif

#endif
