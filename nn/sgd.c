/* Stochastic gradient descent. */
#include "nn/optim.h"

tr_optim *(tr_sgd)(tr_tensors parameters, tr_sgd_options o)
{
    double lr = nn_option(o.lr, 1e-3);
    if (!nn_not_negative(lr) || !nn_not_negative(o.momentum) || !nn_not_negative(o.weight_decay) || !isfinite(o.dampening))
        return core_fail("tr_sgd: lr %g, momentum %g, dampening %g, weight decay %g: all must be finite and not negative", lr, o.momentum, o.dampening, o.weight_decay);
    if (o.nesterov && (o.momentum == 0 || o.dampening != 0)) return core_fail("tr_sgd: Nesterov needs a momentum and no dampening");
    return nn_optim_new(parameters, &(nn_optim_rule){
                                        .name = "SGD",
                                        .function = "tr_sgd",
                                        .kernel = KERNEL_SGD,
                                        .flags = (o.maximize ? KERNEL_OPTIM_MAXIMIZE : 0u) | (o.nesterov ? KERNEL_OPTIM_NESTEROV : 0u),
                                        .number = {lr, o.momentum, o.dampening, o.weight_decay},
                                        .state = {o.momentum != 0 ? "momentum" : NULL},
                                        .has_momentum = o.momentum != 0,
                                    });
}
