/* Running out of memory: the first request fails, then the second, the third, until a run meets no refusal.
 *
 * Each run is a piece of work in a thread that begins with nothing at all: no scopes, no lists, no default generator.
 * Either an error stands that speaks of memory, or the answer is right. Then everything has been let go, and the same
 * work, with memory again, finds the right answer. */
#include <pthread.h>
#include <trireme/checkpoint.h>
#include <trireme/data.h>
#include <trireme/io.h>
#include <trireme/record.h>
#include "autograd/autograd.h"
#include "core/memory.h"
#include "mlp.h"

typedef double work(const void *data); /* its answer; NaN: it failed */

typedef struct {
    work *run;
    const void *data;
    int64_t n; /* the request that is refused; 0: none */
    bool for_good;
    /* what came of it */
    double answer, second_answer;
    bool refused, stands, second_stands;
    int64_t left_bytes;
    char message[400];
} trial;

static double in_a_scope(const trial *t)
{
    TR_SCOPE;
    return t->run(t->data);
}

static void try_it(trial *t)
{
    (t->for_good ? core_system_fail_from : core_system_fail_at)(t->n);
    t->answer = in_a_scope(t);
    t->refused = core_system_failed();
    core_system_fail_at(0);
    t->stands = tr_error_stands();
    snprintf(t->message, sizeof t->message, "%s", tr_error_message());
    tr_error_clear();

    int depth = tr_scope_open(); /* a scope that could not be opened left its things to the outermost one */
    t->second_answer = in_a_scope(t);
    t->second_stands = tr_error_stands();
    tr_scope_close(depth);
    tr_finish(); /* nothing is left for the next one to find */
    t->left_bytes = tr_memory(tr_cpu()).allocated_bytes;
}

static bool is_right(const trial *t, double expected)
{
    bool first = t->stands ? t->refused && strstr(t->message, "memory") : t->answer == expected;
    return first && t->second_answer == expected && !t->second_stands && t->left_bytes == 0;
}

typedef struct {
    trial last;
    double expected;
    bool right;
} walk_of_trials;

static void *walk_on(void *data)
{
    walk_of_trials *w = data;
    tr_on_error(NULL, NULL);
    try_it(&w->last);
    w->expected = w->last.answer;
    do {
        w->last.n++;
        try_it(&w->last);
        w->right = is_right(&w->last, w->expected);
    } while (w->right && w->last.refused);
    return NULL;
}

/* How many requests there were to refuse. */
static int64_t walk(work *f, const void *data, bool for_good)
{
    walk_of_trials w = {.last = {.run = f, .data = data, .for_good = for_good}};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, walk_on, &w), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    const trial *t = &w.last;
    if (!w.right) {
        print_error("request %lld%s: answer %g, then %g, wanted %g; %lld bytes left; %s\n", (long long)t->n, for_good ? " and all after it" : "",
                    t->answer, t->second_answer, w.expected, (long long)t->left_bytes, t->stands ? t->message : "no error stood");
        fail();
    }
    return t->n - 1;
}

static int64_t survives(work *f, const void *data)
{
    walk(f, data, false);
    return walk(f, data, true);
}

/* ---- the pieces of work ---- */

static double sum_of(tr_tensors all)
{
    double sum = all.count ? 0 : NAN;
    for (int64_t i = 0; i < all.count; i++) sum += tr_item(tr_sum(all.tensor[i]));
    return sum;
}

static tr_module *seeded_mlp(void) { return tr_manual_seed(0) < 0 ? NULL : mlp(); }

static double build(const void *data)
{
    (void)data;
    tr_module *m = seeded_mlp();
    TR_NO_GRAD;
    return sum_of(tr_parameters(m));
}

TEST(building_a_model_survives) { assert_in_range(survives(build, NULL), 20, 200); }

static double forward(const void *data)
{
    (void)data;
    tr_module *m = seeded_mlp();
    return tr_item(tr_cross_entropy(tr_forward(m, inputs(10)), classes(10)));
}

TEST(a_forward_survives) { assert_in_range(survives(forward, NULL), 40, 300); }

static double three_steps(const void *data)
{
    (void)data;
    tr_tensor *x = inputs(10), *y = classes(10);
    tr_module *m = seeded_mlp();
    tr_optim *o = sgd_of(m);
    for (int i = 0; i < 3; i++)
        if (isnan(train(m, o, x, y))) return NAN;
    TR_NO_GRAD;
    return sum_of(tr_parameters(m));
}

TEST(training_survives) { assert_in_range(survives(three_steps, NULL), 60, 400); }

/* Large enough for the library's product and several threads. */
static double wide_step(const void *data)
{
    (void)data;
    tr_manual_seed(0);
    tr_module *m = tr_linear_layer(100, 100);
    tr_tensor *x = tr_rand(TR_SHAPE(100, 100));
    tr_tensor *loss = tr_mse_loss(tr_forward(m, x), x);
    tr_tensors p = tr_parameters(m);
    if (!p.count || tr_backward(loss) < 0) return NAN;
    return tr_item(loss) + tr_item(tr_sum(tr_grad(p.tensor[0])));
}

TEST(a_wide_step_survives) { assert_in_range(walk(wide_step, NULL, true), 15, 100); }

/* Adam's states are made in the first step, some calls run block by block, and clipping must be looked at again. */
static double recorded(const void *data)
{
    (void)data;
    tr_recording *step = NULL;
    tr_tensor *w = tr_full(TR_SHAPE(2000), 2.0, .requires_grad = true), *x = tr_ones(TR_SHAPE(2000)), *other = tr_full(TR_SHAPE(2000), 0.5);
    tr_optim *o = tr_adam(TR_TENSORS(w), .lr = 0.1);
    if (tr_record(&step, .inputs = TR_TENSORS(x)) < 0) return NAN;
    {
        TR_SCOPE;
        tr_tensor *loss = tr_sum(tr_relu(tr_mul(tr_sub(w, x), tr_exp(w))));
        tr_zero_grad(o);
        if (tr_backward(loss) < 0 || isnan(tr_clip_grad_norm(TR_TENSORS(w), 1, .error_if_nonfinite = true)) || tr_step(o) < 0) return NAN;
    }
    if (tr_record_end() < 0 || tr_replay(step) < 0 || tr_replay(step, .inputs = TR_TENSORS(other)) < 0) return NAN;
    TR_NO_GRAD;
    return tr_item(tr_sum(w));
}

TEST(a_recorded_step_survives) { assert_in_range(survives(recorded, NULL), 60, 300); }

static void count(tr_tensor *leaf, void *data)
{
    if (leaf) ++*(int *)data;
}
static void at_the_end(void *data) { *(int *)data += 100; }
static void ask_for_the_end(tr_tensor *leaf, void *data)
{
    count(leaf, data);
    tr_on_backward_end(at_the_end, data);
}

static double hooks(const void *data)
{
    (void)data;
    int calls = 0;
    tr_tensor *w = tr_full(TR_SHAPE(100), 2.0, .requires_grad = true);
    if (tr_on_grad(w, ask_for_the_end, &calls) < 0 || tr_on_grad(w, count, &calls) < 0) return NAN;
    tr_tensor *y = tr_retain_grad(tr_square(w));
    if (tr_backward(tr_sum(tr_mul(y, y))) < 0) return NAN;
    return calls + tr_item(tr_sum(tr_grad(w))) + tr_item(tr_sum(tr_grad(y)));
}

TEST(hooks_survive) { survives(hooks, NULL); }

static double print(const void *data)
{
    (void)data;
    const char *texts[] = {tr_to_string(tr_ones(TR_SHAPE(40, 30))), tr_module_to_string(mlp()), tr_shape_string(TR_SHAPE(2, 3))};
    if (tr_error_stands()) return NAN;
    return (double)(strlen(texts[0]) + strlen(texts[1]) + strlen(texts[2]));
}

TEST(printing_survives) { survives(print, NULL); }

static double checkpoint(const void *data)
{
    (void)data;
    tr_module *m = seeded_mlp(), *other = mlp();
    tr_optim *o = sgd_of(m), *its = sgd_of(other);
    train(m, o, inputs(10), classes(10));
    int64_t step = 0;
    if (tr_checkpoint_save("survives.safetensors", m, o, 3) < 0 || tr_checkpoint_load("survives.safetensors", other, its, &step) < 0) return NAN;
    TR_NO_GRAD;
    return sum_of(tr_parameters(other)) + (double)step;
}

TEST(a_checkpoint_survives) { survives(checkpoint, NULL); }

static double load(const void *workers)
{
    tr_loader *l = tr_loader_new(tr_dataset_tensors(inputs(20), classes(20)), .batch_size = 6, .shuffle = true, .workers = *(const int *)workers);
    double sum = 0;
    if (tr_loader_start(l, 0) < 0) return NAN;
    for (tr_batch b; tr_loader_next(l, &b);) sum += tr_item(tr_sum(b.input)) * (double)(b.index + 1);
    return tr_error_stands() ? NAN : sum;
}

TEST(loading_survives)
{
    for (int workers = -1; workers < 3; workers++) survives(load, &workers);
}

static double files(const void *data)
{
    (void)data;
    if (tr_save_npy("survives.npy", tr_arange(0, 100, 1)) < 0) return NAN;
    return tr_item(tr_sum(tr_load_npy("survives.npy")));
}

TEST(files_survive) { survives(files, NULL); }

/* ---- every operation, with its derivative and that one's ---- */

typedef struct {
    const autograd_case *sample;
    bool create_graph;
} operation;

static double operate(const void *data)
{
    const operation *op = data;
    const autograd_case *c = op->sample;
    tr_tensor *x[AUTOGRAD_INPUTS] = {0};
    tr_generator *g = tr_generator_new(TR_MT19937, 3);
    for (int i = 0; i < c->inputs; i++) x[i] = tr_requires_grad_(tr_uniform_(tr_empty(c->shape[i], .dtype = TR_FLOAT64), c->low, c->high, g), true);
    tr_tensor *sum = tr_error_stands() ? NULL : tr_sum(tr_square(c->apply(x)));
    double answer = sum ? tr_item(sum) : NAN;
    if (tr_requires_grad(sum) && tr_backward(sum, .create_graph = op->create_graph) < 0) answer = NAN;
    for (int i = 0; i < c->inputs; i++) {
        if (tr_grad(x[i])) answer += tr_item(tr_sum(tr_grad(x[i])));
        if (x[i]) tr_set_grad(x[i], NULL); /* it may hold x[i], through its graph */
    }
    return answer;
}

static void every_operation(bool create_graph)
{
    for (const autograd_op *const *op = autograd_ops; *op; op++)
        for (const autograd_case *c = (*op)->cases; c && c->apply; c++) {
            if (walk(operate, &(operation){c, create_graph}, true) > 0) continue;
            print_error("%s, %s\n", (*op)->name, c->what);
            fail();
        }
}

TEST(every_operation_and_its_derivative_survive) { every_operation(false); }
TEST(every_derivative_of_a_derivative_survives) { every_operation(true); }

/* ---- an error that is not about memory, where there is none to describe it with ---- */

static void *mismatch(void *data)
{
    tr_on_error(NULL, NULL);
    tr_tensor *a = tr_zeros(TR_SHAPE(2)), *b = tr_zeros(TR_SHAPE(3));
    core_system_fail_from(1);
    tr_add(a, b);
    core_system_fail_at(0);
    snprintf(data, 200, "%s", tr_error_message());
    tr_finish();
    return NULL;
}

TEST(an_error_can_be_told_without_memory)
{
    char message[200];
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, mismatch, message), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_non_null(strstr(message, "tr_add"));
}
