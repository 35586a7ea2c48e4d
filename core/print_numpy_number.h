/* How NumPy writes the numbers of one array: the fewest digits that tell each from its neighbours, at most 8 after the
 * point, padded on both sides so that the points stand below each other. */
#ifndef TRIREME_CORE_PRINT_NUMPY_NUMBER_H
#define TRIREME_CORE_PRINT_NUMPY_NUMBER_H

#include <trireme/types.h>

enum { CORE_NUMPY_ROOM = 160 }; /* bytes that any element's text fits into, its '\0' included */

typedef struct {
    int part;          /* 0, or 1 for imaginary parts, which are written with their sign */
    bool scientific;   /* 1.0e-05 */
    int precision;     /* scientific: digits after every point */
    int exponent;      /* scientific: digits of every exponent, at least */
    int before, after; /* columns on either side of the point */
} core_numpy_part;

typedef struct {
    tr_dtype dtype;
    core_numpy_part real, imaginary;
    int width; /* of integers and, in arrays, bools */
} core_numpy_format;

/* The format for n elements of an array, or (scalar) of an array without dims. */
core_numpy_format core_numpy_format_for(const void *data, tr_dtype dtype, int64_t n, bool scalar);

/* Element i as text, padded; returns its length. */
int core_numpy_print(const core_numpy_format *f, const void *data, int64_t i, char text[CORE_NUMPY_ROOM]);

#endif
