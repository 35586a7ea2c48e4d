/* What stands above the devices, on a CUDA device: values read out, files, moving modules, random numbers, loaders. */
#include <trireme/dlpack.h>
#include <trireme/trireme.h>
#include "test.h"

#define THERE tr_cuda(0)

BEFORE_ALL
{
    if (tr_cuda_is_available()) return 0;
    print_message("skipped: no CUDA device: %s\n", tr_cuda_missing());
    return TEST_SKIPPED;
}

/* ---- values out ---- */

TEST(elements_are_read_from_there_in_row_major_order)
{
    tr_tensor *x = tr_view(tr_arange(0, 24, 1), TR_SHAPE(4, 6)), *there = tr_to_device(x, THERE);
    assert_close(tr_t(there), tr_t(x), 0);
    assert_close(tr_slice(tr_slice(there, 1, 1, 6, 2), 0, 1, TR_END, 2), tr_slice(tr_slice(x, 1, 1, 6, 2), 0, 1, TR_END, 2), 0);
    assert_close(tr_expand(tr_narrow(there, 0, 1, 1), TR_SHAPE(3, 6)), tr_expand(tr_narrow(x, 0, 1, 1), TR_SHAPE(3, 6)), 0);
    assert_close(tr_empty(TR_SHAPE(0, 3), .device = THERE), tr_empty(TR_SHAPE(0, 3)), 0);
    int32_t whole[6];
    assert_int_equal(tr_to_data(tr_select(there, 0, 3), TR_INT32, whole), 0);
    assert_int_equal(whole[5], 23);
    assert_item(tr_select(tr_select(there, 0, 2), 0, 1), 13, 0);
}

TEST(from_one_device_to_another)
{
    if (tr_cuda_device_count() < 2) skip_because("there is one CUDA device");
    tr_tensor *x = tr_requires_grad_(tr_to_device(row(1, 2, 3), THERE), true), *y = tr_to_device(x, tr_cuda(1));
    assert_string_equal(tr_device_name(tr_device_of(y)), "cuda:1");
    assert_close(y, row(1, 2, 3), 0);
    assert_null(tr_add(x, y));
    assert_error_says("cuda:0 and (3,) float32 cuda:1 are on different devices");
    assert_int_equal(tr_backward(tr_mul(tr_select(y, 0, 1), 3)), 0);
    assert_string_equal(tr_device_name(tr_device_of(tr_grad(x))), "cuda:0");
    assert_close(tr_grad(x), row(0, 3, 0), 0);
}

TEST(numbers_beside_a_tensor_go_where_it_is)
{
    tr_tensor *x = tr_requires_grad_(tr_to_device(row(1, -2, 3), THERE), true);
    tr_tensor *y = tr_pow(tr_sub(1, tr_mul(x, 2)), 2);
    assert_string_equal(tr_grad_fn(y), "PowBackward0");
    assert_close(y, row(1, 25, 25), 1e-6);
    assert_int_equal(tr_backward(y, .gradient = tr_ones_like(y)), 0);
    assert_close(tr_grad(x), row(4, -20, 20), 1e-5);
    assert_close(tr_where(tr_gt(x, 0), 1., 2.), row(1, 2, 1), 0);
    assert_null(tr_where(tr_gt(row(1, 2, 3), 0), x, 0));
    assert_error_says("tr_where: (3,) bool and (3,) float32 cuda:0 are on different devices");
    int64_t many = (INT64_C(1) << 53) + 1, got[3];
    assert_int_equal(tr_to_data(tr_add(tr_zeros(TR_SHAPE(3), .dtype = TR_INT64, .device = THERE), many), TR_INT64, got), 0);
    assert_true(got[2] == many);
}

/* ---- files ---- */

TEST(files_are_written_from_there_and_loaded_there)
{
    tr_tensor *x = tr_t(tr_view(tr_arange(0, 6, 1), TR_SHAPE(2, 3))), *there = tr_t(tr_to_device(tr_view(tr_arange(0, 6, 1), TR_SHAPE(2, 3)), THERE));
    assert_int_equal(tr_save_npy("x.npy", there), 0);
    assert_close(tr_load_npy("x.npy"), x, 0);
    tr_module *m = tr_linear_layer(3, 2), *other = tr_linear_layer(3, 2);
    assert_int_equal(tr_module_to(m, THERE), 0);
    assert_int_equal(tr_module_save(m, "m.safetensors"), 0);
    assert_int_equal(tr_module_load(other, "m.safetensors"), 0);
    tr_tensors here = tr_parameters(other), away = tr_parameters(m);
    for (int64_t i = 0; i < here.count; i++) assert_close(here.tensor[i], away.tensor[i], 0);
    for (int64_t i = 0; i < away.count; i++) {
        TR_NO_GRAD;
        assert_non_null(tr_zero_(away.tensor[i]));
    }
    assert_int_equal(tr_module_load(m, "m.safetensors"), 0);
    for (int64_t i = 0; i < here.count; i++) {
        assert_string_equal(tr_device_name(tr_device_of(away.tensor[i])), "cuda:0");
        assert_close(away.tensor[i], here.tensor[i], 0);
    }
}

TEST(other_libraries_get_memory_of_the_device)
{
    tr_tensor *x = tr_to_device(row(1, 2, 3), THERE), *y;
    DLManagedTensorVersioned *m = tr_to_dlpack(x);
    assert_non_null(m);
    assert_int_equal(m->dl_tensor.device.device_type, kDLCUDA);
    assert_non_null(y = tr_from_dlpack(m));
    assert_ptr_equal(tr_data(y), tr_data(x));
    assert_string_equal(tr_device_name(tr_device_of(y)), "cuda:0");
    assert_close(tr_mul_(y, 2), row(2, 4, 6), 0);
    assert_close(x, row(2, 4, 6), 0);
}

/* ---- training ---- */

static tr_tensor *point_forward(tr_module *m, tr_tensor *x)
{
    (void)m;
    return x;
}

/* Six steps of Adam on a line; before step `from` the module goes to the device, before step `back` to the CPU. */
static tr_tensor *trained(int from, int back)
{
    tr_manual_seed(1);
    tr_tensor *w = tr_requires_grad_(row(1, -2, 0.5), true), *place;
    tr_module *m = tr_module_new("Point", point_forward, 0);
    assert_non_null(tr_module_parameter(m, "w", w));
    tr_optim *adam = tr_adam(tr_parameters(m), .lr = 0.1);
    for (int step = 0; step < 6; step++) {
        TR_SCOPE;
        if (step == from) assert_int_equal(tr_module_to(m, THERE), 0);
        if (step == back) assert_int_equal(tr_module_to(m, tr_cpu()), 0);
        place = tr_to_device(row(3, 1, 2), tr_device_of(w));
        tr_tensor *y = tr_mul(tr_square(tr_sub(w, place)), (double)(step + 1));
        assert_int_equal(tr_backward(y, .gradient = tr_ones_like(y)), 0);
        assert_int_equal(tr_step(adam), 0);
        tr_zero_grad(adam);
    }
    return tr_to_device(tr_detach(w), tr_cpu());
}

TEST(an_optimisers_state_follows_its_parameters)
{
    tr_tensor *here = trained(-1, -1);
    assert_close(trained(0, -1), here, 0);
    assert_close(trained(3, -1), here, 0);
    assert_close(trained(2, 4), here, 0);
    assert_close(trained(0, 3), here, 0);
}

TEST(random_numbers_are_those_of_the_cpu)
{
    tr_device places[2] = {tr_cpu(), THERE};
    tr_tensor *u[2], *n[2], *i[2], *p[2], *c[2], *d[2], *f[2], *s[2];
    for (int at = 0; at < 2; at++) {
        tr_manual_seed(3);
        tr_generator *g = tr_generator_new(TR_PHILOX, 5);
        u[at] = tr_rand(TR_SHAPE(3, 7), .device = places[at]);
        n[at] = tr_randn(TR_SHAPE(40), .dtype = TR_FLOAT64, .device = places[at]);
        s[at] = tr_normal_(tr_permute(tr_zeros(TR_SHAPE(4, 3, 2), .device = places[at]), TR_SHAPE(1, 2, 0)), 1, 2, NULL);
        i[at] = tr_randint(-3, 9, TR_SHAPE(20), .device = places[at]);
        p[at] = tr_randperm(17, .device = places[at]);
        c[at] = tr_randn(TR_SHAPE(33), .generator = g, .device = places[at]);
        d[at] = tr_dropout(tr_ones(TR_SHAPE(50), .device = places[at]), 0.3, g);
        f[at] = tr_uniform_(tr_t(tr_zeros(TR_SHAPE(4, 3), .device = places[at])), 0, 1, g);
    }
    assert_close(u[1], u[0], 0);
    assert_close(n[1], n[0], 0);
    assert_close(s[1], s[0], 0);
    assert_close(i[1], i[0], 0);
    assert_close(p[1], p[0], 0);
    assert_close(c[1], c[0], 0);
    assert_close(d[1], d[0], 0);
    assert_close(f[1], f[0], 0);
}

TEST(a_loader_hands_batches_out_there)
{
    tr_tensor *x = tr_view(tr_arange(0, 20, 1), TR_SHAPE(10, 2)), *y = tr_arange(0, 10, 1, .dtype = TR_INT64);
    tr_dataset *rows = tr_dataset_tensors(x, y);
    for (int workers = -1; workers < 2; workers += 2) {
        tr_loader *loader = tr_loader_new(rows, .batch_size = 4, .device = THERE, .workers = workers);
        for (int epoch = 0; epoch < 2; epoch++) {
            int64_t at = 0;
            assert_int_equal(tr_loader_start(loader, epoch), 0);
            for (tr_batch b; tr_loader_next(loader, &b); at += b.size) {
                assert_string_equal(tr_device_name(tr_device_of(b.input)), "cuda:0");
                assert_close(b.input, tr_narrow(x, 0, at, b.size), 0);
                assert_close(b.target, tr_narrow(y, 0, at, b.size), 0);
            }
            assert_int_equal(at, 10);
        }
    }
    assert_null(tr_loader_new(rows, .device = tr_cuda(63)));
    assert_error_says("cuda:63");
    assert_null(tr_dataset_tensors(tr_to_device(x, THERE), y));
    assert_error_says("inputs are on cuda:0, not on the CPU");
}
