/* A C++ program with ranks whose own code throws on rank 1, while the others wait for it in a collective.
 * "caught": main catches it and leaves, without a word to the library; otherwise nobody catches it. */
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <trireme/dist.h>
#include <trireme/trireme.h>

static void learn()
{
    TR_SCOPE;
    const int64_t size[] = {1000};
    tr_tensor *sum = tr_ones(tr_shape_of(1, size), {});
    tr_all_reduce(sum);
    if (tr_dist_rank() == 1) throw std::runtime_error("the mesh has a hole");
    tr_all_reduce(sum);
}

int main(int argc, char **argv)
{
    if (tr_dist_init(&argc, &argv) < 0) return 1;
    if (argc < 2 || std::strcmp(argv[1], "caught") != 0) {
        learn();
        return tr_dist_finish();
    }
    try {
        learn();
    } catch (const std::exception &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 4;
    }
    return tr_dist_finish();
}
