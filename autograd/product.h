/* A product of matrices as one call of the device's kernel, and what those who ask for one share. */
#ifndef TRIREME_AUTOGRAD_PRODUCT_H
#define TRIREME_AUTOGRAD_PRODUCT_H

#include "autograd/autograd.h"

/* An operand: a matrix or a batch of them, as it is or with its last two dims swapped. */
typedef struct {
    const tr_tensor *t;
    bool turned;
} autograd_operand;

/* c = a b + bias over (batch, i, j); every tensor here has 2 or 3 dims, with a batch stride of 0 for 2.  bias is NULL, or
 * dense on a device that serves it.  0, or -1 with an error noted. */
int autograd_product(tr_tensor *c, autograd_operand a, autograd_operand b, const tr_tensor *bias);

/* Its two steps, where an operand is a vector: a matrix as this view of the call; the call, whose views are placed, of
 * `batch` products (m, k) (k, n). */
void autograd_product_place(kernel_call *call, int view, autograd_operand x);
int autograd_product_run(tr_tensor *c, const tr_tensor *a, const tr_tensor *b, const tr_tensor *bias, kernel_call *call, int64_t batch, int64_t m, int64_t n, int64_t k);

/* A product for a derivative that is not differentiated itself, of n for this input; where dc says so. */
tr_tensor *autograd_product_for(const autograd_node *n, int input, autograd_operand a, autograd_operand b);
static inline bool autograd_products_plain(const tr_tensor *dc) { return autograd_plain() && core_dtype_category[dc->dtype] != 3; }

/* On one device and of one type?  Else false with an error noted. */
bool autograd_products_disagree(const char *function, const tr_tensor *a, const tr_tensor *b);
static inline bool autograd_products_agree(const char *function, const tr_tensor *a, const tr_tensor *b)
{
    return a->kind == b->kind || !autograd_products_disagree(function, a, b);
}

#endif
