/* How the numbers of one tensor are written: all alike, in the shortest form that suits them all. */
#ifndef TRIREME_CORE_PRINT_NUMBER_H
#define TRIREME_CORE_PRINT_NUMBER_H

#include <trireme/types.h>

enum { CORE_NUMBER_ROOM = 48 }; /* bytes that any number's text fits into, its '\0' included */

typedef struct {
    enum { CORE_PRINT_EXACT,       /* 12, True: what is no floating type */
           CORE_PRINT_WHOLE,       /* 12. */
           CORE_PRINT_DECIMAL,     /* 12.0000 */
           CORE_PRINT_SCIENTIFIC } /* 1.2000e+01 */
    style;
    int part;  /* 0, or 1 for imaginary parts */
    int width; /* texts are padded to this from the left; some are longer */
} core_number_format;

/* The format for the real (part 0) or imaginary (part 1) parts of n elements. */
core_number_format core_number_format_for(const void *data, tr_dtype dtype, int64_t n, int part);

/* Element i as text, padded; returns its length. */
int core_number_print(const core_number_format *format, const void *data, tr_dtype dtype, int64_t i, char text[CORE_NUMBER_ROOM]);

#endif
