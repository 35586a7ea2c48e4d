/* Element types, shapes and devices: the small plain values that the rest is written in. */
#ifndef TRIREME_TYPES_H
#define TRIREME_TYPES_H

#include <trireme/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The element types, in PyTorch's order of promotion within a category.  0 is "not said": the default type. */
typedef enum {
    TR_DEFAULT_DTYPE = 0,
    TR_BOOL,
    TR_UINT8,
    TR_INT32,
    TR_INT64,
    TR_FLOAT16,
    TR_BFLOAT16,
    TR_FLOAT32,
    TR_FLOAT64,
    TR_COMPLEX64,
    TR_COMPLEX128,
    TR_DTYPES /* how many, the default included */
} tr_dtype;

/* "float32", as PyTorch says it without "torch."; "default" for 0, "unknown" for what is no type. */
TR_API const char *tr_dtype_name(tr_dtype dtype);

/* Bytes of one element; 0 for what is no type. */
TR_API int64_t tr_dtype_size(tr_dtype dtype);

TR_API bool tr_dtype_is_floating(tr_dtype dtype); /* float16, bfloat16, float32, float64 */
TR_API bool tr_dtype_is_complex(tr_dtype dtype);

/* The default type: what floating numbers become where nobody says a type, at first float32.  It is the type of new
 * tensors, of tr_tensor_of(2.5), of what integers give when divided or meet a number like 1.5, and it is not named in
 * print; float64 brings complex128 along.  Floating types only: 0, or -1 with an error standing.
 * It is the calling thread's alone (torch's is everybody's), and so unseen by whoever else uses the library in another
 * thread; who borrows a caller's thread puts back what tr_get_default_dtype() said before. */
TR_API int(tr_set_default_dtype)(tr_dtype dtype);
TR_API tr_dtype tr_get_default_dtype(void);

/* The type that an operation on two dimensioned tensors of these types works in (torch.promote_types). */
TR_API tr_dtype tr_promote_types(tr_dtype a, tr_dtype b);

#define TR_MAX_DIMS 8

/* Sizes, outermost dimension first.  ndim 0 is a scalar with one element; ndim -1 is no shape, refused by everyone. */
typedef struct {
    int ndim;
    int64_t size[TR_MAX_DIMS];
} tr_shape;

/* A shape from an array; more than TR_MAX_DIMS sizes make a shape that every function refuses. */
TR_API tr_shape tr_shape_of(int ndim, const int64_t *size);

/* Elements of a shape: the product of its sizes; -1 for no shape, a negative size, or more than INT64_MAX. */
TR_API int64_t tr_shape_numel(tr_shape shape);

typedef enum { TR_CPU = 0,
               TR_CUDA = 1 } tr_device_type;

/* Where a tensor's memory lies.  The zero value is the CPU. */
typedef struct {
    tr_device_type type;
    int index;
} tr_device;

TR_API tr_device tr_cpu(void);
TR_API tr_device tr_cuda(int index); /* asking for a device that is not there fails where it is used, by name */

/* Can tensors be made on tr_cuda(0)?  Asking is no error.  The first question loads libtrireme-cuda.so, or what
 * TRIREME_CUDA_LIBRARY names, and starts the driver. */
TR_API bool tr_cuda_is_available(void);
TR_API int tr_cuda_device_count(void);
TR_API const char *tr_cuda_missing(void); /* why there is none; NULL if there is one */

/* Wait until all that a device was asked for is done.  Returns 0, or -1 with the error standing that it met; the CPU never
 * has anything to wait for. */
TR_API TR_CHECK_RESULT int(tr_synchronize)(tr_device device);

/* How many threads the CPU's kernels may use when this thread calls them; results do not depend on it.  At first
 * OMP_NUM_THREADS, or every core this process may use; tr_dist_init gives each rank of a host its share.  At least 1;
 * the child of a fork begins with 1, since its parent's threads are not there. */
TR_API int tr_num_threads(void);
TR_API void tr_set_num_threads(int threads);

/* A device by name: "cpu", "cuda", "cuda:1".  Returns 0, or -1 with an error standing. */
TR_API TR_CHECK_RESULT int(tr_device_parse)(const char *name, tr_device *device);

/* "cpu" or "cuda:0".  The text is good until a few more were asked for. */
TR_API const char *tr_device_name(tr_device device);

/* Several tensors, borrowed: `count` handles that somebody else owns. */
typedef struct {
    tr_tensor *const *tensor;
    int64_t count;
} tr_tensors;

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
# define TR_SIZES_(...)                ((const int64_t[]){0, __VA_ARGS__})
/* TR_SHAPE(2, 3); TR_SHAPE() is a scalar's. */
# define TR_SHAPE(...)                 tr_shape_of((int)(sizeof(TR_SIZES_(__VA_ARGS__)) / sizeof(int64_t)) - 1, TR_SIZES_(__VA_ARGS__) + 1)
/* TR_TENSORS(theta, b): tensors listed where a list is asked for; lives as long as the enclosing block. */
# define TR_TENSORS(...)               ((tr_tensors){(tr_tensor *const[]){__VA_ARGS__}, (int64_t)(sizeof((tr_tensor *const[]){__VA_ARGS__}) / sizeof(tr_tensor *))})
# define tr_device_parse(name, device) TR_STATUS_((tr_device_parse)(name, device))
# define tr_synchronize(device)        TR_STATUS_((tr_synchronize)(device))
# define tr_set_default_dtype(dtype)   TR_STATUS_((tr_set_default_dtype)(dtype))
#endif

#endif
