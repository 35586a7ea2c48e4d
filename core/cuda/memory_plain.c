/* A device's memory where the runtime has no pools (old drivers, some virtual GPUs): blocks of cudaMalloc, which may wait for
 * the device and so is asked for what a step needs once.
 *
 * What was freed waits, by size class, for the next request of its class, as on the CPU (core/memory.h).  Nobody waits for
 * the device: it is used by one stream, whose order is that of the requests.  A list has room for all blocks of its class,
 * so that giving one back never fails. */
#include "core/cuda/cuda.h"

#include <stdlib.h>

/* For one block more. */
static int make_room(cuda_plain_list *l)
{
    if (l->blocks < l->room) return 0;
    int64_t room = l->room ? 2 * l->room : 16;
    void **waiting = realloc(l->waiting, (size_t)room * sizeof *waiting);
    if (!waiting) return -1;
    l->waiting = waiting;
    l->room = room;
    return 0;
}

static cudaError_t make(cuda_plain *m, int class, void **p)
{
    if (make_room(&m->of[class]) < 0) return cudaErrorMemoryAllocation;
    cudaError_t status = cudaMalloc(p, (size_t)core_class_bytes(class));
    if (status) return status;
    m->of[class].blocks++;
    m->reserved_bytes += core_class_bytes(class);
    return cudaSuccess;
}

cudaError_t cuda_plain_take(cuda_plain *m, void **p, int64_t bytes)
{
    int class = core_class_of(bytes);
    if (class >= CORE_CLASSES) return cudaErrorMemoryAllocation;
    cudaError_t status = cudaSuccess;
    cuda_plain_list *l = &m->of[class];
    pthread_mutex_lock(&m->lock);
    if (l->waiting_count)
        *p = l->waiting[--l->waiting_count];
    else
        status = make(m, class, p);
    pthread_mutex_unlock(&m->lock);
    return status;
}

void cuda_plain_give(cuda_plain *m, void *p, int64_t bytes)
{
    cuda_plain_list *l = &m->of[core_class_of(bytes)];
    pthread_mutex_lock(&m->lock);
    l->waiting[l->waiting_count++] = p;
    pthread_mutex_unlock(&m->lock);
}

cudaError_t cuda_plain_trim(cuda_plain *m, cudaStream_t stream)
{
    pthread_mutex_lock(&m->lock);
    cudaError_t status = cudaStreamSynchronize(stream); /* after the lock: all that waits now was used before */
    for (int class = 0; class < CORE_CLASSES && !status; class ++) {
        cuda_plain_list *l = &m->of[class];
        for (; l->waiting_count && !status; l->blocks--, m->reserved_bytes -= core_class_bytes(class)) status = cudaFree(l->waiting[--l->waiting_count]);
    }
    pthread_mutex_unlock(&m->lock);
    return status;
}
