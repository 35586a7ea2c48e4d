/* The played runtime itself: what it is there to find, it finds, and what is right passes in every order. */
#include "played/cuda_runtime_api.h"
#include "played/played.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "on_fibres.h"

void fibres_check(void *stream, const char *name, const void *pointer); /* fibres.h */

enum { BYTES = 1000 };

static cudaMemPool_t pool;
static cudaStream_t one, other;
static unsigned char *host; /* pinned */

static void begin(played_orders order, unsigned seed)
{
    played_order(order, seed);
    if (pool) (void)cudaDeviceSynchronize(); /* what the test before left is done */
    if (pool) return;
    struct cudaMemPoolProps props = {.allocType = cudaMemAllocationTypePinned, .location = {cudaMemLocationTypeDevice, 0}};
    assert_int_equal(cudaMemPoolCreate(&pool, &props), cudaSuccess);
    assert_int_equal(cudaStreamCreateWithFlags(&one, cudaStreamNonBlocking), cudaSuccess);
    assert_int_equal(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking), cudaSuccess);
    assert_int_equal(cudaHostAlloc((void **)&host, BYTES, 0), cudaSuccess);
}

static char *block(void)
{
    void *p = NULL;
    assert_int_equal(cudaMallocFromPoolAsync(&p, BYTES, pool, one), cudaSuccess);
    return p;
}

#define in_every_order(seed)                         \
 for (int order = 0; order < PLAYED_ORDERS; order++) \
  for (unsigned seed = 0; seed < 8; seed++)

/* What a child that does it meets: its signal, 0 if none. */
static int ends_by(void (*does)(char *p), char *p)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        does(p);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

TEST(what_is_asked_for_is_done_when_somebody_waits)
{
    begin(PLAYED_LAZY, 0);
    char *p = block();
    memset(host, 7, BYTES);
    assert_int_equal(cudaMemsetAsync(p, 1, BYTES, one), cudaSuccess);
    assert_int_equal(cudaMemcpyAsync(host, p, BYTES, cudaMemcpyDeviceToHost, one), cudaSuccess);
    assert_int_equal(host[0], 7);
    assert_int_equal(cudaStreamSynchronize(one), cudaSuccess);
    assert_int_equal(host[BYTES - 1], 1);
    assert_int_equal(cudaFreeAsync(p, one), cudaSuccess);
}

/* Copied on another stream, with and without what orders the two. */
static int copied(bool waits)
{
    cudaEvent_t event;
    char *p = block();
    assert_int_equal(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), cudaSuccess);
    assert_int_equal(cudaMemsetAsync(p, 1, BYTES, one), cudaSuccess);
    assert_int_equal(cudaEventRecord(event, one), cudaSuccess);
    if (waits) assert_int_equal(cudaStreamWaitEvent(other, event, 0), cudaSuccess);
    assert_int_equal(cudaMemcpyAsync(host, p, BYTES, cudaMemcpyDeviceToHost, other), cudaSuccess);
    assert_int_equal(cudaStreamSynchronize(other), cudaSuccess);
    int met = host[0];
    assert_int_equal(cudaStreamSynchronize(one), cudaSuccess);
    assert_int_equal(cudaFreeAsync(p, one), cudaSuccess);
    assert_int_equal(cudaEventDestroy(event), cudaSuccess);
    return met;
}

TEST(an_event_orders_two_streams)
{
    in_every_order(seed)
    {
        begin((played_orders)order, seed);
        assert_int_equal(copied(true), 1);
    }
}

TEST(an_event_that_is_missing_shows)
{
    begin(PLAYED_LAZY, 0);
    assert_int_equal(copied(false), 0xff);
}

TEST(what_is_freed_too_early_shows)
{
    begin(PLAYED_OTHERS_FIRST, 0);
    char *p = block();
    assert_int_equal(cudaMemsetAsync(p, 1, BYTES, one), cudaSuccess);
    assert_int_equal(cudaStreamSynchronize(one), cudaSuccess);
    assert_int_equal(cudaMemcpyAsync(host, p, BYTES, cudaMemcpyDeviceToHost, other), cudaSuccess);
    assert_int_equal(cudaFreeAsync(p, one), cudaSuccess); /* other may not have read it */
    assert_int_equal(cudaStreamSynchronize(other), cudaSuccess);
    assert_int_equal(host[0], 0xff);
}

static void read_it(char *p) { (void)*(volatile char *)p; }
static void free_it_twice(char *p)
{
    if (cudaFreeAsync(p, one) == cudaSuccess && cudaFreeAsync(p, one) == cudaErrorInvalidValue) _exit(3);
}
static void write_beyond(void *p) { ((char *)p)[BYTES] = 1; }
static void nothing(void *p) { (void)p; }
static void write_beyond_it(char *p)
{
    played_enqueue(one, "a write beyond", write_beyond, nothing, p);
    (void)cudaFreeAsync(p, one);
    (void)cudaStreamSynchronize(one);
}
static void write_freed(char *p)
{
    (void)cudaFreeAsync(p, one);
    played_enqueue(one, "a write", write_beyond, nothing, p - 1);
    (void)block();
    (void)cudaStreamSynchronize(one);
}
static void launch_on_host(char *p)
{
    int here = 0;
    (void)p;
    fibres_check(one, "a launch", &here);
}

TEST(mistakes_with_memory_end_the_program)
{
    begin(PLAYED_AT_ONCE, 0);
    char *p = block();
    assert_int_not_equal(ends_by(read_it, p), 0); /* a sanitizer that takes the signal ends it in its own way */
    assert_int_equal(ends_by(free_it_twice, p), 3);
    assert_int_not_equal(ends_by(write_beyond_it, p), 0);
    assert_int_not_equal(ends_by(write_freed, p), 0);
    assert_int_not_equal(ends_by(launch_on_host, p), 0);
    assert_int_equal(cudaFreeAsync(p, one), cudaSuccess);
}

TEST(copies_are_checked_and_those_of_ordinary_memory_counted)
{
    char ordinary[BYTES] = {3};
    played_counts before, after;
    begin(PLAYED_LAZY, 0);
    char *p = block();
    assert_int_equal(cudaMemcpyAsync(p, host, BYTES + 1, cudaMemcpyHostToDevice, one), cudaErrorInvalidValue);
    assert_int_equal(cudaMemcpyAsync(p, host, BYTES, cudaMemcpyDeviceToHost, one), cudaErrorInvalidValue);
    assert_int_equal(cudaGetLastError(), cudaErrorInvalidValue);
    played_count(&before);
    assert_int_equal(cudaMemcpyAsync(p, host, BYTES, cudaMemcpyHostToDevice, one), cudaSuccess);
    assert_int_equal(cudaMemcpyAsync(p, ordinary, BYTES, cudaMemcpyHostToDevice, one), cudaSuccess);
    ordinary[0] = 4; /* was taken already */
    played_count(&after);
    assert_int_equal(after.pageable, before.pageable + 1);
    assert_int_equal(after.waits, before.waits + 1);
    assert_int_equal(cudaMemcpyAsync(ordinary, p, BYTES, cudaMemcpyDeviceToHost, one), cudaSuccess);
    assert_int_equal(ordinary[0], 3);
    assert_int_equal(cudaFreeAsync(p, one), cudaSuccess);
}

TEST(there_is_as_much_memory_as_a_test_says)
{
    void *p;
    begin(PLAYED_LAZY, 0);
    played_limit(BYTES - 1);
    assert_int_equal(cudaMallocFromPoolAsync(&p, BYTES, pool, one), cudaErrorMemoryAllocation);
    played_limit(0);
    played_fail_at(2, 0);
    char *first = block();
    assert_int_equal(cudaMallocFromPoolAsync(&p, BYTES, pool, one), cudaErrorMemoryAllocation);
    assert_int_equal(cudaGetLastError(), cudaErrorMemoryAllocation);
    char *third = block();
    assert_int_equal(cudaFreeAsync(first, one), cudaSuccess);
    assert_int_equal(cudaFreeAsync(third, one), cudaSuccess);
}

/* In a child, since a device that failed stays so. */
static void fault(char *p)
{
    played_fault_at(1, cudaErrorIllegalAddress);
    played_enqueue(one, "a launch", nothing, nothing, p);
    if (cudaGetLastError() != cudaSuccess) _exit(1);
    if (cudaStreamSynchronize(one) != cudaErrorIllegalAddress) _exit(2);
    if (cudaMemsetAsync(p, 0, BYTES, one) != cudaErrorIllegalAddress) _exit(3);
    _exit(cudaSetDevice(1) == cudaSuccess ? 4 : 5);
}

TEST(a_fault_stays)
{
    begin(PLAYED_LAZY, 0);
    char *p = block();
    assert_int_equal(ends_by(fault, p), 4);
    assert_int_equal(cudaFreeAsync(p, one), cudaSuccess);
}

/* ---- graphs ---- */

static void begin_capture(void) { assert_int_equal(cudaStreamBeginCapture(one, cudaStreamCaptureModeThreadLocal), cudaSuccess); }

static cudaError_t end_capture(cudaGraphExec_t *made)
{
    cudaGraph_t graph;
    cudaError_t status = cudaStreamEndCapture(one, &graph);
    if (status) return (void)cudaGetLastError(), status;
    assert_int_equal(cudaGraphInstantiate(made, graph, 0), cudaSuccess);
    return cudaGraphDestroy(graph);
}

TEST(a_graph_does_again_what_was_captured)
{
    in_every_order(seed)
    {
        begin((played_orders)order, seed);
        char *p = block();
        cudaGraphExec_t made = NULL;
        cudaEvent_t fork_, join;
        assert_int_equal(cudaEventCreateWithFlags(&fork_, cudaEventDisableTiming), cudaSuccess);
        assert_int_equal(cudaEventCreateWithFlags(&join, cudaEventDisableTiming), cudaSuccess);
        memset(host, 7, BYTES);
        begin_capture();
        assert_int_equal(cudaMemsetAsync(p, 1, BYTES, one), cudaSuccess);
        assert_int_equal(cudaEventRecord(fork_, one), cudaSuccess);
        assert_int_equal(cudaStreamWaitEvent(other, fork_, 0), cudaSuccess);
        assert_int_equal(cudaMemsetAsync(p, 2, BYTES / 2, other), cudaSuccess);
        assert_int_equal(cudaEventRecord(join, other), cudaSuccess);
        assert_int_equal(cudaStreamWaitEvent(one, join, 0), cudaSuccess);
        assert_int_equal(cudaMemcpyAsync(host, p, BYTES, cudaMemcpyDeviceToHost, one), cudaSuccess);
        assert_int_equal(end_capture(&made), cudaSuccess);
        assert_int_equal(cudaStreamSynchronize(one), cudaSuccess);
        assert_int_equal(host[0], 7); /* nothing was done yet */
        for (int again = 0; again < 2; again++) {
            memset(host, 7, BYTES);
            assert_int_equal(cudaGraphLaunch(made, one), cudaSuccess);
            assert_int_equal(cudaStreamSynchronize(one), cudaSuccess);
            assert_int_equal(host[0], 2);
            assert_int_equal(host[BYTES - 1], 1);
        }
        assert_int_equal(cudaGraphExecDestroy(made), cudaSuccess);
        assert_int_equal(cudaEventDestroy(fork_), cudaSuccess);
        assert_int_equal(cudaEventDestroy(join), cudaSuccess);
        assert_int_equal(cudaFreeAsync(p, one), cudaSuccess);
    }
}

/* What a library counts: the n-th launch writes n into its byte of the host's. */
static struct {
    int launches, done, ended, gone;
    bool open;
    const void *stream; /* that graphs are launched in */
} library;
typedef struct {
    int at, n;
    const void *stream;
} piece;

static void *next_piece(void *at, void *stream)
{
    piece *p = malloc(sizeof *p);
    *p = (piece){(int)(intptr_t)at, ++library.launches, stream};
    return p;
}
static int is_open(void *p) { return (void)p, library.open; }
static void write_number(void *data)
{
    piece *p = data;
    bool in_order = p->n == ++library.done && p->stream == library.stream;
    host[p->at] = (unsigned char)(in_order ? p->n : 0);
}
static void end_piece(void *p)
{
    library.ended++;
    free(p);
}
static void gone(void *at) { (void)at, library.gone++; }

static void ask_piece(cudaStream_t stream, int at)
{
    static const played_again numbers = {"a number", next_piece, is_open, write_number, end_piece, gone};
    played_enqueue_again(stream, &numbers, (void *)(intptr_t)at);
}

/* Of one stream and another, which no event orders but the last. */
static cudaGraphExec_t captured_pieces(void)
{
    cudaEvent_t event;
    cudaGraphExec_t made = NULL;
    assert_int_equal(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), cudaSuccess);
    begin_capture();
    assert_int_equal(cudaEventRecord(event, one), cudaSuccess);
    assert_int_equal(cudaStreamWaitEvent(other, event, 0), cudaSuccess);
    ask_piece(other, 0);
    ask_piece(one, 1);
    ask_piece(other, 2);
    assert_int_equal(cudaEventRecord(event, other), cudaSuccess);
    assert_int_equal(cudaStreamWaitEvent(one, event, 0), cudaSuccess);
    assert_int_equal(end_capture(&made), cudaSuccess);
    assert_int_equal(cudaEventDestroy(event), cudaSuccess);
    return made;
}

static void assert_pieces(int first)
{
    for (int i = 0; i < 3; i++) assert_int_equal(host[i], first + i);
}

TEST(what_a_library_does_is_another_work_in_every_launch_of_a_graph)
{
    in_every_order(seed)
    {
        begin((played_orders)order, seed);
        memset(&library, 0, sizeof library);
        library.open = true;
        cudaGraphExec_t made = captured_pieces();
        assert_int_equal(library.launches + library.gone, 0);
        for (int i = 0; i < 5; i++) {
            library.stream = i % 2 ? other : one;
            assert_int_equal(cudaGraphLaunch(made, i % 2 ? other : one), cudaSuccess);
            assert_int_equal(library.launches, 3 * (i + 1));
            assert_int_equal(cudaDeviceSynchronize(), cudaSuccess);
            assert_pieces(3 * i + 1);
        }
        assert_int_equal(library.ended, 15);
        assert_int_equal(library.gone, 0);
        assert_int_equal(cudaGraphExecDestroy(made), cudaSuccess);
        assert_int_equal(library.gone, 3);
    }
}

TEST(work_of_a_library_is_numbered_when_its_graph_is_launched_and_gone_when_that_has_ended)
{
    begin(PLAYED_LAZY, 0);
    memset(&library, 0, sizeof library);
    cudaGraphExec_t made = captured_pieces();
    library.stream = one;
    assert_int_equal(cudaGraphLaunch(made, one), cudaSuccess);
    ask_piece(other, 3);
    assert_int_equal(cudaGraphExecDestroy(made), cudaSuccess);
    assert_int_equal(library.launches, 4);
    assert_int_equal(cudaStreamQuery(one), cudaErrorNotReady);
    assert_int_equal(cudaStreamQuery(one), cudaErrorNotReady);
    assert_int_equal(library.done + library.gone, 0);
    library.open = true;
    assert_int_equal(cudaStreamSynchronize(one), cudaSuccess);
    assert_int_equal(library.gone, 3);
    library.stream = other;
    assert_int_equal(cudaStreamSynchronize(other), cudaSuccess);
    assert_int_equal(library.gone, 4);
    assert_pieces(1);
    assert_int_equal(host[3], 4);
}

TEST(work_of_a_library_in_a_capture_that_failed_is_gone)
{
    begin(PLAYED_LAZY, 0);
    memset(&library, 0, sizeof library);
    cudaGraphExec_t made = NULL;
    cudaEvent_t event;
    assert_int_equal(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), cudaSuccess);
    begin_capture();
    ask_piece(one, 0);
    assert_int_equal(cudaEventRecord(event, one), cudaSuccess);
    assert_int_equal(cudaStreamSynchronize(one), cudaErrorStreamCaptureUnsupported);
    assert_int_equal(end_capture(&made), cudaErrorStreamCaptureInvalidated);
    assert_int_equal(library.gone, 1);
    assert_int_equal(cudaEventDestroy(event), cudaSuccess);
}

TEST(what_a_capture_forbids_ends_it)
{
    begin(PLAYED_LAZY, 0);
    char ordinary[BYTES], *p = block();
    cudaGraphExec_t made = NULL;
    cudaEvent_t event, outside;
    void *q;
    assert_int_equal(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), cudaSuccess);
    assert_int_equal(cudaEventCreateWithFlags(&outside, cudaEventDisableTiming), cudaSuccess);
    assert_int_equal(cudaEventRecord(outside, other), cudaSuccess);

    begin_capture();
    assert_int_equal(cudaStreamSynchronize(one), cudaErrorStreamCaptureUnsupported);
    assert_int_equal(end_capture(&made), cudaErrorStreamCaptureInvalidated);
    begin_capture();
    assert_int_equal(cudaMalloc(&q, 1), cudaErrorStreamCaptureUnsupported);
    assert_int_equal(end_capture(&made), cudaErrorStreamCaptureInvalidated);
    begin_capture();
    assert_int_equal(cudaMemcpyAsync(ordinary, p, BYTES, cudaMemcpyDeviceToHost, one), cudaErrorStreamCaptureUnsupported);
    assert_int_equal(end_capture(&made), cudaErrorStreamCaptureInvalidated);
    begin_capture();
    assert_int_equal(cudaStreamWaitEvent(one, outside, 0), cudaErrorStreamCaptureIsolation);
    assert_int_equal(end_capture(&made), cudaErrorStreamCaptureInvalidated);
    begin_capture();
    assert_int_equal(cudaEventRecord(event, one), cudaSuccess);
    assert_int_equal(cudaEventSynchronize(event), cudaErrorCapturedEvent);
    assert_int_equal(cudaStreamWaitEvent(other, event, 0), cudaSuccess);
    assert_int_equal(cudaMemsetAsync(p, 1, BYTES, other), cudaSuccess);
    assert_int_equal(end_capture(&made), cudaErrorStreamCaptureUnjoined);

    assert_int_equal(cudaEventDestroy(event), cudaSuccess);
    assert_int_equal(cudaEventDestroy(outside), cudaSuccess);
    assert_int_equal(cudaFreeAsync(p, one), cudaSuccess);
}
