/* Checkpoints: a module, its optimiser and how far they came, in one .safetensors file that other programs can read; and,
 * in a folder, everything else that a run needs to go on as if it had never stopped.
 *
 * A module's tensors stand under their own names ("0.weight"), the optimiser's behind "optimizer." ("optimizer.momentum.0"),
 * step and learning rate in the metadata ("step", "learning_rate").  Writing is atomic: a kill or a full disk leaves the last good file. */
#ifndef TRIREME_CHECKPOINT_H
#define TRIREME_CHECKPOINT_H

#include <trireme/autocast.h>
#include <trireme/data.h>
#include <trireme/nn.h>
#include <trireme/optim.h>
#include <trireme/random.h>
#include <trireme/scheduler.h>

#ifdef __cplusplus
extern "C" {
#endif

/* o may be NULL: the module alone.  An optimiser of parts of m's tensors (tr_shard_parameters) is refused, here and when
 * loading.  0, or -1 with an error standing. */
TR_API TR_CHECK_RESULT int(tr_checkpoint_save)(const char *path, tr_module *m, tr_optim *o, int64_t step);

/* Bring m and o (may be NULL) to where they were.  Names, shapes and types of m's tensors must be the file's; everything
 * is read and checked before anything is changed.  o takes the learning rate that it had (a file that names none leaves it):
 * who wants another sets it afterwards, tr_set_learning_rate.  *step (may be NULL) is 0 if the file names none. */
TR_API TR_CHECK_RESULT int(tr_checkpoint_load)(const char *path, tr_module *m, tr_optim *o, int64_t *step);

/* ---- a run that goes on ----
 *
 *     tr_training run = {.module = model, .optim = adam, .schedulers = TR_SCHEDULERS(cosine), .loader = loader};
 *     if (tr_training_resume("checkpoints", &run) < 0) return -1;           nothing there yet: from the beginning
 *     for (int64_t epoch = tr_loader_state(loader).epoch; epoch < epochs; epoch++) {
 *         tr_loader_start(loader, epoch);                                   goes on in the middle of an epoch
 *         for (tr_batch b; tr_loader_next(loader, &b);) {
 *             ... tr_step(adam); tr_scheduler_step(cosine);
 *             if (++run.step % 100 == 0 && tr_training_save("checkpoints", &run) < 0) return -1;
 *         }
 *     }
 *
 * Every rank does this, with .shard = tr_dist_shard() and one folder that all of them see.  Going on with as many ranks
 * gives bit for bit what the unbroken run gives, dropout's masks included; with another number the samples come in the same
 * order, and gradients are the same up to rounding, or bit for bit in a loop over tr_next_shard (dist.h). */
typedef struct {
    tr_scheduler *const *scheduler;
    int64_t count;
} tr_schedulers;
typedef struct {
    tr_generator *const *generator;
    int64_t count;
} tr_generators;

typedef struct {
    tr_module *module; /* all are borrowed, and all but the module may be left out */
    tr_optim *optim;
    tr_schedulers schedulers; /* of optim */
    tr_grad_scaler *scaler;   /* of float16's losses; its scale and how many steps that has grown for */
    tr_loader *loader;
    tr_generators generators; /* beside this thread's default generator, which always belongs to a run */
    int64_t step;             /* how far the run has come; says which checkpoint is newer */
    tr_shard shard;           /* which rank this is; the zero value means the only one */
    int64_t keep;             /* the newest checkpoints that stay; default 3, -1: all */
} tr_training;

/* Write a checkpoint of this step into the folder, which is made if need be:
 *     step-000000001200.safetensors       rank 0: module, optimiser and its learning rate, as tr_checkpoint_save does
 *     step-000000001200.rank-1-of-4.json  every other rank: its generators, also its dropout layers'
 *     step-000000001200.json              rank 0, last: the manifest, with all the rest and the other files' checksum
 * A kill at any moment, of one rank or all, leaves the last whole checkpoint.  Rank 0 then removes what is older than the
 * .keep newest whole ones.  Ranks do not wait for each other.  0, or -1 with an error standing. */
TR_API TR_CHECK_RESULT int(tr_training_save)(const char *folder, const tr_training *run);

/* Bring a run to where the newest whole checkpoint of the folder was, or the one whose manifest `path` is.  All that the
 * run names must be in the checkpoint; everything is read and checked before anything is changed (a loader's epoch is given
 * up); one that was written without a scaler is resumed by a run that does not name its own.  Learning rate, seed of the
 * loader, places of the schedulers and the scale are the checkpoint's: who wants another rate sets it afterwards.  What
 * schedulers, optimisers and scalers are made with (gamma, betas, growth_factor ...) is the program's.  A rank that the
 * checkpoint did not have keeps its generators; its dropout layers take the first rank's seeds.
 * 0, also from a folder that has no checkpoint or does not exist, which changes nothing; or -1 with an error standing. */
TR_API TR_CHECK_RESULT int(tr_training_resume)(const char *path, tr_training *run);

/* The manifest of the newest whole checkpoint in a folder; its text belongs to the open scope.  Damaged and half-written
 * ones are passed over.  NULL if there is none; or with an error standing: nothing there is whole, or a manifest was written by
 * a newer version of the library. */
TR_API const char *(tr_checkpoint_latest)(const char *folder);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
# define TR_SCHEDULERS(...)            ((tr_schedulers){(tr_scheduler *const[]){__VA_ARGS__}, (int64_t)(sizeof((tr_scheduler *const[]){__VA_ARGS__}) / sizeof(tr_scheduler *))})
# define TR_GENERATORS(...)            ((tr_generators){(tr_generator *const[]){__VA_ARGS__}, (int64_t)(sizeof((tr_generator *const[]){__VA_ARGS__}) / sizeof(tr_generator *))})
# define tr_training_save(folder, run) TR_STATUS_((tr_training_save)(folder, run))
# define tr_training_resume(path, run) TR_STATUS_((tr_training_resume)(path, run))
# define tr_checkpoint_latest(folder)  tr_latest_at_((tr_checkpoint_latest)(folder), __FILE__, __LINE__)
static inline const char *tr_latest_at_(const char *path, const char *file, int line)
{
    if (!path) tr_error_at_(file, line); /* where there is no checkpoint no error stands, and nothing happens */
    return path;
}
# define tr_checkpoint_save(path, m, o, step) TR_STATUS_((tr_checkpoint_save)(path, m, o, step))
# define tr_checkpoint_load(path, m, o, step) TR_STATUS_((tr_checkpoint_load)(path, m, o, step))
#endif

#endif
