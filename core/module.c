/* Loads the CUDA devices' shared object, once. */
#include "core/module.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include "core/fail.h"
#include "core/thread.h"

static char no_reason[512];
static const core_device none = {.reason = no_reason};
static const core_device *_Atomic cuda; /* NULL: not asked for yet */

/* What a device met may be of a call long ago: it is not told as that of who waits. */
static int host_fail(const char *message)
{
    core_thread *here = core_here();
    const char *as = here->told_as;
    here->told_as = NULL;
    core_fail_status("%s", message);
    here->told_as = as;
    return -1;
}
static const core_host host = {host_fail, core_fail_memory};

static void load(void)
{
    const char *named = getenv("TRIREME_CUDA_LIBRARY");
    void *object = dlopen(named && *named ? named : CORE_MODULE_FILE, RTLD_NOW | RTLD_LOCAL);
    core_module_entry *entry = NULL;
    if (object) *(void **)&entry = dlsym(object, CORE_MODULE_ENTRY_NAME);
    const core_device *found = entry ? entry(&host) : NULL;
    if (found) {
        atomic_store(&cuda, found);
        return;
    }
    const char *why = dlerror();
    snprintf(no_reason, sizeof no_reason, "%s%s", why ? why : "the CUDA devices' library did not start", why ? core_module_hint(why) : "");
    atomic_store(&cuda, &none); /* the object stays: what CUDA began in a process never ends before it */
}

const core_device *core_cuda(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return atomic_load_explicit(&cuda, memory_order_relaxed);
}

const core_device *core_cuda_if_loaded(void) { return atomic_load(&cuda); }
