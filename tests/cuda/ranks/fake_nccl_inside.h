/* What the files of the played NCCL share. */
#ifndef TEST_FAKE_NCCL_INSIDE_H
#define TEST_FAKE_NCCL_INSIDE_H

#include "../played/cuda_runtime_api.h"
#include "../played/played.h"
#include "dist/nccl_calls.h"

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <stdint.h>
#include <string>
#include <thread>
#include <vector>

enum { RANKS = 8,
       SLOTS = 8,
       PLACE_BYTES = 16 << 20,
       HEAD_BYTES = 1 << 16 };
enum { CUDA_ERROR = 1,
       SYSTEM_ERROR = 2,
       INVALID_USAGE = 5,
       REMOTE_ERROR = 6 };
enum { SCALAR_OF_DEVICE = 0 };
enum kinds { ALL_REDUCE,
             REDUCE_SCATTER,
             ALL_GATHER,
             BROADCAST };

[[noreturn]] void stop(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- the played runtime ---- */

extern struct runtime {
    decltype(&played_enqueue_again) enqueue;
    decltype(&played_go_on) go_on;
    decltype(&played_reaches) reaches;
    decltype(&cudaGetDevice) get_device;
    decltype(&cudaSetDevice) set_device;
    decltype(&cudaStreamIsCapturing) is_capturing;
} cuda;

void find_runtime(void);

/* ---- what ranks share ---- */

struct asked {
    int kind, type, root;
    size_t n;
    bool multiplies; /* first: another operation for NCCL, which may choose another algorithm for it */
    int64_t launch;  /* groups are planned as a whole, and again each time a graph has them */
    bool in_graph;
    bool operator==(const asked &o) const
    {
        return kind == o.kind && type == o.type && root == o.root && n == o.n && multiplies == o.multiplies && launch == o.launch && in_graph == o.in_graph;
    }
};
struct shared {
    std::atomic<int> joined, ended;
    std::atomic<int64_t> given[RANKS], taken[RANKS]; /* so many collectives, from the first on */
    std::atomic<int64_t> captured[RANKS];            /* launches that a rank wants in a graph */
    asked what[SLOTS][RANKS];
};
static_assert(sizeof(shared) <= HEAD_BYTES, "data follow");

/* ---- what a rank has ---- */

struct weight { /* of a sum that multiplies first */
    int type;
    double value;
    const void *there; /* on the device, read whenever it is used; NULL: on the host, read at once */
    bool ended;
};

struct place { /* of a collective that was launched and is not taken */
    cudaStream_t stream;
    bool taken;
};

struct communicator : std::enable_shared_from_this<communicator> {
    int ranks, rank, device;
    std::string path;
    shared *all;
    std::mutex inside;
    std::atomic<bool> aborted{false}, leaves{false}, in_call{false}, ends{false};
    bool begins = true;
    int goes_on = 3;                   /* questions that are still answered so */
    std::atomic<int> breaks_in{-1};    /* questions; -1: never */
    std::atomic<int64_t> in_graphs{0}; /* calls that a graph has, or will have */
    int64_t asked_for = 0, launches = 0, captures = 0;
    std::vector<weight> weights;
    std::vector<std::shared_ptr<struct call>> waiting; /* for the launch that goes on */
    std::thread thread;

    std::mutex placing;
    std::deque<place> places; /* those from all->taken[rank] on */

    char *part(int64_t number, int of) const { return (char *)all + HEAD_BYTES + (size_t)((number % SLOTS) * RANKS + of) * PLACE_BYTES; }
};

/* A collective as it was asked for. */
struct call {
    std::shared_ptr<communicator> c;
    asked what;
    const void *from;
    void *into;
    cudaStream_t stream;
    weight times;
    int64_t number; /* of its latest launch, from 0 */
    ~call() { c->in_graphs -= what.in_graph; }
};

size_t size_of(int type);

/* "RANK:N" in this variable of the environment? */
bool scripted(const char *variable, const communicator *c, int64_t n);

bool is_captured(cudaStream_t stream, bool *failed);

/* Its two pieces of work. */
void enqueue(const std::shared_ptr<call> &one);

/* How many collectives are not taken. */
size_t under_way(communicator *c);

/* A communicator's thread. */
void go_on(communicator *c);

extern std::atomic<int64_t> ran_in_graphs;

#endif
