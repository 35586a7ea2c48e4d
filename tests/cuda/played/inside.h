/* What the files of the played runtime share.  All of it is guarded by one lock, which work runs under. */
#ifndef TEST_PLAYED_INSIDE_H
#define TEST_PLAYED_INSIDE_H

#include "cuda_runtime_api.h"
#include "played.h"

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

enum { DEVICES = 8 }; /* at most; PLAYED_DEVICES=n of them are there, or 2 */

extern std::mutex lock;
extern played_counts counts;
extern thread_local int current; /* device */

/* ---- errors (runtime.cpp) ---- */
extern cudaError_t broken[DEVICES];   /* what a fault made of a device */
cudaError_t said(cudaError_t status); /* keeps it for cudaGetLastError */
[[noreturn]] void stop(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- streams (streams.cpp) ---- */
struct capture;
struct mark { /* a place in a stream that an event was recorded at */
    cudaStream_t of;
    bool reached;
    int64_t ns;                  /* when it was, on the host's clock */
    std::shared_ptr<capture> in; /* or in a graph, after these nodes */
    std::vector<size_t> nodes;
};
struct work {
    const char *name;
    std::function<void()> run;
    std::shared_ptr<mark> waits, reaches;
    int other = -1;                                    /* a device whose memory it touches, too */
    std::function<bool()> ready = nullptr;             /* it cannot begin before another process has done its part; none: it can */
    std::function<work(cudaStream_t)> again = nullptr; /* in a graph: what a launch does in its place */
};
struct CUstream_st {
    int device;
    std::deque<work> queue;
    std::shared_ptr<capture> in; /* what is asked for becomes nodes of a graph, after these */
    std::vector<size_t> nodes;
};
struct CUevent_st {
    int device;
    bool timed;
    std::shared_ptr<mark> latest;
};

bool is_stream(cudaStream_t stream);
void enqueue(cudaStream_t stream, work what);
cudaError_t finish(cudaStream_t stream);
void finish_all(void);

unsigned random_below(size_t n);
void streams_leave(const std::shared_ptr<capture> &ended);

/* ---- graphs (capture.cpp) ---- */
struct CUgraph_st {
    struct node {
        work what;
        std::vector<size_t> after;
    };
    std::vector<node> nodes;
};
struct capture {
    cudaStream_t origin;
    std::thread::id thread;
    cudaError_t failed;
    CUgraph_st graph;
};

void capture_work(cudaStream_t stream, work what);
cudaError_t capture_wait(cudaStream_t stream, const std::shared_ptr<mark> &event);

/* A call that waits for this stream, or looks at it; one that a thread may not make while it captures: the error, and the
 * capture fails.  cudaSuccess: go on. */
cudaError_t capture_forbids(cudaStream_t stream);
cudaError_t capture_forbids_here(void);

/* ---- memory (arena.cpp) ---- */
struct arena_range {
    size_t bytes;
    cudaStream_t stream; /* only its later work may have it; NULL: anyone */
    uint64_t free_id;
};

/* A device's memory may be touched, and no longer.  `name` is what runs; `other` is another device, or -1. */
void memory_open(int device, const char *name, int other = -1);
void memory_close(void);

/* NULL: there is not so much.  Usable in the order of the stream; of none: at once. */
void *memory_take(int device, size_t bytes, cudaStream_t stream, cudaMemPool_t pool);
bool memory_give(void *p, cudaStream_t stream);
bool memory_fails_now(void);
size_t memory_free_bytes(int device);
size_t memory_total_bytes(void);

/* The device whose live block holds all of these bytes, or none (-1). */
int memory_device(const void *p, size_t bytes);
bool is_pinned(const void *p, size_t bytes);

struct CUmemPoolHandle_st {
    int device;
    uint64_t attribute[cudaMemPoolAttrUsedMemHigh + 1];
};
void pool_count(cudaMemPool_t pool, int64_t bytes);

#endif
