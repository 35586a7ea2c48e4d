/* The type of a result, by PyTorch's rules: bool < integer < floating < complex; of one category the wider; scalars raise
 * only the category. */
#include <stdint.h>
#include <trireme/ops.h>
#include "test.h"

/* torch.promote_types, for our types in the order of tr_dtype. */
static const tr_dtype lattice[10][10] = {
#define b  TR_BOOL
#define u  TR_UINT8
#define i  TR_INT32
#define l  TR_INT64
#define h  TR_FLOAT16
#define bf TR_BFLOAT16
#define f  TR_FLOAT32
#define d  TR_FLOAT64
#define c  TR_COMPLEX64
#define z  TR_COMPLEX128
    {b, u, i, l, h, bf, f, d, c, z},
    {u, u, i, l, h, bf, f, d, c, z},
    {i, i, i, l, h, bf, f, d, c, z},
    {l, l, l, l, h, bf, f, d, c, z},
    {h, h, h, h, h, f, f, d, c, z},
    {bf, bf, bf, bf, f, bf, f, d, c, z},
    {f, f, f, f, f, f, f, d, c, z},
    {d, d, d, d, d, d, d, d, z, z},
    {c, c, c, c, c, c, c, z, c, z},
    {z, z, z, z, z, z, z, z, z, z},
#undef b
#undef u
#undef i
#undef l
#undef h
#undef bf
#undef f
#undef d
#undef c
#undef z
};

static tr_tensor *ones(tr_dtype type) { return tr_ones(TR_SHAPE(2), .dtype = type); }
static tr_tensor *one(tr_dtype type) { return tr_ones(TR_SHAPE(), .dtype = type); }

TEST(dimensioned_operands_meet_on_pytorchs_lattice)
{
    for (int a = 0; a < 10; a++)
        for (int b = 0; b < 10; b++) {
            TR_SCOPE;
            tr_dtype x = (tr_dtype)(TR_BOOL + a), y = (tr_dtype)(TR_BOOL + b), meet = lattice[a][b];
            assert_int_equal(tr_promote_types(x, y), meet);
            tr_tensor *sum = tr_add(ones(x), ones(y));
            assert_dtype(sum, meet);
            assert_item(tr_select(sum, 0, 1), meet == TR_BOOL ? 1 : 2, 0);
            assert_dtype(tr_add(one(x), one(y)), meet); /* of scalars alone, the same */
            assert_dtype(tr_eq(ones(x), ones(y)), TR_BOOL);
        }
    assert_int_equal(tr_promote_types(TR_DEFAULT_DTYPE, TR_INT32), TR_DEFAULT_DTYPE);
    assert_int_equal(tr_promote_types(TR_FLOAT32, (tr_dtype)77), TR_DEFAULT_DTYPE);
}

TEST(scalars_raise_the_category_only)
{
    assert_dtype(tr_add(ones(TR_FLOAT32), one(TR_FLOAT64)), TR_FLOAT32);
    assert_dtype(tr_add(one(TR_INT64), ones(TR_UINT8)), TR_UINT8);
    assert_dtype(tr_add(ones(TR_INT32), one(TR_FLOAT64)), TR_FLOAT64);
    assert_dtype(tr_add(ones(TR_INT32), one(TR_FLOAT16)), TR_FLOAT16);
    assert_dtype(tr_add(ones(TR_FLOAT16), one(TR_FLOAT64)), TR_FLOAT16);
    assert_dtype(tr_add(ones(TR_FLOAT32), one(TR_COMPLEX128)), TR_COMPLEX64);
    assert_dtype(tr_add(ones(TR_FLOAT64), one(TR_COMPLEX64)), TR_COMPLEX128);
    assert_dtype(tr_add(ones(TR_INT64), one(TR_COMPLEX128)), TR_COMPLEX128);
    assert_dtype(tr_add(ones(TR_BOOL), one(TR_UINT8)), TR_UINT8);
}

TEST(numbers_decide_less_than_scalars)
{
    assert_dtype(tr_add(ones(TR_INT32), 1.5), TR_FLOAT32);
    assert_close(tr_add(ones(TR_INT32), 1.5), row(2.5, 2.5), 0);
    assert_dtype(tr_add(one(TR_INT32), 1.5), TR_FLOAT32);
    assert_dtype(tr_mul(ones(TR_FLOAT16), 2), TR_FLOAT16);
    assert_dtype(tr_mul(one(TR_FLOAT16), 2.5), TR_FLOAT16);
    assert_dtype(tr_mul(ones(TR_FLOAT64), 0.1f), TR_FLOAT64);
    assert_dtype(tr_mul(one(TR_UINT8), 2), TR_UINT8);
    assert_dtype(tr_mul(ones(TR_BOOL), 2), TR_INT64);
    const bool yes = true; /* the word itself is an int to C17 */
    assert_dtype(tr_mul(ones(TR_BOOL), yes), TR_BOOL);
    assert_dtype(tr_mul(ones(TR_COMPLEX64), 2.5), TR_COMPLEX64);
    assert_dtype(tr_add(1, 2), TR_INT64);
    assert_dtype(tr_add(1.5, 2), TR_FLOAT32);
    assert_dtype(tr_add(1.5, 2.5), TR_FLOAT32);
    assert_dtype(tr_add(yes, yes), TR_BOOL);
    /* a number's digits are those of the type it is used in */
    assert_item(tr_select(tr_mul(ones(TR_FLOAT64), 0.1), 0, 0), 0.1, 0);
    assert_item(tr_select(tr_mul(ones(TR_FLOAT32), 0.1), 0, 0), 0.1f, 0);
}

TEST(scalars_wrap_in_narrow_integers)
{
    assert_close(tr_add(tr_to(row(1), TR_UINT8), 300), row(45), 0);
    assert_close(tr_sub(tr_to(row(1), TR_UINT8), 2), row(255), 0);
}

TEST(division_of_integers_gives_floats)
{
    tr_tensor *x = tr_to(row(-3, 7), TR_INT64);
    assert_dtype(tr_div(x, 2), TR_FLOAT32);
    assert_close(tr_div(x, 2), row(-1.5, 3.5), 0);
    assert_dtype(tr_div(1, tr_to(x, TR_UINT8)), TR_FLOAT32);
    assert_dtype(tr_div(tr_to(x, TR_FLOAT16), x), TR_FLOAT16);
    assert_dtype(tr_div(x, row64(1, 2)), TR_FLOAT64);
    assert_dtype(tr_pow(x, 2), TR_INT64);
    assert_close(tr_pow(x, 3), row(-27, 343), 0);
}

/* ---- every C type is a number ---- */

TEST(every_c_number_may_stand_beside_a_tensor)
{
    enum { SIX = 6 };
    const double constant = 6;
    const int64_t wide = 6;
    char letter = 6;
    tr_tensor *x = ones(TR_FLOAT32), *seven = row(7, 7);
    assert_close(tr_add(x, (signed char)6), seven, 0);
    assert_close(tr_add(x, (unsigned char)6), seven, 0);
    assert_close(tr_add(x, letter), seven, 0);
    assert_close(tr_add(x, (short)6), seven, 0);
    assert_close(tr_add(x, (unsigned short)6), seven, 0);
    assert_close(tr_add(6, x), seven, 0);
    assert_close(tr_add(6u, x), seven, 0);
    assert_close(tr_add(x, 6l), seven, 0);
    assert_close(tr_add(x, 6ul), seven, 0);
    assert_close(tr_add(x, 6ll), seven, 0);
    assert_close(tr_add(x, 6ull), seven, 0);
    assert_close(tr_add(x, wide), seven, 0);
    assert_close(tr_add(x, (size_t)6), seven, 0);
    assert_close(tr_add(x, 6.f), seven, 0);
    assert_close(tr_add(x, constant), seven, 0);
    assert_close(tr_add(x, 6.l), seven, 0);
    assert_close(tr_add(x, SIX), seven, 0);
    assert_close(tr_add(x, true), row(2, 2), 0);
    const tr_tensor *borrowed = x;
    assert_close(tr_add(borrowed, x), row(2, 2), 0);
}

TEST(integers_keep_every_digit)
{
    const int64_t large = ((int64_t)1 << 53) + 1;
    int64_t value;
    assert_int_equal(tr_to_data(tr_add(one(TR_INT64), large), TR_INT64, &value), 0);
    assert_true(value == large + 1);
    assert_int_equal(tr_to_data(tr_add(one(TR_INT64), INT64_MIN), TR_INT64, &value), 0);
    assert_true(value == INT64_MIN + 1);
    assert_item(tr_add(tr_zeros(TR_SHAPE()), UINT64_MAX), 0x1p64, 0);
}

TEST(null_is_no_number)
{
    assert_null(tr_add(ones(TR_FLOAT32), NULL));
    assert_error_says("tr_add: an argument is NULL");
    tr_tensor *nothing = NULL;
    assert_null(tr_mul(2, nothing));
    assert_error_says("tr_mul: an argument is NULL");
}

TEST(a_tensor_of_a_number_has_the_numbers_kind)
{
    assert_dtype(tr_tensor_of(42), TR_INT64);
    assert_dtype(tr_tensor_of(42.), TR_FLOAT32);
    assert_dtype(tr_tensor_of((bool)true), TR_BOOL);
    assert_dtype(tr_tensor_of(42, .dtype = TR_FLOAT32), TR_FLOAT32);
    assert_dtype(tr_full(TR_SHAPE(3, 2), 42), TR_INT64);
    assert_dtype(tr_full(TR_SHAPE(3, 2), 42.), TR_FLOAT32);
    assert_dtype(tr_full(TR_SHAPE(3, 2), 42, .dtype = TR_FLOAT64), TR_FLOAT64);
    assert_close(tr_full(TR_SHAPE(2), 42), row(42, 42), 0);
}
