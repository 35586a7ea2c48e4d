/* Streams are queues; this file decides who runs when. */
#include "inside.h"

#include <algorithm>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static std::vector<cudaStream_t> &all = *new std::vector<cudaStream_t>; /* a library's thread may look while the program ends */

/* ---- the order ---- */

static uint64_t random_state;
static played_orders order_now;

unsigned random_below(size_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((random_state >> 33) % n);
}

static void set_order(played_orders order, unsigned seed)
{
    order_now = order;
    random_state = seed * 2654435761u + 1;
}

__attribute__((constructor)) static void order_of_environment(void)
{
    static const char *const names[PLAYED_ORDERS] = {"lazy", "at_once", "others_first", "random"};
    const char *named = getenv("PLAYED_ORDER"), *seed = getenv("PLAYED_SEED");
    set_order(PLAYED_AT_RANDOM, seed ? (unsigned)atoi(seed) : 1);
    for (int i = 0; named && i < PLAYED_ORDERS; i++)
        if (strcmp(named, names[i]) == 0) order_now = (played_orders)i;
}

void played_order(played_orders order, unsigned seed)
{
    std::lock_guard<std::mutex> hold(lock);
    set_order(order, seed);
}

/* ---- running ---- */

static bool must_wait(const work &w) { return w.waits && !w.waits->reached; }
static bool is_ready(cudaStream_t s) { return broken[s->device] || !s->queue.front().ready || s->queue.front().ready(); }
static bool can_run(cudaStream_t s) { return !s->queue.empty() && !must_wait(s->queue.front()) && is_ready(s); }

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void run_first(cudaStream_t s)
{
    work w = std::move(s->queue.front());
    s->queue.pop_front();
    counts.queued--;
    if (w.reaches) w.reaches->reached = true, w.reaches->ns = now_ns();
    if (!w.run || broken[s->device]) return;
    memory_open(s->device, w.name, w.other);
    w.run();
}

/* The next of s, or what it waits for before; false if there is nothing, or another process has yet to do its part. */
static bool try_next(cudaStream_t s)
{
    while (!s->queue.empty() && must_wait(s->queue.front())) s = s->queue.front().waits->of;
    if (!can_run(s)) return false;
    run_first(s);
    return true;
}

/* While another process does its part this one's other threads go on. */
static void run_next(cudaStream_t s)
{
    if (try_next(s)) return;
    memory_close();
    lock.unlock();
    usleep(100);
    lock.lock();
}

/* Something of any stream but one; false if there is nothing. */
static bool run_any_but(cudaStream_t one)
{
    std::vector<cudaStream_t> able;
    for (cudaStream_t s : all)
        if (s != one && can_run(s)) able.push_back(s);
    if (able.empty()) return false;
    run_first(able[random_below(able.size())]);
    return true;
}

/* Somebody waits until `done` of stream s. */
static void run_until(cudaStream_t s, const std::function<bool()> &done)
{
    if (order_now == PLAYED_OTHERS_FIRST)
        while (!done() && run_any_but(s)) continue;
    while (!done()) {
        if (order_now == PLAYED_AT_RANDOM && random_below(2)) (void)run_any_but(NULL);
        if (!done()) run_next(s);
    }
    memory_close();
}

void enqueue(cudaStream_t s, work what)
{
    if (s->in) return capture_work(s, std::move(what));
    enum { MOST_QUEUED = 1000 }; /* then a GPU's host waits for room, too */
    s->queue.push_back(std::move(what));
    counts.queued++;
    if (order_now == PLAYED_AT_ONCE || s->queue.size() > MOST_QUEUED) run_until(s, [s] { return s->queue.empty(); });
    if (order_now != PLAYED_AT_RANDOM || random_below(4)) return;
    for (unsigned n = random_below(8); n > 0 && run_any_but(NULL);) n--;
    memory_close();
}

cudaError_t finish(cudaStream_t s)
{
    run_until(s, [s] { return s->queue.empty(); });
    return broken[s->device];
}

void finish_all(void)
{
    for (cudaStream_t s : all) (void)finish(s);
}

void streams_leave(const std::shared_ptr<capture> &ended)
{
    for (cudaStream_t s : all)
        if (s->in == ended) s->in = nullptr;
}

int played_queues(const void *stream)
{
    std::lock_guard<std::mutex> hold(lock);
    return stream && !all.empty();
}

bool is_stream(cudaStream_t s) { return std::find(all.begin(), all.end(), s) != all.end(); }

void played_go_on(void *stream)
{
    std::lock_guard<std::mutex> hold(lock);
    if (is_stream((cudaStream_t)stream)) (void)try_next((cudaStream_t)stream);
    memory_close();
}

/* ---- the runtime's names ---- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) { return cudaStreamCreateWithPriority(stream, flags, 0); }

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int)
{
    std::lock_guard<std::mutex> hold(lock);
    if (broken[current]) return said(broken[current]);
    if (flags != cudaStreamNonBlocking) stop("a stream that waits for stream 0 was asked for");
    *stream = new CUstream_st{current, {}, nullptr, {}};
    all.push_back(*stream);
    counts.streams++;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest)
{
    *least = 0, *greatest = -5;
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t s)
{
    std::lock_guard<std::mutex> hold(lock);
    if (!is_stream(s)) return said(cudaErrorInvalidResourceHandle);
    cudaError_t status = finish(s);
    all.erase(std::find(all.begin(), all.end(), s));
    counts.streams--;
    delete s;
    return said(status);
}

cudaError_t cudaStreamSynchronize(cudaStream_t s)
{
    std::lock_guard<std::mutex> hold(lock);
    if (!is_stream(s)) return said(cudaErrorInvalidResourceHandle);
    counts.waits++;
    if (cudaError_t no = capture_forbids(s)) return no;
    return said(finish(s));
}

cudaError_t cudaDeviceSynchronize(void)
{
    std::lock_guard<std::mutex> hold(lock);
    for (cudaStream_t s : all)
        if (cudaError_t no = capture_forbids(s)) return no;
    counts.waits++;
    finish_all();
    return said(broken[current]);
}

/* Whoever asks again and again must not ask for ever.  That nothing is ready stays the last error: CUDA's guide says it does not,
 * and PyTorch takes it away all the same. */
static cudaError_t ask(cudaStream_t s, const std::function<bool()> &done)
{
    if (broken[s->device]) return said(broken[s->device]);
    if (done()) return cudaSuccess;
    (void)try_next(s);
    memory_close();
    return said(cudaErrorNotReady);
}

cudaError_t cudaStreamQuery(cudaStream_t s)
{
    std::lock_guard<std::mutex> hold(lock);
    if (!is_stream(s)) return said(cudaErrorInvalidResourceHandle);
    if (cudaError_t no = capture_forbids(s)) return no;
    return ask(s, [s] { return s->queue.empty(); });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    std::lock_guard<std::mutex> hold(lock);
    if (broken[current]) return said(broken[current]);
    *event = new CUevent_st{current, flags != cudaEventDisableTiming, nullptr};
    counts.events++;
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    std::lock_guard<std::mutex> hold(lock);
    counts.events--;
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t s)
{
    std::lock_guard<std::mutex> hold(lock);
    if (!is_stream(s) || event->device != s->device) return said(cudaErrorInvalidResourceHandle);
    if (broken[s->device]) return said(broken[s->device]);
    event->latest = std::make_shared<mark>(mark{s, false, 0, s->in, s->nodes});
    if (s->in) return cudaSuccess;
    enqueue(s, {"an event", nullptr, nullptr, event->latest});
    return cudaSuccess;
}

/* What the event is recorded at later does not count. */
cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t event, unsigned)
{
    std::lock_guard<std::mutex> hold(lock);
    if (!is_stream(s)) return said(cudaErrorInvalidResourceHandle);
    if (broken[s->device]) return said(broken[s->device]);
    if (!event->latest) return cudaSuccess;
    if (s->in || event->latest->in) return capture_wait(s, event->latest);
    enqueue(s, {"a wait", nullptr, event->latest, nullptr});
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    std::lock_guard<std::mutex> hold(lock);
    counts.waits++;
    std::shared_ptr<mark> m = event->latest;
    if (!m) return cudaSuccess;
    if (m->in) return said(cudaErrorCapturedEvent);
    if (!m->reached) run_until(m->of, [m] { return m->reached; });
    return said(broken[current]);
}

cudaError_t cudaEventQuery(cudaEvent_t event)
{
    std::lock_guard<std::mutex> hold(lock);
    std::shared_ptr<mark> m = event->latest;
    if (cudaError_t no = capture_forbids_here()) return no;
    if (m && m->in) return said(cudaErrorCapturedEvent);
    return m && !m->reached ? ask(m->of, [m] { return m->reached; }) : said(broken[current]);
}

/* Looks at no stream: an event that nobody has found reached yet may be. */
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t begin, cudaEvent_t end)
{
    std::lock_guard<std::mutex> hold(lock);
    if (!begin->timed || !end->timed || !begin->latest || !end->latest) return said(cudaErrorInvalidResourceHandle);
    if (begin->device != end->device || begin->latest->in || end->latest->in) return said(cudaErrorInvalidResourceHandle);
    if (broken[begin->device]) return said(broken[begin->device]);
    if (!begin->latest->reached || !end->latest->reached) return said(cudaErrorNotReady);
    *ms = (float)(1e-6 * (double)(end->latest->ns - begin->latest->ns));
    return cudaSuccess;
}
