/* Ranks of one host meet in a file that all of them map.  A collective is two pieces of work of the stream it is asked for in:
 *
 *     give    copies what the rank brings into the file, once everybody has taken what stood there before
 *     take    adds up in the order of ranks, once everybody has given
 *
 * so that a stream that was not told to wait for another brings what is not there yet.  As on a GPU gives go on by
 * themselves, by a thread; takes wait until somebody needs them.
 *
 * A collective has its number, by which it meets the others, when it is launched: at once, or by each launch of a graph.  In
 * that order a rank gives, whatever the streams. */
#include "fake_nccl_inside.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void stop(const char *format, ...)
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

runtime cuda;

template <class F>
static void find(void *object, const char *name, F &place)
{
    place = (F)dlsym(object, name);
    if (!place) stop("the CUDA library has no %s: it is not the played one", name);
}

void find_runtime(void)
{
    const char *named = getenv("TRIREME_CUDA_LIBRARY");
    void *object = named ? dlopen(named, RTLD_NOLOAD | RTLD_LAZY) : nullptr;
    if (!object) stop("TRIREME_CUDA_LIBRARY names no loaded library");
    find(object, "played_enqueue_again", cuda.enqueue);
    find(object, "played_go_on", cuda.go_on);
    find(object, "played_reaches", cuda.reaches);
    find(object, "cudaGetDevice", cuda.get_device);
    find(object, "cudaSetDevice", cuda.set_device);
    find(object, "cudaStreamIsCapturing", cuda.is_capturing);
}

/* ---- one collective ---- */

size_t size_of(int type) { return type == NCCL_U8 ? 1 : type == NCCL_I32 || type == NCCL_F32 ? 4
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

/* ---- launches ---- */

struct op { /* a call that runs */
    const call &of;
    communicator *c;
    int64_t number;
    bool stalls;
};

std::atomic<int64_t> ran_in_graphs;

bool scripted(const char *variable, const communicator *c, int64_t n)
{
    const char *text = getenv(variable);
    long rank, at;
    return text && sscanf(text, "%ld:%ld", &rank, &at) == 2 && rank == c->rank && at == n;
}

static call &call_of(void *argument) { return **(std::shared_ptr<call> *)argument; }

static void *launch_give(void *argument, void *stream)
{
    call &k = call_of(argument);
    communicator *c = k.c.get();
    if (k.what.in_graph && (c->aborted || c->ends)) stop("a graph is launched after the end of a communicator that it needs");
    std::lock_guard<std::mutex> hold(c->placing);
    k.number = c->all->taken[c->rank] + (int64_t)c->places.size();
    c->places.push_back({(cudaStream_t)stream, false});
    if (scripted("FAKE_NCCL_BREAK", c, k.number + 1)) c->breaks_in = 8;
    return new op{k, c, k.number, scripted("FAKE_NCCL_STALL", c, k.number + 1)};
}

static void *launch_take(void *argument, void *)
{
    call &k = call_of(argument);
    return new op{k, k.c.get(), k.number, false};
}

static void end_op(void *launched) { delete (op *)launched; }
static void end_call(void *argument) { delete (std::shared_ptr<call> *)argument; }

static int can_give(void *launched)
{
    const op &o = *(op *)launched;
    if (o.c->aborted) return true;
    if (o.stalls || o.c->all->given[o.c->rank] != o.number) return false;
    for (int r = 0; r < o.c->ranks; r++)
        if (o.c->all->taken[r] < o.number + 1 - SLOTS) return false;
    return true;
}

static double value_of(const weight &w)
{
    if (!w.there) return w.value;
    return w.type == NCCL_F32 ? (double)*(const float *)w.there : *(const double *)w.there;
}

static void give(void *launched)
{
    const op &o = *(op *)launched;
    const asked &what = o.of.what;
    if (o.c->aborted) return;
    size_t n = what.n * (what.kind == REDUCE_SCATTER ? (size_t)o.c->ranks : 1);
    char *to = o.c->part(o.number, o.c->rank);
    if (what.multiplies && what.type == NCCL_F32)
        copy_weighted<float>(to, o.of.from, n, value_of(o.of.times));
    else if (what.multiplies)
        copy_weighted<double>(to, o.of.from, n, value_of(o.of.times));
    else if (what.kind != BROADCAST || what.root == o.c->rank)
        memcpy(to, o.of.from, n * size_of(what.type));
    o.c->all->what[o.number % SLOTS][o.c->rank] = what;
    o.c->all->given[o.c->rank] = o.number + 1;
}

static int can_take(void *launched)
{
    const op &o = *(op *)launched;
    if (o.c->aborted) return true;
    for (int r = 0; r < o.c->ranks; r++)
        if (o.c->all->given[r] <= o.number) return false;
    return true;
}

static void check_all_agree(const op &o)
{
    const asked &mine = o.of.what;
    for (int r = 0; r < o.c->ranks; r++) {
        const asked &other = o.c->all->what[o.number % SLOTS][r];
        if (mine.in_graph != other.in_graph) stop("collective %ld is in a graph on rank %d, and not on rank %d", (long)o.number + 1, mine.in_graph ? o.c->rank : r, mine.in_graph ? r : o.c->rank);
        if (!(mine == other)) stop("collective %ld is another one, or in another group, on ranks %d and %d", (long)o.number + 1, o.c->rank, r);
    }
}

static void take_sum(const op &o)
{
    const asked &what = o.of.what;
    size_t bytes = what.n * size_of(what.type), at = what.kind == REDUCE_SCATTER ? (size_t)o.c->rank * bytes : 0;
    std::vector<char> sum(o.c->part(o.number, 0) + at, o.c->part(o.number, 0) + at + bytes);
    for (int r = 1; r < o.c->ranks; r++) add_any(what.type, sum.data(), o.c->part(o.number, r) + at, what.n);
    memcpy(o.of.into, sum.data(), bytes);
}

/* The others may have the room of those before which nothing is left to take. */
static void note_taken(communicator *c, int64_t number)
{
    std::lock_guard<std::mutex> hold(c->placing);
    std::atomic<int64_t> &taken = c->all->taken[c->rank];
    c->places[(size_t)(number - taken)].taken = true;
    for (; !c->places.empty() && c->places.front().taken; taken++) c->places.pop_front();
}

static void take(void *launched)
{
    const op &o = *(op *)launched;
    const asked &what = o.of.what;
    if (o.c->aborted) return;
    check_all_agree(o);
    size_t bytes = what.n * size_of(what.type);
    if (what.kind == ALL_GATHER)
        for (int r = 0; r < o.c->ranks; r++) memcpy((char *)o.of.into + (size_t)r * bytes, o.c->part(o.number, r), bytes);
    else if (what.kind == BROADCAST)
        memcpy(o.of.into, o.c->part(o.number, what.root), bytes);
    else
        take_sum(o);
    ran_in_graphs += what.in_graph;
    note_taken(o.c, o.number);
}

bool is_captured(cudaStream_t stream, bool *failed)
{
    enum cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    (void)cuda.is_capturing(stream, &status);
    *failed = status == cudaStreamCaptureStatusInvalidated;
    return status != cudaStreamCaptureStatusNone;
}

void enqueue(const std::shared_ptr<call> &one)
{
    static const played_again gives = {"NCCL gives", launch_give, can_give, give, end_op, end_call};
    static const played_again takes = {"NCCL takes", launch_take, can_take, take, end_op, end_call};
    int before;
    bool failed;
    if (is_captured(one->stream, &failed) != one->what.in_graph) stop("a capture %s while a call goes on", one->what.in_graph ? "ends" : "begins");
    (void)cuda.get_device(&before);
    (void)cuda.set_device(one->c->device);
    cuda.enqueue(one->stream, &gives, new std::shared_ptr<call>(one));
    cuda.enqueue(one->stream, &takes, new std::shared_ptr<call>(one));
    (void)cuda.set_device(before);
}

/* ---- by themselves ---- */

/* The stream of the first collective that is not given; at the end, and where all room is used, that is not taken. */
static cudaStream_t next_stream(communicator *c)
{
    std::lock_guard<std::mutex> hold(c->placing);
    int64_t taken = c->all->taken[c->rank], first = c->ends || c->places.size() > SLOTS ? taken : (int64_t)c->all->given[c->rank];
    return first - taken < (int64_t)c->places.size() ? c->places[(size_t)(first - taken)].stream : nullptr;
}

/* Gives go on whatever the host does; at its end a communicator has done all. */
void go_on(communicator *c)
{
    while (!c->leaves) {
        if (cudaStream_t stream = next_stream(c)) cuda.go_on(stream);
        usleep(200);
    }
}

size_t under_way(communicator *c)
{
    std::lock_guard<std::mutex> hold(c->placing);
    return c->places.size();
}
