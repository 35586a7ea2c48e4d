/* Stochastic gradient descent on one element, in one type: included once per type with T, OF().
 *   g = gradient (negated to maximize) + weight_decay p;  v = momentum v + (1 - dampening) g, at first g;
 *   p = p - lr (nesterov ? g + momentum v : v), or p - lr g without momentum */
typedef struct {
    T lr, momentum, keep, decay, sign;
    bool first, nesterov;
    char gap[sizeof(T) - 2]; /* 0: captured numbers are compared byte by byte */
} OF(sgd_numbers);

static inline TR_BOTH OF(sgd_numbers) OF(sgd_numbers_of)(const kernel_call *call, const kernel_optim_item *item)
{
    const double *number = call->number;
    OF(sgd_numbers)
    k;
    memset(k.gap, 0, sizeof k.gap);
    k.lr = (T)number[0], k.momentum = (T)number[1], k.keep = (T)(1 - number[2]), k.decay = (T)number[3];
    k.sign = call->flags & KERNEL_OPTIM_MAXIMIZE ? -1 : 1;
    k.first = item->first, k.nesterov = (call->flags & KERNEL_OPTIM_NESTEROV) != 0;
    return k;
}

/* The new p; v too where there is momentum. */
static inline TR_BOTH T OF(sgd_plain)(const OF(sgd_numbers) * k, T p, T gradient)
{
    return p - k->lr * (k->sign * gradient + k->decay * p);
}

static inline TR_BOTH T OF(sgd_step)(const OF(sgd_numbers) * k, T p, T gradient, T *v)
{
    T g = k->sign * gradient + k->decay * p;
    T speed = k->first ? g : k->momentum * *v + k->keep * g;
    *v = speed;
    return p - k->lr * (k->nesterov ? g + k->momentum * speed : speed);
}
