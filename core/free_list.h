/* Lists of memory that waits to be used again.  A list runs through the first bytes of what waits on it. */
#ifndef TRIREME_CORE_FREE_LIST_H
#define TRIREME_CORE_FREE_LIST_H

#include <stddef.h>
#include <string.h>

/* What waits is nobody's: let the address sanitizer say so to whoever still uses it. */
#if defined(__has_feature)
# if __has_feature(address_sanitizer)
#  define CORE_WATCHED
# endif
#elif defined(__SANITIZE_ADDRESS__)
# define CORE_WATCHED
#endif
#ifdef CORE_WATCHED
# include <malloc.h>
# include <sanitizer/asan_interface.h>
static inline void core_list_waits_(void *p) { ASAN_POISON_MEMORY_REGION((char *)p + sizeof(void *), malloc_usable_size(p) - sizeof(void *)); }
static inline void core_list_in_use_(void *p) { ASAN_UNPOISON_MEMORY_REGION(p, malloc_usable_size(p)); }
/* A pointer of it to what waits with it: the leak sanitizer follows none that lies in forbidden memory. */
static inline void core_list_leads_to_(void *pointer) { ASAN_UNPOISON_MEMORY_REGION(pointer, sizeof(void *)); }
#else
static inline void core_list_leads_to_(void *pointer) { (void)pointer; }
static inline void core_list_waits_(void *p) { (void)p; }
static inline void core_list_in_use_(void *p) { (void)p; }
#endif

static inline void core_list_push(void **list, void *p)
{
    memcpy(p, list, sizeof(void *));
    *list = p;
    core_list_waits_(p);
}

static inline void *core_list_pop(void **list)
{
    void *p = *list;
    if (!p) return NULL;
    core_list_in_use_(p);
    memcpy(list, p, sizeof(void *));
    return p;
}

#endif
