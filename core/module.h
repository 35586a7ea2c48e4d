/* What the library and a device's shared object say to each other.  The object links nothing of the library, and the
 * library nothing of the device's vendor: it is loaded when the first device of its kind is asked for.
 *
 *     libtrireme  --- dlopen, CORE_MODULE_ENTRY(host) --->  libtrireme-cuda
 *                 <-------------- core_device ------------ */
#ifndef TRIREME_CORE_MODULE_H
#define TRIREME_CORE_MODULE_H

#include <string.h>
#include "core/device.h"

/* What the object may ask of the library. */
typedef struct {
    int (*fail)(const char *message);                      /* note an error: -1 */
    void *(*fail_memory)(const char *what, int64_t bytes); /* "out of memory: ...": NULL */
} core_host;

typedef const core_device *core_module_entry(const core_host *host);
/* The entry's name counts what is said above: an object of another age has none of this name. */
#define CORE_MODULE_ENTRY      trireme_device_5
#define CORE_MODULE_ENTRY_NAME "trireme_device_5"

__attribute__((visibility("default"))) core_module_entry CORE_MODULE_ENTRY; /* the object defines it */

#define CORE_MODULE_FILE "libtrireme-cuda.so." TR_SOVERSION

/* What goes behind dlopen's `why`: that nobody built the object, in most cases where it is not found. */
static inline const char *core_module_hint(const char *why)
{
    return strncmp(why, CORE_MODULE_FILE ":", sizeof CORE_MODULE_FILE) == 0 ? " (it comes with a build where -DTRIREME_CUDA=ON)" : "";
}

/* The CUDA devices, which may be none, with a reason.  Loads them the first time; any thread may ask. */
const core_device *core_cuda(void);

/* The same, or NULL where nobody has asked for them yet. */
const core_device *core_cuda_if_loaded(void);

#endif
