/* A program that forks: what its child finds. */
#include <sys/wait.h>
#include <trireme/trireme.h>
#include <unistd.h>
#include "test.h"

/* Large enough for several threads: sums of our own loops, and a product of whichever library does it. */
static bool computes(void)
{
    TR_SCOPE;
    tr_tensor *a = tr_ones(TR_SHAPE(400, 400));
    return tr_item(tr_sum(tr_matmul(a, tr_exp(tr_sub(a, 1))))) == 400.0 * 400 * 400;
}

TEST(the_child_of_a_fork_computes_as_its_parent)
{
    enum { SECONDS = 100 };
    tr_set_num_threads(4);
    assert_true(computes());
    pid_t child = fork();
    if (child == 0) {
        alarm(SECONDS); /* whoever waits for ever is ended */
        _exit(computes() && tr_num_threads() == 1 ? 0 : 1);
    }
    int status = -1;
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(computes());
}
