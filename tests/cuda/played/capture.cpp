/* A stream that is captured asks for nothing: what it is handed becomes a graph, that can be launched again and again. */
#include "inside.h"

#include <algorithm>

struct CUgraphExec_st {
    CUgraph_st graph;
};

static std::vector<std::shared_ptr<capture>> under_way;
static thread_local enum cudaStreamCaptureMode mode_here = cudaStreamCaptureModeGlobal;

void capture_work(cudaStream_t s, work what)
{
    s->in->graph.nodes.push_back({std::move(what), s->nodes});
    s->nodes = {s->in->graph.nodes.size() - 1};
}

static cudaError_t fails(const std::shared_ptr<capture> &c, cudaError_t status)
{
    c->failed = cudaErrorStreamCaptureInvalidated;
    return said(status);
}

/* A stream that waits for what was captured is captured, too, until its work is waited for. */
cudaError_t capture_wait(cudaStream_t s, const std::shared_ptr<mark> &event)
{
    if (!event->in) return fails(s->in, cudaErrorStreamCaptureIsolation);
    if (s->in && s->in != event->in) return fails(s->in, cudaErrorStreamCaptureMerge);
    if (!s->in) s->nodes.clear();
    s->in = event->in;
    s->nodes.insert(s->nodes.end(), event->nodes.begin(), event->nodes.end());
    return cudaSuccess;
}

cudaError_t capture_forbids(cudaStream_t s) { return s->in ? fails(s->in, cudaErrorStreamCaptureUnsupported) : cudaSuccess; }

cudaError_t capture_forbids_here(void)
{
    if (mode_here == cudaStreamCaptureModeRelaxed) return cudaSuccess;
    for (auto &c : under_way)
        if (c->thread == std::this_thread::get_id()) return fails(c, cudaErrorStreamCaptureUnsupported);
    return cudaSuccess;
}

/* ---- the runtime's names ---- */

cudaError_t cudaThreadExchangeStreamCaptureMode(enum cudaStreamCaptureMode *mode)
{
    std::swap(*mode, mode_here);
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t s, enum cudaStreamCaptureMode mode)
{
    std::lock_guard<std::mutex> hold(lock);
    if (!is_stream(s)) return said(cudaErrorInvalidResourceHandle);
    if (s->in) return said(cudaErrorIllegalState);
    if (mode != cudaStreamCaptureModeThreadLocal) stop("a capture that forbids other threads what they do, or allows its own everything");
    s->in = std::make_shared<capture>(capture{s, std::this_thread::get_id(), cudaSuccess, {}});
    s->nodes.clear();
    under_way.push_back(s->in);
    return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t s, enum cudaStreamCaptureStatus *status)
{
    std::lock_guard<std::mutex> hold(lock);
    if (!is_stream(s)) return said(cudaErrorInvalidResourceHandle);
    *status = !s->in ? cudaStreamCaptureStatusNone : s->in->failed ? cudaStreamCaptureStatusInvalidated
                                                                   : cudaStreamCaptureStatusActive;
    return cudaSuccess;
}

/* Do all nodes come before what the stream would do next? */
static bool all_joined(const CUgraph_st &graph, const std::vector<size_t> &last)
{
    std::vector<bool> joined(graph.nodes.size());
    std::vector<size_t> look = last;
    while (!look.empty()) {
        size_t i = look.back();
        look.pop_back();
        if (joined[i]) continue;
        joined[i] = true;
        look.insert(look.end(), graph.nodes[i].after.begin(), graph.nodes[i].after.end());
    }
    return std::find(joined.begin(), joined.end(), false) == joined.end();
}

cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t *graph)
{
    std::lock_guard<std::mutex> hold(lock);
    *graph = nullptr;
    if (!is_stream(s) || !s->in || s->in->origin != s) return said(cudaErrorIllegalState);
    std::shared_ptr<capture> c = s->in;
    if (c->thread != std::this_thread::get_id()) return said(cudaErrorStreamCaptureWrongThread);
    CUgraph_st captured = std::move(c->graph); /* events that were recorded in it hold the capture, which has nothing any more */
    bool joined = all_joined(captured, s->nodes);
    under_way.erase(std::find(under_way.begin(), under_way.end(), c));
    streams_leave(c);
    if (c->failed) return said(c->failed);
    if (!joined) return said(cudaErrorStreamCaptureUnjoined);
    *graph = new CUgraph_st(std::move(captured));
    counts.graphs++;
    return cudaSuccess;
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t *nodes, size_t *count)
{
    if (nodes) return said(cudaErrorInvalidValue);
    *count = graph->nodes.size();
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *made, cudaGraph_t graph, unsigned long long)
{
    std::lock_guard<std::mutex> hold(lock);
    *made = new CUgraphExec_st{*graph};
    counts.graphs++;
    counts.nodes = (int64_t)graph->nodes.size();
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    std::lock_guard<std::mutex> hold(lock);
    counts.graphs--;
    delete graph;
    return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t made)
{
    std::lock_guard<std::mutex> hold(lock);
    counts.graphs--;
    delete made;
    return cudaSuccess;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t s)
{
    std::lock_guard<std::mutex> hold(lock);
    return is_stream(s) ? cudaSuccess : said(cudaErrorInvalidResourceHandle);
}

/* Those that may be next, after all that they come after.  A library's work waits for that which was captured before it. */
static std::vector<size_t> able_nodes(const std::vector<CUgraph_st::node> &nodes, const std::vector<bool> &done)
{
    std::vector<size_t> able;
    bool earlier = false;
    for (size_t i = 0; i < nodes.size(); i++) {
        bool again = nodes[i].what.again != nullptr, can = !done[i] && !(again && earlier);
        for (size_t before : nodes[i].after) can = can && done[before];
        if (can) able.push_back(i);
        earlier = earlier || (again && !done[i]);
    }
    return able;
}

/* Its nodes in one of the orders that the graph allows. */
cudaError_t cudaGraphLaunch(cudaGraphExec_t made, cudaStream_t s)
{
    std::lock_guard<std::mutex> hold(lock);
    if (!is_stream(s)) return said(cudaErrorInvalidResourceHandle);
    if (broken[s->device]) return said(broken[s->device]);
    counts.launches++;
    const std::vector<CUgraph_st::node> &nodes = made->graph.nodes;
    std::vector<work> does;
    for (const CUgraph_st::node &one : nodes) does.push_back(one.what.again ? one.what.again(s) : one.what);
    std::vector<bool> done(nodes.size());
    for (size_t left = nodes.size(); left > 0; left--) {
        std::vector<size_t> able = able_nodes(nodes, done);
        size_t chosen = able[random_below(able.size())];
        done[chosen] = true;
        enqueue(s, std::move(does[chosen]));
    }
    return cudaSuccess;
}
