/* Small float32 products by hand, where a library call (100 ns and more) costs more than the work. */
#ifndef TRIREME_KERNELS_GEMM_SMALL_H
#define TRIREME_KERNELS_GEMM_SMALL_H

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/levels/level.h"

#define gemm_small       LEVEL(gemm_small)
#define gemm_narrow      LEVEL(gemm_narrow)
#define gemm_of_two      LEVEL(gemm_of_two)
#define gemm_few_columns LEVEL(gemm_few_columns)
#define gemm_dots        LEVEL(gemm_dots)

/* False: not one of them. */
bool gemm_small(const gemm *g);

/* c = a b where c has 2 to 16 columns that lie dense.  False: not one of them, or not on this level. */
bool gemm_narrow(const gemm *g);

/* A vector on the right: two columns or two rows, from a call of one product; n = 1 and up to 16 columns; one or two rows. */
bool gemm_of_two(const kernel_call *call);
void gemm_few_columns(const gemm *g);
void gemm_dots(const gemm *g);

/* Nothing but c = a b. */
static INLINE bool gemm_is_plain(const gemm *g) { return g->alpha == 1 && g->beta == 0; }

static INLINE float gemm_joined(const gemm *g, float sum, float before)
{
    float y = g->alpha == 1 ? sum : (float)g->alpha * sum;
    return g->beta != 0 ? y + (float)g->beta * before : y;
}

#endif
