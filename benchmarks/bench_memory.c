/* How much memory a training step needs, beside the least it could do with.
 *
 * "Alive" is the largest sum of bytes that are needed at one moment, if every tensor went at its last use and a result took
 * the place of an input that dies.  For 784-512-512-10 with a batch of B that moment is one of three (parameters, momenta
 * and the batch itself, which live all the time, are not counted on either side):
 *
 *     backward of layer 2 makes dx2:  B 512 three times (x2, dy2, dx2), the gradients of layers 3 and 2
 *     backward of layer 1 makes dW1:  B 512 once (dy1), all gradients
 *     the end of forward:             B 512 twice, B 10 */
#include <math.h>
#include <stdio.h>
#include "mlp.h"

static double alive(double batch)
{
    const double first = PIXELS * WIDTH + WIDTH, second = WIDTH * WIDTH + WIDTH, third = WIDTH * CLASSES + CLASSES;
    double floats = fmax(fmax(3 * batch * WIDTH + second + third, batch * WIDTH + first + second + third), 2 * batch * WIDTH + batch * CLASSES);
    return sizeof(float) * floats;
}

int main(int argc, char **argv)
{
    bench_subject subject = {"memory", "the peak of a training step above what lives all the time", "bytes", "alive/peak", "largest sum of bytes alive at once / peak", "trireme", tr_version()};
    if (!bench_begin(argc, argv, subject)) return bench_end();
    tr_set_num_threads(1);
    /* The peak is that of the whole process, so each network is larger than the one before. */
    const int64_t batches[] = {64, 128, 1024};
    for (int i = 0; i < 3; i++) {
        TR_SCOPE;
        char size[32];
        snprintf(size, sizeof size, "batch %lld", (long long)batches[i]);
        if (!bench_wants("mlp eager", size)) continue;
        mlp m = mlp_new(batches[i]);
        if (mlp_step(&m) < 0) break; /* makes the momenta */
        tr_memory_stats before = tr_memory(tr_cpu());
        for (int step = 0; step < 3; step++)
            if (mlp_step(&m) < 0) break;
        tr_memory_stats after = tr_memory(tr_cpu());
        double peak = (double)(after.peak_bytes - before.allocated_bytes);
        printf("# %s: %.2f MB at the peak, %.2f MB alive; parameters, momenta and batch: %.2f MB\n", size, peak / 1e6, alive((double)batches[i]) / 1e6, (double)before.allocated_bytes / 1e6);
        bench_report((bench_case){"mlp eager", size, .work = alive((double)batches[i]), .ceiling = 1}, &peak, 1, (double)(after.allocated_bytes - before.allocated_bytes));
    }
    int status = bench_end();
    return tr_finish() ? 1 : status;
}
