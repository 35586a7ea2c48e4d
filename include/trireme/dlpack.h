/* DLPack: tensors handed between libraries without a copy, as pointers to a small C struct.
 *
 * What is handed over stays the giver's memory.  The taker calls the struct's deleter, once, when it is done.
 *     in C++       DLManagedTensorVersioned *m = tr_to_dlpack(t);   array = other_library_from_dlpack(m);
 *     in Python    a capsule "dltensor_versioned" around the pointer; around the older struct, "dltensor"
 * The structs are those of <dlpack/dlpack.h>, version 1.1.  That header may be included too, before or after. */
#ifndef TRIREME_DLPACK_H
#define TRIREME_DLPACK_H

#include <trireme/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef DLPACK_DLPACK_H_
# define DLPACK_DLPACK_H_ /* the original's guard: it says the same */
# ifdef __cplusplus
#  define DLPACK_EXTERN_C extern "C"
typedef enum : int32_t {
# else
#  define DLPACK_EXTERN_C
typedef enum {
# endif
    kDLCPU = 1,
    kDLCUDA = 2,
    kDLCUDAHost = 3,
    kDLOpenCL = 4,
    kDLVulkan = 7,
    kDLMetal = 8,
    kDLVPI = 9,
    kDLROCM = 10,
    kDLROCMHost = 11,
    kDLExtDev = 12,
    kDLCUDAManaged = 13,
    kDLOneAPI = 14,
    kDLWebGPU = 15,
    kDLHexagon = 16,
    kDLMAIA = 17
} DLDeviceType;

typedef struct {
    DLDeviceType device_type;
    int32_t device_id; /* 0 for the CPU */
} DLDevice;

typedef enum {
    kDLInt = 0U,
    kDLUInt = 1U,
    kDLFloat = 2U,
    kDLOpaqueHandle = 3U,
    kDLBfloat = 4U,
    kDLComplex = 5U,
    kDLBool = 6U,
    kDLFloat8_e3m4 = 7U,
    kDLFloat8_e4m3 = 8U,
    kDLFloat8_e4m3b11fnuz = 9U,
    kDLFloat8_e4m3fn = 10U,
    kDLFloat8_e4m3fnuz = 11U,
    kDLFloat8_e5m2 = 12U,
    kDLFloat8_e5m2fnuz = 13U,
    kDLFloat8_e8m0fnu = 14U,
    kDLFloat6_e2m3fn = 15U,
    kDLFloat6_e3m2fn = 16U,
    kDLFloat4_e2m1fn = 17U
} DLDataTypeCode;

typedef struct {
    uint8_t code; /* a DLDataTypeCode */
    uint8_t bits;
    uint16_t lanes; /* 1, but for vector types */
} DLDataType;

typedef struct {
    void *data;
    DLDevice device;
    int32_t ndim;
    DLDataType dtype;
    int64_t *shape;
    int64_t *strides;     /* in elements; NULL: row-major */
    uint64_t byte_offset; /* from data to the first element */
} DLTensor;

typedef struct DLManagedTensor { /* before version 1 */
    DLTensor dl_tensor;
    void *manager_ctx;                             /* the giver's */
    void (*deleter)(struct DLManagedTensor *self); /* may be NULL */
} DLManagedTensor;
#endif

#ifndef DLPACK_MAJOR_VERSION /* nor in an original older than 1.0 */
# define DLPACK_MAJOR_VERSION                       1
# define DLPACK_MINOR_VERSION                       1
# define DLPACK_FLAG_BITMASK_READ_ONLY              (1UL << 0UL)
# define DLPACK_FLAG_BITMASK_IS_COPIED              (1UL << 1UL)
# define DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED (1UL << 2UL)

typedef struct {
    uint32_t major, minor;
} DLPackVersion;

typedef struct DLManagedTensorVersioned {
    DLPackVersion version;
    void *manager_ctx;                                      /* the giver's */
    void (*deleter)(struct DLManagedTensorVersioned *self); /* may be NULL */
    uint64_t flags;
    DLTensor dl_tensor;
} DLManagedTensorVersioned;
#endif

/* Hand t's memory to another library.  Writing in one shows in the other (and, as with tr_data, is not noticed by
 * backward); the memory stays until the deleter has been called and no tensor here lies in it, whichever comes last.
 * The deleter may be called on any thread; when the writes of one thread are seen by another is for the two to agree.
 * t        on the CPU, or on a CUDA device, whose work is waited for; must not require grad (hand over tr_detach(t))
 * returns  a struct that belongs to whoever takes it;  NULL with an error standing */
TR_API struct DLManagedTensorVersioned *(tr_to_dlpack)(tr_tensor *t);
TR_API struct DLManagedTensor *(tr_to_dlpack_unversioned)(tr_tensor *t);

/* A tensor over another library's memory, nothing copied; the deleter is called when its last view is gone.
 * What is marked as read-only, or is not aligned to its elements, is copied, for a tensor here can be written to.
 * m        taken over: its deleter is called exactly once on every path, failures included.  Of a struct of another
 *          major version nothing else is touched.  Of memory of a CUDA device: when all work on it is done
 * returns  a tensor that belongs to the open scope;  NULL with an error standing that names the device, the type or
 *          the size that cannot be had here */
TR_API tr_tensor *(tr_from_dlpack)(struct DLManagedTensorVersioned *m);
TR_API tr_tensor *(tr_from_dlpack_unversioned)(struct DLManagedTensor *m);

#ifdef __cplusplus
}
#else
static inline void *tr_dlpack_at_(void *m, const char *file, int line)
{
    if (!m) tr_error_at_(file, line);
    return m;
}

# define tr_to_dlpack(t)               ((struct DLManagedTensorVersioned *)tr_dlpack_at_((tr_to_dlpack)(t), __FILE__, __LINE__))
# define tr_to_dlpack_unversioned(t)   ((struct DLManagedTensor *)tr_dlpack_at_((tr_to_dlpack_unversioned)(t), __FILE__, __LINE__))
# define tr_from_dlpack(m)             TR_TENSOR_((tr_from_dlpack)(m))
# define tr_from_dlpack_unversioned(m) TR_TENSOR_((tr_from_dlpack_unversioned)(m))
#endif

#endif
