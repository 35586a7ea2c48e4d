/* The tensor and its storage, as the library's rooms see them.
 *
 *     tr_tensor  shape, strides, data ----+
 *     tr_tensor  (a view)     data ------+|
 *                                        vv
 *     core_storage  count, version ->  [ memory of a device, or a caller's ]
 *
 * A storage counts its tensors and its writes in place.  A tensor may know its origin: the operation that made it, of
 * which core sees only its name and how to let go of it. */
#ifndef TRIREME_CORE_TENSOR_H
#define TRIREME_CORE_TENSOR_H

#include <stdatomic.h>
#include <trireme/tensor.h>
#include "core/device.h"
#include "core/dtype.h"
#include "core/fail.h"
#include "core/object.h"
#include "core/shape.h"
#include "core/size_class.h"
#include "core/watch.h"

/* What is unusual about a storage. */
enum {
    CORE_ELSEWHERE = 1, /* memory of a device */
    CORE_FOREIGN = 2,
    CORE_RECORDED = 4, /* a step that is being recorded uses it: left to the recording when its count falls to 0 */
    CORE_LENT = 8,     /* it has been, and may be */
    CORE_MIXED = 16,   /* handles that came from another thread than itself are or were in it */
};

typedef struct core_storage {
    int32_t count;        /* tensors that lie in it */
    uint32_t version;     /* writes in place so far: backward refuses a saved value whose storage has moved on */
    _Atomic int32_t lent; /* 0: never lent; else borrowers outside, and 1 while count is not 0 */
    uint8_t kind;         /* CORE_ELSEWHERE ... */
    uint8_t class;        /* 0; or its data is a block of the CPU, of this thread or another, and this core_class_of(capacity) */
    tr_device at;
    const core_device *device;
    void *data; /* `small`, a block of the device, or foreign memory */
    int64_t capacity;
    uint32_t home; /* the thread it comes from, and a block of the CPU with it: core_thread's id */
    union {
        _Alignas(64) char small[64]; /* scalars and little vectors on the CPU need no block of their own */
        struct {
            void (*release)(void *p); /* foreign memory: called with `foreign` at the end, may be NULL */
            void *foreign;
        };
    };
} core_storage;

/* How a tensor came to be.  Autograd's node begins with this. */
typedef struct core_origin {
    const char *name; /* "MulBackward0" */
    int32_t count;    /* tensors and nodes that hold it */
    int32_t line;     /* the caller's place, noted in anomaly mode only; -1: nobody will */
    void (*release)(struct core_origin *origin);
    tr_tensor *made;  /* borrowed: the tensor that holds this, while it lives */
    const char *file; /* for a line that is not -1 */
} core_origin;

static inline void core_origin_release(core_origin *origin)
{
    if (--origin->count == 0) origin->release(origin);
}

enum {
    CORE_REQUIRES_GRAD = 1,   /* a leaf that asks for a gradient; anything with an origin does so too */
    CORE_NUMBER = 2,          /* a C number: bool, int64, (any floating one) float64 or complex128; does not decide a result's type */
    CORE_RETAINS_GRAD = 4,    /* keeps its gradient though it is no leaf */
    CORE_ROW_MAJOR = 8,       /* dense, outermost dim first */
    CORE_BLIND_VIEW = 16,     /* a view made while nothing was noted: its base is not known */
    CORE_UNIFORM = 32,        /* several elements that are all one in memory: every stride is 0 */
    CORE_MADE_RECORDING = 64, /* a handle made while a step was recorded */
};

/* A tensor's word with these bits of its bytes. */
static inline uint32_t core_word(unsigned dtype, unsigned device, unsigned flags, unsigned size_class)
{
    const uint8_t byte[] = {(uint8_t)dtype, (uint8_t)device, (uint8_t)flags, (uint8_t)size_class};
    uint32_t word;
    memcpy(&word, byte, sizeof word);
    return word;
}

struct tr_tensor {
    core_object object; /* what every operation looks at comes first, in one cache line */
    union {
        struct {
            uint8_t dtype, device; /* 0: the CPU; 1, 2, ...: a CUDA device */
            uint8_t flags;
            uint8_t size_class; /* where what is like it waits (whole.h), elements of the CPU, row-major; CORE_UNLIKE: it is something else */
        };
        uint16_t kind; /* type and device, to be compared at once */
        uint32_t word; /* and all four; a new handle's is written at once, for it may be read so next */
    };
    uint32_t home; /* the thread that the handle comes from */
    int64_t numel;
    void *data;
    core_storage *storage; /* owns one count */
    core_origin *origin;   /* owns one count; NULL for a leaf */
    tr_shape shape;        /* entries behind shape.ndim, and those of stride, are undefined */
    int64_t stride[TR_MAX_DIMS];
    core_origin *sink; /* owns one count: where backward brings a leaf's gradient; NULL until a graph needs it */
    tr_tensor *grad;   /* owns one count */
    tr_tensor *base;   /* owns one count: the tensor this is a view of, itself no view; else NULL */
    tr_tensor *views;  /* borrowed: of a base, its views, linked by the next two */
    tr_tensor *next_view, *previous_view;
};

/* A tensor with memory of its own, contents undefined, belonging to the open scope; NULL with an error noted.
 * `what` is the public function that needs it: "tr_add". */
tr_tensor *core_tensor_new(tr_dtype dtype, tr_device at, const tr_shape *shape, const char *what);

/* The same of one element without dims. */
tr_tensor *core_tensor_scalar(tr_dtype dtype, tr_device at, const char *what);

/* The same of two dims, of the type and on the device of a tensor. */
tr_tensor *core_tensor_matrix(const tr_tensor *of, int64_t rows, int64_t columns, const char *what);

/* The same for a result in the shape and on the device of x, which need no checking: x has them. */
tr_tensor *core_tensor_like(const tr_tensor *x, tr_dtype dtype, const char *what);

/* Another tensor on the storage of `of`, `offset` elements on from its first; a leaf without a gradient. */
tr_tensor *core_tensor_alias(const tr_tensor *of, const tr_shape *shape, const int64_t *stride, int64_t offset, const char *what);

/* The same where `of` is one element, seen as all elements of a shape. */
tr_tensor *core_tensor_stretched(const tr_tensor *of, const tr_shape *shape, const char *what);

/* A tensor over memory of somebody else, who is told by release(owner) when the last view is gone; nobody is told on
 * failure.  Sizes and strides have been checked. */
tr_tensor *core_tensor_over(void *data, tr_dtype dtype, tr_device at, const tr_shape *shape, const int64_t *stride, void (*release)(void *), void *owner, const char *what);

/* Lend t's memory to somebody outside the library, who gives it back on whatever thread.  A storage's count is plain,
 * for all its tensors belong to one thread; so borrowers are counted apart and atomically, the thread as one of them.
 * Who lets go last frees. */
core_storage *core_storage_lend(const tr_tensor *t);
void core_storage_give_back(core_storage *s);

/* Let go of one count of a storage; free one that has none. */
void core_storage_drop(core_storage *s);
void core_storage_free(core_storage *s);

/* Note that y shows part of t, or of what t is a view of. */
void core_tensor_is_view(tr_tensor *y, tr_tensor *t);

/* t's storage, shape and strides become those of `from`; the handle, its gradient and its name in modules stay.
 * It is no view any more, and has none. */
void core_tensor_adopt(tr_tensor *t, const tr_tensor *from);

static inline tr_device core_device_at(const tr_tensor *t) { return t->storage->at; }
static inline bool core_same_device(const tr_tensor *a, const tr_tensor *b) { return a->device == b->device; }

/* `bytes` of t's memory, from `from` on, to the host; and all of t, which is dense, from the host.  0 or -1. */
int core_receive_watched(const tr_tensor *t, void *host, const void *from, int64_t bytes);
int core_send_watched(tr_tensor *t, const void *host);
static inline int core_receive(const tr_tensor *t, void *host, const void *from, int64_t bytes)
{
    if (core_watched()) return core_receive_watched(t, host, from, bytes);
    return t->storage->device->from_device(t->storage->at.index, host, from, bytes);
}
static inline int core_send(tr_tensor *t, const void *host)
{
    if (core_watched()) return core_send_watched(t, host);
    return t->storage->device->to_device(t->storage->at.index, t->data, host, t->numel * core_dtype_bytes[t->dtype]);
}
static inline bool core_is_floating(const tr_tensor *t) { return (unsigned)t->dtype - TR_FLOAT16 <= TR_FLOAT64 - TR_FLOAT16; } /* and not complex */
static inline bool core_row_major_tensor(const tr_tensor *t) { return t->flags & CORE_ROW_MAJOR; }
static inline tr_tensor *core_keep_tensor(tr_tensor *t)
{
    if (t) t->object.count++;
    return t;
}
static inline void core_drop_tensor(tr_tensor *t)
{
    if (t) core_release(&t->object);
}
static inline void core_written(tr_tensor *t) { t->storage->version++; }
static inline void core_tensor_is_number(tr_tensor *t)
{
    t->flags |= CORE_NUMBER;
    t->size_class = CORE_UNLIKE;
}

/* True if somebody besides this handle's own holder sees the memory: another handle, or another owner of this one. */
static inline bool core_shared(const tr_tensor *t, int32_t owners)
{
    return t->object.count > owners || t->storage->count > 1 || atomic_load_explicit(&t->storage->lent, memory_order_relaxed) > 1;
}

/* "(100, 2) float32 cuda:0", for errors. */
const char *core_show(const tr_tensor *t);

/* The type of a result of a and b, by PyTorch's rules: a dimensioned operand decides over a 0-d one, and that over a
 * number, unless the latter is of a higher category. */
tr_dtype core_result_type(const tr_tensor *a, const tr_tensor *b);
tr_dtype core_result_type_of(const tr_tensor *const *operands, int count); /* NULL among them is passed over */

/* What a step that is being recorded cannot hold, values that leave it for one: it goes on as usual and is not recorded, as
 * tr_record_end then says.  The texts are the program's, for ever. */
void core_not_recorded(const char *function, const char *why);
void core_value_leaves(const char *function);

/* A new tensor of these numbers: tr_from_data() but for what a recording needs. */
tr_tensor *core_from_data(const void *data, tr_dtype from, tr_shape shape, tr_tensor_options options);

/* Checks of options and shapes that every maker of tensors needs: n >= 0, or -1 with an error noted. */
int64_t core_check_shape(const tr_shape *shape, tr_dtype dtype, const char *what);
int core_check_options(const tr_tensor_options *options, tr_dtype fallback, tr_dtype *dtype, const char *what);

/* The type that a C number becomes where nobody says one; whether it may become this one: 0, or -1 with an error noted. */
tr_dtype core_scalar_dtype(const tr_scalar *x);
int core_check_scalar(const tr_scalar *x, tr_dtype dtype, const char *what);

/* Where element i in row-major order stands, in elements from t->data. */
int64_t core_offset(const tr_tensor *t, int64_t i);

#endif
