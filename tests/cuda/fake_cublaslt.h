/* A cuBLASLt for machines without a GPU: it computes from the descriptors that it is given, refuses what the real one
 * refuses, writes all over its workspace, and counts. */
#ifndef TEST_FAKE_CUBLASLT_H
#define TEST_FAKE_CUBLASLT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool here, no_handle, knows_none; /* set by tests: the library is loaded, creates no handle, has no algorithm */
    bool no_bias;                     /* it has no algorithm with a bias */
    bool no_tf32;                     /* nor one in TF32 */
    bool idle;                        /* products are counted, not computed */
    int result;                       /* what the next products say instead of computing */
    uint64_t workspace;               /* bytes that algorithms want */
    int handles, asked, products;     /* counted: handles asked for, algorithms, products */
    int tf32;                         /* of the products, those that may be TF32 */
    int relus;                        /* and those with relu */
    int alive;                        /* descriptors, layouts and preferences that nobody destroyed */
    const char *wrong;                /* the first thing that the real one would not have taken; NULL */
} fake_cublaslt;
extern fake_cublaslt fake;

#endif
