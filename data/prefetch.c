#include "data/prefetch.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <trireme/trace.h>
#include "core/fail.h"
#include "core/memory.h"
#include "core/thread.h"
#include "core/watch.h"
#include "data/dataset.h"

typedef struct {
    data_job job;
    bool done;
    char failure[320]; /* "" if there was none */
} slot;

struct data_prefetch {
    pthread_mutex_t lock;
    pthread_cond_t work; /* a job was posted, or it is time to go */
    pthread_cond_t done; /* a job is done */
    int64_t posted, claimed, taken;
    int64_t reading; /* threads that are at a job */
    bool ending;
    atomic_bool stopping; /* leave the job you are at after this sample */

    int threads;
    pthread_t *thread; /* owns */
    int64_t slots;
    slot *slot; /* owns; job j stands in slot[j % slots] */
};

/* ---- reading a job, in whatever thread ---- */

static void read_job(data_prefetch *p, slot *s)
{
    TR_SCOPE; /* what read() makes goes with the job */
    CORE_SPAN(TRACE_READ, "read batch");
    const data_job *job = &s->job;
    char *input = job->input, *target = job->target;
    for (int64_t k = job->first; k < job->first + job->count; k++) {
        if (atomic_load_explicit(&p->stopping, memory_order_relaxed)) return;
        int64_t i = job->order ? job->order[k] : k;
        if (data_read(job->dataset, i, input, target) < 0) {
            snprintf(s->failure, sizeof s->failure, "sample %lld: %s", (long long)i, tr_error_message());
            tr_error_clear();
            return;
        }
        input += job->dataset->input_bytes;
        target += job->dataset->target_bytes;
    }
}

/* The same in the thread that takes the job, and tells of its error afterwards. */
static void read_here(data_prefetch *p, slot *s)
{
    core_thread *here = core_here();
    tr_error_handler *handler = here->handler;
    bool handler_set = here->handler_set;
    here->handler = NULL;
    here->handler_set = true;
    read_job(p, s);
    here->handler = handler;
    here->handler_set = handler_set;
}

static void *reader(void *data)
{
    data_prefetch *p = data;
    tr_on_error(NULL, NULL); /* the thread that takes the job tells of its error */
    tr_trace_thread_("loader");
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->claimed == p->posted && !p->ending) pthread_cond_wait(&p->work, &p->lock);
        if (p->ending) break;
        slot *s = &p->slot[p->claimed++ % p->slots];
        p->reading++;
        pthread_mutex_unlock(&p->lock);
        read_job(p, s);
        pthread_mutex_lock(&p->lock);
        p->reading--;
        s->done = true;
        pthread_cond_signal(&p->done);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* ---- the loader's side ---- */

static void post(data_prefetch *p, const data_job *job)
{
    slot *s = &p->slot[p->posted++ % p->slots];
    s->job = *job;
    s->done = false;
    s->failure[0] = '\0';
}

void data_prefetch_post(data_prefetch *p, const data_job *job)
{
    if (p->threads == 0) { /* nobody to be kept out, nobody to be woken */
        post(p, job);
        return;
    }
    pthread_mutex_lock(&p->lock);
    post(p, job);
    pthread_cond_signal(&p->work);
    pthread_mutex_unlock(&p->lock);
}

int data_prefetch_take(data_prefetch *p)
{
    slot *s = &p->slot[p->taken++ % p->slots];
    if (p->threads == 0) {
        read_here(p, s);
    } else {
        pthread_mutex_lock(&p->lock);
        while (!s->done) pthread_cond_wait(&p->done, &p->lock);
        pthread_mutex_unlock(&p->lock);
    }
    return s->failure[0] ? core_fail_status("tr_loader_next: %s", s->failure) : 0;
}

void data_prefetch_stop(data_prefetch *p)
{
    pthread_mutex_lock(&p->lock);
    atomic_store_explicit(&p->stopping, true, memory_order_relaxed);
    p->claimed = p->posted; /* nobody begins another */
    while (p->reading > 0) pthread_cond_wait(&p->done, &p->lock);
    p->posted = p->claimed = p->taken = 0;
    atomic_store_explicit(&p->stopping, false, memory_order_relaxed);
    pthread_mutex_unlock(&p->lock);
}

/* ---- beginning and end ---- */

/* Signals are the program's: its own threads shall handle them.  Those that a fault raises stay with the thread. */
static int create_deaf(pthread_t *thread, data_prefetch *p)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    sigset_t deaf, before;
    sigfillset(&deaf);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&deaf, faults[i]);
    pthread_sigmask(SIG_SETMASK, &deaf, &before);
    int status = pthread_create(thread, NULL, reader, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

data_prefetch *data_prefetch_new(int threads, int64_t slots)
{
    data_prefetch *p = core_alloc(sizeof *p, "tr_loader_start");
    if (!p) return NULL;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->done, NULL);
    p->slots = slots;
    p->slot = core_alloc(slots * (int64_t)sizeof *p->slot, "tr_loader_start");
    p->thread = core_alloc(threads * (int64_t)sizeof *p->thread, "tr_loader_start");
    bool ready = p->slot && p->thread;
    for (; ready && p->threads < threads; p->threads++) {
        int status = create_deaf(&p->thread[p->threads], p);
        if (status == 0) continue;
        core_fail("tr_loader_start: thread %d of %d did not start: %s", p->threads + 1, threads, strerror(status));
        ready = false;
        break;
    }
    if (ready) return p;
    data_prefetch_free(p);
    return NULL;
}

void data_prefetch_free(data_prefetch *p)
{
    if (!p) return;
    data_prefetch_stop(p);
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->threads; i++) pthread_join(p->thread[i], NULL);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    core_free(p->thread);
    core_free(p->slot);
    core_free(p);
}
