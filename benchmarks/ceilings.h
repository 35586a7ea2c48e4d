/* What this machine can do at best, measured: nobody's data sheet. */
#ifndef CEILINGS_H
#define CEILINGS_H

#include <stdint.h>

/* 1e9 float32 operations a second of fused multiply-adds that stay in registers, on so many threads at once.  Two virtual
 * cores are at times two halves of one: then two threads reach no more than one, and no program can. */
double ceiling_fma(int threads);

/* The instruction set that was measured: "v4" (AVX-512), "v3" (AVX2), "neon", "scalar". */
const char *ceiling_fma_level(void);

/* 1e9 bytes a second, read and written, of copying one array of so many bytes into another, over and over. */
double ceiling_copy(int64_t bytes);

#endif
