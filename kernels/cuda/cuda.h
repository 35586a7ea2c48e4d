/* The CUDA device's table, its parts, and what they need of whoever loads them.  Kernels know memory alone: which stream
 * a launch goes to, and where an error is noted, is said by functions that the device's file defines. */
#ifndef TRIREME_KERNELS_CUDA_CUDA_H
#define TRIREME_KERNELS_CUDA_CUDA_H

#ifdef __cplusplus
extern "C" {
#endif

#include "core/cuda/trouble.h"
#include "kernels/kernels.h"

/* What each file puts into the table, and all of it.  What is not there is not served. */
void kernels_cuda(kernel_table table);
void kernels_cuda_rows(kernel_table table);
void kernels_cuda_rows_backward(kernel_table table);
void kernels_cuda_binary(kernel_table table);
void kernels_cuda_power(kernel_table table);
void kernels_cuda_complex(kernel_table table);
void kernels_cuda_compare(kernel_table table);
void kernels_cuda_where(kernel_table table);
void kernels_cuda_copy(kernel_table table);
void kernels_cuda_fill(kernel_table table);
void kernels_cuda_philox(kernel_table table);
void kernels_cuda_optim(kernel_table table);
void kernels_cuda_sort(kernel_table table);
void kernels_cuda_index(kernel_table table);
void kernels_cuda_index_add(kernel_table table);
void kernels_cuda_mask(kernel_table table);
void kernels_cuda_reduce(kernel_table table);
void kernels_cuda_extreme(kernel_table table);
void kernels_cuda_arg(kernel_table table);
void kernels_cuda_gemm(kernel_table table);
void kernels_cuda_matvec(kernel_table table);
void kernels_cuda_softmax(kernel_table table);
void kernels_cuda_softmax_backward(kernel_table table);
void kernels_cuda_nll(kernel_table table);
void kernels_cuda_cumsum(kernel_table table);
void kernels_cuda_clip(kernel_table table);
void kernels_cuda_scaler(kernel_table table);
void kernels_cuda_linalg(kernel_table table);
void kernels_cuda_together(kernel_table table);

/* The stream that the calling thread's launches go to, a cudaStream_t: that of the device that it entered, or one in which a
 * step is captured; and the device's in any case. */
void *cuda_stream(void);
void *cuda_own_stream(void);

/* Numbers of a launch that may be others whenever a captured step is replayed; which kernels have some says
 * kernel_takes_numbers.  Returns where on the device the kernel has to read them; NULL: hand it these.  Where `launches` is
 * false, that was all: the numbers were renewed for what was launched once. */
const void *cuda_numbers(const void *numbers, int64_t bytes, bool *launches);

/* Is a step captured, or are its numbers renewed? */
bool cuda_captures(void);

/* Note that a call met what the runtime says: always -1. */
int cuda_fail(const kernel_call *call, const char *what);

/* Note that a call was launched, and what the runtime (a cudaError_t) said: 0, or -1 with an error noted.  A fault that
 * shows later names the last of them. */
int cuda_launched(const kernel_call *call, int status);

/* Memory of the device for the time of a call, in the stream's order; NULL with an error noted.  Given back as soon as the
 * last launch that uses it stands in the stream. */
void *cuda_scratch_take(const kernel_call *call, int64_t bytes);
void cuda_scratch_give(void *scratch);

/* The entered device's, for note_trouble (gpu.h). */
cuda_trouble *cuda_trouble_here(void);

#ifdef __cplusplus
}
#endif

#endif
