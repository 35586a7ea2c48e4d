/* What a thread asks of a device between two moments, noted instead of done (captured) and then launched as a whole.
 *
 * It is noted in a stream of its own: into the device's one, other threads write meanwhile.  A captured step allocates
 * nothing, so that a graph brings the memory that its launches want besides the callers':
 *
 *     numbers   what is another number in every launch (a learning rate, a place among counted random numbers):
 *               collected on the host, and sent before the graph if one of them has changed
 *     scratch   what a kernel needs for the time of its call; the next call's stands in its place
 *
 * How much that is the first capture finds out.  If it is more than there was, a second one has it.
 *
 * Work with other ranks has a lane in the graph, too: a second stream, which the capture reaches when it is told to come
 * after the first, and which is to be joined before the end. */
#include "core/cuda/cuda.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGN = 256,
       FIRST_NUMBERS = 1 << 10,
       FIRST_SCRATCH = 16 << 10 };

struct core_graph {
    cuda_device *device;
    cudaGraphExec_t launches;
    char *block; /* on the device: numbers, then scratch */
    int64_t numbers_room, scratch_room;
    char *numbers; /* the host's */
    int64_t numbers_bytes;
    bool changed; /* since they were sent */
};

/* What this thread is at. */
static _Thread_local struct {
    core_graph *graph;   /* NULL: launches are done */
    cudaStream_t stream; /* they are captured there; NULL: numbers are only renewed */
    cudaStream_t ranks;  /* and what other ranks have a part in, there */
    int64_t numbers;     /* bytes so far */
    int64_t scratch, most_scratch;
    int held; /* pieces of scratch memory */
} now;

static int64_t rounded(int64_t bytes) { return (bytes + ALIGN - 1) / ALIGN * ALIGN; }

/* ---- what kernels ask for meanwhile ---- */

bool cuda_capturing(void) { return now.graph; }

cudaStream_t cuda_capture_stream(void) { return now.stream; }

cudaStream_t cuda_capture_lane(tr_lane_ lane)
{
    cudaStream_t s = lane == TR_LANE_OWN_ ? now.stream : lane == TR_LANE_RANKS_ ? now.ranks
                                                                                : NULL;
    if (!s) cuda_host->fail("tr_replay: a copy from or to the host is in no graph");
    return s;
}

/* A capture for which there is too little memory is not kept: it gets the block's beginning, whatever it asks for. */
const void *cuda_capture_numbers(const void *numbers, int64_t bytes)
{
    core_graph *g = now.graph;
    const int64_t at = now.numbers;
    now.numbers += (bytes + 15) / 16 * 16;
    if (now.numbers > g->numbers_room) return g->block;
    if (memcmp(g->numbers + at, numbers, (size_t)bytes) != 0) {
        memcpy(g->numbers + at, numbers, (size_t)bytes);
        g->changed = true;
    }
    return g->block + at;
}

void *cuda_capture_take(int64_t bytes)
{
    const core_graph *g = now.graph;
    char *at = g->block + g->numbers_room + now.scratch;
    now.held++;
    now.scratch += rounded(bytes);
    if (now.scratch > now.most_scratch) now.most_scratch = now.scratch;
    return now.scratch > g->scratch_room ? g->block : at;
}

/* The next call's launches come after this one's. */
void cuda_capture_give(void)
{
    if (--now.held == 0) now.scratch = 0;
}

/* ---- a graph ---- */

static void forget(core_graph *g)
{
    if (g->launches && cudaGraphExecDestroy(g->launches)) (void)cudaGetLastError();
    if (g->block) cuda_give(g->device->index, g->block, 0);
    free(g->numbers);
    free(g);
}

/* Memory for what a capture wants.  0 or -1. */
static int make_room(core_graph *g, int64_t numbers, int64_t scratch)
{
    int64_t capacity;
    if (g->block) cuda_give(g->device->index, g->block, 0);
    free(g->numbers);
    g->numbers_room = rounded(numbers);
    g->numbers = calloc(1, (size_t)g->numbers_room);
    g->scratch_room = scratch;
    g->block = g->numbers ? cuda_take(g->device->index, g->numbers_room + scratch, &capacity, "tr_replay") : cuda_host->fail_memory("tr_replay", numbers);
    return g->block ? 0 : -1;
}

/* Ask, in streams that note.  What was said, or negative; and what was noted. */
static int ask_once(core_graph *g, const cudaStream_t stream[2], core_asking *ask, void *data, cudaGraph_t *noted)
{
    cudaError_t status = cudaStreamBeginCapture(stream[0], cudaStreamCaptureModeThreadLocal);
    if (status) return cuda_error("capturing a step", status);
    now.graph = g;
    now.stream = stream[0];
    now.ranks = stream[1];
    now.numbers = now.scratch = now.most_scratch = now.held = 0;
    int asked = ask(data);
    now.graph = NULL;
    now.stream = now.ranks = NULL;
    status = cudaStreamEndCapture(stream[0], noted); /* also of a capture that has failed */
    if (asked >= 0 && !status) return asked;
    if (*noted) (void)cudaGraphDestroy(*noted);
    *noted = NULL;
    return asked < 0 ? ((void)cudaGetLastError(), asked) : cuda_error("capturing a step", status);
}

static int capture(core_graph *g, const cudaStream_t stream[2], core_asking *ask, void *data)
{
    cudaGraph_t noted = NULL;
    int64_t numbers = FIRST_NUMBERS, scratch = FIRST_SCRATCH;
    for (;;) {
        int asked = make_room(g, numbers, scratch) < 0 ? -1 : ask_once(g, stream, ask, data, &noted);
        if (asked < 0) return -1;
        if (asked == 0 && now.numbers <= g->numbers_room && now.most_scratch <= g->scratch_room) break;
        (void)cudaGraphDestroy(noted);
        numbers = now.numbers > numbers ? now.numbers : numbers;
        scratch = now.most_scratch > scratch ? now.most_scratch : scratch;
    }
    g->numbers_bytes = now.numbers;
    g->changed = true;
    cudaError_t status = cudaGraphInstantiate(&g->launches, noted, cudaGraphInstantiateFlagUseNodePriority);
    (void)cudaGraphDestroy(noted);
    if (!status) status = cudaGraphUpload(g->launches, g->device->stream);
    return status ? cuda_error("making a graph of a step", status) : 0;
}

static core_graph *graph_new(int index, core_asking *ask, void *data)
{
    cuda_device *d = cuda_enter(index);
    core_graph *g = d ? calloc(1, sizeof *g) : NULL;
    if (!g) return d ? cuda_host->fail_memory("tr_replay", sizeof *g) : NULL;
    g->device = d;
    cudaStream_t stream[2] = {NULL, NULL};
    cudaError_t status = cuda_lane_begin(&stream[0], TR_LANE_OWN_);
    if (!status) status = cuda_lane_begin(&stream[1], TR_LANE_RANKS_);
    int captured = status ? cuda_error("a stream", status) : capture(g, stream, ask, data);
    for (int i = 0; i < 2; i++)
        if (stream[i]) (void)cudaStreamDestroy(stream[i]);
    if (captured == 0) return g;
    forget(g);
    return NULL;
}

static int launch(core_graph *g, core_asking *renew, void *data)
{
    cuda_device *d = cuda_enter(g->device->index);
    if (!d) return -1;
    if (g->numbers_bytes) {
        now.graph = g;
        now.numbers = 0;
        int status = renew(data);
        now.graph = NULL;
        if (status < 0) return status;
        if (now.numbers != g->numbers_bytes) return cuda_host->fail("tr_replay: a call takes other numbers than when the step was captured");
        if (g->changed && cuda_to_device(d->index, g->block, g->numbers, g->numbers_bytes) < 0) return -1;
        g->changed = false;
    }
    cudaError_t status = cudaGraphLaunch(g->launches, d->stream);
    return status ? cuda_error("launching a step", status) : 0;
}

const core_graphs cuda_graphs = {graph_new, launch, forget};
