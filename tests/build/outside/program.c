#include <stdio.h>
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
        mean = tr_item(tr_mean(tr_mul(tr_ones(TR_SHAPE(2, 3)), 4)));
    }
    printf("C, trireme %s: %g\n", tr_version(), mean);
#ifdef DIST
    int status = tr_dist_finish();
#else
    int status = tr_finish();
#endif
    return status ? status : mean != 4;
}
