/* Handwritten digits, read by a network of two layers, trained on any number of ranks:
 *
 *     trireme run -n 2 digits --epochs 60
 *
 * Every rank sees its own part of each batch; gradients are averaged over all of them while nothing in the loop below
 * speaks of ranks; with --reproducible the model does not even tell how many there were.  Rank 0 draws the progress bar,
 * the loss curve, and writes the model; with --checkpoints a run that was killed goes on where its last checkpoint was, in
 * the middle of an epoch, on as many ranks or on others. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <trireme/dist.h>
#include <trireme/trireme.h>
#include "data.h"
#include "options.h"

/* The loss of every step, over all ranks, as it goes into the picture and the CSV. */
typedef struct {
    double *loss;
    int64_t steps, room, before; /* before: steps of the run that is resumed */
    tr_metrics *csv;
} history;

/* Each rank noted its own samples' summed losses; together they are the global batches'.  Those from `first` to `end`. */
static int gather(history *h, tr_tensor *sums, const int64_t *sizes, int64_t first, int64_t end, int64_t epoch)
{
    if (tr_all_reduce(sums) < 0) return -1;
    for (int64_t i = first; i < end; i++) {
        double loss = tr_get(sums, i) / (double)sizes[i];
        if (h->steps < h->room) h->loss[h->steps] = loss;
        h->steps++;
        if (h->csv && tr_metrics_row(h->csv, (double[]){(double)(h->before + h->steps), (double)epoch + 1, loss}, 3) < 0) return -1;
    }
    return tr_zero_(sums) ? 0 : -1;
}

static tr_tensor *loss_of(tr_module *ranks, const tr_batch *b, bool bfloat16)
{
    TR_AUTOCAST(bfloat16 ? TR_BFLOAT16 : TR_DEFAULT_DTYPE);
    return tr_cross_entropy(tr_forward(ranks, b->input), b->target);
}

enum { STOPPED = 1 };

/* 0; STOPPED if somebody told the run to make room, and it is saved; or -1 with an error standing. */
static int train_epoch(tr_module *ranks, tr_training *run, const digits_options *o, int64_t epoch, tr_progress *bar, history *h)
{
    TR_SCOPE;
    int64_t batches = tr_loader_batches(run->loader);
    tr_tensor *sums = tr_zeros(TR_SHAPE(batches), .dtype = TR_FLOAT64);
    int64_t *sizes = calloc((size_t)(batches ? batches : 1), sizeof *sizes);
    if (!sums || !sizes || tr_loader_start(run->loader, epoch) < 0) {
        free(sizes);
        return -1;
    }
    double *sum = tr_data(sums);
    int64_t gathered = -1, done = 0;
    bool stop = false;
    for (tr_batch b; tr_loader_next(run->loader, &b);) {
        double mine = 0;                                        /* samples' summed losses */
        for (tr_batch s = {0}; tr_next_shard(ranks, &b, &s);) { /* all of b at once, unless --reproducible */
            TR_SCOPE;
            tr_tensor *loss = loss_of(ranks, &s, o->bfloat16);
            if (tr_backward(loss) < 0) break;
            if (s.size) mine += tr_item(loss) * (double)s.size;
        }
        if (tr_error_stands() || tr_step(run->optim) < 0) break;
        tr_zero_grad(run->optim);
        run->step++;

        sum[b.index] = mine;
        sizes[b.index] = b.global_size;
        if (gathered < 0) gathered = b.index; /* not 0 in an epoch that goes on */
        done = b.index + 1;
        tr_progress_step(bar, b.global_size, "loss %.4f", b.size ? mine / (double)b.size : 0);
        if (!o->checkpoints) continue;
        stop = tr_dist_should_stop();
        if (!stop && (!o->every || run->step % o->every != 0)) continue;
        if (gather(h, sums, sizes, gathered, done, epoch) < 0 || tr_training_save(o->checkpoints, run) < 0) break;
        gathered = done;
        if (stop) break;
    }
    int status = tr_error_stands() ? -1 : gather(h, sums, sizes, gathered < 0 ? 0 : gathered, done, epoch);
    free(sizes);
    if (status == 0 && stop) return STOPPED;
    if (status == 0 && o->checkpoints && !o->every) status = tr_training_save(o->checkpoints, run);
    return status;
}

/* How many of the held-out digits are read right, by all ranks together; -1 with an error standing. */
static int64_t examine(tr_module *model, tr_dataset *test, int64_t batch, tr_device device)
{
    TR_SCOPE;
    TR_NO_GRAD;
    tr_tensor *right = tr_zeros(TR_SHAPE(), .dtype = TR_INT64);
    tr_loader *loader = tr_loader_new(test, .batch_size = batch, .shard = tr_dist_shard(), .device = device);
    if (tr_loader_start(loader, 0) < 0) return -1;
    tr_train(model, false);
    for (tr_batch b; tr_loader_next(loader, &b);) {
        TR_SCOPE;
        tr_tensor *guess = tr_argmax(tr_forward(model, b.input), TR_DIM(1));
        tr_add_(right, tr_to_device(tr_sum(tr_eq(guess, b.target)), tr_cpu()));
    }
    tr_train(model, true);
    return tr_all_reduce(right) < 0 ? -1 : (int64_t)tr_item(right);
}

static const char *in_folder(const char *folder, const char *name, char *path, size_t room)
{
    snprintf(path, room, "%s/%s", folder, name);
    return path;
}

static int draw(const history *h, const char *path)
{
    tr_plot *plot = tr_plot_new(.title = "Loss while training", .xlabel = "step", .ylabel = "cross entropy", .log_y = true);
    int status = tr_plot_add(plot, h->steps < h->room ? h->steps : h->room, NULL, h->loss, TR_LINE, "all ranks");
    if (status == 0) status = tr_plot_save(plot, path);
    tr_plot_free(plot);
    if (status == 0) printf("loss curve    %s\n", path);
    if (status == 1) printf("loss curve    none: gnuplot is not installed\n");
    return status < 0 ? -1 : 0;
}

/* From a file with the model after so many epochs, then from the newest checkpoint if there is one.  Their learning rate
 * counts unless another is asked for. */
static int resume(const digits_options *o, tr_training *run)
{
    tr_loader_place place = tr_loader_state(run->loader);
    if (o->resume) {
        if (tr_checkpoint_load(o->resume, run->module, run->optim, &place.epoch) < 0 || tr_loader_set_state(run->loader, place) < 0) return -1;
        run->step = place.epoch * tr_loader_batches(run->loader);
    }
    if (o->checkpoints && tr_training_resume(o->checkpoints, run) < 0) return -1;
    return o->lr > 0 ? tr_set_learning_rate(run->optim, o->lr) : 0;
}

static int train(const digits_options *o)
{
    bool first = tr_dist_rank() == 0;
    digits_data data;
    tr_device device = tr_dist_device();
    char path[4096];
    const char *save = o->save ? o->save : in_folder(o->out, "digits.safetensors", path, sizeof path);
    if (o->device && tr_device_parse(o->device, &device) < 0) return -1;
    if (digits_load(o->data, &data) < 0) return -1;

    tr_manual_seed(o->seed);
    tr_module *model = tr_sequential(tr_flatten_layer(), tr_linear_layer(data.pixels, o->hidden), tr_relu_layer(), tr_linear_layer(o->hidden, 10));
    if (tr_module_to(model, device) < 0) return -1;
    tr_module *ranks = tr_data_parallel(model, .reproducible = o->reproducible);
    tr_optim *sgd = tr_sgd(tr_parameters(model), .lr = o->lr > 0 ? o->lr : 0.1, .momentum = 0.9);
    tr_loader *loader = tr_loader_new(data.train, .batch_size = o->batch, .shuffle = true, .seed = o->seed, .shard = tr_dist_shard(), .device = device,
                                      .virtual_shards = o->reproducible ? TR_VIRTUAL_SHARDS : 0);
    tr_training run = {.module = model, .optim = sgd, .loader = loader, .shard = tr_dist_shard()};
    if (!ranks || !sgd || !loader || resume(o, &run) < 0) return -1;
    if (o->checkpoints && tr_dist_stop_on_signals() < 0) return -1;
    int64_t epoch = tr_loader_state(loader).epoch, all = o->epochs * tr_loader_batches(loader), steps = all > run.step ? all - run.step : 0;
    bool goes_on = run.step > 0;
    history h = {.loss = malloc(sizeof *h.loss * (size_t)(steps ? steps : 1)), .room = steps, .before = run.step};
    static const char columns[] = "step,epoch,loss";
    if (first && o->csv && !(h.csv = goes_on ? tr_metrics_resume(o->csv, columns, run.step) : tr_metrics_open(o->csv, columns))) return free(h.loss), -1;
    tr_progress *bar = tr_progress_new("training", steps, .unit = "digits", .silent = !first);
    int status = h.loss ? 0 : (tr_fail("no memory for %lld losses", (long long)steps), -1);
    for (; epoch < o->epochs && status == 0; epoch++) status = train_epoch(ranks, &run, o, epoch, bar, &h);
    tr_progress_end(bar);
    if (tr_metrics_close(h.csv) < 0) status = -1;

    int64_t right = status == 0 ? examine(model, data.test, o->batch, device) : -1, of = tr_dataset_count(data.test);
    if (right < 0 && status == 0) status = -1;
    if (status == 0 && first) {
        status = tr_checkpoint_save(save, model, sgd, epoch);
        if (status == 0) printf("checkpoint    %s\n", save);
        char picture[4096];
        if (status == 0 && steps) status = draw(&h, in_folder(o->out, "loss.png", picture, sizeof picture));
        if (status == 0) printf("test accuracy %.4f (%lld/%lld)\n", (double)right / (double)of, (long long)right, (long long)of);
    }
    free(h.loss);
    return status;
}

/* Find out before the training, not after it. */
static int ready_to_write(const char *folder)
{
    if (mkdir(folder, 0777) == 0 || access(folder, W_OK) == 0) return 0;
    tr_fail("--out %s: %s", folder, strerror(errno));
    return -1;
}

int main(int argc, char **argv)
{
    digits_options options;
    if (tr_dist_init(&argc, &argv) < 0) return 1;
    bool first = tr_dist_rank() == 0;
    int bad = digits_read_options(argc, argv, first, &options);
    if (bad || options.help) {
        if (options.help && first) fputs(digits_usage, stdout);
        tr_dist_finish();
        return bad;
    }
    int status = !first || ready_to_write(options.out) == 0 ? train(&options) : -1;
    return tr_dist_finish() ? 1 : status == STOPPED ? TR_DIST_STOPPED
                                                    : 0;
}
