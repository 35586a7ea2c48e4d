/* Loops in float and in double: write
 *     #define LOOPS "kernels/cpu/levels/sgd_of.h"
 *     #include "kernels/cpu/levels/floats.h"
 * and the file LOOPS is included once per type, with
 *   T         the type          OF(name)   name_f32: what is made there carries its type
 *   M(word)   the scalar function of a word of pointwise.def */
#define T     float
#define OF(n) n##_f32
#define M(w)  w##_f32
#include LOOPS
#undef T
#undef OF
#undef M

#define T     double
#define OF(n) n##_f64
#define M(w)  w##_f64
#include LOOPS
#undef T
#undef OF
#undef M

#undef LOOPS
