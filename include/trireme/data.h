/* Datasets and the loader: samples by number, batches of them, shuffled and shared out over the ranks.
 *
 * A dataset copies sample i into memory it is given; the loader's threads call it while the program trains, so it must be
 * safe to call from several threads.  The loader draws one order per epoch (the same on every rank), cuts it into global
 * batches, and gives each rank its own consecutive part of each. */
#ifndef TRIREME_DATA_H
#define TRIREME_DATA_H

#include <trireme/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- datasets ---- */

/* Pairs (inputs[i], targets[i]) along the first dimension; both are kept, and must be row-major on the CPU. */
TR_API tr_dataset *(tr_dataset_tensors)(tr_tensor *inputs, tr_tensor *targets);

/* Images and labels from IDX files, plain or gzip (MNIST): images as float32 in [0, 1], labels as int64. */
TR_API tr_dataset *(tr_dataset_idx)(const char *images, const char *labels);

/* One's own: `read` writes sample i into input and target (row-major, the shapes and types said here, one sample's
 * worth), from any thread, and returns 0 or a negative status after tr_fail (an error left standing is a failure too).
 * It may run in several threads at once; tensors that it makes go when its batch is complete.  `release(data)` may be
 * NULL; it is called once, when nobody holds the dataset any more, or at once if it cannot be made. */
typedef struct {
    int64_t count;
    tr_shape input_shape, target_shape; /* of one sample, at most TR_MAX_DIMS - 1 dims; zero: a scalar */
    tr_dtype input_dtype, target_dtype; /* default: tr_get_default_dtype() */
    int (*read)(void *data, int64_t i, void *input, void *target);
    void (*release)(void *data);
    void *data;
} tr_dataset_source;
TR_API tr_dataset *(tr_dataset_new)(tr_dataset_source source);

/* `count` samples of d from `first` on (a training and a held-out part); keeps d. */
TR_API tr_dataset *(tr_dataset_part)(tr_dataset *d, int64_t first, int64_t count);

TR_API int64_t tr_dataset_count(const tr_dataset *d); /* -1 for NULL */
TR_API tr_shape tr_dataset_input_shape(const tr_dataset *d);
TR_API tr_shape tr_dataset_target_shape(const tr_dataset *d);
TR_API tr_dataset *tr_dataset_keep(tr_dataset *d);
TR_API void tr_dataset_drop(tr_dataset *d);

/* ---- the loader ----
 * For one thread at a time.  The batches are the same whatever the number of workers. */

/* Which part of every global batch is ours: part `rank` of `world`.  The zero value means all of it. */
typedef struct {
    int64_t rank, world;
} tr_shard;

/* How many virtual shards there usually are: 1, 2, 3, 4, 6, 8, 12 or 24 ranks have equally many. */
enum { TR_VIRTUAL_SHARDS = 24 };

typedef struct {
    int64_t batch_size;          /* of the global batch, of which rank r of W reads samples [n r / W, n (r + 1) / W); default 1 */
    int64_t batch_size_per_rank; /* instead: each rank's part, so that the global batch grows with the ranks */
    int64_t virtual_shards;      /* cut each global batch into so many, of which ranks get whole ones (tr_next_shard in dist.h):
                                  * shard v is samples [n v / V, n (v + 1) / V), rank r has shards [V r / W, V (r + 1) / W) */
    bool shuffle;                /* a new order each epoch: torch.randperm of an MT19937 generator seeded seed + epoch */
    bool drop_last;              /* leave out a last batch that is not full */
    tr_shard shard;
    uint64_t seed;
    int workers;      /* threads that read ahead; default 1; -1: none, batches are read when asked for */
    int ahead;        /* batches to read ahead; default 2 for each worker */
    tr_device device; /* where batches are handed out; default the CPU */
    char reserved_;
} tr_loader_options;

TR_API tr_loader *(tr_loader_new)(tr_dataset *d, tr_loader_options options); /* keeps d */
TR_API tr_loader *tr_loader_keep(tr_loader *l);
TR_API void tr_loader_drop(tr_loader *l);

/* Batches of an epoch: the same on every rank. */
TR_API int64_t tr_loader_batches(const tr_loader *l);

/* Begin this epoch, from its first batch (after tr_loader_set_state from where that stood), at any moment: an epoch under
 * way is given up (a read() that is running is waited for).  0, or -1 with an error standing. */
TR_API int(tr_loader_start)(tr_loader *l, int64_t epoch);

typedef struct {
    tr_tensor *input, *target; /* this rank's samples, borrowed from the loader.  A rank may have none: (0, ...) */
    int64_t index;             /* which batch of the epoch, from 0 */
    int64_t size;              /* this rank's samples */
    int64_t global_size;       /* all ranks' */
} tr_batch;

/* The next batch.  False, and *batch zero, at the epoch's end or with an error standing: a loop ends at the first error.
 * Input and target live until the next call of tr_loader_next or tr_loader_start, or the loader's end (not in the scope
 * that is open at the call, which in `for (tr_batch b; tr_loader_next(l, &b);)` is that around the loop and would hold
 * the epoch).  tr_keep() what must live longer; memory is reused once nobody holds it.
 * A read() that fails is an error here, when its batch's turn comes; the loader can be started again. */
TR_API bool(tr_loader_next)(tr_loader *l, tr_batch *batch);

/* For checkpoints: where the loader stands, counted in samples of all ranks, so that it means the same with another number
 * of ranks or another batch size.  The batch handed out last counts as used; once tr_loader_next has told the end, the
 * place is the next epoch's beginning.  NULL: epoch -1.
 *     tr_loader_set_state(loader, place);
 *     for (int64_t epoch = place.epoch; epoch < epochs; epoch++) { tr_loader_start(loader, epoch); ... } */
typedef struct {
    int64_t epoch, sample;
    int64_t samples; /* of the dataset */
    uint64_t seed;   /* the loader's: with the epoch it gives the order */
    bool shuffled;
} tr_loader_place;
TR_API tr_loader_place tr_loader_state(const tr_loader *l);

/* The next start of place.epoch goes on behind place.sample; the seed becomes place.seed.  Batches keep the numbers that they
 * would have had, if the batch size is the same.  0, or -1 with an error standing and the loader as it was for another
 * number of samples, a loader that shuffles where that one did not, or a place that is none. */
TR_API int(tr_loader_set_state)(tr_loader *l, tr_loader_place place);

#ifdef __cplusplus
}
#endif

#ifndef __cplusplus
# define tr_dataset_tensors(inputs, targets) TR_DATASET_((tr_dataset_tensors)(inputs, targets))
# define tr_dataset_idx(images, labels)      TR_DATASET_((tr_dataset_idx)(images, labels))
# define tr_dataset_new(...)                 TR_DATASET_((tr_dataset_new)(__VA_ARGS__))
# define tr_dataset_part(d, first, count)    TR_DATASET_((tr_dataset_part)(d, first, count))
# define tr_loader_new(...)                  TR_LOADER_NEW_(__VA_ARGS__, )
# define TR_LOADER_NEW_(d, ...)              TR_LOADER_((tr_loader_new)(d, (tr_loader_options){.reserved_ = 0, __VA_ARGS__}))
# define tr_loader_start(l, epoch)           TR_STATUS_((tr_loader_start)(l, epoch))
# define tr_loader_set_state(l, place)       TR_STATUS_((tr_loader_set_state)(l, place))
# define tr_loader_next(l, batch)            tr_next_at_((tr_loader_next)(l, batch), __FILE__, __LINE__)
static inline bool tr_next_at_(bool more, const char *file, int line)
{
    if (!more && tr_error_stands()) tr_error_at_(file, line);
    return more;
}
#endif

#endif
