/* Adam and AdamW on one element, in one type: included once per type with T, OF().  As PyTorch 2 has them, rounded in its order:
 *   g = gradient (negated to maximize) + weight_decay p, or where it is decoupled p = (1 - lr weight_decay) p
 *   m = m + (1 - beta1) (g - m);  v = beta2 v + (1 - beta2) g g;  amsgrad: V = max(V, v), else V = v
 *   p = p - lr / (1 - beta1^t) m / (sqrt(V) / sqrt(1 - beta2^t) + eps) */
typedef struct {
    T sign, shrink, decay, part, keep, add, rate, root, eps;
    bool near;               /* lerp goes from the nearer end: m + (1 - beta1) (g - m), or g - beta1 (g - m) */
    char gap[sizeof(T) - 1]; /* 0: captured numbers are compared byte by byte */
} OF(adam_numbers);

static inline TR_BOTH OF(adam_numbers) OF(adam_numbers_of)(const kernel_call *call, const kernel_optim_item *item)
{
    const double *number = call->number, lr = number[0], beta1 = number[1], beta2 = number[2], t = (double)item->step;
    const bool decoupled = (call->flags & KERNEL_OPTIM_DECOUPLED) != 0;
    OF(adam_numbers)
    k;
    memset(k.gap, 0, sizeof k.gap);
    k.sign = call->flags & KERNEL_OPTIM_MAXIMIZE ? -1 : 1;
    k.shrink = (T)(decoupled ? 1 - lr * number[4] : 1), k.decay = (T)(decoupled ? 0 : number[4]);
    k.near = 1 - beta1 < 0.5;
    k.part = k.near ? (T)(1 - beta1) : (T)(1 - beta1) - 1;
    k.keep = (T)beta2, k.add = (T)(1 - beta2);
    k.rate = (T)(lr / (1 - pow(beta1, t))), k.root = (T)sqrt(1 - pow(beta2, t)), k.eps = (T)number[3];
    return k;
}

/* The new p; m and v too, and where it is amsgrad the largest v so far. */
static inline TR_BOTH T OF(adam_step)(const OF(adam_numbers) * k, T p, T gradient, T *m, T *v, T *most, bool amsgrad)
{
    T x = p * k->shrink, g = k->sign * gradient + k->decay * x;
    T mean = (k->near ? *m : g) + k->part * (g - *m);
    T square = k->keep * *v + k->add * g * g;
    *m = mean;
    *v = square;
    if (amsgrad) *most = square = square <= *most || *most != *most ? *most : square; /* NaN stays */
    return x - k->rate * mean / (OF(sqrt)(square) / k->root + k->eps);
}
