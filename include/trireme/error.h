/* Errors travel as NULL (or a negative status): the first one stands, per thread, until it is cleared.
 *
 * The operation that cannot do its work notes what met ("tr_matmul: (100, 2) @ (3, 1): inner sizes 2 and 3 differ") and
 * returns NULL; every operation that is handed NULL returns NULL at once.  The macros over the public functions look at
 * the result after the call and add the caller's file and line to a failure; that is also when the handler is told.
 * So that nobody trains on NULL without knowing, the default handler writes the error to stderr, as one line. */
#ifndef TRIREME_ERROR_H
#define TRIREME_ERROR_H

#include <trireme/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const char *message; /* what was asked and what met; valid until the error is cleared */
    const char *file;    /* the caller's source file, NULL when unknown (C++, Fortran, ctypes) */
    int line;
} tr_error;

typedef void tr_error_handler(const tr_error *error, void *data);

/* The message of the standing error, with the caller's place where known; "" when none stands. */
TR_API const char *tr_error_message(void);

/* True while an error stands in this thread. */
TR_API bool tr_error_stands(void);

/* Forget the standing error of this thread. */
TR_API void tr_error_clear(void);

/* Replace this thread's handler; handler NULL silences it.  Threads start with the default one, tr_error_to_stderr. */
TR_API void tr_on_error(tr_error_handler *handler, void *data);

/* One line on stderr, "trireme: " and the message; `data` is not looked at. */
TR_API void tr_error_to_stderr(const tr_error *error, void *data);

/* Note an error from one's own module, dataset or hook.  Keeps the first error if one stands.  Returns NULL, so that a
 * function may end with `return tr_fail("line: %d inputs", n);`. */
TR_API void *tr_fail(const char *format, ...) TR_PRINTF(1, 2);

/* What the macros call on a failure: adds the place and tells the handler, once per error. */
TR_API void tr_error_at_(const char *file, int line);

/* While anomaly mode is on, the macros also tell where each tensor was made (tr_set_anomaly in autograd.h). */
TR_API extern int tr_places_wanted_;
TR_API void tr_place_at_(tr_tensor *made, const char *file, int line);

/* Before a call that may wait for other ranks: where it stands, for the report of who is missing.  tr_here_ gives this
 * thread's last one; NULL: none. */
TR_API void tr_call_from_(const char *file, int line);
TR_API const char *tr_here_(int *line);

#ifdef __cplusplus
}
#endif

static inline int tr_status_at_(int status, const char *file, int line)
{
    if (status < 0) tr_error_at_(file, line);
    return status;
}

/* One typed "look at the result" per kind of object: a wrong assignment stays a compiler's error. */
#define TR_LOOK_AT_RESULT_(kind)                                                    \
 static inline tr_##kind *tr_##kind##_at_(tr_##kind *x, const char *file, int line) \
 {                                                                                  \
  if (!x) tr_error_at_(file, line);                                                 \
  return x;                                                                         \
 }
static inline tr_tensor *tr_tensor_at_(tr_tensor *x, const char *file, int line)
{
    if (!x)
        tr_error_at_(file, line);
    else if (tr_places_wanted_)
        tr_place_at_(x, file, line);
    return x;
}
TR_LOOK_AT_RESULT_(module)
TR_LOOK_AT_RESULT_(optim)
TR_LOOK_AT_RESULT_(generator)
TR_LOOK_AT_RESULT_(dataset)
TR_LOOK_AT_RESULT_(loader)

#define TR_TENSOR_(call)    tr_tensor_at_(call, __FILE__, __LINE__)
#define TR_MODULE_(call)    tr_module_at_(call, __FILE__, __LINE__)
#define TR_OPTIM_(call)     tr_optim_at_(call, __FILE__, __LINE__)
#define TR_GENERATOR_(call) tr_generator_at_(call, __FILE__, __LINE__)
#define TR_DATASET_(call)   tr_dataset_at_(call, __FILE__, __LINE__)
#define TR_LOADER_(call)    tr_loader_at_(call, __FILE__, __LINE__)
#define TR_HERE_            tr_call_from_(__FILE__, __LINE__)
#define TR_STATUS_(call)    tr_status_at_(call, __FILE__, __LINE__)

#endif
