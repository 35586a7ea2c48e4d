/* A fake rank is a window over memory of this process (or two, one among its host's ranks and one among the hosts' first),
 * and around it a transport that is late, fails or drops works. */
#include "dist/fake.h"

#include "dist/fake_letters.h"
#include "dist/window.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <trireme/error.h>

/* Some of the ranks, who share memory. */
typedef struct {
    int ranks, came;
    unsigned turn;
    bool failed;
    pthread_mutex_t lock;
    pthread_cond_t all_came;
    void **piece;
} circle;

typedef struct {
    dist_fake how;
    int host_ranks, hosts;
    circle all, leaders, *of_host;
    dist_letters letters;
    int (*body)(dist_transport *way, void *data);
    void *data;
    atomic_int bad;
} world;

typedef struct {
    dist_host host; /* first */
    circle *circle;
    uint64_t *random;
    int late_us;
    void **memory; /* owned: my pieces */
    int pieces;
} fake_host;

typedef struct {
    dist_transport way; /* first */
    dist_transport *inner;
    world *world;
    int64_t works;
    uint64_t random;
} fake_rank;

/* ---- being late ---- */

static uint64_t draw(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Mostly not at all, so that a thousand works take no minute; sometimes others run meanwhile, sometimes it takes longer. */
static void be_late(uint64_t *random, int at_most_us)
{
    uint64_t r = draw(random);
    if (at_most_us == 0 || r % 8 > 2) return;
    if (r % 8 == 0)
        nanosleep(&(struct timespec){.tv_nsec = (long)(r / 8 % (uint64_t)at_most_us) * 1000}, NULL);
    else
        sched_yield();
}

static void pause_host(dist_host *host)
{
    fake_host *h = (fake_host *)host;
    be_late(h->random, h->late_us);
}

/* ---- memory that threads share ---- */

static int open_circle(circle *c, int ranks)
{
    *c = (circle){.ranks = ranks, .piece = calloc((size_t)ranks, sizeof *c->piece)};
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->all_came, NULL);
    return c->piece ? 0 : -1;
}

static void close_circle(circle *c)
{
    if (c->ranks == 0) return;
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->all_came);
    free(c->piece);
}

/* Nobody leaves before everybody came; true if nobody came with a failure. */
static bool meet(circle *c, bool well)
{
    pthread_mutex_lock(&c->lock);
    unsigned turn = c->turn;
    if (!well) c->failed = true;
    if (++c->came == c->ranks) {
        c->came = 0;
        c->turn++;
        pthread_cond_broadcast(&c->all_came);
    }
    while (turn == c->turn) pthread_cond_wait(&c->all_came, &c->lock);
    bool all_well = !c->failed;
    pthread_mutex_unlock(&c->lock);
    return all_well;
}

static int share(dist_host *host, int64_t bytes, void **piece)
{
    fake_host *h = (fake_host *)host;
    void **more = realloc(h->memory, (size_t)(h->pieces + 1) * sizeof *more);
    if (more) h->memory = more;
    int64_t whole = (bytes + 127) / 128 * 128;
    void *mine = more ? aligned_alloc(128, (size_t)whole) : NULL;
    if (mine) {
        memset(mine, 0, (size_t)whole);
        h->memory[h->pieces++] = mine;
        h->circle->piece[host->me] = mine;
    }
    if (!meet(h->circle, mine)) {
        tr_fail("out of memory: fake ranks share %lld bytes", (long long)bytes);
        return -1;
    }
    memcpy(piece, h->circle->piece, (size_t)host->ranks * sizeof *piece);
    meet(h->circle, true); /* everybody has read it */
    return 0;
}

static int close_host(dist_host *host)
{
    fake_host *h = (fake_host *)host;
    meet(h->circle, true); /* nobody uses mine any more */
    for (int i = 0; i < h->pieces; i++) free(h->memory[i]);
    if (host->leaders) host->leaders->finish(host->leaders);
    if (host->all) host->all->finish(host->all);
    free(h->memory);
    free(host->number);
    free(host->host_of);
    free(h);
    return 0;
}

/* Rank `me` of a circle whose ranks are first, first + step, ... of all. */
static fake_host *open_host(fake_rank *f, circle *c, int me, int first, int step)
{
    fake_host *h = calloc(1, sizeof *h);
    int64_t *number = calloc((size_t)c->ranks, sizeof *number);
    if (!h || !number) {
        free(number);
        free(h);
        return tr_fail("out of memory: a fake rank");
    }
    for (int i = 0; i < c->ranks; i++) number[i] = first + i * step;
    h->host = (dist_host){.ranks = c->ranks, .me = me, .number = number, .hosts = 1, .crowded = true, .share = share, .pause = pause_host, .close = close_host};
    h->circle = c;
    h->random = &f->random;
    h->late_us = f->world->how.late_us;
    return h;
}

static dist_transport *open_window(fake_host *h, int64_t slot_bytes)
{
    return h ? dist_window_open(&h->host, slot_bytes) : NULL;
}

static dist_transport *open_inner(fake_rank *f, int rank)
{
    world *w = f->world;
    int64_t slot = w->how.slot_bytes ? w->how.slot_bytes : 4096;
    dist_transport *all = open_window(open_host(f, &w->all, rank, 0, 1), slot);
    if (w->hosts == 1 || !all) return all;

    int host = rank / w->host_ranks, me = rank % w->host_ranks;
    fake_host *h = open_host(f, &w->of_host[host], me, host * w->host_ranks, 1);
    if (!h) return NULL;
    h->host.all = all;
    h->host.hosts = w->hosts;
    h->host.host_of = calloc((size_t)w->how.ranks, sizeof(int));
    if (!h->host.host_of) {
        close_host(&h->host);
        return tr_fail("out of memory: a fake rank");
    }
    for (int r = 0; r < w->how.ranks; r++) h->host.host_of[r] = r / w->host_ranks;
    if (me == 0) h->host.leaders = open_window(open_host(f, &w->leaders, host, 0, w->host_ranks), slot);
    return open_window(h, slot);
}

/* ---- the rank ---- */

static int advance(dist_transport *way, dist_work *w, double seconds)
{
    fake_rank *f = (fake_rank *)way;
    dist_fault fault = f->world->how.fault;
    be_late(&f->random, f->world->how.late_us);
    bool struck = fault.kind != DIST_FAULT_NONE && fault.rank == way->rank && fault.work == f->works;
    int status;
    if (struck && fault.kind == DIST_FAULT_FAILS) {
        tr_fail("%s: scripted failure of rank %lld", dist_operation_name(w->operation), (long long)way->rank);
        f->inner->abort(f->inner, 1);
        status = -1;
    } else if (struck) {
        status = 1;
    } else if (w->operation == DIST_SEND) {
        status = dist_letters_send(&f->world->letters, way->rank, w);
    } else if (w->operation == DIST_RECEIVE) {
        status = dist_letters_receive(&f->world->letters, way->rank, w, seconds);
    } else {
        status = f->inner->advance(f->inner, w, seconds);
    }
    if (status != 0) f->works++;
    return status;
}

static void *take(dist_transport *way, int64_t bytes)
{
    dist_transport *inner = ((fake_rank *)way)->inner;
    return inner->take(inner, bytes);
}

static void give_back(dist_transport *way, void *memory)
{
    dist_transport *inner = ((fake_rank *)way)->inner;
    inner->give_back(inner, memory);
}

static void leave_all(dist_transport *way, int status)
{
    dist_transport *inner = ((fake_rank *)way)->inner;
    inner->abort(inner, status);
}

static int finish(dist_transport *way)
{
    dist_transport *inner = ((fake_rank *)way)->inner;
    return inner->finish(inner);
}

typedef struct {
    world *world;
    int rank;
    pthread_t thread;
} seat;

static void *play(void *data)
{
    seat *s = data;
    world *w = s->world;
    fake_rank f = {.world = w, .random = w->how.seed * 1000003u + (uint64_t)s->rank};
    f.inner = open_inner(&f, s->rank);
    if (!f.inner) {
        fprintf(stderr, "fake rank %d: %s\n", s->rank, tr_error_message());
        abort(); /* the others would wait: a test that cannot run */
    }
    f.way = (dist_transport){
        .name = "fake",
        .rank = s->rank,
        .world = w->how.ranks,
        .local_rank = s->rank % w->host_ranks,
        .advance = advance,
        .take = take,
        .give_back = give_back,
        .abort = leave_all,
        .finish = finish,
    };
    if (w->body(&f.way, w->data) != 0) atomic_fetch_add(&w->bad, 1);
    f.way.finish(&f.way);
    tr_error_clear();
    return NULL;
}

static int open_world(world *w)
{
    int bad = open_circle(&w->all, w->how.ranks) + open_circle(&w->leaders, w->hosts);
    for (int i = 0; i < w->hosts && w->of_host; i++) bad += open_circle(&w->of_host[i], w->host_ranks);
    dist_letters_open(&w->letters);
    return bad == 0 && w->of_host ? 0 : -1;
}

static void close_world(world *w)
{
    close_circle(&w->all);
    close_circle(&w->leaders);
    for (int i = 0; i < w->hosts && w->of_host; i++) close_circle(&w->of_host[i]);
    dist_letters_close(&w->letters);
    free(w->of_host);
}

int dist_fake_run(dist_fake how, int (*body)(dist_transport *way, void *data), void *data)
{
    world w = {.how = how, .host_ranks = how.host_ranks ? how.host_ranks : how.ranks, .body = body, .data = data};
    w.hosts = how.ranks / w.host_ranks; /* all of them full */
    w.of_host = calloc((size_t)w.hosts, sizeof *w.of_host);
    seat *seats = calloc((size_t)how.ranks, sizeof *seats);
    bool ready = open_world(&w) == 0 && seats;
    for (int i = 0; ready && i < how.ranks; i++) {
        seats[i] = (seat){.world = &w, .rank = i};
        if (pthread_create(&seats[i].thread, NULL, play, &seats[i]) != 0) abort();
    }
    for (int i = 0; ready && i < how.ranks; i++) pthread_join(seats[i].thread, NULL);
    int bad = ready ? atomic_load(&w.bad) : -1;
    if (!ready) tr_fail("out of memory: fake ranks");
    free(seats);
    close_world(&w);
    return bad;
}
