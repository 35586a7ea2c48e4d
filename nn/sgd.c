/* Stochastic gradient descent. */
#include "nn/optim.h"

tr_optim *(tr_sgd)(tr_tensors parameters, tr_sgd_options o)
{
    double lr = nn_option(o.lr, 1e-3), momentum = nn_option(o.momentum, 0), dampening = nn_option(o.dampening, 0), decay = nn_option(o.weight_decay, 0);
    if (!nn_not_negative(lr) || !nn_not_negative(momentum) || !nn_not_negative(decay) || !isfinite(dampening))
        return core_fail("tr_sgd: lr %g, momentum %g, dampening %g, weight decay %g: all must be finite and not negative", lr, momentum, dampening, decay);
    if (o.nesterov && (momentum == 0 || dampening != 0)) return core_fail("tr_sgd: Nesterov needs a momentum and no dampening");
    nn_optim_rule rule = {
        .name = "SGD",
        .function = "tr_sgd",
        .kernel = KERNEL_SGD,
        .flags = (o.maximize ? KERNEL_OPTIM_MAXIMIZE : 0u) | (o.nesterov ? KERNEL_OPTIM_NESTEROV : 0u),
        .number = {lr, momentum, dampening, decay},
        .state = {momentum != 0 ? "momentum" : NULL},
        .has_momentum = momentum != 0,
    };
    return nn_optim_new(parameters, &rule);
}
