/* The CUDA kernels' table over fibres, beside a CPU's whose bits it has to give, and calls that lie in memory in every
 * way: for tests that run one call on both. */
#ifndef TEST_ON_FIBRES_H
#define TEST_ON_FIBRES_H

#include "../kernels.h"
#include "core/dtype.h"
#include "core/fail.h"
#include "kernels/cuda/cuda.h"

enum { FIBRES_ORDERS = 3 };
static kernel_table on_cpu;

#if defined(ON_DEVICE) /* compiled a second time, for a device's own kernels */
# include "on_device.h"
#else
extern int fibres_order; /* fibres.h */
static kernel_table on_gpu;

static void *stream_here;
void *cuda_stream(void) { return stream_here; }
void *cuda_own_stream(void) { return stream_here; }
bool cuda_captures(void) { return false; }
const void *cuda_numbers(const void *numbers, int64_t bytes, bool *launches)
{
    (void)numbers, (void)bytes;
    *launches = true;
    return NULL;
}
int cuda_fail(const kernel_call *call, const char *what) { return core_fail_status("%s: CUDA: %s", kernel_name(call->kernel), what); }
int cuda_launched(const kernel_call *call, int status) { return status ? core_fail_status("%s: %d", kernel_name(call->kernel), status) : 0; }

/* Scratch memory is full of what nobody wrote. */
void *cuda_scratch_take(const kernel_call *call, int64_t bytes)
{
    void *p = malloc((size_t)bytes + 1);
    (void)call;
    return p ? memset(p, 0xff, (size_t)bytes + 1) : NULL;
}
void cuda_scratch_give(void *scratch) { free(scratch); }

static cuda_trouble trouble;
cuda_trouble *cuda_trouble_here(void) { return &trouble; }

static inline int find_kernels(void)
{
    kernels_cuda(on_gpu);
    return 0;
}

/* A fibre's functions are libm's. */
static inline double theirs_apart(const kernel_call *call, tr_dtype type) { return (void)call, (void)type, 0.0; }
static inline double least_tolerance(tr_dtype type) { return (void)type, 0.0; }
#endif

/* A CPU without fma has other bits. */
BEFORE_ALL
{
    if (!kernels_of_level("v3", on_cpu) && !kernels_of_level("generic", on_cpu)) return TEST_SKIPPED;
    return find_kernels();
}

/* ---- values ---- */
static inline uint64_t next_bits(void)
{
    static uint64_t state = 1;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 32 | state << 32;
}

/* n elements of a type: numbers that functions have trouble with, numbers of everyday, and any bits at all. */
static inline void fill_any(void *data, tr_dtype type, int64_t n)
{
    static const double hard[] = {0, -0.0, 1, -1, 0.5, -0.5, 2, 3, -3, 1e-45, -1e-45, 0x1p-126, 0x1p-24, 65504, 65520, 1e6, 1048576, 1048577, -1e7, 3e38, -3e38, 88.72, 88.73, -87.4, -104, -103.9, 20, 20.00001, 0.625, 0.921875, 2147483647, -2147483648.0, 4e9, 9.3e18, 255, 256, 1e300, -1e-300, 5e-324, INFINITY, -INFINITY, NAN};
    enum { HARD = sizeof hard / sizeof *hard };
    int parts = tr_dtype_is_complex(type) ? 2 : 1;
    tr_dtype part = type == TR_COMPLEX64 ? TR_FLOAT32 : type == TR_COMPLEX128 ? TR_FLOAT64
                                                                              : type;
    int64_t bytes = tr_dtype_size(part);
    for (int64_t i = 0; i < n * parts; i++) {
        uint64_t bits = next_bits(), kind = next_bits() % 4;
        core_element_set(data, part, i, kind == 0 ? hard[bits % HARD] : kind == 1 ? (double)(int64_t)(bits % 21) - 10
                                                                                  : 8 * next_number());
        if (kind == 3 && type != TR_BOOL) memcpy((char *)data + i * bytes, &bits, (size_t)bytes);
    }
}

/* What a view holds: made once per type, and begun elsewhere each time. */
enum { ROOM_BYTES = 6000 * 16,
       STARTS = 61 * 16 };
static inline const char *any_elements(tr_dtype type)
{
    static _Alignas(64) char made[TR_DTYPES][ROOM_BYTES + STARTS];
    static bool is_made[TR_DTYPES];
    if (!is_made[type]) fill_any(made[type], type, (ROOM_BYTES + STARTS) / tr_dtype_size(type));
    is_made[type] = true;
    return made[type] + next_bits() % 61 * 16;
}

/* Bits are the same, or both are NaN. */
static inline bool same_part(const char *a, const char *b, tr_dtype type)
{
    if (memcmp(a, b, (size_t)tr_dtype_size(type)) == 0) return true;
    return tr_dtype_is_floating(type) && isnan(core_element_get(a, type, 0)) && isnan(core_element_get(b, type, 0));
}

static inline bool is_near(double got, double want, double apart) { return apart > 0 && fabs(got - want) <= apart * fmax(1, fabs(want)); }

/* ---- layouts ---- */
typedef struct {
    int64_t n;
    int ndim; /* 0: flat */
    unsigned ones;
    bool in_place; /* out is the first operand */
    int64_t offset[KERNEL_VIEWS];
    int64_t size[TR_MAX_DIMS], stride[KERNEL_VIEWS][TR_MAX_DIMS];
} layout;

static inline void lay(kernel_call *call, const layout *l)
{
    call->form = l->ndim ? KERNEL_STRIDED : KERNEL_FLAT;
    call->ndim = (uint8_t)l->ndim;
    call->n = l->n;
    call->ones = (uint8_t)l->ones;
    memcpy(call->size, l->size, sizeof call->size);
    memcpy(call->stride, l->stride, sizeof call->stride);
}

/* Run the call on both, at[] being NULL where it has no view and type[] what its views hold; every bit of out is compared,
 * those beside what is written too. */
static inline void assert_same_bits(kernel_call call, const layout *l, const tr_dtype type[KERNEL_VIEWS])
{
    static _Alignas(64) char memory[KERNEL_VIEWS][ROOM_BYTES], want[ROOM_BYTES];
    static int runs;
    lay(&call, l);
    for (int v = 0; v < KERNEL_VIEWS; v++)
        if (type[v]) {
            memcpy(memory[v], any_elements(type[v]), ROOM_BYTES);
            call.at[v] = memory[v] + l->offset[v] * tr_dtype_size(type[v]);
        }
    if (l->in_place) call.at[1] = call.at[0];
    memcpy(want, memory[0], sizeof want);
    kernel_call cpu = call;
    cpu.at[0] = want + l->offset[0] * tr_dtype_size(type[0]);
    if (l->in_place) cpu.at[1] = cpu.at[0];
    fibres_order = runs++ % FIBRES_ORDERS;
    assert_int_equal(on_cpu[call.kernel][call.type](&cpu), 0);
    assert_int_equal(on_gpu[call.kernel][call.type](&call), 0);

    if (memcmp(want, memory[0], sizeof want) == 0) return;
    tr_dtype part = type[0] == TR_COMPLEX64 ? TR_FLOAT32 : type[0] == TR_COMPLEX128 ? TR_FLOAT64
                                                                                    : type[0];
    const int64_t bytes = tr_dtype_size(part);
    const double apart = theirs_apart(&call, part);
    for (int64_t i = 0; i < ROOM_BYTES / bytes; i++)
        if (!same_part(memory[0] + i * bytes, want + i * bytes, part) && !is_near(core_element_get(memory[0], part, i), core_element_get(want, part, i), apart))
            fail_msg("%s of %s, n %lld, %d dims, ones %u: number %lld is %a, not %a", kernel_name(call.kernel), tr_dtype_name((tr_dtype)call.type), (long long)l->n, l->ndim, l->ones, (long long)i, core_element_get(memory[0], part, i), core_element_get(want, part, i));
}

#endif
