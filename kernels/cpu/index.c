/* Picking rows and elements by index, and adding to them.  All indices are checked before anything is written.
 * Additions to one place happen in the order of the index, so that results never depend on threads. */
#include "core/dtype.h"
#include "core/fail.h"
#include "core/half.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/parallel.h"

#include <string.h>

static int check(const kernel_call *call, const int64_t *index, int64_t n, int64_t size)
{
    for (int64_t i = 0; i < n; i++)
        if (index[i] < 0 || index[i] >= size)
            return core_fail_status("tr_%s: index %lld is out of bounds for dimension %d with size %lld", kernel_name(call->kernel), (long long)index[i], call->split, (long long)size);
    return 0;
}

/* ---- out[i] += src[i] in every type ---- */
typedef void add_fn(void *out, const void *src, int64_t n);

#define ADD(t, T, sum)                                        \
 static void add_##t(void *out_, const void *src_, int64_t n) \
 {                                                            \
  T *out = out_;                                              \
  const T *src = src_;                                        \
  for (int64_t i = 0; i < n; i++) out[i] = (T)(sum);          \
 }
ADD(f32, float, out[i] + src[i])
ADD(f64, double, out[i] + src[i])
ADD(u8, uint8_t, out[i] + src[i])
ADD(bool, uint8_t, (out[i] | src[i]) != 0)
ADD(i32, int32_t, (uint32_t)out[i] + (uint32_t)src[i])
ADD(i64, int64_t, (uint64_t)out[i] + (uint64_t)src[i])
ADD(f16, uint16_t, core_half_from_float(core_half_to_float(out[i]) + core_half_to_float(src[i])))
ADD(bf16, uint16_t, core_bfloat_from_float(core_bfloat_to_float(out[i]) + core_bfloat_to_float(src[i])))
static void add_c64(void *out, const void *src, int64_t n) { add_f32(out, src, 2 * n); }
static void add_c128(void *out, const void *src, int64_t n) { add_f64(out, src, 2 * n); }

static add_fn *const adds[TR_DTYPES] = {
    [TR_BOOL] = add_bool, [TR_UINT8] = add_u8, [TR_INT32] = add_i32, [TR_INT64] = add_i64, [TR_FLOAT16] = add_f16, [TR_BFLOAT16] = add_bf16, [TR_FLOAT32] = add_f32, [TR_FLOAT64] = add_f64, [TR_COMPLEX64] = add_c64, [TR_COMPLEX128] = add_c128};

/* ---- rows ---- */
static void select_part(void *job, int64_t from, int64_t to)
{
    const kernel_call *call = job;
    int64_t rows = call->size[1], count = call->size[3], bytes = call->size[2] * tr_dtype_size(call->type);
    const int64_t *index = call->at[2];
    for (int64_t i = from; i < to; i++)
        memcpy((char *)call->at[0] + i * bytes, (const char *)call->at[1] + (i / count * rows + index[i % count]) * bytes, (size_t)bytes);
}

static int index_select(const kernel_call *call)
{
    int64_t rows = call->size[0] * call->size[3];
    if (check(call, call->at[2], call->size[3], call->size[1]) < 0) return -1;
    kernels_split(rows, 1, rows * call->size[2], select_part, (void *)(uintptr_t)call);
    return 0;
}

/* Columns [from, to) of every row: threads never meet in one place of out. */
static void add_part(void *job, int64_t from, int64_t to)
{
    const kernel_call *call = job;
    int64_t rows = call->size[1], inner = call->size[2], count = call->size[3], bytes = tr_dtype_size(call->type);
    const int64_t *index = call->at[2];
    for (int64_t o = 0; o < call->size[0]; o++)
        for (int64_t i = 0; i < count; i++)
            adds[call->type]((char *)call->at[0] + ((o * rows + index[i]) * inner + from) * bytes, (const char *)call->at[1] + ((o * count + i) * inner + from) * bytes, to - from);
}

static int index_add(const kernel_call *call)
{
    if (check(call, call->at[2], call->size[3], call->size[1]) < 0) return -1;
    kernels_split(call->size[2], 16, call->size[0] * call->size[2] * call->size[3], add_part, (void *)(uintptr_t)call);
    return 0;
}

static int index_copy(const kernel_call *call)
{
    int64_t rows = call->size[1], count = call->size[3], bytes = call->size[2] * tr_dtype_size(call->type);
    const int64_t *index = call->at[2];
    if (check(call, index, count, rows) < 0) return -1;
    for (int64_t i = 0; i < call->size[0] * count; i++)
        memcpy((char *)call->at[0] + (i / count * rows + index[i % count]) * bytes, (const char *)call->at[1] + i * bytes, (size_t)bytes);
    return 0;
}

/* ---- elements ---- */

/* Element i of the index, row-major, meets which element of the indexed memory? */
static int64_t place(const kernel_call *call, const int64_t *stride, int64_t i, int64_t index)
{
    int64_t at = 0;
    for (int d = call->ndim - 1; d >= 0; i /= call->size[d], d--) at += (d == call->split ? index : i % call->size[d]) * stride[d];
    return at;
}

static int64_t elements(const kernel_call *call)
{
    int64_t n = 1;
    for (int d = 0; d < call->ndim; d++) n *= call->size[d];
    return n;
}

static void gather_part(void *job, int64_t from, int64_t to)
{
    const kernel_call *call = job;
    const int64_t *index = call->at[2], bytes = tr_dtype_size(call->type);
    for (int64_t i = from; i < to; i++)
        memcpy((char *)call->at[0] + i * bytes, (const char *)call->at[1] + place(call, call->stride[1], i, index[i]) * bytes, (size_t)bytes);
}

static int gather(const kernel_call *call)
{
    int64_t n = elements(call);
    if (check(call, call->at[2], n, (int64_t)call->number[0]) < 0) return -1;
    kernels_split(n, 64, n * 8, gather_part, (void *)(uintptr_t)call);
    return 0;
}

static int scatter_add(const kernel_call *call)
{
    int64_t n = elements(call), bytes = tr_dtype_size(call->type);
    const int64_t *index = call->at[2];
    if (check(call, index, n, (int64_t)call->number[0]) < 0) return -1;
    for (int64_t i = 0; i < n; i++)
        adds[call->type]((char *)call->at[0] + place(call, call->stride[0], i, index[i]) * bytes, (const char *)call->at[1] + i * bytes, 1);
    return 0;
}

void kernels_index(kernel_table table)
{
    for (tr_dtype type = TR_BOOL; type < TR_DTYPES; type++) {
        table[KERNEL_INDEX_SELECT][type] = index_select;
        table[KERNEL_INDEX_ADD][type] = index_add;
        table[KERNEL_INDEX_COPY][type] = index_copy;
        table[KERNEL_GATHER][type] = gather;
        table[KERNEL_SCATTER_ADD][type] = scatter_add;
    }
}
