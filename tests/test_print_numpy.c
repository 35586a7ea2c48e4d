/* NumPy's repr() against what NumPy printed, and Python's str() of a number. */
#include "printed.h"

TEST(every_array_prints_as_numpy_prints_it)
{
    assert_true(compare_with_golden("printing_numpy.txt", tr_to_numpy_string) >= 560);
}

TEST(bfloat16_is_written_by_the_same_rules)
{
    const float values[] = {0.1f, 2, 300};
    assert_string_equal(tr_to_numpy_string(tr_from_data(values, TR_FLOAT32, TR_SHAPE(3), .dtype = TR_BFLOAT16)),
                        "array([1.e-01, 2.e+00, 3.e+02], dtype=bfloat16)");
}

TEST(no_array_prints_as_none)
{
    assert_string_equal(tr_to_numpy_string(NULL), "None");
    assert_int_equal(tr_print_numpy(NULL), 0);
}

TEST(without_memory_there_is_an_error_and_an_empty_array_text)
{
    assert_text_needs_memory((tr_to_numpy_string), "tr_to_numpy_string");
}

static const char *number(double value, tr_dtype dtype) { return tr_number_string(tr_full(TR_SHAPE(), value, .dtype = dtype)); }

TEST(a_number_is_written_as_python_writes_it)
{
    assert_string_equal(number(-4.794588088989258, TR_FLOAT32), "-4.794588088989258");
    assert_string_equal(number(0.2, TR_FLOAT32), "0.20000000298023224");
    assert_string_equal(number(0.2, TR_FLOAT64), "0.2");
    assert_string_equal(number(3, TR_FLOAT32), "3.0");
    assert_string_equal(number(-0.0, TR_FLOAT32), "-0.0");
    assert_string_equal(number(0.0001, TR_FLOAT64), "0.0001");
    assert_string_equal(number(0.00001, TR_FLOAT64), "1e-05");
    assert_string_equal(number(1.5e-7, TR_FLOAT64), "1.5e-07");
    assert_string_equal(number(1e15, TR_FLOAT64), "1000000000000000.0");
    assert_string_equal(number(9007199254740992, TR_FLOAT64), "9007199254740992.0");
    assert_string_equal(number(1e16, TR_FLOAT64), "1e+16");
    assert_string_equal(number(1.25e100, TR_FLOAT64), "1.25e+100");
    assert_string_equal(number(5e-324, TR_FLOAT64), "5e-324");
    assert_string_equal(number(ldexp(1, -44), TR_FLOAT64), "5.684341886080802e-14");
    assert_string_equal(number(123456.789, TR_FLOAT64), "123456.789");
    assert_string_equal(number((double)NAN, TR_FLOAT32), "nan");
    assert_string_equal(number(-(double)INFINITY, TR_FLOAT16), "-inf");
    assert_string_equal(number(7, TR_INT64), "7");
    assert_string_equal(number(-7, TR_INT32), "-7");
    assert_string_equal(number(1, TR_BOOL), "True");
    int64_t large = INT64_MAX;
    assert_string_equal(tr_number_string(tr_from_data(&large, TR_INT64, TR_SHAPE(1, 1))), "9223372036854775807");
}

TEST(a_complex_number_is_written_as_python_writes_it)
{
    double values[][2] = {{1, 2}, {0, 2}, {-0.0, -1.5}, {0.1, (double)NAN}};
    const float half_and_quarter[] = {0.5f, 0.25f};
    static const char *const want[] = {"(1+2j)", "2j", "(-0-1.5j)", "(0.1+nanj)"};
    for (int i = 0; i < 4; i++)
        assert_string_equal(tr_number_string(tr_from_data(values[i], TR_COMPLEX128, TR_SHAPE())), want[i]);
    assert_string_equal(tr_number_string(tr_from_data(half_and_quarter, TR_COMPLEX64, TR_SHAPE())), "(0.5+0.25j)");
}

TEST(several_numbers_are_not_one)
{
    assert_string_equal(tr_number_string(row(1, 2)), "");
    assert_error_says("tr_number_string: (2,) float32 has 2 elements");
    assert_string_equal(tr_number_string(NULL), "None");
}

TEST(an_array_knows_nothing_of_gradients)
{
    tr_tensor *t = tr_ones(TR_SHAPE(2), .requires_grad = true);
    assert_string_equal(tr_to_numpy_string(t), "");
    assert_error_says("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.");
    assert_int_equal(tr_print_numpy(t), -1);
    tr_error_clear();
    assert_string_equal(tr_to_numpy_string(tr_detach(t)), "array([1., 1.], dtype=float32)");
}
