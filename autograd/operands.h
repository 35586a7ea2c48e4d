/* Bringing operands together: one type, one device, shapes that broadcast; and what may be written to. */
#ifndef TRIREME_AUTOGRAD_OPERANDS_H
#define TRIREME_AUTOGRAD_OPERANDS_H

#include "autograd/autograd.h"

/* Both operands in this type, on one device; the shape they broadcast to.  False with an error noted.
 * Conversions are noted in the graph. */
bool autograd_meet(const char *function, tr_tensor **a, tr_tensor **b, tr_dtype type, tr_shape *shape);

/* The same, but numbers stay numbers: autograd_pointwise() takes them in any type and for any device. */
bool autograd_join(const char *function, tr_tensor **a, tr_tensor **b, tr_dtype type, tr_shape *shape);

/* A number as a tensor without dimensions, of this type, on this device. */
tr_tensor *autograd_number_as(tr_tensor *number, tr_dtype type, tr_device device);

/* The operand whose type, shape and device are those of the result, where that is plain to see: two alike, or one and a
 * number that does not raise its type.  Else NULL. */
static inline tr_tensor *autograd_plainly(tr_tensor *a, tr_tensor *b)
{
    unsigned numbers = (a->flags | b->flags) & CORE_NUMBER;
    if (!numbers) return a->kind == b->kind && core_same_shape(&a->shape, &b->shape) ? a : NULL;
    tr_tensor *t = a->flags & CORE_NUMBER ? b : a, *number = t == a ? b : a;
    if (t->flags & CORE_NUMBER) return NULL;
    return core_dtype_category[number->dtype] <= core_dtype_category[t->dtype] ? t : NULL;
}

/* The same where little more is to be asked: of two alike, floating and not complex, their size_class says whether they lie
 * row-major in memory of the CPU (CORE_UNLIKE: they may be anything); a number is no complex one. */
static inline __attribute__((always_inline)) tr_tensor *autograd_usually(tr_tensor *a, tr_tensor *b)
{
    tr_tensor *t = a, *number = b;
    if (!((a->word | b->word) & core_word(0, 0, CORE_NUMBER, 0))) {
        if ((a->word ^ b->word) & core_word(0xff, 0xff, 0, 0xff) || !core_same_shape(&a->shape, &b->shape)) return NULL;
    } else {
        if (a->flags & CORE_NUMBER) t = b, number = a;
        if (number->dtype == TR_COMPLEX128) return NULL;
    }
    return core_is_floating(t) ? t : NULL;
}

/* x^exponent, a number, in x's type. */
tr_tensor *autograd_power(tr_tensor *x, tr_tensor *exponent);
static inline bool autograd_power_is_usual(tr_tensor *x, tr_tensor *exponent)
{
    return x && exponent && exponent->flags & CORE_NUMBER && !core_here()->autocast && autograd_usually(x, exponent) == x;
}

/* straight ? dy : slope dy (NULL: 0, even of infinity), a derivative that depends on x (may be NULL) by steps alone: differentiated again it gives x a
 * gradient of 0, as in PyTorch, where none would be another answer to an optimiser that decays weights. */
tr_tensor *autograd_bent(tr_tensor *straight, tr_tensor *dy, const double *slope, tr_tensor *x);

/* |z| of complex numbers: tr_abs for them. */
tr_tensor *autograd_abs_complex(tr_tensor *z);

/* True, with an error noted in PyTorch's words, where x is complex: this function has no meaning for such numbers. */
bool autograd_no_complex(const char *function, const tr_tensor *x);

/* y, an alias of t's memory, as a view of it: noted, and known to t. */
tr_tensor *autograd_view_noted(tr_tensor *y, tr_tensor *t, const autograd_op *op, const autograd_args *args);

/* t's memory, `bytes` on, seen as elements of another type. */
tr_tensor *autograd_alias_as(const tr_tensor *t, tr_dtype type, const tr_shape *shape, const int64_t *stride, int64_t bytes, const char *what);

/* May t be written in place, from `from` (NULL: from numbers): not expanded, and no derivative lost?  0, or -1 with an
 * error noted. */
int autograd_writable(const tr_tensor *t, const tr_tensor *from, const char *function);

/* t with size 1 along the dims in which it is expanded: each element once.  t itself where it is not; NULL with an error noted. */
tr_tensor *autograd_elements_of(tr_tensor *t, const char *function);

/* t = value in every element, with every digit that its type holds; not noted.  0, or -1 with an error noted. */
int autograd_write(tr_tensor *t, const tr_scalar *value, const char *function);

/* A new tensor of one value, of the type that options say. */
tr_tensor *autograd_full(const char *function, const tr_shape *shape, const tr_scalar *value, const tr_tensor_options *options);

/* Do writes to t, element by element, change what is still to be read of `from`? */
bool autograd_overlaps(const tr_tensor *t, const tr_tensor *from); /* on one storage */
static inline bool autograd_overlap(const tr_tensor *t, const tr_tensor *from) { return t->storage == from->storage && autograd_overlaps(t, from); }

/* Checks shared by operations: on one device; the dim counted from the front.  false or -1 with an error noted. */
bool autograd_one_device(const char *function, const tr_tensor *a, const tr_tensor *b);
int autograd_dim(const char *function, const tr_tensor *t, int dim);

#endif
