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

static void eager(int64_t batch, const char *size)
{
    TR_SCOPE;
    if (!bench_wants("mlp eager", size)) return;
    mlp m = mlp_new(batch);
    if (mlp_step(&m) < 0) return; /* makes the momenta */
    tr_memory_stats before = tr_memory(tr_cpu());
    for (int step = 0; step < 3; step++)
        if (mlp_step(&m) < 0) return;
    tr_memory_stats after = tr_memory(tr_cpu());
    double peak = (double)(after.peak_bytes - before.allocated_bytes), least = alive((double)batch);
    printf("# %s: %.2f MB at the peak, %.2f MB alive; parameters, momenta and batch: %.2f MB\n", size, peak / 1e6, least / 1e6, (double)before.allocated_bytes / 1e6);
    bench_report((bench_case){"mlp eager", size, .work = least, .ceiling = 1}, &peak, 1, (double)(after.allocated_bytes - before.allocated_bytes));
}

/* The same step recorded: its plan. */
static void recorded(int64_t batch, const char *size)
{
    TR_SCOPE;
    tr_recording *recording;
    if (!bench_wants("mlp recorded", size)) return;
    mlp m = mlp_new(batch);
    if (tr_record(&recording) < 0 || mlp_step(&m) < 0 || tr_record_end() < 0) return;
    tr_recording_info info = tr_recording_info_of(recording);
    double peak = (double)info.planned_bytes;
    printf("# %s: %.2f MB planned, %.2f MB alive by the recording's own count; %lld calls, %lld of them joined\n", size, peak / 1e6, (double)info.live_bytes / 1e6, (long long)info.calls, (long long)info.joined);
    bench_report((bench_case){"mlp recorded", size, .work = alive((double)batch), .ceiling = 1}, &peak, 1, 0);
}

int main(int argc, char **argv)
{
    bench_subject subject = {"memory", "the peak of a training step above what lives all the time", "bytes", "alive/peak", "largest sum of bytes alive at once / peak", "trireme", tr_version()};
    if (!bench_begin(argc, argv, subject)) return bench_end();
    tr_set_num_threads(1);
    const int64_t batches[] = {64, 128, 1024};
    for (int i = 0; i < 6; i++) { /* the peak is that of the whole process, so each network is larger than the one before */
        char size[32];
        snprintf(size, sizeof size, "batch %lld", (long long)batches[i % 3]);
        if (i < 3)
            eager(batches[i], size);
        else
            recorded(batches[i - 3], size);
    }
    int status = bench_end();
    return tr_finish() ? 1 : status;
}
