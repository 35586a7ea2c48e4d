#define _GNU_SOURCE /* setenv */
#include "dist/nccl_calls.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nccl_calls functions;
static int found;
static char missing[120];

static void *opened(void)
{
    const char *named = getenv("TRIREME_NCCL_LIBRARY");
    void *library = dlopen(named && *named ? named : "libnccl.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!library) snprintf(missing, sizeof missing, "%s", dlerror());
    return library;
}

static bool take(void *library)
{
    const struct {
        const char *name;
        void *place;
    } wanted[] = {
        {"ncclGetVersion", &functions.version},
        {"ncclGetUniqueId", &functions.id},
        {"ncclCommInitRankConfig", &functions.begin},
        {"ncclCommGetAsyncError", &functions.state},
        {"ncclCommFinalize", &functions.finalize},
        {"ncclCommDestroy", &functions.destroy},
        {"ncclCommAbort", &functions.abort},
        {"ncclGetErrorString", &functions.words},
        {"ncclGetLastError", &functions.last_words},
        {"ncclAllReduce", &functions.all_reduce},
        {"ncclReduceScatter", &functions.reduce_scatter},
        {"ncclAllGather", &functions.all_gather},
        {"ncclBroadcast", &functions.broadcast},
        {"ncclGroupStart", &functions.group},
        {"ncclGroupEnd", &functions.end_group},
        {"ncclRedOpCreatePreMulSum", &functions.weigh},
        {"ncclRedOpDestroy", &functions.end_weigh},
    };
    for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        void *symbol = dlsym(library, wanted[i].name);
        memcpy(wanted[i].place, &symbol, sizeof symbol); /* C knows no other way from an object to a function */
        if (symbol) continue;
        snprintf(missing, sizeof missing, "it has no %s", wanted[i].name);
        return false;
    }
    return true;
}

static void load(void)
{
    /* While a step is captured NCCL would make buffers known to other ranks, which all must have from allocators alike. */
    (void)setenv("NCCL_GRAPH_REGISTER", "0", 0);
    void *library = opened();
    if (!library || !take(library)) return;
    if (functions.version(&found) != NCCL_DONE || found < 21400) {
        char text[16];
        snprintf(missing, sizeof missing, "it is %s, older than 2.14", dist_nccl_version_text(found, text));
        found = 0;
    }
}

const nccl_calls *dist_nccl(int *version, const char **why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    *version = found;
    *why = missing;
    return found ? &functions : NULL;
}

/* Before 2.9 it was counted by thousands. */
const char *dist_nccl_version_text(int version, char text[16])
{
    int major = version < 10000 ? version / 1000 : version / 10000, rest = version < 10000 ? version % 1000 : version % 10000;
    snprintf(text, 16, "%d.%d.%d", major % 100, rest / 100, rest % 100);
    return text;
}
