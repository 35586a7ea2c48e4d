/* The optimisers of CUDA, their threads run as fibres, against the CPU's: the same bits, however many parameters, however
 * long, wherever they begin. */
#include "on_fibres.h"

enum { ROOM = 60000,
       ARRAYS = 5, /* parameter, three states, gradient */
       MOST = 150 };

typedef struct {
    int kernel;
    unsigned states, flags; /* bit s: state[s] is there */
    double number[5];
} rule;

static const rule rules[] = {
    {KERNEL_SGD, 0, 0, {0.1, 0, 0, 0.1}},
    {KERNEL_SGD, 1, KERNEL_OPTIM_NESTEROV, {0.1, 0.9, 0, 0.1}},
    {KERNEL_SGD, 1, KERNEL_OPTIM_MAXIMIZE, {0.1, 0.9, 0.3, 0}},
    {KERNEL_ADAM, 3, 0, {0.1, 0.9, 0.999, 1e-8, 0.1}},
    {KERNEL_ADAM, 7, KERNEL_OPTIM_DECOUPLED, {0.1, 0.3, 0.99, 1e-8, 0.1}},
    {KERNEL_RMSPROP, 1, KERNEL_OPTIM_MAXIMIZE, {0.1, 0, 0.99, 1e-8, 0.1}},
    {KERNEL_RMSPROP, 3, 0, {0.1, 0.9, 0.4, 1e-8, 0.1}},
    {KERNEL_RMSPROP, 5, 0, {0.1, 0, 0.99, 1e-8, 0.1}},
    {KERNEL_RMSPROP, 7, 0, {0.1, 0.9, 0.99, 1e-8, 0.1}},
    {KERNEL_ADAGRAD, 1, 0, {0.1, 0.2, 0.1, 1e-10}},
};

/* Twice the same numbers, and parameters that lie in either of them. */
static _Alignas(64) char memory[2][ARRAYS][ROOM * 8 + 64];

static kernel_optim_item item_at(int side, const rule *r, tr_dtype type, int64_t from, int64_t n, int64_t step)
{
    int64_t at = from * tr_dtype_size(type);
    kernel_optim_item item = {.parameter = memory[side][0] + at, .gradient = memory[side][4] + at, .n = n, .step = step, .first = step == 1};
    for (int s = 0; s < KERNEL_OPTIM_STATES; s++)
        if (r->states >> s & 1) item.state[s] = memory[side][1 + s] + at;
    return item;
}

/* Parameter i has length[i % lengths] elements and begins where the last ended and `gap` more; the step counts differ
 * where `uneven`. */
static void assert_same_steps(const rule *r, tr_dtype type, const int64_t *length, int lengths, int64_t count, int64_t gap, bool uneven)
{
    static kernel_optim_item items[2][MOST];
    static int runs;
    for (int a = 0; a < ARRAYS; a++) {
        for (int64_t i = 0; i < ROOM; i++) core_element_set(memory[0][a], type, i, a >= 1 && a <= 3 ? fabs(next_number()) : next_number());
        memcpy(memory[1][a], memory[0][a], sizeof memory[0][a]);
    }
    core_element_set(memory[0][4], type, 3, NAN), core_element_set(memory[1][4], type, 3, NAN);
    for (int64_t step = 1; step <= 2; step++) {
        int64_t from = gap;
        for (int64_t i = 0; i < count; i++) {
            int64_t n = length[i % lengths];
            assert_true(from + n <= ROOM);
            for (int side = 0; side < 2; side++) items[side][i] = item_at(side, r, type, from, n, step + (uneven && i % 3 == 2));
            from += n + gap;
        }
        kernel_call call = {.kernel = (uint16_t)r->kernel, .type = (uint8_t)type, .flags = r->flags, .n = count, .at = {items[0]}};
        memcpy(call.number, r->number, sizeof call.number);
        fibres_order = runs++ % FIBRES_ORDERS;
        assert_int_equal(on_gpu[r->kernel][type](&call), 0);
        call.at[0] = items[1];
        assert_int_equal(on_cpu[r->kernel][type](&call), 0);
    }
    for (int a = 0; a < ARRAYS; a++)
        for (int64_t i = 0, bytes = tr_dtype_size(type); i < ROOM; i++)
            if (!same_part(memory[0][a] + i * bytes, memory[1][a] + i * bytes, type))
                fail_msg("%s of %s, states %u: array %d, number %lld is %a, not %a", kernel_name(r->kernel), tr_dtype_name(type), r->states, a, (long long)i, core_element_get(memory[0][a], type, i), core_element_get(memory[1][a], type, i));
}

static void each_rule(const int64_t *length, int lengths, int64_t count, int64_t gap, bool uneven)
{
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++)
        for (tr_dtype type = TR_FLOAT32; type <= TR_FLOAT64; type++) assert_same_steps(&rules[r], type, length, lengths, count, gap, uneven);
}

TEST(parameters_of_every_length_take_the_cpus_step)
{
    static const int64_t some[] = {1, 0, 31, 257, 4095, 4096, 1, 4097, 33};
    each_rule(some, 9, 9, 0, false); /* hardly any at a multiple of 16 bytes */
    each_rule(some, 9, 9, 3, true);
    static const int64_t aligned[] = {4, 4096, 1024, 8192};
    each_rule(aligned, 4, 4, 0, false);
}

TEST(a_long_parameter_has_more_chunks_than_a_grid_has_blocks)
{
    static const int64_t one[] = {ROOM - 10};
    each_rule(one, 1, 1, 1, false);
}

TEST(more_parameters_than_a_launch_carries_all_take_their_step)
{
    static const int64_t some[] = {5, 12, 300};
    each_rule(some, 3, MOST, 0, false);
    each_rule(some, 3, 65, 0, true);
}

TEST(no_parameters_and_empty_ones_are_no_work)
{
    each_rule(NULL, 1, 0, 0, false);
    static const int64_t none[] = {0};
    each_rule(none, 1, 70, 0, true);
}

/* ---- where only the device knows whether there is a step ---- */

#ifndef ON_DEVICE      /* a call's list has no counts there */
enum { COUNTED = 70 }; /* more than a launch carries */

static void assert_counted_steps(const rule *r, tr_dtype type)
{
    static kernel_optim_item items[2][COUNTED];
    int64_t counts[COUNTED];
    double skip = 0;
    for (int a = 0; a < ARRAYS; a++) {
        for (int64_t i = 0; i < ROOM; i++) core_element_set(memory[0][a], type, i, a >= 1 && a <= 3 ? fabs(next_number()) : next_number());
        memcpy(memory[1][a], memory[0][a], sizeof memory[0][a]);
    }
    for (int i = 0; i < COUNTED; i++) counts[i] = i % 3; /* so far */
    int64_t taken = 0;
    for (int step = 0; step < 5; step++) {
        skip = step % 2 ? 1 : 0;
        taken += skip == 0;
        for (int64_t i = 0, from = 1; i < COUNTED; i++) {
            int64_t n = i % 5 == 4 ? 0 : 7 * i + 1, want = i % 3 + taken;
            items[0][i] = item_at(0, r, type, from, n, -1);
            items[0][i].count = &counts[i];
            items[1][i] = item_at(1, r, type, from, n, want);
            from += n;
        }
        kernel_call call = {.kernel = (uint16_t)r->kernel, .type = (uint8_t)type, .flags = r->flags, .n = COUNTED, .at = {items[0], &skip}};
        memcpy(call.number, r->number, sizeof call.number);
        fibres_order = step % FIBRES_ORDERS;
        assert_int_equal(on_gpu[r->kernel][type](&call), 0);
        call.at[0] = items[1];
        assert_int_equal(on_cpu[r->kernel][type](&call), 0);
        for (int i = 0; i < COUNTED; i++) assert_int_equal(counts[i], i % 3 + taken);
    }
    for (int a = 0; a < ARRAYS; a++) assert_memory_equal(memory[0][a], memory[1][a], sizeof memory[0][a]);
}

TEST(steps_that_the_device_counts_are_the_cpus_and_skipped_ones_change_nothing)
{
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++)
        for (tr_dtype type = TR_FLOAT32; type <= TR_FLOAT64; type++) assert_counted_steps(&rules[r], type);
}
#endif
