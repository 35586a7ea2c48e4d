/* The CUDA devices, as programs will find them: the shared object that brings them is loaded as the library does it
 * (core/module.c), and asked. */
#include "core/module.h"
#include "launcher/launcher.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int note(const char *message) { return (void)message, -1; }
static void *note_memory(const char *what, int64_t bytes) { return (void)what, (void)bytes, NULL; }
static const core_host host = {note, note_memory};

/* Beside the library: where it was installed, seen from this command. */
static void *beside_library(void)
{
    char self[PATH_MAX], path[2 * PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length < 0 ? 0 : length] = 0;
    const char *slash = strrchr(self, '/');
    if (!slash) return NULL;
    snprintf(path, sizeof path, "%.*s/%s/libtrireme-cuda.so.0", (int)(slash - self), self, TRIREME_TO_LIB);
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

/* By which ranks' devices meet, where it is there (dist/nccl_calls.c). */
static void nccl_print(void)
{
    const char *named = getenv("TRIREME_NCCL_LIBRARY");
    void *library = dlopen(named && *named ? named : "libnccl.so.2", RTLD_NOW | RTLD_LOCAL);
    int (*version_of)(int *) = NULL, version = 0;
    if (library) *(void **)&version_of = dlsym(library, "ncclGetVersion");
    if (version_of && version_of(&version) == 0 && version >= 10000)
        printf("  NCCL       %d.%d.%d\n", version / 10000, version / 100 % 100, version % 100);
}

void cuda_print(bool or_why_none)
{
    const char *named = getenv("TRIREME_CUDA_LIBRARY");
    void *object = named && *named ? dlopen(named, RTLD_NOW | RTLD_LOCAL) : beside_library();
    if (!object && !(named && *named)) object = dlopen("libtrireme-cuda.so.0", RTLD_NOW | RTLD_LOCAL);
    core_module_entry *entry = NULL;
    if (object) *(void **)&entry = dlsym(object, CORE_MODULE_ENTRY_NAME);
    const char *why = entry ? NULL : dlerror();
    const core_device *cuda = entry ? entry(&host) : NULL;
    if (or_why_none && (!cuda || !cuda->count)) printf("  CUDA       no device: %s\n", cuda ? cuda->reason : why ? why
                                                                                                                 : "its library did not start");
    for (int i = 0; cuda && i < cuda->count; i++) {
        char text[400];
        cuda->describe(i, text, sizeof text);
        printf("  cuda:%-5d %s\n", i, text);
    }
    if (or_why_none) nccl_print();
}
