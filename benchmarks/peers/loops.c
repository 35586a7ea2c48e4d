/* The floor of bench_loops: the same loops by hand, whose results bench_loops compares its own with. */
#include <stddef.h>
#include "../bench.h"
#include "by_hand.h"

static void start(void *loop, int64_t times)
{
    (void)times;
    ((const by_hand_loop *)loop)->start();
}

#if defined(__clang__)
# define COMPILER __VERSION__ /* "Clang 14 ..." */
#else
# define COMPILER "gcc " __VERSION__
#endif

int main(int argc, char **argv)
{
    bench_subject subject = {"loops", "one iteration of each tutorial's training loop, by hand", "us", NULL, NULL, "c", COMPILER};
    if (!bench_begin(argc, argv, subject)) return bench_end();
    by_hand_data();
    for (int i = 0; i < BY_HAND_LOOPS; i++) {
        by_hand_loop loop = by_hand[i];
        bench_run((bench_case){loop.name, loop.size, .prepare = start, .run = loop.run, .data = &loop, .times = loop.iterations});
    }
    return bench_end();
}
