#include <trireme/dlpack.h>

#include <string.h>
#include "core/memory.h"
#include "core/tensor.h"

/* The layout that every other library was compiled with. */
#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(DLDevice) == 8 && sizeof(DLDataType) == 4 && sizeof(DLTensor) == 48, "DLPack's layout");
_Static_assert(offsetof(DLTensor, ndim) == 16 && offsetof(DLTensor, dtype) == 20 && offsetof(DLTensor, shape) == 24 && offsetof(DLTensor, byte_offset) == 40, "DLPack's layout");
_Static_assert(sizeof(DLManagedTensor) == 64 && offsetof(DLManagedTensor, manager_ctx) == 48 && offsetof(DLManagedTensor, deleter) == 56, "DLPack's layout");
_Static_assert(sizeof(DLManagedTensorVersioned) == 80 && offsetof(DLManagedTensorVersioned, manager_ctx) == 8 && offsetof(DLManagedTensorVersioned, deleter) == 16, "DLPack's layout");
_Static_assert(offsetof(DLManagedTensorVersioned, flags) == 24 && offsetof(DLManagedTensorVersioned, dl_tensor) == 32, "DLPack's layout");
#endif

/* ---- element types and devices ---- */

static const struct {
    uint8_t code, bits;
} types[TR_DTYPES] = {
    [TR_BOOL] = {kDLBool, 8},
    [TR_UINT8] = {kDLUInt, 8},
    [TR_INT32] = {kDLInt, 32},
    [TR_INT64] = {kDLInt, 64},
    [TR_FLOAT16] = {kDLFloat, 16},
    [TR_BFLOAT16] = {kDLBfloat, 16},
    [TR_FLOAT32] = {kDLFloat, 32},
    [TR_FLOAT64] = {kDLFloat, 64},
    [TR_COMPLEX64] = {kDLComplex, 64},
    [TR_COMPLEX128] = {kDLComplex, 128},
};

static const char *type_name(DLDataType type)
{
    static const char *const with_bits[] = {"int", "uint", "float", "opaque handle", "bfloat", "complex", "bool"};
    static const char *const exactly[] = {"float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu", "float6_e2m3fn", "float6_e3m2fn", "float4_e2m1fn"};
    if (type.code <= kDLBool) return core_text("%s%d", with_bits[type.code], type.bits);
    if (type.code <= kDLFloat4_e2m1fn) return exactly[type.code - kDLFloat8_e3m4];
    return core_text("type code %d of %d bits", type.code, type.bits);
}

static tr_dtype dtype_of(DLDataType type, const char *what)
{
    if (type.lanes != 1) return (void)core_fail("%s: %s in vectors of %d: only single elements have a type here", what, type_name(type), type.lanes), TR_DEFAULT_DTYPE;
    for (int d = TR_BOOL; d < TR_DTYPES; d++)
        if (types[d].code == type.code && types[d].bits == type.bits) return (tr_dtype)d;
    return (void)core_fail("%s: there is no element type for %s", what, type_name(type)), TR_DEFAULT_DTYPE;
}

/* Pinned host memory is host memory. */
static int device_of(DLDevice device, tr_device *at, const char *what)
{
    static const char *const names[] = {[kDLOpenCL] = "OpenCL", [kDLVulkan] = "Vulkan", [kDLMetal] = "Metal", [kDLVPI] = "VPI", [kDLROCM] = "ROCm", [kDLExtDev] = "an extension device", [kDLCUDAManaged] = "CUDA managed memory", [kDLOneAPI] = "oneAPI", [kDLWebGPU] = "WebGPU", [kDLHexagon] = "Hexagon", [kDLMAIA] = "MAIA"};
    int type = (int)device.device_type;
    *at = tr_cpu();
    if (type == kDLCPU || type == kDLCUDAHost || type == kDLROCMHost) return 0;
    if (type == kDLCUDA) *at = tr_cuda(device.device_id);
    if (type == kDLCUDA) return core_device_of(*at) ? 0 : -1;
    if (type > 0 && type < (int)(sizeof names / sizeof *names) && names[type]) return core_fail_status("%s: memory of %s cannot be used here", what, names[type]);
    return core_fail_status("%s: there is no device type %d", what, type);
}

/* ---- out ---- */

/* What is handed over, and what it needs until it is given back. */
typedef struct {
    DLManagedTensorVersioned managed; /* this or the other */
    DLManagedTensor unversioned;
    core_storage *storage; /* lent */
    int64_t shape[TR_MAX_DIMS], stride[TR_MAX_DIMS];
} loan;

static void end_loan(loan *l)
{
    core_storage_give_back(l->storage);
    core_free(l);
}

static void delete_versioned(DLManagedTensorVersioned *self) { end_loan(self->manager_ctx); }
static void delete_unversioned(DLManagedTensor *self) { end_loan(self->manager_ctx); }

static loan *lend(tr_tensor *t, DLTensor *(*part)(loan *), const char *what)
{
    if (!t) return core_null(what);
    if (tr_requires_grad(t)) return core_fail("%s: %s requires grad, and other libraries would not note what they do to it; hand over tr_detach(t): Can't export tensors that require gradient, use tensor.detach()", what, core_show(t));
    if (t->storage->device->synchronize(core_device_at(t).index) < 0) return NULL; /* who gets it has streams of their own */
    loan *l = core_alloc((int64_t)sizeof *l, what);
    if (!l) return NULL;
    l->storage = core_storage_lend(t);
    memcpy(l->shape, t->shape.size, sizeof l->shape);
    memcpy(l->stride, t->stride, sizeof l->stride);
    tr_device at = core_device_at(t);
    *part(l) = (DLTensor){
        .data = t->numel ? t->data : NULL,
        .device = {at.type == TR_CPU ? kDLCPU : kDLCUDA, at.index},
        .ndim = t->shape.ndim,
        .dtype = {types[t->dtype].code, types[t->dtype].bits, 1},
        .shape = l->shape,
        .strides = l->stride,
    };
    return l;
}

static DLTensor *in_versioned(loan *l) { return &l->managed.dl_tensor; }
static DLTensor *in_unversioned(loan *l) { return &l->unversioned.dl_tensor; }

DLManagedTensorVersioned *(tr_to_dlpack)(tr_tensor *t)
{
    loan *l = lend(t, in_versioned, "tr_to_dlpack");
    if (!l) return NULL;
    l->managed.version = (DLPackVersion){DLPACK_MAJOR_VERSION, DLPACK_MINOR_VERSION};
    l->managed.manager_ctx = l;
    l->managed.deleter = delete_versioned;
    return &l->managed;
}

DLManagedTensor *(tr_to_dlpack_unversioned)(tr_tensor *t)
{
    loan *l = lend(t, in_unversioned, "tr_to_dlpack_unversioned");
    if (!l) return NULL;
    l->unversioned.manager_ctx = l;
    l->unversioned.deleter = delete_unversioned;
    return &l->unversioned;
}

/* ---- in ---- */

typedef struct {
    char *data; /* the first element */
    tr_dtype dtype;
    tr_device at;
    tr_shape shape;
    int64_t stride[TR_MAX_DIMS];
    int64_t numel;
} view;

/* Does everything between the lowest and the highest element have an address? */
static bool is_addressable(const view *v)
{
    int64_t low = 0, high = 0, span, bytes = core_dtype_bytes[v->dtype];
    uintptr_t end;
    for (int i = 0; i < v->shape.ndim; i++) {
        if (__builtin_mul_overflow(v->shape.size[i] - 1, v->stride[i], &span)) return false;
        if (__builtin_add_overflow(span < 0 ? low : high, span, span < 0 ? &low : &high)) return false;
    }
    if (__builtin_add_overflow(high, 1, &high) || __builtin_mul_overflow(high, bytes, &high) || __builtin_mul_overflow(low, bytes, &low)) return false;
    return !__builtin_add_overflow((uintptr_t)v->data, high, &end) && !__builtin_add_overflow((uintptr_t)v->data, low, &end);
}

static int look(const DLTensor *d, view *v, const char *what)
{
    if (!(v->dtype = dtype_of(d->dtype, what)) || device_of(d->device, &v->at, what) < 0) return -1;
    if (d->ndim < 0 || d->ndim > TR_MAX_DIMS) return core_fail_status("%s: %d dims: a tensor here has 0 to %d", what, (int)d->ndim, TR_MAX_DIMS);
    if (d->ndim && !d->shape) return core_fail_status("%s: %d dims, but shape is NULL", what, (int)d->ndim);
    v->shape = tr_shape_of(d->ndim, d->shape);
    v->numel = core_check_shape(&v->shape, v->dtype, what);
    if (v->numel < 0) return -1;
    if (v->numel == 0 || !d->strides)
        core_row_major(v->shape.ndim, v->shape.size, v->stride);
    else
        memcpy(v->stride, d->strides, sizeof *v->stride * (size_t)d->ndim);
    v->data = NULL;
    if (v->numel == 0) return 0;

    uintptr_t first;
    if (!d->data) return core_fail_status("%s: data is NULL, but the shape %s has %lld elements", what, core_shape_text(&v->shape), (long long)v->numel);
    bool overflows = __builtin_add_overflow((uintptr_t)d->data, d->byte_offset, &first);
    v->data = (char *)first;
    if (overflows || !is_addressable(v)) return core_fail_status("%s: with its strides and byte offset the shape %s reaches beyond all memory", what, core_shape_text(&v->shape));
    return 0;
}

static bool is_aligned(const view *v)
{
    int64_t bytes = core_dtype_bytes[v->dtype];
    return (uintptr_t)v->data % (uintptr_t)(core_dtype_category[v->dtype] == 3 ? bytes / 2 : bytes) == 0;
}

/* memcpy alone may touch what is not aligned. */
static tr_tensor *copy(const view *v, const char *what)
{
    if (v->at.type != TR_CPU) return core_fail("%s: read-only memory of %s cannot be copied; bring it to the CPU first", what, tr_device_name(v->at));
    tr_tensor *t = core_tensor_new(v->dtype, v->at, &v->shape, what);
    int64_t bytes = core_dtype_bytes[v->dtype];
    for (int64_t i = 0; t && i < v->numel; i++) {
        int64_t at = 0, rest = i;
        for (int d = v->shape.ndim - 1; d >= 0; rest /= v->shape.size[d--]) at += rest % v->shape.size[d] * v->stride[d];
        memcpy((char *)t->data + i * bytes, v->data + at * bytes, (size_t)bytes);
    }
    return t;
}

/* Gives `managed` to `release` by and by, or at once. */
static tr_tensor *borrow(const DLTensor *d, bool read_only, void (*release)(void *), void *managed, const char *what)
{
    view v = {0};
    tr_tensor *t = NULL;
    if (look(d, &v, what) == 0) {
        if (!read_only && is_aligned(&v) && (t = core_tensor_over(v.data, v.dtype, v.at, &v.shape, v.stride, release, managed, what))) return t;
        if (read_only || !is_aligned(&v)) t = copy(&v, what);
    }
    release(managed);
    return t;
}

static void release_versioned(void *managed)
{
    DLManagedTensorVersioned *m = managed;
    if (m->deleter) m->deleter(m);
}

static void release_unversioned(void *managed)
{
    DLManagedTensor *m = managed;
    if (m->deleter) m->deleter(m);
}

tr_tensor *(tr_from_dlpack)(DLManagedTensorVersioned *m)
{
    if (!m) return core_null("tr_from_dlpack");
    if (m->version.major != DLPACK_MAJOR_VERSION) {
        core_fail("tr_from_dlpack: DLPack version %u.%u; this library knows %d", (unsigned)m->version.major, (unsigned)m->version.minor, DLPACK_MAJOR_VERSION);
        release_versioned(m);
        return NULL;
    }
    return borrow(&m->dl_tensor, m->flags & DLPACK_FLAG_BITMASK_READ_ONLY, release_versioned, m, "tr_from_dlpack");
}

tr_tensor *(tr_from_dlpack_unversioned)(DLManagedTensor *m)
{
    if (!m) return core_null("tr_from_dlpack_unversioned");
    return borrow(&m->dl_tensor, false, release_unversioned, m, "tr_from_dlpack_unversioned");
}
