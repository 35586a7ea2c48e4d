/* Adam and AdamW: one rule, but for where the weight decay goes and how much of it there is unless said otherwise. */
#include "nn/optim.h"

static tr_optim *adam(tr_tensors parameters, const tr_adam_options *o, nn_optim_rule rule, double normal_decay)
{
    double lr = nn_option(o->lr, 1e-3), beta1 = nn_option(o->betas[0], 0.9), beta2 = nn_option(o->betas[1], 0.999);
    double eps = nn_option(o->eps, 1e-8), decay = nn_option(o->weight_decay, normal_decay);
    if (!nn_not_negative(lr) || !nn_not_negative(eps) || !nn_not_negative(decay))
        return core_fail("%s: lr %g, eps %g, weight decay %g: all must be finite and not negative", rule.function, lr, eps, decay);
    if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1)) return core_fail("%s: betas %g and %g: both must be in [0, 1)", rule.function, beta1, beta2);
    rule.kernel = KERNEL_ADAM;
    if (o->maximize) rule.flags |= KERNEL_OPTIM_MAXIMIZE;
    const double number[] = {lr, beta1, beta2, eps, decay};
    for (int i = 0; i < 5; i++) rule.number[i] = number[i];
    rule.state[0] = "exp_avg";
    rule.state[1] = "exp_avg_sq";
    rule.state[2] = o->amsgrad ? "max_exp_avg_sq" : NULL;
    rule.state[NN_OPTIM_STEP] = "step";
    rule.has_momentum = true;
    return nn_optim_new(parameters, &rule);
}

tr_optim *(tr_adam)(tr_tensors parameters, tr_adam_options o) { return adam(parameters, &o, (nn_optim_rule){.name = "Adam", .function = "tr_adam"}, 0); }

tr_optim *(tr_adamw)(tr_tensors parameters, tr_adam_options o)
{
    return adam(parameters, &o, (nn_optim_rule){.name = "AdamW", .function = "tr_adamw", .flags = KERNEL_OPTIM_DECOUPLED}, 1e-2);
}
