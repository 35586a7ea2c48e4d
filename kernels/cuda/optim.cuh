/* An optimiser's step on the elements of one parameter, with the CPU's formulas and bits. */
#ifndef TRIREME_KERNELS_CUDA_OPTIM_CUH
#define TRIREME_KERNELS_CUDA_OPTIM_CUH

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/walk.cuh"
#include "kernels/formulas.h"

#define T     float
#define OF(n) n##_f32
#include "kernels/cuda/optim_of.cuh"
#undef T
#undef OF

#define T     double
#define OF(n) n##_f64
#include "kernels/cuda/optim_of.cuh"
#undef T
#undef OF

struct optim_tensor {
    void *parameter, *state[KERNEL_OPTIM_STATES];
    const void *gradient;
    int64_t n;
};

/* Does only the device know whether there is a step, or how many there were? */
static inline bool is_counted(const kernel_call *call)
{
    const kernel_optim_item *items = (const kernel_optim_item *)call->at[0];
    bool counted = call->at[1] != NULL;
    for (int64_t i = 0; i < call->n && !counted; i++) counted = items[i].count != NULL;
    return counted;
}

/* `count` elements from the i-th of a parameter; what states it has not are 0 and stay unwritten. */
template <int count, class OP>
static __device__ void step(const optim_tensor &x, int64_t i, const OP &op)
{
    typedef typename OP::type T;
    bool has[KERNEL_OPTIM_STATES];
    pack<T, count> p = load<T, count>((const T *)x.parameter + i), g = load<T, count>((const T *)x.gradient + i), state[OP::STATES];
    for (int k = 0; k < KERNEL_OPTIM_STATES; k++) has[k] = x.state[k] != NULL;
    for (int k = 0; k < OP::STATES; k++) state[k] = has[k] ? load<T, count>((const T *)x.state[k] + i) : pack<T, count>();
    for (int j = 0; j < count; j++) {
        T s[OP::STATES];
        for (int k = 0; k < OP::STATES; k++) s[k] = state[k].at[j];
        p.at[j] = op.of(p.at[j], g.at[j], s, has);
        for (int k = 0; k < OP::STATES; k++) state[k].at[j] = s[k];
    }
    store<T, count>((T *)x.parameter + i, p);
    for (int k = 0; k < OP::STATES; k++)
        if (has[k]) store<T, count>((T *)x.state[k] + i, state[k]);
}

#endif
