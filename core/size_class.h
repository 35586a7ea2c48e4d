/* Sizes of blocks that wait to be used again.  Class c holds blocks of (4 + c % 4) << (c / 4 + 4) bytes: 64, 80, 96, 112,
 * 128, 160 ..., so at most a fifth of a block is unused. */
#ifndef TRIREME_CORE_SIZE_CLASS_H
#define TRIREME_CORE_SIZE_CLASS_H

#include <stdint.h>

enum { CORE_CLASSES = 176,
       CORE_UNLIKE = CORE_CLASSES /* a class without blocks */ };

static inline int64_t core_class_bytes(int class) { return (int64_t)(4 + class % 4) << (class / 4 + 4); }

/* The smallest that holds so many bytes. */
static inline int core_class_of(int64_t bytes)
{
    if (bytes <= 64) return 0;
    int top = 63 ^ __builtin_clzll((uint64_t)(bytes - 1)); /* 2^top <= bytes - 1 < 2^(top + 1) */
    int64_t quarter = ((bytes - 1) >> (top - 2)) & 3;      /* which quarter of that range it falls in */
    return (top - 6) * 4 + (int)quarter + 1;
}

#endif
