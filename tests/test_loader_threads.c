/* The loader's threads: how far they read ahead, how they are stopped, what becomes of a failure, whose memory they fill. */
#include "numbers.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include "core/memory.h"

/* ---- threads ---- */

TEST(any_number_of_workers_gives_the_same)
{
    static const int workers[] = {1, 2, 3, 8}, ahead[] = {0, 1, 2, 100};
    numbers data = {.nap_ms = 1};
    tr_dataset *d = numbers_up_to(103, &data);
    int64_t expected[MANY], seen[MANY];
    int64_t n = epoch_of(tr_loader_new(d, .batch_size = 5, .shuffle = true, .workers = -1), 1, expected);
    assert_int_equal(n, 103);
    for (int i = 0; i < 4; i++) {
        tr_loader *l = tr_loader_new(d, .batch_size = 5, .shuffle = true, .workers = workers[i], .ahead = ahead[i]);
        assert_samples(seen, epoch_of(l, 1, seen), n, expected);
        assert_samples(seen, epoch_of(l, 1, seen), n, expected);
    }
}

TEST(as_many_batches_are_read_ahead_as_asked_for)
{
    numbers data = {0};
    tr_loader *l = tr_loader_new(numbers_up_to(100, &data), .batch_size = 5, .ahead = 3);
    tr_batch b;
    assert_int_equal(tr_loader_start(l, 0), 0);
    assert_true(tr_loader_next(l, &b));
    for (int tries = 0; atomic_load(&data.reads) < 20 && tries < 5000; tries++) nap(1);
    nap(20);
    assert_int_equal(atomic_load(&data.reads), 20); /* the batch handed out, and three more */
}

TEST(without_workers_a_batch_is_read_when_asked_for)
{
    numbers data = {0};
    tr_loader *l = tr_loader_new(numbers_up_to(100, &data), .batch_size = 5, .workers = -1);
    tr_batch b;
    assert_int_equal(tr_loader_start(l, 0), 0);
    assert_int_equal(atomic_load(&data.reads), 0);
    assert_true(tr_loader_next(l, &b));
    assert_int_equal(atomic_load(&data.reads), 5);
}

/* ---- stopping ---- */

TEST(an_epoch_can_begin_in_the_middle_of_another)
{
    numbers data = {.nap_ms = 1};
    int64_t seen[MANY];
    for (int workers = -1; workers <= 3; workers++) {
        TR_SCOPE;
        tr_loader *l = tr_loader_new(numbers_up_to(40, &data), .batch_size = 3, .workers = workers);
        for (int taken = 0; taken < 8; taken++) {
            tr_batch b;
            assert_int_equal(tr_loader_start(l, taken), 0);
            for (int i = 0; i < taken; i++) assert_true(tr_loader_next(l, &b));
        }
        assert_int_equal(epoch_of(l, 0, seen), 40);
    }
}

TEST(a_loader_can_go_in_the_middle_of_an_epoch)
{
    numbers data = {.nap_ms = 1};
    for (int workers = -1; workers <= 3; workers++)
        for (int taken = 0; taken < 4; taken++) {
            TR_SCOPE;
            tr_loader *l = tr_loader_new(numbers_up_to(40, &data), .batch_size = 3, .workers = workers);
            tr_batch b;
            assert_int_equal(tr_loader_start(l, 0), 0);
            for (int i = 0; i < taken; i++) assert_true(tr_loader_next(l, &b));
        }
}

TEST(a_stop_waits_for_a_sample_and_not_for_a_batch)
{
    numbers data = {.nap_ms = 4};
    {
        TR_SCOPE;
        tr_loader *l = tr_loader_new(numbers_up_to(100000, &data), .batch_size = 100000);
        assert_int_equal(tr_loader_start(l, 0), 0);
        while (atomic_load(&data.reads) == 0) nap(1);
    }
    assert_in_range(atomic_load(&data.reads), 1, 50000);
}

TEST(a_loader_keeps_its_dataset)
{
    numbers data = {0};
    int64_t seen[MANY];
    tr_loader *l;
    {
        TR_SCOPE;
        l = tr_loader_keep(tr_loader_new(numbers_up_to(9, &data), .batch_size = 2));
    }
    assert_int_equal(epoch_of(l, 0, seen), 9);
    tr_loader_drop(l);
}

/* ---- failing ---- */

TEST(a_failing_read_is_told_when_its_batch_is_due_and_the_loader_starts_again)
{
    numbers data = {0};
    int64_t seen[MANY];
    for (int workers = -1; workers <= 3; workers++) {
        TR_SCOPE;
        tr_loader *l = tr_loader_new(numbers_up_to(20, &data), .batch_size = 3, .workers = workers);
        atomic_store(&data.fails_at, 7);
        tr_batch b;
        assert_int_equal(tr_loader_start(l, 0), 0);
        assert_true(tr_loader_next(l, &b));
        assert_true(tr_loader_next(l, &b)); /* samples 3, 4, 5, while 7 may have failed long ago */
        assert_false(tr_loader_next(l, &b));
        assert_null(b.input);
        assert_false(tr_loader_next(l, &b));
        assert_error_says("tr_loader_next: sample 7: page 7 is torn");
        assert_false(tr_loader_next(l, &b));
        assert_error_says("no epoch is under way");
        atomic_store(&data.fails_at, -1);
        assert_int_equal(epoch_of(l, 1, seen), 20);
    }
}

static void count_told(const tr_error *error, void *data)
{
    assert_non_null(strstr(error->message, "tr_loader_next: sample 0: tr_full"));
    assert_non_null(strstr(error->message, "test_loader_threads.c:"));
    ++*(int *)data;
}

static int read_trips(void *data, int64_t i, void *input, void *target)
{
    (void)data, (void)i, (void)input, (void)target;
    return tr_full(TR_SHAPE(-3), 1) ? 0 : -1;
}

TEST(a_failing_read_is_told_once_with_the_place_of_the_call)
{
    for (int workers = -1; workers <= 1; workers++) {
        int told = 0;
        tr_loader *l = tr_loader_new(tr_dataset_new((tr_dataset_source){.count = 2, .read = read_trips}), .workers = workers);
        tr_on_error(count_told, &told);
        tr_batch b;
        assert_int_equal(tr_loader_start(l, 0), 0);
        assert_false(tr_loader_next(l, &b));
        assert_false(tr_loader_next(l, &b));
        assert_int_equal(told, 1);
        assert_error_says("sample 0: tr_full");
    }
}

static int read_says_nothing(void *data, int64_t i, void *input, void *target)
{
    (void)data, (void)input, (void)target;
    return i == 1 ? -5 : 0;
}

TEST(a_read_that_fails_without_a_word_is_an_error_too)
{
    for (int workers = -1; workers <= 1; workers++) {
        TR_SCOPE;
        tr_dataset *d = tr_dataset_new((tr_dataset_source){.count = 2, .read = read_says_nothing});
        tr_loader *l = tr_loader_new(d, .batch_size = 2, .workers = workers);
        tr_batch b;
        assert_int_equal(tr_loader_start(l, 0), 0);
        assert_false(tr_loader_next(l, &b));
        assert_error_says("sample 1: read returned -5");
    }
}

static int read_hides(void *data, int64_t i, void *input, void *target)
{
    (void)data, (void)i, (void)input, (void)target;
    tr_fail("half a page");
    return 0;
}

TEST(a_read_that_leaves_an_error_standing_has_failed)
{
    for (int workers = -1; workers <= 1; workers++) {
        TR_SCOPE;
        tr_loader *l = tr_loader_new(tr_dataset_new((tr_dataset_source){.count = 2, .read = read_hides}), .workers = workers);
        tr_batch b;
        assert_int_equal(tr_loader_start(l, 0), 0);
        assert_false(tr_loader_next(l, &b));
        assert_error_says("sample 0: half a page");
    }
}

TEST(a_worker_leaves_the_telling_to_the_program)
{
    fflush(stderr);
    FILE *heard = tmpfile();
    int before = dup(STDERR_FILENO);
    dup2(fileno(heard), STDERR_FILENO);
    tr_loader *l = tr_loader_new(tr_dataset_new((tr_dataset_source){.count = 2, .read = read_trips}));
    tr_batch b;
    bool started = tr_loader_start(l, 0) == 0, more = tr_loader_next(l, &b);
    tr_loader_start(l, 1); /* the worker is through with what it read ahead */
    dup2(before, STDERR_FILENO);
    close(before);
    fseek(heard, 0, SEEK_END);
    assert_int_equal(ftell(heard), 0);
    fclose(heard);
    assert_true(started && !more);
    assert_error_says("sample 0: tr_");
}

TEST(a_signal_is_not_a_workers_to_take)
{
    numbers data = {0};
    tr_loader *l = tr_loader_new(numbers_up_to(20, &data), .workers = 2);
    assert_int_equal(tr_loader_start(l, 0), 0);
    sigset_t user, before;
    sigemptyset(&user);
    sigaddset(&user, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &user, &before);
    kill(getpid(), SIGUSR1); /* a thread that does not block it would end the program */
    nap(10);
    int taken = 0;
    assert_int_equal(sigwait(&user, &taken), 0);
    assert_int_equal(taken, SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static int read_makes_tensors(void *data, int64_t i, void *input, void *target)
{
    (void)data;
    *(float *)input = (float)tr_item(tr_full(TR_SHAPE(1), (double)i));
    *(float *)target = 0;
    return tr_scope_depth() > 0 ? 0 : -1;
}

TEST(a_read_may_use_the_library)
{
    for (int workers = -1; workers <= 3; workers += 2) {
        TR_SCOPE;
        tr_dataset *d = tr_dataset_new((tr_dataset_source){.count = 6, .read = read_makes_tensors});
        tr_loader *l = tr_loader_new(d, .batch_size = 3, .workers = workers);
        tr_batch b;
        assert_int_equal(tr_loader_start(l, 0), 0);
        assert_true(tr_loader_next(l, &b));
        assert_true(tr_loader_next(l, &b));
        assert_close(b.input, row(3, 4, 5), 0);
    }
}

TEST(a_standing_error_ends_the_loop)
{
    numbers data = {0};
    tr_loader *l = tr_loader_new(numbers_up_to(20, &data));
    tr_batch b;
    assert_int_equal(tr_loader_start(l, 0), 0);
    assert_true(tr_loader_next(l, &b));
    tr_fail("the step went wrong");
    assert_false(tr_loader_next(l, &b));
    assert_error_says("the step went wrong");
    assert_true(tr_loader_next(l, &b));
    assert_int_equal(b.index, 1);
}

/* ---- memory ---- */

TEST(after_two_epochs_nothing_is_asked_of_the_system)
{
    for (int workers = -1; workers <= 3; workers += 2) {
        TR_SCOPE;
        numbers data = {0};
        int64_t seen[MANY], before = 0;
        tr_loader *l = tr_loader_new(numbers_up_to(203, &data), .batch_size = 20, .shuffle = true, .workers = workers);
        for (int epoch = 0; epoch < 5; epoch++) {
            if (epoch == 2) before = tr_memory(tr_cpu()).system_requests;
            epoch_of(l, epoch, seen);
        }
        assert_int_equal(tr_memory(tr_cpu()).system_requests, before);
    }
}

TEST(batches_do_not_pile_up_in_the_scope_around_the_loop)
{
    numbers data = {0};
    tr_loader *l = tr_loader_new(numbers_up_to(500, &data), .batch_size = 10);
    int64_t before = tr_memory(tr_cpu()).allocated_bytes, most = 0;
    assert_int_equal(tr_loader_start(l, 0), 0);
    for (tr_batch b; tr_loader_next(l, &b);) {
        int64_t now = tr_memory(tr_cpu()).allocated_bytes - before;
        if (now > most) most = now;
    }
    assert_in_range(most, 1, 4 * (128 + 128)); /* ahead is 2; 10 samples are 80 bytes each of input and target */
    tr_loader_drop(tr_loader_keep(l));
    assert_int_equal(tr_memory(tr_cpu()).allocated_bytes, before);
}

/* Whichever request for memory fails, the epoch is whole or an error stands. */
TEST(running_out_of_memory_is_an_error_and_no_more)
{
    for (int workers = -1; workers <= 2; workers++) {
        bool whole = false;
        for (int64_t n = 1; !whole && n < 200; n++) {
            TR_SCOPE;
            tr_empty_cache();
            numbers data = {0};
            int64_t seen[MANY], samples = 0;
            tr_batch b;
            core_system_fail_at(n);
            tr_loader *l = tr_loader_new(numbers_up_to(20, &data), .batch_size = 3, .shuffle = true, .workers = workers);
            if (l && tr_loader_start(l, 0) == 0)
                while (tr_loader_next(l, &b)) samples = note(&b, seen, samples);
            core_system_fail_at(0);
            if (tr_error_stands()) {
                assert_error_says("memory");
            } else {
                assert_int_equal(samples, 20);
                whole = n > 40; /* one that failed may have been made good */
            }
        }
        assert_true(whole);
    }
}
