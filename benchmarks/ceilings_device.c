#include "ceilings_device.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include "bench.h"
#include "kernels/cuda/cublaslt.h"

/* ---- the runtime, in the library's own copy ---- */

enum { DEVICE_TO_DEVICE = 3, /* cudaMemcpyKind */
       NON_BLOCKING = 1 };   /* of a stream */

typedef struct {
    int (*set_device)(int index);
    int (*stream_create)(void **stream, unsigned flags);
    int (*stream_synchronize)(void *stream);
    int (*memcpy_async)(void *to, const void *from, size_t bytes, int kind, void *stream);
    const cublaslt *(*lt)(void); /* a played device brings its own */
} runtime;

/* The library has loaded its CUDA side by now, and that the runtime. */
static const runtime *runtime_here(void)
{
    static runtime r;
    static bool looked;
    const char *named = getenv("TRIREME_CUDA_LIBRARY");
    void *object = looked ? NULL : dlopen(named && *named ? named : "libtrireme-cuda.so." TR_SOVERSION, RTLD_NOW | RTLD_NOLOAD);
    looked = true;
    if (object) {
        *(void **)&r.set_device = dlsym(object, "cudaSetDevice");
        *(void **)&r.stream_create = dlsym(object, "cudaStreamCreateWithFlags");
        *(void **)&r.stream_synchronize = dlsym(object, "cudaStreamSynchronize");
        *(void **)&r.memcpy_async = dlsym(object, "cudaMemcpyAsync");
        *(void **)&r.lt = dlsym(object, "cublaslt_here");
        if (!r.lt) r.lt = cublaslt_here;
    }
    return r.set_device && r.stream_create && r.stream_synchronize && r.memcpy_async ? &r : NULL;
}

/* A stream of our own on the device, made once; NULL: there is none. */
static void *stream_on(const runtime *r, tr_device device)
{
    static void *stream;
    if (tr_synchronize(device) < 0 || r->set_device(device.index) != 0) return NULL;
    if (!stream && r->stream_create(&stream, NON_BLOCKING) != 0) stream = NULL;
    return stream;
}

/* ---- what is timed: so often, between two moments at which the stream is empty ---- */

typedef struct {
    const runtime *r;
    void *stream;
    int (*once)(const void *work, void *stream);
    const void *work;
} task;

static double seconds_for(const task *t, int64_t times)
{
    if (t->r->stream_synchronize(t->stream) != 0) return 0;
    double start = bench_seconds();
    for (int64_t i = 0; i < times; i++)
        if (t->once(t->work, t->stream) != 0) return 0;
    if (t->r->stream_synchronize(t->stream) != 0) return 0;
    return bench_seconds() - start;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The time of one: the median of samples that fill twenty milliseconds each, as ours do; 0: it failed. */
static double seconds_of(const task *t)
{
    enum { SAMPLES = 5 };
    const double fill = bench_quick() ? 2e-4 : 2e-2;
    int64_t times = 1;
    double took = 0, sample[SAMPLES];
    while ((took = seconds_for(t, times)) < fill && times < INT64_C(1) << 20) {
        if (took <= 0) return 0;
        times *= 2;
    }
    for (int i = 0; i < SAMPLES; i++) {
        sample[i] = seconds_for(t, times) / (double)times;
        if (sample[i] <= 0) return 0;
    }
    qsort(sample, SAMPLES, sizeof *sample, ascending);
    return sample[SAMPLES / 2];
}

/* ---- a copy ---- */

typedef struct {
    const runtime *r;
    void *to, *from;
    size_t bytes;
} copy;

static int copy_once(const void *work, void *stream)
{
    const copy *c = work;
    return c->r->memcpy_async(c->to, c->from, c->bytes, DEVICE_TO_DEVICE, stream);
}

double ceiling_device_copy(tr_device device, int64_t bytes)
{
    TR_SCOPE;
    const runtime *r = runtime_here();
    copy c = {.r = r, .bytes = (size_t)bytes};
    c.to = tr_data(tr_zeros(TR_SHAPE(bytes), .dtype = TR_UINT8, .device = device));
    c.from = tr_data(tr_zeros(TR_SHAPE(bytes), .dtype = TR_UINT8, .device = device));
    void *stream = r && c.to && c.from ? stream_on(r, device) : NULL;
    if (!stream) return 0;
    double seconds = seconds_of(&(task){r, stream, copy_once, &c});
    return seconds > 0 ? 2e-9 * (double)bytes / seconds : 0;
}

/* ---- a product: row-major c = a b is column-major c' = b' a' ---- */

enum { CHOICES = 4,
       WORKSPACE = 32 << 20 };

typedef struct {
    const cublaslt *lt;
    void *handle, *desc, *left, *right, *out, *preference, *workspace;
    void *a, *b, *c;
    lt_choice choice[CHOICES];
    int found, chosen;
} product;

static int product_once(const void *work, void *stream)
{
    const product *p = work;
    const float one = 1, zero = 0;
    const lt_choice *choice = &p->choice[p->chosen];
    return p->lt->matmul(p->handle, p->desc, &one, p->b, p->left, p->a, p->right, &zero, p->c, p->out, p->c, p->out, &choice->algo, p->workspace, choice->workspace, stream);
}

/* A matrix with dense rows is, by columns, its transpose with the same leading dimension. */
static bool describe(product *p, void **layout, int attribute, int type, tr_tensor *t)
{
    const bool transposed = tr_stride(t, 0) == 1 && tr_stride(t, 1) != 1;
    const int32_t op = transposed ? LT_OP_T : LT_OP_N;
    const int64_t rows = tr_size(t, transposed ? 0 : 1), columns = tr_size(t, transposed ? 1 : 0);
    return p->lt->layout_create(layout, type, (uint64_t)rows, (uint64_t)columns, rows) == LT_SUCCESS && (attribute == 0 || p->lt->desc_set(p->desc, attribute, &op, sizeof op) == LT_SUCCESS);
}

static bool prepare(product *p, int type, tr_tensor *a, tr_tensor *b, tr_tensor *c)
{
    const uint64_t most = WORKSPACE;
    const uint32_t schemes = LT_REDUCTION_IN_COMPUTE_TYPE; /* partial sums as exact as the library's */
    const cublaslt *lt = p->lt;
    static void *handle; /* never closed, as the library's own */
    if (!handle && lt->create(&handle) != LT_SUCCESS) return false;
    p->handle = handle;
    const int compute = type == LT_R_32F && tr_get_float32_matmul_precision() == TR_PRECISION_HIGH ? LT_COMPUTE_32F_FAST_TF32 : LT_COMPUTE_32F;
    return lt->desc_create(&p->desc, compute, LT_R_32F) == LT_SUCCESS &&
           describe(p, &p->left, LT_DESC_TRANSA, type, b) && describe(p, &p->right, LT_DESC_TRANSB, type, a) && describe(p, &p->out, 0, type, c) &&
           lt->preference_create(&p->preference) == LT_SUCCESS && lt->preference_set(p->preference, LT_PREFER_MAX_WORKSPACE, &most, sizeof most) == LT_SUCCESS &&
           lt->preference_set(p->preference, LT_PREFER_REDUCTION_SCHEMES, &schemes, sizeof schemes) == LT_SUCCESS &&
           lt->choose(p->handle, p->desc, p->left, p->right, p->out, p->out, p->preference, CHOICES, p->choice, &p->found) == LT_SUCCESS;
}

static void release(product *p)
{
    if (p->preference) p->lt->preference_destroy(p->preference);
    if (p->left) p->lt->layout_destroy(p->left);
    if (p->right) p->lt->layout_destroy(p->right);
    if (p->out) p->lt->layout_destroy(p->out);
    if (p->desc) p->lt->desc_destroy(p->desc);
}

double ceiling_device_product(tr_tensor *a, tr_tensor *b, tr_tensor *c, double *fastest)
{
    TR_SCOPE;
    const runtime *r = runtime_here();
    product p = {.lt = r ? r->lt() : NULL, .a = tr_data(a), .b = tr_data(b), .c = tr_data(c)};
    const int type = tr_dtype_of(a) == TR_BFLOAT16 ? LT_R_16BF : LT_R_32F;
    double first = 0;
    *fastest = 0;
    p.workspace = tr_data(tr_empty(TR_SHAPE(WORKSPACE), .dtype = TR_UINT8, .device = tr_device_of(a)));
    void *stream = p.lt && p.a && p.b && p.c && p.workspace ? stream_on(r, tr_device_of(a)) : NULL;
    if (stream && prepare(&p, type, a, b, c))
        for (p.chosen = p.found - 1; p.chosen >= 0; p.chosen--) { /* the first one last, so that c is its product */
            if (p.choice[p.chosen].status != LT_SUCCESS || p.choice[p.chosen].workspace > WORKSPACE) continue;
            double seconds = seconds_of(&(task){r, stream, product_once, &p});
            double rate = seconds > 0 ? 2e-9 * (double)tr_size(a, 0) * (double)tr_size(a, 1) * (double)tr_size(b, 1) / seconds : 0;
            if (rate > *fastest) *fastest = rate;
            first = rate;
        }
    release(&p);
    return first;
}
