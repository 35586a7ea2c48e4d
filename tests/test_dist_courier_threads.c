// CTEST LIBRARIES trireme_dist_internal
/* The thread that brings sums on while the program computes: threads play the ranks, each with one of these beside it, all of
 * them late by chance.  Under the thread sanitizer nobody touches what the other holds. */
#include "test.h"

#include "dist/fake.h"
#include "dist/reducer.h"
#include "dist/sum.h"

#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <trireme/error.h>

enum { ITEMS = 7,
       STEPS = 3 };

static const dist_item items[ITEMS] = {{40, TR_FLOAT32}, {3, TR_FLOAT64}, {17, TR_FLOAT32}, {90, TR_FLOAT64}, {1, TR_FLOAT32}, {64, TR_FLOAT32}, {5, TR_FLOAT32}};

typedef struct {
    dist_reducer reducer;
    int64_t rank, step;
    uint64_t random;
} player;

/* ---- what a rank computes meanwhile ---- */

static uint64_t draw(uint64_t *random)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return *random >> 33;
}

static void compute(uint64_t *random)
{
    uint64_t r = draw(random) % 8;
    if (r == 0) nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
    if (r == 1) sched_yield();
}

static void shuffle(uint64_t *random, int64_t *order)
{
    for (int64_t i = 0; i < ITEMS; i++) order[i] = i;
    for (int64_t i = ITEMS - 1; i > 0; i--) {
        int64_t k = (int64_t)(draw(random) % (uint64_t)(i + 1)), other = order[i];
        order[i] = order[k];
        order[k] = other;
    }
}

/* Item 4 is used by rank 0 alone, item 6 by nobody. */
static bool uses(int64_t rank, int64_t item) { return item < 4 || item == 5 || (item == 4 && rank == 0); }

static double gradient(int64_t rank, int64_t step, int64_t item, int64_t i) { return (double)((rank + 1) * (item + 1) + step * i); }

static void put(tr_dtype dtype, void *place, int64_t i, double x)
{
    if (dtype == TR_FLOAT64)
        ((double *)place)[i] = x;
    else
        ((float *)place)[i] = (float)x;
}

static double get(tr_dtype dtype, const void *place, int64_t i) { return dtype == TR_FLOAT64 ? ((const double *)place)[i] : (double)((const float *)place)[i]; }

static int full(void *owner, int64_t bucket)
{
    player *p = owner;
    dist_bucket *b = &p->reducer.plan.bucket[bucket];
    double weight = dist_reducer_weight(&p->reducer);
    if (isnan(weight)) return -1;
    for (int64_t s = 0; s < b->slots; s++) {
        bool used = p->reducer.ready[b->slot[s].item];
        for (int64_t i = 0; i < b->slot[s].n; i++)
            put(b->dtype, b->slot[s].place, i, used ? weight * gradient(p->rank, p->step, b->slot[s].item, i) : 0);
        dist_bucket_set_used(b, s, used);
    }
    return dist_reducer_send(&p->reducer, bucket, 1);
}

/* ---- one step ---- */

static int64_t samples_of(int64_t rank) { return rank + 1; }

static double average(int64_t world, int64_t step, int64_t item, int64_t i)
{
    double sum = 0, samples = 0;
    for (int64_t r = 0; r < world; r++) {
        samples += (double)samples_of(r);
        if (uses(r, item)) sum += (double)samples_of(r) * gradient(r, step, item, i);
    }
    return sum / samples;
}

static int count_wrong(const player *p, int64_t world)
{
    int wrong = 0;
    for (int64_t k = 0; k < ITEMS; k++) {
        bool used = k != 6;
        if (dist_reducer_used(&p->reducer, k) != used) wrong++;
        for (int64_t i = 0; i < items[k].n; i++) {
            double want = average(world, p->step, k, i), got = get(items[k].dtype, p->reducer.plan.home[k]->place, i);
            if (!(fabs(got - want) <= 1e-5 * fabs(want) + 1e-6)) wrong++;
        }
    }
    return wrong;
}

static int step(player *p, int64_t world)
{
    int64_t order[ITEMS];
    shuffle(&p->random, order);
    if (dist_reducer_begin(&p->reducer, samples_of(p->rank), NULL, 0) < 0) return 1;
    for (int64_t k = 0; k < ITEMS; k++) {
        compute(&p->random);
        if (uses(p->rank, order[k]) && dist_reducer_ready(&p->reducer, order[k]) < 0) return 1;
    }
    if (dist_reducer_flush(&p->reducer) < 0 || dist_reducer_wait(&p->reducer) < 0) return 1;
    bool moved;
    int wrong = count_wrong(p, world);
    return !p->reducer.settled && dist_reducer_settle(&p->reducer, &moved) < 0 ? 1 : wrong;
}

typedef struct {
    bool thread;
    uint64_t seed;
} how_to_play;

static int play(dist_transport *way, void *data)
{
    const how_to_play *how = data;
    player p = {.rank = way->rank, .random = how->seed * 7919 + (uint64_t)way->rank, .reducer = {.limits = {64, 300}, .full = full}};
    p.reducer.owner = &p;
    if (dist_reducer_open(&p.reducer, way, items, ITEMS, how->thread) < 0) return 1;
    int bad = 0;
    for (p.step = 0; p.step < STEPS && !bad; p.step++) bad = step(&p, way->world);
    if (bad) fprintf(stderr, "rank %lld: %d wrong in step %lld: %s\n", (long long)way->rank, bad, (long long)p.step, tr_error_message());
    dist_reducer_close(&p.reducer);
    return bad;
}

TEST(late_ranks_with_a_thread_each_average_right)
{
    static const int groups[][2] = {{2, 2}, {3, 3}, {4, 2}, {4, 1}, {6, 3}, {1, 1}}; /* ranks, on each host */
    enum { GROUPS = sizeof groups / sizeof *groups };
    for (int i = 0, rounds = harness_rounds(300); i < rounds; i++) {
        how_to_play how = {.thread = i % 8 != 7, .seed = (uint64_t)i};
        const int *group = groups[i % GROUPS];
        assert_int_equal(dist_fake_run((dist_fake){.ranks = group[0], .host_ranks = group[1], .late_us = 50, .seed = (uint64_t)i, .slot_bytes = 256}, play, &how), 0);
    }
}

/* ---- a failure in the thread is an error of who waits ---- */

static int until_it_fails(dist_transport *way, void *data)
{
    (void)data;
    enum { WORKS = 6 };
    dist_courier c;
    dist_work w[WORKS];
    double x[WORKS] = {0};
    int failed = -1;
    if (dist_courier_open(&c, way, true) < 0) return 1;
    for (int i = 0; i < WORKS; i++) {
        w[i] = (dist_work){.operation = DIST_ALL_REDUCE, .from = &x[i], .into = &x[i], .n = 1, .dtype = TR_FLOAT64};
        dist_courier_post(&c, &w[i]);
    }
    for (int i = 0; i < WORKS; i++)
        if (dist_courier_wait(&c, &w[i]) < 0 && failed < 0) failed = i;
    const char *want = way->rank == 1 ? "scripted failure of rank 1" : "rank 1 failed";
    bool told = tr_error_stands() && strstr(tr_error_message(), want);
    if (failed < 0 || failed > 2 || !told) fprintf(stderr, "rank %lld: work %d failed: %s\n", (long long)way->rank, failed, tr_error_message());
    dist_courier_close(&c);
    return failed < 0 || failed > 2 || !told; /* nothing goes on after it */
}

TEST(a_failure_in_the_thread_is_told_to_who_waits)
{
    setenv("TRIREME_TIMEOUT", "5", 1);
    for (int i = 0; i < 20; i++) {
        dist_fake how = {.ranks = 3, .late_us = 50, .seed = (uint64_t)i, .fault = {DIST_FAULT_FAILS, .rank = 1, .work = 2}};
        assert_int_equal(dist_fake_run(how, until_it_fails, NULL), 0);
    }
    unsetenv("TRIREME_TIMEOUT");
}

/* Closed while it waits for something to do. */
TEST(a_thread_that_nobody_asked_ends)
{
    for (int i = 0; i < 50; i++) {
        dist_courier c;
        assert_int_equal(dist_courier_open(&c, dist_alone(), true), 0);
        dist_courier_close(&c);
    }
}
