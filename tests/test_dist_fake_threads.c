// CTEST LIBRARIES trireme_dist_internal
/* Transports without MPI: threads play the ranks, on one host and on several, late by chance, failing by script. */
#include "test.h"

#include "dist/fake.h"
#include "transport_checks.h"

#include <stdatomic.h>

static const int groups[][2] = {{1, 1}, {2, 2}, {3, 3}, {4, 4}, {8, 8}, {4, 2}, {6, 3}, {4, 1}}; /* ranks, on each host */
enum { GROUPS = sizeof groups / sizeof *groups };

static int everything(dist_transport *way, void *data)
{
    (void)data;
    int bad = check_every_collective(way);
    for (int64_t n = 1; n < 5000 && !bad; n *= 9) bad += check_started(way, n);
    if (!bad) bad += check_taken(way, 1) + check_taken(way, 3000) + check_weighted(way, 3000, 1.0 / 3) + check_taken_parts(way, 1000);
    return bad;
}

TEST(every_collective_on_any_ranks_and_hosts)
{
    for (int i = 0; i < GROUPS; i++)
        assert_int_equal(dist_fake_run((dist_fake){.ranks = groups[i][0], .host_ranks = groups[i][1]}, everything, NULL), 0);
}

static int same_bits(dist_transport *way, void *in_order)
{
    return check_bits(way, 10, in_order) + check_bits(way, 3000, in_order);
}

TEST(sums_have_the_same_bits_on_all_ranks)
{
    static int in_order;
    for (int i = 0; i < GROUPS; i++) {
        void *one_host = groups[i][0] == groups[i][1] ? &in_order : NULL;
        assert_int_equal(dist_fake_run((dist_fake){.ranks = groups[i][0], .host_ranks = groups[i][1]}, same_bits, one_host), 0);
    }
}

static int one_of_each(dist_transport *way, void *data)
{
    int64_t n = *(int64_t *)data;
    int bad = check_all_reduce(way, TR_FLOAT32, n, true) + check_started(way, n) + check_all_gather(way, n, false) + check_taken_parts(way, n);
    bad += check_reduce_scatter(way, TR_FLOAT32, n, true);
    return bad + check_broadcast(way, n, n % way->world) + check_reduce_scatter(way, TR_BFLOAT16, n, false) + check_messages(way, n) + check_taken(way, n);
}

TEST(late_ranks_change_nothing)
{
    for (int i = 0, rounds = harness_rounds(300); i < rounds; i++) {
        const int *group = groups[1 + i % (GROUPS - 1)];
        int64_t n = i % 5 == 0 ? 1500 : i % 50 + 1;
        dist_fake how = {.ranks = group[0], .host_ranks = group[1], .late_us = 100, .seed = (uint64_t)i, .slot_bytes = 1024};
        assert_int_equal(dist_fake_run(how, one_of_each, &n), 0);
    }
}

/* ---- when a rank fails ---- */

typedef struct {
    int64_t culprit;
    const char *others_say, *culprit_says;
    bool started; /* not blocking */
} expectation;

/* Until one fails; then what does it say?  NULL: it has noticed nothing. */
static int until_it_fails(dist_transport *way, void *data)
{
    const expectation *e = data;
    int status = 0;
    for (int i = 0; i < 6 && status == 0; i++) {
        float x[3] = {1, 2, 3};
        dist_work w = {.operation = DIST_ALL_REDUCE, .from = x, .into = x, .n = 3, .dtype = TR_FLOAT32};
        if (!e->started) {
            status = dist_run(way, &w);
            continue;
        }
        status = dist_start(way, &w);
        while (status == 0) status = dist_test(way, &w);
        if (status == 1) status = 0;
    }
    const char *want = way->rank == e->culprit ? e->culprit_says : e->others_say, *said = tr_error_stands() ? tr_error_message() : "";
    if (want ? status < 0 && strstr(said, want) : status == 0) return 0;
    fprintf(stderr, "rank %lld: status %d, '%s', expected '%s'\n", (long long)way->rank, status, said, want ? want : "success");
    return 1;
}

static void assert_all_say(dist_fault fault, int ranks, const char *seconds, expectation e)
{
    setenv("TRIREME_TIMEOUT", seconds, 1);
    double begin = dist_now();
    for (int i = 0; i < 2; i++) {
        e.started = i;
        assert_int_equal(dist_fake_run((dist_fake){.ranks = ranks, .fault = fault}, until_it_fails, &e), 0);
    }
    assert_true(dist_now() - begin < 10);
    unsetenv("TRIREME_TIMEOUT");
}

TEST(a_rank_that_fails_is_named_by_all)
{
    dist_fault fault = {DIST_FAULT_FAILS, .rank = 1, .work = 2};
    assert_all_say(fault, 2, "5", (expectation){1, "rank 1 failed: all_reduce: scripted failure", "scripted failure of rank 1", false});
    assert_all_say(fault, 4, "5", (expectation){1, "rank 1 failed: all_reduce: scripted failure", "scripted failure of rank 1", false});
}

/* Rank 2 leaves out its third all-reduce, so the others take its fourth for it, and wait for one more than it has. */
TEST(a_rank_that_does_not_come_is_named_by_all)
{
    dist_fault fault = {DIST_FAULT_DROPS, .rank = 2, .work = 2};
    assert_all_say(fault, 3, "0.3", (expectation){2, "rank 2 has not come in 0.3 s", NULL, false});
}

static int asks_for_more(dist_transport *way, void *data)
{
    (void)data;
    float x[9] = {0};
    int status = dist_all_reduce(way, x, way->rank == 1 ? 9 : 8, TR_FLOAT32);
    if (status < 0 && strstr(tr_error_message(), "rank 0: all_reduce of 8 float32; rank 1: all_reduce of 9 float32")) return 0;
    fprintf(stderr, "rank %lld: %d, %s\n", (long long)way->rank, status, tr_error_message());
    return 1;
}

TEST(ranks_that_ask_for_different_things_are_told_who_asks_for_what)
{
    assert_int_equal(dist_fake_run((dist_fake){.ranks = 3}, asks_for_more, NULL), 0);
}

static int goes_on_after_a_failure(dist_transport *way, void *data)
{
    (void)data;
    float x[2] = {1, 2};
    dist_all_reduce(way, x, way->rank + 1, TR_FLOAT32);
    tr_error_clear();
    int status = dist_barrier(way);
    return status < 0 && strstr(tr_error_message(), "a collective has failed") ? 0 : 1;
}

TEST(after_a_failure_nothing_goes_on)
{
    assert_int_equal(dist_fake_run((dist_fake){.ranks = 2}, goes_on_after_a_failure, NULL), 0);
}

static int bool_is_refused(dist_transport *way, void *data)
{
    (void)data;
    char x = 1;
    return dist_all_reduce(way, &x, 1, TR_BOOL) < 0 && strstr(tr_error_message(), "bool is not added") ? 0 : 1;
}

TEST(what_has_no_sum_is_refused)
{
    assert_int_equal(dist_fake_run((dist_fake){.ranks = 2}, bool_is_refused, NULL), 0);
}

/* Nobody has to come in time for an agreement with a limit. */
static int agrees_within(dist_transport *way, void *data)
{
    (void)data;
    uint64_t word = 1;
    if (way->rank == 0) return dist_largest(way, &word, 1, 0.05) == 1 ? 0 : 1;
    return 0;
}

TEST(an_agreement_can_be_given_up)
{
    assert_int_equal(dist_fake_run((dist_fake){.ranks = 2}, agrees_within, NULL), 0);
}
