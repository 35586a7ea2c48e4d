/* Copies to a device and from it.  The host's ordinary memory would make the driver wait, so they pass through pinned
 * memory, a ring of parts that are under way, each with an event that says when it is done:
 *
 *      tail                    head            both only grow: the i-th byte ever stands at i % CUDA_STAGE_BYTES
 *       |  part  | part | part  |  free
 *         first            last - 1
 *
 * On the way to the device a part is done with when the device has read it, which nobody waits for unless the ring is full.
 * On the way back it is then copied to where it is wanted, which the caller waits for. */
#include "core/cuda/cuda.h"

#include <string.h>

cudaError_t cuda_stage_begin(cuda_stage *s)
{
    cudaError_t status = s->memory ? cudaSuccess : cudaHostAlloc((void **)&s->memory, CUDA_STAGE_BYTES, cudaHostAllocPortable);
    for (int i = 0; i < CUDA_STAGED && !status; i++)
        if (!s->done[i]) status = cudaEventCreateWithFlags(&s->done[i], cudaEventDisableTiming);
    if (!status) pthread_mutex_init(&s->lock, NULL);
    return status;
}

/* Wait for the oldest part, and be done with it. */
static cudaError_t end_first(cuda_stage *s)
{
    unsigned i = s->first % CUDA_STAGED;
    cudaError_t status = cudaEventQuery(s->done[i]);
    if (status == cudaErrorNotReady) status = ((void)cudaGetLastError(), cudaEventSynchronize(s->done[i])); /* or the next launch would be blamed */
    if (!status && s->part[i].to) memcpy(s->part[i].to, s->part[i].from, (size_t)s->part[i].bytes);
    s->tail = s->part[i].ends;
    s->first++;
    return status;
}

/* Room for a part, in one piece. */
static cudaError_t room(cuda_stage *s, int64_t bytes, char **at)
{
    int64_t place = s->head, in_ring = place % CUDA_STAGE_BYTES;
    cudaError_t status = cudaSuccess;
    if (in_ring + bytes > CUDA_STAGE_BYTES) place += CUDA_STAGE_BYTES - in_ring;
    while (!status && s->first < s->last && (place + bytes - s->tail > CUDA_STAGE_BYTES || s->last - s->first == CUDA_STAGED)) status = end_first(s);
    if (s->first == s->last) s->tail = place;
    s->head = place;
    *at = s->memory + place % CUDA_STAGE_BYTES;
    return status;
}

/* A part was handed to the stream. */
static cudaError_t under_way(cuda_stage *s, cudaStream_t stream, void *to, const char *from, int64_t bytes)
{
    unsigned i = s->last % CUDA_STAGED;
    s->head += (bytes + 255) / 256 * 256;
    s->part[i].ends = s->head;
    s->part[i].to = to;
    s->part[i].from = from;
    s->part[i].bytes = bytes;
    s->last++;
    return cudaEventRecord(s->done[i], stream);
}

static int64_t chunk(int64_t bytes) { return bytes < CUDA_CHUNK_BYTES ? bytes : CUDA_CHUNK_BYTES; }

int cuda_to_device(int index, void *device, const void *host, int64_t bytes)
{
    cuda_device *d = cuda_enter(index);
    if (!d) return -1;
    cudaError_t status = cudaSuccess;
    char *part;
    pthread_mutex_lock(&d->up.lock);
    for (int64_t done = 0, n; done < bytes && !status; done += n) {
        n = chunk(bytes - done);
        if ((status = room(&d->up, n, &part))) break;
        memcpy(part, (const char *)host + done, (size_t)n);
        status = cudaMemcpyAsync((char *)device + done, part, (size_t)n, cudaMemcpyHostToDevice, d->stream);
        if (!status) status = under_way(&d->up, d->stream, NULL, part, n);
    }
    pthread_mutex_unlock(&d->up.lock);
    return status ? cuda_error("copying to the device", status) : 0;
}

int cuda_from_device(int index, void *host, const void *device, int64_t bytes)
{
    cuda_device *d = cuda_enter(index);
    if (!d || !bytes) return d ? 0 : -1;
    cudaError_t status = cudaSuccess;
    char *part;
    pthread_mutex_lock(&d->down.lock);
    for (int64_t done = 0, n; done < bytes && !status; done += n) {
        n = chunk(bytes - done);
        if ((status = room(&d->down, n, &part))) break;
        status = cudaMemcpyAsync(part, (const char *)device + done, (size_t)n, cudaMemcpyDeviceToHost, d->stream);
        if (!status) status = under_way(&d->down, d->stream, (char *)host + done, part, n);
    }
    while (d->down.first < d->down.last) {
        cudaError_t ended = end_first(&d->down);
        if (!status) status = ended;
    }
    pthread_mutex_unlock(&d->down.lock);
    return status ? cuda_error("copying from the device", status) : cuda_trouble_told(d);
}
