// CTEST DIST RANKS 1 2 3 4 8
/* Every collective, for every type, in pieces so small that each travels in several. */
#include "test.h"

#include <math.h>
#include <stdlib.h>
#include <trireme/dist.h>
#include <trireme/ops.h>
#include <trireme/record.h>

BEFORE_ALL
{
    setenv("TRIREME_MPI_PIECE", "7", 0);
    setenv("TRIREME_CHECK", "1", 1);
    return tr_dist_init(argc, argv) < 0;
}
AFTER_ALL { return tr_dist_finish(); }

static const tr_dtype types[] = {TR_BOOL, TR_UINT8, TR_INT32, TR_INT64, TR_FLOAT16, TR_BFLOAT16, TR_FLOAT32, TR_FLOAT64, TR_COMPLEX64, TR_COMPLEX128};
static const int64_t sizes[] = {0, 1, 6, 7, 8, 100};

static int64_t rank, world;
static void find_ranks(void)
{
    rank = tr_dist_rank();
    world = tr_dist_world();
}

static void every_type_and_size(void (*check)(tr_dtype type, int64_t n))
{
    find_ranks();
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            TR_SCOPE;
            check(types[i], sizes[j]);
        }
}

/* i % 10 + add, as any type; complex ones have that for both parts. */
static tr_tensor *numbers(tr_dtype dtype, int64_t n, double add)
{
    tr_dtype part = dtype;
    if (dtype == TR_COMPLEX64) part = TR_FLOAT32;
    if (dtype == TR_COMPLEX128) part = TR_FLOAT64;
    int64_t parts = tr_dtype_is_complex(dtype) ? 2 * n : n;
    double values[200];
    for (int64_t i = 0; i < parts; i++) values[i] = (double)(i % 10) + add;
    tr_tensor *t = tr_from_data(values, TR_FLOAT64, TR_SHAPE(parts), .dtype = part);
    if (part == dtype) return t;
    tr_tensor *z = tr_zeros(TR_SHAPE(n), .dtype = dtype);
    assert_non_null(z);
    if (n > 0) memcpy(tr_data(z), tr_data(t), (size_t)(n * tr_dtype_size(dtype)));
    return z;
}

static void assert_same_bytes(const tr_tensor *got, const tr_tensor *want)
{
    assert_non_null(got);
    assert_int_equal(tr_dtype_of(got), tr_dtype_of(want));
    assert_int_equal(tr_numel(got), tr_numel(want));
    if (tr_numel(got) > 0) assert_memory_equal(tr_data(got), tr_data(want), (size_t)(tr_numel(got) * tr_dtype_size(tr_dtype_of(got))));
}

TEST(ranks_and_shard_agree)
{
    find_ranks();
    assert_true(rank >= 0 && rank < world);
    assert_int_equal(tr_dist_shard().rank, rank);
    assert_int_equal(tr_dist_shard().world, world);
    assert_int_equal(tr_dist_local_rank(), rank); /* tests run on one host */
    assert_int_equal(tr_dist_device().type, TR_CPU);
}

static void adds_up(tr_dtype type, int64_t n)
{
    if (type == TR_BOOL) return;
    tr_tensor *t = numbers(type, n, (double)rank), *want = numbers(type, n, 0);
    assert_int_equal(tr_all_reduce(t), 0);
    for (int64_t r = 1; r < world; r++) want = tr_add(want, numbers(type, n, (double)r)); /* whole numbers: exact */
    assert_same_bytes(t, want);
}
TEST(all_reduce_adds_every_type_and_size) { every_type_and_size(adds_up); }

TEST(halves_are_added_in_float32)
{
    find_ranks();
    /* Next to 256 and 2048 these types step by 2: a 1 added alone would be lost each time. */
    struct {
        tr_dtype type;
        double large;
    } cases[] = {
        {TR_BFLOAT16, 256},
        {TR_FLOAT16, 2048}};
    for (int i = 0; i < 2; i++) {
        tr_tensor *t = tr_full(TR_SHAPE(3), rank == 0 ? cases[i].large : 1, .dtype = cases[i].type);
        assert_int_equal(tr_all_reduce(t), 0);
        assert_same_bytes(t, tr_full(TR_SHAPE(3), cases[i].large + (double)(world - 1), .dtype = cases[i].type));
    }
}

TEST(halves_keep_nan_infinity_and_the_smallest)
{
    find_ranks();
    const double values[] = {NAN, INFINITY, -INFINITY, 0x1p-24, 60000};
    tr_tensor *t = tr_from_data(values, TR_FLOAT64, TR_SHAPE(5), .dtype = TR_FLOAT16);
    assert_int_equal(tr_all_reduce(t), 0);
    double n = (double)world;
    const double want[] = {NAN, INFINITY, -INFINITY, n * 0x1p-24, world > 1 ? INFINITY : 60000};
    for (int i = 0; i < 5; i++) {
        double got = tr_get(t, i);
        assert_true(got == want[i] || (i == 0 && isnan(got)) || (i == 4 && fabs(got - want[i]) < 32));
    }
}

TEST(bool_has_no_sum)
{
    assert_int_equal(tr_all_reduce(tr_zeros(TR_SHAPE(2), .dtype = TR_BOOL)), -1);
    assert_error_says("bool has no sum");
}

TEST(what_is_not_row_major_is_refused)
{
    tr_tensor *t = tr_t(tr_zeros(TR_SHAPE(2, 3)));
    assert_int_equal(tr_all_reduce(t), -1);
    assert_error_says("tr_all_reduce: (3, 2) is not row-major");
    assert_int_equal(tr_broadcast(t, 0), -1);
    assert_error_says("not row-major");
    assert_null(tr_all_gather(t));
    assert_error_says("not row-major");
}

static int add_over_ranks(void *t) { return tr_all_reduce(t); }

TEST(a_recorded_step_has_collectives_in_calls_of_the_program_s_own)
{
    find_ranks();
    tr_tensor *t = tr_ones(TR_SHAPE(3));
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    assert_int_equal(tr_all_reduce(t), 0);
    assert_int_equal(tr_record_end(), -1);
    assert_error_says("tr_all_reduce: ranks meet");
    assert_true(tr_get(t, 0) == (double)world);

    assert_int_equal(tr_record(&recording), 0);
    tr_add_(t, 1);
    assert_int_equal(tr_record_call(add_over_ranks, t), 0);
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(tr_replay(recording), 0);
    assert_true(tr_get(t, 2) == (double)(((world + 1) * world + 1) * world));
}

TEST(null_is_refused)
{
    assert_int_equal(tr_all_reduce(NULL), -1);
    assert_error_says("tr_all_reduce: NULL");
    assert_int_equal(tr_broadcast(NULL, 0), -1);
    assert_error_says("tr_broadcast: NULL");
    assert_null(tr_all_gather(NULL));
    assert_error_says("tr_all_gather: NULL");
}

static void comes_from_root(tr_dtype type, int64_t n)
{
    int64_t root = n % world;
    tr_tensor *t = numbers(type, n, (double)rank);
    assert_int_equal(tr_broadcast(t, root), 0);
    assert_same_bytes(t, numbers(type, n, (double)root));
}
TEST(broadcast_copies_every_type_and_size) { every_type_and_size(comes_from_root); }

TEST(broadcast_names_the_bad_root)
{
    find_ranks();
    assert_int_equal(tr_broadcast(tr_zeros(TR_SHAPE(1)), world), -1);
    assert_error_says("root");
}

static void lines_up(tr_dtype type, int64_t n)
{
    tr_tensor *all = tr_all_gather(numbers(type, n, (double)rank));
    assert_shape(all, n * world);
    for (int64_t r = 0; r < world; r++) assert_same_bytes(tr_narrow(all, 0, r * n, n), numbers(type, n, (double)r));
}
TEST(all_gather_lines_up_every_type_and_size)
{
    every_type_and_size(lines_up);
    assert_shape(tr_all_gather(tr_zeros(TR_SHAPE(2, 3))), 2 * world, 3);
}

TEST(all_gather_refuses_a_scalar)
{
    assert_null(tr_all_gather(tr_zeros(TR_SHAPE())));
    assert_error_says("dim 0");
}

TEST(another_shape_is_named_on_every_rank)
{
    find_ranks();
    if (world == 1) skip_because("one rank agrees with itself");
    assert_int_equal(tr_all_reduce(rank == 0 ? tr_zeros(TR_SHAPE(3, 4)) : tr_zeros(TR_SHAPE(4, 3))), -1);
    assert_non_null(strstr(tr_error_message(), "rank 0: all_reduce float32 (3, 4)"));
    assert_error_says(": all_reduce float32 (4, 3)");
    assert_int_equal(tr_barrier(), 0); /* and everybody is still in step */
}

TEST(another_operation_is_named_on_every_rank)
{
    find_ranks();
    if (world == 1) skip_because("one rank agrees with itself");
    tr_tensor *t = tr_zeros(TR_SHAPE(2), .dtype = TR_INT64);
    assert_int_equal(rank == world - 1 ? tr_barrier() : tr_broadcast(t, 0), -1);
    assert_non_null(strstr(tr_error_message(), ": broadcast from rank 0 int64 (2,)"));
    assert_error_says(": barrier");
}

TEST(one_rank_that_refuses_is_named_on_every_rank)
{
    find_ranks();
    if (world == 1) skip_because("one rank agrees with itself");
    tr_tensor *t = tr_zeros(TR_SHAPE(2, 3));
    assert_int_equal(tr_all_reduce(rank == 1 ? tr_t(t) : t), -1);
    assert_error_says("not row-major");
    assert_int_equal(tr_barrier(), 0);
}
