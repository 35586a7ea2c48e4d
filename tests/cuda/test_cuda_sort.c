/* Sorting on CUDA, its threads run as fibres, against the CPU's: the same elements and the same indices. */
#include "on_fibres.h"

enum { ROOM = 12000 };

static void assert_same_order(tr_dtype type, unsigned flags, int64_t outer, int64_t n, int64_t inner)
{
    static char x[ROOM * 8], y[2][ROOM * 8];
    static int64_t index[2][ROOM];
    static int runs;
    int64_t all = outer * n * inner, bytes = tr_dtype_size(type);
    assert_true(all < ROOM);
    memcpy(x, any_elements(type), sizeof x);
    memset(y, 1, sizeof y);
    memset(index, 1, sizeof index);
    kernel_call call = {.kernel = KERNEL_SORT, .type = (uint8_t)type, .flags = flags, .n = all, .at = {y[0], x, index[0]}, .size = {outer, n, inner}};
    fibres_order = runs++ % FIBRES_ORDERS;
    assert_int_equal(on_gpu[KERNEL_SORT][type](&call), 0);
    call.at[0] = y[1], call.at[2] = index[1];
    assert_int_equal(on_cpu[KERNEL_SORT][type](&call), 0);
    for (int64_t i = 0; i < ROOM; i++)
        if (index[0][i] != index[1][i] || memcmp(y[0] + i * bytes, y[1] + i * bytes, (size_t)bytes) != 0)
            fail_msg("%s, flags %u, (%lld, %lld, %lld): number %lld is from %lld, not %lld", tr_dtype_name(type), flags, (long long)outer, (long long)n, (long long)inner, (long long)i, (long long)index[0][i], (long long)index[1][i]);
}

static void each_type(int64_t outer, int64_t n, int64_t inner)
{
    for (tr_dtype type = TR_BOOL; type < TR_DTYPES; type++) {
        assert_int_equal(on_gpu[KERNEL_SORT][type] != NULL, on_cpu[KERNEL_SORT][type] != NULL);
        for (unsigned flags = 0; flags < 2 && on_gpu[KERNEL_SORT][type]; flags++) assert_same_order(type, flags, outer, n, inner);
    }
}

TEST(rows_that_share_a_tile_are_sorted_alone)
{
    static const int64_t sizes[] = {0, 1, 2, 31, 32, 33};
    for (int s = 0; s < 6; s++) {
        each_type(1, sizes[s], 1);
        each_type(2, sizes[s], 3);
        each_type(70, sizes[s], 2);
    }
    each_type(0, 5, 1);
    each_type(2000, 2, 1);
    each_type(9, 255, 1);
    each_type(3, 257, 2);
}

TEST(a_row_of_a_tile_is_sorted)
{
    each_type(2, 1023, 1);
    each_type(1, 1024, 2);
}

TEST(rows_of_many_tiles_are_merged)
{
    each_type(1, 1025, 1);
    each_type(1, 2048, 2);
    each_type(2, 1500, 3); /* more rows than are sorted together */
    each_type(1, 5000, 2); /* three passes, five tiles; two rows, each longer than what is sorted together */
}
