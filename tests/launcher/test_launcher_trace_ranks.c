// CTEST DIST RANKS 1 2 4 LIBRARIES trireme_launcher_parts LABELS launcher
/* The trace and the ledger of ranks that train: buckets, one clock, one table.  Four ranks are taken for two hosts. */
#include "traces.h"

#include <math.h>
#include <trireme/dist.h>
#include <trireme/trireme.h>

enum { STEPS = 7 };

static tr_ledger ledger;

static void learn(void)
{
    TR_SCOPE;
    tr_module *model = tr_sequential(tr_linear_layer(16, 64), tr_relu_layer(), tr_linear_layer(64, 4));
    tr_module *ranks = tr_data_parallel(model, .bucket_bytes = 1000, .first_bucket_bytes = 500);
    tr_optim *sgd = tr_sgd(tr_parameters(model), .lr = 0.1);
    tr_dataset *d = tr_dataset_tensors(tr_randn(TR_SHAPE(16 * STEPS, 16)), tr_randint(0, 4, TR_SHAPE(16 * STEPS)));
    tr_loader *l = tr_loader_new(d, .batch_size = 16, .shard = tr_dist_shard());
    TR_TRACE("epoch");
    tr_loader_start(l, 0);
    for (tr_batch b; tr_loader_next(l, &b);) {
        TR_SCOPE;
        tr_backward(tr_cross_entropy(tr_forward(ranks, b.input), b.target));
        tr_step(sgd);
        tr_zero_grad(sgd);
    }
    for (int i = 0; i < 5; i++) tr_barrier();
}

BEFORE_ALL
{
    const char *world = getenv("OMPI_COMM_WORLD_SIZE");
    if (world && strcmp(world, "4") == 0) setenv("TRIREME_HOST_RANKS", "2", 1);
    setenv("TRIREME_TRACE", "trace", 1);
    setenv("TRIREME_LEDGER", "3", 1);
    if (tr_dist_init(argc, argv) < 0) return 1;
    learn();
    ledger = tr_ledger_read();
    return tr_trace_stop() < 0 || tr_barrier() < 0;
}
AFTER_ALL { return tr_dist_finish(); }

TEST(the_columns_of_each_rank_sum_to_its_wall)
{
    const tr_ledger_times *t = &ledger.total;
    assert_int_equal(ledger.steps, STEPS);
    assert_true(fabs(t->compute + t->communication + t->data + t->optimiser + t->other - t->wall) <= 1e-9);
    assert_true((t->communication > 0) == (tr_dist_world() > 1));
}

TEST(a_rank_shows_its_work_its_buckets_and_its_waits)
{
    trace_input t = read_trace("trace", tr_dist_rank());
    assert_int_equal(t.ranks, tr_dist_world());
    assert_int_equal(t.dropped + t.damaged, 0);
    assert_spans_nest(&t);
    assert_int_equal(count_spans(&t, "SGD"), STEPS);
    assert_int_equal(count_spans(&t, "backward"), STEPS);
    assert_true(holds(find_span(&t, "epoch"), find_span(&t, "DataParallel")));
    if (tr_dist_world() > 1) {
        const trace_event *bucket = find_span_with(&t, "gradients, bucket 0 of ", "\"cat\":\"collective\"");
        assert_true(says(bucket, "\"bytes\":") && says(bucket, "\"transport\":\""));
        assert_true(bucket->thread != find_span(&t, "backward")->thread);
        assert_true(count_spans(&t, "gradients, bucket ") >= 2 * STEPS);
        assert_true(count_spans(&t, "ledger") >= 2);
        bool courier = false; /* carries buckets between hosts, on its own track */
        for (int64_t i = 0; i < t.events; i++) courier |= t.event[i].phase == 'M' && t.event[i].thread == bucket->thread && says(&t.event[i], "\"courier\"");
        assert_true(courier == (tr_dist_world() == 4));
    }
    trace_input_free(&t);
}

static double number_in(const trace_event *e)
{
    const char *at = strstr(e->text, "\"number\":");
    return says(e, "\"number\":") ? strtod(at + 9, NULL) : 0;
}

/* Nobody leaves a barrier before everybody came, on whatever clock that was written down. */
TEST(no_rank_leaves_a_barrier_before_another_has_come)
{
    enum { MOST = 4 };
    trace_input t[MOST];
    int64_t world = tr_dist_world(), seen = 0;
    for (int64_t r = 0; r < world; r++) t[r] = read_trace("trace", r);
    for (int64_t r = 0; r < world; r++)
        for (int64_t i = 0; i < t[r].events; i++) {
            const trace_event *mine = &t[r].event[i];
            if (!is_called(mine, "barrier\"") || number_in(mine) == 0) continue;
            for (int64_t k = 0; k < t[0].events; k++) {
                const trace_event *its = &t[0].event[k];
                if (!is_called(its, "barrier\"") || number_in(its) != number_in(mine)) continue;
                assert_true(its->begin_us <= mine->begin_us + mine->us && mine->begin_us <= its->begin_us + its->us);
                seen++;
            }
        }
    if (world > 1) assert_true(seen >= 5 * world);
    for (int64_t r = 0; r < world; r++) assert_string_equal(t[r].job, t[0].job);
    for (int64_t r = 0; r < world; r++) trace_input_free(&t[r]);
}
