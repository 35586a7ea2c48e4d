/* Threads: what the library keeps it keeps for each thread, so that two can train at once as if each were alone. */
#include <pthread.h>
#ifdef __GLIBC__
# include <malloc.h>
#endif
#include "mlp.h"

enum { STEPS = 50,
       THREADS = 4 };

typedef struct {
    uint64_t seed;
    double loss[STEPS];
    int64_t left_bytes;
    bool failed;
} training;

static void *learn(void *data)
{
    training *t = data;
    tr_on_error(NULL, NULL);
    {
        TR_SCOPE;
        tr_manual_seed(t->seed);
        tr_module *m = mlp();
        tr_optim *o = sgd_of(m);
        tr_tensor *x = inputs(16), *y = classes(16);
        for (int i = 0; i < STEPS; i++) t->loss[i] = train(m, o, x, y);
    }
    t->failed = tr_finish() != 0;
    t->left_bytes = tr_memory(tr_cpu()).allocated_bytes;
    return NULL;
}

static void run(void *(*f)(void *), void *data, size_t each, int threads)
{
    pthread_t thread[THREADS];
    for (int i = 0; i < threads; i++) assert_int_equal(pthread_create(&thread[i], NULL, f, (char *)data + (size_t)i * each), 0);
    for (int i = 0; i < threads; i++) assert_int_equal(pthread_join(thread[i], NULL), 0);
}

TEST(threads_that_train_at_once_do_as_each_alone)
{
    training alone[THREADS], together[THREADS];
    for (int i = 0; i < THREADS; i++) {
        alone[i].seed = together[i].seed = (uint64_t)i;
        run(learn, &alone[i], sizeof *alone, 1);
    }
    run(learn, together, sizeof *together, THREADS);
    for (int i = 0; i < THREADS; i++) {
        assert_false(alone[i].failed || together[i].failed);
        assert_int_equal(together[i].left_bytes, 0);
        for (int step = 0; step < STEPS; step++) assert_true(together[i].loss[step] == alone[i].loss[step]);
    }
    assert_true(alone[0].loss[0] != alone[1].loss[0]); /* they were two trainings */
}

/* An error, a switch, a scope and a generator of one thread are not the other's. */
typedef struct {
    bool stands_before, enabled_before;
    int depth_before;
    double first;
} state;

static void *spoil(void *data)
{
    state *s = data;
    tr_on_error(NULL, NULL);
    s->stands_before = tr_error_stands();
    s->enabled_before = tr_grad_enabled();
    s->depth_before = tr_scope_depth();
    tr_manual_seed(5);
    s->first = tr_item(tr_rand(TR_SHAPE(1)));
    tr_scope_open();
    tr_set_grad_enabled(false);
    tr_add(row(1, 2), row(1, 2, 3));
    return NULL; /* and ends as it is */
}

TEST(what_one_thread_does_the_others_do_not_see)
{
    state s[THREADS];
    tr_manual_seed(5);
    int depth = tr_scope_depth();
    tr_tensor *first = tr_rand(TR_SHAPE(1));
    run(spoil, s, sizeof *s, THREADS);
    for (int i = 0; i < THREADS; i++) {
        assert_false(s[i].stands_before);
        assert_true(s[i].enabled_before);
        assert_int_equal(s[i].depth_before, 0);
        assert_item(first, s[i].first, 0);
    }
    assert_false(tr_error_stands());
    assert_true(tr_grad_enabled());
    assert_int_equal(tr_scope_depth(), depth);
}

/* Made by one thread and let go by another, again and again: nobody gathers what nobody will take. */
static void *make_one(void *made)
{
    TR_SCOPE;
    *(tr_tensor **)made = tr_keep(tr_zeros(TR_SHAPE(1 << 16)));
    return NULL;
}

TEST(what_other_threads_made_is_not_gathered)
{
    tr_tensor *made;
    tr_empty_cache();
    make_one(&made); /* its own is kept */
    tr_drop(made);
    int64_t before = tr_memory(tr_cpu()).cached_bytes;
    assert_true(before >= 4 << 16);
    for (int i = 0; i < 20; i++) {
        run(make_one, &made, 0, 1);
        tr_drop(made);
    }
    assert_int_equal(tr_memory(tr_cpu()).cached_bytes, before);
}

/* The same of the small things round them: handles, storages, graphs. */
enum { LITTLE = 1000 };

static void *make_little(void *made)
{
    TR_SCOPE;
    tr_tensor *w = tr_requires_grad_(tr_tensor_of(2.0F), true);
    for (int i = 0; i < LITTLE; i++) {
        tr_tensor **t = (tr_tensor **)made + i;
        *t = tr_keep(i % 3 == 0 ? tr_tensor_of(1.0F) : i % 3 == 1 ? tr_mul(w, w)
                                                                  : tr_reshape(tr_zeros(TR_SHAPE(8, 8)), TR_SHAPE(64)));
    }
    return NULL;
}

static void let_go_of_little(int rounds)
{
    static tr_tensor *made[LITTLE];
    for (int i = 0; i < rounds; i++) {
        run(make_little, made, 0, 1);
        for (int k = 0; k < LITTLE; k++) {
            TR_SCOPE;
            tr_tensor *last = k % 2 ? tr_detach(made[k]) : NULL; /* a handle of this thread on a storage of the other */
            tr_drop(made[k]);
            assert_true(last || k % 2 == 0);
        }
    }
}

TEST(small_things_of_other_threads_are_not_gathered)
{
#ifdef __GLIBC__
    let_go_of_little(3);
    size_t before = mallinfo2().uordblks;
    let_go_of_little(10);
    assert_true(mallinfo2().uordblks < before + LITTLE * 64); /* ten thousand of them */
#else
    skip_because("mallinfo2 is glibc's");
#endif
}

/* A model may be made by one thread, trained by another and let go by a third, one after the other. */
static void *train_on(void *data)
{
    tr_module *m = data;
    TR_SCOPE;
    tr_optim *o = sgd_of(m);
    for (int i = 0; i < 10; i++) train(m, o, inputs(16), classes(16));
    return NULL;
}

static void *let_go(void *data)
{
    tr_module_drop(data);
    return NULL;
}

TEST(a_model_may_pass_from_thread_to_thread)
{
    tr_module *m;
    {
        TR_SCOPE;
        m = tr_module_keep(mlp());
    }
    double before = tr_get(tr_parameters(m).tensor[0], 0);
    run(train_on, m, 0, 1);
    assert_true(tr_get(tr_parameters(m).tensor[0], 0) != before);
    run(let_go, m, 0, 1);
}
