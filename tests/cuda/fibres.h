/* CUDA C++ for a CPU, as far as kernels/cuda uses it: the threads of a block are fibres of one CPU thread, and blocks run
 * one after another.
 *
 * A fibre runs until it ends or waits: at __syncthreads, __syncwarp, a shuffle or a vote.  fibres_order says which of
 * those that can run does next (upwards, downwards, at random), so that a kernel run in several orders shows a barrier
 * that is missing; one that not every thread reaches ends the program.  Shared memory is 0xff in every byte when a block
 * starts, NaN as a float.
 *
 * Not seen: races between blocks, the order in which memory is written, limits of launches, speed. */
#ifndef TEST_FIBRES_H
#define TEST_FIBRES_H

#include <stdint.h>
#include <string.h>
#include "played/cuda_runtime_api.h"

#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)
#define __grid_constant__
#define UNROLLED
#define __align__(bytes) __attribute__((aligned(bytes)))

/* So small that a test's arrays go beyond (gpu.h, sorting.cuh, mask.cu). */
#define MOST_BLOCKS   5
#define MOST_NARROW   1000
#define MOST_SORTED   3000
#define SMALLEST_PART 512

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

extern dim3 threadIdx, blockIdx, blockDim, gridDim;

enum fibres_orders { FIBRES_UPWARDS,
                     FIBRES_DOWNWARDS,
                     FIBRES_AT_RANDOM,
                     FIBRES_ORDERS };
extern "C" int fibres_order;

/* The block's memory of a variable, the same for all its threads. */
void *fibres_shared(const char *variable, uint64_t bytes);
#define SHARED(type, name, dims) \
 typedef type name##_type dims;  \
 static char name##_key;         \
 name##_type &name = *(name##_type *)fibres_shared(&name##_key, sizeof(name##_type))

typedef void fibres_body(void *arguments);

/* A launch is work of the stream that the kernels' host side names: its arguments are copied now, and it runs when the
 * stream comes to it (played/played.h); at once where there is no stream.  A kernel is handed no pointer of the host's. */
void fibres_enqueue(void *stream, const char *name, dim3 blocks, dim3 threads, fibres_body *body, fibres_body *ends, void *arguments);
extern "C" void fibres_check(void *stream, const char *name, const void *pointer);

template <class T>
static inline void fibres_check_argument(void *, const char *, const T &) {}
template <class T>
static inline void fibres_check_argument(void *stream, const char *name, T *const &pointer)
{
    fibres_check(stream, name, (const void *)pointer);
}

/* What a launch carries, as nvcc lays it out; 4 KiB on every driver. */
template <class... T>
constexpr size_t fibres_bytes()
{
    size_t at = 0;
    ((at = (at + alignof(T) - 1) / alignof(T) * alignof(T) + sizeof(T)), ...);
    return at;
}

template <class body, class... arguments>
static inline void fibres_call(void *stream, const char *name, dim3 blocks, dim3 threads, body kernel, arguments... given)
{
    static_assert(fibres_bytes<arguments...>() <= 4096, "more than a launch can carry");
    (fibres_check_argument(stream, name, given), ...);
    auto bound = [=] { kernel(given...); };
    typedef decltype(bound) call;
    fibres_enqueue(
        stream, name, blocks, threads, [](void *k) { (*(call *)k)(); }, [](void *k) { delete (call *)k; }, new call(bound));
}
#define LAUNCH(kernel, blocks, threads, ...) \
 fibres_call(                                \
     cuda_stream(), #kernel, blocks, threads, [=](auto... given) { kernel(given...); }, __VA_ARGS__)

/* One fibre runs at a time: nothing comes between. */
static inline void __threadfence_system(void) {}
template <class T>
static inline T atomicCAS(T *at, T expected, T wanted)
{
    T was = *at;
    if (was == expected) *at = wanted;
    return was;
}
template <class T>
static inline T atomicMax(T *at, T value)
{
    T was = *at;
    if (value > was) *at = value;
    return was;
}

static inline int __popc(unsigned bits) { return __builtin_popcount(bits); }

/* ---- what waits ---- */
void __syncthreads(void);
void __syncwarp(unsigned mask = 0xffffffffu);

/* Every lane of mask puts a word, waits for the others, and takes lane `from`'s; its own where that is not of the warp. */
uint64_t fibres_exchange(unsigned mask, uint64_t word, int from);
int fibres_lane(void);

template <class T>
static inline T fibres_shuffle(unsigned mask, T value, int from)
{
    static_assert(sizeof(T) <= sizeof(uint64_t), "a shuffle moves at most 8 bytes");
    uint64_t word = 0;
    memcpy(&word, &value, sizeof value);
    word = fibres_exchange(mask, word, from);
    memcpy(&value, &word, sizeof value);
    return value;
}
template <class T>
static inline T __shfl_sync(unsigned mask, T value, int lane)
{
    return fibres_shuffle(mask, value, lane & 31);
}
template <class T>
static inline T __shfl_xor_sync(unsigned mask, T value, int bits)
{
    return fibres_shuffle(mask, value, fibres_lane() ^ bits);
}
template <class T>
static inline T __shfl_down_sync(unsigned mask, T value, unsigned lanes)
{
    return fibres_shuffle(mask, value, fibres_lane() + (int)lanes);
}

/* Bit l: what lane l says. */
unsigned fibres_vote(unsigned mask, bool yes);
static inline unsigned __ballot_sync(unsigned mask, bool yes) { return fibres_vote(mask, yes); }

#endif
