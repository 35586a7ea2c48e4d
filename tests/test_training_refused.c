/* A checkpoint that does not fit, or a manifest that anybody may have written, changes nothing of the run. */
#include "training.h"
#include "core/memory.h"
#include "nn/checkpoint_folder.h"

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
