/* What this machine can do at best, measured: nobody's data sheet. */
#ifndef CEILINGS_H
#define CEILINGS_H

#include <stdint.h>

/* 1e9 float32 operations a second of fused multiply-adds that stay in registers, on so many threads at once.  Two virtual
 * cores are at times two halves of one: then two threads reach no more than one, and no program can. */
double ceiling_fma(int threads);

/* The same on one thread, but fed as a product's inner loop feeds them: a block of sums in registers, for each step of which
 * two vectors of a panel and one element of every row are loaded; the panel has so many bytes and is read over and over.
 * No product is faster.  0: not written for this processor.
 *
 * It lies below ceiling_fma, and not for want of ports: a Xeon of 2024 does two multiply-adds of 512 bits a cycle either
 * way, in registers at 3.8 GHz (243 GFLOP/s, for half a second as for 0.3 ms), fed from the first cache or the second at 3.2
 * to 3.5 (203 to 221).  A chain of integer multiplications in the same loop, each waiting for the last, told the clock. */
double ceiling_fma_fed(int64_t bytes);

/* The instruction set that was measured: "v4" (AVX-512), "v3" (AVX2), "neon", "scalar". */
const char *ceiling_fma_level(void);

/* 1e9 bytes a second, read and written, of copying one array of so many bytes into another, over and over. */
double ceiling_copy(int64_t bytes);

#endif
