/* NCCL, played over the played CUDA runtime (tests/cuda/played): TRIREME_NCCL_LIBRARY names it.  fake_nccl_ranks.cpp is how
 * ranks meet, this file what a rank may ask.
 *
 * A communicator that does not block says so: its beginning and every third launch go on for some questions, and are in the
 * stream only then.  A launch is a call, or all calls of a group, which are in no stream before its end, and must be the same
 * group on every rank.
 *
 * A launch in a stream that is captured goes on until as many have been captured on all ranks, and then becomes part of the
 * graph.  While a graph has calls of a communicator, the end of that goes on.
 *
 * A script in the environment, of "RANK:N", the N-th collective of a rank from 1:
 *
 *     FAKE_NCCL_FAIL    returns an error, of those that were asked for (in a group its end does)
 *     FAKE_NCCL_BREAK   leads to one that the state tells later, of those that run, in graphs or not
 *     FAKE_NCCL_STALL   never brings its part, likewise    FAKE_NCCL_VERSION a number
 *
 * FAKE_NCCL_HANGS=1: an abort does not return, as where a rank of this host never aborts.
 *
 * What NCCL does not allow ends the program: ranks that ask for different things, or one in a graph and one not, two threads
 * at once, a communicator used after its end, by a graph too, a group without one, calls of a group that need each other. */
#include "fake_nccl_inside.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static std::mutex all_lock;
static std::vector<std::shared_ptr<communicator>> &all_of_them = *new std::vector<std::shared_ptr<communicator>>; /* a rank may end without them */

/* ---- NCCL's names ---- */

struct entered {
    communicator *c;
    explicit entered(void *comm) : c((communicator *)comm)
    {
        bool known = false;
        {
            std::lock_guard<std::mutex> hold(all_lock);
            for (auto &one : all_of_them) known = known || one.get() == c;
        }
        if (!known || c->aborted) stop("a communicator is used after its end");
        if (c->in_call.exchange(true)) stop("two threads use a communicator at once");
        c->inside.lock();
    }
    ~entered()
    {
        c->inside.unlock();
        c->in_call = false;
    }
};

/* ---- launches ---- */

static std::atomic<int64_t> launches;

/* A thread's group.  LeakSanitizer follows no variable of a thread that a library brought along when it was opened. */
static thread_local struct group {
    int depth = 0, status = NCCL_DONE;
    std::vector<std::shared_ptr<call>> calls;
    ~group()
    {
        if (depth) stop("a thread ends in a group");
    }
} group __attribute__((tls_model("initial-exec")));

static void not_in_group(const char *what)
{
    if (group.depth) stop("%s is asked for in a group, which has not ended", what);
}

static std::pair<const char *, const char *> memory_of(const call &k, bool into)
{
    size_t parts = k.what.kind == (into ? ALL_GATHER : REDUCE_SCATTER) ? (size_t)k.c->ranks : 1;
    const char *begin = (const char *)(into ? k.into : k.from);
    return {begin, begin + k.what.n * parts * size_of(k.what.type)};
}

static bool meet(std::pair<const char *, const char *> a, std::pair<const char *, const char *> b) { return a.first < b.second && b.first < a.second; }

static bool need_each_other(const call &a, const call &b) { return meet(memory_of(a, true), memory_of(b, true)) || meet(memory_of(a, true), memory_of(b, false)); }

/* For a graph ranks prepare its memory together, whenever they capture: a rank that captures alone waits for the others. */
static int launch(communicator *c, const std::vector<std::shared_ptr<call>> &calls)
{
    if (c->begins || c->ends || !c->waiting.empty()) stop("it is asked while another call goes on");
    launches++;
    c->launches++;
    bool in_graph = calls[0]->what.in_graph, slow = c->launches % 3 == 1;
    for (auto &one : calls) {
        one->what.launch = c->launches;
        if (one->what.in_graph != in_graph) stop("a group is captured in part");
        for (auto &other : calls)
            if (one != other && need_each_other(*one, *other)) stop("calls of a group need each other");
    }
    if (in_graph) c->all->captured[c->rank] = ++c->captures;
    if (!in_graph && !slow) {
        for (auto &one : calls) enqueue(one);
        return NCCL_DONE;
    }
    c->waiting = calls;
    c->goes_on = slow ? 2 : 0;
    return NCCL_GOES_ON;
}

static int in_group(int status)
{
    if (!group.depth) return status;
    group.status = status;
    return NCCL_DONE;
}

static int ask(void *comm, int kind, const void *from, void *into, size_t n, int type, int add, int root, void *stream)
{
    entered in(comm);
    communicator *c = in.c;
    if (c->begins || c->ends || !c->waiting.empty()) stop("it is asked while another call goes on");
    if (!cuda.reaches(from) || !cuda.reaches(into)) stop("memory that no device reaches");
    if (n * size_of(type) * (kind == REDUCE_SCATTER ? (size_t)c->ranks : 1) > PLACE_BYTES) stop("%zu numbers are too many for it", n);
    if (add > (int)c->weights.size() || (add > 0 && c->weights[(size_t)add - 1].ended)) stop("a sum that has ended");
    weight times = add ? c->weights[(size_t)add - 1] : weight{type, 1, nullptr, false};
    if (times.type != type) stop("a weight of type %d for numbers of type %d", times.type, type);
    if (scripted("FAKE_NCCL_FAIL", c, ++c->asked_for)) return in_group(SYSTEM_ERROR);
    bool failed, in_graph = is_captured((cudaStream_t)stream, &failed);
    if (failed) return in_group(CUDA_ERROR);
    std::shared_ptr<call> one(new call{c->shared_from_this(), {kind, type, root, n, add != 0, 0, in_graph}, from, into, (cudaStream_t)stream, times, 0});
    c->in_graphs += in_graph;
    if (!group.depth) return launch(c, {one});
    if (!group.calls.empty() && group.calls[0]->c.get() != c) stop("a group of two communicators");
    group.calls.push_back(one);
    return NCCL_DONE;
}

static std::string path_of(const nccl_id &id) { return std::string(id.bytes, strnlen(id.bytes, sizeof id.bytes)); }

#define API extern "C" __attribute__((visibility("default")))

API int ncclGetVersion(int *version)
{
    const char *text = getenv("FAKE_NCCL_VERSION");
    *version = text ? atoi(text) : 22899;
    return NCCL_DONE;
}

API int ncclGetUniqueId(nccl_id *id)
{
    const char *folder = getenv("TMPDIR");
    snprintf(id->bytes, sizeof id->bytes, "%s/fake-nccl-XXXXXX", folder ? folder : "/tmp");
    int file = mkstemp(id->bytes);
    if (file < 0 || ftruncate(file, HEAD_BYTES + (off_t)SLOTS * RANKS * PLACE_BYTES) != 0) return SYSTEM_ERROR;
    close(file);
    return NCCL_DONE;
}

API int ncclCommInitRankConfig(void **comm, int ranks, nccl_id id, int rank, nccl_config *config)
{
    if (!cuda.enqueue) find_runtime();
    if (config->magic != 0xcafebeef || config->blocking != 0 || ranks > RANKS) return INVALID_USAGE;
    auto c = std::make_shared<communicator>();
    c->ranks = ranks;
    c->rank = rank;
    c->path = path_of(id);
    (void)cuda.get_device(&c->device);
    int file = open(c->path.c_str(), O_RDWR);
    size_t bytes = HEAD_BYTES + (size_t)SLOTS * RANKS * PLACE_BYTES;
    void *memory = file < 0 ? MAP_FAILED : mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory == MAP_FAILED) return SYSTEM_ERROR;
    close(file);
    c->all = (shared *)memory;
    if (++c->all->joined == ranks) (void)unlink(c->path.c_str());
    c->thread = std::thread(go_on, c.get());
    std::lock_guard<std::mutex> hold(all_lock);
    all_of_them.push_back(c);
    *comm = c.get();
    return NCCL_GOES_ON;
}

API int ncclGroupStart(void)
{
    group.depth++;
    return NCCL_DONE;
}

API int ncclGroupEnd(void)
{
    if (!group.depth) stop("the end of no group");
    if (--group.depth) return NCCL_DONE;
    int status = group.status;
    std::vector<std::shared_ptr<call>> calls;
    calls.swap(group.calls);
    group.status = NCCL_DONE;
    if (status != NCCL_DONE || calls.empty()) return status;
    entered in(calls[0]->c.get());
    return launch(in.c, calls);
}

/* Not NCCL's, for tests: how many kernels all these calls were, each time they were asked for; and how many collectives have
 * run that a graph had. */
API int64_t fake_nccl_launches(void) { return launches; }
API int64_t fake_nccl_captured(void) { return ran_in_graphs; }

/* A state waits for other ranks. */
static bool is_alone(communicator *c)
{
    if (c->begins) return c->all->joined < c->ranks;
    if (c->ends) return c->all->ended < c->ranks || under_way(c) > 0 || c->in_graphs > 0;
    bool alone = false;
    for (int r = 0; r < c->ranks && !c->waiting.empty() && c->waiting[0]->what.in_graph; r++) alone = alone || c->all->captured[r] < c->captures;
    return alone;
}

API int ncclCommGetAsyncError(void *comm, int *state)
{
    not_in_group("a communicator's state");
    entered in(comm);
    communicator *c = in.c;
    *state = REMOTE_ERROR;
    if (c->breaks_in == 0) return NCCL_DONE;
    if (c->breaks_in > 0) c->breaks_in--;
    *state = is_alone(c) || c->goes_on-- > 0 ? NCCL_GOES_ON : NCCL_DONE;
    if (*state == NCCL_GOES_ON) return NCCL_DONE;
    c->goes_on = 0;
    c->begins = false;
    for (auto &one : c->waiting) enqueue(one);
    c->waiting.clear();
    return NCCL_DONE;
}

API int ncclCommFinalize(void *comm)
{
    not_in_group("a communicator's end");
    entered in(comm);
    for (const weight &one : in.c->weights)
        if (!one.ended) stop("a communicator ends before a sum that multiplies");
    in.c->ends = true;
    in.c->all->ended++;
    return NCCL_GOES_ON;
}

static void leave(void *comm)
{
    communicator *c = (communicator *)comm;
    c->leaves = true;
    c->thread.join();
    c->waiting.clear();
    std::lock_guard<std::mutex> hold(all_lock);
    for (size_t i = 0; i < all_of_them.size(); i++)
        if (all_of_them[i].get() == c) {
            all_of_them.erase(all_of_them.begin() + (long)i); /* what is in a stream or a graph may hold it still */
            return;
        }
}

API int ncclCommDestroy(void *comm)
{
    {
        entered in(comm);
        if (!in.c->ends || in.c->all->ended < in.c->ranks) stop("a communicator is destroyed before it is finalized");
        if (in.c->in_graphs > 0) stop("a communicator is destroyed before a graph that needs it");
    }
    leave(comm);
    return NCCL_DONE;
}

API int ncclCommAbort(void *comm)
{
    {
        entered in(comm);
        if (getenv("FAKE_NCCL_TALKS")) fprintf(stderr, "fake NCCL: rank %d aborts\n", in.c->rank);
        in.c->aborted = true;
        (void)unlink(in.c->path.c_str());
    }
    while (getenv("FAKE_NCCL_HANGS")) pause();
    leave(comm);
    return NCCL_DONE;
}

API const char *ncclGetErrorString(int status)
{
    switch (status) {
    case CUDA_ERROR: return "unhandled cuda error";
    case SYSTEM_ERROR: return "unhandled system error";
    case REMOTE_ERROR: return "remote process exited or there was a network error";
    case NCCL_GOES_ON: return "NCCL operation in progress";
    default: return "an error";
    }
}

API const char *ncclGetLastError(void *) { return "played"; }

API int ncclAllReduce(const void *from, void *into, size_t n, int type, int add, void *comm, void *stream) { return ask(comm, ALL_REDUCE, from, into, n, type, add, 0, stream); }
API int ncclReduceScatter(const void *from, void *into, size_t n, int type, int add, void *comm, void *stream) { return ask(comm, REDUCE_SCATTER, from, into, n, type, add, 0, stream); }
API int ncclAllGather(const void *from, void *into, size_t n, int type, void *comm, void *stream) { return ask(comm, ALL_GATHER, from, into, n, type, 0, 0, stream); }
API int ncclBroadcast(const void *from, void *into, size_t n, int type, int root, void *comm, void *stream) { return ask(comm, BROADCAST, from, into, n, type, 0, root, stream); }

API int ncclRedOpCreatePreMulSum(int *add, void *weighs, int type, int residence, void *comm)
{
    entered in(comm);
    bool on_host = residence == NCCL_SCALAR_OF_HOST;
    if ((!on_host && residence != SCALAR_OF_DEVICE) || (type != NCCL_F32 && type != NCCL_F64)) stop("a weight of type %d, residence %d", type, residence);
    if (!on_host && !cuda.reaches(weighs)) stop("a weight that no device reaches");
    double value = !on_host ? 0 : type == NCCL_F32 ? (double)*(const float *)weighs
                                                   : *(const double *)weighs;
    in.c->weights.push_back({type, value, on_host ? nullptr : weighs, false});
    *add = (int)in.c->weights.size();
    return NCCL_DONE;
}

API int ncclRedOpDestroy(int add, void *comm)
{
    entered in(comm);
    if (!in.c->waiting.empty()) stop("a sum is ended that goes on");
    if (add < 1 || add > (int)in.c->weights.size() || in.c->weights[(size_t)add - 1].ended) stop("a sum is ended twice");
    in.c->weights[(size_t)add - 1].ended = true;
    return NCCL_DONE;
}
