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
#include "on_device.h"

static const mlp_network *network = &mlp_usual;
static tr_device device;

static double alive(double batch)
{
    const double in = network->width[0], width = network->width[1], classes = network->width[3];
    const double first = in * width + width, second = width * width + width, third = width * classes + classes;
    double floats = fmax(fmax(3 * batch * width + second + third, batch * width + first + second + third), 2 * batch * width + batch * classes);
    return sizeof(float) * floats;
}

/* A step failed. */
static void failed(const char *name, const char *size)
{
    const char *missing = bench_missing();
    if (missing)
        bench_gap(name, size, missing);
    else
        bench_wrong(name, size, INFINITY, 0);
}

static void eager(int64_t batch, const char *size)
{
    TR_SCOPE;
    if (!bench_wants("mlp eager", size)) return;
    mlp m = mlp_new_on(network, batch, TR_DEFAULT_DTYPE, device);
    if (mlp_step(&m) < 0) { /* makes the momenta */
        failed("mlp eager", size);
        return;
    }
    tr_memory_stats before = tr_memory(device);
    for (int step = 0; step < 3; step++)
        if (mlp_step(&m) < 0) return;
    tr_memory_stats after = tr_memory(device);
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
    mlp m = mlp_new_on(network, batch, TR_DEFAULT_DTYPE, device);
    if (tr_record(&recording) < 0 || mlp_step(&m) < 0 || tr_record_end() < 0) {
        failed("mlp recorded", size);
        return;
    }
    tr_recording_info info = tr_recording_info_of(recording);
    double peak = (double)info.planned_bytes;
    printf("# %s: %.2f MB planned, %.2f MB alive by the recording's own count; %lld calls, %lld of them joined\n", size, peak / 1e6, (double)info.live_bytes / 1e6, (long long)info.calls, (long long)info.joined);
    bench_report((bench_case){"mlp recorded", size, .work = alive((double)batch), .ceiling = 1}, &peak, 1, 0);
}

int main(int argc, char **argv)
{
    bench_subject subject = {"memory", "the peak of a training step above what lives all the time", "bytes", "alive/peak", "largest sum of bytes alive at once / peak", "trireme", tr_version()};
    if (!bench_begin_on(argc, argv, subject, &device)) return bench_end();
    tr_set_num_threads(1);
    static const mlp_network little = {"little", 3, {20, 32, 32, CLASSES}};
    if (bench_quick() && bench_on_device()) network = &little;
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
