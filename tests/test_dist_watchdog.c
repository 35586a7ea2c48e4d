// CTEST DIST LABELS mpi jobs patient
/* Ranks that are killed, stopped, stuck, or somewhere else: the job ends soon, not with 0, and says who was missing, in
 * which collective, and why. */
#include "job.h"
#include "test.h"

#include <signal.h>
#include <trireme/dist.h>
#include <trireme/ops.h>

/* ---- the parts that ranks play; the last rank is the one that fails, or, with TEST_FIRST, the first ---- */

static bool culprit;

static int meets_thrice(void)
{
    for (int i = 0; i < 3; i++) tr_barrier();
    return 0;
}

static int finds_others_missing(void)
{
    tr_all_reduce(tr_zeros(TR_SHAPE(5)));
    return tr_dist_finish();
}

static int is_killed(void)
{
    meets_thrice();
    if (culprit) raise(SIGKILL);
    return finds_others_missing();
}

static int is_killed_while_others_compute(void)
{
    meets_thrice();
    if (culprit) raise(SIGKILL);
    sleep(20);
    return 0;
}

static int leaves_at_once(void)
{
    meets_thrice();
    if (culprit) _exit(3);
    return finds_others_missing();
}

static int is_stopped(void)
{
    meets_thrice();
    if (culprit) raise(SIGSTOP);
    return finds_others_missing();
}

static int loops_for_ever(void)
{
    meets_thrice();
    for (volatile bool for_ever = culprit; for_ever;) {}
    return finds_others_missing();
}

static int sleeps(void)
{
    meets_thrice();
    if (culprit) sleep(20);
    return finds_others_missing();
}

static int misses_one(void)
{
    meets_thrice();
    if (!culprit) tr_barrier();
    return finds_others_missing();
}

static int changes_the_order(void)
{
    meets_thrice();
    if (culprit) tr_barrier();
    tr_all_reduce(tr_zeros(TR_SHAPE(5)));
    if (!culprit) tr_barrier();
    return tr_dist_finish();
}

static int changes_the_shape(void)
{
    meets_thrice();
    tr_all_reduce(tr_zeros(TR_SHAPE(culprit ? 6 : 5)));
    return tr_dist_finish();
}

static int loops_before_backward(void)
{
    tr_module *ranks = tr_data_parallel(tr_linear_layer(3, 2));
    for (int step = 0; step < 3; step++) {
        tr_tensor *y = tr_forward(ranks, tr_ones(TR_SHAPE(4, 3)));
        for (volatile bool for_ever = culprit && step == 2; for_ever;) {}
        tr_backward(tr_sum(y));
    }
    return tr_dist_finish();
}

static void loop_for_ever(tr_tensor *parameter, void *unused)
{
    (void)parameter, (void)unused;
    for (volatile bool for_ever = culprit; for_ever;) {}
}

static int loops_in_backward(void)
{
    tr_module *m = tr_linear_layer(3, 2), *ranks = tr_data_parallel(m);
    tr_tensor *y = tr_forward(ranks, tr_ones(TR_SHAPE(4, 3)));
    tr_on_grad(tr_parameters(m).tensor[0], loop_for_ever, NULL);
    tr_backward(tr_sum(y));
    return tr_dist_finish();
}

/* With each backward the wish to stop travels, and nothing is asked beside it. */
static int stops_after_backward(void)
{
    tr_module *ranks = tr_data_parallel(tr_linear_layer(3, 2));
    int step = 0;
    tr_dist_stop_on_signals();
    for (bool stop = false; !stop && step < 100; step++) {
        if (culprit && step == 37) raise(SIGTERM);
        tr_backward(tr_sum(tr_forward(ranks, tr_ones(TR_SHAPE(4, 3)))));
        stop = tr_dist_should_stop();
    }
    printf("rank %d stops after %d steps\n", (int)tr_dist_rank(), step);
    fflush(stdout);
    return tr_dist_finish() ? 1 : TR_DIST_STOPPED;
}

/* Ends at the step in which the one rank is told to. */
static int is_told_to_stop(int signal)
{
    int step = 0;
    tr_dist_stop_on_signals();
    for (bool stop = false; !stop && step < 100; step++) {
        if (culprit && step == 37) raise(signal);
        stop = tr_dist_should_stop();
    }
    printf("rank %d stops after %d steps\n", (int)tr_dist_rank(), step);
    fflush(stdout);
    return tr_dist_finish() ? 1 : step < 100 ? TR_DIST_STOPPED
                                             : 0;
}

static int is_terminated(void) { return is_told_to_stop(SIGTERM); }
static int gets_usr1(void) { return is_told_to_stop(SIGUSR1); }

static void loop(const tr_error *error, void *unused)
{
    (void)error, (void)unused;
    for (volatile bool for_ever = culprit; for_ever;) {}
}

static void stop(const tr_error *error, void *unused)
{
    (void)error, (void)unused;
    if (culprit) raise(SIGSTOP);
}

/* What a program may do when it is told of the error that all ranks end with. */
static int loops_in_finish(void)
{
    tr_on_error(loop, NULL);
    if (culprit) tr_fail("it is over");
    return tr_dist_finish();
}

static int stops_in_finish(void)
{
    tr_on_error(stop, NULL);
    if (culprit) tr_fail("it is over");
    return tr_dist_finish();
}

static const job_part parts[] = {
    {PART(is_killed)},
    {PART(is_killed_while_others_compute)},
    {PART(leaves_at_once)},
    {PART(is_stopped)},
    {PART(loops_for_ever)},
    {PART(sleeps)},
    {PART(misses_one)},
    {PART(is_terminated)},
    {PART(gets_usr1)},
    {PART(loops_before_backward)},
    {PART(loops_in_backward)},
    {PART(loops_in_finish)},
    {PART(stops_in_finish)},
    {PART(stops_after_backward)},
    {PART(changes_the_order)},
    {PART(changes_the_shape)},
};

BEFORE_ALL
{
    const char *part = part_of_rank(argc, argv);
    if (!part) return 0;
    culprit = tr_dist_rank() == (getenv("TEST_FIRST") ? 0 : tr_dist_world() - 1);
    play_part(parts, sizeof parts / sizeof *parts, part);
}

/* ---- the jobs ---- */

/* What stands in the environment of a job; NULL: nothing. */
typedef struct {
    const char *transport, *check, *host_ranks, *first;
} setting;

static void set(const setting *s)
{
    const char *const all[][2] = {{"TRIREME_TRANSPORT", s->transport}, {"TRIREME_CHECK", s->check}, {"TRIREME_HOST_RANKS", s->host_ranks}, {"TEST_FIRST", s->first}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        all[i][1] ? setenv(all[i][0], all[i][1], 1) : unsetenv(all[i][0]);
}

/* Start and the launcher's own second of patience included. */
static void assert_ends_within(double seconds, int ranks, const char *part, setting s)
{
    char launcher[40];
    need_mpirun();
    set(&s);
    setenv("TRIREME_TIMEOUT", "1.5", 1);
    snprintf(launcher, sizeof launcher, "mpirun -n %d", ranks);
    int status = run_job(launcher, part);
    set(&(setting){0});
    if (getenv("TEST_SHOW")) print_message("%s, %d ranks, %s: status %d after %.1f s:\n%s\n", part, ranks, s.transport, status, took, output);
    assert_failed_within(seconds, status, part);
}
#define ENDS_WITHIN(seconds, ranks, part, ...) assert_ends_within(seconds, ranks, part, (setting){.transport = __VA_ARGS__})

/* Of our watchdogs and mpirun, who both see it at once, either may be the first to speak, and end the other's ranks. */
static void assert_named(const char *ours, const char *of_mpirun)
{
    if (!strstr(output, ours) && !strstr(output, of_mpirun)) print_error("neither '%s' nor '%s':\n%s\n", ours, of_mpirun, output);
    assert_true(strstr(output, ours) || strstr(output, of_mpirun));
}

TEST(a_killed_rank_ends_all)
{
    ENDS_WITHIN(5, 3, "is_killed", "auto");
    assert_named("rank 2 on ", "rank 2 with PID");
}

TEST(over_mpi_alone_too)
{
    ENDS_WITHIN(5, 2, "is_killed", "mpi");
    assert_named("rank 1 on ", "rank 1 with PID");
}

TEST(a_killed_rank_ends_those_that_compute)
{
    ENDS_WITHIN(5, 4, "is_killed_while_others_compute", "auto");
    assert_named("rank 3 on ", "rank 3 with PID");
}

TEST(a_rank_that_leaves_without_a_word_ends_all)
{
    ENDS_WITHIN(5, 2, "leaves_at_once", "auto");
    assert_named("rank 1 on ", "1]\n  Exit code:    3");
}

TEST(a_stopped_rank_is_told_from_one_that_is_stuck)
{
    ENDS_WITHIN(6, 3, "is_stopped", "shared");
    assert_output_has("rank 2 on ");
    assert_output_has(" has not come to #");
    assert_output_has("is stopped (as by kill -STOP");
    ENDS_WITHIN(6, 2, "is_stopped", "mpi");
    assert_output_has("is stopped (as by kill -STOP");
}

TEST(an_endless_loop_is_named_with_the_call_that_waits_for_it)
{
    ENDS_WITHIN(6, 4, "loops_for_ever", "shared");
    assert_output_has("rank 3 on ");
    assert_output_has(" is alive and runs code of its own");
    assert_output_has("(all_reduce float32 (5,)) at test_dist_watchdog.c:");
    assert_output_has(": last did #");
}

TEST(backward_is_told_by_what_it_does_and_the_line_that_called_it)
{
    ENDS_WITHIN(6, 2, "loops_before_backward", "shared", .check = "0");
    assert_output_has("(gradients, how many samples) at test_dist_watchdog.c:");
    assert_output_has("rank 1 on ");
    assert_output_has(" is alive and runs code of its own");
    ENDS_WITHIN(6, 2, "loops_in_backward", "shared");
    assert_output_has("(gradients, bucket 0 of 1: bias .. weight) at test_dist_watchdog.c:");
    assert_output_has("rank 1 on ");
    assert_output_has(" is alive and runs code of its own");
}

TEST(over_mpi_alone_a_sleeper_is_named)
{
    ENDS_WITHIN(6, 3, "sleeps", "mpi");
    assert_output_has("rank 2 on ");
    assert_output_has(" is alive and sleeps in code of its own");
}

TEST(hosts_that_wait_for_each_other_name_the_rank)
{
    ENDS_WITHIN(7, 4, "loops_for_ever", "shared", .host_ranks = "2");
    assert_output_has("rank 3 on ");
    assert_output_has(" is alive and runs code of its own");
}

TEST(a_hosts_first_rank_is_named_too_and_not_those_that_wait_for_its_host)
{
    ENDS_WITHIN(7, 4, "is_stopped", "shared", .host_ranks = "2", .first = "1");
    assert_output_has(" ends all ranks: after 1.5 s (TRIREME_TIMEOUT) rank 0 on ");
    assert_output_has("is stopped (as by kill -STOP");
}

TEST(a_missed_collective_is_found_at_once)
{
    ENDS_WITHIN(5, 2, "misses_one", "auto", .check = "1");
    assert_output_has(" in #");
    assert_output_has(": rank 0: barrier at test_dist_watchdog.c:");
    assert_output_has("; rank 1: all_reduce float32 (5,) at test_dist_watchdog.c:");
    ENDS_WITHIN(5, 2, "misses_one", "shared", .check = "0");
    assert_output_has(" in #4: rank 0: barrier at test_dist_watchdog.c:");
    assert_output_has("; rank 1: all_reduce of 5 float32 at test_dist_watchdog.c:");
}

TEST(over_mpi_alone_another_order_is_found_after_the_limit)
{
    ENDS_WITHIN(6, 2, "changes_the_order", "mpi", .check = "0");
    assert_output_has("rank 1 on ");
    assert_output_has("asks for #");
    assert_output_has(" where others ask for #");
}

TEST(another_shape_is_found_at_once)
{
    ENDS_WITHIN(5, 3, "changes_the_shape", "mpi", .check = "1");
    assert_output_has("ranks 0-1: all_reduce float32 (5,) at test_dist_watchdog.c:");
    assert_output_has("; rank 2: all_reduce float32 (6,) at test_dist_watchdog.c:");
}

static void assert_row_of_each(int ranks)
{
    for (int i = 0; i < ranks; i++) {
        char row[40];
        snprintf(row, sizeof row, "trireme:   rank %d on ", i);
        assert_output_has(row);
    }
}

TEST(a_stopped_rank_alone_on_its_host_is_named)
{
    ENDS_WITHIN(9, 3, "is_stopped", "shared", .host_ranks = "1");
    assert_output_has("(TRIREME_TIMEOUT) rank 2 on ");
    assert_output_has(" is missing in #");
    assert_output_has(" does not answer, though its host does: it is stopped");
    assert_row_of_each(3);
    ENDS_WITHIN(9, 2, "is_stopped", "mpi", .host_ranks = "1", .first = "1");
    assert_output_has("(TRIREME_TIMEOUT) rank 0 on ");
    assert_output_has(" does not answer, though its host does: it is stopped");
}

TEST(so_is_one_in_an_endless_loop)
{
    ENDS_WITHIN(9, 3, "loops_for_ever", "shared", .check = "0", .host_ranks = "1");
    assert_output_has("(TRIREME_TIMEOUT) rank 2 on ");
    assert_output_has(" has not come to #4 all_reduce of 5 float32");
    assert_output_has(" is alive and runs code of its own");
    assert_row_of_each(3);
    assert_output_has(": last did #3 barrier at test_dist_watchdog.c:");
}

TEST(so_is_one_that_misses_a_collective)
{
    ENDS_WITHIN(9, 3, "misses_one", "shared", .check = "0", .host_ranks = "1");
    assert_output_has("(TRIREME_TIMEOUT) rank 2 on ");
    assert_output_has(" asks for #4 all_reduce of 5 float32");
    assert_output_has(" where others ask for #4 barrier at test_dist_watchdog.c:");
}

TEST(neighbours_speak_for_a_stopped_rank_to_other_hosts)
{
    ENDS_WITHIN(9, 4, "is_stopped", "shared", .check = "0", .host_ranks = "2");
    assert_output_has("rank 0 of 4 on ");
    assert_output_has("(TRIREME_TIMEOUT) rank 3 on ");
    assert_output_has(": last did #3 barrier at test_dist_watchdog.c:");
    assert_output_has("[called 3, arrived 3, done 3], stopped");
    assert_row_of_each(4);
}

/* All have agreed that one failed; the one then does not go on. */
TEST(who_does_not_come_to_the_end_of_finish_is_named)
{
    ENDS_WITHIN(9, 3, "loops_in_finish", "shared");
    assert_output_has("(TRIREME_TIMEOUT) rank 2 on ");
    assert_output_has(" has not come to MPI_Finalize, at the end of tr_dist_finish(): its process ");
    ENDS_WITHIN(9, 2, "stops_in_finish", "mpi", .host_ranks = "1");
    assert_output_has("(TRIREME_TIMEOUT) rank 1 on ");
    assert_output_has(" MPI_Finalize, at the end of tr_dist_finish(): its process ");
}

static void assert_stops(int ranks, const char *transport, const char *part)
{
    char launcher[40], line[60];
    need_mpirun();
    setenv("TRIREME_TRANSPORT", transport, 1);
    snprintf(launcher, sizeof launcher, "mpirun -n %d", ranks);
    int status = run_job(launcher, part);
    unsetenv("TRIREME_TRANSPORT");
    for (int i = 0; i < ranks; i++) {
        snprintf(line, sizeof line, "rank %d stops after 38 steps", i);
        assert_output_has(line);
    }
    assert_int_equal(status, TR_DIST_STOPPED);
}

TEST(all_ranks_stop_at_one_step)
{
    assert_stops(3, "auto", "is_terminated");
    assert_stops(2, "mpi", "gets_usr1");
    assert_stops(3, "auto", "stops_after_backward");
}
