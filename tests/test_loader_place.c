/* Where a loader stands, and going on from there: the same samples in the same order, on any number of ranks. */
#include "numbers.h"

enum { COUNT = 53,
       EPOCHS = 3 };

typedef struct {
    int64_t batch, rank, world;
    bool drop_last;
    int workers;
} how;

static tr_loader *loader_of(numbers *data, how h)
{
    return tr_loader_new(numbers_up_to(COUNT, data), .batch_size = h.batch, .shuffle = true, .seed = 7, .drop_last = h.drop_last, .workers = h.workers, .shard = {h.rank, h.world});
}

/* What is left from the loader's place on, up to EPOCHS. */
static int64_t rest_of(tr_loader *l, int64_t *seen)
{
    int64_t n = 0;
    for (int64_t epoch = tr_loader_state(l).epoch; epoch < EPOCHS; epoch++) {
        assert_int_equal(tr_loader_start(l, epoch), 0);
        for (tr_batch b; tr_loader_next(l, &b);) {
            assert_true(b.index < tr_loader_batches(l));
            n = note(&b, seen, n);
        }
        assert_false(tr_error_stands());
    }
    return n;
}

/* The place behind so many batches, of which the last may end its epoch. */
static tr_loader_place place_after(tr_loader *l, int64_t batches)
{
    for (int64_t epoch = 0;; epoch++) {
        assert_int_equal(tr_loader_start(l, epoch), 0);
        for (tr_batch b; batches > 0 && tr_loader_next(l, &b); batches--) assert_int_equal(b.index, tr_loader_state(l).sample > 0 ? (tr_loader_state(l).sample - 1) / 10 : 0);
        if (batches == 0) return tr_loader_state(l);
    }
}

TEST(from_every_place_the_rest_comes_in_order)
{
    for (int drop = 0; drop < 2; drop++)
        for (int64_t done = 0; done < 3 * 6 - 3 * drop; done++) {
            TR_SCOPE;
            numbers data = {0};
            int64_t whole[MANY] = {0}, rest[MANY] = {0};
            int workers = done % 2 ? -1 : 3;
            how h = {.batch = 10, .drop_last = drop, .workers = workers};
            int64_t n = rest_of(loader_of(&data, h), whole);
            tr_loader_place place = place_after(loader_of(&data, h), done);
            int64_t per_epoch = drop ? 50 : COUNT;
            assert_int_equal(n, EPOCHS * per_epoch);
            tr_loader *l = loader_of(&data, h);
            assert_int_equal(tr_loader_set_state(l, place), 0);
            int64_t left = rest_of(l, rest), used = place.epoch * per_epoch + place.sample;
            assert_samples(rest, left, n - used, whole + used);
        }
}

TEST(another_number_of_ranks_goes_on_with_the_same_samples)
{
    numbers data = {0};
    int64_t whole[MANY] = {0}, rest[MANY] = {0}, part[MANY] = {0};
    rest_of(loader_of(&data, (how){.batch = 10}), whole);
    tr_loader_place place = place_after(loader_of(&data, (how){.batch = 10, .rank = 1, .world = 2}), 3);
    for (int64_t world = 1; world <= 4; world++) {
        /* The ranks' parts of each batch, one after the other, are the batch. */
        tr_loader *of_rank[4];
        for (int64_t r = 0; r < world; r++) {
            of_rank[r] = loader_of(&data, (how){.batch = 10, .rank = r, .world = world});
            assert_int_equal(tr_loader_set_state(of_rank[r], place), 0);
            assert_int_equal(tr_loader_start(of_rank[r], 0), 0);
        }
        int64_t n = 0;
        for (bool more = true; more;) {
            for (int64_t r = 0; r < world; r++) {
                tr_batch b;
                more = tr_loader_next(of_rank[r], &b);
                if (!more) continue;
                int64_t here = note(&b, part, 0);
                memcpy(rest + n, part, (size_t)here * sizeof *rest);
                n += here;
            }
        }
        assert_samples(rest, n, COUNT - 30, whole + 30);
    }
}

TEST(another_batch_size_goes_on_at_the_same_sample)
{
    numbers data = {0};
    int64_t whole[MANY] = {0}, rest[MANY] = {0};
    int64_t n = rest_of(loader_of(&data, (how){.batch = 10}), whole);
    tr_loader_place place = place_after(loader_of(&data, (how){.batch = 10}), 2);
    for (int64_t batch = 1; batch <= COUNT + 1; batch++) {
        TR_SCOPE;
        tr_loader *l = loader_of(&data, (how){.batch = batch});
        assert_int_equal(tr_loader_set_state(l, place), 0);
        assert_samples(rest, rest_of(l, rest), n - 20, whole + 20);
    }
}

TEST(the_place_is_the_next_epoch_once_the_end_was_told)
{
    numbers data = {0};
    tr_loader *l = loader_of(&data, (how){.batch = 10});
    assert_int_equal(tr_loader_state(l).epoch, 0);
    assert_int_equal(tr_loader_start(l, 4), 0);
    tr_batch b;
    for (int i = 0; i < 6; i++) assert_true(tr_loader_next(l, &b));
    assert_int_equal(tr_loader_state(l).epoch, 4);
    assert_int_equal(tr_loader_state(l).sample, COUNT);
    assert_false(tr_loader_next(l, &b));
    assert_int_equal(tr_loader_state(l).epoch, 5);
    assert_int_equal(tr_loader_state(l).sample, 0);
    assert_int_equal(tr_loader_state(NULL).epoch, -1);
}

TEST(a_place_counts_for_one_start)
{
    numbers data = {0};
    int64_t seen[MANY] = {0};
    tr_loader *l = loader_of(&data, (how){.batch = 10});
    tr_loader_place place = place_after(loader_of(&data, (how){.batch = 10}), 3);
    assert_int_equal(tr_loader_set_state(l, place), 0);
    assert_int_equal(tr_loader_start(l, 0), 0);
    assert_int_equal(epoch_of(l, 0, seen), COUNT);
    assert_int_equal(tr_loader_set_state(l, place), 0);
    assert_int_equal(epoch_of(l, 1, seen), COUNT); /* another epoch than the place's */
}

TEST(the_seed_comes_with_the_place)
{
    numbers data = {0};
    int64_t whole[MANY] = {0}, seen[MANY] = {0};
    rest_of(loader_of(&data, (how){.batch = 10}), whole);
    tr_loader *l = tr_loader_new(numbers_up_to(COUNT, &data), .batch_size = 10, .shuffle = true, .seed = 99);
    assert_int_equal(tr_loader_set_state(l, tr_loader_state(loader_of(&data, (how){.batch = 10}))), 0);
    assert_samples(seen, rest_of(l, seen), EPOCHS * COUNT, whole);
}

TEST(a_place_that_is_none_changes_nothing)
{
    numbers data = {0};
    tr_loader *l = loader_of(&data, (how){.batch = 10});
    tr_batch b;
    assert_int_equal(tr_loader_start(l, 1), 0);
    assert_true(tr_loader_next(l, &b));
    tr_loader_place good = tr_loader_state(l);
    const struct {
        tr_loader_place place;
        const char *says;
    } bad[] = {
        {{0, 0, COUNT + 1, 7, true}, "a place among 54 samples, but the dataset has 53"},
        {{0, 0, COUNT, 7, false}, "were not shuffled, but the loader shuffles"},
        {{-1, 0, COUNT, 7, true}, "sample 0 of 53 in epoch -1"},
        {{0, -1, COUNT, 7, true}, "no sample -1"},
        {{0, COUNT + 1, COUNT, 7, true}, "no sample 54"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(tr_loader_set_state(l, bad[i].place), -1);
        assert_error_says(bad[i].says);
    }
    assert_int_equal(tr_loader_state(l).sample, good.sample);
    for (int i = 1; i < 6; i++) assert_true(tr_loader_next(l, &b));
    assert_int_equal(tr_loader_set_state(NULL, good), -1);
    assert_error_says("NULL");
}
