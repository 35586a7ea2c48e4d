/* The shared object that brings the CUDA devices is loaded as the library does it (core/module.c), and asked. */
#include "launcher/cuda.h"
#include "core/module.h"
#include "launcher/launcher.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char noted[400];
static void *object;

static int note(const char *message) { return snprintf(noted, sizeof noted, "%s", message), -1; }
static void *note_memory(const char *what, int64_t bytes)
{
    char message[200];
    snprintf(message, sizeof message, "out of memory: %s asked for %lld bytes", what, (long long)bytes);
    return note(message), NULL;
}
static const core_host host = {note, note_memory};

const char *cuda_error_text(void) { return noted; }

/* Where it was installed, seen from this command. */
void *open_beside(const char *name)
{
    char self[PATH_MAX], path[2 * PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length < 0 ? 0 : length] = 0;
    const char *slash = strrchr(self, '/');
    if (!slash) return NULL;
    snprintf(path, sizeof path, "%.*s/%s/%s", (int)(slash - self), self, TRIREME_TO_LIB, name);
    void *found = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    return found ? found : dlopen(name, RTLD_NOW | RTLD_LOCAL);
}

const core_device *cuda_devices(const char **why)
{
    static const core_device *devices;
    static char reason[400];
    static bool tried;
    if (!tried) {
        const char *named = getenv("TRIREME_CUDA_LIBRARY");
        core_module_entry *entry = NULL;
        tried = true;
        object = named && *named ? dlopen(named, RTLD_NOW | RTLD_LOCAL) : open_beside(CORE_MODULE_FILE);
        if (object) *(void **)&entry = dlsym(object, CORE_MODULE_ENTRY_NAME);
        const char *error = entry ? NULL : dlerror();
        devices = entry ? entry(&host) : NULL;
        if (!devices) snprintf(reason, sizeof reason, "%s%s", error ? error : "its library did not start", error ? core_module_hint(error) : "");
    }
    *why = reason;
    return devices;
}

void *cuda_symbol(const char *name) { return object ? dlsym(object, name) : NULL; }

int cuda_nccl_version(void)
{
    const char *named = getenv("TRIREME_NCCL_LIBRARY");
    void *library = dlopen(named && *named ? named : "libnccl.so.2", RTLD_NOW | RTLD_LOCAL);
    int (*version_of)(int *version) = NULL, version = 0;
    if (library) *(void **)&version_of = dlsym(library, "ncclGetVersion");
    return version_of && version_of(&version) == 0 ? version : 0;
}

void cuda_print(bool or_why_none)
{
    const char *why;
    const core_device *cuda = cuda_devices(&why);
    if (or_why_none && (!cuda || !cuda->count)) printf("  CUDA       no device: %s\n", cuda ? cuda->reason : why);
    for (int i = 0; cuda && i < cuda->count; i++) {
        char text[400];
        cuda->describe(i, text, sizeof text);
        printf("  cuda:%-5d %s\n", i, text);
    }
    int nccl = or_why_none ? cuda_nccl_version() : 0;
    if (nccl >= 10000) printf("  NCCL       %d.%d.%d\n", nccl / 10000, nccl / 100 % 100, nccl % 100);
}

/* "90" and "90-real" serve 9.0 and every later 9.x; "90-virtual", and "90" too, is compiled by the driver for what comes later;
 * letters ("90a") are for that GPU alone. */
static bool entry_serves(const char *entry, size_t length, int capability)
{
    char *end;
    long built = strtol(entry, &end, 10);
    if (end == entry || end > entry + length) return strncmp(entry, "all", 3) == 0 || strncmp(entry, "native", 6) == 0;
    if (*end == 'a' || *end == 'f') return built == capability;
    bool real = strncmp(end, "-virtual", 8) != 0, later = strncmp(end, "-real", 5) != 0;
    return (real && built / 10 == capability / 10 && built <= capability) || (later && built <= capability);
}

bool cuda_code_serves(const char *architectures, int capability)
{
    for (const char *at = architectures; *at; at += strcspn(at, ",")) {
        at += strspn(at, ",");
        if (*at && entry_serves(at, strcspn(at, ","), capability)) return true;
    }
    return false;
}
