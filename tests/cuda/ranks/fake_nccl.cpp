/* NCCL, played over the played CUDA runtime (tests/cuda/played): TRIREME_NCCL_LIBRARY names it.
 *
 * Ranks of one host meet in a file that all of them map.  A collective is two pieces of work of the stream it is asked for in:
 *
 *     give    copies what the rank brings into the file, once everybody has taken what stood there before
 *     take    adds up in the order of ranks, once everybody has given
 *
 * so that a stream that was not told to wait for another brings what is not there yet.  As on a GPU gives go on by
 * themselves, by a thread; takes wait until somebody needs them.  A communicator that does not block says so: its beginning
 * and every third launch go on for some questions, and are in the stream only then.  A launch is a call, or all calls of a
 * group, which are in no stream before its end, and must be the same group on every rank.
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
#include "../played/cuda_runtime_api.h"
#include "../played/played.h"
#include "dist/nccl_calls.h"

#include <atomic>
#include <dlfcn.h>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
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

[[noreturn]] static void stop(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void stop(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("fake NCCL: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

/* ---- the played runtime ---- */

static struct runtime {
    decltype(&played_enqueue_when) enqueue;
    decltype(&played_reaches) reaches;
    decltype(&cudaGetDevice) get_device;
    decltype(&cudaSetDevice) set_device;
    decltype(&cudaEventCreateWithFlags) event_new;
    decltype(&cudaEventRecord) event_record;
    decltype(&cudaEventQuery) event_query;
    decltype(&cudaEventDestroy) event_end;
} cuda;

template <class F>
static void find(void *object, const char *name, F &place)
{
    place = (F)dlsym(object, name);
    if (!place) stop("the CUDA library has no %s: it is not the played one", name);
}

static void find_runtime(void)
{
    const char *named = getenv("TRIREME_CUDA_LIBRARY");
    void *object = named ? dlopen(named, RTLD_NOLOAD | RTLD_LAZY) : nullptr;
    if (!object) stop("TRIREME_CUDA_LIBRARY names no loaded library");
    find(object, "played_enqueue_when", cuda.enqueue);
    find(object, "played_reaches", cuda.reaches);
    find(object, "cudaGetDevice", cuda.get_device);
    find(object, "cudaSetDevice", cuda.set_device);
    find(object, "cudaEventCreateWithFlags", cuda.event_new);
    find(object, "cudaEventRecord", cuda.event_record);
    find(object, "cudaEventQuery", cuda.event_query);
    find(object, "cudaEventDestroy", cuda.event_end);
}

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

static std::mutex all_lock;
static std::vector<std::shared_ptr<communicator>> all_of_them;

/* ---- one collective ---- */

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

static size_t size_of(int type) { return type == NCCL_U8 ? 1 : type == NCCL_I32 || type == NCCL_F32 ? 4
                                                                                                    : 8; }

template <class T>
static void copy_weighted(void *to, const void *from, size_t n, double weight)
{
    for (size_t i = 0; i < n; i++) ((T *)to)[i] = (T)weight * ((const T *)from)[i];
}

template <class T>
static void add(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++) ((T *)to)[i] = (T)(((T *)to)[i] + ((const T *)from)[i]);
}

static void add_any(int type, void *to, const void *from, size_t n)
{
    switch (type) {
    case NCCL_U8: return add<uint8_t>(to, from, n);
    case NCCL_I32: return add<int32_t>(to, from, n);
    case NCCL_I64: return add<int64_t>(to, from, n);
    case NCCL_F32: return add<float>(to, from, n);
    case NCCL_F64: return add<double>(to, from, n);
    default: stop("type %d", type);
    }
}

static int can_give(void *argument)
{
    const op &o = *(op *)argument;
    if (o.c->aborted) return true;
    if (o.stalls) return false;
    for (int r = 0; r < o.c->ranks; r++)
        if (o.c->all->taken[r] < o.number + 1 - SLOTS) return false;
    return true;
}

static void give(void *argument)
{
    const op &o = *(op *)argument;
    if (o.c->aborted) return;
    size_t n = o.what.n * (o.what.kind == REDUCE_SCATTER ? (size_t)o.c->ranks : 1);
    char *to = o.c->place(o.number, o.c->rank);
    if (o.weight != 1 && o.what.type == NCCL_F32)
        copy_weighted<float>(to, o.from, n, o.weight);
    else if (o.weight != 1)
        copy_weighted<double>(to, o.from, n, o.weight);
    else if (o.what.kind != BROADCAST || o.what.root == o.c->rank)
        memcpy(to, o.from, n * size_of(o.what.type));
    o.c->all->what[o.number % SLOTS][o.c->rank] = o.what;
    o.c->all->given[o.c->rank] = o.number + 1;
}

static int can_take(void *argument)
{
    const op &o = *(op *)argument;
    if (o.c->aborted) return true;
    for (int r = 0; r < o.c->ranks; r++)
        if (o.c->all->given[r] <= o.number) return false;
    return true;
}

static void take_sum(const op &o)
{
    size_t bytes = o.what.n * size_of(o.what.type), at = o.what.kind == REDUCE_SCATTER ? (size_t)o.c->rank * bytes : 0;
    std::vector<char> sum(o.c->place(o.number, 0) + at, o.c->place(o.number, 0) + at + bytes);
    for (int r = 1; r < o.c->ranks; r++) add_any(o.what.type, sum.data(), o.c->place(o.number, r) + at, o.what.n);
    memcpy(o.into, sum.data(), bytes);
}

static void take(void *argument)
{
    const op &o = *(op *)argument;
    const shared *all = o.c->all;
    if (o.c->aborted) return;
    for (int r = 0; r < o.c->ranks; r++)
        if (!(all->what[o.number % SLOTS][r] == o.what)) stop("collective %ld is another one, or in another group, on ranks %d and %d", (long)o.number + 1, o.c->rank, r);
    size_t bytes = o.what.n * size_of(o.what.type);
    if (o.what.kind == ALL_GATHER)
        for (int r = 0; r < o.c->ranks; r++) memcpy((char *)o.into + (size_t)r * bytes, o.c->place(o.number, r), bytes);
    else if (o.what.kind == BROADCAST)
        memcpy(o.into, o.c->place(o.number, o.what.root), bytes);
    else
        take_sum(o);
    o.c->all->taken[o.c->rank] = o.number + 1;
}

static void forget_op(void *argument) { delete (op *)argument; }

static void replace(cudaEvent_t &event, cudaStream_t stream)
{
    cudaEvent_t next;
    if (cuda.event_new(&next, cudaEventDisableTiming) || cuda.event_record(next, stream)) stop("an event");
    if (event) (void)cuda.event_end(event);
    event = next;
}

static void enqueue(communicator *c, op *o)
{
    int before;
    (void)cuda.get_device(&before);
    (void)cuda.set_device(c->device);
    cudaStream_t stream = o->stream; /* o may be gone at once */
    op *again = new op(*o);
    cuda.enqueue(stream, "NCCL gives", can_give, give, forget_op, o);
    replace(c->given, stream);
    cuda.enqueue(stream, "NCCL takes", can_take, take, forget_op, again);
    replace(c->taken, stream);
    (void)cuda.set_device(before);
}

/* Gives go on whatever the host does; at its end a communicator has done all. */
static void go_on(communicator *c)
{
    while (!c->leaves) {
        if (c->inside.try_lock()) {
            if (c->given) (void)cuda.event_query(c->given);
            if (c->taken && c->ends) (void)cuda.event_query(c->taken);
            c->inside.unlock();
        }
        usleep(200);
    }
}

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
