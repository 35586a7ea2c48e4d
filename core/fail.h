/* Noting errors: the room's side of <trireme/error.h>. */
#ifndef TRIREME_CORE_FAIL_H
#define TRIREME_CORE_FAIL_H

#include <trireme/error.h>

/* Note an error and return NULL: `return core_fail("tr_matmul: %s @ %s: ...", core_show(a), core_show(b));`
 * The first error of a thread stands; later ones are dropped. */
void *core_fail(const char *format, ...) TR_PRINTF(1, 2);

/* The same where a status is returned: always -1. */
int core_fail_status(const char *format, ...) TR_PRINTF(1, 2);

/* `CORE_TOLD_AS("tr_any");` as a line of a block: until it is left, an error is told as this function's, which the caller knows
 * and which is made of others: "tr_sum: (2, 3) bool has no dim 7" becomes "tr_any: ...", and what begins with no function's name
 * gets this one.  The outermost counts.  Not around what a program wrote. */
#define CORE_TOLD_AS(function) const char *core_told_ __attribute__((cleanup(core_told_before), unused)) = core_tell_as(function)
const char *core_tell_as(const char *function);
void core_told_before(const char *const *before);

/* `function` was handed NULL: an error that stands travels on; if there is none, NULL itself is the error.  The one for
 * a status also tells the handler of what stands; the other must not, since operations call each other, and the caller's
 * place is not known before the outermost returns. */
void *core_null(const char *function);
int core_null_status(const char *function);

/* "out of memory: tr_add asked for 123 bytes" without needing memory. */
void *core_fail_memory(const char *what, int64_t bytes);

/* Several short texts for one message, from a small ring per thread: valid until 16 more were made. */
char *core_text(const char *format, ...) TR_PRINTF(1, 2);

#endif
