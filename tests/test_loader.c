/* The loader: which samples, in which order, in which batch, for which rank. */
#include "numbers.h"

/* ---- order ---- */

TEST(unshuffled_samples_come_as_they_stand)
{
    numbers data = {0};
    int64_t seen[MANY];
    tr_loader *l = tr_loader_new(numbers_up_to(5, &data), .batch_size = 2);
    assert_samples(seen, epoch_of(l, 0, seen), 5, (const int64_t[]){0, 1, 2, 3, 4});
    assert_samples(seen, epoch_of(l, 1, seen), 5, (const int64_t[]){0, 1, 2, 3, 4});
}

TEST(a_shuffled_epoch_is_the_permutation_of_seed_plus_epoch)
{
    numbers data = {0};
    int64_t seen[MANY], order[97];
    tr_loader *l = tr_loader_new(numbers_up_to(97, &data), .batch_size = 10, .shuffle = true, .seed = 40);
    for (int epoch = 0; epoch < 3; epoch++) {
        tr_random_permutation(tr_generator_new(TR_MT19937, (uint64_t)(40 + epoch)), 97, order);
        assert_samples(seen, epoch_of(l, epoch, seen), 97, order);
    }
}

TEST(the_order_is_that_of_torch_randperm)
{
    numbers data = {0};
    int64_t seen[MANY];
    tr_loader *l = tr_loader_new(numbers_up_to(10, &data), .batch_size = 4, .shuffle = true);
    assert_samples(seen, epoch_of(l, 0, seen), 10, (const int64_t[]){4, 1, 7, 5, 3, 9, 0, 8, 6, 2});
    assert_samples(seen, epoch_of(l, 1, seen), 10, (const int64_t[]){5, 6, 1, 2, 0, 8, 9, 3, 7, 4});
}

TEST(an_epoch_can_be_repeated)
{
    numbers data = {0};
    int64_t first[MANY], again[MANY];
    tr_loader *l = tr_loader_new(numbers_up_to(30, &data), .batch_size = 7, .shuffle = true, .seed = 1);
    int64_t n = epoch_of(l, 5, first);
    epoch_of(l, 6, again);
    assert_samples(again, epoch_of(l, 5, again), n, first);
}

/* ---- ranks ---- */

/* The parts of all ranks, one after the other, are the global batch, batch by batch; they differ by one at most. */
static void check_parts(int64_t samples, int64_t batch_size, int64_t world, bool drop_last)
{
    TR_SCOPE;
    numbers data = {0};
    tr_dataset *d = numbers_up_to(samples, &data);
    tr_loader *whole = tr_loader_new(d, .batch_size = batch_size, .shuffle = true, .seed = 3, .drop_last = drop_last);
    tr_loader *rank[16];
    assert_int_equal(tr_loader_start(whole, 2), 0);
    for (int64_t r = 0; r < world; r++) {
        rank[r] = tr_loader_new(d, .batch_size = batch_size, .shuffle = true, .seed = 3, .drop_last = drop_last, .shard = {r, world});
        assert_int_equal(tr_loader_batches(rank[r]), tr_loader_batches(whole));
        assert_int_equal(tr_loader_start(rank[r], 2), 0);
    }
    tr_batch b, mine;
    while (tr_loader_next(whole, &b)) {
        int64_t expected[MANY], seen[MANY], n = 0;
        note(&b, expected, 0);
        for (int64_t r = 0; r < world; r++) {
            assert_true(tr_loader_next(rank[r], &mine));
            assert_int_equal(mine.index, b.index);
            assert_int_equal(mine.global_size, b.size);
            assert_in_range(mine.size, b.size / world, (b.size + world - 1) / world);
            n = note(&mine, seen, n);
        }
        assert_samples(seen, n, b.size, expected);
    }
    for (int64_t r = 0; r < world; r++) assert_false(tr_loader_next(rank[r], &mine));
}

TEST(the_ranks_parts_are_the_global_batch)
{
    check_parts(24, 8, 1, false);
    check_parts(24, 8, 2, false);
    check_parts(24, 8, 3, false);
    check_parts(26, 8, 4, false); /* the last batch has 2 */
    check_parts(26, 8, 4, true);
}

TEST(there_may_be_more_ranks_than_samples_in_a_batch)
{
    check_parts(7, 3, 5, false);
    check_parts(1, 1, 16, false);
    check_parts(2, 64, 3, false);
}

TEST(every_sample_comes_once_in_an_epoch_over_all_ranks)
{
    numbers data = {0};
    tr_dataset *d = numbers_up_to(101, &data);
    int times[101] = {0};
    int64_t seen[MANY];
    for (int64_t r = 0; r < 4; r++) {
        tr_loader *l = tr_loader_new(d, .batch_size = 16, .shuffle = true, .shard = {r, 4});
        for (int64_t n = epoch_of(l, 0, seen); n > 0; n--) times[seen[n - 1]]++;
    }
    for (int i = 0; i < 101; i++) assert_int_equal(times[i], 1);
}

TEST(a_size_per_rank_multiplies_by_the_ranks)
{
    numbers data = {0};
    tr_loader *l = tr_loader_new(numbers_up_to(50, &data), .batch_size_per_rank = 8, .shard = {2, 3});
    assert_int_equal(tr_loader_batches(l), 3);
    assert_int_equal(tr_loader_start(l, 0), 0);
    tr_batch b;
    assert_true(tr_loader_next(l, &b));
    assert_int_equal(b.size, 8);
    assert_int_equal(b.global_size, 24);
    assert_true(tr_get(b.input, 0) == 16);
    assert_true(tr_loader_next(l, &b));
    assert_true(tr_loader_next(l, &b));
    assert_int_equal(b.size, 1); /* 48 and 49 for three ranks: none, one, one */
    assert_int_equal(b.global_size, 2);
}

/* ---- batches ---- */

TEST(the_last_batch_holds_what_is_left_or_is_left_out)
{
    numbers data = {0};
    tr_dataset *d = numbers_up_to(10, &data);
    int64_t seen[MANY];
    assert_int_equal(tr_loader_batches(tr_loader_new(d, .batch_size = 4)), 3);
    assert_int_equal(epoch_of(tr_loader_new(d, .batch_size = 4), 0, seen), 10);
    assert_int_equal(tr_loader_batches(tr_loader_new(d, .batch_size = 4, .drop_last = true)), 2);
    assert_int_equal(epoch_of(tr_loader_new(d, .batch_size = 4, .drop_last = true), 0, seen), 8);
    assert_int_equal(epoch_of(tr_loader_new(d, .batch_size = 11, .drop_last = true), 0, seen), 0);
    assert_int_equal(epoch_of(tr_loader_new(d, .batch_size = INT64_MAX), 0, seen), 10);
    assert_int_equal(tr_loader_batches(tr_loader_new(d)), 10);
}

TEST(no_sample_and_one_sample_are_datasets_too)
{
    numbers data = {0};
    int64_t seen[MANY];
    for (int workers = -1; workers <= 2; workers++) {
        assert_int_equal(epoch_of(tr_loader_new(numbers_up_to(0, &data), .batch_size = 4, .shuffle = true, .workers = workers), 0, seen), 0);
        assert_int_equal(epoch_of(tr_loader_new(numbers_up_to(1, &data), .batch_size = 4, .shuffle = true, .workers = workers), 0, seen), 1);
    }
}

TEST(samples_without_elements_make_batches_without_elements)
{
    tr_dataset *d = tr_dataset_tensors(tr_zeros(TR_SHAPE(3, 0)), row(1, 2, 3));
    tr_loader *l = tr_loader_new(d, .batch_size = 2);
    assert_int_equal(tr_loader_start(l, 0), 0);
    tr_batch b;
    assert_true(tr_loader_next(l, &b));
    assert_shape(b.input, 2, 0);
    assert_close(b.target, row(1, 2), 0);
}

TEST(a_kept_batch_outlives_the_others)
{
    numbers data = {0};
    tr_loader *l = tr_loader_new(numbers_up_to(64, &data), .batch_size = 2);
    tr_batch b;
    tr_tensor *kept = NULL;
    assert_int_equal(tr_loader_start(l, 0), 0);
    while (tr_loader_next(l, &b))
        if (b.index == 3) kept = tr_keep(b.target);
    assert_int_equal(tr_loader_start(l, 1), 0);
    while (tr_loader_next(l, &b)) continue;
    assert_close(kept, row(60, 70), 0);
    tr_drop(kept);
}

TEST(the_end_of_an_epoch_leaves_no_batch_behind)
{
    numbers data = {0};
    tr_loader *l = tr_loader_new(numbers_up_to(1, &data));
    tr_batch b;
    assert_int_equal(tr_loader_start(l, 0), 0);
    assert_true(tr_loader_next(l, &b));
    assert_false(tr_loader_next(l, &b));
    assert_null(b.input);
    assert_false(tr_loader_next(l, &b));
    assert_false(tr_error_stands());
}

/* ---- what is refused ---- */

TEST(a_batch_wants_an_epoch_first)
{
    numbers data = {0};
    tr_loader *l = tr_loader_new(numbers_up_to(20, &data));
    tr_batch b;
    assert_false(tr_loader_next(l, &b));
    assert_error_says("tr_loader_start");
    assert_true(tr_loader_start(l, -1) < 0);
    assert_error_says("epoch -1");
    assert_true(tr_loader_start(NULL, 0) < 0);
    assert_error_says("tr_loader_start");
    assert_false(tr_loader_next(NULL, &b));
    assert_error_says("tr_loader_next");
    assert_int_equal(tr_loader_batches(NULL), -1);
}

TEST(wrong_options_are_refused_by_name)
{
    numbers data = {0};
    tr_dataset *d = numbers_up_to(20, &data);
    assert_null(tr_loader_new(NULL));
    assert_error_says("tr_loader_new");
    assert_null(tr_loader_new(d, .batch_size = 2, .batch_size_per_rank = 3));
    assert_error_says("both batch_size 2 and batch_size_per_rank 3");
    assert_null(tr_loader_new(d, .batch_size = -2));
    assert_error_says("batch_size -2");
    assert_null(tr_loader_new(d, .batch_size_per_rank = -2));
    assert_error_says("batch_size_per_rank -2");
    assert_null(tr_loader_new(d, .batch_size_per_rank = INT64_MAX / 2, .shard = {0, 3}));
    assert_error_says("on 3 ranks");
    assert_null(tr_loader_new(d, .shard = {3, 3}));
    assert_error_says("rank 3 of 3");
    assert_null(tr_loader_new(d, .virtual_shards = INT64_C(1) << 40)); /* shares of a batch are counted in products */
    assert_error_says("virtual_shards 1099511627776");
    assert_null(tr_loader_new(d, .shard = {-1, 3}));
    assert_error_says("rank -1 of 3");
    assert_null(tr_loader_new(d, .shard = {1, 0}));
    assert_error_says("rank 1 of 0");
    assert_null(tr_loader_new(d, .shard = {0, -1}));
    assert_error_says("rank 0 of -1");
    assert_null(tr_loader_new(d, .workers = -2));
    assert_error_says("workers -2");
    assert_null(tr_loader_new(d, .ahead = -1));
    assert_error_says("ahead -1");
}

TEST(a_batch_too_large_for_any_memory_is_an_error)
{
    numbers data = {0};
    tr_loader *l = tr_loader_new(numbers_up_to(INT64_MAX, &data), .batch_size = INT64_MAX);
    assert_true(tr_loader_start(l, 0) < 0);
    assert_true(tr_error_stands());
    tr_error_clear();
    assert_null(tr_loader_new(numbers_up_to(INT64_MAX, &data), .batch_size = 1, .shuffle = true));
    assert_error_says("does not fit into memory");
}
