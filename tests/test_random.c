/* Random numbers against PyTorch's: tests/golden/random.txt, whose script says how a case is written. */
#include "test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <trireme/ops.h>
#include "core/philox.h"
#include "core/random.h"
#include "core/tensor.h"

enum { LINE_ROOM = 1 << 14 };

static tr_dtype dtype_named(const char *name)
{
    for (int d = TR_BOOL; d < TR_DTYPES; d++)
        if (strcmp(tr_dtype_name((tr_dtype)d), name) == 0) return (tr_dtype)d;
    fail_msg("no type %s", name);
    return TR_DEFAULT_DTYPE;
}

static tr_tensor *draw(const char *op, tr_dtype dtype, int64_t n, const char *a_text, const char *b_text)
{
    double a = atof(a_text), b = atof(b_text);
    if (strcmp(op, "uniform") == 0) return tr_uniform_(tr_empty(TR_SHAPE(n), .dtype = dtype), a, b, NULL);
    if (strcmp(op, "normal") == 0) return tr_normal_(tr_empty(TR_SHAPE(n), .dtype = dtype), a, b, NULL);
    if (strcmp(op, "randint") == 0) {
        long long low = atoll(a_text);
        return tr_randint(low, atoll(b_text), TR_SHAPE(n), .dtype = dtype);
    }
    if (strcmp(op, "randperm") == 0) return tr_randperm(n);
    if (strcmp(op, "random") == 0) {
        tr_tensor *t = tr_empty(TR_SHAPE(n), .dtype = TR_INT64);
        for (int64_t i = 0; i < n; i++) ((int64_t *)tr_data(t))[i] = core_draw_seed(tr_default_generator());
        return t;
    }
    tr_shape shape = TR_SHAPE((int64_t)a, (int64_t)b);
    tr_tensor *t = core_tensor_alias(tr_empty(TR_SHAPE(n), .dtype = dtype), &shape, (int64_t[]){1, (int64_t)a}, 0, "test");
    return strcmp(op, "uniform_t") == 0 ? tr_uniform_(t, 0, 1, NULL) : tr_normal_(t, 0, 1, NULL);
}

/* All bits, but where the C library's functions stand between: the last one of float64, and PyTorch's own vectorised
 * float32 ones. */
static bool agrees(const char *op, tr_dtype dtype, int64_t n, double got, double want)
{
    if (strncmp(op, "normal", 6) != 0) return got == want;
    if (dtype == TR_FLOAT32 && n >= 16) return fabs(got - want) <= 3e-7 * fmax(1, fabs(want));
    return fabs(got - want) <= 1e-14 * fmax(1, fabs(want));
}

TEST(the_numbers_are_pytorchs)
{
    static char line[LINE_ROOM];
    FILE *file = fopen(TEST_DIR "/golden/random.txt", "r");
    assert_non_null(file);
    int cases = 0;
    for (int number = 1; fgets(line, LINE_ROOM, file); number++) {
        char op[16], type[16], a[32], b[32];
        long long n;
        if (*line == '#') continue;
        if (strncmp(line, "seed ", 5) == 0) {
            assert_int_equal(tr_manual_seed(strtoull(line + 5, NULL, 10)), 0);
            continue;
        }
        TR_SCOPE;
        assert_int_equal(sscanf(line, "%15s %15s %lld %31s %31s", op, type, &n, a, b), 5);
        tr_dtype dtype = dtype_named(type);
        tr_tensor *t = draw(op, dtype, n, a, b);
        assert_non_null(t);
        assert_int_equal(tr_numel(t), n);
        assert_dtype(t, dtype);
        assert_non_null(fgets(line, LINE_ROOM, file));
        number++;
        char *at = line;
        for (int64_t i = 0; i < n; i++) {
            if (dtype == TR_INT64) { /* exact, beyond what a double holds */
                assert_int_equal(((int64_t *)tr_data(t))[i], strtoll(at, &at, 10));
                continue;
            }
            double want = strtod(at, &at), got = tr_get(t, i);
            if (!agrees(op, dtype, n, got, want)) fail_msg("random.txt:%d: %s %s: number %lld is %.17g, not %.17g", number, op, type, (long long)i, got, want);
        }
        cases++;
    }
    fclose(file);
    assert_true(cases > 300);
}

TEST(the_best_known_seeds_give_the_best_known_numbers)
{
    tr_manual_seed(0);
    assert_close(tr_rand(TR_SHAPE(4)), row(0.49625659, 0.76822180, 0.08847743, 0.13203049), 1e-8);
    tr_manual_seed(0);
    assert_close(tr_randn(TR_SHAPE(4)), row(1.5409961, -0.2934289, -2.1787894, 0.5684313), 1e-7);
    tr_manual_seed(0);
    assert_close(tr_randperm(10), row(4, 1, 7, 5, 3, 9, 0, 8, 6, 2), 0);
    tr_manual_seed(42);
    assert_close(tr_randn(TR_SHAPE(4)), row(0.3366904, 0.1288094, 0.2344624, 0.2303330), 1e-7);
}

TEST(the_mersenne_twister_is_the_published_one)
{
    tr_generator *g = tr_generator_new(TR_MT19937, 5489);
    uint32_t last = 0;
    for (int i = 0; i < 10000; i++) last = tr_random_u32(g);
    assert_int_equal(last, 4123659995u); /* the C++ standard's [rand.predef] */
}

/* Words are made as they are needed; who looks at all of them finds what the published program has by then. */
TEST(the_twister_stands_where_it_would_have_made_all_its_words_at_once)
{
    enum { N = CORE_MT_WORDS,
           NUMBERS = 3 * N };
    uint32_t word[N] = {7};
    for (uint32_t i = 1; i < N; i++) word[i] = 1812433253u * (word[i - 1] ^ word[i - 1] >> 30) + i;
    core_mt19937 mt;
    core_mt_seed(&mt, 7);
    for (int drawn = 0; drawn <= NUMBERS; drawn++) {
        if (drawn) core_mt_draw(&mt);
        for (int i = 0; drawn % N == 1 && i < N; i++) {
            uint32_t both = (word[i] & 0x80000000u) | (word[(i + 1) % N] & 0x7fffffffu);
            word[i] = word[(i + 397) % N] ^ both >> 1 ^ (both & 1 ? 0x9908b0dfu : 0);
        }
        core_mt19937 whole = mt;
        core_mt_complete(&whole);
        assert_memory_equal(whole.word, word, sizeof word);
        assert_int_equal(whole.next, drawn ? (drawn - 1) % N + 1 : N);
    }
}

TEST(philox_is_the_published_one)
{
    static const struct {
        core_philox_words counter;
        uint32_t key[2], word[4];
    } known[] = {
        {{{0}}, {0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{{~0u, ~0u, ~0u, ~0u}}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, {0xa4093822, 0x299f31d0}, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}};
    for (int i = 0; i < 3; i++) {
        core_philox_words words = core_philox_cipher(known[i].counter, known[i].key[0], known[i].key[1]);
        assert_memory_equal(words.word, known[i].word, sizeof words.word);
    }
    tr_generator *g = tr_generator_new(TR_PHILOX, 0);
    for (int i = 0; i < 4; i++) assert_int_equal(tr_random_u32(g), known[0].word[i]);
}

TEST(the_default_generator_starts_as_pytorchs)
{
    tr_generator *g = tr_default_generator();
    assert_ptr_equal(g, tr_default_generator());
    tr_finish();
    assert_int_equal(tr_initial_seed(tr_default_generator()), 67280421310721);
    tr_manual_seed(7);
    assert_int_equal(tr_initial_seed(tr_default_generator()), 7);
}

TEST(the_same_seed_gives_the_same_numbers)
{
    tr_manual_seed(3);
    tr_tensor *a = tr_randn(TR_SHAPE(5));
    tr_manual_seed(3); /* forgets the partner of the fifth */
    assert_close(tr_randn(TR_SHAPE(5)), a, 0);
}

TEST(a_generator_that_is_passed_is_the_one_that_moves)
{
    tr_generator *g = tr_generator_new(TR_MT19937, 0);
    tr_manual_seed(0);
    tr_tensor *other = tr_rand(TR_SHAPE(3), .generator = g), *ours = tr_rand(TR_SHAPE(3));
    assert_close(ours, other, 0);
    tr_tensor *order = tr_randperm(20, .generator = g), *whole = tr_randint(0, 100, TR_SHAPE(5), .generator = g);
    tr_tensor *u = tr_uniform_(tr_empty(TR_SHAPE(5)), 1, 2, g), *n = tr_normal_(tr_empty(TR_SHAPE(5)), 1, 2, g);
    assert_close(order, tr_randperm(20), 0);
    assert_close(whole, tr_randint(0, 100, TR_SHAPE(5)), 0);
    assert_close(u, tr_uniform_(tr_empty(TR_SHAPE(5)), 1, 2, NULL), 0);
    assert_close(n, tr_normal_(tr_empty(TR_SHAPE(5)), 1, 2, NULL), 0);
}

TEST(a_kept_generator_outlives_its_scope)
{
    tr_generator *g;
    {
        TR_SCOPE;
        g = tr_generator_keep(tr_generator_new(TR_MT19937, 9));
    }
    assert_int_equal(tr_initial_seed(g), 9);
    tr_generator_drop(g);
    tr_generator_drop(NULL);
}

TEST(options_are_heeded)
{
    assert_true(tr_requires_grad(tr_randn(TR_SHAPE(2), .requires_grad = true)));
    assert_dtype(tr_rand(TR_SHAPE(2), .dtype = TR_FLOAT64), TR_FLOAT64);
    assert_dtype(tr_randperm(3, .dtype = TR_FLOAT32), TR_FLOAT32);
    assert_shape(tr_rand(TR_SHAPE()));
    assert_shape(tr_rand(TR_SHAPE(0, 3)), 0, 3);
    assert_shape(tr_randint(0, 2, TR_SHAPE(2, 0)), 2, 0);
}

TEST(complex_numbers_are_pairs_of_half_the_variance)
{
    tr_manual_seed(0);
    tr_tensor *pairs = tr_randn(TR_SHAPE(8), .dtype = TR_FLOAT64);
    tr_manual_seed(0);
    const double *z = tr_data(tr_randn(TR_SHAPE(4), .dtype = TR_COMPLEX128));
    for (int64_t i = 0; i < 8; i++) assert_true(fabs(z[i] - tr_get(pairs, i) / sqrt(2)) < 1e-15);
}

TEST(what_makes_no_sense_is_refused_and_draws_nothing)
{
    tr_generator *g = tr_default_generator();
    uint8_t before[TR_GENERATOR_STATE_BYTES], after[TR_GENERATOR_STATE_BYTES];
    tr_generator_save(g, before);
    assert_null(tr_rand(TR_SHAPE(2), .dtype = TR_INT64));
    assert_error_says("int64");
    assert_null(tr_randn(TR_SHAPE(-2)));
    assert_error_says("negative");
    assert_null(tr_randint(3, 3, TR_SHAPE(2)));
    assert_error_says("3");
    assert_null(tr_randint(0, 257, TR_SHAPE(2), .dtype = TR_UINT8));
    assert_error_says("uint8");
    assert_null(tr_randint(-1, 2, TR_SHAPE(2), .dtype = TR_BOOL));
    assert_error_says("bool");
    assert_null(tr_randint(0, 2, TR_SHAPE(2), .dtype = TR_COMPLEX64));
    assert_error_says("complex64");
    assert_null(tr_randperm(-1));
    assert_error_says("-1");
    assert_null(tr_randperm(258, .dtype = TR_BFLOAT16));
    assert_error_says("bfloat16");
    assert_null(tr_uniform_(tr_zeros(TR_SHAPE(2)), 2, 1, NULL));
    assert_error_says("low 2 and high 1");
    assert_null(tr_uniform_(tr_zeros(TR_SHAPE(2), .dtype = TR_FLOAT16), 0, 1e6, NULL));
    assert_error_says("1e+06");
    assert_null(tr_uniform_(tr_zeros(TR_SHAPE(2), .dtype = TR_INT32), 0, 1, NULL));
    assert_error_says("int32");
    assert_null(tr_normal_(tr_zeros(TR_SHAPE(2)), 0, (double)NAN, NULL));
    assert_error_says("nan");
    assert_null(tr_normal_(NULL, 0, 1, NULL));
    assert_error_says("NULL");
    assert_null(tr_generator_new((tr_generator_kind)7, 0));
    assert_error_says("7");
    assert_int_equal(tr_random_u32(NULL), 0);
    assert_error_says("NULL");
    tr_generator_save(g, after);
    assert_memory_equal(before, after, sizeof before);
}

/* ---- counted ---- */

TEST(counted_numbers_depend_on_their_place_alone)
{
    tr_generator *g = tr_generator_new(TR_PHILOX, 5);
    tr_tensor *all = tr_rand(TR_SHAPE(100), .generator = g);
    tr_seed(g, 5);
    tr_tensor *first = tr_rand(TR_SHAPE(37), .generator = g), *rest = tr_rand(TR_SHAPE(63), .generator = g);
    for (int64_t i = 0; i < 100; i++) assert_true(tr_get(all, i) == (i < 37 ? tr_get(first, i) : tr_get(rest, i - 37)));

    tr_seed(g, 5);
    tr_shape shape = TR_SHAPE(10, 10);
    tr_tensor *columns = core_tensor_alias(tr_empty(TR_SHAPE(100)), &shape, (int64_t[]){1, 10}, 0, "test");
    assert_non_null(tr_uniform_(columns, 0, 1, g));
    for (int64_t i = 0; i < 100; i++) assert_true(tr_get(all, i) == tr_get(columns, i));

    double mean = 0, square = 0;
    tr_tensor *normal = tr_randn(TR_SHAPE(10000), .generator = g);
    for (int64_t i = 0; i < 10000; i++) {
        double x = tr_get(normal, i);
        mean += x / 10000;
        square += x * x / 10000;
    }
    assert_true(fabs(mean) < 0.05 && fabs(square - 1) < 0.07);
}

TEST(no_counted_word_serves_twice)
{
    tr_generator *g = tr_generator_new(TR_PHILOX, 5);
    assert_non_null(tr_rand(TR_SHAPE(3), .generator = g));
    assert_int_equal(g->offset, 3);
    assert_non_null(tr_randn(TR_SHAPE(3), .generator = g)); /* pairs: words 4 to 7 */
    assert_int_equal(g->offset, 8);
    tr_random_u32(g);
    assert_non_null(tr_rand(TR_SHAPE(3), .dtype = TR_FLOAT64, .generator = g)); /* two words each: 10 to 15 */
    assert_int_equal(g->offset, 16);
    assert_non_null(tr_randn(TR_SHAPE(1), .dtype = TR_FLOAT64, .generator = g));
    assert_int_equal(g->offset, 20);
}

TEST(filling_in_place_minds_memory_and_graph)
{
    tr_shape shape = TR_SHAPE(3, 4);
    tr_tensor *expanded = core_tensor_alias(tr_zeros(TR_SHAPE(4)), &shape, (int64_t[]){0, 1}, 0, "test");
    assert_null(tr_uniform_(expanded, 0, 1, NULL));
    assert_error_says("expanded");
    tr_tensor *leaf = tr_zeros(TR_SHAPE(4), .requires_grad = true);
    assert_null(tr_normal_(leaf, 0, 1, NULL));
    assert_error_says("leaf");
    uint32_t version = expanded->storage->version;
    assert_non_null(tr_uniform_(core_tensor_alias(expanded, &(tr_shape){1, {4}}, (int64_t[]){1}, 0, "test"), 0, 1, NULL));
    assert_int_equal(expanded->storage->version, version + 1);
}
