/* Adagrad. */
#include "nn/optim.h"

tr_optim *(tr_adagrad)(tr_tensors parameters, tr_adagrad_options o)
{
    double lr = nn_option(o.lr, 1e-2), lr_decay = nn_option(o.lr_decay, 0), decay = nn_option(o.weight_decay, 0);
    double start = nn_option(o.initial_accumulator_value, 0), eps = nn_option(o.eps, 1e-10);
    if (!nn_not_negative(lr) || !nn_not_negative(lr_decay) || !nn_not_negative(decay) || !nn_not_negative(start) || !nn_not_negative(eps))
        return core_fail("tr_adagrad: lr %g, lr_decay %g, weight decay %g, initial accumulator %g, eps %g: all must be finite and not negative", lr, lr_decay, decay, start, eps);
    nn_optim_rule rule = {
        .name = "Adagrad",
        .function = "tr_adagrad",
        .kernel = KERNEL_ADAGRAD,
        .flags = o.maximize ? KERNEL_OPTIM_MAXIMIZE : 0u,
        .number = {lr, lr_decay, decay, eps},
        .state = {"sum", [NN_OPTIM_STEP] = "step"},
        .start = start,
    };
    return nn_optim_new(parameters, &rule);
}
