/* Ranks of one host meet in a file that all of them map.  A collective is two pieces of work of the stream it is asked for in:
 *
 *     give    copies what the rank brings into the file, once everybody has taken what stood there before
 *     take    adds up in the order of ranks, once everybody has given
 *
 * so that a stream that was not told to wait for another brings what is not there yet.  As on a GPU gives go on by
 * themselves, by a thread; takes wait until somebody needs them. */
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
    find(object, "played_enqueue_when", cuda.enqueue);
    find(object, "played_reaches", cuda.reaches);
    find(object, "cudaGetDevice", cuda.get_device);
    find(object, "cudaSetDevice", cuda.set_device);
    find(object, "cudaEventCreateWithFlags", cuda.event_new);
    find(object, "cudaEventRecord", cuda.event_record);
    find(object, "cudaEventQuery", cuda.event_query);
    find(object, "cudaEventDestroy", cuda.event_end);
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

void enqueue(communicator *c, op *o)
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
void go_on(communicator *c)
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
