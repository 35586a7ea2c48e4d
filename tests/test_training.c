/* A run that was saved and resumed is the run that was never interrupted; what does not fit changes nothing. */
#include "training.h"
#include <sys/stat.h>
#include <unistd.h>
#include "core/memory.h"
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

/* ---- what does not fit ---- */

typedef struct {
    tr_module *model;
    tr_optim *optim;
    tr_scheduler *scheduler;
    tr_loader *loader;
    tr_generator *generator;
    tr_grad_scaler *scaler;
    tr_training run;
} small;

static void begin_small(small *s, tr_generator_kind kind, int64_t samples)
{
    *s = (small){.model = tr_linear_layer(2, 1), .generator = tr_generator_new(kind, 1), .scaler = tr_grad_scaler_new()};
    s->optim = tr_adam(tr_parameters(s->model));
    s->scheduler = tr_step_lr(s->optim, 3);
    s->loader = tr_loader_new(tr_dataset_tensors(tr_zeros(TR_SHAPE(samples, 2)), tr_zeros(TR_SHAPE(samples, 1))), .batch_size = 2);
    s->run = (tr_training){.module = s->model, .optim = s->optim, .schedulers = {&s->scheduler, 1}, .scaler = s->scaler, .loader = s->loader, .generators = {&s->generator, 1}, .step = 4};
}

static void assert_refused(small *s, const char *says)
{
    TR_SCOPE;
    tr_module *before = tr_linear_layer(2, 1);
    assert_int_equal(tr_module_save(s->model, "before.safetensors"), 0);
    assert_int_equal(tr_module_load(before, "before.safetensors"), 0);
    uint64_t drawn = next_of(s->generator), defaults = next_of(tr_default_generator());
    double rate = tr_learning_rate(s->optim);
    int64_t sample = tr_loader_state(s->loader).sample;
    assert_int_equal(tr_scaler_set_scale(s->scaler, 4, 1), 0);
    s->run.step = 77;
    assert_int_equal(tr_training_resume("fits", &s->run), -1);
    assert_error_says(says);
    assert_true(same_parameters(s->model, before));
    assert_int_equal(next_of(s->generator), drawn);
    assert_int_equal(next_of(tr_default_generator()), defaults);
    assert_true(tr_learning_rate(s->optim) == rate);
    assert_int_equal(tr_loader_state(s->loader).sample, sample);
    assert_true(tr_scaler_scale(s->scaler, NULL) == 4);
    assert_int_equal(s->run.step, 77);
}

TEST(what_does_not_fit_changes_nothing)
{
    empty_folder("fits");
    small s, other;
    begin_small(&s, TR_PHILOX, 5);
    assert_int_equal(tr_training_save("fits", &s.run), 0);
    assert_int_equal(tr_training_resume("fits", &s.run), 0);

    begin_small(&other, TR_MT19937, 5);
    assert_refused(&other, "the state of a Philox generator, but this one is MT19937");
    begin_small(&other, TR_PHILOX, 6);
    assert_refused(&other, "a place among 5 samples, but the dataset has 6");
    begin_small(&other, TR_PHILOX, 5);
    other.scheduler = tr_exponential_lr(other.optim, 0.5);
    assert_refused(&other, "scheduler 0, \"tr_step_lr 0 1e-3 1e-3 0\", is no place for one made by tr_exponential_lr");
    other.run.schedulers.count = 0;
    other.run.generators.count = 0;
    assert_refused(&other, "the checkpoint has 2 generators, the run 1");
    begin_small(&other, TR_PHILOX, 5);
    other.run.optim = other.optim = tr_adamw(tr_parameters(other.model));
    other.run.schedulers.count = 0;
    assert_refused(&other, "the checkpoint's optimiser is Adam, the run's AdamW");
    begin_small(&other, TR_PHILOX, 5);
    other.model = other.run.module = tr_sequential(tr_linear_layer(2, 1));
    other.run.optim = NULL, other.run.schedulers.count = 0;
    assert_int_equal(tr_training_resume("fits", &other.run), -1);
    assert_error_says("has no \"0.weight\"");

    other.run.module = s.model;
    other.run.loader = NULL; /* what the run does not name may be there */
    other.run.scaler = NULL;
    assert_int_equal(tr_training_resume("fits", &other.run), 0);
    s.run.optim = NULL;
    assert_int_equal(tr_training_save("fits", &s.run), -1);
    assert_error_says("schedulers without their optimiser");
    s.run.optim = tr_sgd(tr_parameters(s.model));
    assert_int_equal(tr_training_save("fits", &s.run), -1);
    assert_error_says("scheduler 0 is another optimiser's");
    tr_training bad[] = {{0}, {.module = s.model, .step = -1}, {.module = s.model, .keep = -2}, {.module = s.model, .shard = {2, 2}}};
    const char *says[] = {"NULL", "step -1", "keep -2", "rank 2 of 2"};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(tr_training_save("fits", &bad[i]), -1);
        assert_error_says(says[i]);
    }
    assert_int_equal(tr_training_save("no/such/folder", &(tr_training){.module = s.model}), -1);
    assert_error_says("no/such/folder: No such file or directory");
}

/* As one that was written before the run had a scaler. */
TEST(a_checkpoint_without_a_scaler_is_resumed_by_who_names_none)
{
    empty_folder("fits");
    small s;
    begin_small(&s, TR_PHILOX, 5);
    s.run.scaler = NULL;
    assert_int_equal(tr_training_save("fits", &s.run), 0);
    s.run.scaler = s.scaler;
    assert_refused(&s, "the manifest says nothing of \"scaler\"");
    s.run.scaler = NULL;
    assert_int_equal(tr_training_resume("fits", &s.run), 0);
    assert_int_equal(s.run.step, 4);
    assert_true(tr_scaler_scale(s.scaler, NULL) == 4);
}

/* ---- the manifest, which anybody may have written ---- */

TEST(a_manifest_of_a_newer_version_is_an_error)
{
    empty_folder("fits");
    small s;
    begin_small(&s, TR_PHILOX, 5);
    assert_int_equal(tr_training_save("fits", &s.run), 0);
    s.run.step = 5;
    assert_int_equal(tr_training_save("fits", &s.run), 0);
    /* By crc32 of zlib, over the text before the last line. */
    static const char newer[] = "{\n  \"format\": \"trireme checkpoint\",\n  \"version\": \"2\",\n  \"check\": \"c005ab84\"\n}\n";
    write_file("fits/step-000000000005.json", newer, sizeof newer - 1);
    assert_null(tr_checkpoint_latest("fits"));
    assert_error_says("fits/step-000000000005.json: written in version 2 of the format; this library knows up to 1");
    assert_refused(&s, "written in version 2");
}

/* A piece of memory that ends where the manifest does, so that a reader that goes further is seen by valgrind and ASan. */
static void assert_damaged(const char *bytes, size_t count)
{
    TR_SCOPE;
    char *exact = malloc(count + (count == 0));
    memcpy(exact, bytes, count);
    io_source source = io_source_memory("test", exact, (int64_t)count);
    assert_null(nn_manifest_read(&source));
    assert_error_says("manifest");
    free(exact);
}

TEST(a_manifest_with_any_byte_changed_or_missing_is_refused)
{
    empty_folder("fits");
    small s;
    begin_small(&s, TR_PHILOX, 5);
    assert_int_equal(tr_training_save("fits", &s.run), 0);
    s.run.step = 77;
    size_t count;
    char *bytes = read_file("fits/step-000000000004.json", &count);
    for (size_t i = 0; i < count; i++) {
        char was = bytes[i];
        assert_damaged(bytes, i);
        for (int bit = (int)(i % 8); bit < 8; bit += 4) {
            bytes[i] = (char)(was ^ 1 << bit);
            assert_damaged(bytes, count);
        }
        if (i % 500 == 0) { /* and by way of the file */
            write_file("fits/step-000000000004.json", bytes, i % 1000 ? count : i);
            assert_int_equal(tr_training_resume(i % 1000 ? "fits" : "fits/step-000000000004.json", &s.run), -1);
            assert_error_says("manifest");
            assert_int_equal(s.run.step, 77);
        }
        bytes[i] = was;
    }
    free(bytes);
}

/* Wrong words under a right checksum. */
TEST(what_a_manifest_says_is_held_against_the_run)
{
    empty_folder("fits");
    small s;
    begin_small(&s, TR_PHILOX, 5);
    assert_int_equal(tr_training_save("fits", &s.run), 0);
    const struct {
        const char *key, *value, *says;
    } bad[] = {
        {"step", "-4", "\"step\" is \"-4\", not 1 whole number"},
        {"step", "99999999999999999999", "not 1 whole number"},
        {"step", NULL, "the manifest says nothing of \"step\""},
        {"world", "many", "\"world\" is \"many\""},
        {"world", "3", "step-000000000004.rank-1-of-3.json: No such file"},
        {"tensors", "../before.safetensors", "\"tensors\" is \"../before.safetensors\", no file beside the manifest"},
        {"tensors", "", "no file beside the manifest"},
        {"tensors", "nowhere", "nowhere: No such file"},
        {"bytes", "1", "bytes, not the manifest's 1"},
        {"crc32", "00000000", "is damaged"},
        {"optimizer", "SGD", "the checkpoint's optimiser is SGD, the run's Adam"},
        {"schedulers", "2", "the checkpoint has 2 schedulers, the run 1"},
        {"scheduler.0", "tr_step_lr 0 1e-3 1e-3 2", "is no place"},
        {"scheduler.0", "tr_step_lr -1 1e-3 1e-3 0", "is no place"},
        {"scheduler.0", "tr_step_lr 9999999999999999999 1e-3 1e-3 0", "is no place"},
        {"scheduler.0", "tr_step_lr 0 inf 1e-3 0", "is no place"},
        {"scheduler.0", "tr_step_lr 0 1e-3 0", "is no place"},
        {"scheduler.0", "tr_step_lr", "is no place"},
        {"scaler", NULL, "the manifest says nothing of \"scaler\""},
        {"scaler", "0e0 1", "\"scaler\" is \"0e0 1\", not a scale"},
        {"scaler", "-8e0 1", "not a scale"},
        {"scaler", "inf 1", "not a scale"},
        {"scaler", "nan 1", "not a scale"},
        {"scaler", "8e0", "not a scale"},
        {"scaler", "8e0 -1", "not a scale"},
        {"scaler", "8e0 1 1", "not a scale"},
        {"scaler", "8e0 99999999999999999999", "not a scale"},
        {"loader.place", "0 0 5", "\"loader.place\" is \"0 0 5\", not 4 whole numbers"},
        {"loader.place", "0 6 5 0", "there is no sample 6 of 5"},
        {"loader.place", "0 0 5 1", "were shuffled, but the loader does not shuffle"},
        {"loader.seed", "12345678901234567", "\"loader.seed\""},
        {"loader.seed", "0x12", "\"loader.seed\""},
        {"generators", "1", "the checkpoint has 1 generators, the run 2"},
        {"generator.0", "00", "\"generator.0\" is no generator's state"},
        {"generator.1", NULL, "the manifest says nothing of \"generator.1\""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        TR_SCOPE;
        begin_small(&s, TR_PHILOX, 5);
        assert_int_equal(tr_training_save("fits", &s.run), 0);
        nn_manifest *m = nn_manifest_open("test", "fits/step-000000000004.json");
        nn_manifest_writer w;
        assert_int_equal(nn_manifest_begin(&w, "test"), 0);
        for (int64_t k = 2; k < m->count - 1; k++) { /* but format, version and check */
            bool this = strcmp(m->key[k], bad[i].key) == 0;
            if (!this || bad[i].value) nn_manifest_put(&w, m->key[k], "%s", this ? bad[i].value : m->value[k]);
        }
        assert_int_equal(nn_manifest_end(&w, "fits/step-000000000004.json"), 0);
        s.run.step = 4; /* by the file itself: a whole folder may lack what the run asks for */
        assert_int_equal(tr_training_resume("fits/step-000000000004.json", &s.run), -1);
        if (!strstr(tr_error_message(), bad[i].says)) print_error("%s: %s\n", bad[i].key, tr_error_message());
        assert_error_says(bad[i].says);
    }
}

TEST(a_save_or_a_resume_without_memory_changes_nothing)
{
    empty_folder("fits");
    small s;
    begin_small(&s, TR_PHILOX, 5);
    assert_int_equal(tr_training_save("fits", &s.run), 0);
    for (int resuming = 0; resuming < 2; resuming++) {
        bool whole = false;
        for (int64_t n = 1; !whole; n++) {
            TR_SCOPE;
            tr_empty_cache();
            s.run.step = resuming ? 77 : 5;
            core_system_fail_from(n);
            int status = resuming ? tr_training_resume("fits", &s.run) : tr_training_save("fits", &s.run);
            whole = !core_system_failed();
            core_system_fail_at(0);
            if (status == 0) continue;
            assert_error_says("memory");
            assert_int_equal(s.run.step, resuming ? 77 : 5);
            assert_non_null(tr_checkpoint_latest("fits"));
        }
    }
    assert_int_equal(s.run.step, 5);
}
