#include "io_files.h"
#include <locale.h>
#include <zlib.h>
#include "io/csv.h"

static tr_tensor *load_with(const char *text, tr_csv_options options)
{
    io_source source = io_source_memory("load", text, (int64_t)strlen(text));
    return io_csv_read(&source, options);
}

static tr_tensor *load(const char *text) { return load_with(text, (tr_csv_options){0}); }

/* Row-major values of a 2-D tensor. */
static void assert_table(tr_tensor *t, int64_t rows, int64_t columns, const double *values)
{
    assert_shape(t, rows, columns);
    assert_close(t, tr_from_data(values, TR_FLOAT64, TR_SHAPE(rows, columns)), 0);
}

TEST(rows_of_numbers_become_a_float64_matrix)
{
    write_file("table.csv", "1,2.5\n-3e2,.5\n", 14);
    tr_tensor *t = tr_load_csv("table.csv");
    assert_dtype(t, TR_FLOAT64);
    assert_table(t, 2, 2, (double[]){1, 2.5, -300, 0.5});
}

TEST(windows_line_ends_spaces_empty_lines_and_a_missing_last_line_end_are_taken)
{
    assert_table(load("\xef\xbb\xbf 1 ,\t2\r\n\r\n\n3,4 "), 2, 2, (double[]){1, 2, 3, 4});
    assert_table(load("7"), 1, 1, (double[]){7});
}

TEST(nan_and_infinity_are_numbers)
{
    tr_tensor *t = load("nan,-inf\n");
    assert_shape(t, 1, 2);
    assert_true(tr_get(t, 0) != tr_get(t, 0));
    tr_error_clear();
    assert_true(tr_get(t, 1) < -1e308);
}

TEST(a_heading_is_skipped_and_the_separator_chosen)
{
    write_file("heading.csv", "x;y\n1;2\n", 8);
    tr_tensor *t = tr_load_csv("heading.csv", .separator = ';', .skip_rows = 1);
    assert_table(t, 1, 2, (double[]){1, 2});
    assert_table(load_with("1\t2", (tr_csv_options){.separator = '\t'}), 1, 2, (double[]){1, 2});
    assert_null(load_with("1", (tr_csv_options){.separator = 'e'}));
    assert_error_says("'e' cannot separate numbers");
    assert_null(load_with("1", (tr_csv_options){.skip_rows = -1}));
    assert_error_says("skip_rows is -1");
}

TEST(errors_name_line_and_column)
{
    assert_null(load("1,2\n3,x4\n"));
    assert_error_says("load: (memory): line 2, column 2: 'x4' is no number");
    assert_null(load("1,2\n3,4z\n"));
    assert_error_says("line 2, column 2: '4z' is no number");
    assert_null(load("1,,2\n"));
    assert_error_says("line 1, column 2: empty");
    assert_null(load("1,2,\n"));
    assert_error_says("line 1, column 3: empty");
    assert_null(load("1,2\n\n3\n"));
    assert_error_says("line 3 has 1 columns, the first row has 2");
    assert_null(load("1 2\n"));
    assert_error_says("column 1: '1 2' is no number");
    assert_null(load(""));
    assert_error_says("no row of numbers");
    assert_null(tr_load_csv("missing.csv"));
    assert_error_says("tr_load_csv: missing.csv: No such file");
}

TEST(a_decimal_comma_in_the_locale_changes_nothing)
{
    const char *const with_comma[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    bool found = false;
    for (int i = 0; i < 4 && !found; i++) found = setlocale(LC_ALL, with_comma[i]) != NULL;
    if (!found) skip_because("no locale with a decimal comma is installed");
    tr_tensor *t = load("1.5,2.5\n");
    double half = strtod("0,5", NULL);
    setlocale(LC_ALL, "C");
    assert_true(half > 0.4); /* the program's own locale stands again */
    assert_table(t, 1, 2, (double[]){1.5, 2.5});
}

TEST(a_table_larger_than_the_window_and_a_line_longer_than_it_are_read)
{
    enum { N = 200000 };
    char *text = malloc(8 * N + 1), *at = text;
    for (int i = 0; i < N; i++) at += sprintf(at, "%d%c", i % 1000, i % 2 ? '\n' : ',');
    tr_tensor *t = load(text);
    assert_shape(t, N / 2, 2);
    for (int i = 0; i < N; i++) assert_true(((double *)tr_data(t))[i] == i % 1000);

    for (char *c = text; *c; c++)
        if (*c == '\n') *c = c[1] ? ',' : '\n';
    t = load(text);
    assert_shape(t, 1, N);
    for (int i = 0; i < N; i++) assert_true(((double *)tr_data(t))[i] == i % 1000);
    free(text);
}

TEST(gzip_is_known_by_its_content)
{
    gzFile file = gzopen("table.gz", "wb");
    assert_int_equal(gzputs(file, "1,2\n3,4\n"), 8);
    assert_int_equal(gzclose(file), Z_OK);
    assert_table(tr_load_csv("table.gz"), 2, 2, (double[]){1, 2, 3, 4});
}
