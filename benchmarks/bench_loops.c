/* The training loops of the tutorials (loops.c), and what one operation costs.
 *
 * Every loop is first held against the same loop in plain C (peers/by_hand.c), after a hundred iterations; as it is
 * written, and with its step recorded once and replayed. */
#include <math.h>
#include <stdio.h>
#include "bench.h"
#include "loops.h"
#include "on_device.h"

enum { CHECKED = 99, /* iterations after which results are compared: whole epochs of the crops */
       CHAIN = 100,  /* additions in a chain */
       MOST_ROOTS = 100 /* graphs made beforehand, for backward alone */ };

/* The loss of each iteration, which the tutorials write down. */
static volatile double noted;

static void start_loop(void *data, int64_t times)
{
    (void)times;
    ((loop *)data)->start();
}

static void run_loop(void *data, int64_t times)
{
    loop *l = data;
    for (int64_t i = 0; i < times; i++) {
        TR_SCOPE;
        if (l->next && !l->next(i)) return;
        tr_tensor *seen = l->step();
        if (!seen) return;
        if (!l->next) noted = tr_item(seen); /* the tutorial with a loader looks at none of its losses */
    }
}

/* The same with the step recorded in the first iteration of all. */
static int record(loop *l)
{
    if (tr_record(&l->recording, .inputs = l->next ? TR_TENSORS(loop_batch.input, loop_batch.target) : (tr_tensors){0}) < 0) return -1;
    {
        TR_SCOPE;
        l->seen = tr_keep(l->step());
    }
    return tr_record_end();
}

static void replay_loop(void *data, int64_t times)
{
    loop *l = data;
    for (int64_t i = 0; i < times; i++) {
        if (l->next && !l->next(i)) return;
        int status = !l->recording ? record(l) : l->next ? tr_replay(l->recording, .inputs = TR_TENSORS(loop_batch.input, loop_batch.target))
                                                         : tr_replay(l->recording);
        if (status < 0) return;
        if (!l->next) noted = tr_item(l->seen);
    }
}

static double error_of(loop *l, void (*run)(void *data, int64_t times))
{
    float result[INPUTS * NEURONS + NEURONS];
    l->start();
    run(l, CHECKED);
    if (tr_error_stands()) return INFINITY;
    l->result(result);
    l->hand->start();
    l->hand->run(NULL, CHECKED);
    return bench_difference(result, l->hand->result, l->hand->results);
}
static double loop_error(void *data) { return error_of(data, run_loop); }
static double replay_error(void *data) { return error_of(data, replay_loop); }

/* ---- what one operation costs: tensors of one element ---- */

static tr_tensor *a, *b; /* not tracked */
static tr_tensor *leaf;  /* tracked */
static tr_tensor *roots[MOST_ROOTS];
static int64_t roots_made;

static tr_tensor *chain(int64_t n)
{
    tr_tensor *y = leaf;
    for (int64_t i = 0; i < n; i++) y = tr_add(y, b);
    return y;
}

static void drop_roots(void)
{
    for (int64_t i = 0; i < roots_made; i++) tr_drop(roots[i]);
    roots_made = 0;
    tr_set_grad(leaf, NULL);
}

/* So many graphs of a chain of n, for backward alone. */
static void make_roots(int64_t n, int64_t times)
{
    drop_roots();
    for (; roots_made < times; roots_made++) {
        TR_SCOPE;
        roots[roots_made] = tr_keep(chain(n));
    }
}

static void add(void *unused, int64_t times)
{
    (void)unused;
    for (int64_t i = 0; i < times; i++) {
        TR_SCOPE;
        tr_add(a, b);
    }
}
static void add_tracked(void *unused, int64_t times)
{
    (void)unused;
    for (int64_t i = 0; i < times; i++) {
        TR_SCOPE;
        tr_add(leaf, b);
    }
}
static void add_chain(void *unused, int64_t times)
{
    (void)unused;
    for (int64_t i = 0; i < times; i++) {
        TR_SCOPE;
        chain(CHAIN);
    }
}
static void prepare_one(void *unused, int64_t times)
{
    (void)unused;
    make_roots(1, times);
}
static void prepare_chains(void *unused, int64_t times)
{
    (void)unused;
    make_roots(CHAIN, times);
}
static void backward(void *unused, int64_t times)
{
    (void)unused;
    for (int64_t i = 0; i < times; i++)
        if (tr_backward(roots[i]) < 0) return;
}

/* 0.25 + 0.5, a hundred times 0.5 more, and one gradient of 1 from each of two chains. */
static double add_error(void *unused)
{
    (void)unused;
    TR_SCOPE;
    make_roots(CHAIN, 2);
    double error = fabs(tr_item(roots[0]) - (0.25 + 0.5 * CHAIN)) + fabs(tr_item(tr_add(a, b)) - 0.75);
    if (tr_backward(roots[0]) < 0 || tr_backward(roots[1]) < 0) return INFINITY;
    error += fabs(tr_item(tr_grad(leaf)) - 2);
    drop_roots();
    return error;
}

int main(int argc, char **argv)
{
    bench_subject subject = {"loops", "one iteration of each tutorial's training loop; one operation on tensors of one element",
                             "us", NULL, NULL, "trireme", tr_version()};
    if (!bench_begin_on(argc, argv, subject, &loop_device)) return bench_end();
    tr_set_num_threads(1);
    by_hand_data();
    for (int i = 0; i < BY_HAND_LOOPS; i++) loops[i].data();
    for (int i = 0; i < BY_HAND_LOOPS; i++) {
        const by_hand_loop *hand = loops[i].hand;
        bench_run((bench_case){hand->name, hand->size, .prepare = start_loop, .run = run_loop, .check = loop_error, .data = &loops[i], .tolerance = 1e-3, .times = hand->iterations});
        snprintf(loops[i].name, sizeof loops[i].name, "%s, replayed", hand->name);
        bench_run((bench_case){loops[i].name, hand->size, .prepare = start_loop, .run = replay_loop, .check = replay_error, .data = &loops[i], .tolerance = 1e-3, .times = hand->iterations});
    }

    a = tr_full(TR_SHAPE(1), 0.25, .device = loop_device);
    b = tr_full(TR_SHAPE(1), 0.5, .device = loop_device);
    leaf = tr_full(TR_SHAPE(1), 0.25, .device = loop_device, .requires_grad = true);
    bench_run((bench_case){"add", "1", .run = add, .check = add_error});
    bench_run((bench_case){"add tracked", "1", .run = add_tracked, .check = add_error});
    bench_run((bench_case){"add backward", "1", .prepare = prepare_one, .run = backward, .check = add_error, .times = MOST_ROOTS});
    bench_run((bench_case){"add in a chain", "100", .run = add_chain, .check = add_error, .parts = CHAIN});
    bench_run((bench_case){"backward in a chain", "100", .prepare = prepare_chains, .run = backward, .check = add_error, .times = MOST_ROOTS, .parts = CHAIN});
    drop_roots();
    for (int i = 0; i < BY_HAND_LOOPS; i++) tr_drop(loops[i].seen);
    int status = bench_end();
    return tr_finish() ? 1 : status;
}
