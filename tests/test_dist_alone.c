// CTEST DIST
/* Started by hand, a program is rank 0 of 1, and MPI stays out of it. */
#include "test.h"

#include <signal.h>
#include <stdlib.h>
#include <trireme/dist.h>
#if __has_include(<mpi.h>)
# include <mpi.h>
#endif

BEFORE_ALL
{
    /* Where a test job itself runs under a launcher. */
    static const char *const launchers[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "FLUX_JOB_SIZE",
                                            "SLURM_STEP_NUM_TASKS", "PMIX_RANK", "PMI_RANK", "PMI_FD", "MPI_LOCALNRANKS", "PALS_RANKID"};
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) unsetenv(launchers[i]);
    setenv("SLURM_NTASKS", "4", 1); /* what a batch script's own programs see */
    return tr_dist_init(argc, argv) < 0;
}
AFTER_ALL { return tr_dist_finish(); }

TEST(one_rank_without_mpi)
{
    assert_int_equal(tr_dist_rank(), 0);
    assert_int_equal(tr_dist_world(), 1);
    assert_int_equal(tr_dist_local_rank(), 0);
    assert_string_equal(tr_dist_transport(), "none");
#ifdef MPI_VERSION
    int began = 1;
    MPI_Initialized(&began);
    assert_false(began);
#endif
}

TEST(collectives_change_nothing)
{
    tr_tensor *t = row(1, 2, 3);
    assert_int_equal(tr_all_reduce(t), 0);
    assert_int_equal(tr_broadcast(t, 0), 0);
    assert_close(t, row(1, 2, 3), 0);
    assert_close(tr_all_gather(t), row(1, 2, 3), 0);
    assert_int_equal(tr_barrier(), 0);
}

TEST(an_error_travels_and_ends_nothing)
{
    tr_fail("an error of the program");
    assert_int_equal(tr_barrier(), 0);
    assert_error_says("an error of the program");
}

TEST(ranks_start_once)
{
    assert_int_equal(tr_dist_init(NULL, NULL), -1);
    assert_error_says("started already");
}

TEST(joining_needs_a_running_mpi)
{
    assert_int_equal(tr_dist_finish(), 0);
#ifdef MPI_VERSION
    MPI_Comm comm = MPI_COMM_WORLD;
    assert_int_equal(tr_dist_init_comm(&comm), -1);
    assert_error_says("MPI is not running");
#else
    assert_int_equal(tr_dist_init_comm("comm"), -1);
    assert_error_says("built without MPI");
#endif
    assert_null(tr_data_parallel(tr_relu_layer())); /* N processes must not go on as N lone ranks */
    assert_error_says("tr_dist_init failed");
    assert_int_equal(tr_dist_finish(), 1);
    assert_int_equal(tr_dist_init(NULL, NULL), 0);
}

TEST(alone_a_rank_agrees_with_itself)
{
    assert_int_equal(tr_check_replicas(tr_linear_layer(3, 2)), 0);
    assert_false(tr_dist_should_stop());
    assert_int_equal(tr_dist_stop_on_signals(), 0);
    assert_int_equal(raise(SIGUSR1), 0);
    assert_true(tr_dist_should_stop());
}
