/* A run with everything in it that a checkpoint has to hold. */
#ifndef TEST_TRAINING_H
#define TEST_TRAINING_H

#include <trireme/checkpoint.h>
#include "io_files.h"
#include "mlp.h"
#include "optimisers.h"

/* What a kill leaves does not depend on the disk, only what a power cut leaves does; a slow one would make hundreds of
 * checkpoints last minutes.  test_atomic_write and test_checkpoint wait for the disk. */
int fsync(int fd);
int fsync(int fd) { return (void)fd, 0; }

enum { SAMPLES = 53,
       BATCH = 10,
       EPOCH = 6 }; /* batches */

typedef struct {
    tr_module *model;
    tr_optim *optim;
    tr_scheduler *scheduler[2];
    tr_loader *loader[3];
    tr_generator *noise;
    int64_t world;
    tr_training run[3]; /* of each rank */
} job;

/* Everything belongs to the open scope; j must not move. */
static inline void begin(job *j, tr_optim *(*make)(tr_tensors), int64_t world)
{
    *j = (job){.model = mlp(), .world = world, .noise = tr_generator_new(TR_PHILOX, 5)};
    j->optim = make(tr_parameters(j->model));
    tr_set_learning_rate(j->optim, 0.03); /* for RMSprop's sake */
    j->scheduler[0] = tr_linear_lr(j->optim, .total_iters = 7);
    j->scheduler[1] = tr_cosine_annealing_lr(j->optim, 20);
    for (int64_t r = 0; r < world; r++) {
        j->loader[r] = tr_loader_new(tr_dataset_tensors(inputs(SAMPLES), classes(SAMPLES)), .batch_size = BATCH, .shuffle = true, .seed = 3, .shard = {r, world});
        j->run[r] = (tr_training){.module = j->model, .optim = j->optim, .schedulers = {j->scheduler, 2}, .loader = j->loader[r], .generators = {&j->noise, 1}, .shard = {r, world}};
    }
}

/* One step of all ranks: the global batch's gradient, in parts.  False at the epoch's end. */
static inline bool one_step(job *j, double noise)
{
    TR_SCOPE;
    bool more = false;
    for (int64_t r = 0; r < j->world; r++) {
        tr_batch b;
        if (!tr_loader_next(j->loader[r], &b)) continue;
        more = true;
        if (b.size == 0) continue;
        tr_tensor *x = b.input;
        if (noise != 0) x = tr_add(x, tr_mul(noise, tr_add(tr_randn(TR_SHAPE(b.size, INPUTS)), tr_randn(TR_SHAPE(b.size, INPUTS), .generator = j->noise))));
        tr_tensor *loss = tr_mul(tr_cross_entropy(tr_forward(j->model, x), b.target), (double)b.size / (double)b.global_size);
        assert_int_equal(tr_backward(loss), 0);
    }
    if (!more) return false;
    assert_int_equal(tr_step(j->optim), 0);
    tr_zero_grad(j->optim);
    for (int i = 0; i < 2; i++) assert_int_equal(tr_scheduler_step(j->scheduler[i]), 0);
    for (int64_t r = 0; r < j->world; r++) j->run[r].step++;
    return true;
}

/* From where it stands up to this step, in one go. */
static inline void advance(job *j, int64_t until, double noise)
{
    for (int64_t epoch = tr_loader_state(j->loader[0]).epoch; j->run[0].step < until; epoch++) {
        for (int64_t r = 0; r < j->world; r++) assert_int_equal(tr_loader_start(j->loader[r], epoch), 0);
        while (j->run[0].step < until && one_step(j, noise)) {}
    }
}

/* What a generator would draw next. */
static inline uint64_t next_of(tr_generator *g)
{
    uint8_t state[TR_GENERATOR_STATE_BYTES];
    tr_generator_save(g, state);
    uint64_t next = tr_random_u64(g);
    assert_int_equal(tr_generator_restore(g, state), 0);
    return next;
}

static inline void empty_folder(const char *path)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

#endif
