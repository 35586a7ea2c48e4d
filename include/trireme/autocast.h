/* Mixed precision: products of matrices in a narrow type, what needs digits in float32, by PyTorch's lists for its GPUs; and
 * how exact products of float32 are. */
#ifndef TRIREME_AUTOCAST_H
#define TRIREME_AUTOCAST_H

#include <trireme/optim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* TR_AUTOCAST(TR_BFLOAT16); as a block's first line: until the block is left,
 *   tr_matmul, tr_mm, tr_linear                                                   take their floating operands in this type,
 *   tr_exp, tr_log and their kin, tr_pow, tr_reciprocal, tr_tan, tr_sinh, tr_cosh, tr_asin, tr_acos, tr_softplus, tr_sum,
 *   tr_prod, tr_trace, tr_cumsum, tr_norm, tr_var, tr_std, tr_logsumexp, tr_softmax, tr_log_softmax and the losses
 *                                                                                 take halves as float32,
 * and all others take what they get, two operands in the wider type.  float64 stays what it is.  The parameters stay float32,
 * gradients arrive in float32, and the optimiser steps there.  Backward takes the types of forward, wherever it is called.
 *
 * A parameter's narrow copy is made once in a block and used again while nobody has written to the parameter.
 *
 *     {
 *         TR_AUTOCAST(TR_BFLOAT16);
 *         loss = tr_cross_entropy(tr_forward(model, x), y);
 *     }
 *     tr_backward(loss);
 *
 * dtype    TR_BFLOAT16 or TR_FLOAT16; TR_DEFAULT_DTYPE for none of it, in a block within.  Another is an error, and changes
 *          nothing
 * returns  what it was.  It is one switch per thread
 * see      Micikevicius et al., Mixed Precision Training (2018) */
TR_API tr_dtype(tr_set_autocast)(tr_dtype dtype);
TR_API tr_dtype tr_get_autocast(void);
TR_API void tr_autocast_restore_(const tr_dtype *before);

/* ---- float32 products of matrices on CUDA devices: as float32, or by choice in TF32, many times as fast ---- */

typedef enum {
    TR_PRECISION_HIGHEST, /* float32; what every thread begins with */
    TR_PRECISION_HIGH     /* TF32 where a device has it: factors with 10 bits behind the point, added in float32 */
} tr_precision;

/* TR_MATMUL_PRECISION(TR_PRECISION_HIGH); as a block's first line: until the block is left, products of float32 matrices may
 * be made in TF32, which takes each factor with an error of up to 2^-11 of it.  The large ones are, which cuBLASLt makes, on
 * GPUs from Ampere (sm_80) on; small ones, products with a vector, other types and the CPU give the bits they always give.
 *
 * What stands when a product is made counts, as in PyTorch, and unlike TR_AUTOCAST: those of backward are made where
 * tr_backward is called, so a block around both has all of them.  A recorded step keeps what stood when it was recorded.
 *
 * precision  another is an error, and changes nothing
 * returns    what it was.  It is one switch per thread
 * see        torch.set_float32_matmul_precision, whose "medium" is "high" on CUDA */
TR_API tr_precision(tr_set_float32_matmul_precision)(tr_precision precision);
TR_API tr_precision tr_get_float32_matmul_precision(void);
TR_API void tr_precision_restore_(const tr_precision *before);

/* ---- scaling the loss: float16 has no small numbers, so gradients are made large and small again ---- */

typedef struct tr_grad_scaler tr_grad_scaler;

typedef struct {
    double init_scale;       /* default 65536 */
    double growth_factor;    /* after growth_interval steps without an overflow; default 2 */
    double backoff_factor;   /* after an overflow; default 0.5 */
    int64_t growth_interval; /* default 2000 */
    char reserved_;
} tr_grad_scaler_options;

/* A scaler, belonging to the open scope; NULL with an error standing for a factor that makes no sense. */
TR_API tr_grad_scaler *(tr_grad_scaler_new)(tr_grad_scaler_options options);
TR_API tr_grad_scaler *tr_grad_scaler_keep(tr_grad_scaler *s);
TR_API void tr_grad_scaler_drop(tr_grad_scaler *s);

/* loss times the scale: what tr_backward is called with.  Of a half it is float32, which has room for it. */
TR_API tr_tensor *(tr_scale)(tr_grad_scaler *s, tr_tensor *loss);

/* Divide the gradients of the optimiser's tensors by the scale, for who wants to look at them before tr_scaler_step, as
 * tr_clip_grad_norm does.  Once between two calls of tr_scaler_update; again is an error.  0 or -1. */
TR_API int(tr_unscale_)(tr_grad_scaler *s, tr_optim *o);

/* tr_step(o) on unscaled gradients, unless one of them is infinite or NaN: then no parameter changes, no state of o's, and no
 * step is counted.  With ranks all have the same gradients by then, and do the same.  Nobody waits to know which it was: the
 * gradients' device sees to it, and counts o's steps from then on; so also in a step that is recorded.  0, or -1 on errors. */
TR_API int(tr_scaler_step)(tr_grad_scaler *s, tr_optim *o);

/* After the steps of all optimisers: the next scale, which the device makes.  0 or -1. */
TR_API int(tr_scaler_update)(tr_grad_scaler *s);

/* Was a step skipped, of those before the last tr_scaler_update, or since?  1, 0, or -1 on errors.  This, and the scale, is known
 * when the device has done what it was asked for: both wait for it. */
TR_API int(tr_scaler_skipped)(const tr_grad_scaler *s);

/* The scale and how many steps it has grown for; to be saved, and put back, as tr_training does.  0, or -1 for a scale that
 * is not positive. */
TR_API double tr_scaler_scale(const tr_grad_scaler *s, int64_t *steps);
TR_API int(tr_scaler_set_scale)(tr_grad_scaler *s, double scale, int64_t steps);

#ifdef __cplusplus
}
#endif

#if defined(__GNUC__)
# define TR_AUTOCAST(dtype)             tr_dtype TR_JOIN_(tr_autocast_, __LINE__) __attribute__((cleanup(tr_autocast_restore_), unused)) = tr_set_autocast(dtype)
# define TR_MATMUL_PRECISION(precision) tr_precision TR_JOIN_(tr_precision_, __LINE__) __attribute__((cleanup(tr_precision_restore_), unused)) = tr_set_float32_matmul_precision(precision)
#endif

TR_LOOK_AT_RESULT_(grad_scaler)
#define TR_GRAD_SCALER_(call) tr_grad_scaler_at_(call, __FILE__, __LINE__)

#ifndef __cplusplus
static inline int tr_switch_at_(int before, const char *file, int line)
{
    if (tr_error_stands()) tr_error_at_(file, line);
    return before;
}
# define tr_set_autocast(dtype)                     ((tr_dtype)tr_switch_at_((int)(tr_set_autocast)(dtype), __FILE__, __LINE__))
# define tr_set_float32_matmul_precision(precision) ((tr_precision)tr_switch_at_((int)(tr_set_float32_matmul_precision)(precision), __FILE__, __LINE__))

# define tr_grad_scaler_new(...)              TR_GRAD_SCALER_((tr_grad_scaler_new)((tr_grad_scaler_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_scale(s, loss)                    TR_TENSOR_((tr_scale)(s, loss))
# define tr_unscale_(s, o)                    TR_STATUS_((tr_unscale_)(s, o))
# define tr_scaler_step(s, o)                 TR_STATUS_((tr_scaler_step)(s, o))
# define tr_scaler_update(s)                  TR_STATUS_((tr_scaler_update)(s))
# define tr_scaler_skipped(s)                 TR_STATUS_((tr_scaler_skipped)(s))
# define tr_scaler_set_scale(s, scale, steps) TR_STATUS_((tr_scaler_set_scale)(s, scale, steps))
#endif

#endif
