/* Picking, replacing and adding by index on CUDA, its threads run as fibres, against the CPU's: the same bits,
 * those of sums too; and what an index out of range does. */
#include "on_fibres.h"

enum { MOST = 6000 };
static int64_t indices[MOST];

/* n indices below bound; most of them one of the first few. */
static int64_t *any_indices(int64_t n, int64_t bound)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t bits = next_bits();
        indices[i] = (int64_t)((bits >> 8) % (uint64_t)(bits % 3 || bound < 3 ? bound : 3));
    }
    return indices;
}

/* By turns out and the operand begin 0 or 1 elements beyond an address that suits every word. */
static void each_type_and_start(kernel_call call, layout l)
{
    static int runs;
    for (tr_dtype type = TR_BOOL; type < TR_DTYPES; type++) {
        const tr_dtype held[] = {type, type, TR_DEFAULT_DTYPE, TR_DEFAULT_DTYPE};
        const int start = runs++ % 3;
        call.type = (uint8_t)type;
        l.offset[0] = start == 1, l.offset[1] = start > 0;
        assert_non_null(on_gpu[call.kernel][type]);
        assert_same_bits(call, &l, held);
    }
}

static void each_rows(int64_t outer, int64_t rows, int64_t inner, int64_t count)
{
    static const int kernels[] = {KERNEL_INDEX_SELECT, KERNEL_INDEX_COPY, KERNEL_INDEX_ADD};
    assert_true(outer * rows * inner < MOST && outer * count * inner < MOST);
    for (int k = 0; k < 3; k++) {
        int64_t n = outer * inner * (k ? rows : count);
        each_type_and_start((kernel_call){.kernel = (uint16_t)kernels[k], .split = 1, .at = {NULL, NULL, any_indices(count, rows)}}, (layout){.n = n, .size = {outer, rows, inner, count}});
    }
}

TEST(rows_by_index_are_the_cpus)
{
    each_rows(2, 4, 3, 5);
    each_rows(1, 1, 1, 1);
    each_rows(1, 5, 1, 0);
    each_rows(0, 5, 2, 3);
    each_rows(3, 5, 0, 3);
    each_rows(2, 9, 16, 33); /* rows of whole packs */
    each_rows(3, 33, 32, 31);
    each_rows(1, 255, 6, 128);
    each_rows(2, 900, 3, 40); /* few for many places */
    each_rows(1, 2900, 2, 160);
}

TEST(rows_of_a_long_index_are_the_cpus)
{
    each_rows(2, 31, 7, 257);
    each_rows(1, 900, 2, 1500); /* sorted in more than one tile */
    each_rows(1, 2, 1, 5000);
}

/* Out of size[], of `ndim` dims, the other side being `bound` long along dim `split` and laid out with gaps. */
static void each_element(int ndim, const int64_t *size, int split, int64_t bound)
{
    layout dense = {.n = 1, .ndim = ndim};
    int64_t step = 1;
    for (int d = ndim - 1; d >= 0; d--) {
        dense.size[d] = size[d];
        dense.n *= size[d];
        dense.stride[0][d] = dense.stride[1][d] = step;
        step *= (d == split ? bound : size[d]) + (d == 1);
    }
    assert_true(step < MOST && dense.n < MOST);
    kernel_call gather = {.kernel = KERNEL_GATHER, .split = (uint8_t)split, .number = {(double)bound}, .at = {NULL, NULL, any_indices(dense.n, bound)}};
    each_type_and_start(gather, dense);
    gather.kernel = KERNEL_SCATTER_ADD;
    each_type_and_start(gather, dense);
}

TEST(elements_by_index_are_the_cpus)
{
    each_element(0, (int64_t[]){1}, 0, 1);
    each_element(1, (int64_t[]){1}, 0, 7);
    each_element(1, (int64_t[]){0}, 0, 7);
    each_element(1, (int64_t[]){33}, 0, 5);
    each_element(2, (int64_t[]){31, 1}, 1, 10);
    each_element(2, (int64_t[]){5, 32}, 0, 3);
    each_element(2, (int64_t[]){5, 32}, 1, 40);
    each_element(4, (int64_t[]){3, 4, 10, 9}, 2, 11);
}

TEST(elements_of_long_lines_are_the_cpus)
{
    each_element(2, (int64_t[]){5, 257}, 1, 9);
    each_element(3, (int64_t[]){2, 300, 3}, 1, 150);
    each_element(2, (int64_t[]){1700, 2}, 0, 50);
    each_element(1, (int64_t[]){5001}, 0, 900);
}

TEST(an_index_out_of_range_is_written_down_and_leads_nowhere)
{
    static const int64_t wrong[] = {400, -1, INT64_MIN, INT64_MAX};
    for (int turn = 0; turn < 8; turn++)
        for (int64_t count = 3; count < 400; count += 300) {
            const int64_t rows = turn % 2 ? 400 : 4;
            const int w = turn / 2;
            static float x[403], out[403];
            for (int64_t i = 0; i < count; i++) indices[i] = 1, x[i] = 1;
            indices[1] = wrong[w];
            int64_t added = count - 1;
            for (int kernel = KERNEL_INDEX_SELECT; kernel <= KERNEL_SCATTER_ADD; kernel++) {
                bool elements = kernel == KERNEL_GATHER || kernel == KERNEL_SCATTER_ADD, selects = kernel == KERNEL_INDEX_SELECT || kernel == KERNEL_GATHER;
                kernel_call call = {.kernel = (uint16_t)kernel, .type = TR_FLOAT32, .n = selects ? count : rows, .at = {out, x, indices}, .number = {(double)rows}, .size = {1, rows, 1, count}, .stride = {{1}, {1}}};
                if (elements) call.ndim = 1, call.size[0] = count;
                for (int i = 0; i < 403; i++) out[i] = 7;
                trouble = (cuda_trouble){0};
                assert_int_equal(on_gpu[kernel][TR_FLOAT32](&call), 0);
                assert_int_equal(trouble.found, kernel + 1);
                assert_true(trouble.value == wrong[w] && trouble.bound == rows);
                for (int i = 0; i < 403; i++) {
                    float want = selects ? (i >= count ? 7 : i != 1) : i != 1                    ? 7
                                                                   : kernel == KERNEL_INDEX_COPY ? 1
                                                                                                 : 7 + (float)added;
                    if (out[i] != want) fail_msg("%s: number %d is %g, not %g", kernel_name(kernel), i, (double)out[i], (double)want);
                }
            }
        }
    trouble = (cuda_trouble){0};
}
