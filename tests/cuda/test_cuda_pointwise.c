/* Pointwise kernels of CUDA, their threads run as fibres, against the CPU's: the same bits, NaN apart, for every row, type
 * and layout. */
#include "on_fibres.h"

/* The views of a kernel: how many, and what they hold. */
static int views_of(int kernel, tr_dtype type, tr_dtype held[KERNEL_VIEWS])
{
    bool row = kernel < KERNEL_ADD, compares = kernel >= KERNEL_EQ && kernel <= KERNEL_GE;
    int views = row ? (kernel % 2 ? 4 : 2) : kernel == KERNEL_WHERE || kernel == KERNEL_POW_BACKWARD ? 4
                                         : kernel == KERNEL_COPY                                     ? 2
                                         : kernel == KERNEL_FILL || kernel == KERNEL_ARANGE          ? 1
                                                                                                     : 3;
    for (int v = 0; v < KERNEL_VIEWS; v++) held[v] = v < views ? type : TR_DEFAULT_DTYPE;
    if (compares) held[0] = TR_BOOL;
    if (kernel == KERNEL_WHERE) held[1] = TR_BOOL;
    return views;
}

static void run_flat(kernel_call call, const tr_dtype held[KERNEL_VIEWS], int views)
{
    static const int64_t sizes[] = {0, 1, 3, 15, 31, 33, 255, 257, 1025, 5001};
    unsigned exponent = call.kernel == KERNEL_POW_BACKWARD ? 8 : 0; /* always one element */
    bool out_alone = call.kernel == KERNEL_FILL || call.kernel == KERNEL_ARANGE;
    for (unsigned s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        layout l = {.n = sizes[s], .ones = exponent};
        assert_same_bits(call, &l, held); /* from the start of a pack */
        for (int v = 0; v < views; v++) l.offset[v] = 1;
        assert_same_bits(call, &l, held); /* one beside it, all views alike */
        for (int v = 0; v < views; v++) l.offset[v] = 3 - v;
        assert_same_bits(call, &l, held); /* each elsewhere */
    }
    for (int v = 1; v < views && call.kernel != KERNEL_COPY; v++) {
        layout l = {.n = 777, .ones = 1u << v | exponent, .offset = {0, 0, 5, 0}};
        assert_same_bits(call, &l, held);
    }
    layout in_place = {.n = 500, .in_place = true, .ones = exponent};
    if (!out_alone && held[0] == held[1]) assert_same_bits(call, &in_place, held);
}

/* (3, 37, 5): out with gaps, the first operand transposed, the others broadcast; and a row of one element. */
static void run_strided(kernel_call call, const tr_dtype held[KERNEL_VIEWS])
{
    if (call.kernel == KERNEL_ARANGE) return;
    layout transposed = {
        .n = 3 * 37 * 5, .ndim = 3, .offset = {2, 1, 0, 3}, .size = {3, 37, 5}, .stride = {{400, 10, 2}, {1, 3, 111}, {1, 0, 3}, {0, 1, 0}}};
    layout one = {.n = 1, .ndim = 1, .size = {1}, .stride = {{7}, {0}, {7}, {0}}};
    layout wide = {
        .n = 2 * 1 * 17 * 64, .ndim = 4, .size = {2, 1, 17, 64}, .stride = {{17 * 64, 999, 64, 1}, {17 * 64, 1, 64, 1}, {0, 7, 1, 17}, {0, 0, 0, 1}}};
    layout halves = {.n = 9, .ndim = 2, .size = {3, 3}, .stride = {{3, 1}, {0, 1}, {1, 0}, {0, 0}}};
    layout *all[] = {&transposed, &one, &wide, &halves};
    for (int i = 0; i < 4; i++) {
        if (call.kernel == KERNEL_POW_BACKWARD) memset(all[i]->stride[3], 0, sizeof all[i]->stride[3]);
        assert_same_bits(call, all[i], held);
    }
}

static void run_everywhere(kernel_call call, tr_dtype type)
{
    tr_dtype held[KERNEL_VIEWS];
    int views = views_of(call.kernel, type, held);
    if (call.kernel == KERNEL_COPY) held[1] = (tr_dtype)(call.from ? call.from : type);
    run_flat(call, held, views);
    run_strided(call, held);
}

/* Functions of complex numbers are near the CPU's (test_cuda_complex.c). */
static bool has_the_bits(int kernel, tr_dtype type) { return !tr_dtype_is_complex(type) || (kernel >= KERNEL_ADD && kernel != KERNEL_POW); }

static void run_kernels(int first, int last)
{
    for (int kernel = first; kernel <= last; kernel++)
        for (tr_dtype type = TR_BOOL; type < TR_DTYPES; type++)
            if (on_gpu[kernel][type] && has_the_bits(kernel, type)) run_everywhere((kernel_call){.kernel = (uint16_t)kernel, .type = (uint8_t)type, .number = {1.75, -0.25}}, type);
}

TEST(every_row_has_the_cpus_bits) { run_kernels(0, KERNEL_ADD - 1); }
TEST(arithmetic_of_two_operands_has_the_cpus_bits) { run_kernels(KERNEL_ADD, KERNEL_FMOD); }
TEST(comparisons_and_choices_have_the_cpus_bits) { run_kernels(KERNEL_EQ, KERNEL_WHERE); }
TEST(fill_and_arange_have_the_cpus_bits)
{
    run_kernels(KERNEL_FILL, KERNEL_ARANGE);
    const tr_dtype held[] = {TR_INT64, TR_DEFAULT_DTYPE, TR_DEFAULT_DTYPE, TR_DEFAULT_DTYPE};
    kernel_call whole = {.kernel = KERNEL_ARANGE, .type = TR_INT64, .flags = KERNEL_ARANGE_WHOLE, .word = {1ull << 62, (uint64_t)-3}};
    layout l = {.n = 1500};
    assert_same_bits(whole, &l, held);
}

TEST(a_power_of_small_whole_numbers_has_the_cpus_slope)
{
    const tr_dtype held[] = {TR_FLOAT32, TR_FLOAT32, TR_FLOAT32, TR_DEFAULT_DTYPE};
    for (int p = -1; p <= 5; p++) {
        float exponent = (float)p;
        kernel_call call = {.kernel = KERNEL_POW_BACKWARD, .type = TR_FLOAT32, .at = {NULL, NULL, NULL, &exponent}};
        layout l = {.n = 1000, .ones = 8};
        assert_same_bits(call, &l, held);
        call.kernel = KERNEL_POW;
        const tr_dtype two[] = {TR_FLOAT32, TR_FLOAT32, TR_DEFAULT_DTYPE, TR_DEFAULT_DTYPE};
        call.at[2] = &exponent, call.at[3] = NULL;
        l.ones = 4;
        assert_same_bits(call, &l, two);
    }
}

TEST(every_type_converts_to_every_type_as_on_the_cpu)
{
    for (tr_dtype to = TR_BOOL; to < TR_DTYPES; to++)
        for (tr_dtype from = TR_DEFAULT_DTYPE; from < TR_DTYPES; from++)
            run_everywhere((kernel_call){.kernel = KERNEL_COPY, .type = (uint8_t)to, .from = (uint8_t)from}, to);
}

TEST(a_source_of_no_type_is_an_error)
{
    kernel_call call = flat(KERNEL_COPY, TR_FLOAT32, 0, NULL, NULL, NULL, NULL);
    call.from = TR_DTYPES;
    assert_int_equal(on_gpu[KERNEL_COPY][TR_FLOAT32](&call), -1);
    assert_error_says("copy: CUDA: the source's element type is none");
}
