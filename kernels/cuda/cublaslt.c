/* cuBLASLt, looked for when the first large product asks. */
#include "kernels/cuda/cublaslt.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

static cublaslt functions;
static bool complete;

static void *opened(void)
{
    static const char *const names[] = {"libcublasLt.so.13", "libcublasLt.so.12"};
    void *library = NULL;
    for (unsigned i = 0; i < sizeof names / sizeof *names && !library; i++) library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return library;
}

static void load(void)
{
    void *library = opened();
    if (!library) return;
    const struct {
        const char *name;
        void *place;
    } wanted[] = {
        {"cublasLtCreate", &functions.create},
        {"cublasLtGetStatusString", &functions.status_string},
        {"cublasLtMatmulDescCreate", &functions.desc_create},
        {"cublasLtMatmulDescSetAttribute", &functions.desc_set},
        {"cublasLtMatmulDescDestroy", &functions.desc_destroy},
        {"cublasLtMatrixLayoutCreate", &functions.layout_create},
        {"cublasLtMatrixLayoutSetAttribute", &functions.layout_set},
        {"cublasLtMatrixLayoutDestroy", &functions.layout_destroy},
        {"cublasLtMatmulPreferenceCreate", &functions.preference_create},
        {"cublasLtMatmulPreferenceSetAttribute", &functions.preference_set},
        {"cublasLtMatmulPreferenceDestroy", &functions.preference_destroy},
        {"cublasLtMatmulAlgoGetHeuristic", &functions.choose},
        {"cublasLtMatmul", &functions.matmul},
    };
    complete = true;
    for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        void *symbol = dlsym(library, wanted[i].name);
        memcpy(wanted[i].place, &symbol, sizeof symbol); /* C knows no other way from an object to a function */
        complete = complete && symbol;
    }
}

/* Never closed: it registers code with the driver, which at exit is gone first. */
const cublaslt *cublaslt_here(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return complete ? &functions : NULL;
}
