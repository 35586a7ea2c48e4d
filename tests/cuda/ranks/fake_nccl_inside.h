/* What the files of the played NCCL share. */
#ifndef TEST_FAKE_NCCL_INSIDE_H
#define TEST_FAKE_NCCL_INSIDE_H

#include "../played/cuda_runtime_api.h"
#include "../played/played.h"
#include "dist/nccl_calls.h"

#include <atomic>
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
enum { SYSTEM_ERROR = 2,
       INVALID_USAGE = 5,
       REMOTE_ERROR = 6 };
enum kinds { ALL_REDUCE,
             REDUCE_SCATTER,
             ALL_GATHER,
             BROADCAST };

[[noreturn]] void stop(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- the played runtime ---- */

extern struct runtime {
    decltype(&played_enqueue_when) enqueue;
    decltype(&played_reaches) reaches;
    decltype(&cudaGetDevice) get_device;
    decltype(&cudaSetDevice) set_device;
    decltype(&cudaEventCreateWithFlags) event_new;
    decltype(&cudaEventRecord) event_record;
    decltype(&cudaEventQuery) event_query;
    decltype(&cudaEventDestroy) event_end;
} cuda;

void find_runtime(void);

/* ---- what ranks share ---- */

struct asked {
    int kind, type, root;
    size_t n;
    bool multiplies; /* first: another operation for NCCL, which may choose another algorithm for it */
    int64_t launch;  /* groups are planned as a whole */
    bool operator==(const asked &o) const { return kind == o.kind && type == o.type && root == o.root && n == o.n && multiplies == o.multiplies && launch == o.launch; }
};
struct shared {
    std::atomic<int> joined, ended;
    std::atomic<int64_t> given[RANKS], taken[RANKS];
    asked what[SLOTS][RANKS];
};
static_assert(sizeof(shared) <= HEAD_BYTES, "data follow");

struct communicator : std::enable_shared_from_this<communicator> {
    int ranks, rank, device;
    std::string path;
    shared *all;
    std::mutex inside;
    std::atomic<bool> aborted{false}, leaves{false}, in_call{false};
    bool begins = true, ends = false;
    int goes_on = 3;    /* questions that are still answered so */
    int breaks_in = -1; /* questions; -1: never */
    int64_t asked_for = 0, launches = 0;
    std::vector<double> weight;       /* of sums that multiply first; 0 once ended */
    std::vector<struct op *> waiting; /* for the launch that goes on */
    cudaEvent_t given = nullptr, taken = nullptr;
    std::thread thread;
    char *place(int64_t op, int of) const { return (char *)all + HEAD_BYTES + (size_t)((op % SLOTS) * RANKS + of) * PLACE_BYTES; }
};

struct op {
    std::shared_ptr<communicator> c;
    int64_t number; /* from 0 */
    asked what;
    const void *from;
    void *into;
    cudaStream_t stream;
    double weight;
    bool stalls;
};

size_t size_of(int type);

/* Its two pieces of work, which own it from then on. */
void enqueue(communicator *c, op *o);

/* A communicator's thread. */
void go_on(communicator *c);

#endif
