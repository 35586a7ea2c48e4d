// CTEST DIST RANKS 1 2 3 4 8
/* Gradients of micro-batches that are gathered before ranks sum them, run and recorded. */
#include "data_parallel.h"

#include <trireme/optim.h>
#include <trireme/record.h>

static const shares *micro_batch(int i)
{
    static const shares *const of[] = {&uneven, &even, &some_empty, &uneven};
    return of[i];
}

/* Three micro-batches are gathered, the fourth sums; twice, the second time on gradients that were not set to zero. */
static void gather(tr_module *ranks, tr_module *alone, int times)
{
    tr_tensor *x, *y;
    for (int i = 0; i < 4 * times; i++) {
        batch((uint64_t)i, &x, &y);
        const shares *s = micro_batch(i % 4);
        int64_t n = 0;
        for (int64_t r = 0; r < tr_dist_world(); r++) n += s->of[tr_dist_world()][r];
        backward(alone, tr_narrow(x, 0, 0, n), tr_narrow(y, 0, 0, n));
        bool before = tr_set_gradient_sync(i % 4 == 3);
        backward(ranks, part(x, *s), part(y, *s));
        tr_set_gradient_sync(before);
    }
}

TEST(gathered_gradients_count_each_sample_once)
{
    tr_module *model = perceptron(1), *ranks = tr_data_parallel(model, .check_every = 1), *alone = perceptron(1);
    gather(ranks, alone, 2);
    assert_same_gradients(model, alone);
}

TEST(without_sync_a_gradient_is_this_rank_s_part)
{
    tr_module *model = perceptron(1), *ranks = tr_data_parallel(model), *mine = perceptron(1);
    tr_tensor *x, *y;
    batch(3, &x, &y);
    {
        TR_NO_SYNC;
        backward(ranks, part(x, uneven), part(y, uneven));
    }
    backward(mine, part(x, uneven), part(y, uneven));
    double weight = (double)uneven.of[tr_dist_world()][tr_dist_rank()] / SAMPLES;
    tr_tensors got = tr_parameters(model), want = tr_parameters(mine);
    for (int64_t i = 0; i < got.count; i++)
        assert_close(tr_grad(got.tensor[i]), tr_mul(tr_grad(want.tensor[i]), weight), 1e-12);
}

TEST(setting_gradients_to_zero_forgets_what_was_gathered)
{
    tr_module *model = perceptron(1), *ranks = tr_data_parallel(model), *alone = perceptron(1);
    tr_tensor *x, *y;
    batch(3, &x, &y);
    for (int between = 0; between < 2; between++) {
        {
            TR_NO_SYNC;
            backward(ranks, part(x, uneven), part(y, uneven));
        }
        tr_module_zero_grad(alone);
        backward(alone, x, y);
        tr_tensor *loss = tr_mse_loss(tr_forward(ranks, part(x, uneven)), part(y, uneven));
        tr_module_zero_grad(model); /* between forward and backward, where many programs do it */
        assert_int_equal(tr_backward(loss), 0);
        assert_same_gradients(model, alone);
    }
}

static const double *step_weights(bool recorded)
{
    static double weights[2][64];
    double *w = weights[recorded];
    TR_SCOPE;
    tr_module *model = perceptron(1);
    tr_module *ranks = tr_data_parallel(model, .bucket_bytes = 100, .first_bucket_bytes = 1, .check_every = 2);
    tr_optim *sgd = tr_sgd(tr_parameters(model), .lr = 0.1, .momentum = 0.9);
    tr_recording *step = NULL;
    for (int i = 0; i < 6; i++) {
        TR_SCOPE;
        tr_tensor *x, *y;
        batch((uint64_t)i, &x, &y);
        shares s = i == 4 ? even : uneven; /* one that does not fit between those that do */
        x = tr_contiguous(part(x, s));
        y = tr_contiguous(part(y, s));
        bool fits = step && s.of[2][0] == uneven.of[2][0];
        if (fits) {
            assert_int_equal(tr_replay(step, .inputs = TR_TENSORS(x, y)), 0);
            continue;
        }
        if (recorded && i == 1) {
            assert_int_equal(tr_record(&step, .inputs = TR_TENSORS(x, y)), 0);
            tr_recording_keep(step);
        }
        {
            TR_SCOPE;
            tr_zero_grad(sgd);
            backward(ranks, x, y);
            tr_step(sgd);
        }
        if (recorded && i == 1) assert_int_equal(tr_record_end(), 0);
    }
    int n = 0;
    tr_tensors all = tr_parameters(model);
    for (int64_t i = 0; i < all.count; i++)
        for (int64_t k = 0; k < tr_numel(all.tensor[i]) && n < 64; k++) w[n++] = ((const double *)tr_data(all.tensor[i]))[k];
    tr_recording_drop(step);
    return w;
}

TEST(a_recorded_step_gives_the_bits_of_running_it)
{
    const double *run = step_weights(false), *replayed = step_weights(true);
    for (int i = 0; i < 64; i++) assert_true(run[i] == replayed[i]);
    assert_true(run[0] != 0);
}

static void gathering_step(tr_module *ranks, tr_optim *sgd, tr_tensor *x, tr_tensor *y)
{
    TR_SCOPE;
    tr_zero_grad(sgd);
    for (int i = 0; i < 3; i++) {
        bool before = tr_set_gradient_sync(i == 2);
        backward(ranks, tr_mul(x, i + 1), y);
        tr_set_gradient_sync(before);
    }
    assert_int_equal(tr_step(sgd), 0);
}

TEST(a_recorded_step_gathers_as_running_it_does)
{
    tr_module *a = perceptron(1), *b = perceptron(1);
    tr_module *run = tr_data_parallel(a, .bucket_bytes = 100, .first_bucket_bytes = 1), *replayed = tr_data_parallel(b, .bucket_bytes = 100, .first_bucket_bytes = 1);
    tr_optim *of_a = tr_sgd(tr_parameters(a), .lr = 0.1, .momentum = 0.9), *of_b = tr_sgd(tr_parameters(b), .lr = 0.1, .momentum = 0.9);
    tr_recording *step = NULL;
    for (int i = 0; i < 5; i++) {
        TR_SCOPE;
        tr_tensor *x, *y;
        batch((uint64_t)i, &x, &y);
        x = tr_contiguous(part(x, uneven));
        y = tr_contiguous(part(y, uneven));
        gathering_step(run, of_a, x, y);
        if (i == 1) assert_int_equal(tr_record(&step, .inputs = TR_TENSORS(x, y)), 0);
        if (i == 1) tr_recording_keep(step);
        if (i < 2)
            gathering_step(replayed, of_b, x, y);
        else
            assert_int_equal(tr_replay(step, .inputs = TR_TENSORS(x, y)), 0);
        if (i == 1) assert_int_equal(tr_record_end(), 0);
    }
    for (int64_t i = 0; i < tr_parameters(a).count; i++) {
        tr_tensor *p = tr_parameters(a).tensor[i], *q = tr_parameters(b).tensor[i];
        assert_memory_equal(tr_data(q), tr_data(p), (size_t)tr_numel(p) * sizeof(double));
    }
    tr_recording_drop(step);
}
