#include <cstdio>
#include <trireme/trireme.h>
#ifdef DIST
# include <trireme/dist.h>
#endif

int main(int argc, char **argv)
{
    (void)argc, (void)argv;
#ifdef DIST
    if (tr_dist_init(&argc, &argv) < 0) return 1;
#endif
    double mean;
    {
        TR_SCOPE;
        const int64_t size[] = {2, 3};
        tr_tensor_options options = {};
        options.dtype = TR_FLOAT64;
        mean = tr_item(tr_mean(tr_ones(tr_shape_of(2, size), options), {}));
    }
    std::printf("C++, trireme %s: %g\n", tr_version(), mean);
#ifdef DIST
    int status = tr_dist_finish();
#else
    int status = tr_finish();
#endif
    return status ? status : mean != 1;
}
