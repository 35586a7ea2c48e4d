/* Sorting along a dim, stable: one merge sort serves all types, since it sorts their keys (formulas_order.h), and ties
 * keep their order both ways. */
#include "core/dtype.h"
#include "core/fail.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/parallel.h"
#include "kernels/formulas_order.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t key;
    int64_t index;
} item;

typedef struct {
    const kernel_call *call;
    atomic_bool failed;
} sorting;

static uint64_t key_of(const void *data, tr_dtype type, int64_t i)
{
    if (type == TR_INT64) return key_of_int64(((const int64_t *)data)[i]);
    return key_of_double(core_element_get(data, type, i));
}

/* The sorted items are in a or in b, whichever is returned. */
static item *merge_sort(item *a, item *b, int64_t n)
{
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t start = 0; start < n; start += 2 * width) {
            int64_t middle = start + width < n ? start + width : n, end = middle + width < n ? middle + width : n;
            int64_t left = start, right = middle;
            for (int64_t to = start; to < end; to++)
                b[to] = left < middle && (right == end || a[left].key <= a[right].key) ? a[left++] : a[right++];
        }
        item *other = a;
        a = b;
        b = other;
    }
    return a;
}

static void lines(void *job, int64_t from, int64_t to)
{
    sorting *s = job;
    const kernel_call *call = s->call;
    int64_t n = call->size[1], inner = call->size[2], bytes = tr_dtype_size(call->type);
    int64_t *index = call->at[2];
    item *items = malloc((size_t)n * 2 * sizeof *items);
    if (!items) {
        atomic_store(&s->failed, true);
        return;
    }
    for (int64_t line = from; line < to; line++) {
        int64_t at = line / inner * n * inner + line % inner;
        for (int64_t i = 0; i < n; i++) {
            uint64_t key = key_of(call->at[1], call->type, at + i * inner);
            items[i] = (item){call->flags & 1 ? ~key : key, i};
        }
        const item *sorted = merge_sort(items, items + n, n);
        for (int64_t i = 0; i < n; i++) {
            index[at + i * inner] = sorted[i].index;
            memcpy((char *)call->at[0] + (at + i * inner) * bytes, (const char *)call->at[1] + (at + sorted[i].index * inner) * bytes, (size_t)bytes);
        }
    }
    free(items);
}

static int sort(const kernel_call *call)
{
    sorting s = {.call = call};
    int64_t count = call->size[0] * call->size[2];
    if (call->n == 0) return 0;
    kernels_split(count, 1, 64 * call->n, lines, &s);
    if (!atomic_load(&s.failed)) return 0;
    core_fail_memory("sort", call->size[1] * 2 * (int64_t)sizeof(item));
    return -1;
}

void kernels_sort(kernel_table table)
{
    for (tr_dtype type = TR_BOOL; type <= TR_FLOAT64; type++) table[KERNEL_SORT][type] = sort;
}
