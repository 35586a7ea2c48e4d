/* CUDA devices: what the files of libtrireme-cuda share.  Plain C over the runtime's interface.
 *
 * Every device has one stream, in which its work is ordered whichever thread asks for it, and a pool of its own, or lists of
 * blocks, that memory comes from in that order.  A device begins when a thread first enters it; nothing ends before the process does, since the
 * driver may be gone by then. */
#ifndef TRIREME_CORE_CUDA_CUDA_H
#define TRIREME_CORE_CUDA_CUDA_H

#include <cuda_runtime_api.h>
#include <pthread.h>
#include <stdatomic.h>
#include "core/cuda/trouble.h"
#include "core/module.h"
#include "core/size_class.h"

/* ---- who holds a device's memory (holders.c) ---- */

enum { CUDA_NAMES = 128,
       CUDA_NAME_BYTES = 32 };

typedef struct {
    char name[CUDA_NAME_BYTES];
    int64_t bytes;
} cuda_holder;

typedef struct {
    pthread_mutex_t lock;
    struct cuda_held *held; /* a table by address, of `room` places */
    int64_t room, count, bytes, peak_bytes;
    cuda_holder by[CUDA_NAMES]; /* the last one is all others */
    int names;
} cuda_holders;

/* p of so many bytes is held for `what`: 0, or -1 if there is no memory to note it.  And no longer: how many they were. */
int cuda_holds(cuda_holders *h, const void *p, int64_t bytes, const char *what);
int64_t cuda_lets_go(cuda_holders *h, const void *p);

/* "61.2 GiB are held (tr_matmul 40.0 GiB, tr_relu 20.1 GiB, adam 1.0 GiB)": the three who hold most. */
void cuda_holders_text(cuda_holders *h, char *text, size_t bytes);

/* ---- what was asked of a device last (launches.c) ---- */

enum { CUDA_LAUNCHES = 64 };

typedef struct {
    _Atomic uint64_t count;
    _Atomic int kernel[CUDA_LAUNCHES];
} cuda_launches;

void cuda_launches_note(cuda_launches *l, int kernel);

/* "add x3, gemm, relu": the last first. */
void cuda_launches_text(cuda_launches *l, const char *(*name_of)(int kernel), char *text, size_t bytes);

/* ---- pinned memory on the way to a device or from it (staging.c) ---- */

enum { CUDA_STAGED = 64,
       CUDA_STAGE_BYTES = 4 << 20,
       CUDA_CHUNK_BYTES = 512 << 10 };

typedef struct {
    pthread_mutex_t lock;
    char *memory;
    cudaEvent_t done[CUDA_STAGED];
    struct {
        int64_t ends;     /* where in all that was ever staged */
        void *to;         /* the host's, that it has yet to reach; NULL on the way to the device */
        const char *from; /* in memory */
        int64_t bytes;
    } part[CUDA_STAGED];
    uint64_t first, last; /* parts that are under way */
    int64_t tail, head;   /* what they take of all that was ever staged */
} cuda_stage;

/* ---- memory where there are no pools (memory_plain.c) ---- */

typedef struct {
    void **waiting; /* room for all of the class's blocks, in use or not */
    int64_t waiting_count, blocks, room;
} cuda_plain_list;

typedef struct {
    pthread_mutex_t lock;
    cuda_plain_list of[CORE_CLASSES];
    int64_t reserved_bytes;
} cuda_plain;

/* A block of at least so many bytes of the current device, to be given back with as many. */
cudaError_t cuda_plain_take(cuda_plain *m, void **p, int64_t bytes);
void cuda_plain_give(cuda_plain *m, void *p, int64_t bytes);

/* What waits goes back to the system, after all that the stream was asked. */
cudaError_t cuda_plain_trim(cuda_plain *m, cudaStream_t stream);

/* ---- a device (device.c) ---- */

typedef struct {
    int index;
    cudaStream_t stream;
    cudaMemPool_t pool;    /* NULL: the runtime has none, */
    cuda_plain plain;      /* and this is in its place */
    cuda_trouble *trouble; /* in pinned memory */
    cuda_stage up, down;
    cuda_holders holders;
    cuda_launches launches;
} cuda_device;

/* The device that this thread entered; NULL with an error noted if it entered none. */
cuda_device *cuda_here(void);

/* Enter a device: the runtime's calls of this thread go there.  The device, or NULL with an error noted. */
cuda_device *cuda_enter(int index);

/* Wait for a device.  0, or -1 with an error noted that says what the device met. */
int cuda_wait(cuda_device *d);

/* All that was asked of the device is known to be done: what it met becomes an error.  0 or -1. */
int cuda_trouble_told(cuda_device *d);

/* Note what the runtime said while `doing` something: always -1. */
int cuda_error(const char *doing, cudaError_t status);

/* What a first try had made, a second one keeps. */
cudaError_t cuda_stage_begin(cuda_stage *s);

/* memory.c, staging.c: core_device's */
void *cuda_take(int index, int64_t bytes, int64_t *capacity, const char *what);
void cuda_give(int index, void *p, int64_t capacity);
tr_memory_stats cuda_memory(int index);
cudaError_t cuda_trim(cuda_device *d); /* waits for it, the current one */
int cuda_to_device(int index, void *device, const void *host, int64_t bytes);
int cuda_from_device(int index, void *host, const void *device, int64_t bytes);
int cuda_across(int to, void *there, int from, const void *here, int64_t bytes);

/* "1.5 GiB", or "12 bytes". */
const char *cuda_bytes_text(int64_t bytes, char text[32]);

/* While a step is captured, or its numbers are renewed (graph.c): where launches go instead, NULL for nowhere; numbers that
 * replays change, and their place on the device; memory for the time of a call. */
bool cuda_capturing(void);
cudaStream_t cuda_capture_stream(void);
cudaStream_t cuda_capture_lane(tr_lane_ lane); /* NULL with an error noted: a graph has no such lane */
const void *cuda_capture_numbers(const void *numbers, int64_t bytes);
void *cuda_capture_take(int64_t bytes);
void cuda_capture_give(void);

/* A stream that is a lane's, or like it. */
cudaError_t cuda_lane_begin(cudaStream_t *s, tr_lane_ lane);

/* lanes.c, graph.c */
extern const tr_lanes_ cuda_lanes;
extern const core_graphs cuda_graphs;

/* Find the devices and fill in all but the kernels, whose names name_of gives. */
void cuda_begin(core_device *devices, const core_host *host, const char *(*name_of)(int kernel));

extern const core_host *cuda_host;

#endif
