/* Every operation that has a derivative, in one list: tests and documentation walk it. */
#include "autograd/autograd.h"
#include <math.h>

#define OP(name) extern const autograd_op autograd_##name;
#include "autograd/ops.def"
#undef OP
#define ROW(name, ...) extern const autograd_op autograd_##name;
#include "kernels/pointwise.def"
#undef ROW
#define ROW2(name, ...) extern const autograd_op autograd_##name;
#include "autograd/binary.def"
#undef ROW2

const autograd_op *const autograd_ops[] = {
#define OP(name) &autograd_##name,
#include "autograd/ops.def"
#undef OP
#define ROW(name, ...) &autograd_##name,
#include "kernels/pointwise.def"
#undef ROW
#define ROW2(name, ...) &autograd_##name,
#include "autograd/binary.def"
#undef ROW2
    NULL,
};
