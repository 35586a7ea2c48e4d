/* The schedules of torch.optim.lr_scheduler, each a formula of t beside the function that makes it. */
#include "nn/scheduler.h"

static const double pi = 3.14159265358979323846;

static nn_setting rate(double lr) { return (nn_setting){lr, NAN}; }
static bool is_factor(double x) { return x >= 0 && x <= 1; }

static tr_scheduler *no_sense(const char *function, const char *what, double x) { return core_fail("%s: %s %g makes no sense", function, what, x); }

/* ---- powers of gamma ---- */

static nn_setting step_at(const tr_scheduler *s, int64_t t) { return rate(s->base * pow(s->gamma, (double)(t / s->period))); }

tr_scheduler *(tr_step_lr)(tr_optim *o, int64_t step_size, tr_step_lr_options options)
{
    tr_scheduler s = {.function = "tr_step_lr", .chains = true, .at = step_at, .period = step_size, .gamma = nn_option(options.gamma, 0.1)};
    if (step_size < 1) return no_sense(s.function, "step_size", (double)step_size);
    if (!nn_not_negative(s.gamma)) return no_sense(s.function, "gamma", s.gamma);
    return nn_scheduler_new(o, &s);
}

static nn_setting multi_step_at(const tr_scheduler *s, int64_t t)
{
    int64_t reached = 0;
    for (int64_t i = 0; i < s->milestones.count; i++) reached += s->milestones.step[i] <= t;
    return rate(s->base * pow(s->gamma, (double)reached));
}

tr_scheduler *(tr_multi_step_lr)(tr_optim *o, tr_milestones milestones, tr_step_lr_options options)
{
    tr_scheduler s = {.function = "tr_multi_step_lr", .chains = true, .at = multi_step_at, .milestones = milestones, .gamma = nn_option(options.gamma, 0.1)};
    if (milestones.count < 0 || (milestones.count && !milestones.step)) return core_null(s.function);
    for (int64_t i = 0; i < milestones.count; i++)
        if (milestones.step[i] < 0) return no_sense(s.function, "milestone", (double)milestones.step[i]);
    if (!nn_not_negative(s.gamma)) return no_sense(s.function, "gamma", s.gamma);
    return nn_scheduler_new(o, &s);
}

static nn_setting exponential_at(const tr_scheduler *s, int64_t t) { return rate(s->base * pow(s->gamma, (double)t)); }

tr_scheduler *(tr_exponential_lr)(tr_optim *o, double gamma)
{
    tr_scheduler s = {.function = "tr_exponential_lr", .chains = true, .at = exponential_at, .gamma = gamma};
    if (!nn_not_negative(gamma)) return no_sense(s.function, "gamma", gamma);
    return nn_scheduler_new(o, &s);
}

/* ---- cosines ---- */

static double half_cosine(double from, double to, double part) { return to + (from - to) * (1 + cos(pi * part)) / 2; }

static nn_setting cosine_at(const tr_scheduler *s, int64_t t)
{
    double part = (double)(t % (2 * s->period)) / (double)s->period; /* a small angle: its cosine is exact where it should be */
    return rate(half_cosine(s->base, s->eta_min, part));
}

tr_scheduler *(tr_cosine_annealing_lr)(tr_optim *o, int64_t T_max, tr_cosine_annealing_lr_options options)
{
    tr_scheduler s = {.function = "tr_cosine_annealing_lr", .chains = true, .at = cosine_at, .period = T_max, .eta_min = nn_option(options.eta_min, 0)};
    if (T_max < 1 || T_max > INT64_MAX / 2) return no_sense(s.function, "T_max", (double)T_max);
    if (!nn_not_negative(s.eta_min)) return no_sense(s.function, "eta_min", s.eta_min);
    return nn_scheduler_new(o, &s);
}

static nn_setting warm_restarts_at(const tr_scheduler *s, int64_t t)
{
    int64_t period = s->period;
    if (s->mult == 1) t %= period;
    while (t >= period) { /* for mult > 1 less than 63 times */
        t -= period;
        period = period > INT64_MAX / s->mult ? INT64_MAX : period * s->mult;
    }
    return rate(half_cosine(s->base, s->eta_min, (double)t / (double)period));
}

tr_scheduler *(tr_cosine_warm_restarts)(tr_optim *o, int64_t T_0, tr_cosine_warm_restarts_options options)
{
    tr_scheduler s = {.function = "tr_cosine_warm_restarts", .at = warm_restarts_at, .period = T_0, .mult = options.T_mult ? options.T_mult : 1, .eta_min = nn_option(options.eta_min, 0)};
    if (T_0 < 1) return no_sense(s.function, "T_0", (double)T_0);
    if (s.mult < 1) return no_sense(s.function, "T_mult", (double)s.mult);
    if (!nn_not_negative(s.eta_min)) return no_sense(s.function, "eta_min", s.eta_min);
    return nn_scheduler_new(o, &s);
}

/* ---- over the first `period` steps ---- */

static nn_setting linear_at(const tr_scheduler *s, int64_t t)
{
    double part = t < s->period ? (double)t / (double)s->period : 1;
    return rate(s->base * (s->start + (s->end - s->start) * part));
}

tr_scheduler *(tr_linear_lr)(tr_optim *o, tr_linear_lr_options options)
{
    tr_scheduler s = {.function = "tr_linear_lr", .chains = true, .at = linear_at, .start = nn_option(options.start_factor, 1.0 / 3), .end = nn_option(options.end_factor, 1), .period = options.total_iters ? options.total_iters : 5};
    if (!is_factor(s.start)) return no_sense(s.function, "start_factor", s.start);
    if (!is_factor(s.end)) return no_sense(s.function, "end_factor", s.end);
    if (s.period < 1) return no_sense(s.function, "total_iters", (double)s.period);
    return nn_scheduler_new(o, &s);
}

static nn_setting constant_at(const tr_scheduler *s, int64_t t) { return rate(t < s->period ? s->base * s->start : s->base); }

tr_scheduler *(tr_constant_lr)(tr_optim *o, tr_constant_lr_options options)
{
    tr_scheduler s = {.function = "tr_constant_lr", .chains = true, .at = constant_at, .start = nn_option(options.factor, 1.0 / 3), .period = options.total_iters ? options.total_iters : 5};
    if (!is_factor(s.start)) return no_sense(s.function, "factor", s.start);
    if (s.period < 1) return no_sense(s.function, "total_iters", (double)s.period);
    return nn_scheduler_new(o, &s);
}

static nn_setting polynomial_at(const tr_scheduler *s, int64_t t)
{
    return rate(t < s->period ? s->base * pow(1 - (double)t / (double)s->period, s->power) : s->base * pow(0, s->power));
}

tr_scheduler *(tr_polynomial_lr)(tr_optim *o, tr_polynomial_lr_options options)
{
    tr_scheduler s = {.function = "tr_polynomial_lr", .chains = true, .at = polynomial_at, .period = options.total_iters ? options.total_iters : 5, .power = nn_option(options.power, 1)};
    if (s.period < 1) return no_sense(s.function, "total_iters", (double)s.period);
    if (!nn_not_negative(s.power)) return no_sense(s.function, "power", s.power);
    return nn_scheduler_new(o, &s);
}

/* ---- one cycle ---- */

static nn_setting one_cycle_at(const tr_scheduler *s, int64_t t)
{
    int i = 0;
    while (i < s->phases - 1 && (double)t > s->phase[i].end) i++;
    const nn_phase *p = &s->phase[i];
    double start = i ? p[-1].end : 0, part = p->end > start ? ((double)t - start) / (p->end - start) : 1;
    if (part > 1) part = 1; /* the step after the last one's: the end of many a loop asks for it */
    nn_setting now = s->linear ? (nn_setting){p->lr_from + (p->lr_to - p->lr_from) * part, p->momentum_from + (p->momentum_to - p->momentum_from) * part}
                               : (nn_setting){half_cosine(p->lr_from, p->lr_to, part), half_cosine(p->momentum_from, p->momentum_to, part)};
    return s->cycles_momentum ? now : rate(now.lr);
}

tr_scheduler *(tr_one_cycle_lr)(tr_optim *o, double max_lr, int64_t total_steps, tr_one_cycle_lr_options options)
{
    tr_scheduler s = {.function = "tr_one_cycle_lr", .at = one_cycle_at, .last = total_steps, .linear = options.linear};
    double pct = nn_option(options.pct_start, 0.3), div = nn_option(options.div_factor, 25), final = nn_option(options.final_div_factor, 1e4);
    double low = nn_option(options.base_momentum, 0.85), high = nn_option(options.max_momentum, 0.95);
    if (!nn_not_negative(max_lr)) return no_sense(s.function, "max_lr", max_lr);
    if (total_steps < 1) return no_sense(s.function, "total_steps", (double)total_steps);
    if (!is_factor(pct)) return no_sense(s.function, "pct_start", pct);
    if (!(div > 0)) return no_sense(s.function, "div_factor", div);
    if (!(final > 0)) return no_sense(s.function, "final_div_factor", final);
    if (!(is_factor(low) && low < 1)) return no_sense(s.function, "base_momentum", low);
    if (!(is_factor(high) && high < 1)) return no_sense(s.function, "max_momentum", high);
    double n = (double)total_steps, first = max_lr / div, least = first / final;
    s.phase[0] = (nn_phase){pct * n - 1, first, max_lr, high, low};
    if (options.three_phase) {
        s.phase[1] = (nn_phase){2 * pct * n - 2, max_lr, first, low, high};
        s.phase[2] = (nn_phase){n - 1, first, least, high, high};
    } else {
        s.phase[1] = (nn_phase){n - 1, max_lr, least, low, high};
    }
    s.phases = options.three_phase ? 3 : 2;
    s.cycles_momentum = o && o->rule.has_momentum && !options.cycle_momentum_off;
    return nn_scheduler_new(o, &s);
}

/* ---- the program's own ---- */

static nn_setting lambda_at(const tr_scheduler *s, int64_t t) { return rate(s->base * s->f(t, s->data)); }

tr_scheduler *(tr_lambda_lr)(tr_optim *o, tr_lr_lambda *f, void *data)
{
    if (!f) return core_null("tr_lambda_lr");
    return nn_scheduler_new(o, &(tr_scheduler){.function = "tr_lambda_lr", .at = lambda_at, .f = f, .data = data});
}
