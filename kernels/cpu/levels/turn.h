/* A tile of 16 x 16 words, turned in registers: lines are read and written whole, where a copy word by word touches a line
 * for each.  to[i * to_row + j] = from[j * from_row + i]. */
#ifndef TRIREME_KERNELS_TURN_H
#define TRIREME_KERNELS_TURN_H

#include "kernels/cpu/levels/level.h"

enum { TURNED = 16 };

#if defined(__has_builtin)
# if __has_builtin(__builtin_shufflevector)
#  define HAVE_TURN
# endif
#endif

#ifdef HAVE_TURN
typedef uint32_t words __attribute__((vector_size(32)));

/* 8 x 8: pairs of rows, pairs of pairs, then halves change places.  Strides in bytes. */
static INLINE void turn_8(char *to, int64_t to_row, const char *from, int64_t from_row)
{
    words r[8], s[8];
    for (int j = 0; j < 8; j++) memcpy(&r[j], from + j * from_row, sizeof r[j]);
    for (int j = 0; j < 8; j += 2) {
        s[j] = __builtin_shufflevector(r[j], r[j + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        s[j + 1] = __builtin_shufflevector(r[j], r[j + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (int j = 0; j < 8; j += 4)
        for (int i = 0; i < 2; i++) {
            r[j + 2 * i] = __builtin_shufflevector(s[j + i], s[j + i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            r[j + 2 * i + 1] = __builtin_shufflevector(s[j + i], s[j + i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int i = 0; i < 4; i++) {
        s[i] = __builtin_shufflevector(r[i], r[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        s[i + 4] = __builtin_shufflevector(r[i], r[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
    for (int i = 0; i < 8; i++) memcpy(to + i * to_row, &s[i], sizeof s[i]);
}

static INLINE void turn_16(char *to, int64_t to_row, const char *from, int64_t from_row)
{
    for (int j = 0; j < TURNED; j++) __builtin_prefetch(from + (TURNED + j) * from_row);
    for (int i = 0; i < TURNED; i += 8)
        for (int j = 0; j < TURNED; j += 8) turn_8(to + i * to_row + 4 * j, to_row, from + j * from_row + 4 * i, from_row);
}
#endif

#endif
