/* Handing tensors over and taking them in, against a made-up other library that counts the calls of its deleter. */
#include <trireme/dlpack.h>
#include "test.h"

#include <pthread.h>
#include <trireme/ops.h>
#include "core/memory.h"
#include "core/tensor.h"

/* ---- the other library ---- */

static int deleted;

static void delete_versioned(DLManagedTensorVersioned *m) { deleted += m->manager_ctx == m ? 1 : 100; }
static void delete_unversioned(DLManagedTensor *m) { deleted += m->manager_ctx == m ? 1 : 100; }

static int64_t sizes[TR_MAX_DIMS + 1], strides[TR_MAX_DIMS + 1];
static float numbers[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static DLManagedTensorVersioned given;

/* numbers as (3, 4) float32; a test changes what it is about. */
static DLTensor *give(void)
{
    deleted = 0;
    sizes[0] = 3, sizes[1] = 4;
    strides[0] = 4, strides[1] = 1;
    given = (DLManagedTensorVersioned){
        .version = {1, 0},
        .manager_ctx = &given,
        .deleter = delete_versioned,
        .dl_tensor = {.data = numbers, .device = {kDLCPU, 0}, .ndim = 2, .dtype = {kDLFloat, 32, 1}, .shape = sizes, .strides = strides},
    };
    return &given.dl_tensor;
}

static void is_refused(const char *says)
{
    assert_null(tr_from_dlpack(&given));
    assert_error_says(says);
    assert_int_equal(deleted, 1);
}

/* ---- in ---- */

TEST(taken_in_it_shares_memory_until_the_last_view_is_gone)
{
    give();
    {
        TR_SCOPE;
        tr_tensor *kept;
        {
            TR_SCOPE;
            tr_tensor *t = tr_from_dlpack(&given);
            assert_shape(t, 3, 4);
            assert_dtype(t, TR_FLOAT32);
            assert_ptr_equal(tr_data(t), numbers);
            assert_true(tr_is_contiguous(t));
            numbers[5] = 50;
            assert_item(tr_select(tr_select(t, 0, 1), 0, 1), 50, 0);
            numbers[5] = 5;
            kept = tr_keep(tr_t(t));
        }
        assert_int_equal(deleted, 0);
        assert_close(tr_select(kept, 0, 1), row(1, 5, 9), 0);
        tr_drop(kept);
    }
    assert_int_equal(deleted, 1);
}

TEST(strides_and_byte_offset_are_honoured)
{
    DLTensor *d = give();
    d->strides = NULL;
    assert_close(tr_from_dlpack(&given), tr_view(row(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), TR_SHAPE(3, 4)), 0);
    give();
    sizes[0] = 2, sizes[1] = 3, strides[0] = 1, strides[1] = 4;
    d->byte_offset = 8;
    assert_close(tr_from_dlpack(&given), tr_view(row(2, 6, 10, 3, 7, 11), TR_SHAPE(2, 3)), 0);
    give();
    strides[0] = 0;
    assert_close(tr_from_dlpack(&given), tr_view(row(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3), TR_SHAPE(3, 4)), 0);
}

TEST(strides_may_be_negative)
{
    DLTensor *d = give();
    strides[0] = -4, strides[1] = -1;
    d->byte_offset = 11 * sizeof(float);
    tr_tensor *t = tr_from_dlpack(&given);
    tr_tensor *want = tr_view(row(11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0), TR_SHAPE(3, 4));
    assert_false(tr_is_contiguous(t));
    assert_close(t, want, 0);
    assert_close(tr_add(t, 1), tr_add(want, 1), 0);
    assert_close(tr_matmul(t, tr_t(t)), tr_matmul(want, tr_t(want)), 0);
    assert_close(tr_sum(t), tr_sum(want), 0);
    assert_close(tr_contiguous(t), want, 0);
    assert_string_equal(tr_to_string(tr_select(t, 0, 0)), "tensor([11., 10.,  9.,  8.])");
}

TEST(read_only_memory_is_copied)
{
    give();
    given.flags = DLPACK_FLAG_BITMASK_READ_ONLY;
    strides[0] = 1, strides[1] = 3;
    tr_tensor *t = tr_from_dlpack(&given);
    assert_int_equal(deleted, 1);
    assert_close(t, tr_view(row(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11), TR_SHAPE(3, 4)), 0);
    assert_true((float *)tr_data(t) < numbers || (float *)tr_data(t) >= numbers + 12);
    give();
    given.flags = DLPACK_FLAG_BITMASK_IS_COPIED;
    assert_ptr_equal(tr_data(tr_from_dlpack(&given)), numbers);
}

TEST(memory_between_alignments_is_copied)
{
    static char bytes[1 + sizeof numbers];
    DLTensor *d = give();
    memcpy(bytes + 1, numbers, sizeof numbers);
    d->data = bytes;
    d->byte_offset = 1;
    assert_close(tr_sum(tr_from_dlpack(&given)), tr_sum(row(66)), 0);
    assert_int_equal(deleted, 1);
}

TEST(scalars_and_empty_tensors_come_in)
{
    DLTensor *d = give();
    d->ndim = 0;
    d->shape = d->strides = NULL;
    d->byte_offset = 12;
    assert_item(tr_from_dlpack(&given), 3, 0);
    d = give();
    sizes[1] = 0;
    strides[0] = INT64_MAX;
    d->data = NULL;
    assert_shape(tr_from_dlpack(&given), 3, 0);
}

TEST(every_type_comes_in_and_goes_out)
{
    for (int dtype = TR_BOOL; dtype < TR_DTYPES; dtype++) {
        tr_tensor *t = tr_ones(TR_SHAPE(2), .dtype = (tr_dtype)dtype);
        DLManagedTensorVersioned *m = tr_to_dlpack(t);
        assert_int_equal(m->dl_tensor.dtype.bits, 8 * tr_dtype_size((tr_dtype)dtype));
        assert_int_equal(m->dl_tensor.dtype.lanes, 1);
        tr_tensor *back = tr_from_dlpack(m);
        assert_dtype(back, (tr_dtype)dtype);
        assert_ptr_equal(tr_data(back), tr_data(t));
    }
}

TEST(pinned_host_memory_is_host_memory)
{
    give()->device = (DLDevice){kDLCUDAHost, 0};
    assert_true(tr_device_of(tr_from_dlpack(&given)).type == TR_CPU);
}

TEST(of_another_major_version_only_the_deleter_is_touched)
{
    give();
    given.version = (DLPackVersion){2, 7};
    memset(&given.dl_tensor, 0xFF, sizeof given.dl_tensor);
    is_refused("DLPack version 2.7");
    give();
    given.version.minor = 99;
    assert_non_null(tr_from_dlpack(&given));
}

TEST(what_has_no_type_here_is_refused_by_name)
{
    static const struct {
        DLDataType type;
        const char *says;
    } cases[] = {{{kDLInt, 16, 1}, "no element type for int16"}, {{kDLUInt, 64, 1}, "uint64"}, {{kDLFloat, 128, 1}, "float128"}, {{kDLBool, 1, 1}, "bool1"}, {{kDLComplex, 32, 1}, "complex32"}, {{kDLOpaqueHandle, 64, 1}, "opaque handle64"}, {{kDLFloat8_e5m2, 8, 1}, "float8_e5m2"}, {{kDLFloat4_e2m1fn, 4, 1}, "float4_e2m1fn"}, {{77, 8, 1}, "type code 77 of 8 bits"}, {{kDLFloat, 32, 4}, "float32 in vectors of 4"}, {{kDLFloat, 32, 0}, "vectors of 0"}, {{kDLFloat, 0, 1}, "float0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        give()->dtype = cases[i].type;
        is_refused(cases[i].says);
    }
}

TEST(what_has_no_device_here_is_refused_by_name)
{
    static const struct {
        int type;
        const char *says;
    } cases[] = {{kDLROCM, "ROCm"}, {kDLMetal, "Metal"}, {kDLVulkan, "Vulkan"}, {kDLCUDAManaged, "CUDA managed memory"}, {kDLMAIA, "MAIA"}, {5, "no device type 5"}, {0, "no device type 0"}, {-1, "no device type -1"}, {1000, "no device type 1000"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        give()->device.device_type = (DLDeviceType)cases[i].type;
        is_refused(cases[i].says);
    }
}

TEST(hostile_structs_are_refused)
{
    give()->ndim = -1;
    is_refused("-1 dims");
    give()->ndim = 9;
    is_refused("9 dims");
    give()->ndim = INT32_MIN;
    is_refused("dims");
    give()->shape = NULL;
    is_refused("shape is NULL");
    give()->data = NULL;
    is_refused("data is NULL, but the shape (3, 4) has 12 elements");
    give();
    sizes[0] = -3;
    is_refused("negative size");
    give();
    sizes[0] = sizes[1] = INT64_MAX / 2;
    is_refused("more elements than memory can hold");
    give();
    strides[0] = INT64_MAX;
    is_refused("reaches beyond all memory");
    give();
    strides[0] = INT64_MIN;
    is_refused("reaches beyond all memory");
    give();
    strides[0] = INT64_MAX / 2, strides[1] = INT64_MAX / 3;
    is_refused("reaches beyond all memory");
    give();
    strides[1] = INT64_MAX / 4;
    is_refused("reaches beyond all memory");
    give()->byte_offset = UINT64_MAX;
    is_refused("reaches beyond all memory");
}

TEST(nothing_is_no_tensor)
{
    assert_null(tr_from_dlpack(NULL));
    assert_error_says("tr_from_dlpack");
    assert_null(tr_from_dlpack_unversioned(NULL));
    assert_error_says("tr_from_dlpack_unversioned");
    assert_null(tr_to_dlpack(NULL));
    assert_error_says("tr_to_dlpack");
}

TEST(deleter_may_be_absent)
{
    TR_SCOPE;
    give();
    given.deleter = NULL;
    assert_close(tr_sum(tr_from_dlpack(&given)), tr_sum(row(66)), 0);
}

TEST(unversioned_struct_comes_in)
{
    static DLManagedTensor old;
    DLTensor *d = give();
    old = (DLManagedTensor){*d, &old, delete_unversioned};
    {
        TR_SCOPE;
        assert_ptr_equal(tr_data(tr_from_dlpack_unversioned(&old)), numbers);
        assert_int_equal(deleted, 0);
    }
    assert_int_equal(deleted, 1);
    old.dl_tensor.ndim = -5;
    assert_null(tr_from_dlpack_unversioned(&old));
    assert_error_says("tr_from_dlpack_unversioned: -5 dims");
    assert_int_equal(deleted, 2);
}

TEST(without_memory_the_deleter_is_still_called_once)
{
    int failures = 0;
    for (int64_t n = 1; n < 10; n++) {
        for (int flags = 0; flags < 2; flags++) {
            {
                TR_SCOPE;
                give();
                given.flags = (uint64_t)flags; /* 1: read-only */
                tr_empty_cache();
                core_system_fail_at(n);
                tr_tensor *t = tr_from_dlpack(&given);
                core_system_fail_at(0);
                failures += !t;
                if (!t) assert_error_says("tr_from_dlpack");
            }
            assert_int_equal(deleted, 1);
        }
    }
    assert_true(failures >= 2);
}

/* ---- out ---- */

TEST(handed_over_it_outlives_its_tensor)
{
    for (int64_t n = 2; n < 2000; n += 1990) { /* inside the storage, and in a block */
        DLManagedTensorVersioned *m;
        {
            TR_SCOPE;
            tr_tensor *t = tr_t(tr_view(tr_arange(0, 2 * (double)n, 1, .dtype = TR_FLOAT32), TR_SHAPE(n, 2)));
            m = tr_to_dlpack(t);
            assert_int_equal(m->version.major, 1);
            assert_int_equal(m->flags, 0);
            assert_int_equal(m->dl_tensor.device.device_type, kDLCPU);
            assert_ptr_equal(m->dl_tensor.data, tr_data(t));
            ((float *)m->dl_tensor.data)[1] = 100;
            assert_item(tr_select(tr_select(t, 0, 1), 0, 0), 100, 0);
        }
        (void)tr_zeros(TR_SHAPE(n, 2)); /* which does not get that memory */
        assert_int_equal(m->dl_tensor.ndim, 2);
        assert_int_equal(m->dl_tensor.shape[1], n);
        assert_int_equal(m->dl_tensor.strides[1], 2);
        assert_true(((float *)m->dl_tensor.data)[1] > 99);
        m->deleter(m);
    }
}

TEST(tensor_outlives_what_was_handed_over)
{
    tr_tensor *t = row(1, 2, 3);
    DLManagedTensorVersioned *first = tr_to_dlpack(t);
    DLManagedTensor *second = tr_to_dlpack_unversioned(t);
    assert_true(core_shared(t, 1));
    first->deleter(first);
    second->deleter(second);
    assert_false(core_shared(t, 1));
    first = tr_to_dlpack(t); /* and again */
    first->deleter(first);
    assert_close(t, row(1, 2, 3), 0);
}

TEST(what_requires_grad_is_not_handed_over)
{
    tr_tensor *w = tr_ones(TR_SHAPE(2), .requires_grad = true);
    assert_null(tr_to_dlpack(w));
    assert_error_says("Can't export tensors that require gradient, use tensor.detach()");
    DLManagedTensorVersioned *m = tr_to_dlpack(tr_detach(w));
    assert_ptr_equal(m->dl_tensor.data, tr_data(w));
    m->deleter(m);
}

enum { LOANS = 2000 };
static DLManagedTensorVersioned *loans[LOANS];

static void *give_all_back(void *nothing)
{
    for (int i = 0; i < LOANS; i++) loans[i]->deleter(loans[i]);
    return nothing;
}

TEST(any_thread_may_give_it_back)
{
    pthread_t thread;
    tr_tensor *t[LOANS];
    for (int i = 0; i < LOANS; i++) {
        TR_SCOPE;
        t[i] = tr_keep(tr_zeros(TR_SHAPE(1 + i % 40)));
        loans[i] = tr_to_dlpack(t[i]);
    }
    assert_int_equal(pthread_create(&thread, NULL, give_all_back, NULL), 0);
    for (int i = LOANS; i--;) tr_drop(t[i]); /* they meet in the middle */
    assert_int_equal(pthread_join(thread, NULL), 0);
}
