// CTEST DIST RANKS 1 2 3
/* An MPI program that finalises MPI although its ranks have not finished: what they shared is gone, and that is an error. */
#include "test.h"

#include <trireme/dist.h>
#include <trireme/ops.h>
#if __has_include(<mpi.h>)
# include <mpi.h>

BEFORE_ALL { return MPI_Init(argc, argv) != MPI_SUCCESS; }

TEST(ranks_that_mpi_has_left_say_so_and_what_they_have_stays)
{
    MPI_Comm all = MPI_COMM_WORLD;
    assert_int_equal(tr_dist_init_comm(&all), 0);
    double world = (double)tr_dist_world();
    tr_tensor *sum = row(1, 2), *x = tr_ones(TR_SHAPE(3, 2));
    assert_int_equal(tr_all_reduce(sum), 0);
    tr_module *layer = tr_linear_layer(2, 1), *ranks = tr_data_parallel(layer);
    assert_int_equal(tr_backward(tr_sum(tr_forward(ranks, x))), 0);

    assert_int_equal(MPI_Finalize(), MPI_SUCCESS);
    assert_item(tr_select(sum, 0, 1), 2 * world, 0);
    assert_item(tr_select(tr_grad(tr_parameters(layer).tensor[1]), 0, 0), 3, 0); /* its bucket lay in what they shared */
    assert_int_equal(tr_all_reduce(sum), -1);
    assert_error_says("MPI_Finalize was called before tr_dist_finish()");
    assert_int_equal(tr_dist_finish(), 1);
    assert_error_says("tr_dist_finish: MPI_Finalize was called before it");
    assert_int_equal(tr_dist_init_comm(&all), -1);
    assert_error_says("MPI is not running");
    tr_dist_finish();
    assert_int_equal(tr_dist_finish(), 0);
}

#else

TEST(finalising_needs_mpi) { skip_because("built without MPI"); }

#endif
