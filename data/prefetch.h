/* Batches read ahead by threads.
 *
 * Jobs go round a ring.  The loader posts one for each batch to come; threads claim them in that order, read the samples
 * into the job's memory, and may finish in any order; the loader takes them in the order posted, waiting where it must.
 *
 *     posted ----> claimed by a thread ----> read ----> taken          0 <= taken <= claimed <= posted <= taken + slots
 *
 * A thread sees raw memory and the dataset's read function only: it makes no tensor, and its error goes with the job. */
#ifndef TRIREME_DATA_PREFETCH_H
#define TRIREME_DATA_PREFETCH_H

#include <trireme/data.h>

/* Read the samples order[first .. first + count), one after the other, into input and target. */
typedef struct {
    const tr_dataset *dataset; /* borrowed, like all below, until the job is taken or the prefetch stopped */
    const int64_t *order;      /* NULL: sample i is sample i */
    int64_t first, count;
    void *input, *target;
} data_job;

typedef struct data_prefetch data_prefetch;

/* A ring of `slots` jobs and `threads` threads that read them; without threads a job is read when it is taken.
 * NULL with an error noted. */
data_prefetch *data_prefetch_new(int threads, int64_t slots);
void data_prefetch_free(data_prefetch *p); /* NULL is ignored */

/* The next job, into a free slot. */
void data_prefetch_post(data_prefetch *p, const data_job *job);

/* Wait for the oldest job.  0, or -1 with the error that its reading met noted in this thread. */
int data_prefetch_take(data_prefetch *p);

/* Forget all jobs.  Afterwards no thread touches their memory; a read() that is running is waited for. */
void data_prefetch_stop(data_prefetch *p);

#endif
