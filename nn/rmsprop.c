/* RMSprop. */
#include "nn/optim.h"

tr_optim *(tr_rmsprop)(tr_tensors parameters, tr_rmsprop_options o)
{
    double lr = nn_option(o.lr, 1e-2), momentum = nn_option(o.momentum, 0), alpha = nn_option(o.alpha, 0.99);
    double eps = nn_option(o.eps, 1e-8), decay = nn_option(o.weight_decay, 0);
    if (!nn_not_negative(lr) || !nn_not_negative(momentum) || !nn_not_negative(eps) || !nn_not_negative(decay))
        return core_fail("tr_rmsprop: lr %g, momentum %g, eps %g, weight decay %g: all must be finite and not negative", lr, momentum, eps, decay);
    if (!(alpha >= 0 && alpha <= 1)) return core_fail("tr_rmsprop: alpha %g must be in [0, 1]", alpha);
    nn_optim_rule rule = {
        .name = "RMSprop",
        .function = "tr_rmsprop",
        .kernel = KERNEL_RMSPROP,
        .flags = o.maximize ? KERNEL_OPTIM_MAXIMIZE : 0u,
        .number = {lr, momentum, alpha, eps, decay},
        .state = {"square_avg", momentum != 0 ? "momentum" : NULL, o.centered ? "grad_avg" : NULL},
        .has_momentum = momentum != 0,
    };
    return nn_optim_new(parameters, &rule);
}
