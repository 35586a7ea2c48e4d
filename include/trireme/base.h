/* What every header needs: linkage, attributes, the version, and the place of a call in its caller's file. */
#ifndef TRIREME_BASE_H
#define TRIREME_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TR_VERSION_MAJOR 0
#define TR_VERSION_MINOR 1
#define TR_VERSION_PATCH 0

/* The end of the shared libraries' names, libtrireme.so.0.1: versions that have it in common serve the same programs.  Options
 * travel by value, so before 1.0 each minor version has its own. */
#define TR_SOVERSION "0.1"

#if defined(__GNUC__)
# define TR_API                 __attribute__((visibility("default")))
# define TR_CHECK_RESULT        __attribute__((warn_unused_result))
# define TR_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
# define TR_API
# define TR_CHECK_RESULT
# define TR_PRINTF(text, first)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The library's version, "0.1.0".  The string is static. */
TR_API const char *tr_version(void);

/* The last call of a program that does not use ranks: closes every scope this thread left open, gives cached memory
 * back and returns 0, or 1 while an error stands (which the error handler has been told about). */
TR_API int tr_finish(void);

typedef struct tr_tensor tr_tensor;
typedef struct tr_module tr_module;
typedef struct tr_optim tr_optim;
typedef struct tr_generator tr_generator;
typedef struct tr_dataset tr_dataset;
typedef struct tr_loader tr_loader;

#ifdef __cplusplus
}
#endif

/* A unique name on this line, for the macros that open something. */
#define TR_JOIN__(a, b) a##b
#define TR_JOIN_(a, b)  TR_JOIN__(a, b)

#endif
