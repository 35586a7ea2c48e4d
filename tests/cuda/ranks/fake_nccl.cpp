/* NCCL, played over the played CUDA runtime (tests/cuda/played): TRIREME_NCCL_LIBRARY names it.  fake_nccl_ranks.cpp is how
 * ranks meet, this file what a rank may ask.
 *
 * A communicator that does not block says so: its beginning and every third launch go on for some questions, and are in the
 * stream only then.  A launch is a call, or all calls of a group, which are in no stream before its end, and must be the same
 * group on every rank.
 *
 * A script in the environment, of "RANK:N", the N-th collective of a rank from 1:
 *
 *     FAKE_NCCL_FAIL    returns an error (in a group its end does)
 *     FAKE_NCCL_BREAK   leads to one that the state tells, later
 *     FAKE_NCCL_STALL   never brings its part    FAKE_NCCL_VERSION a number
 *
 * FAKE_NCCL_HANGS=1: an abort does not return, as where a rank of this host never aborts.
 *
 * What NCCL does not allow ends the program: ranks that ask for different things, two threads at once, a communicator used
 * after its end, a group without one, calls of a group that need each other. */
#include "fake_nccl_inside.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static std::mutex all_lock;
static std::vector<std::shared_ptr<communicator>> all_of_them;

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

static bool scripted(const char *variable, const communicator *c)
{
    const char *text = getenv(variable);
    long rank, n;
    return text && sscanf(text, "%ld:%ld", &rank, &n) == 2 && rank == c->rank && n == c->asked_for;
}

/* ---- launches ---- */

static std::atomic<int64_t> launches;

/* A thread's group.  LeakSanitizer follows no variable of a thread that a library brought along when it was opened. */
static thread_local struct group {
    int depth = 0, status = NCCL_DONE;
    std::vector<op *> ops;
    ~group()
    {
        if (depth) stop("a thread ends in a group");
    }
} group __attribute__((tls_model("initial-exec")));

static void not_in_group(const char *what)
{
    if (group.depth) stop("%s is asked for in a group, which has not ended", what);
}

static std::pair<const char *, const char *> memory_of(const op &o, bool into)
{
    size_t parts = o.what.kind == (into ? ALL_GATHER : REDUCE_SCATTER) ? (size_t)o.c->ranks : 1;
    const char *begin = (const char *)(into ? o.into : o.from);
    return {begin, begin + o.what.n * parts * size_of(o.what.type)};
}

static bool meet(std::pair<const char *, const char *> a, std::pair<const char *, const char *> b) { return a.first < b.second && b.first < a.second; }

static int launch(communicator *c, const std::vector<op *> &ops)
{
    if (c->begins || c->ends || !c->waiting.empty()) stop("it is asked while another call goes on");
    launches++;
    c->launches++;
    for (op *o : ops) {
        o->what.launch = c->launches;
        for (op *other : ops)
            if (o != other && (meet(memory_of(*o, true), memory_of(*other, true)) || meet(memory_of(*o, true), memory_of(*other, false)))) stop("calls of a group need each other");
    }
    if (c->launches % 3 != 1) {
        for (op *o : ops) enqueue(c, o);
        return NCCL_DONE;
    }
    c->waiting = ops;
    c->goes_on = 2;
    return NCCL_GOES_ON;
}

static int ask(void *comm, int kind, const void *from, void *into, size_t n, int type, int add, int root, void *stream)
{
    entered in(comm);
    communicator *c = in.c;
    if (c->begins || c->ends || !c->waiting.empty()) stop("it is asked while another call goes on");
    if (!cuda.reaches(from) || !cuda.reaches(into)) stop("memory that no device reaches");
    if (n * size_of(type) * (kind == REDUCE_SCATTER ? (size_t)c->ranks : 1) > PLACE_BYTES) stop("%zu numbers are too many for it", n);
    if (add > (int)c->weight.size() || (add > 0 && c->weight[(size_t)add - 1] == 0)) stop("a sum that has ended");
    c->asked_for++;
    if (scripted("FAKE_NCCL_FAIL", c)) {
        if (!group.depth) return SYSTEM_ERROR;
        group.status = SYSTEM_ERROR;
        return NCCL_DONE;
    }
    if (scripted("FAKE_NCCL_BREAK", c)) c->breaks_in = 8;
    op *o = new op{c->shared_from_this(), c->asked_for - 1, {kind, type, root, n, add != 0, 0}, from, into, (cudaStream_t)stream, add ? c->weight[(size_t)add - 1] : 1, scripted("FAKE_NCCL_STALL", c)};
    if (!group.depth) return launch(c, {o});
    if (!group.ops.empty() && group.ops[0]->c.get() != c) stop("a group of two communicators");
    group.ops.push_back(o);
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
    std::vector<op *> ops;
    ops.swap(group.ops);
    group.status = NCCL_DONE;
    if (status != NCCL_DONE)
        for (op *o : ops) delete o;
    if (status != NCCL_DONE || ops.empty()) return status;
    entered in(ops[0]->c.get());
    return launch(in.c, ops);
}

/* Not NCCL's: how many kernels all these calls were, for tests. */
API int64_t fake_nccl_launches(void) { return launches; }

API int ncclCommGetAsyncError(void *comm, int *state)
{
    not_in_group("a communicator's state");
    entered in(comm);
    communicator *c = in.c;
    *state = REMOTE_ERROR;
    if (c->breaks_in == 0) return NCCL_DONE;
    if (c->breaks_in > 0) c->breaks_in--;
    bool others = (c->begins && c->all->joined < c->ranks) || (c->ends && (c->all->ended < c->ranks || c->all->taken[c->rank] < c->asked_for));
    *state = others || c->goes_on-- > 0 ? NCCL_GOES_ON : NCCL_DONE;
    if (*state == NCCL_GOES_ON) return NCCL_DONE;
    c->goes_on = 0;
    c->begins = false;
    for (op *o : c->waiting) enqueue(c, o);
    c->waiting.clear();
    return NCCL_DONE;
}

API int ncclCommFinalize(void *comm)
{
    not_in_group("a communicator's end");
    entered in(comm);
    for (double weight : in.c->weight)
        if (weight != 0) stop("a communicator ends before a sum that multiplies");
    in.c->ends = true;
    in.c->all->ended++;
    return NCCL_GOES_ON;
}

static void leave(void *comm)
{
    communicator *c = (communicator *)comm;
    c->leaves = true;
    c->thread.join();
    if (c->given) (void)cuda.event_end(c->given);
    if (c->taken) (void)cuda.event_end(c->taken);
    std::lock_guard<std::mutex> hold(all_lock);
    for (size_t i = 0; i < all_of_them.size(); i++)
        if (all_of_them[i].get() == c) {
            all_of_them.erase(all_of_them.begin() + (long)i); /* what is in a stream may hold it still */
            return;
        }
}

API int ncclCommDestroy(void *comm)
{
    {
        entered in(comm);
        if (!in.c->ends || in.c->all->ended < in.c->ranks) stop("a communicator is destroyed before it is finalized");
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
    return status == SYSTEM_ERROR ? "unhandled system error" : status == REMOTE_ERROR ? "remote process exited or there was a network error"
                                                           : status == NCCL_GOES_ON   ? "NCCL operation in progress"
                                                                                      : "an error";
}

API const char *ncclGetLastError(void *) { return "played"; }

API int ncclAllReduce(const void *from, void *into, size_t n, int type, int add, void *comm, void *stream) { return ask(comm, ALL_REDUCE, from, into, n, type, add, 0, stream); }
API int ncclReduceScatter(const void *from, void *into, size_t n, int type, int add, void *comm, void *stream) { return ask(comm, REDUCE_SCATTER, from, into, n, type, add, 0, stream); }
API int ncclAllGather(const void *from, void *into, size_t n, int type, void *comm, void *stream) { return ask(comm, ALL_GATHER, from, into, n, type, 0, 0, stream); }
API int ncclBroadcast(const void *from, void *into, size_t n, int type, int root, void *comm, void *stream) { return ask(comm, BROADCAST, from, into, n, type, 0, root, stream); }

API int ncclRedOpCreatePreMulSum(int *add, void *weight, int type, int residence, void *comm)
{
    entered in(comm);
    if (residence != NCCL_SCALAR_OF_HOST || (type != NCCL_F32 && type != NCCL_F64)) stop("a weight of type %d, residence %d", type, residence);
    in.c->weight.push_back(type == NCCL_F32 ? (double)*(const float *)weight : *(const double *)weight);
    *add = (int)in.c->weight.size();
    return NCCL_DONE;
}

API int ncclRedOpDestroy(int add, void *comm)
{
    entered in(comm);
    if (!in.c->waiting.empty()) stop("a sum is ended that goes on");
    if (add < 1 || add > (int)in.c->weight.size() || in.c->weight[(size_t)add - 1] == 0) stop("a sum is ended twice");
    in.c->weight[(size_t)add - 1] = 0;
    return NCCL_DONE;
}
