/* The played NCCL itself, in graphs: what a library's tests with it rely on.  Ranks are processes of one test. */
#include "../played/cuda_runtime_api.h"
#include "../played/played.h"
#include "dist/nccl_calls.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int ncclGetUniqueId(nccl_id *id);
int ncclCommInitRankConfig(void **comm, int ranks, nccl_id id, int rank, nccl_config *config);
int ncclCommGetAsyncError(void *comm, int *state);
int ncclCommFinalize(void *comm);
int ncclCommDestroy(void *comm);
int ncclCommAbort(void *comm);
int ncclGroupStart(void);
int ncclGroupEnd(void);
int ncclAllReduce(const void *from, void *into, size_t n, int type, int add, void *comm, void *stream);
int ncclReduceScatter(const void *from, void *into, size_t n, int type, int add, void *comm, void *stream);
int ncclAllGather(const void *from, void *into, size_t n, int type, void *comm, void *stream);
int ncclRedOpCreatePreMulSum(int *add, void *weight, int type, int residence, void *comm);
int ncclRedOpDestroy(int add, void *comm);
int64_t fake_nccl_launches(void);
int64_t fake_nccl_captured(void);

/* ---- ranks ---- */

enum { MOST = 3,
       N = 4,
       LAUNCHES = 5,
       MANY = 20,
       READ_ON_DEVICE = 0,
       PAGE = 4096 };

static nccl_id id;
static int rank, ranks;
static volatile int *signal_; /* that ranks see */
static char heard[PAGE];      /* what they wrote to stderr */

#define must(claim)                                                   \
 do {                                                                 \
  if (!(claim)) {                                                     \
   fprintf(stderr, "rank %d: line %d: %s\n", rank, __LINE__, #claim); \
   _exit(1);                                                          \
  }                                                                   \
 } while (0)

static void listen_to(int pipe_end)
{
    size_t length = 0;
    for (ssize_t n; length + 1 < sizeof heard && (n = read(pipe_end, heard + length, sizeof heard - 1 - length)) > 0;) length += (size_t)n;
    heard[length] = '\0';
    close(pipe_end);
}

/* 0: all of n ranks ended well.  When one does not, the others are ended. */
static int in_ranks(int n, void (*does)(void))
{
    int told[2], status, worst = 0;
    pid_t of[MOST];
    assert_int_equal(ncclGetUniqueId(&id), NCCL_DONE);
    assert_int_equal(pipe(told), 0);
    signal_ = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fflush(NULL);
    for (rank = 0, ranks = n; rank < n; rank++) {
        of[rank] = fork();
        assert_true(of[rank] >= 0);
        if (of[rank] > 0) continue;
        alarm(60);
        dup2(told[1], STDERR_FILENO);
        close(told[0]), close(told[1]);
        does();
        _exit(0);
    }
    close(told[1]);
    for (int left = n; left > 0; left--) {
        pid_t one = wait(&status);
        for (int r = 0; r < n; r++) {
            if (of[r] == one) of[r] = 0;
            if (status && !worst && of[r] > 0) (void)kill(of[r], SIGKILL);
        }
        if (!worst) worst = status;
    }
    listen_to(told[0]);
    munmap((void *)signal_, PAGE);
    (void)unlink(id.bytes);
    return worst;
}

static void assert_well(int n, void (*does)(void))
{
    if (in_ranks(n, does)) fail_msg("%s", heard);
}

static void assert_stopped(int n, void (*does)(void), const char *words)
{
    assert_int_not_equal(in_ranks(n, does), 0);
    if (!strstr(heard, words)) fail_msg("expected \"%s\": %s", words, heard);
}

/* ---- what each has ---- */

static void *comm;
static cudaStream_t own, side;
static cudaEvent_t mark;
static cudaMemPool_t pool;

static int state(void)
{
    int now;
    must(ncclCommGetAsyncError(comm, &now) == NCCL_DONE);
    return now;
}

static void settle(void)
{
    int now;
    while ((now = state()) == NCCL_GOES_ON) usleep(100);
    must(now == NCCL_DONE);
}

static void goes_on_for_long(void)
{
    for (int i = 0; i < 50; i++, usleep(1000)) must(state() == NCCL_GOES_ON);
}

static void begin(void)
{
    nccl_config config = NCCL_NOT_BLOCKING;
    struct cudaMemPoolProps props = {.allocType = cudaMemAllocationTypePinned, .location = {cudaMemLocationTypeDevice, 0}};
    must(!cudaMemPoolCreate(&pool, &props) && !cudaEventCreateWithFlags(&mark, cudaEventDisableTiming));
    must(!cudaStreamCreateWithFlags(&own, cudaStreamNonBlocking) && !cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking));
    must(ncclCommInitRankConfig(&comm, ranks, id, rank, &config) == NCCL_GOES_ON);
    settle();
}

static void finish(void)
{
    must(ncclCommFinalize(comm) == NCCL_GOES_ON);
    settle();
    must(ncclCommDestroy(comm) == NCCL_DONE);
}

static void *block(size_t bytes)
{
    void *p;
    must(!cudaMallocFromPoolAsync(&p, bytes, pool, own));
    return p;
}

static void *pinned(size_t bytes)
{
    void *p;
    must(!cudaHostAlloc(&p, bytes, 0));
    return p;
}

static void after(cudaStream_t later, cudaStream_t earlier) { must(!cudaEventRecord(mark, earlier) && !cudaStreamWaitEvent(later, mark, 0)); }
static void to_device(void *to, const void *from, size_t bytes) { must(!cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, own)); }
static void to_host(void *to, const void *from, size_t bytes) { must(!cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, own)); }

static void asked(int status)
{
    must(status == NCCL_DONE || status == NCCL_GOES_ON);
    settle();
}

static int weighed(void *weight, int type, int residence)
{
    int add;
    must(ncclRedOpCreatePreMulSum(&add, weight, type, residence, comm) == NCCL_DONE);
    return add;
}

/* The sum of w x, in the side stream; its operator has ended then. */
static void ask_sum(float *x, float *into, float *w, int residence)
{
    int add = weighed(w, NCCL_F32, residence);
    asked(ncclAllReduce(x, into, N, NCCL_F32, add, comm, side));
    must(ncclRedOpDestroy(add, comm) == NCCL_DONE);
}

static void begin_capture(void) { must(!cudaStreamBeginCapture(own, cudaStreamCaptureModeThreadLocal)); }

static cudaGraphExec_t end_capture(void)
{
    cudaGraph_t graph;
    cudaGraphExec_t made;
    must(!cudaStreamEndCapture(own, &graph) && !cudaGraphInstantiate(&made, graph, 0) && !cudaGraphDestroy(graph));
    return made;
}

/* x += x of the others, in the side stream. */
static cudaGraphExec_t captured_sum(float *x)
{
    begin_capture();
    after(side, own);
    asked(ncclAllReduce(x, x, N, NCCL_F32, NCCL_ADD, comm, side));
    after(own, side);
    return end_capture();
}

static void launch(cudaGraphExec_t graph) { must(!cudaGraphLaunch(graph, own)); }

/* ---- values ---- */

static float number(int r, int launched, int i) { return (float)(100 * r + 10 * launched + i); }
static float weight_of(int r, int launched) { return (float)(1 + r + 2 * launched); }

/* y = sum of w x; and in one group d's own part of the sum of v d, and all ranks' g. */
typedef struct {
    float *x, *y, *w;
    double *d, *part, *v;
    char *g, *all;
} numbers;

static cudaGraphExec_t captured_group(const numbers *of)
{
    begin_capture();
    after(side, own);
    ask_sum(of->x, of->y, of->w, READ_ON_DEVICE);
    int add = weighed(of->v, NCCL_F64, READ_ON_DEVICE);
    must(ncclGroupStart() == NCCL_DONE);
    must(ncclReduceScatter(of->d, of->part, 1, NCCL_F64, add, comm, side) == NCCL_DONE);
    must(ncclAllGather(of->g, of->all, 1, NCCL_U8, comm, side) == NCCL_DONE);
    asked(ncclGroupEnd());
    must(ncclRedOpDestroy(add, comm) == NCCL_DONE);
    after(own, side);
    return end_capture();
}

typedef struct { /* of a launch, on the host */
    float x[N], y[N], w, twice[N];
    double d[MOST], part, v;
    char g, all[MOST];
} row_;

static void check(const row_ *got, int launched)
{
    for (int i = 0; i < N; i++) {
        float sum = 0, weights = 0;
        for (int r = 0; r < ranks; r++) sum += weight_of(r, launched) * number(r, launched, i), weights += weight_of(r, launched);
        must(got->y[i] == sum);
        must(launched % 2 == 0 || got->twice[i] == weights * sum);
    }
    double part = 0;
    for (int r = 0; r < ranks; r++) part += (double)(weight_of(r, launched) * number(r, launched, rank));
    must(got->part == part);
    for (int r = 0; r < ranks; r++) must(got->all[r] == r + launched);
}

/* Launched again and again, beside calls that no graph has, before anybody looks. */
static void launches_of(cudaGraphExec_t graph, const numbers *of, row_ *rows)
{
    for (int l = 0; l < LAUNCHES; l++) {
        row_ *one = rows + l;
        for (int i = 0; i < N; i++) one->x[i] = number(rank, l, i);
        for (int r = 0; r < ranks; r++) one->d[r] = (double)number(rank, l, r);
        one->v = (double)(one->w = weight_of(rank, l)), one->g = (char)(rank + l);
        to_device(of->x, one->x, sizeof one->x), to_device(of->w, &one->w, sizeof one->w);
        to_device(of->d, one->d, sizeof one->d), to_device(of->v, &one->v, sizeof one->v), to_device(of->g, &one->g, 1);
        launch(graph);
        to_host(one->y, of->y, sizeof one->y), to_host(&one->part, of->part, sizeof one->part), to_host(one->all, of->all, (size_t)ranks);
        if (l % 2 == 0) continue;
        after(side, own);
        ask_sum(of->y, of->y, of->w, READ_ON_DEVICE);
        after(own, side);
        to_host(one->twice, of->y, sizeof one->twice);
    }
    must(!cudaStreamSynchronize(own));
    for (int l = 0; l < LAUNCHES; l++) check(rows + l, l);
}

static void sums_in_every_order(void)
{
    begin();
    numbers of = {block(N * sizeof(float)), block(N * sizeof(float)), block(sizeof(float)), block(MOST * sizeof(double)), block(sizeof(double)), block(sizeof(double)), block(1), block(MOST)};
    row_ *rows = pinned(LAUNCHES * sizeof *rows);
    for (int order = 0; order < 3 * PLAYED_ORDERS; order++) {
        played_order((played_orders)(order % PLAYED_ORDERS), (unsigned)(order + rank));
        int64_t calls = fake_nccl_launches(), before = fake_nccl_captured();
        cudaGraphExec_t graph = captured_group(&of);
        must(fake_nccl_launches() == calls + 2);
        launches_of(graph, &of, rows);
        must(fake_nccl_launches() == calls + 2 + LAUNCHES / 2);
        must(fake_nccl_captured() == before + 3 * (int64_t)LAUNCHES);
        must(!cudaGraphExecDestroy(graph));
    }
    finish();
}

TEST(every_launch_sums_what_is_there_then_in_every_order)
{
    for (int n = 1; n <= MOST; n++) assert_well(n, sums_in_every_order);
}

static void weight_of_the_host(void)
{
    begin();
    float *x = block(N * sizeof(float)), *told = pinned(N * sizeof(float)), w = 3;
    for (int i = 0; i < N; i++) told[i] = 1;
    to_device(x, told, N * sizeof(float));
    begin_capture();
    after(side, own);
    ask_sum(x, x, &w, NCCL_SCALAR_OF_HOST);
    after(own, side);
    cudaGraphExec_t graph = end_capture();
    w = 5;
    launch(graph), launch(graph);
    to_host(told, x, N * sizeof(float));
    must(!cudaStreamSynchronize(own));
    must(told[N - 1] == (float)(9 * ranks * ranks));
    must(!cudaGraphExecDestroy(graph));
    finish();
}

TEST(a_weight_of_the_host_stays_what_it_was) { assert_well(2, weight_of_the_host); }

/* Ready only after the collective, for all that the graph says. */
static void unordered(void)
{
    begin();
    float *x = block(N * sizeof(float)), *told = pinned(2 * N * sizeof(float));
    int wrong = 0;
    begin_capture();
    after(side, own);
    to_device(x, told, N * sizeof(float));
    asked(ncclAllReduce(x, x, N, NCCL_F32, NCCL_ADD, comm, side));
    after(own, side);
    cudaGraphExec_t graph = end_capture();
    for (int i = 0; i < 30; i++) {
        told[0] = (float)(i + 1);
        launch(graph);
        to_host(told + N, x, N * sizeof(float));
        must(!cudaStreamSynchronize(own));
        wrong += told[N] != (float)(ranks * (i + 1));
    }
    must(wrong > 0);
    must(!cudaGraphExecDestroy(graph));
    finish();
}

TEST(a_collective_that_a_graph_does_not_order_shows) { assert_well(2, unordered); }

/* What was launched later is looked for first; there is more of it than ranks have room for. */
static void two_streams(void)
{
    begin();
    float *x = block(N * sizeof(float)), *y = block(N * sizeof(float)), *told = pinned(2 * N * sizeof(float));
    cudaGraphExec_t graph = captured_sum(x);
    for (int order = 0; order < PLAYED_ORDERS; order++) {
        played_order((played_orders)order, 0);
        for (int i = 0; i < 2 * N; i++) told[i] = i < N ? 1 : 2;
        to_device(y, told + N, N * sizeof(float));
        after(side, own);
        to_device(x, told, N * sizeof(float));
        launch(graph);
        for (int i = 0; i < MANY; i++) asked(ncclAllReduce(y, y, N, NCCL_F32, NCCL_ADD, comm, side));
        must(!cudaStreamSynchronize(rank ? own : side) && !cudaStreamSynchronize(rank ? side : own));
        to_host(told, x, N * sizeof(float)), to_host(told + N, y, N * sizeof(float));
        must(!cudaStreamSynchronize(own));
        must(told[N - 1] == (float)ranks && told[N] == (float)(2 << MANY));
    }
    must(!cudaGraphExecDestroy(graph));
    finish();
}

TEST(collectives_of_two_streams_meet_in_the_order_of_launches) { assert_well(2, two_streams); }

/* ---- nobody waits for a host ---- */

static void rank_0_rests(void)
{
    begin();
    played_order(PLAYED_LAZY, 0);
    float *x = block(N * sizeof(float)), *told = pinned(N * sizeof(float));
    for (int i = 0; i < N; i++) told[i] = 1;
    to_device(x, told, N * sizeof(float));
    cudaGraphExec_t graph = captured_sum(x);
    for (int i = 0; i < LAUNCHES; i++) launch(graph);
    while (rank == 0 && !*signal_) usleep(1000);
    to_host(told, x, N * sizeof(float));
    must(!cudaStreamSynchronize(own));
    if (rank == 1) *signal_ = 1;
    must(told[N - 1] == (float)(1 << LAUNCHES));
    must(!cudaGraphExecDestroy(graph));
    finish();
}

TEST(what_a_graph_brings_goes_on_by_itself) { assert_well(2, rank_0_rests); }

/* ---- together ---- */

static void rank_0_captures_first(void)
{
    begin();
    float *x = block(N * sizeof(float));
    while (rank == 1 && !*signal_) usleep(1000);
    begin_capture();
    must(ncclAllReduce(x, x, N, NCCL_F32, NCCL_ADD, comm, own) == NCCL_GOES_ON);
    if (rank == 0) goes_on_for_long();
    *signal_ = 1;
    settle();
    must(!cudaGraphExecDestroy(end_capture()));
    finish();
}

TEST(a_rank_that_captures_alone_waits_for_the_others) { assert_well(2, rank_0_captures_first); }

static void rank_1_does_without(void)
{
    begin();
    float *x = block(N * sizeof(float));
    cudaGraphExec_t graph = captured_sum(x);
    if (rank == 0)
        launch(graph);
    else
        asked(ncclAllReduce(x, x, N, NCCL_F32, NCCL_ADD, comm, own));
    must(!cudaStreamSynchronize(own));
}

TEST(ranks_of_which_one_has_it_in_a_graph_are_stopped) { assert_stopped(2, rank_1_does_without, "collective 1 is in a graph on rank 0, and not on rank 1"); }

static void graphs_are_two(void)
{
    begin();
    float *x = block(2 * N * sizeof(float));
    cudaGraphExec_t graph[] = {captured_sum(x), captured_sum(x + N)};
    launch(graph[rank]);
    must(!cudaStreamSynchronize(own));
}

TEST(ranks_that_launch_different_graphs_are_stopped) { assert_stopped(2, graphs_are_two, "collective 1 is another one, or in another group, on ranks "); }

/* ---- beginning and end ---- */

static void ends_before_its_graph(void)
{
    begin();
    float *x = block(N * sizeof(float));
    cudaGraphExec_t graph = captured_sum(x);
    must(ncclCommFinalize(comm) == NCCL_GOES_ON);
    goes_on_for_long();
    launch(graph);
}
static void ends_after_its_graph(void)
{
    begin();
    float *x = block(N * sizeof(float));
    cudaGraphExec_t graph = captured_sum(x);
    must(ncclCommFinalize(comm) == NCCL_GOES_ON);
    goes_on_for_long();
    must(!cudaGraphExecDestroy(graph));
    settle();
    must(ncclCommDestroy(comm) == NCCL_DONE);
}
static void is_destroyed_before_its_graph(void)
{
    begin();
    float *x = block(N * sizeof(float));
    (void)captured_sum(x);
    must(ncclCommFinalize(comm) == NCCL_GOES_ON);
    goes_on_for_long();
    (void)ncclCommDestroy(comm);
}
static void is_aborted_before_its_graph(void)
{
    begin();
    float *x = block(N * sizeof(float));
    cudaGraphExec_t graph = captured_sum(x);
    must(ncclCommAbort(comm) == NCCL_DONE);
    launch(graph);
}

TEST(a_communicator_does_not_end_while_a_graph_has_it)
{
    for (int n = 1; n <= 2; n++) assert_well(n, ends_after_its_graph);
    assert_stopped(1, is_destroyed_before_its_graph, "destroyed before a graph");
}

TEST(a_graph_does_without_no_communicator)
{
    assert_stopped(2, ends_before_its_graph, "a graph is launched after the end of a communicator");
    assert_stopped(1, is_aborted_before_its_graph, "a graph is launched after the end of a communicator");
}

static void capture_ends_too_early(void)
{
    begin();
    float *x = block(N * sizeof(float));
    begin_capture();
    must(ncclAllReduce(x, x, N, NCCL_F32, NCCL_ADD, comm, own) == NCCL_GOES_ON);
    (void)end_capture();
    settle();
}

TEST(a_capture_that_ends_while_a_call_goes_on_is_stopped) { assert_stopped(1, capture_ends_too_early, "a capture ends while a call goes on"); }

/* ---- scripts ---- */

static void second_stalls(void)
{
    (void)setenv("FAKE_NCCL_STALL", "0:2", 1);
    begin();
    float *x = block(N * sizeof(float));
    cudaGraphExec_t graph = captured_sum(x);
    launch(graph);
    must(!cudaStreamSynchronize(own));
    launch(graph);
    for (int i = 0; i < 50; i++, usleep(1000)) must(cudaStreamQuery(own) == cudaErrorNotReady);
    must(fake_nccl_captured() == 1);
}

static void second_breaks(void)
{
    (void)setenv("FAKE_NCCL_BREAK", "0:2", 1);
    begin();
    float *x = block(N * sizeof(float));
    cudaGraphExec_t graph = captured_sum(x);
    launch(graph);
    for (int i = 0; i < 20; i++) must(state() == NCCL_DONE);
    launch(graph);
    int asked_for = 0;
    while (state() == NCCL_DONE) must(++asked_for < 20);
}

static void second_call_fails(void)
{
    (void)setenv("FAKE_NCCL_FAIL", "0:2", 1);
    begin();
    float *x = block(N * sizeof(float));
    cudaGraphExec_t graph = captured_sum(x);
    for (int i = 0; i < LAUNCHES; i++) launch(graph);
    begin_capture();
    int status = ncclAllReduce(x, x, N, NCCL_F32, NCCL_ADD, comm, own);
    must(status != NCCL_DONE && status != NCCL_GOES_ON);
}

static void capture_has_failed(void)
{
    begin();
    float *x = block(N * sizeof(float));
    begin_capture();
    must(cudaStreamSynchronize(own) == cudaErrorStreamCaptureUnsupported);
    int status = ncclAllReduce(x, x, N, NCCL_F32, NCCL_ADD, comm, own);
    must(status != NCCL_DONE && status != NCCL_GOES_ON);
}

TEST(scripts_count_what_runs_and_failures_what_is_asked)
{
    assert_well(1, second_stalls);
    assert_well(1, second_breaks);
    assert_well(1, second_call_fails);
    assert_well(1, capture_has_failed);
}
