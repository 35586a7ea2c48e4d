/* Checkpoints: a module, its optimiser and how far they came, in one .safetensors file that other programs can read.
 *
 * A module's tensors stand under their own names ("0.weight"), the optimiser's behind "optimizer." ("optimizer.momentum.0"),
 * step and learning rate in the metadata ("step", "learning_rate").  Writing is atomic: a kill or a full disk leaves the last good file. */
#ifndef TRIREME_CHECKPOINT_H
#define TRIREME_CHECKPOINT_H

#include <trireme/nn.h>
#include <trireme/optim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* o may be NULL: the module alone.  0, or -1 with an error standing. */
TR_API TR_CHECK_RESULT int(tr_checkpoint_save)(const char *path, tr_module *m, tr_optim *o, int64_t step);

/* Bring m and o (may be NULL) to where they were.  Names, shapes and types of m's tensors must be the file's; everything
 * is read and checked before anything is changed.  o takes the learning rate that it had (a file that names none leaves it):
 * who wants another sets it afterwards, tr_set_learning_rate.  *step (may be NULL) is 0 if the file names none. */
TR_API TR_CHECK_RESULT int(tr_checkpoint_load)(const char *path, tr_module *m, tr_optim *o, int64_t *step);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
# define tr_checkpoint_save(path, m, o, step) TR_STATUS_((tr_checkpoint_save)(path, m, o, step))
# define tr_checkpoint_load(path, m, o, step) TR_STATUS_((tr_checkpoint_load)(path, m, o, step))
#endif

#endif
