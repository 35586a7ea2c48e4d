// CTEST DIST LABELS mpi jobs
/* What a job does when one of its ranks fails: it ends within seconds, with a status that is not 0, and says which rank
 * failed and why.  Each test starts this program again under mpirun, where the variable names the part to play. */
#include "job.h"
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <trireme/dist.h>
#include <trireme/ops.h>
#include <unistd.h>

/* ---- the parts that ranks play ---- */

static int rank_of_part;

static int fails_then_meets(void)
{
    if (rank_of_part == 1) tr_matmul(tr_zeros(TR_SHAPE(2, 3)), tr_zeros(TR_SHAPE(2, 3)));
    while (tr_dist_world() == 2) tr_barrier(); /* a program that looks at no status */
    return tr_dist_finish();
}

static int fails_before_backward(void)
{
    tr_tensor *weights = tr_ones(TR_SHAPE(1, 1));
    tr_module *ranks = tr_data_parallel(tr_linear_layer(1, 1));
    tr_tensor *y = tr_forward(ranks, rank_of_part == 1 ? tr_ones(TR_SHAPE(3, 4)) : weights);
    for (int step = 0; step < 3; step++)
        if (tr_backward(tr_sum(y), .retain_graph = true) < 0) break;
    return tr_dist_finish();
}

/* What a rank says after tr_dist_finish, in a file: its output is lost where mpirun ends it for the other's status. */
static void leave_word(int rank, int status)
{
    char name[32];
    snprintf(name, sizeof name, "finished.%d", rank);
    FILE *file = fopen(name, "w");
    if (!file) return;
    fprintf(file, "%d\n", status);
    fclose(file);
}

static int word_of(int rank)
{
    char name[32];
    int status = -1;
    snprintf(name, sizeof name, "finished.%d", rank);
    FILE *file = fopen(name, "r");
    if (!file) return -1;
    if (fscanf(file, "%d", &status) != 1) status = -1; /* NOLINT(cert-err34-c) */
    fclose(file);
    return status;
}

static int fails_then_finishes(void)
{
    if (rank_of_part == 1) tr_fail("no luck");
    int status = tr_dist_finish();
    leave_word(rank_of_part, status);
    for (int i = 0; i < 300 && word_of(1 - rank_of_part) < 0; i++) usleep(10000); /* mpirun ends those who are not out yet */
    return status;
}

static int fails_then_finishes_alone(void)
{
    if (rank_of_part == 1) tr_fail("no luck");
    if (rank_of_part == 0) tr_barrier();
    return tr_dist_finish();
}

static int leaves_with_3(void)
{
    if (rank_of_part == 1) exit(3);
    tr_barrier();
    return tr_dist_finish();
}

static int forgets_to_finish(void)
{
    if (rank_of_part == 1) return 0;
    tr_barrier();
    return tr_dist_finish();
}

static int sends_more_than_is_taken(void)
{
    tr_broadcast(tr_zeros(TR_SHAPE(rank_of_part == 0 ? 8 : 4)), 0);
    return tr_dist_finish();
}

static int finishes_while_others_add(void)
{
    if (rank_of_part == 0) tr_all_reduce(tr_zeros(TR_SHAPE(5)));
    return tr_dist_finish();
}

static int has_a_batch_more(void)
{
    tr_module *model = tr_linear_layer(2, 1), *ranks = tr_data_parallel(model);
    for (int step = 0; step < 2 + rank_of_part; step++)
        if (tr_backward(tr_mean(tr_forward(ranks, tr_ones(TR_SHAPE(3, 2))))) < 0) break;
    return tr_dist_finish();
}

static int does_not_come(void)
{
    if (rank_of_part == 1) sleep(30);
    tr_barrier();
    return tr_dist_finish();
}

static int is_killed(void)
{
    tr_barrier();
    if (rank_of_part == 1) raise(SIGKILL);
    tr_barrier();
    return tr_dist_finish();
}

static const job_part parts[] = {
    {PART(fails_then_meets)},
    {PART(fails_before_backward)},
    {PART(fails_then_finishes)},
    {PART(fails_then_finishes_alone)},
    {PART(leaves_with_3)},
    {PART(forgets_to_finish)},
    {PART(sends_more_than_is_taken)},
    {PART(finishes_while_others_add)},
    {PART(has_a_batch_more)},
    {PART(does_not_come)},
    {PART(is_killed)},
};

BEFORE_ALL
{
    const char *part = part_of_rank(argc, argv);
    if (!part) return 0;
    rank_of_part = (int)tr_dist_rank();
    play_part(parts, sizeof parts / sizeof *parts, part);
}

/* ---- the jobs ---- */

/* Start included, which takes up to a second where cores are few. */
static void assert_ends_badly(const char *part)
{
    need_mpirun();
    int status = run_job("mpirun -n 2", part);
    assert_failed_within(6, status, part);
    assert_int_not_equal(status, 137);
}

TEST(an_error_ends_the_ranks_that_wait_for_it)
{
    assert_ends_badly("fails_then_meets");
    assert_output_has("trireme: rank 1 of 2 on ");
    assert_output_has("tr_matmul: ");
}

TEST(an_error_before_backward_ends_the_ranks_that_wait_in_it)
{
    assert_ends_badly("fails_before_backward");
    assert_output_has("trireme: rank 1 of 2 on ");
}

TEST(an_error_at_the_end_is_told_to_all_and_nothing_is_aborted)
{
    unlink("finished.0");
    unlink("finished.1");
    assert_ends_badly("fails_then_finishes");
    assert_output_has("trireme: rank 1 of 2 on ");
    assert_output_has("no luck");
    assert_int_equal(word_of(0), 1);
    assert_int_equal(word_of(1), 1);
}

TEST(an_error_at_the_end_ends_ranks_that_are_elsewhere)
{
    setenv("TRIREME_CHECK", "0", 1);
    assert_ends_badly("fails_then_finishes_alone");
    assert_output_has("rank 1 "); /* said by itself, or by rank 0 if that ends first */
    assert_output_has("no luck");
    unsetenv("TRIREME_CHECK");
}

TEST(a_rank_that_exits_is_named)
{
    assert_ends_badly("leaves_with_3");
    assert_output_has("trireme: rank 1 of 2 on ");
    assert_output_has("exited with status 3 before tr_dist_finish()");
}

TEST(a_rank_that_forgets_to_finish_is_named)
{
    assert_ends_badly("forgets_to_finish");
    assert_output_has("trireme: rank 1 of 2 on ");
    assert_output_has("before tr_dist_finish()");
}

/* By this transport, and nobody compares beforehand what the ranks ask for. */
static void assert_ends_badly_unchecked(const char *transport, const char *part)
{
    setenv("TRIREME_CHECK", "0", 1);
    setenv("TRIREME_TRANSPORT", transport, 1);
    assert_ends_badly(part);
    unsetenv("TRIREME_TRANSPORT");
    unsetenv("TRIREME_CHECK");
}

TEST(an_error_of_mpi_ends_all)
{
    assert_ends_badly_unchecked("mpi", "sends_more_than_is_taken");
    assert_output_has("MPI_Bcast: ");
}

TEST(in_shared_memory_unequal_ranks_are_found_without_checks)
{
    assert_ends_badly_unchecked("shared", "sends_more_than_is_taken");
    assert_output_has("rank 0: broadcast of 32 bytes at test_dist_error.c:");
}

TEST(ranks_out_of_step_are_told_apart)
{
    setenv("TRIREME_CHECK", "1", 1);
    assert_ends_badly("finishes_while_others_add");
    assert_output_has("rank 0: all_reduce float32 (5,)");
    assert_output_has("rank 1: finish");
    unsetenv("TRIREME_CHECK");
}

TEST(a_rank_with_more_data_than_the_others_is_told_what_they_do)
{
    assert_ends_badly_unchecked("shared", "has_a_batch_more");
    assert_output_has("rank 0: comparison (finish) at test_dist_error.c:");
    assert_output_has("rank 1: all_reduce of 2 int64 (gradients, how many samples) at test_dist_error.c:");
}

TEST(a_rank_that_does_not_come_is_named_after_the_limit)
{
    setenv("TRIREME_TRANSPORT", "shared", 1);
    setenv("TRIREME_TIMEOUT", "1", 1);
    for (int check = 0; check < 2; check++) {
        setenv("TRIREME_CHECK", check ? "1" : "0", 1);
        assert_ends_badly("does_not_come");
        assert_output_has("trireme: rank 0 of 2 on ");
        assert_output_has("after 1 s (TRIREME_TIMEOUT) rank 1 on ");
        assert_output_has("has not come to #");
    }
    unsetenv("TRIREME_CHECK");
    unsetenv("TRIREME_TIMEOUT");
    unsetenv("TRIREME_TRANSPORT");
}

TEST(a_killed_rank_ends_all)
{
    need_mpirun();
    assert_failed_within(6, run_job("mpirun -n 2", "is_killed"), "is_killed");
    assert_output_has("ank 1 "); /* named by mpirun, by rank 0, or by both */
}

TEST(lone_processes_that_should_have_been_ranks_are_refused)
{
    need_mpirun();
    setenv("FLUX_JOB_SIZE", "2", 1);
    int status = run_job("", "fails_then_finishes");
    unsetenv("FLUX_JOB_SIZE");
    assert_int_equal(status, 1);
    assert_output_has("FLUX_JOB_SIZE says that 2 ranks were started, but MPI sees one");
}

TEST(what_cannot_be_read_in_the_environment_is_refused)
{
    static const char *const settings[][3] = {
        {"TRIREME_TIMEOUT", "5s", "TRIREME_TIMEOUT=5s: expected seconds, or 0: for ever"},
        {"TRIREME_TIMEOUT", "-1", "TRIREME_TIMEOUT=-1: expected seconds, or 0: for ever"},
        {"TRIREME_WINDOW", "1 MiB", "TRIREME_WINDOW=1 MiB: expected bytes, 64 to 2 GiB"},
        {"TRIREME_HOST_RANKS", "1.5", "TRIREME_HOST_RANKS=1.5: expected a number of ranks"},
    };
    need_mpirun();
    for (int i = 0; i < 4; i++) {
        const char *before = getenv(settings[i][0]);
        assert_null(before);
        setenv(settings[i][0], settings[i][1], 1);
        int ranks = run_job("mpirun -n 2", "fails_then_finishes");
        assert_output_has(settings[i][2]);
        int alone = run_job("", "fails_then_finishes");
        assert_output_has(settings[i][2]);
        unsetenv(settings[i][0]);
        assert_int_equal(ranks, 1);
        assert_int_equal(alone, 1);
    }
}
