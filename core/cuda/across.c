/* Copies from one device to another. */
#include "core/cuda/cuda.h"

/* What stands in stream `after` from now on comes after what stands in `before`, a stream of the current device. */
static cudaError_t order(cudaStream_t before, cudaStream_t after)
{
    cudaEvent_t event;
    cudaError_t status = cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
    if (status) return status;
    status = cudaEventRecord(event, before);
    if (!status) status = cudaStreamWaitEvent(after, event, 0);
    (void)cudaEventDestroy(event); /* the runtime keeps it until it has passed */
    return status;
}

/* The copy stands in the stream of the device that is written.  The one that is read is not asked for more before it: its
 * memory may be given back as soon as we return. */
int cuda_across(int to, void *there, int from, const void *here, int64_t bytes)
{
    cuda_device *writes = cuda_enter(to), *reads = writes ? cuda_enter(from) : NULL;
    if (!reads || !bytes) return reads ? 0 : -1;
    cudaError_t status = order(reads->stream, writes->stream);
    if (!status && !cuda_enter(to)) return -1;
    if (!status) status = cudaMemcpyPeerAsync(there, to, here, from, (size_t)bytes, writes->stream);
    if (!status) status = order(writes->stream, reads->stream);
    return status ? cuda_error("copying between devices", status) : 0;
}
