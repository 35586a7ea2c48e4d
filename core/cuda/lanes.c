/* A device's lanes (trireme/lanes.h): a stream for each, begun when it is first asked for, and events for marks. */
#include "core/cuda/cuda.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_DEVICES = 64,
       MOST_SPARES = 256 };

typedef struct {
    cudaEvent_t event;
    int device;
    bool timed;
    int64_t asked_ns, ns; /* of one that is timed; ns: when it was reached, 0 until somebody has asked */
} mark_of;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static cudaStream_t streams[MOST_DEVICES][TR_LANES_];
static mark_of *spare[MOST_SPARES]; /* events are recycled: making one takes longer than what it marks */
static int spares;

/* Other devices wait for what ranks do together: it goes before the rest of this one's work. */
cudaError_t cuda_lane_begin(cudaStream_t *s, tr_lane_ lane)
{
    int least = 0, greatest = 0;
    if (lane != TR_LANE_RANKS_) return cudaStreamCreateWithFlags(s, cudaStreamNonBlocking);
    cudaError_t status = cudaDeviceGetStreamPriorityRange(&least, &greatest);
    return status ? status : cudaStreamCreateWithPriority(s, cudaStreamNonBlocking, greatest);
}

static cudaStream_t stream_of(int index, tr_lane_ lane)
{
    cuda_device *d = cuda_enter(index);
    if (d && cuda_capturing()) return cuda_capture_lane(lane);
    if (!d || lane == TR_LANE_OWN_) return d ? d->stream : NULL;
    cudaError_t status = cudaSuccess;
    pthread_mutex_lock(&lock);
    cudaStream_t *s = &streams[index][lane];
    if (!*s) status = cuda_lane_begin(s, lane);
    pthread_mutex_unlock(&lock);
    if (!status) return *s;
    cuda_error("a stream", status);
    return NULL;
}

/* Another library takes a stream whose capture has failed for one that is not captured, and would begin at once. */
static void *stream(int index, tr_lane_ lane)
{
    cudaStream_t s = stream_of(index, lane);
    enum cudaStreamCaptureStatus is = cudaStreamCaptureStatusActive;
    cudaError_t status = s && cuda_capturing() ? cudaStreamIsCapturing(s, &is) : cudaSuccess;
    if (!status && is == cudaStreamCaptureStatusActive) return s;
    cuda_error("capturing a step", status ? status : cudaErrorStreamCaptureInvalidated);
    return NULL;
}

/* ---- marks ---- */

static mark_of *take_spare(int index, bool timed)
{
    mark_of *m = NULL;
    pthread_mutex_lock(&lock);
    for (int i = spares - 1; i >= 0 && !m; i--)
        if (spare[i]->device == index && spare[i]->timed == timed) {
            m = spare[i];
            spare[i] = spare[--spares];
        }
    pthread_mutex_unlock(&lock);
    return m;
}

static mark_of *mark_new(int index, bool timed)
{
    mark_of *m = calloc(1, sizeof *m);
    if (!m) return cuda_host->fail_memory("a mark", sizeof *m);
    m->device = index;
    m->timed = timed;
    cudaError_t status = cudaEventCreateWithFlags(&m->event, timed ? cudaEventDefault : cudaEventDisableTiming);
    if (!status) return m;
    free(m);
    cuda_error("an event", status);
    return NULL;
}

static void forget(void *mark)
{
    mark_of *m = mark;
    if (!m) return;
    pthread_mutex_lock(&lock);
    bool room = spares < MOST_SPARES;
    if (room) spare[spares++] = m;
    pthread_mutex_unlock(&lock);
    if (room) return;
    (void)cudaEventDestroy(m->event);
    free(m);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static mark_of *mark_in(int index, tr_lane_ lane, bool timed)
{
    cudaStream_t s = stream_of(index, lane);
    mark_of *m = s ? take_spare(index, timed) : NULL;
    if (s && !m) m = mark_new(index, timed);
    if (m && timed) m->asked_ns = now_ns(), m->ns = 0;
    cudaError_t status = m ? cudaEventRecord(m->event, s) : cudaSuccess;
    if (!status) return m;
    forget(m);
    cuda_error("marking a place in a stream", status);
    return NULL;
}

static void *mark(int index, tr_lane_ lane) { return mark_in(index, lane, false); }

static int reached(void *mark, bool wait)
{
    mark_of *m = mark;
    if (!cuda_enter(m->device)) return -1;
    cudaError_t status = wait ? cudaEventSynchronize(m->event) : cudaEventQuery(m->event);
    if (status == cudaErrorNotReady) return (void)cudaGetLastError(), 0;
    return status ? cuda_error("waiting for a place in a stream", status) : 1;
}

static int after(int index, tr_lane_ lane, void *mark)
{
    cudaStream_t s = stream_of(index, lane);
    if (!s) return -1;
    cudaError_t status = cudaStreamWaitEvent(s, ((mark_of *)mark)->event, 0);
    return status ? cuda_error("one stream after another", status) : 0;
}

/* ---- when ---- */

enum { FAR_MS = 500 }; /* a float of milliseconds tells 30 ns from there */

/* An event of each device, and when it was; NULL before the first. */
static struct {
    cudaEvent_t event;
    int64_t ns;
} origin[MOST_DEVICES];

static cudaError_t begin_clock(int index, cudaStream_t s)
{
    cudaEvent_t event;
    cudaError_t status = cudaSuccess;
    pthread_mutex_lock(&lock);
    if (!origin[index].event && !(status = cudaEventCreateWithFlags(&event, cudaEventDefault))) {
        origin[index].ns = now_ns();
        status = cudaEventRecord(event, s);
        if (status)
            (void)cudaEventDestroy(event);
        else
            origin[index].event = event;
    }
    pthread_mutex_unlock(&lock);
    return status;
}

static void *timed(int index, tr_lane_ lane)
{
    cudaStream_t s = stream_of(index, lane);
    cudaError_t status = s ? begin_clock(index, s) : cudaSuccess;
    if (status) cuda_error("an event", status);
    return s && !status ? mark_in(index, lane, true) : NULL;
}

/* The origin was not before it was asked for, and perhaps later; and the clocks drift.  So marks correct it that would have
 * been reached before they were asked for, or after now.  Then it moves on, to an event that is not far. */
static int64_t when(void *mark)
{
    mark_of *m = mark;
    if (!m || !m->timed || m->ns) return m ? m->ns : 0;
    if (!cuda_enter(m->device)) return 0;
    float ms = 0;
    int64_t seen = now_ns();
    pthread_mutex_lock(&lock);
    cudaError_t status = cudaEventElapsedTime(&ms, origin[m->device].event, m->event);
    if (!status) {
        int64_t ns = origin[m->device].ns + (int64_t)(1e6 * (double)ms);
        m->ns = ns > seen ? seen : ns < m->asked_ns ? m->asked_ns
                                                    : ns;
        origin[m->device].ns += m->ns - ns;
        if (ms > FAR_MS) {
            cudaEvent_t old = origin[m->device].event;
            origin[m->device].event = m->event;
            origin[m->device].ns = m->ns;
            m->event = old;
        }
    }
    pthread_mutex_unlock(&lock);
    if (status) (void)cudaGetLastError();
    return m->ns;
}

/* ---- copies ---- */

static int copy(int index, tr_lane_ lane, void *to, const void *from, int64_t bytes)
{
    cudaStream_t s = stream_of(index, lane);
    if (!s || !bytes) return s ? 0 : -1;
    enum cudaMemcpyKind kind = lane == TR_LANE_DOWN_ ? cudaMemcpyDeviceToHost : cudaMemcpyHostToDevice;
    cudaError_t status = cudaMemcpyAsync(to, from, (size_t)bytes, kind, s);
    return status ? cuda_error(lane == TR_LANE_DOWN_ ? "copying from the device" : "copying to the device", status) : 0;
}

static bool pin(int index, void *memory, int64_t bytes)
{
    if (!cuda_enter(index)) return false;
    if (cudaHostRegister(memory, (size_t)bytes, cudaHostRegisterPortable) == cudaSuccess) return true;
    (void)cudaGetLastError();
    return false;
}

static void unpin(int index, void *memory)
{
    if (cuda_enter(index)) (void)cudaHostUnregister(memory);
}

static int identify(int index, char uuid[16])
{
    struct cudaDeviceProp is;
    cudaError_t status = cudaGetDeviceProperties(&is, index);
    if (status) return cuda_error("asking for a device's UUID", status);
    memcpy(uuid, is.uuid.bytes, 16);
    return 0;
}

const tr_lanes_ cuda_lanes = {mark, reached, after, forget, copy, pin, unpin, stream, identify, timed, when};
