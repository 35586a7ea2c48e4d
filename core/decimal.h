/* Decimal digits of floating numbers: the fewest that read back as the same number of its type, as Python, NumPy (and
 * Steele & White, "How to print floating-point numbers accurately", PLDI 1990) write them. */
#ifndef TRIREME_CORE_DECIMAL_H
#define TRIREME_CORE_DECIMAL_H

#include <trireme/types.h>

enum { CORE_DECIMAL_DIGITS = 17, /* as many as any double needs */
       CORE_DECIMAL_ROOM = 48 }; /* bytes for the text of any double, its '\0' included */

/* 0.00125 is {"125", 3, -3}: d.dd times ten to the exponent.  The sign is left out; 0 is {"0", 1, 0}. */
typedef struct {
    char digit[CORE_DECIMAL_DIGITS + 1];
    int digits, exponent;
} core_decimal;

/* x, a finite number of this floating type, rounded to so many digits, 1 to 17: to the nearest that is shorter than
 * x's own, else to what reads back as x. */
core_decimal core_decimal_rounded(double x, tr_dtype dtype, int digits);

/* The fewest digits that read back as x, but rounded to at most `most`, without zeros at the end. */
core_decimal core_decimal_shortest(double x, tr_dtype dtype, int most);

/* repr(x) of Python: 3.0, -4.794588088989258, 1e-05, 1e+16, nan, inf.  Returns the length. */
int core_decimal_text(double x, char text[CORE_DECIMAL_ROOM]);

#endif
