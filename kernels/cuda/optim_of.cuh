/* The optimisers as operations of optim.cu, in one type: included once per type with T, OF().  An operation holds the
 * numbers of a launch; it gives an element's new parameter and leaves the new states, of which `has` says which there are. */
#include "kernels/formulas_adagrad_of.h"
#include "kernels/formulas_adam_of.h"
#include "kernels/formulas_rmsprop_of.h"
#include "kernels/formulas_sgd_of.h"

struct OF(sgd) {
    typedef T type;
    enum { STATES = 1 };
    OF(sgd_numbers)
    k;
    TR_BOTH OF(sgd)(const kernel_call *call, const kernel_optim_item *item) : k(OF(sgd_numbers_of)(call, item)) {}
    __device__ T of(T p, T g, T *s, const bool *has) const { return has[0] ? OF(sgd_step)(&k, p, g, s) : OF(sgd_plain)(&k, p, g); }
};

struct OF(adam) {
    typedef T type;
    enum { STATES = 3 };
    OF(adam_numbers)
    k;
    TR_BOTH OF(adam)(const kernel_call *call, const kernel_optim_item *item) : k(OF(adam_numbers_of)(call, item)) {}
    __device__ T of(T p, T g, T *s, const bool *has) const { return OF(adam_step)(&k, p, g, s, s + 1, s + 2, has[2]); }
};

struct OF(rmsprop) {
    typedef T type;
    enum { STATES = 3 };
    OF(rmsprop_numbers)
    k;
    TR_BOTH OF(rmsprop)(const kernel_call *call, const kernel_optim_item *item) : k(OF(rmsprop_numbers_of)(call, item)) {}
    __device__ T of(T p, T g, T *s, const bool *has) const { return OF(rmsprop_step)(&k, p, g, s, s + 1, s + 2, has[1], has[2]); }
};

struct OF(adagrad) {
    typedef T type;
    enum { STATES = 1 };
    OF(adagrad_numbers)
    k;
    TR_BOTH OF(adagrad)(const kernel_call *call, const kernel_optim_item *item) : k(OF(adagrad_numbers_of)(call, item)) {}
    __device__ T of(T p, T g, T *s, const bool *) const { return OF(adagrad_step)(&k, p, g, s); }
};
