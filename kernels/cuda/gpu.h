/* What a .cu file of this folder is written in: CUDA C++, and three words for what only nvcc can spell:
 *   LAUNCH(kernel, blocks, threads, arguments ...)     kernel<<<blocks, threads, 0, the stream>>>(arguments ...)
 *   SHARED(float, part, [8]);                          __shared__ float part[8];
 *   UNROLLED for ...                                   #pragma unroll, for what an array in registers needs
 * nvcc makes them what they stand for.  Any other C++ compiler takes them from fibres.h (tests/cuda), which runs a
 * block's threads as fibres of one CPU thread: the whole folder is tested where there is no GPU. */
#ifndef TRIREME_KERNELS_CUDA_GPU_H
#define TRIREME_KERNELS_CUDA_GPU_H

/* Before kernels.h, which is C's: what it includes may not be. */
#include "kernels/both.h"
#include <trireme/types.h>

#if defined(__CUDACC__)
# include <cuda_runtime.h>
# define LAUNCH(kernel, blocks, threads, ...) kernel<<<blocks, threads, 0, (cudaStream_t)cuda_stream()>>>(__VA_ARGS__)
# define SHARED(type, name, dims)             __shared__ type name dims
# define UNROLLED                             _Pragma("unroll")
#else
# include "fibres.h"
#endif

#include "core/dtype.h"
#include "kernels/cuda/cuda.h"

/* Never more threads in a block: 256 of them fit any kernel's registers (a thread has at most 255). */
enum { THREADS = 256 };

/* The largest grid, and the most elements that are counted in 31 bits; fibres.h has smaller ones, for tests. */
#ifndef MOST_BLOCKS
# define MOST_BLOCKS 0x7fffffff
# define MOST_NARROW INT32_MAX
#endif

/* After a launch: 0, or -1 with an error noted that names the kernel. */
static inline int launched(const kernel_call *call) { return cuda_launched(call, cudaGetLastError()); }

/* On the device: a value that a kernel met is none of 0 ... bound - 1.  The first one stands. */
static inline __device__ void note_trouble(cuda_trouble *trouble, int kernel, long long value, long long bound)
{
    if (atomicCAS(&trouble->found, 0, -1) != 0) return;
    trouble->value = value;
    trouble->bound = bound;
    __threadfence_system(); /* the host that sees it found sees these */
    *(volatile int *)&trouble->found = kernel + 1;
}

#endif
