/* Noting errors: the room's side of <trireme/error.h>. */
#ifndef TRIREME_CORE_FAIL_H
#define TRIREME_CORE_FAIL_H

#include <trireme/error.h>

/* Note an error and return NULL: `return core_fail("tr_matmul: %s @ %s: ...", core_show(a), core_show(b));`
 * The first error of a thread stands; later ones are dropped. */
void *core_fail(const char *format, ...) TR_PRINTF(1, 2);

/* The same where a status is returned: always -1. */
int core_fail_status(const char *format, ...) TR_PRINTF(1, 2);

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
