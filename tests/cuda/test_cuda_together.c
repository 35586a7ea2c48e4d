/* Little calls that one block does one after the other: the bits of a launch each, whatever they read of each other. */
#include "on_fibres.h"

#include <stdlib.h>
#include <trireme/ops.h>

enum { ARRAYS = 6,
       ROOM = 5600,
       CALLS = 40,
       PROGRAMS = 60 };

/* Twice the same numbers: calls are done together in the first, one by one in the second. */
static _Alignas(64) float memory[2][ARRAYS][ROOM];
static kernel_optim_item items[2][CALLS][2];

static int below(int n) { return (int)(next_bits() % (uint64_t)n); }

static float *array(int a) { return memory[0][a]; }
static void *other_side(void *at)
{
    const char *place = at, *begin = (const char *)memory[0];
    return place >= begin && place < begin + sizeof memory[0] ? (char *)memory[1] + (place - begin) : at;
}

static void fill_memory(void)
{
    for (int a = 0; a < ARRAYS; a++)
        for (int i = 0; i < ROOM; i++) memory[0][a][i] = memory[1][a][i] = (float)(2 * next_number());
}

/* ---- calls of every kind; the output stands in an array of its own, or in place of an operand ---- */

static int longer; /* the one length of a program's calls that are not little */

static int some_length(void)
{
    static const int length[] = {1, 2, 31, 33, 100, 255, 256, 257, 1023, 1025, 2047, 2048};
    return below(2) ? longer : length[below(12)];
}

/* Elsewhere than `a`, at any place from which n elements are left. */
static float *not_in(int a, int n) { return array((a + 1 + below(ARRAYS - 1)) % ARRAYS) + below(ROOM - n + 1); }

static kernel_call elements(void)
{
    static const int plain[] = {KERNEL_ADD, KERNEL_SUB, KERNEL_MUL, KERNEL_DIV, KERNEL_POW, KERNEL_POW_BACKWARD, KERNEL_MAXIMUM, KERNEL_MINIMUM, KERNEL_FILL, KERNEL_COPY};
    const int n = some_length(), a = below(ARRAYS), kernel = below(2) ? plain[below(10)] : below(KERNEL_ADD);
    kernel_call call = {.kernel = (uint16_t)kernel, .type = TR_FLOAT32, .n = n, .number = {0.25}};
    float *out = array(a) + below(ROOM - n + 1);
    call.at[0] = out;
    for (int v = 1; v < KERNEL_VIEWS && kernel != KERNEL_FILL; v++) {
        const bool repeated = below(3) == 0 || (kernel == KERNEL_POW_BACKWARD && v == 3); /* there is one exponent */
        call.ones |= (uint8_t)(repeated << v);
        call.at[v] = !repeated && below(3) == 0 ? out : not_in(a, n);
    }
    return call;
}

/* A matrix, turned, and a row that is repeated. */
static kernel_call strided(void)
{
    const int rows = 1 + below(40), columns = 1 + below(40), a = below(ARRAYS), n = rows * columns;
    kernel_call call = {.kernel = KERNEL_SUB, .type = TR_FLOAT32, .form = KERNEL_STRIDED, .ndim = 2, .n = n, .size = {rows, columns}};
    call.at[0] = array(a) + below(ROOM - n + 1), call.at[1] = not_in(a, n), call.at[2] = not_in(a, n);
    call.stride[0][0] = columns, call.stride[0][1] = 1;
    call.stride[1][0] = 1, call.stride[1][1] = rows;
    call.stride[2][0] = 0, call.stride[2][1] = 1;
    return call;
}

/* Any bits, of elements of 2, 4 or 8 bytes. */
static kernel_call move(void)
{
    static const tr_dtype type[] = {TR_BFLOAT16, TR_INT32, TR_INT64};
    const int t = below(3), n = 1 + below(900), floats = 2 * n, a = below(ARRAYS);
    kernel_call call = {.kernel = KERNEL_COPY, .type = (uint8_t)type[t], .from = (uint8_t)type[t], .n = n};
    call.at[0] = array(a) + below(ROOM - floats + 1) / 2 * 2, call.at[1] = array((a + 1) % ARRAYS) + 2 * below(100);
    return call;
}

/* From float32 to a half type or back, of any length; more than one often stand together. */
static kernel_call cast(void)
{
    static const tr_dtype half[] = {TR_BFLOAT16, TR_FLOAT16};
    const int n = some_length(), a = below(ARRAYS), floats = n;
    const tr_dtype narrow = half[below(2)];
    const bool narrows = below(2);
    kernel_call call = {.kernel = KERNEL_COPY, .type = (uint8_t)(narrows ? narrow : TR_FLOAT32), .from = (uint8_t)(narrows ? TR_FLOAT32 : narrow), .n = n};
    call.at[0] = array(a) + below(ROOM - floats + 1), call.at[1] = not_in(a, floats);
    if (below(3) == 0) call.at[narrows ? 0 : 1] = (char *)call.at[narrows ? 0 : 1] + 2; /* half a float further */
    return call;
}

static kernel_call sum(void)
{
    const int outputs = 1 + below(20), reduced = 1 + below(120), a = below(ARRAYS);
    const bool columns = below(2);
    kernel_call call = {.kernel = KERNEL_SUM, .type = TR_FLOAT32, .n = outputs, .ndim = 2, .split = 1, .size = {outputs, reduced}, .number = {below(2) ? 1 : reduced}};
    call.at[0] = array(a) + below(ROOM - outputs + 1), call.at[1] = not_in(a, outputs * reduced);
    call.stride[0][0] = 1;
    call.stride[1][0] = columns ? 1 : reduced, call.stride[1][1] = columns ? outputs : 1;
    return call;
}

static kernel_call product(void)
{
    const int m = below(3) ? 1 + below(34) : 1, n = below(3) ? 1 + below(34) : 1, k = 1 + below(m > 1 && n > 1 ? 50 : 70), a = below(ARRAYS);
    kernel_call call = {.kernel = KERNEL_GEMM, .type = TR_FLOAT32, .n = m * n, .size = {1, m, n, k}, .number = {1, below(2) ? 0 : 0.5}};
    call.at[0] = array(a) + below(ROOM - m * n + 1), call.at[1] = not_in(a, m * k), call.at[2] = not_in(a, n * k);
    if (below(2)) call.kernel = KERNEL_GEMM_BIAS, call.at[3] = not_in(a, n);
    const bool turned = below(2);
    call.stride[0][1] = n, call.stride[0][2] = 1;
    call.stride[1][1] = turned ? 1 : k, call.stride[1][2] = turned ? m : 1;
    call.stride[2][1] = turned ? 1 : n, call.stride[2][2] = turned ? k : 1;
    return call;
}

static kernel_call softmax(void)
{
    static const int kernel[] = {KERNEL_SOFTMAX, KERNEL_LOG_SOFTMAX, KERNEL_SOFTMAX_BACKWARD, KERNEL_LOG_SOFTMAX_BACKWARD};
    const int rows = 1 + below(20), columns = 1 + below(130), n = rows * columns, a = below(ARRAYS);
    kernel_call call = {.kernel = (uint16_t)kernel[below(4)], .type = TR_FLOAT32, .n = n, .size = {rows, columns, 1}};
    call.at[0] = array(a) + below(ROOM - n + 1), call.at[1] = not_in(a, n), call.at[2] = not_in(a, n);
    return call;
}

/* The targets, which are nobody's output, are the same on both sides; the count is a place that nobody else writes. */
static kernel_call losses(int at)
{
    static int64_t target[CALLS][40], count[CALLS][2];
    const int samples = 1 + below(40), classes = 1 + below(20), a = below(ARRAYS), reduction = below(3);
    for (int i = 0; i < samples; i++) target[at][i] = below(5) ? below(classes) : -100;
    kernel_call call = {.kernel = KERNEL_NLL, .type = TR_FLOAT32, .n = reduction == TR_NONE ? samples : 1, .size = {samples, classes}, .number = {reduction}};
    call.at[0] = array(a), call.at[1] = count[at], call.at[2] = not_in(a, samples * classes), call.at[3] = target[at];
    if (below(2)) {
        call.kernel = KERNEL_NLL_BACKWARD, call.n = samples * classes;
        call.at[1] = not_in(a, samples), call.at[2] = count[at];
        count[at][0] = 3;
    }
    return call;
}

static kernel_call step(int at)
{
    const bool adam = below(2);
    kernel_call call = {.kernel = adam ? KERNEL_ADAM : KERNEL_SGD, .type = TR_FLOAT32, .n = 2, .at = {items[0][at]}, .number = {0.1, 0.9, adam ? 0.99 : 0, adam ? 1e-3 : 0.1, 0.1}};
    const bool states = adam || below(2);
    for (int i = 0; i < 2; i++) {
        const int n = 1 + below(600), first = below(ARRAYS), from = i * 1200;
        kernel_optim_item *item = &items[0][at][i];
        *item = (kernel_optim_item){.parameter = array(first) + from, .gradient = array((first + 1) % ARRAYS) + from, .n = n, .step = 1 + below(3)};
        if (states) item->state[0] = array((first + 2) % ARRAYS) + from;
        if (adam) item->state[1] = array((first + 3) % ARRAYS) + from;
    }
    return call;
}

static kernel_call any_call(int at)
{
    switch (below(15)) {
    case 0: return strided();
    case 8: return softmax();
    case 9: return losses(at);
    case 10: return move();
    case 11:
    case 12:
    case 13:
    case 14: return cast();
    case 1:
    case 2: return sum();
    case 3:
    case 4: return product();
    case 5: return step(at);
    default: return elements();
    }
}

/* ---- both sides ---- */

static int run_together(const kernel_call *calls, int n)
{
    const kernel_call *list[CALLS];
    for (int i = 0; i < n; i++) list[i] = &calls[i];
    return on_gpu[KERNEL_TOGETHER][TR_FLOAT32](&(kernel_call){.kernel = KERNEL_TOGETHER, .type = TR_FLOAT32, .n = n, .at = {list}});
}

static int run_alone(const kernel_call *call) { return on_gpu[call->kernel][call->type](call); }

static kernel_call on_other_side(const kernel_call *call, int at)
{
    kernel_call there = *call;
    if (call->kernel != KERNEL_SGD && call->kernel != KERNEL_ADAM) {
        for (int v = 0; v < KERNEL_VIEWS; v++) there.at[v] = other_side(call->at[v]);
        return there;
    }
    for (int i = 0; i < call->n; i++) {
        kernel_optim_item *item = &items[1][at][i];
        *item = items[0][at][i];
        item->parameter = other_side(item->parameter), item->gradient = other_side((void *)(uintptr_t)item->gradient);
        for (int s = 0; s < KERNEL_OPTIM_STATES; s++) item->state[s] = other_side(item->state[s]);
    }
    there.at[0] = items[1][at];
    return there;
}

static void assert_same_memory(int program)
{
    const float *a = memory[0][0], *b = memory[1][0];
    for (int i = 0; i < ARRAYS * ROOM; i++)
        if (!same_part((const char *)&a[i], (const char *)&b[i], TR_FLOAT32)) fail_msg("program %d: number %d is %a, not %a", program, i, (double)a[i], (double)b[i]);
}

TEST(calls_done_together_give_the_bits_of_a_launch_each)
{
    int joined = 0, all = 0;
    for (int program = 0; program < PROGRAMS; program++) {
        kernel_call calls[CALLS];
        fill_memory();
        longer = below(3) ? 2049 + below(400) : 5200 + below(100); /* or more than all threads at once */
        for (int i = 0; i < CALLS; i++) calls[i] = program % 2 ? elements() : any_call(i);
        fibres_order = program % FIBRES_ORDERS;
        for (int i = 0, done; i < CALLS; i += done ? done : 1) {
            done = run_together(calls + i, CALLS - i);
            assert_true(done >= 0 && done != 1 && done <= CALLS - i);
            if (done == 0) assert_int_equal(run_alone(&calls[i]), 0);
            joined += done, all += done ? done : 1;
        }
        for (int i = 0; i < CALLS; i++) {
            kernel_call there = on_other_side(&calls[i], i);
            assert_int_equal(run_alone(&there), 0);
        }
        assert_same_memory(program);
    }
    assert_true(joined > all / 2);
}

/* ---- what is little ---- */

static kernel_call addition(int n) { return (kernel_call){.kernel = KERNEL_ADD, .type = TR_FLOAT32, .n = n, .at = {array(0), array(1), array(2)}}; }

static kernel_call square_product(int n, int k)
{
    kernel_call call = {.kernel = KERNEL_GEMM, .type = TR_FLOAT32, .n = n * n, .size = {1, n, n, k}, .number = {1}, .at = {array(0), array(1), array(2)}};
    call.stride[0][1] = n, call.stride[1][1] = k, call.stride[2][1] = n;
    call.stride[0][2] = call.stride[1][2] = call.stride[2][2] = 1;
    return call;
}

TEST(calls_that_are_not_little_stand_alone)
{
    const kernel_call little = addition(2048), large = addition(2049);
    kernel_call twice = little;
    twice.type = TR_FLOAT64;
    const kernel_call others[] = {large, twice, square_product(33, 40), square_product(16, 2000)};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(run_together((const kernel_call[]){others[i], little}, 2), 0);
        assert_int_equal(run_together((const kernel_call[]){little, others[i], little}, 3), 0); /* one alone is no list */
        assert_int_equal(run_together((const kernel_call[]){little, little, others[i], little}, 4), 2);
    }
    assert_int_equal(run_together((const kernel_call[]){little, square_product(32, 256)}, 2), 2);
    assert_int_equal(run_together(NULL, 0), 0);
}

/* Of one length, and what one of them writes is the same array to the others, or none of theirs. */
TEST(longer_calls_of_elements_are_a_chain)
{
    enum { N = 2300 };
    kernel_call first = addition(N), then = {.kernel = KERNEL_exp, .type = TR_FLOAT32, .n = N, .at = {array(3), array(0)}};
    const kernel_call *calls[] = {&first, &then, &first};
    kernel_call all = {.kernel = KERNEL_TOGETHER, .type = TR_FLOAT32, .n = 3, .at = {calls}};
    kernel_fn *together = on_gpu[KERNEL_TOGETHER][TR_FLOAT32];
    fill_memory();
    assert_int_equal(together(&all), 3);
    then.at[1] = array(0) + 1; /* another thread's */
    assert_int_equal(together(&all), 0);
    then.at[1] = array(1), then.at[0] = array(2) + 1;
    assert_int_equal(together(&all), 0);
    then.at[0] = array(3), then.at[1] = array(0) + 7, then.ones = 2;
    assert_int_equal(together(&all), 0);
    then.at[1] = array(0) + N; /* the element behind its end */
    assert_int_equal(together(&all), 3);
    then = first, then.n = N - 1;
    assert_int_equal(together(&all), 0);
    then = first, then.form = KERNEL_STRIDED, then.ndim = 1, then.size[0] = N;
    assert_int_equal(together(&all), 0);
    then = first, then.type = TR_BFLOAT16;
    assert_int_equal(together(&all), 0);
}

/* Of any lengths, where none writes what another reads or writes. */
TEST(longer_casts_are_one_launch)
{
    enum { N = 2300 };
    kernel_call weight = {.kernel = KERNEL_COPY, .type = TR_BFLOAT16, .from = TR_FLOAT32, .n = N, .at = {array(0), array(1)}};
    kernel_call bias = {.kernel = KERNEL_COPY, .type = TR_BFLOAT16, .from = TR_FLOAT32, .n = 10, .at = {array(2), array(3)}};
    kernel_call back = {.kernel = KERNEL_COPY, .type = TR_FLOAT32, .from = TR_FLOAT16, .n = 5000, .at = {array(4), array(5)}};
    const kernel_call *calls[] = {&bias, &bias, &weight, &back};
    kernel_call all = {.kernel = KERNEL_TOGETHER, .type = TR_FLOAT32, .n = 4, .at = {calls}}, two = all;
    kernel_fn *together = on_gpu[KERNEL_TOGETHER][TR_FLOAT32];
    two.at[0] = calls + 2, two.n = 2;
    fill_memory();
    assert_int_equal(together(&two), 2);
    assert_int_equal(together(&all), 2); /* the same bias twice, by one block */
    calls[1] = &back, calls[2] = &weight, all.n = 3;
    assert_int_equal(together(&all), 3);
    back.at[1] = (char *)array(0) + 2 * N - 2; /* the last that the weight's writes */
    assert_int_equal(together(&two), 0);
    back.at[1] = (char *)array(0) + 2 * N;
    assert_int_equal(together(&two), 2);
    back.at[0] = array(1) + N - 1;
    assert_int_equal(together(&two), 0);
    back.at[0] = array(4), weight.ones = 2; /* one element for all */
    assert_int_equal(together(&two), 0);
    weight.ones = 0, back.from = TR_FLOAT64;
    assert_int_equal(together(&two), 0);
}

TEST(a_list_ends_where_a_launch_is_full)
{
    kernel_call calls[CALLS];
    for (int i = 0; i < CALLS; i++) calls[i] = square_product(4, 4);
    fill_memory();
    const int done = run_together(calls, CALLS);
    assert_true(done > 10 && done < CALLS);
}
