/* The CUDA devices, as programs will find them. */
#ifndef LAUNCHER_CUDA_H
#define LAUNCHER_CUDA_H

#include "core/device.h"

/* Loads the shared object that brings them, once, as the library does. NULL with a sentence in *why if it cannot be loaded;
 * devices may also be there and none: count 0, with a reason. */
const core_device *cuda_devices(const char **why);

/* A function of the object's or of what it links, for instance CUDA's runtime; NULL: there is none. */
void *cuda_symbol(const char *name);

/* The last error that a device has noted; "" if none has. */
const char *cuda_error_text(void);

/* Of the library by which ranks' devices meet, 22809 for 2.28.9; 0: it is not there. */
int cuda_nccl_version(void);

/* Whether `architectures`, as CMake lists them ("80-real,90-real,90-virtual", "90", "native"), have code for a GPU of
 * compute capability 10 * major + minor. */
bool cuda_code_serves(const char *architectures, int capability);

#endif
