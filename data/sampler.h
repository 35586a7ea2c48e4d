/* Which samples stand in which batch, and which of them are this rank's.
 *
 * An epoch's order is one permutation, drawn from (seed + epoch) by every rank for itself.  It is cut into global
 * batches, and each batch into `world` consecutive parts: of n samples, rank r takes [n r / W, n (r + 1) / W).  So
 * the parts differ by one sample at most, and all of them, one after the other, are the global batch.  (PyTorch's
 * DistributedSampler deals samples out like cards instead and repeats some where they do not come out even.) */
#ifndef TRIREME_DATA_SAMPLER_H
#define TRIREME_DATA_SAMPLER_H

#include <trireme/random.h>

typedef struct {
    int64_t samples;
    int64_t batch_size; /* of the global batch */
    int64_t batches;    /* in an epoch */
    bool drop_last;
    int64_t rank, world;
    int64_t virtual_shards; /* of a batch, of which ranks have whole ones; 0: parts differ by one sample at most */
    uint64_t seed;
    tr_generator *generator; /* keeps; NULL: samples come as they stand */
    int64_t *order;          /* owns; of the epoch; NULL likewise */

    /* This epoch may begin behind its first samples, in a run that goes on: batch `begin` begins at sample `from`. */
    int64_t from, begin, end;
} data_sampler;

/* This rank's part of a batch: order[first .. first + count). */
typedef struct {
    int64_t first, count;
    int64_t global_count; /* all ranks' */
} data_part;

/* Fill in the batches, and what shuffling needs; samples, batch_size, rank, world and seed are set.
 * 0, or -1 with an error noted. */
int data_sampler_begin(data_sampler *s, bool shuffle, bool drop_last);
void data_sampler_end(data_sampler *s); /* a half-begun one as well */

/* Draw the epoch's order, and begin at its sample `from`.  Batches are numbered from the whole ones before it on, up to
 * `end`, never more than `batches`. */
void data_sampler_shuffle(data_sampler *s, int64_t epoch, int64_t from);
data_part data_sampler_part(const data_sampler *s, int64_t batch);

#endif
