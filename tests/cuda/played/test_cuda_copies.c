/* Copies between the host and CUDA devices, through pinned memory. */
#include "on_played.h"

static tr_tensor *numbers(int64_t n) { return tr_arange(0, (double)n, 1, .dtype = TR_INT32); }

static void assert_same_there_and_back(int64_t n, tr_device device)
{
    TR_SCOPE;
    tr_tensor *x = numbers(n), *y = tr_to_device(tr_to_device(x, device), tr_cpu());
    assert_non_null(y);
    assert_memory_equal(tr_data(x), tr_data(y), (size_t)n * 4);
}

TEST(any_size_goes_there_and_comes_back)
{
    static const int64_t sizes[] = {0, 1, 2, 63, 64, 65, 131071, 131072, 131073, 1048576, 1200001};
    in_every_order(order) for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) assert_same_there_and_back(sizes[i], tr_cuda(0));
}

TEST(what_was_copied_may_be_changed_at_once)
{
    in_every_order(order)
    {
        TR_SCOPE;
        tr_tensor *x = numbers(1000), *there = tr_to_device(x, tr_cuda(0));
        memset(tr_data(x), 0xff, 4000);
        tr_tensor *back = tr_to_device(there, tr_cpu());
        for (int i = 0; i < 1000; i++) assert_int_equal(((int32_t *)tr_data(back))[i], i);
    }
}

/* More of them than are ever under way at once, and of every size. */
TEST(many_copies_keep_their_order)
{
    enum { MANY = 150 };
    in_every_order(order)
    {
        TR_SCOPE;
        tr_tensor *there[MANY];
        for (int i = 0; i < MANY; i++) there[i] = tr_to_device(tr_add(numbers(1 + i * i), i), tr_cuda(0));
        for (int i = 0; i < MANY; i++) assert_int_equal((int)tr_get(there[i], i * i), i * i + i);
    }
}

TEST(copying_to_the_device_waits_for_nothing)
{
    needs_played_device();
    TR_SCOPE;
    tr_tensor *x = numbers(1000);
    played.order(PLAYED_LAZY, 0);
    assert_int_equal(tr_synchronize(tr_cuda(0)), 0);
    int64_t before = counted().waits;
    for (int i = 0; i < 50; i++) assert_non_null(tr_to_device(x, tr_cuda(0)));
    assert_int_equal(counted().waits, before);
    assert_int_equal(counted().pageable, 0);
}

TEST(reading_one_number_waits_once)
{
    needs_played_device();
    TR_SCOPE;
    tr_tensor *there = tr_to_device(numbers(10), tr_cuda(0));
    played.order(PLAYED_LAZY, 0);
    int64_t before = counted().waits;
    assert_int_equal((int)tr_get(there, 7), 7);
    assert_int_equal(counted().waits, before + 1);
}

TEST(every_device_has_its_own_memory)
{
    if (tr_cuda_device_count() < 2) skip_because("one device");
    in_every_order(order)
    {
        TR_SCOPE;
        tr_tensor *a = tr_to_device(numbers(100), tr_cuda(0)), *b = tr_to_device(numbers(200), tr_cuda(1));
        tr_tensor *c = tr_add(b, b), *d = tr_add(a, 1);
        assert_int_equal((int)tr_get(d, 99), 100);
        assert_int_equal((int)tr_get(c, 199), 398);
        assert_null(tr_add(a, b));
        assert_error_says("cuda:1");
        assert_same_there_and_back(1000, tr_cuda(1));
    }
}

TEST(from_device_to_device_nobody_waits)
{
    if (tr_cuda_device_count() < 2) skip_because("one device");
    in_every_order(order)
    {
        TR_SCOPE;
        tr_tensor *b;
        int64_t before;
        {
            TR_SCOPE;
            tr_tensor *a = tr_mul(tr_to_device(numbers(1000), tr_cuda(0)), 2);
            before = counted().waits;
            b = tr_pass_up(tr_to_device(a, tr_cuda(1)));
        } /* a is given back, perhaps before it was read */
        tr_tensor *other = tr_zeros(TR_SHAPE(1000), .dtype = TR_INT32, .device = tr_cuda(0));
        b = tr_add(b, 1);
        assert_int_equal(counted().waits, before);
        assert_int_equal((int)tr_get(b, 999), 1999);
        assert_int_equal((int)tr_get(other, 999), 0);
    }
}

static int read_on_the_host(void)
{
    signal(SIGSEGV, SIG_DFL);
    (void)freopen("/dev/null", "w", stderr);
    tr_tensor *there = tr_ones(TR_SHAPE(10), .device = tr_cuda(0));
    (void)*(volatile float *)tr_data(there);
    return 0;
}

TEST(the_host_cannot_read_the_device)
{
    needs_played_device();
    assert_int_not_equal(in_a_child(read_on_the_host), 0);
}
