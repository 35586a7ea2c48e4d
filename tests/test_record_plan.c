/* What a recording plans: where memory is used again, and which calls are left out or joined. */
#include "recorded.h"

/* ---- memory ---- */

TEST(a_replay_takes_no_memory)
{
    problem p = make_problem(2, 64);
    tr_recording *recording = recorded(&p);
    for (int i = 0; i < 2; i++) assert_int_equal(tr_replay(recording), 0);
    tr_memory_stats before = tr_memory(harness_device());
    for (int i = 0; i < 10; i++) assert_int_equal(tr_replay(recording), 0);
    tr_memory_stats after = tr_memory(harness_device());
    assert_int_equal(after.system_requests, before.system_requests);
    assert_int_equal(after.allocated_bytes, before.allocated_bytes);
}

TEST(the_plan_is_near_the_least)
{
    problem p = make_problem(1, 1024);
    tr_recording *recording = recorded(&p);
    tr_recording_info info = tr_recording_info_of(recording);
    assert_true(info.planned_bytes >= info.live_bytes);
    assert_true((double)info.planned_bytes <= 1.1 * (double)info.live_bytes + 1024);
    assert_true(info.calls > 5);
}

/* One element of a dying input, read for every element of the output: the output may not stand in its place. */
TEST(an_element_read_again_and_again_keeps_its_place)
{
    enum { N = 100000 };
    tr_tensor *x = harness_there(tr_randn(TR_SHAPE(N))), *y;
    tr_recording *recording;
    assert_int_equal(tr_record(&recording, .inputs = TR_TENSORS(x), .separate = true), 0);
    {
        TR_SCOPE;
        tr_tensor *twice = tr_mul(x, 2), *scaled = tr_mul(x, tr_select(twice, 0, 0));
        y = tr_pass_up(tr_add(scaled, 1));
    }
    assert_int_equal(tr_record_end(), 0);
    const int64_t numbers = harness_device().type == TR_CPU ? 0 : 2 * 256; /* there a number stands in a block of its own */
    assert_int_equal(tr_recording_info_of(recording).live_bytes, 2 * N * (int64_t)sizeof(float) + numbers);
    tr_tensor *other = harness_there(tr_randn(TR_SHAPE(N)));
    assert_int_equal(tr_replay(recording, .inputs = TR_TENSORS(other)), 0);
    assert_same_bits(y, tr_add(tr_mul(other, tr_select(tr_mul(other, 2), 0, 0)), 1));
}

/* What one call writes, its neighbour reads one element further on: not block by block. */
TEST(shifted_views_run_one_after_the_other)
{
    enum { N = 4000 };
    tr_tensor *run = tr_zeros(TR_SHAPE(N + 1)), *replayed = tr_zeros(TR_SHAPE(N + 1)), *x = tr_randn(TR_SHAPE(N)), *y, *z;
    tr_recording *recording;
    assert_int_equal(tr_record(&recording, .inputs = TR_TENSORS(x)), 0);
    tr_copy_(tr_slice(replayed, 0, 0, N, 1), x);
    y = tr_mul(tr_slice(replayed, 0, 1, N + 1, 1), 2);
    z = tr_add(y, 1);
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(tr_recording_info_of(recording).joined, 2);
    tr_tensor *other = tr_randn(TR_SHAPE(N));
    assert_int_equal(tr_replay(recording, .inputs = TR_TENSORS(other)), 0);
    tr_copy_(tr_slice(run, 0, 0, N, 1), other);
    assert_same_bits(y, tr_mul(tr_slice(run, 0, 1, N + 1, 1), 2));
    assert_same_bits(z, tr_add(y, 1));
}

/* ---- what replays do without ---- */

TEST(what_nobody_reads_is_not_computed)
{
    tr_tensor *x = tr_randn(TR_SHAPE(50)), *total = tr_zeros(TR_SHAPE(50)), *y;
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    {
        TR_SCOPE;
        tr_sum(tr_exp(tr_mul(x, x))); /* nobody's */
        tr_fill_(total, 7);           /* overwritten before it is read */
        tr_copy_(total, x);
        y = tr_pass_up(tr_exp(total));
    }
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(calls_of(recording), 2);
    tr_fill_(x, 0.5);
    tr_zero_(total);
    assert_int_equal(tr_replay(recording), 0);
    assert_same_bits(total, x);
    assert_same_bits(y, tr_exp(x));
}

TEST(what_is_made_of_numbers_alone_is_made_once)
{
    tr_tensor *x = tr_full(TR_SHAPE(), 3.0, .requires_grad = true), *two = tr_full(TR_SHAPE(), 2.0);
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    {
        TR_SCOPE;
        tr_tensor *f = tr_add(tr_sub(tr_mul(two, tr_pow(x, 2)), tr_mul(5, x)), 1);
        assert_int_equal(tr_backward(f), 0);
    }
    assert_int_equal(tr_record_end(), 0);
    assert_true(tr_item(tr_grad(x)) == 4 * 3 - 5);
    assert_true(calls_of(recording) <= 4); /* the seed and -5 are there; 1 * two is not: the program may change it */
    tr_fill_(two, 7);
    {
        TR_NO_GRAD;
        tr_fill_(x, 4);
    }
    for (int i = 0; i < 3; i++) {
        tr_zero_(tr_grad(x));
        assert_int_equal(tr_replay(recording), 0);
        assert_true(tr_item(tr_grad(x)) == 14 * 4 - 5);
    }
}

TEST(what_may_end_with_an_error_is_computed_though_nobody_reads_it)
{
    tr_tensor *x = tr_randn(TR_SHAPE(4)), *index = tr_zeros(TR_SHAPE(2), .dtype = TR_INT64), *far = tr_full(TR_SHAPE(2), 4, .dtype = TR_INT64);
    tr_recording *recording;
    assert_int_equal(tr_record(&recording, .inputs = TR_TENSORS(index)), 0);
    {
        TR_SCOPE;
        tr_exp(tr_index_select(x, 0, index));
    }
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(calls_of(recording), 1);
    assert_int_equal(tr_replay(recording), 0);
    assert_int_equal(tr_replay(recording, .inputs = TR_TENSORS(far)), -1);
    assert_error_says("4");
}

static float met;
static int meet(void *data)
{
    met = *(float *)data;
    return 0;
}

TEST(own_calls_read_what_the_program_holds)
{
    tr_tensor *x = tr_zeros(TR_SHAPE(2));
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    tr_fill_(x, 5); /* overwritten in the end, but read in between */
    assert_int_equal(tr_record_call(meet, tr_data(x)), 0);
    tr_fill_(x, 0);
    assert_int_equal(tr_record_end(), 0);
    met = 0;
    assert_int_equal(tr_replay(recording), 0);
    assert_true(met == 5);
    assert_true(tr_item(tr_select(x, 0, 1)) == 0);
}

/* Of a constant of the program's only a part is written: the rest is the same in every replay. */
TEST(constants_may_be_written_in_part)
{
    const float values[4] = {1, 2, 3, 4}, wanted[4] = {3, 3, 9, 12};
    tr_tensor *sum = tr_zeros(TR_SHAPE(4)), *first = tr_ones(TR_SHAPE(2));
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    {
        TR_SCOPE;
        tr_tensor *x = tr_from_data(values, TR_FLOAT32, TR_SHAPE(4));
        tr_copy_(tr_narrow(x, 0, 0, 2), first);
        tr_add_(sum, x);
        tr_copy_(sum, tr_div(tr_mul(sum, 2), 2)); /* the product takes the place of whatever is gone */
    }
    assert_int_equal(tr_record_end(), 0);
    for (int i = 0; i < 2; i++) assert_int_equal(tr_replay(recording), 0);
    assert_close(sum, tr_from_data(wanted, TR_FLOAT32, TR_SHAPE(4)), 0);
}

/* Numbers that the program wrote are there again in every replay, whatever the step has made of them. */
TEST(constants_may_be_changed_in_place)
{
    const float values[3] = {1, 2, 3}, wanted[3] = {2, 4, 6};
    tr_tensor *x = tr_ones(TR_SHAPE(3)), *sum = tr_zeros(TR_SHAPE()), *out = tr_zeros(TR_SHAPE(3)), *kept;
    tr_recording *recording;
    assert_int_equal(tr_record(&recording), 0);
    {
        TR_SCOPE;
        tr_tensor *total = tr_tensor_of(0.5f), *row = tr_from_data(values, TR_FLOAT32, TR_SHAPE(3)), *same = tr_from_data(values, TR_FLOAT32, TR_SHAPE(3));
        for (int i = 0; i < 3; i++) tr_add_(total, tr_sum(x));
        tr_copy_(sum, total);
        tr_add_(row, tr_mul(same, x));
        tr_copy_(out, row);
        kept = tr_pass_up(tr_from_data(values, TR_FLOAT32, TR_SHAPE(3)));
    }
    assert_int_equal(tr_record_end(), 0);
    assert_int_equal(calls_of(recording), 13); /* not a copy for what stays as it is and is not seen */
    tr_zero_(kept);
    for (int i = 0; i < 3; i++) assert_int_equal(tr_replay(recording), 0);
    assert_true(tr_item(sum) == 9.5);
    assert_close(out, tr_from_data(wanted, TR_FLOAT32, TR_SHAPE(3)), 0);
    assert_close(kept, tr_from_data(values, TR_FLOAT32, TR_SHAPE(3)), 0);
}
