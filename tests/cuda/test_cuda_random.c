/* Counted random numbers of CUDA, their threads run as fibres, against the CPU's: the same bits, wherever a call begins. */
#include "on_fibres.h"

TEST(counted_numbers_have_the_cpus_bits_wherever_they_begin)
{
    static const uint64_t offsets[] = {0, 1, 2, 3, 510, 513, (1ull << 40) + 1};
    static const int64_t sizes[] = {0, 1, 2, 5, 511, 1026, 5999};
    for (int kernel = KERNEL_PHILOX_UNIFORM; kernel <= KERNEL_PHILOX_NORMAL; kernel++)
        for (tr_dtype type = TR_FLOAT16; type <= TR_FLOAT64; type++)
            for (int o = 0; o < 7; o++)
                for (int s = 0; s < 7; s++) {
                    const tr_dtype held[] = {type, TR_DEFAULT_DTYPE, TR_DEFAULT_DTYPE, TR_DEFAULT_DTYPE};
                    kernel_call call = {.kernel = (uint16_t)kernel, .type = (uint8_t)type, .number = {-0.75, 2.5}, .word = {UINT64_C(0x123456789abcdef) + (uint64_t)o, offsets[o]}};
                    layout l = {.n = sizes[s], .offset = {s % 3}};
                    assert_same_bits(call, &l, held);
                }
}
