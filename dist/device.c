/* This rank's device: which it is, which ranks share it, and so how its memory travels. */
#include "dist/device.h"

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

/* ---- opening ---- */

/* The first two ranks that have one device, "ranks 0 and 1 share a device"; false: every rank has its own. */
static bool find_shared(const char *uuids, int64_t world, char *text, size_t bytes)
{
    for (int64_t i = 0; i < world; i++)
        for (int64_t j = i + 1; j < world; j++)
            if (memcmp(uuids + i * UUID, uuids + j * UUID, UUID) == 0) {
                snprintf(text, bytes, "ranks %lld and %lld share a device", (long long)i, (long long)j);
                return true;
            }
    return false;
}

/* What every rank's device is; NULL with an error standing. */
static char *uuids_of_all(dist_transport *way, const char mine[UUID])
{
    char *all = calloc((size_t)way->world, UUID);
    if (!all) return tr_fail("out of memory: devices of %lld ranks", (long long)way->world);
    if (dist_all_gather(way, mine, all, UUID) == 0) return all;
    free(all);
    return NULL;
}

static dist_device *open_best(dist_transport *way, const char *uuids)
{
    char why[64] = "";
    bool shared = find_shared(uuids, way->world, why, sizeof why);
    dist_device *d = dist_staged_open();
    if (d) snprintf(d->name, sizeof d->name, "through pinned memory%s%s", shared ? ": " : "", why);
    return d;
}

dist_device *dist_device_of(dist_transport *way, tr_device at)
{
    dist_device *d = way->device;
    if (d && (d->at.type != at.type || d->at.index != at.index))
        return tr_fail("a rank's tensors travel from one device: %s, as the first did, not %s", tr_device_name(d->at), tr_device_name(at));
    if (d) return d;
    char mine[UUID];
    const tr_lanes_ *lanes = tr_lanes_of_(at);
    if (!lanes || lanes->identify(at.index, mine) < 0) return NULL;
    char *uuids = uuids_of_all(way, mine);
    if (uuids) d = open_best(way, uuids);
    free(uuids);
    if (!d) return NULL;
    d->at = at;
    d->lanes = lanes;
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

int dist_device_has_read(dist_device *d)
{
    void *mark = d->lanes->mark(d->at.index, TR_LANE_UP_);
    int status = mark && d->lanes->reached(mark, true) > 0 ? 0 : -1;
    d->lanes->forget(mark);
    return status;
}
