/* The narrow waist: all arithmetic passes here, as a kernel's number and a small plain struct, handed to a device's table.
 *
 * Kernels know memory and nothing of tensors or gradients.  What passes here can be traced, profiled and recorded once
 * for all devices.  The caller has checked shapes, allocated the output and chosen the form; a kernel only computes.
 * It returns 0, or -1 with an error noted (core_fail) for what only the values can show: an index out of range. */
#ifndef TRIREME_KERNELS_KERNELS_H
#define TRIREME_KERNELS_KERNELS_H

#include <trireme/types.h>

/* Which kernel, and what its views (at[0] is written, the others are read, unless said otherwise) and numbers mean.
 * n is the number of elements of at[0]; all sizes and strides count elements. */
typedef enum {
/* Pointwise: out[i] = f(a[i], b[i], ...), in the form described below.  `type` is the operands' type; comparisons
 * write bool, and KERNEL_abs of complex numbers real ones.  Broadcasting is a stride of 0. */
#define ROW(name, ...) KERNEL_##name, KERNEL_##name##_backward, /* (y, x) and (dx, dy, x, y), x or y NULL if unused */
#include "kernels/pointwise.def"
#undef ROW
    KERNEL_ADD,
    KERNEL_SUB,
    KERNEL_MUL,
    KERNEL_DIV,
    KERNEL_POW,
    KERNEL_POW_BACKWARD, /* (dx, dy, x, p): dx = dy (p x^(p-1)), p one element; of floats that are not complex */
    KERNEL_MAXIMUM,
    KERNEL_MINIMUM,
    KERNEL_FLOOR_DIVIDE,
    KERNEL_REMAINDER, /* with b's sign */
    KERNEL_FMOD,      /* with a's sign (out, a, b); an integer over 0 gives 0: the caller refuses it */
    KERNEL_EQ,
    KERNEL_NE,
    KERNEL_LT,
    KERNEL_LE,
    KERNEL_GT,
    KERNEL_GE,     /* (out bool, a, b) */
    KERNEL_WHERE,  /* (out, condition bool, a, b) */
    KERNEL_COPY,   /* (out, a): out of `type`, a of type `from`; converts as C does, to bool as x != 0 */
    KERNEL_FILL,   /* (out): number[0] */
    KERNEL_ARANGE, /* (out), flat: number[0] + i number[1], in double; flags KERNEL_ARANGE_WHOLE: word[0] + i word[1], of int64 */

    /* Reductions: size[0 .. split) are the kept dims, size[split .. ndim) the reduced ones; stride[0] is given for the
     * kept dims only, stride[1] for all.  n counts outputs.  Nothing to reduce gives the neutral value; MAX, MIN and
     * ARG* are never called so. */
    KERNEL_SUM,  /* (out, a): the sum divided by number[0].  Integers and bool: out is int64, a of type `from` */
    KERNEL_PROD, /* (out, a): like KERNEL_SUM, without a divisor */
    KERNEL_MAX,
    KERNEL_MIN, /* (out, a): NaN if any is */
    KERNEL_ARGMAX,
    KERNEL_ARGMIN, /* (out int64, a): the first of them in row-major order of the reduced dims */

    /* Products: size = {batch, m, n, k}; c[b,i,j] = number[0] sum_l a[b,i,l] b[b,l,j] + number[1] c[b,i,j];
     * stride[0] = {batch, i, j} of c, stride[1] = {batch, i, l} of a, stride[2] = {batch, l, j} of b.
     * number[1] 0 means c is not read.  k = 0 gives number[1] c.  flags KERNEL_GEMM_TF32, of float32: who can may use it. */
    KERNEL_GEMM,
    KERNEL_GEMM_BIAS, /* (c, a, b, bias): the same, + bias[j]; bias is dense; flags KERNEL_GEMM_RELU: 0 for what is less then.  For devices that do it in passing; the CPU has it not */
    KERNEL_MATVEC,    /* (y, a, x): y[i] = sum_l a[i,l] x[l]; size = {m, k}; strides of each.  For KERNEL_GEMM, on the CPU */
    KERNEL_INVERSE,   /* (out, a): n x n row-major, size[0] = n; a singular matrix is an error that names the diagonal */

    KERNEL_SOLVE, /* (x, a, b): a x = b; size = {batch, n, m}; a n x n, b and x n x m, row-major; singular is an error */
    KERNEL_DET,   /* (out, a): size = {batch, n}; 0 for a singular matrix */

    /* Along one dim of row-major memory: size = {outer, n, inner}. */
    KERNEL_CUMSUM, /* (y, x): y_i = x_0 + ... + x_i; not bool, integers in int64 */
    KERNEL_SORT,   /* (y, x, index int64 [written]): stable, NaN above every number; flags 1: the largest first */
    KERNEL_SOFTMAX,
    KERNEL_LOG_SOFTMAX, /* (y, x) */
    KERNEL_SOFTMAX_BACKWARD,
    KERNEL_LOG_SOFTMAX_BACKWARD, /* (dx, dy, y) */

    /* Negative log likelihood: x (B, C) and dx row-major, target (B) int64 with ignored -100, size = {B, C};
     * number[0] is a tr_reduction.  loss has B elements for TR_NONE, else 1; count is one int64: the targets counted.
     * A target outside [0, C) that is not -100 is an error. */
    KERNEL_NLL,          /* (loss, count [written], x, target) */
    KERNEL_NLL_BACKWARD, /* (dx, dloss, count, target) */

    /* Indices are int64, row-major, negative ones refused; out of range is an error that names the index. */
    KERNEL_INDEX_SELECT,   /* (out, x, index): size = {outer, rows of x, inner, count of index}; all row-major; dim `split`, for messages */
    KERNEL_INDEX_ADD,      /* (out [added to], src, index): the same, size[1] rows of out */
    KERNEL_INDEX_COPY,     /* (out [written over], src, index): likewise; of several rows for one place the last stays */
    KERNEL_GATHER,         /* (out, x, index): out and index row-major of size[0..ndim); stride[1] of x; dim `split`, number[0] its size in x */
    KERNEL_SCATTER_ADD,    /* (out [added to], src, index): src and index row-major of size[0..ndim); stride[0] of out; likewise */
    KERNEL_MASKED_SELECT,  /* (out, x, mask bool): flat x and mask of size[0] elements; out has as many as mask is true */
    KERNEL_MASKED_SCATTER, /* (out, src, mask): out[i] = mask[i] ? the next of src : 0; the same sizes */

    /* Counted random numbers (Philox 4x32-10): element i of a call depends on (type, seed, offset + i) alone. */
    KERNEL_PHILOX_UNIFORM, /* (out), flat: low number[0], high number[1]; word[0] seed, word[1] offset */
    KERNEL_PHILOX_NORMAL,  /* (out), flat: mean number[0], std number[1]; likewise */

    /* Optimisers, over all tensors at once: at[0] is a kernel_optim_item array of n; flags KERNEL_OPTIM_*.  at[1] is NULL,
     * or a double: where it is not 0, nothing is done. */
    KERNEL_SGD,     /* state (v) or none; number = {lr, momentum, dampening, weight_decay} */
    KERNEL_ADAM,    /* state (m, v, V or none); number = {lr, beta1, beta2, eps, weight_decay}; counts steps */
    KERNEL_RMSPROP, /* state (s, v or none, a or none); number = {lr, momentum, alpha, eps, weight_decay} */
    KERNEL_ADAGRAD, /* state (s); number = {lr, lr_decay, weight_decay, eps}; counts steps */

    /* Lists of arrays: at[0] is a kernel_optim_item array of n, of which only `parameter`, the array, and n count. */
    KERNEL_LIST_SQUARES, /* (list, out double [written]): the sum of all squares, in double */
    KERNEL_LIST_SCALE,   /* (list [written], factor double or NULL): times *factor, or number[0] */
    KERNEL_CLIP_FACTOR,  /* (out double[2], squares double of n): their sum's root; by what it becomes number[0] at most */

    /* Neighbours of a recorded step, on devices where a launch takes longer than a little call.  at[0]: n pointers to
     * kernel_call.  Does the first of them, as many as it can in one launch, and returns how many; 0: not even two. */
    KERNEL_TOGETHER,

    /* A scaler of gradients: state is double[3], the scale, the steps without an overflow, and whether one was found. */
    KERNEL_SCALER_CHECK,  /* (out double[2], state [written], squares double of n): whether their sum is infinite or NaN; 1 / scale, or
                           * 1 then.  flags 1: what was found before is over */
    KERNEL_SCALER_UPDATE, /* (state): number = {growth, backoff, interval} */
    KERNEL_COUNT
} kernel_id;

/* How the views of a pointwise kernel lie. */
enum {
    KERNEL_FLAT = 0,   /* element i stands at at[v][i]; or at at[v][0] for every i, if bit v of `ones` is set */
    KERNEL_STRIDED = 1 /* odometer over size[0 .. ndim), outermost first, stride[v] for view v; dims are collapsed */
};

enum { KERNEL_VIEWS = 4 };

enum { KERNEL_ARANGE_WHOLE = 1 };

enum { KERNEL_GEMM_TF32 = 1, /* factors in 10 bits behind the point, added in float32 */
       KERNEL_GEMM_RELU = 2 };

typedef struct kernel_call {
    uint16_t kernel;
    uint8_t type; /* tr_dtype: the column of the table */
    uint8_t from; /* tr_dtype: where the source has another one */
    uint8_t form;
    uint8_t ones;
    uint8_t ndim; /* entries of size that count; for KERNEL_FLAT not set */
    uint8_t split;
    uint32_t flags;
    int64_t n;
    void *at[KERNEL_VIEWS];
    double number[5];
    uint64_t word[2];
    int64_t size[TR_MAX_DIMS];
    int64_t stride[KERNEL_VIEWS][TR_MAX_DIMS];
} kernel_call;

/* One parameter of a fused optimiser: row-major memory of n elements each. */
enum { KERNEL_OPTIM_STATES = 3 };

typedef struct {
    void *parameter, *state[KERNEL_OPTIM_STATES]; /* as the kernel names them; NULL for what it does without */
    const void *gradient;
    int64_t n;
    int64_t step;   /* from 1; 0 where the optimiser does not count */
    int64_t *count; /* NULL; or steps so far, on the device: `step` is one more, `first` says whether it is the first, and it is counted up */
    bool first;     /* state[0] was made for this step */
} kernel_optim_item;

enum {
    KERNEL_OPTIM_MAXIMIZE = 1,
    KERNEL_OPTIM_NESTEROV = 2,
    KERNEL_OPTIM_DECOUPLED = 4, /* weight decay beside the gradient, not in it */
};

typedef int kernel_fn(const kernel_call *call);

/* A device's kernels: an empty entry is an honest "not for this type on this device". */
typedef kernel_fn *kernel_table[KERNEL_COUNT][TR_DTYPES];

/* The kernel of a call on a device; NULL with an error noted: not served. */
kernel_fn *kernel_find(tr_device device, const kernel_call *call);

/* Which of at[] a kernel writes, as bits. */
unsigned kernel_writes(int kernel);

/* Does the call add to what at[0] held, or write only parts of it? */
bool kernel_adds(const kernel_call *call);

/* Can values make it end with an error? */
bool kernel_may_refuse(int kernel);

/* Does element i of every view of a flat call meet only the elements i of the others? */
bool kernel_is_pointwise(const kernel_call *call);

/* Has a call numbers that a knob (autograd/record.h) brings up to date, and that a device may read when it comes to them? */
bool kernel_takes_numbers(int kernel);

/* Does a device serve it?  Notes no error. */
bool kernel_serves(tr_device device, int kernel, tr_dtype type);

/* Run a call on a device.  0, or -1 with an error noted: not served, or what the kernel met. */
int kernel_run(tr_device device, const kernel_call *call);

/* "exp", "gemm", "nll_backward": for errors and traces. */
const char *kernel_name(int kernel);

/* The CPU's table, chosen once by what the processor can do.  TRIREME_CPU_LEVEL=v2|v3|v4 lowers the choice. */
const kernel_table *kernels_cpu(void);
const char *kernels_cpu_level(void);

/* What a row's backward reads: bit 0 for x, bit 1 for y.  Found by reading the derivative as a set (words_uses.h). */
enum { KERNEL_USES_X = 1,
       KERNEL_USES_Y = 2 };
#endif
