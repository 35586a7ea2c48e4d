/* A run that was saved and resumed is the run that was never interrupted. */
#include "training.h"
#include <sys/stat.h>
#include <unistd.h>
#include "nn/checkpoint_folder.h"
#include "nn/counted.h"

/* Everything that a step reads is bit for bit the same. */
static void assert_same_run(job *a, job *b)
{
    assert_true(same_parameters(a->model, b->model));
    assert_true(tr_learning_rate(a->optim) == tr_learning_rate(b->optim));
    for (int i = 0; i < 2; i++) assert_int_equal(tr_scheduler_state(a->scheduler[i]), tr_scheduler_state(b->scheduler[i]));
    assert_int_equal(next_of(a->noise), next_of(b->noise));
    assert_int_equal(a->run[0].step, b->run[0].step);
    assert_int_equal(tr_loader_state(a->loader[0]).epoch, tr_loader_state(b->loader[0]).epoch);
    assert_int_equal(tr_loader_state(a->loader[0]).sample, tr_loader_state(b->loader[0]).sample);
}

/* Saved in the middle of an epoch and at its last batch; the rest run by another job, made with other weights, another rate,
 * another seed of everything. */
TEST(the_rest_of_a_run_is_bit_for_bit_that_of_the_unbroken_one)
{
    const int64_t stops[] = {0, 1, 4, EPOCH, EPOCH + 3};
    for (int k = 0; k < OPTIMISERS; k++)
        for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
            TR_SCOPE;
            empty_folder("going");
            job whole, before, after;
            tr_manual_seed(1);
            begin(&whole, optimisers[k].make, 1);
            advance(&whole, 2 * EPOCH + 2, 0.01);
            uint64_t drawn = next_of(tr_default_generator());

            tr_manual_seed(1);
            begin(&before, optimisers[k].make, 1);
            advance(&before, stops[i], 0.01);
            assert_int_equal(tr_training_save("going", &before.run[0]), 0);

            tr_manual_seed(99);
            begin(&after, optimisers[k].make, 1);
            tr_set_learning_rate(after.optim, 7);
            tr_seed(after.noise, 1234);
            advance(&after, 1, 0.01); /* it may have trained already */
            assert_int_equal(tr_training_resume("going", &after.run[0]), 0);
            assert_int_equal(after.run[0].step, stops[i]);
            advance(&after, 2 * EPOCH + 2, 0.01);
            assert_same_run(&after, &whole);
            assert_int_equal(next_of(tr_default_generator()), drawn);
        }
}

TEST(one_cycle_gives_its_momentum_back)
{
    tr_module *m = mlp();
    tr_optim *adam = tr_adam(tr_parameters(m)), *other = tr_adam(tr_parameters(m));
    tr_scheduler *s = tr_one_cycle_lr(adam, 0.1, 20), *its = tr_one_cycle_lr(other, 0.1, 20);
    for (int i = 0; i < 9; i++) assert_int_equal(tr_scheduler_step(s), 0);
    tr_training run = {.module = m, .optim = adam, .schedulers = TR_SCHEDULERS(s)}, to = {.module = m, .optim = other, .schedulers = TR_SCHEDULERS(its)};
    empty_folder("cycle");
    assert_int_equal(tr_training_save("cycle", &run), 0);
    assert_int_equal(tr_training_resume("cycle", &to), 0);
    for (int i = 0; i < 3; i++) { /* the same gradients: the betas are the same if the weights stay so */
        tr_optim *both[] = {adam, other};
        double after[2];
        assert_int_equal(tr_module_save(m, "cycle.safetensors"), 0);
        for (int k = 0; k < 2; k++) {
            assert_int_equal(tr_module_load(m, "cycle.safetensors"), 0);
            train(m, both[k], inputs(5), classes(5));
            after[k] = tr_get(tr_parameters(m).tensor[0], 0);
        }
        assert_true(after[0] == after[1]);
    }
}

/* ---- dropout ---- */

static tr_module *with_dropout(void) { return tr_sequential(tr_dropout_layer(0.5), tr_sequential(tr_linear_layer(3, 2), tr_dropout_layer(0.5))); }
static tr_tensor *masks(tr_module *m) { return tr_forward(m->entry[0].child, tr_ones(TR_SHAPE(50))); }
static tr_tensor *inner_masks(tr_module *m) { return tr_forward(m->entry[1].child->entry[1].child, tr_ones(TR_SHAPE(50))); }

TEST(dropout_goes_on_with_the_masks_of_the_unbroken_run)
{
    empty_folder("masks");
    tr_manual_seed(1);
    tr_module *m = with_dropout();
    tr_tensor *want[2][2];
    for (int64_t r = 1; r >= 0; r--) { /* rank 1 is farther on than rank 0 */
        for (int i = 0; i < 3; i++) masks(m), inner_masks(m);
        if (r == 1) inner_masks(m);
        tr_training run = {.module = m, .step = 4, .shard = {r, 2}};
        assert_int_equal(tr_training_save("masks", &run), 0);
        want[r][0] = masks(m);
        want[r][1] = inner_masks(m);
    }
    for (int64_t r = 0; r < 2; r++) {
        tr_manual_seed(2);
        tr_module *other = with_dropout();
        masks(other);
        tr_training run = {.module = other, .shard = {r, 2}};
        assert_int_equal(tr_training_resume("masks", &run), 0);
        assert_close(masks(other), want[r][0], 0);
        assert_close(inner_masks(other), want[r][1], 0);
    }
}

TEST(where_shards_have_places_a_rank_that_was_not_there_draws_the_same)
{
    empty_folder("places");
    tr_manual_seed(1);
    tr_module *m = with_dropout();
    for (uint64_t i = 1; i <= 5; i++) assert_int_equal(tr_count_batch(m), i);
    assert_int_equal((tr_training_save)("places", &(tr_training){.module = m, .step = 5}), 0);
    tr_manual_seed(2);
    tr_module *other = with_dropout();
    assert_int_equal((tr_training_resume)("places", &(tr_training){.module = other, .shard = {1, 2}}), 0);
    assert_int_equal(tr_count_batch(other), 6);
    tr_set_sample_place(true, 6, 20);
    assert_close(masks(other), masks(m), 0);
    assert_close(inner_masks(other), inner_masks(m), 0);
    tr_set_sample_place(false, 0, 0);
}

/* As one of a library that knew nothing of them. */
TEST(a_checkpoint_without_places_leaves_dropout_as_it_is)
{
    empty_folder("older");
    empty_folder("newer");
    tr_module *m = with_dropout(), *plain = tr_sequential(tr_relu_layer(), tr_sequential(tr_linear_layer(3, 2), tr_relu_layer()));
    assert_int_equal((tr_training_save)("older", &(tr_training){.module = plain, .step = 1}), 0);
    assert_int_equal((tr_training_save)("newer", &(tr_training){.module = m, .step = 1}), 0);
    tr_tensor *want = masks(m);
    assert_int_equal((tr_training_resume)("newer", &(tr_training){.module = m}), 0);
    assert_int_equal((tr_training_resume)("older", &(tr_training){.module = m}), 0);
    assert_close(masks(m), want, 0);
}

TEST(a_place_that_is_none_is_refused_and_changes_nothing)
{
    static const char *const wrong[] = {"", "1 2 3", "00000000000000a1 00000000000000a1 -4", "00000000000000a1 00000000000000a1 4 5", "0x000000000000a1 00000000000000a1 4"};
    TR_SCOPE;
    tr_module *m = with_dropout();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        nn_manifest_writer w;
        assert_int_equal(nn_manifest_begin(&w, "test"), 0);
        nn_manifest_put(&w, "dropout.1", "%s", wrong[i]);
        assert_int_equal(nn_manifest_end(&w, "wrong.json"), 0);
        const nn_manifest *read = nn_manifest_open("test", "wrong.json");
        assert_non_null(read);
        assert_null(nn_counted_read(read, read, m));
        assert_error_says("no dropout layer's place");
    }
}

/* ---- ranks ---- */

TEST(another_number_of_ranks_goes_on_as_the_unbroken_run)
{
    tr_set_default_dtype(TR_FLOAT64);
    job whole;
    tr_manual_seed(1);
    begin(&whole, adamw_all, 2);
    advance(&whole, 2 * EPOCH + 2, 0);
    for (int64_t world = 1; world <= 3; world++) {
        TR_SCOPE;
        empty_folder("ranks");
        job before, after;
        tr_manual_seed(1);
        begin(&before, adamw_all, 2);
        advance(&before, EPOCH + 2, 0);
        for (int64_t r = 0; r < 2; r++) assert_int_equal(tr_training_save("ranks", &before.run[r]), 0);
        tr_manual_seed(2);
        begin(&after, adamw_all, world);
        for (int64_t r = 0; r < world; r++) assert_int_equal(tr_training_resume("ranks", &after.run[r]), 0);
        advance(&after, 2 * EPOCH + 2, 0);
        if (world == 2) assert_same_run(&after, &whole);
        for (int i = 0; i < 4; i++) assert_close(tr_parameters(after.model).tensor[i], tr_parameters(whole.model).tensor[i], 1e-12);
    }
    tr_set_default_dtype(TR_FLOAT32);
}

/* A rank's own generators come back to it; one that was not there keeps what it has. */
TEST(every_rank_gets_its_own_generators_back)
{
    tr_module *m = mlp();
    uint64_t drawn[2];
    tr_training run = {.module = m, .step = 4};
    empty_folder("own");
    for (int64_t r = 1; r >= 0; r--) {
        tr_manual_seed((uint64_t)(10 + r));
        tr_random_u32(tr_default_generator());
        drawn[r] = next_of(tr_default_generator());
        run.shard = (tr_shard){r, 2};
        assert_int_equal(tr_training_save("own", &run), 0);
    }
    for (int64_t world = 1; world <= 3; world++)
        for (int64_t r = 0; r < world; r++) {
            tr_manual_seed(77);
            uint64_t kept = next_of(tr_default_generator());
            run.shard = (tr_shard){r, world};
            assert_int_equal(tr_training_resume("own", &run), 0);
            assert_int_equal(next_of(tr_default_generator()), r < 2 ? drawn[r] : kept);
        }
}

TEST(a_checkpoint_that_lacks_a_rank_does_not_count)
{
    tr_module *m = mlp();
    tr_training first = {.module = m, .step = 4, .shard = {0, 2}}, second = {.module = m, .step = 4, .shard = {1, 2}};
    empty_folder("lacks");
    assert_int_equal(tr_training_save("lacks", &first), 0);
    assert_null(tr_checkpoint_latest("lacks"));
    assert_error_says("tr_checkpoint_latest: none of the 1 checkpoints in lacks is whole; the newest: lacks/step-000000000004.rank-1-of-2.json: No such file");
    assert_int_equal(tr_training_save("lacks", &second), 0);
    assert_string_equal(tr_checkpoint_latest("lacks"), "lacks/step-000000000004.json");
    first.step = 5;
    assert_int_equal(tr_training_save("lacks", &first), 0);
    assert_string_equal(tr_checkpoint_latest("lacks"), "lacks/step-000000000004.json");
}

/* ---- the folder ---- */

TEST(a_folder_without_a_checkpoint_changes_nothing)
{
    tr_training run = {.module = mlp(), .step = 3};
    empty_folder("none");
    assert_null(tr_checkpoint_latest("none"));
    assert_int_equal(tr_training_resume("none", &run), 0);
    assert_int_equal(mkdir("none", 0777), 0);
    write_file("none/step-12.json", "", 0); /* no name of ours */
    assert_null(tr_checkpoint_latest("none"));
    assert_int_equal(tr_training_resume("none", &run), 0);
    assert_int_equal(run.step, 3);
    assert_int_equal(tr_training_resume("none/step-000000000001.json", &run), -1);
    assert_error_says("No such file");
    assert_int_equal(tr_training_resume("none/step-12.json/x", &run), -1);
    assert_error_says("Not a directory");
    assert_null(tr_checkpoint_latest("none/step-12.json"));
    assert_error_says("Not a directory");
}

static int files_in(const char *folder)
{
    char command[256];
    snprintf(command, sizeof command, "exit $(ls '%s' | wc -l)", folder);
    return system(command) >> 8;
}

TEST(the_newest_stay)
{
    tr_training run = {.module = mlp()};
    empty_folder("newest");
    for (run.step = 90; run.step <= 120; run.step += 10) assert_int_equal(tr_training_save("newest", &run), 0);
    assert_int_equal(files_in("newest"), 6); /* the default: 3 */
    write_file("newest/step-000000000130.safetensors.tmp-1-2", "half", 4);
    write_file("newest/notes.txt", "mine", 4);
    write_file("newest/step-000000000001.txt", "mine", 4);
    run.keep = 1;
    for (run.step = 130; run.step <= 140; run.step += 10) assert_int_equal(tr_training_save("newest", &run), 0);
    assert_int_equal(files_in("newest"), 4);
    for (int again = 0; again < 3; again++) {
        run.step = 140; /* the same step again */
        assert_int_equal(tr_training_save("newest", &run), 0);
        assert_int_equal(files_in("newest"), 4);
        assert_string_equal(tr_checkpoint_latest("newest"), "newest/step-000000000140.json");
    }
    run.keep = -1;
    for (run.step = 150; run.step <= 190; run.step += 10) assert_int_equal(tr_training_save("newest", &run), 0);
    assert_int_equal(files_in("newest"), 14);
    run.step = 100, run.keep = 2; /* an older one again, beside newer ones */
    assert_int_equal(tr_training_save("newest", &run), 0);
    assert_int_equal(access("newest/step-000000000100.json", F_OK), 0);
    run.step = 999999999999999;
    assert_int_equal(tr_training_save("newest", &run), 0);
    assert_string_equal(tr_checkpoint_latest("newest"), "newest/step-999999999999999.json");
}

TEST(a_damaged_one_is_passed_over)
{
    tr_training run = {.module = mlp(), .step = 1};
    empty_folder("damaged");
    assert_int_equal(tr_training_save("damaged", &run), 0);
    run.step = 2;
    assert_int_equal(tr_training_save("damaged", &run), 0);
    size_t count;
    char *bytes = read_file("damaged/step-000000000002.safetensors", &count);
    bytes[count - 1] ^= 1;
    write_file("damaged/step-000000000002.safetensors", bytes, count);
    assert_int_equal(tr_training_resume("damaged/step-000000000002.json", &run), -1);
    assert_error_says("step-000000000002.safetensors is damaged: its checksum is not the manifest's");
    assert_int_equal(tr_training_resume("damaged", &run), 0);
    assert_int_equal(run.step, 1);
    assert_int_equal(unlink("damaged/step-000000000001.safetensors"), 0);
    assert_int_equal(tr_training_resume("damaged", &run), -1);
    assert_error_says("none of the 2 checkpoints in damaged is whole; the newest: damaged/step-000000000002.safetensors is damaged");
    free(bytes);
}
