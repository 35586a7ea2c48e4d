#ifndef TRIREME_KERNELS_GEMM_NARROW_H
#define TRIREME_KERNELS_GEMM_NARROW_H

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/levels/level.h"

#define gemm_small  LEVEL(gemm_small)
#define gemm_narrow LEVEL(gemm_narrow)

/* float32 products that a library call costs more than they do.  False: not one of them. */
bool gemm_small(const gemm *g);

/* c = a b where c has 2 to 16 columns that lie dense.  False: not one of them, or not on this level. */
bool gemm_narrow(const gemm *g);

#endif
