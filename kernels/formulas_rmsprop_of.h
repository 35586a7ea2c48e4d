/* RMSprop on one element, in one type: included once per type with T, OF().  As PyTorch 2 has it, rounded in its order:
 *   g = gradient (negated to maximize) + weight_decay p
 *   s = alpha s + (1 - alpha) g g;  centered: a = a + (1 - alpha) (g - a), r = sqrt(s - a a) + eps, else r = sqrt(s) + eps
 *   v = momentum v + g / r, p = p - lr v, or without momentum p = p - lr g / r */
typedef struct {
    T lr, momentum, keep, add, eps, decay, sign, part;
    bool near;               /* lerp goes from the nearer end */
    char gap[sizeof(T) - 1]; /* 0: captured numbers are compared byte by byte */
} OF(rmsprop_numbers);

static inline TR_BOTH OF(rmsprop_numbers) OF(rmsprop_numbers_of)(const kernel_call *call, const kernel_optim_item *item)
{
    const double *number = call->number, alpha = number[2];
    OF(rmsprop_numbers)
    k;
    (void)item;
    memset(k.gap, 0, sizeof k.gap);
    k.lr = (T)number[0], k.momentum = (T)number[1], k.keep = (T)alpha, k.add = (T)(1 - alpha), k.eps = (T)number[3], k.decay = (T)number[4];
    k.sign = call->flags & KERNEL_OPTIM_MAXIMIZE ? -1 : 1;
    k.near = 1 - alpha < 0.5;
    k.part = k.near ? k.add : k.add - 1;
    return k;
}

/* The new p; s too, v and a where there are any. */
static inline TR_BOTH T OF(rmsprop_step)(const OF(rmsprop_numbers) * k, T p, T gradient, T *s, T *v, T *a, bool has_momentum, bool centered)
{
    T g = k->sign * gradient + k->decay * p;
    T square = k->keep * *s + k->add * g * g, spread = square;
    *s = square;
    if (centered) {
        T mean = (k->near ? *a : g) + k->part * (g - *a);
        *a = mean;
        spread = square - mean * mean;
        spread = spread < 0 ? 0 : spread; /* rounding may take it below, where PyTorch gets NaN */
    }
    T root = OF(sqrt)(spread) + k->eps;
    if (!has_momentum) return p - k->lr * g / root;
    *v = k->momentum * *v + g / root;
    return p - k->lr * *v;
}
