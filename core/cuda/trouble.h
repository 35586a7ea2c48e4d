/* What only values can show (an index out of range) is found by the device, for which a call does not wait.  The first such
 * thing is written here, in memory that both sides reach; who next waits for the device makes an error of it. */
#ifndef TRIREME_CORE_CUDA_TROUBLE_H
#define TRIREME_CORE_CUDA_TROUBLE_H

typedef struct {
    int found;              /* 1 + the kernel_id that met it; 0: nothing; -1: it is being written */
    long long value, bound; /* value is not in [0, bound); or, bound < 0: matrix `value` has a zero at diagonal -bound, from 1 */
} cuda_trouble;

#endif
