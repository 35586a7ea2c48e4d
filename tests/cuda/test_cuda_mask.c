/* Picking by mask and its transpose on CUDA, their threads run as fibres, against the CPU's: the same bits. */
#include "on_fibres.h"

static void each_type_and_start(kernel_call call, int64_t n)
{
    static int runs;
    for (tr_dtype type = TR_BOOL; type < TR_DTYPES; type++) {
        const tr_dtype held[] = {type, type, TR_DEFAULT_DTYPE, TR_DEFAULT_DTYPE};
        layout l = {.n = n, .offset = {runs++ % 3, 1}, .size = {n}};
        call.type = (uint8_t)type;
        assert_non_null(on_gpu[call.kernel][type]);
        assert_same_bits(call, &l, held);
    }
}

TEST(what_a_mask_picks_and_puts_back_is_the_cpus)
{
    static uint8_t mask[6000];
    static const int64_t sizes[] = {0, 1, 31, 33, 256, 1025, 5990};
    for (int s = 0; s < 7; s++)
        for (unsigned share = 0; share < 4; share++) {
            for (int64_t i = 0; i < sizes[s]; i++) mask[i] = share == 3 ? 1 : next_bits() % 3 < share ? (uint8_t)(1 + next_bits() % 255)
                                                                                                      : 0;
            kernel_call call = {.kernel = KERNEL_MASKED_SELECT, .at = {NULL, NULL, mask}};
            each_type_and_start(call, sizes[s]);
            call.kernel = KERNEL_MASKED_SCATTER;
            each_type_and_start(call, sizes[s]);
        }
}

TEST(a_long_mask_has_more_parts_than_a_block_has_threads)
{
    enum { N = 300 * 512 + 17 };
    uint8_t *all = malloc(4 * (size_t)N), *mask = all + N, *out = mask + N, *want = out + N;
    assert_non_null(all);
    for (int64_t i = 0; i < N; i++) all[i] = (uint8_t)next_bits(), mask[i] = next_bits() % 7 == 0;
    for (int kernel = KERNEL_MASKED_SELECT; kernel <= KERNEL_MASKED_SCATTER; kernel++) {
        memset(out, 9, 2 * (size_t)N);
        kernel_call call = {.kernel = (uint16_t)kernel, .type = TR_UINT8, .n = N, .at = {out, all, mask}, .size = {N}};
        assert_int_equal(on_gpu[kernel][TR_UINT8](&call), 0);
        call.at[0] = want;
        assert_int_equal(on_cpu[kernel][TR_UINT8](&call), 0);
        assert_bits(out, want, N);
    }
    free(all);
}
