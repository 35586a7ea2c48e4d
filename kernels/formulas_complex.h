/* Arithmetic of complex numbers of both types: add_c64, div_c128 ... */
#ifndef TRIREME_KERNELS_FORMULAS_COMPLEX_H
#define TRIREME_KERNELS_FORMULAS_COMPLEX_H

#include <trireme/base.h>
#include "kernels/both.h"

#define T     complex64
#define R     float
#define OF(n) n##_c64
#include "kernels/formulas_complex_of.h"
#undef T
#undef R
#undef OF

#define T     complex128
#define R     double
#define OF(n) n##_c128
#include "kernels/formulas_complex_of.h"
#undef T
#undef R
#undef OF

#endif
