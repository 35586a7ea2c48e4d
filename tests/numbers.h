/* A dataset to try loaders on: every sample says which one it is. */
#ifndef TEST_NUMBERS_H
#define TEST_NUMBERS_H

#include <stdatomic.h>
#include <time.h>
#include <trireme/data.h>
#include "test.h"

/* Sample i is the pair (i, -i) with the target 10 i, read as slowly and as wrongly as asked. */
typedef struct {
    atomic_int reads;
    atomic_int fails_at; /* this sample; -1: none */
    int nap_ms;          /* of every fourth sample */
} numbers;

static inline void nap(int ms) { nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL); }

static inline int numbers_read(void *data, int64_t i, void *input, void *target)
{
    numbers *n = data;
    atomic_fetch_add(&n->reads, 1);
    if (n->nap_ms && i % 4 == 0) nap(n->nap_ms);
    if (i == atomic_load(&n->fails_at)) {
        tr_fail("page %d is torn", (int)i);
        return -1;
    }
    ((float *)input)[0] = (float)i;
    ((float *)input)[1] = (float)-i;
    *(int64_t *)target = 10 * i;
    return 0;
}

static inline tr_dataset *numbers_up_to(int64_t count, numbers *n)
{
    atomic_store(&n->fails_at, -1);
    return tr_dataset_new((tr_dataset_source){
        .count = count,
        .input_shape = TR_SHAPE(2),
        .target_dtype = TR_INT64,
        .read = numbers_read,
        .data = n,
    });
}

/* Which samples a batch holds, appended to seen[0 .. n); the new n.  Checks the batch against itself. */
static inline int64_t note(const tr_batch *b, int64_t *seen, int64_t n)
{
    assert_shape(b->input, b->size, 2);
    assert_shape(b->target, b->size);
    const float *input = tr_data(b->input);
    const int64_t *target = tr_data(b->target);
    for (int64_t i = 0; i < b->size; i++) {
        assert_true(input[2 * i] == -input[2 * i + 1]);
        assert_int_equal(target[i], 10 * (int64_t)input[2 * i]);
        seen[n++] = target[i] / 10;
    }
    return n;
}

enum { MANY = 1000 };

/* The samples of a whole epoch; how many. */
static inline int64_t epoch_of(tr_loader *l, int64_t epoch, int64_t *seen)
{
    assert_int_equal(tr_loader_start(l, epoch), 0);
    int64_t n = 0, batches = 0;
    for (tr_batch b; tr_loader_next(l, &b); batches++) {
        assert_int_equal(b.index, batches);
        n = note(&b, seen, n);
    }
    assert_false(tr_error_stands());
    assert_int_equal(batches, tr_loader_batches(l));
    return n;
}

static inline void assert_samples(const int64_t *seen, int64_t n, int64_t expected, const int64_t *samples)
{
    assert_int_equal(n, expected);
    for (int64_t i = 0; i < n; i++) assert_int_equal(seen[i], samples[i]);
}

#endif
