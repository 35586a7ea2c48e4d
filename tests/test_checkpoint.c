/* Checkpoints: training goes on bit for bit, what does not fit changes nothing, other programs can read the file. */
#include <trireme/checkpoint.h>
#include "core/memory.h"
#include "io_files.h"
#include "mlp.h"

/* ---- going on ---- */

TEST(training_goes_on_from_a_checkpoint_bit_for_bit)
{
    tr_tensor *x = inputs(20), *y = classes(20);
    tr_module *m = mlp();
    tr_optim *o = sgd_of(m);
    for (int i = 0; i < 5; i++) train(m, o, x, y);
    assert_int_equal(tr_checkpoint_save("going.safetensors", m, o, 5), 0);
    double expected[5];
    for (int i = 0; i < 5; i++) expected[i] = train(m, o, x, y);

    tr_manual_seed(99);
    tr_module *other = mlp();
    tr_optim *its = sgd_of(other);
    int64_t step = -1;
    assert_false(same_parameters(m, other));
    assert_int_equal(tr_checkpoint_load("going.safetensors", other, its, &step), 0);
    assert_int_equal(step, 5);
    for (int i = 0; i < 5; i++) assert_true(train(other, its, x, y) == expected[i]);
    assert_true(same_parameters(m, other));
}

TEST(an_optimiser_that_has_stepped_comes_back_to_where_it_was)
{
    tr_tensor *x = inputs(20), *y = classes(20);
    tr_module *m = mlp();
    tr_optim *o = sgd_of(m);
    assert_int_equal(tr_checkpoint_save("fresh.safetensors", m, o, 0), 0); /* without a momentum yet */
    double first = train(m, o, x, y), second = train(m, o, x, y);
    assert_int_equal(tr_checkpoint_load("fresh.safetensors", m, o, NULL), 0);
    assert_false(tr_optim_state(o, 0, NULL, NULL));
    assert_true(train(m, o, x, y) == first);
    assert_true(train(m, o, x, y) == second);
}

/* The file's rate counts, and the program's if it is set afterwards. */
TEST(the_learning_rate_comes_back)
{
    tr_module *m = mlp();
    tr_optim *o = sgd_of(m), *other = tr_sgd(tr_parameters(m), .lr = 0.5, .momentum = 0.9);
    const double rates[] = {0.1, 1.0 / 3, 0, 5e-324, 1.7976931348623157e308, 3};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        assert_int_equal(tr_set_learning_rate(o, rates[i]), 0);
        assert_int_equal(tr_checkpoint_save("rate.safetensors", m, o, 1), 0);
        assert_int_equal(tr_checkpoint_load("rate.safetensors", m, other, NULL), 0);
        assert_true(tr_learning_rate(other) == rates[i]);
    }
    assert_int_equal(tr_module_save(m, "no-rate.safetensors"), 0);
    assert_int_equal(tr_set_learning_rate(other, 0.25), 0);
    assert_int_equal(tr_checkpoint_load("no-rate.safetensors", m, other, NULL), 0);
    assert_true(tr_learning_rate(other) == 0.25);
}

TEST(a_learning_rate_that_is_none_changes_nothing)
{
    tr_module *m = tr_linear_layer(1, 1), *before = tr_linear_layer(1, 1);
    tr_optim *o = sgd_of(m);
    assert_int_equal(tr_module_save(m, "before.safetensors"), 0);
    assert_int_equal(tr_module_load(before, "before.safetensors"), 0);
    const char *bad[] = {"", "-1", "nan", "inf", "1e999", "0.1", "fast", "1e-1 ", "1e-1 1", "--1", "0x1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *names[] = {"weight", "bias"}, *metadata[] = {"learning_rate", bad[i]};
        assert_int_equal(tr_safetensors_save("bad-rate.safetensors", names, TR_TENSORS(tr_ones(TR_SHAPE(1, 1)), tr_ones(TR_SHAPE(1))), metadata, 1), 0);
        assert_int_equal(tr_checkpoint_load("bad-rate.safetensors", m, o, NULL), -1);
        assert_error_says("is no learning rate");
        assert_true(same_parameters(m, before));
    }
}

TEST(loading_keeps_the_handles)
{
    tr_module *m = mlp();
    tr_tensor *w = tr_parameters(m).tensor[0];
    void *data = tr_data(w);
    double value = tr_get(w, 0);
    assert_int_equal(tr_module_save(m, "handles.safetensors"), 0);
    {
        TR_NO_GRAD;
        tr_zero_(w);
    }
    assert_int_equal(tr_module_load(m, "handles.safetensors"), 0);
    assert_ptr_equal(tr_parameters(m).tensor[0], w);
    assert_ptr_equal(tr_data(w), data);
    assert_true(tr_get(w, 0) == value);
    assert_true(tr_is_leaf(w) && tr_requires_grad(w) && tr_grad_enabled());
}

TEST(backward_notices_that_a_load_has_changed_what_it_saved)
{
    tr_module *m = mlp();
    assert_int_equal(tr_module_save(m, "saved.safetensors"), 0);
    tr_tensor *loss = tr_cross_entropy(tr_forward(m, inputs(5)), classes(5));
    assert_int_equal(tr_module_load(m, "saved.safetensors"), 0);
    assert_int_equal(tr_backward(loss), -1);
    assert_error_says("changed in place");
}

static tr_tensor *same(tr_module *m, tr_tensor *x) { return (void)m, x; }

/* A parameter of each kind, a buffer, and one of no elements. */
static tr_module *mixed(void)
{
    tr_module *m = tr_module_new("Mixed", same, 0);
    tr_module_parameter(m, "w", tr_randn(TR_SHAPE(2, 3)));
    tr_module_parameter(m, "scale", tr_randn(TR_SHAPE(), .dtype = TR_FLOAT64));
    tr_module_parameter(m, "none", tr_zeros(TR_SHAPE(0, 4)));
    tr_module_parameter(m, "turned", tr_t(tr_randn(TR_SHAPE(3, 2))));
    tr_module_buffer(m, "steps", tr_randint(0, 100, TR_SHAPE(4)));
    tr_module_buffer(m, "mask", tr_gt(tr_randn(TR_SHAPE(5)), 0));
    return m;
}

TEST(every_type_of_parameter_and_buffer_comes_back)
{
    tr_module *m = mixed(), *other = mixed();
    assert_int_equal(tr_module_save(m, "mixed.safetensors"), 0);
    assert_int_equal(tr_module_load(other, "mixed.safetensors"), 0);
    for (int i = 0; i < 4; i++) assert_close(tr_parameters(other).tensor[i], tr_parameters(m).tensor[i], 0);
    for (int i = 0; i < 2; i++) {
        tr_tensor *got = NULL, *want = NULL;
        assert_true(tr_named_buffer(other, i, NULL, &got));
        assert_true(tr_named_buffer(m, i, NULL, &want));
        assert_close(got, want, 0);
    }
}

TEST(a_shared_parameter_is_saved_once)
{
    tr_module *tied = tr_linear_layer(2, 2), *m = tr_sequential(tied, tied);
    assert_int_equal(tr_module_save(m, "tied.safetensors"), 0);
    assert_int_equal(tr_safetensors_count(tr_safetensors_open("tied.safetensors")), 2);
    assert_int_equal(tr_module_load(m, "tied.safetensors"), 0);
}

TEST(a_child_may_be_called_optimizer)
{
    tr_module *m = tr_module_new("Learned", same, 0);
    tr_module_child(m, "optimizer", tr_linear_layer(1, 1));
    tr_optim *o = sgd_of(m);
    assert_int_equal(tr_set_grad(tr_parameters(m).tensor[0], tr_ones(TR_SHAPE(1, 1))), 0);
    assert_int_equal(tr_step(o), 0);
    assert_int_equal(tr_checkpoint_save("called.safetensors", m, o, 1), 0);
    assert_int_equal(tr_checkpoint_load("called.safetensors", m, o, NULL), 0);
}

TEST(the_optimisers_part_may_be_left_out)
{
    tr_module *m = mlp(), *other = mlp();
    tr_optim *o = sgd_of(m), *fresh = sgd_of(other);
    train(m, o, inputs(5), classes(5));
    assert_int_equal(tr_checkpoint_save("both.safetensors", m, o, 1), 0);
    assert_int_equal(tr_module_load(other, "both.safetensors"), 0);
    assert_true(same_parameters(m, other));
    int64_t step = -1;
    assert_int_equal(tr_module_save(m, "alone.safetensors"), 0);
    assert_int_equal(tr_checkpoint_load("alone.safetensors", other, fresh, &step), 0);
    assert_int_equal(step, 0);
}

/* ---- the file ---- */

TEST(the_file_is_what_safetensors_readers_expect)
{
    tr_module *m = tr_linear_layer(3, 2);
    tr_optim *o = sgd_of(m);
    assert_int_equal(tr_set_grad(tr_parameters(m).tensor[1], tr_ones(TR_SHAPE(2))), 0);
    assert_int_equal(tr_step(o), 0);
    assert_int_equal(tr_checkpoint_save("format.safetensors", m, o, 12), 0);
    size_t count;
    unsigned char *bytes = (unsigned char *)read_file("format.safetensors", &count);
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--) length = length << 8 | bytes[i]; /* little-endian, whatever this machine is */
    const char *expected = "{\"__metadata__\":{\"format\":\"trireme\",\"step\":\"12\",\"learning_rate\":\"1e-1\"},"
                           "\"weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                           "\"bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]},"
                           "\"optimizer.momentum.1\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[32,40]}}";
    assert_int_equal(length % 8, 0);
    assert_int_equal(count, 8 + length + 40);
    assert_memory_equal(bytes + 8, expected, strlen(expected));
    for (size_t i = strlen(expected); i < length; i++) assert_int_equal(bytes[8 + i], ' ');
    float weight[6], v[2];
    memcpy(weight, bytes + 8 + length, sizeof weight);
    memcpy(v, bytes + 8 + length + 32, sizeof v);
    for (int i = 0; i < 6; i++) assert_true((double)weight[i] == tr_get(tr_parameters(m).tensor[0], i));
    assert_true(fabs((double)v[0] - 1) < 0.01); /* gradient 1, and a little decay */
    free(bytes);
}

/* ---- what does not fit ---- */

/* The file with these tensors instead is refused, saying why, and module and optimiser stay as they were. */
static void check_refused(const char *const *names, tr_tensors tensors, const char *says)
{
    tr_module *m = tr_linear_layer(3, 2), *before = tr_linear_layer(3, 2);
    tr_optim *o = sgd_of(m);
    assert_int_equal(tr_safetensors_save("wrong.safetensors", names, tensors, NULL, 0), 0);
    assert_int_equal(tr_module_save(m, "before.safetensors"), 0);
    assert_int_equal(tr_module_load(before, "before.safetensors"), 0);
    int64_t step = 77;
    assert_int_equal(tr_checkpoint_load("wrong.safetensors", m, o, &step), -1);
    assert_error_says(says);
    assert_true(same_parameters(m, before));
    assert_false(tr_optim_state(o, 0, NULL, NULL));
    assert_int_equal(step, 77);
}
#define refused(says, tensors, ...) check_refused((const char *const[]){__VA_ARGS__}, tensors, says)

TEST(a_file_that_does_not_fit_changes_nothing)
{
    tr_tensor *weight = tr_ones(TR_SHAPE(2, 3)), *bias = tr_ones(TR_SHAPE(2));
    refused("wrong.safetensors has no \"bias\"", TR_TENSORS(weight), "weight");
    refused("has no \"bias\"", TR_TENSORS(weight, bias), "weight", "bios");
    refused("holds \"more\", which the module does not know", TR_TENSORS(weight, bias, bias), "weight", "bias", "more");
    refused("\"bias\" is (1,) float32, wanted (2,) float32", TR_TENSORS(weight, tr_ones(TR_SHAPE(1))), "weight", "bias");
    refused("\"weight\" is (3, 2) float32, wanted (2, 3) float32", TR_TENSORS(tr_ones(TR_SHAPE(3, 2)), bias), "weight", "bias");
    refused("\"bias\" is (2,) float64, wanted (2,) float32", TR_TENSORS(weight, row64(1, 1)), "weight", "bias");
    refused("over 2 parameters, has no \"momentum.2\"", TR_TENSORS(weight, bias, bias), "weight", "bias", "optimizer.momentum.2");
    refused("has no \"velocity.0\"", TR_TENSORS(weight, bias, weight), "weight", "bias", "optimizer.velocity.0");
    refused("\"optimizer.momentum.0\" is (2,) float32, wanted (2, 3) float32", TR_TENSORS(weight, bias, bias), "weight", "bias", "optimizer.momentum.0");
}

TEST(an_optimiser_of_parts_is_refused)
{
    tr_module *m = mlp();
    tr_tensor *first = tr_parameters(m).tensor[0], *part;
    {
        TR_NO_GRAD;
        part = tr_narrow(first, 0, 0, 2);
    }
    tr_optim *o = tr_sgd(TR_TENSORS(tr_parameters(m).tensor[1], part));
    assert_int_equal(tr_checkpoint_save("parts.safetensors", m, o, 0), -1);
    assert_error_says("tensor 1 of the optimiser is a part of \"");
    assert_int_equal(tr_checkpoint_save("parts.safetensors", m, NULL, 0), 0);
    assert_int_equal(tr_checkpoint_load("parts.safetensors", m, o, NULL), -1);
    assert_error_says("only the state of whole parameters");
}

TEST(a_file_that_is_none_is_refused)
{
    tr_module *m = tr_linear_layer(3, 2);
    assert_int_equal(tr_module_load(m, "nowhere.safetensors"), -1);
    assert_error_says("nowhere.safetensors");
    write_file("short.safetensors", "\x08\0\0\0", 4);
    assert_int_equal(tr_module_load(m, "short.safetensors"), -1);
    assert_error_says("short.safetensors");
    assert_int_equal(tr_module_load(m, NULL), -1);
    assert_error_says("NULL");
    assert_int_equal(tr_module_load(NULL, "short.safetensors"), -1);
    assert_error_says("NULL");
}

TEST(a_file_that_cannot_be_written_is_an_error)
{
    tr_module *m = tr_linear_layer(3, 2);
    assert_int_equal(tr_module_save(m, "no/such/folder/m.safetensors"), -1);
    assert_error_says("no/such/folder/m.safetensors");
    assert_int_equal(tr_checkpoint_save(NULL, m, NULL, 0), -1);
    assert_error_says("NULL");
    assert_int_equal(tr_checkpoint_save("none.safetensors", NULL, NULL, 0), -1);
    assert_error_says("NULL");
}

TEST(a_failed_save_leaves_the_last_good_file)
{
    tr_module *m = tr_linear_layer(3, 2);
    assert_int_equal(tr_module_save(m, "good.safetensors"), 0);
    for (int n = 1, status = -1; status < 0; n++) {
        TR_SCOPE;
        tr_module *other = tr_linear_layer(3, 2);
        core_system_fail_from(n);
        status = tr_module_save(other, "good.safetensors");
        core_system_fail_at(0);
        if (status == 0) continue;
        assert_error_says("memory");
        assert_int_equal(tr_module_load(other, "good.safetensors"), 0);
        assert_true(same_parameters(other, m));
    }
}

TEST(a_load_without_memory_changes_nothing)
{
    tr_module *m = mlp();
    tr_optim *o = sgd_of(m);
    train(m, o, inputs(5), classes(5));
    assert_int_equal(tr_checkpoint_save("memory.safetensors", m, o, 1), 0);
    bool whole = false;
    for (int64_t n = 1; !whole; n++) {
        TR_SCOPE;
        tr_manual_seed(0);
        tr_module *other = mlp();
        tr_optim *its = sgd_of(other);
        tr_manual_seed(0);
        tr_module *kept = mlp();
        tr_empty_cache();
        core_system_fail_from(n);
        int status = tr_checkpoint_load("memory.safetensors", other, its, NULL);
        whole = !core_system_failed();
        core_system_fail_at(0);
        if (status == 0) { /* what could not be had was not needed */
            assert_true(same_parameters(other, m));
            continue;
        }
        assert_error_says("memory");
        assert_true(same_parameters(other, kept));
        assert_false(tr_optim_state(its, 0, NULL, NULL));
    }
}
