/* Adagrad on one element, in one type: included once per type with T, OF().  As PyTorch has it, rounded in its order:
 *   g = gradient (negated to maximize) + weight_decay p
 *   s = s + g g;  p = p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps) */
typedef struct {
    T rate, decay, eps, sign;
} OF(adagrad_numbers);

static inline TR_BOTH OF(adagrad_numbers) OF(adagrad_numbers_of)(const kernel_call *call, const kernel_optim_item *item)
{
    const double *number = call->number;
    OF(adagrad_numbers)
    k;
    k.rate = (T)(number[0] / (1 + (double)(item->step - 1) * number[1])), k.decay = (T)number[2], k.eps = (T)number[3];
    k.sign = call->flags & KERNEL_OPTIM_MAXIMIZE ? -1 : 1;
    return k;
}

/* The new p, and s. */
static inline TR_BOTH T OF(adagrad_step)(const OF(adagrad_numbers) * k, T p, T gradient, T *s)
{
    T g = k->sign * gradient + k->decay * p;
    *s += g * g;
    return p - k->rate * g / (OF(sqrt)(*s) + k->eps);
}
