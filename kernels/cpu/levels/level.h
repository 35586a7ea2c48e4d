/* What the files of this folder share.  Each is compiled once per instruction set (x86-64-v2, v3, v4; elsewhere
 * `generic`) with KERNEL_LEVEL naming it: LEVEL(convert) is convert_v3 there.  choose.c picks one level when it starts.
 * Nothing here may be called by code of another level, and no inline function of a shared header may escape as a
 * symbol: the linker would keep one copy, of any level. */
#ifndef TRIREME_KERNELS_LEVEL_H
#define TRIREME_KERNELS_LEVEL_H

#include "core/fail.h"
#include "kernels/both.h"
#include "kernels/cpu/parallel.h"
#include "kernels/kernels.h"

#include <string.h>

#define LEVEL(name) TR_JOIN_(name##_, KERNEL_LEVEL)

/* Loops are marked `omp simd` because out may BE an operand (never half over it), which compilers cannot know.  Where
 * one calls libm it stays scalar, and clang would warn. */
#ifdef __clang__
# pragma clang diagnostic ignored "-Wpass-failed"
#endif

/* Loops are functions that take the formula as a function: inlined, they become one loop per formula, and a debugger
 * still finds its way. */
#define INLINE inline __attribute__((always_inline))

/* Elements that are only moved are words of their size, whatever they mean. */
typedef uint8_t __attribute__((may_alias)) word1;
typedef uint16_t __attribute__((may_alias)) word2;
typedef uint32_t __attribute__((may_alias)) word4;
typedef uint64_t __attribute__((may_alias)) word8;
typedef struct {
    word8 half[2];
} word16;

/* Elements are worked on in blocks of this many where they have to be gathered or converted: 2 KiB an operand. */
enum { BLOCK = 512 };

/* What each file of this folder puts into the table, and all of it. */
#define kernels_level     LEVEL(kernels_level)
#define kernels_pointwise LEVEL(kernels_pointwise)
#define kernels_usual     LEVEL(kernels_usual)
#define kernels_binary    LEVEL(kernels_binary)
#define kernels_power     LEVEL(kernels_power)
#define kernels_complex   LEVEL(kernels_complex)
#define kernels_compare   LEVEL(kernels_compare)
#define kernels_copy      LEVEL(kernels_copy)
#define kernels_fill      LEVEL(kernels_fill)
#define kernels_reduce    LEVEL(kernels_reduce)
#define kernels_arg       LEVEL(kernels_arg)
#define kernels_softmax   LEVEL(kernels_softmax)
#define kernels_matvec    LEVEL(kernels_matvec)
#define kernels_gemm_f32  LEVEL(kernels_gemm_f32)
#define kernels_philox    LEVEL(kernels_philox)
#define kernels_sgd       LEVEL(kernels_sgd)
#define kernels_adam      LEVEL(kernels_adam)
#define kernels_rmsprop   LEVEL(kernels_rmsprop)
#define kernels_adagrad   LEVEL(kernels_adagrad)
#define kernels_clip      LEVEL(kernels_clip)
#define kernels_scaler    LEVEL(kernels_scaler)
void kernels_level(kernel_table table);
void kernels_pointwise(kernel_table table);
void kernels_usual(kernel_table table);
void kernels_binary(kernel_table table);
void kernels_power(kernel_table table);
void kernels_complex(kernel_table table);
void kernels_compare(kernel_table table);
void kernels_copy(kernel_table table);
void kernels_fill(kernel_table table);
void kernels_reduce(kernel_table table);
void kernels_arg(kernel_table table);
void kernels_softmax(kernel_table table);
void kernels_matvec(kernel_table table);
void kernels_gemm_f32(kernel_table table);
void kernels_philox(kernel_table table);
void kernels_sgd(kernel_table table);
void kernels_adam(kernel_table table);
void kernels_rmsprop(kernel_table table);
void kernels_adagrad(kernel_table table);
void kernels_clip(kernel_table table);
void kernels_scaler(kernel_table table);

#endif
