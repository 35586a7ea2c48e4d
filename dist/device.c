/* This rank's device: which it is, which ranks share it, and so how its memory travels. */
#include "dist/device.h"

#include "dist/nccl_calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/error.h>

enum { UUID = 16 };

/* ---- pinned memory ---- */

struct dist_pinned {
    struct dist_pinned *next;
    void *memory; /* borrowed */
};

void dist_device_pin(dist_device *d, void *memory, int64_t bytes)
{
    struct dist_pinned *p = malloc(sizeof *p);
    if (!p) return;
    if (!d->lanes->pin(d->at.index, memory, bytes)) { /* copies wait then, and are as good */
        free(p);
        return;
    }
    *p = (struct dist_pinned){d->pins, memory};
    d->pins = p;
}

void dist_device_unpin(dist_device *d, void *memory)
{
    for (struct dist_pinned **at = &d->pins, *p; (p = *at); at = &p->next)
        if (p->memory == memory) {
            *at = p->next;
            d->lanes->unpin(d->at.index, memory);
            free(p);
            return;
        }
}

/* ---- which way ---- */

typedef enum { AUTO,
               BY_NCCL,
               BY_HOST,
               UNKNOWN } wish;

static wish read_wish(void)
{
    static const char *const words[UNKNOWN] = {"auto", "nccl", "host"};
    const char *text = getenv("TRIREME_DEVICE_TRANSPORT");
    for (int i = 0; text && *text && i <= UNKNOWN; i++)
        if (i == UNKNOWN || strcmp(text, words[i]) == 0) return (wish)i;
    return AUTO;
}

/* Whether a recorded step may have NCCL's calls in its graph. */
typedef enum { ON,
               OFF,
               NEITHER } switched;

static switched read_graphs(void)
{
    const char *text = getenv("TRIREME_NCCL_GRAPHS");
    return !text || !*text || strcmp(text, "on") == 0 ? ON : strcmp(text, "off") == 0 ? OFF
                                                                                      : NEITHER;
}

bool dist_device_travels(const dist_transport *way) { return way->world > 1 || (way != dist_alone() && read_wish() == BY_NCCL); }

/* What the others are to know of a rank's device, and of its NCCL. */
typedef struct {
    char uuid[UUID];
    char host[64]; /* the start of NCCL_HOSTID: which host NCCL takes this rank's for, where that is set */
    int32_t wish, graphs;
    int32_t version; /* 0: it has none, and why */
    char why[120];
} card;

static int make_card(card *mine, const tr_lanes_ *lanes, tr_device at)
{
    const char *why, *host = getenv("NCCL_HOSTID");
    int version;
    memset(mine, 0, sizeof *mine);
    snprintf(mine->host, sizeof mine->host, "%s", host ? host : "");
    mine->wish = (int32_t)read_wish();
    mine->graphs = (int32_t)read_graphs();
    (void)dist_nccl(&version, &why);
    mine->version = version;
    snprintf(mine->why, sizeof mine->why, "%s", why);
    return lanes->identify(at.index, mine->uuid);
}

/* The first two ranks that have one device, "ranks 0 and 1 share a device"; false: every rank has its own, as NCCL sees it:
 * it refuses a device twice on one host. */
static bool find_shared(const card *all, int64_t world, char *text, size_t bytes)
{
    for (int64_t i = 0; i < world; i++)
        for (int64_t j = i + 1; j < world; j++)
            if (memcmp(all[i].uuid, all[j].uuid, UUID) == 0 && strcmp(all[i].host, all[j].host) == 0) {
                snprintf(text, bytes, "ranks %lld and %lld share a device", (long long)i, (long long)j);
                return true;
            }
    return false;
}

static bool find_odd_version(const card *all, int64_t world, char *text, size_t bytes)
{
    char one[16], other[16];
    for (int64_t i = 0; i < world; i++) {
        if (all[i].version == 0)
            snprintf(text, bytes, "no NCCL on rank %lld: %s", (long long)i, all[i].why);
        else if (all[i].version != all[0].version)
            snprintf(text, bytes, "NCCL is %s on rank 0, %s on rank %lld", dist_nccl_version_text(all[0].version, one), dist_nccl_version_text(all[i].version, other), (long long)i);
        else
            continue;
        return true;
    }
    return false;
}

/* What all ranks say; NULL with an error standing. */
static card *cards_of_all(dist_transport *way, const card *mine)
{
    card *all = calloc((size_t)way->world, sizeof *all);
    if (!all) return tr_fail("out of memory: devices of %lld ranks", (long long)way->world);
    if (dist_all_gather(way, mine, all, sizeof *mine) == 0) return all;
    free(all);
    return NULL;
}

/* All ranks choose alike: they look at the same cards, and rank 0's wish is everybody's. */
static dist_device *open_best(dist_transport *way, tr_device at, const tr_lanes_ *lanes, const card *all)
{
    char why[200] = "";
    if (all[0].wish == UNKNOWN) return tr_fail("TRIREME_DEVICE_TRANSPORT (rank 0's): expected auto, nccl or host");
    if (all[0].wish == BY_HOST) snprintf(why, sizeof why, "TRIREME_DEVICE_TRANSPORT=host");
    if (all[0].graphs == NEITHER) return tr_fail("TRIREME_NCCL_GRAPHS (rank 0's): expected on or off");
    bool host = why[0] || find_shared(all, way->world, why, sizeof why) || find_odd_version(all, way->world, why, sizeof why);
    if (!host) {
        dist_device *d = dist_nccl_open(way, at, lanes);
        if (d && all[0].graphs == OFF) d->note = NULL;
        return d;
    }
    if (all[0].wish == BY_NCCL) return tr_fail("TRIREME_DEVICE_TRANSPORT=nccl: %s", why);
    dist_device *d = dist_staged_open(lanes);
    if (d) snprintf(d->name, sizeof d->name, "through pinned memory: %s", why);
    return d;
}

/* ---- opening and closing ---- */

dist_device *dist_device_of(dist_transport *way, tr_device at)
{
    dist_device *d = way->device;
    if (d && (d->at.type != at.type || d->at.index != at.index))
        return tr_fail("a rank's tensors travel from one device: %s, as the first did, not %s", tr_device_name(d->at), tr_device_name(at));
    if (d) return d;
    card mine;
    const tr_lanes_ *lanes = tr_lanes_of_(at);
    if (!lanes || make_card(&mine, lanes, at) < 0) return NULL;
    card *all = cards_of_all(way, &mine);
    if (all) d = open_best(way, at, lanes, all);
    free(all);
    if (!d) return NULL;
    d->at = at;
    d->lanes = lanes;
    snprintf(d->way, sizeof d->way, "%s; %s %s", way->name, tr_device_name(at), d->name);
    return way->device = d;
}

void dist_device_close(dist_transport *way)
{
    dist_device *d = way->device;
    if (!d) return;
    while (d->pins) dist_device_unpin(d, d->pins->memory);
    way->device = NULL;
    d->finish(d);
}

void dist_device_seen(dist_transport *way)
{
    enum { SECONDS = 10 };
    if (way->device) dist_underway_wait(&way->device->underway, SECONDS);
}

void dist_device_abort(dist_transport *way)
{
    if (way->device && way->device->abort) way->device->abort(way->device);
}

/* ---- works ---- */

int dist_device_hand_in(dist_work *w) { return !w->on || w->mark ? 0 : w->on->hand_in(w->on, w); }

int dist_device_join(dist_work *w)
{
    if (!w->on || !w->mark) return 0;
    int status = w->on->lanes->after(w->on->at.index, TR_LANE_OWN_, w->mark);
    w->on->lanes->forget(w->mark);
    w->mark = NULL;
    return status;
}

/* One lane after the other, as far as they have come. */
static int follow(dist_device *d, tr_lane_ lane, tr_lane_ before)
{
    void *mark = d->lanes->mark(d->at.index, before);
    int status = mark ? d->lanes->after(d->at.index, lane, mark) : -1;
    d->lanes->forget(mark);
    return status;
}

int dist_device_note(dist_device *d, dist_work *works, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        works[i].behind = n - 1 - i;
        works[i].next = i < n - 1 ? &works[i + 1] : NULL;
    }
    return follow(d, TR_LANE_RANKS_, TR_LANE_OWN_) < 0 ? -1 : d->note(d, works);
}

int dist_device_join_noted(dist_device *d) { return follow(d, TR_LANE_OWN_, TR_LANE_RANKS_); }

int dist_device_has_read(dist_device *d)
{
    if (d->pinless) return 0;
    void *mark = d->lanes->mark(d->at.index, TR_LANE_UP_);
    int status = mark && d->lanes->reached(mark, true) > 0 ? 0 : -1;
    d->lanes->forget(mark);
    return status;
}
