/* What KERNEL_TOGETHER is made of: little calls of any kind, one block (together.cu); longer ones of elements
 * (chain.cu); and casts (casts.cu). */
#ifndef TRIREME_KERNELS_CUDA_TOGETHER_H
#define TRIREME_KERNELS_CUDA_TOGETHER_H

#include "kernels/kernels.h"

/* The first of the calls, as many as are a chain; how many they were, 0 where not even two are, -1 with an error noted. */
int cuda_chain(const kernel_call *call);

/* The first of the calls, as many as are casts that do not meet; likewise, 0 where they are not more than so many. */
int cuda_casts(const kernel_call *call, int more_than);

#endif
