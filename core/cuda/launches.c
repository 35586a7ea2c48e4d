/* What was asked of a device last: a fault shows at some later call, and names none of them itself. */
#include "core/cuda/cuda.h"

#include <stdio.h>

void cuda_launches_note(cuda_launches *l, int kernel)
{
    uint64_t i = atomic_fetch_add_explicit(&l->count, 1, memory_order_relaxed);
    atomic_store_explicit(&l->kernel[i % CUDA_LAUNCHES], kernel, memory_order_relaxed);
}

void cuda_launches_text(cuda_launches *l, const char *(*name_of)(int kernel), char *text, size_t bytes)
{
    uint64_t count = atomic_load(&l->count), kept = count < CUDA_LAUNCHES ? count : CUDA_LAUNCHES;
    size_t used = (size_t)snprintf(text, bytes, "%s", kept ? "" : "nothing");
    for (uint64_t i = 0; i < kept && used < bytes;) {
        int kernel = atomic_load(&l->kernel[(count - 1 - i) % CUDA_LAUNCHES]), times = 0;
        const char *before = i ? ", " : "";
        while (i < kept && atomic_load(&l->kernel[(count - 1 - i) % CUDA_LAUNCHES]) == kernel) i++, times++;
        used += (size_t)(times > 1 ? snprintf(text + used, bytes - used, "%s%s x%d", before, name_of(kernel), times)
                                   : snprintf(text + used, bytes - used, "%s%s", before, name_of(kernel)));
    }
}
