/* What the played runtime (played.h) lets a test ask, where the device is a played one. */
#ifndef TEST_PLAYED_IN_TEST_H
#define TEST_PLAYED_IN_TEST_H

#include <dlfcn.h>
#include <stdlib.h>
#include "played.h"
#include "test.h"

/* NULL on a real device. */
static struct {
    __typeof__(played_order) *order;
    __typeof__(played_count) *count;
    __typeof__(played_limit) *limit;
    __typeof__(played_fail_at) *fail_at;
    __typeof__(played_fault_at) *fault_at;
    __typeof__(played_enqueue_when) *enqueue_when;
} played;

/* 0, for who begins with it. */
static inline int find_played(void)
{
    const char *named = getenv("TRIREME_CUDA_LIBRARY");
    void *object = named ? dlopen(named, RTLD_NOLOAD | RTLD_LAZY) : NULL;
    if (!object || !dlsym(object, "played_count")) return 0;
    *(void **)&played.order = dlsym(object, "played_order");
    *(void **)&played.count = dlsym(object, "played_count");
    *(void **)&played.limit = dlsym(object, "played_limit");
    *(void **)&played.fail_at = dlsym(object, "played_fail_at");
    *(void **)&played.fault_at = dlsym(object, "played_fault_at");
    *(void **)&played.enqueue_when = dlsym(object, "played_enqueue_when");
    return 0;
}

#define needs_played_device()                                   \
 do {                                                           \
  if (!played.count) skip_because("this device is a real one"); \
 } while (0)

/* Several orders of what streams do, of ranks the same on each, on a played device; once on a real one. */
#define in_every_order(order) \
 for (int order = 0; order < (played.order ? 2 * PLAYED_ORDERS : 1) && in_order(order); order++)
static inline bool in_order(int order)
{
    if (played.order) played.order((played_orders)(order % PLAYED_ORDERS), (unsigned)order);
    return true;
}

static inline played_counts counted(void)
{
    played_counts now = {0};
    if (played.count) played.count(&now);
    return now;
}

#endif
