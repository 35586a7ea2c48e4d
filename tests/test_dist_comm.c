// CTEST DIST RANKS 1 2 3 4 8
/* Inside an MPI program: every other rank joins on a communicator of its own while the rest does something else. */
#include "test.h"

#include <trireme/dist.h>
#include <trireme/ops.h>
#if __has_include(<mpi.h>)
# include <mpi.h>

static MPI_Comm part;
static int rank, world;

BEFORE_ALL
{
    if (MPI_Init(argc, argv) != MPI_SUCCESS) return 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &world);
    return MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &part) != MPI_SUCCESS;
}
AFTER_ALL
{
    int over = 1;
    MPI_Finalized(&over); /* not by us */
    return over || MPI_Comm_free(&part) || MPI_Finalize();
}

static bool joins(void) { return rank % 2 == 0; }

static void train_together(void)
{
    assert_int_equal(tr_dist_rank(), rank / 2);
    assert_int_equal(tr_dist_world(), (world + 1) / 2);
    tr_tensor *t = row(1, 2);
    assert_int_equal(tr_all_reduce(t), 0);
    assert_item(tr_select(t, 0, 0), (double)tr_dist_world(), 0);
}

static void world_still_works(void)
{
    int ones = 1;
    assert_int_equal(MPI_Allreduce(MPI_IN_PLACE, &ones, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD), MPI_SUCCESS);
    assert_int_equal(ones, world);
    MPI_Errhandler handler;
    MPI_Comm_get_errhandler(MPI_COMM_WORLD, &handler);
    assert_true(handler == MPI_ERRORS_ARE_FATAL);
    MPI_Errhandler_free(&handler);
    int over = 1;
    MPI_Finalized(&over);
    assert_false(over);
}

TEST(a_part_of_the_ranks_joins_and_leaves)
{
    if (joins()) {
        assert_int_equal(tr_dist_init_comm(&part), 0);
        train_together();
        assert_int_equal(tr_dist_finish(), 0);
        assert_int_equal(tr_dist_world(), 1);
    }
    world_still_works();
}

static void learn(tr_module *ranks)
{
    assert_int_equal(tr_backward(tr_sum(tr_forward(ranks, tr_ones(TR_SHAPE(3, 2))))), 0);
}

TEST(a_module_outlives_the_ranks_it_was_made_for)
{
    if (!joins()) return;
    assert_int_equal(tr_dist_init_comm(&part), 0);
    tr_module *layer = tr_module_keep(tr_linear_layer(2, 1)), *ranks = tr_module_keep(tr_data_parallel(layer));
    learn(ranks);
    bool alone = tr_dist_world() == 1;
    assert_int_equal(tr_dist_finish(), 0);
    learn(ranks); /* on this rank alone */

    assert_int_equal(tr_dist_init_comm(&part), 0);
    if (!alone) {
        assert_null(tr_forward(ranks, tr_ones(TR_SHAPE(3, 2))));
        assert_error_says("made for other ranks");
    }
    learn(tr_data_parallel(layer));
    tr_module_drop(ranks);
    tr_module_drop(layer);
    assert_int_equal(tr_dist_finish(), 0);
}

TEST(and_joins_again_by_fortran_handle)
{
    if (joins()) {
        assert_int_equal(tr_dist_init_fortran(MPI_Comm_c2f(part)), 0);
        train_together();
        assert_int_equal(tr_dist_finish(), 0);
    }
    world_still_works();
}

TEST(a_running_mpi_is_used_and_left_running)
{
    assert_int_equal(tr_dist_init(NULL, NULL), 0);
    assert_int_equal(tr_dist_rank(), rank);
    assert_int_equal(tr_dist_world(), world);
    assert_int_equal(tr_dist_finish(), 0);
    world_still_works();
}

TEST(no_communicator_is_refused)
{
    MPI_Comm none = MPI_COMM_NULL;
    assert_int_equal(tr_dist_init_comm(&none), -1);
    assert_error_says("MPI_COMM_NULL");
    assert_int_equal(tr_dist_finish(), 1);
    assert_int_equal(tr_dist_init_comm(NULL), -1);
    assert_error_says("NULL");
    assert_int_equal(tr_dist_finish(), 1);
}

#else

TEST(joining_needs_mpi) { skip_because("built without MPI"); }

#endif
