#include "dist/settings.h"
#include "dist/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/error.h>

static int advance(dist_transport *way, dist_work *w, double seconds)
{
    dist_window *v = (dist_window *)way;
    if (!dist_rounds_serve(v, w)) {
        if (!w->begun) dist_weigh(way, w);
        if (v->host->all) return v->host->all->advance(v->host->all, w, seconds);
        tr_fail("%s: there is no way for it", dist_operation_name(w->operation));
        return -1;
    }
    int status = w->begun ? 0 : dist_rounds_begin(v, w);
    w->begun = true;
    if (status == 0) status = dist_rounds_advance(v, w, seconds);
    if (status < 0) dist_meeting_fail(&v->meet, tr_error_message());
    return status;
}

/* ---- memory ---- */

/* Every rank has the same list, if all give back in one order. */
static dist_region *find_free(dist_window *v, int64_t bytes, uint64_t *number)
{
    *number = 0;
    uint64_t count = 0;
    for (dist_region *r = v->region; r; r = r->next) {
        count++;
        if (r->taken || r->bytes < bytes) continue;
        *number = count;
        return r;
    }
    return NULL;
}

/* In shared memory where there is room on every host, else anywhere. */
static dist_region *make_region(dist_window *v, int64_t bytes)
{
    dist_region *r = calloc(1, sizeof *r);
    void **piece = calloc((size_t)v->host->ranks, sizeof *piece);
    if (!r || !piece) {
        free(piece);
        free(r);
        return tr_fail("out of memory: gradients asked for %lld bytes", (long long)bytes);
    }
    r->bytes = bytes;
    bool stood = tr_error_stands();
    if (v->host->share(v->host, bytes, piece) == 0) {
        r->piece = piece;
        r->mine = piece[v->host->me];
    } else {
        free(piece);
        if (!stood) tr_error_clear();
        r->mine = calloc(1, (size_t)bytes);
    }
    if (!r->mine) {
        free(r);
        return tr_fail("out of memory: gradients asked for %lld bytes", (long long)bytes);
    }
    r->next = v->region;
    v->region = r;
    return r;
}

static void *take(dist_transport *way, int64_t bytes)
{
    dist_window *v = (dist_window *)way;
    if (bytes < 1) bytes = 1;
    uint64_t number;
    dist_region *r = find_free(v, bytes, &number);
    uint64_t agreed[2] = {number, ~number};
    if (dist_largest(way, agreed, 2, -1) < 0) return NULL;
    if (!r || agreed[0] != ~agreed[1]) r = make_region(v, bytes);
    if (!r) return NULL;
    r->taken = true;
    memset(r->mine, 0, (size_t)bytes);
    return dist_barrier(way) < 0 ? NULL : r->mine;
}

static void give_back(dist_transport *way, void *memory)
{
    for (dist_region *r = ((dist_window *)way)->region; r; r = r->next)
        if (r->mine == memory) r->taken = false;
}

/* ---- opening and closing ---- */

static void leave_all(dist_transport *way, int status)
{
    dist_window *v = (dist_window *)way;
    dist_meeting_fail(&v->meet, tr_error_stands() ? tr_error_message() : "it ended all ranks");
    if (v->host->all) v->host->all->abort(v->host->all, status);
}

static void drop(dist_window *v)
{
    dist_meeting_close(&v->meet);
    for (dist_region *r = v->region, *next; r; r = next) {
        next = r->next;
        if (!r->piece) free(r->mine);
        free(r->piece);
        free(r);
    }
    free(v->slots);
    free(v->from);
    free(v->into);
    free(v->weight);
    free(v);
}

static int finish(dist_transport *way)
{
    dist_window *v = (dist_window *)way;
    dist_host *host = v->host;
    drop(v);
    return host->close(host);
}

/* Each rank's piece is its flag, then its slots. */
static int open_window(dist_window *v)
{
    int ranks = v->host->ranks;
    int64_t head = (int64_t)(sizeof(dist_flag) + 127) / 128 * 128;
    void **piece = calloc((size_t)ranks, sizeof *piece);
    v->slots = calloc((size_t)ranks, sizeof *v->slots);
    v->from = calloc((size_t)ranks + 1, sizeof *v->from);
    v->into = calloc((size_t)ranks + 1, sizeof *v->into);
    v->weight = calloc((size_t)ranks, sizeof *v->weight);
    int status = -1;
    if (!piece || !v->slots || !v->from || !v->into || !v->weight)
        tr_fail("out of memory: a window of %d ranks", ranks);
    else
        status = v->host->share(v->host, head + DIST_SLOTS * v->slot_bytes, piece);
    for (int i = 0; i < ranks && status == 0; i++) v->slots[i] = (char *)piece[i] + head;
    if (status == 0) status = dist_meeting_open(&v->meet, v->host, piece, dist_limit());
    free(piece);
    return status;
}

dist_transport *dist_window_open(dist_host *host, int64_t slot_bytes)
{
    dist_window *v = calloc(1, sizeof *v);
    if (!v) return tr_fail("out of memory: a window");
    int64_t least = 64 * (host->all ? host->all->world : host->ranks); /* of ranks' parts each has room for an element of any type */
    v->host = host;
    v->slot_bytes = (slot_bytes > least ? slot_bytes : least) / 64 * 64;
    if (open_window(v) < 0) {
        drop(v);
        return NULL;
    }
    v->way = (dist_transport){
        .rank = host->number[host->me],
        .world = host->ranks,
        .local_rank = host->me,
        .weighs = true,
        .advance = advance,
        .take = take,
        .give_back = give_back,
        .abort = leave_all,
        .finish = finish,
    };
    snprintf(v->name, sizeof v->name, "shared memory");
    if (host->all) {
        v->way.world = host->all->world;
        v->way.local_rank = host->all->local_rank;
        v->way.threads = host->all->threads;
        v->way.ends_process = host->all->ends_process;
        v->way.network = host->hosts > 1;
        v->way.any_thread = host->all->any_thread;
        snprintf(v->name, sizeof v->name, "shared memory%s%s", host->hosts > 1 ? " and " : ", ", host->all->name);
    }
    v->way.name = v->name;
    return &v->way;
}
