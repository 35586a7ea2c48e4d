/* The bits that a CUDA device gives are the CPU's: every row and its derivative, arithmetic of two operands, random numbers,
 * over inputs of every kind.  Rows whose function CUDA and libm bring, each its own, are near. */
#include <math.h>
#include <string.h>
#include "on_played.h"

enum { NUMBERS = 1 << 16 };

/* Every bit pattern of a half type; of float32 one of every high half, with low bits of all sorts. */
static tr_tensor *every_kind(tr_dtype type)
{
    static uint32_t wide[NUMBERS];
    static uint16_t narrow[NUMBERS];
    for (uint32_t i = 0; i < NUMBERS; i++) {
        narrow[i] = (uint16_t)i;
        wide[i] = i << 16 | (i * 40503u & 0xffff);
    }
    return tr_from_data(type == TR_FLOAT32 ? (void *)wide : narrow, type, TR_SHAPE(NUMBERS));
}

static bool same(float a, float b, bool near)
{
    if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
    uint32_t bits_a, bits_b;
    memcpy(&bits_a, &a, sizeof a);
    memcpy(&bits_b, &b, sizeof b);
    return bits_a == bits_b || (near && fabsf(a - b) <= 1e-5f * fmaxf(1, fabsf(b)));
}

static void assert_same(const char *name, tr_tensor *x, tr_tensor *here, tr_tensor *there, bool near)
{
    static float want[NUMBERS], got[NUMBERS], of[NUMBERS];
    assert_int_equal(tr_numel(here), NUMBERS);
    assert_int_equal(tr_to_data(x, TR_FLOAT32, of), 0);
    assert_int_equal(tr_to_data(here, TR_FLOAT32, want), 0);
    assert_int_equal(tr_to_data(there, TR_FLOAT32, got), 0);
    for (int i = 0; i < NUMBERS; i++)
        if (!same(got[i], want[i], near))
            fail_msg("%s of %s %a: %a, not %a", name, tr_dtype_name(tr_dtype_of(x)), (double)of[i], (double)got[i], (double)want[i]);
}

typedef tr_tensor *function(tr_tensor *x);

/* f and its derivative, dy being x from its other end. */
static void check(const char *name, function *f, tr_dtype type, bool near)
{
    TR_SCOPE;
    tr_tensor *x = tr_requires_grad_(every_kind(type), true), *dy = tr_flip(tr_detach(x), TR_SHAPE(0));
    tr_tensor *there = tr_requires_grad_(tr_to_device(tr_detach(x), tr_cuda(0)), true);
    tr_tensor *y = f(x), *z = f(there);
    assert_same(name, tr_detach(x), tr_detach(y), tr_detach(z), near);
    assert_int_equal(tr_backward(y, .gradient = dy), 0);
    assert_int_equal(tr_backward(z, .gradient = tr_to_device(dy, tr_cuda(0))), 0);
    assert_same(name, tr_detach(x), tr_grad(x), tr_grad(there), near);
}

static bool is_of(const char *const *names, const char *name)
{
    while (*names && strcmp(*names, name) != 0) names++;
    return *names != NULL;
}

static void check_rows(tr_dtype type)
{
    static const char *const brought[] = {"tan", "log2", "log10", "sin", "cos", NULL}; /* the last two beyond 2^20 */
#define ROW(name, ...) check(#name, (tr_##name), type, is_of(brought, #name) && !played.count);
#include "../../../kernels/pointwise.def"
#undef ROW
}

TEST(every_row_and_derivative_of_float32_has_the_cpus_bits) { check_rows(TR_FLOAT32); }
TEST(every_row_and_derivative_of_float16_has_the_cpus_bits) { check_rows(TR_FLOAT16); }
TEST(every_row_and_derivative_of_bfloat16_has_the_cpus_bits) { check_rows(TR_BFLOAT16); }

TEST(arithmetic_of_two_operands_has_the_cpus_bits)
{
    static const struct {
        const char *name;
        tr_tensor *(*f)(tr_tensor *a, tr_tensor *b);
    } functions[] = {{"add", (tr_add)}, {"sub", (tr_sub)}, {"mul", (tr_mul)}, {"div", (tr_div)}, {"maximum", (tr_maximum)}, {"minimum", (tr_minimum)}, {"fmod", (tr_fmod)}, {"remainder", (tr_remainder)}};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        for (int turn = 0; turn < 3; turn++) {
            TR_SCOPE;
            tr_tensor *a = every_kind(TR_FLOAT32), *b = turn == 0 ? tr_flip(a, TR_SHAPE(0)) : tr_roll(a, turn * 77, 0);
            tr_tensor *there = functions[i].f(tr_to_device(a, tr_cuda(0)), tr_to_device(b, tr_cuda(0)));
            assert_same(functions[i].name, a, functions[i].f(a, b), there, false);
        }
}

TEST(counted_random_numbers_have_the_cpus_bits)
{
    TR_SCOPE;
    for (int normal = 0; normal < 2; normal++) {
        tr_tensor *drawn[2];
        for (int i = 0; i < 2; i++) {
            tr_generator *g = tr_generator_new(TR_PHILOX, 7);
            tr_tensor *t = tr_empty(TR_SHAPE(NUMBERS), .device = i ? tr_cuda(0) : tr_cpu());
            drawn[i] = normal ? tr_normal_(t, 1, 2, g) : tr_uniform_(t, -1, 3, g);
        }
        assert_same(normal ? "normal" : "uniform", drawn[0], drawn[0], drawn[1], false);
    }
}

TEST(dropout_leaves_what_it_leaves_on_the_cpu)
{
    TR_SCOPE;
    tr_tensor *x = tr_rand(TR_SHAPE(NUMBERS)), *here = tr_dropout(x, 0.3, tr_generator_new(TR_PHILOX, 3));
    assert_same("dropout", x, here, tr_dropout(tr_to_device(x, tr_cuda(0)), 0.3, tr_generator_new(TR_PHILOX, 3)), false);
}
