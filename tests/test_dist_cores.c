// CTEST DIST RANKS 1 2 4
/* Threads follow the ranks: those of one host share the cores that they may use. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "test.h"

#include <sched.h>
#include <stdlib.h>
#include <trireme/dist.h>

static int cores;

BEFORE_ALL
{
    cpu_set_t mine;
    if (sched_getaffinity(0, sizeof mine, &mine) != 0) return TEST_SKIPPED;
    cores = CPU_COUNT(&mine); /* the same for all: the tests' mpirun binds nobody */
    unsetenv("OMP_NUM_THREADS");
    tr_set_num_threads(97);
    return tr_dist_init(argc, argv);
}
AFTER_ALL { return tr_dist_finish(); }

TEST(ranks_of_a_host_share_its_cores)
{
    if (strcmp(tr_dist_transport(), "none") == 0) skip_because("one rank without MPI keeps its threads");
    int64_t share = cores / tr_dist_world();
    assert_int_equal(tr_num_threads(), share > 1 ? share : 1);
}

TEST(the_program_has_the_last_word)
{
    tr_set_num_threads(3);
    assert_int_equal(tr_num_threads(), 3);
    tr_set_num_threads(-5);
    assert_int_equal(tr_num_threads(), 1);
}
