/* The kernels of a CUDA device in the place of those over fibres, for the same tests: the host's memory that a call may
 * reach, and some around it, goes to the device, and what the kernel changes there comes back.  So writes beside what is a
 * kernel's are seen as they are on fibres.  How far a call reaches is guessed, generously, from its sizes and strides. */
#ifndef TEST_ON_DEVICE_H
#define TEST_ON_DEVICE_H

#include <trireme/error.h>
#include "core/device.h"

static int fibres_order;
static cuda_trouble trouble;
static kernel_table on_gpu;

/* ---- which memory ---- */
typedef struct {
    char *from, *to; /* on the host */
    char *sent;      /* what was there */
    char *block;     /* on the device */
    char *there;     /* `from`, as far beyond an address that is a multiple of APART */
    int64_t capacity;
} window;

enum { APART = 256,
       ROUND = 512, /* bytes more on either side */
       MOST_WINDOWS = 4096 };
static window windows[MOST_WINDOWS];
static int window_count;

/* What is mapped around a place, in one piece or several that touch: nobody reads beyond. */
static uintptr_t begin, end; /* the last one that was asked for, in this call */
static bool mapping_of(const char *at, char **low, char **high)
{
    if ((uintptr_t)at < begin || (uintptr_t)at >= end) {
        FILE *maps = fopen("/proc/self/maps", "r");
        unsigned long first, last;
        char mode, line[4352]; /* a path, and what stands before it */
        for (begin = end = 0; maps && fgets(line, sizeof line, maps) && sscanf(line, "%lx-%lx %c", &first, &last, &mode) == 3;) {
            const bool readable = mode == 'r' && !strstr(line, "/dev/nvidia"); /* the driver's, whose pages may be no memory */
            if (!readable || first != end) {
                if ((uintptr_t)at < end) break;
                begin = first;
            }
            end = readable ? last : first;
        }
        if (maps) fclose(maps);
    }
    *low = (char *)begin, *high = (char *)end;
    return (uintptr_t)at >= begin && (uintptr_t)at < end;
}

static void add_window(const void *at, int64_t before, int64_t after)
{
    char *place = (char *)(uintptr_t)at, *low, *high;
    if (!at) return;
    if (!mapping_of(place, &low, &high)) fail_msg("%p is no memory of the host", at);
    assert_true(window_count < MOST_WINDOWS);
    before = before / APART * APART + ROUND, after += ROUND;
    windows[window_count++] = (window){
        .from = place - low > before ? place - before : low, .to = high - place > after ? place + after : high};
}

static int by_place(const void *a, const void *b)
{
    const window *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

static void join_windows(void)
{
    int joined = 0;
    qsort(windows, (size_t)window_count, sizeof *windows, by_place);
    for (int w = 1; w < window_count; w++) {
        if (windows[w].from > windows[joined].to)
            windows[++joined] = windows[w];
        else if (windows[w].to > windows[joined].to)
            windows[joined].to = windows[w].to;
    }
    if (window_count) window_count = joined + 1;
}

static void *there_of(const void *at)
{
    for (int w = 0; at && w < window_count; w++)
        if ((const char *)at >= windows[w].from && (const char *)at < windows[w].to) return windows[w].there + ((const char *)at - windows[w].from);
    return NULL;
}

/* ---- a call's ---- */
static bool takes_a_list(const kernel_call *call) { return (call->kernel >= KERNEL_SGD && call->kernel <= KERNEL_ADAGRAD) || call->kernel == KERNEL_LIST_SQUARES || call->kernel == KERNEL_LIST_SCALE; }

static bool is_linear_algebra(const kernel_call *call) { return call->kernel >= KERNEL_INVERSE && call->kernel <= KERNEL_DET; }

static void add_view(const kernel_call *call, int v)
{
    const bool product = call->kernel == KERNEL_GEMM || call->kernel == KERNEL_GEMM_BIAS;
    int64_t longest = 1, all = 1, before = 0, after = call->n;
    for (int d = 0; d < TR_MAX_DIMS; d++) {
        if (call->size[d] > longest) longest = call->size[d];
        if (call->size[d] > 0 && !product) all *= call->size[d];
    }
    for (int d = 0; d < TR_MAX_DIMS; d++) {
        before += call->stride[v][d] < 0 ? -call->stride[v][d] * longest : 0;
        after += call->stride[v][d] > 0 ? call->stride[v][d] * longest : 0;
    }
    if (is_linear_algebra(call)) all *= longest;
    add_window(call->at[v], before * 16, (after > all ? after : all) * 16);
}

static void add_list(const kernel_optim_item *item, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        add_window(item[i].parameter, 0, item[i].n * 8);
        add_window(item[i].gradient, 0, item[i].n * 8);
        for (int s = 0; s < KERNEL_OPTIM_STATES; s++) add_window(item[i].state[s], 0, item[i].n * 8);
    }
}

/* The list with the device's places; the caller frees. */
static kernel_optim_item *list_there(const kernel_optim_item *item, int64_t n)
{
    kernel_optim_item *list = malloc((size_t)(n + 1) * sizeof *list);
    assert_non_null(list);
    for (int64_t i = 0; i < n; i++) {
        list[i] = item[i];
        list[i].parameter = there_of(item[i].parameter), list[i].gradient = there_of(item[i].gradient);
        for (int s = 0; s < KERNEL_OPTIM_STATES; s++) list[i].state[s] = there_of(item[i].state[s]);
    }
    return list;
}

/* ---- there and back ---- */
static void send(const core_device *device, window *w)
{
    const int64_t bytes = w->to - w->from;
    w->sent = malloc((size_t)bytes);
    w->block = device->take(0, bytes + APART, &w->capacity, "a test");
    assert_true(w->sent && w->block);
    w->there = w->block + (uintptr_t)w->from % APART;
    memcpy(w->sent, w->from, (size_t)bytes);
    assert_int_equal(device->to_device(0, w->there, w->sent, bytes), 0);
}

static void fetch(const core_device *device, window *w)
{
    const int64_t bytes = w->to - w->from;
    char *now = malloc((size_t)bytes);
    assert_non_null(now);
    assert_int_equal(device->from_device(0, now, w->there, bytes), 0);
    for (int64_t i = 0, part; i < bytes; i += part) {
        part = bytes - i < APART ? bytes - i : APART;
        if (memcmp(now + i, w->sent + i, (size_t)part) == 0) continue;
        for (int64_t j = i; j < i + part; j++)
            if (now[j] != w->sent[j]) w->from[j] = now[j];
    }
    device->give(0, w->block, w->capacity);
    free(w->sent);
    free(now);
}

/* What the device met is told by who waits for it, in words. */
static void wait_for(const core_device *device, int kernel)
{
    if (device->synchronize(0) == 0) return;
    char name[64] = "";
    cuda_trouble met = {.found = kernel + 1};
    const bool place = sscanf(tr_error_message(), "tr_%63[^:]: %lld is not in [0, %lld)", name, &met.value, &met.bound) == 3;
    const bool diagonal = !place && sscanf(tr_error_message(), "tr_%63[^:]: matrix %lld is singular: the diagonal element %lld is", name, &met.value, &met.bound) == 3;
    if ((!place && !diagonal) || strcmp(name, kernel_name(kernel)) != 0) fail_msg("%s: %s", kernel_name(kernel), tr_error_message());
    if (diagonal) met.bound = -met.bound;
    trouble = met;
    tr_error_clear();
}

static int run_there(const kernel_call *call)
{
    const core_device *device = core_device_of(tr_cuda(0));
    const bool list = takes_a_list(call);
    kernel_call there = *call;
    window_count = 0, begin = end = 0;
    if (list) add_list(call->at[0], call->n);
    for (int v = list; v < KERNEL_VIEWS; v++) add_view(call, v);
    join_windows();
    for (int w = 0; w < window_count; w++) send(device, &windows[w]);
    for (int v = 0; v < KERNEL_VIEWS; v++) there.at[v] = there_of(call->at[v]);
    if (list) there.at[0] = list_there(call->at[0], call->n);
    assert_int_equal(device->enter(0), 0);
    const int status = (*(kernel_table *)device->kernels)[call->kernel][call->type](&there);
    if (status == 0) wait_for(device, call->kernel);
    for (int w = 0; w < window_count; w++) fetch(device, &windows[w]);
    if (list) free(there.at[0]);
    return status;
}

/* 0, or the status to end with. */
static int find_kernels(void)
{
    if (!tr_cuda_is_available()) {
        print_message("skipped: no CUDA device: %s\n", tr_cuda_missing());
        return TEST_SKIPPED;
    }
    const kernel_table *theirs = core_device_of(tr_cuda(0))->kernels;
    for (int kernel = 0; kernel < KERNEL_COUNT; kernel++)
        for (int type = 0; type < TR_DTYPES; type++) on_gpu[kernel][type] = (*theirs)[kernel][type] ? run_there : NULL;
    return 0;
}

/* ---- functions that CUDA and libm bring, each its own ---- */
#include "kernels/rows.h"

/* How far apart they may be, as a part of the value or of 1, where bits are not promised; 0 where they are. */
static inline double theirs_apart(const kernel_call *call, tr_dtype type)
{
    static const bool series[KERNEL_COUNT] = {
#define ROW(name, ...) [KERNEL_##name] = name##_work > 1, [KERNEL_##name##_backward] = name##_backward_work > 2,
#include "kernels/pointwise.def"
#undef ROW
    };
    static const int of_float[] = {KERNEL_tan, KERNEL_tan_backward, KERNEL_log2, KERNEL_log2_backward, KERNEL_log10, KERNEL_log10_backward, KERNEL_sin, KERNEL_sin_backward, KERNEL_cos, KERNEL_cos_backward, KERNEL_POW, KERNEL_POW_BACKWARD};
    bool brought = call->type == TR_FLOAT64 && series[call->kernel];
    for (size_t i = 0; i < sizeof of_float / sizeof *of_float; i++) brought = brought || call->kernel == of_float[i];
    if (!brought) return 0;
    return type == TR_FLOAT64 ? 1e-12 : type == TR_FLOAT32 ? 1e-5
                                    : type == TR_FLOAT16   ? 0x1p-9
                                                           : 0x1p-6;
}

/* And at least what they leave of a sum. */
static inline double least_tolerance(tr_dtype type) { return type == TR_FLOAT64 || type == TR_COMPLEX128 ? 1e-12 : 0; }

#endif
