/* Replays of a step in which ranks meet, as one graph: their calls say how a graph has them (trireme/lanes.h), and one of them
 * leads.
 *
 * Such graphs are known all together, since they must be gone before the ranks are: what is captured holds on to what
 * connects them. */
#include "autograd/recording.h"

#include <pthread.h>
#include "core/watch.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static record_whole *first;

static void enlist(record_whole *w)
{
    pthread_mutex_lock(&lock);
    w->before = NULL;
    w->next = first;
    if (first) first->before = w;
    first = w;
    pthread_mutex_unlock(&lock);
}

/* The lock is held. */
static void forget(record_whole *w)
{
    if (!w->part.graph) return;
    if (w->before)
        w->before->next = w->next;
    else
        first = w->next;
    if (w->next) w->next->before = w->before;
    w->r->device->graphs->forget(w->part.graph);
    w->part.graph = NULL;
}

void record_forget_whole(record_whole *w)
{
    pthread_mutex_lock(&lock);
    forget(w);
    pthread_mutex_unlock(&lock);
}

void tr_forget_whole_steps_(void)
{
    pthread_mutex_lock(&lock);
    while (first) forget(first);
    pthread_mutex_unlock(&lock);
}

/* ---- what the leader asks for ---- */

static int capture(tr_whole_step_ *step)
{
    record_whole *w = (record_whole *)step;
    tr_recording *r = w->r;
    w->part = (record_part){.end = (int32_t)r->entries, .tries = true};
    if (!record_capture_part(r, &w->part)) return -1;
    r->info.graphs = 1;
    r->info.joined = w->part.joined;
    enlist(w);
    return 0;
}

static int launch(tr_whole_step_ *step)
{
    record_whole *w = (record_whole *)step;
    return record_launch_part(w->r, &w->part);
}

/* ---- replaying ---- */

/* It meets the others before all calls.  Those who run the step as usual meet in the order of its calls: so it is the first
 * of them that meets anybody. */
static int32_t leader_of(const tr_recording *r)
{
    int32_t leader = -1;
    for (int64_t i = 0; i < r->entries; i++) {
        const record_entry *e = &r->entry[i];
        const bool meets = e->how && e->how->ask;
        if (!meets && !record_capturable(e)) return -1;
        if (!meets || (leader >= 0 && !e->how->lead)) continue;
        if (leader >= 0 || !e->how->lead) return -1;
        leader = (int32_t)i + 1;
    }
    return leader;
}

/* Who watches is to see the step's parts. */
int record_replay_whole(tr_recording *r, record_parts *all)
{
    if (!r->leader) r->leader = leader_of(r);
    if (r->leader < 0 || core_watched()) return 0;
    record_whole *w = &all->whole;
    if (!w->r) *w = (record_whole){.step = {.capture = capture, .launch = launch}, .r = r};
    const record_entry *e = &r->entry[r->leader - 1];
    return e->how->lead(e->data, &w->step);
}
