/* Scopes free what is made.
 *
 * Whatever a function of the library makes (a tensor, a module, an optimiser, a dataset, a loader, a generator) belongs
 * to the innermost scope that its thread has open and goes when that scope closes.  TR_SCOPE; as the first line of a
 * block opens one, and any way out of the block closes it: its end, break, continue, return.  What must live longer is
 * kept by name, with tr_keep() and its kin, until it is dropped as often as it was kept.  Outside every TR_SCOPE things
 * live until tr_finish() or tr_dist_finish().
 *
 *     for (int step = 0; step < steps; step++) {
 *         TR_SCOPE;
 *         tr_tensor *loss = tr_mean(tr_pow(tr_sub(tr_matmul(X, theta), Y), 2));
 *         ...
 *     }                                            the product, the difference, the square and the loss go here
 *
 * What is used after its scope is freed memory, as anywhere in C, and a tensor may be another one by then.  A program that is
 * built with -fsanitize=address and linked with a library that is (./dev build sanitize) stops at the line that does so.
 */
#ifndef TRIREME_SCOPE_H
#define TRIREME_SCOPE_H

#include <trireme/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Open a scope in this thread; returns its depth, to be handed to the closing call.  For languages without TR_SCOPE. */
TR_API int tr_scope_open(void);

/* Close the scope of this depth and every one opened inside it. */
TR_API void tr_scope_close(int depth);

/* How many scopes this thread has open. */
TR_API int tr_scope_depth(void);

/* Hold t beyond its scope, until tr_drop(t).  Returns t (NULL stays NULL, without an error of its own). */
TR_API tr_tensor *tr_keep(tr_tensor *t);
TR_API void tr_drop(tr_tensor *t); /* NULL is ignored */

/* Hand t, made in the innermost scope, to the scope around it: `return tr_pass_up(y);` out of a block with TR_SCOPE. */
TR_API tr_tensor *tr_pass_up(tr_tensor *t);

TR_API void tr_scope_close_(const int *depth);

#ifdef __cplusplus
}
#endif

#if defined(__GNUC__)
# define TR_SCOPE int TR_JOIN_(tr_scope_, __LINE__) __attribute__((cleanup(tr_scope_close_), unused)) = tr_scope_open()
#endif

#endif
