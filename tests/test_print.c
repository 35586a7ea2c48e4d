/* Printing against what PyTorch printed: tests/golden/printing.txt, whose script says how a case is written. */
#include "printed.h"

#include <locale.h>
#include <unistd.h>

TEST(every_tensor_prints_as_pytorch_prints_it)
{
    assert_true(compare_with_golden("printing.txt", tr_to_string) >= 640);
}

TEST(nothing_prints_as_none)
{
    assert_string_equal(tr_to_string(NULL), "None");
}

TEST(a_locale_with_decimal_commas_changes_nothing)
{
    static const char *const with_comma[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8", "fr_FR"};
    const char *set = NULL;
    for (int i = 0; i < 4 && !set; i++) set = setlocale(LC_NUMERIC, with_comma[i]);
    if (!set) skip_because("no such locale is installed");
    char *got = strdup(tr_to_string(row(1.5, -2.25e-5)));
    setlocale(LC_NUMERIC, "C");
    assert_string_equal(got, "tensor([ 1.5000e+00, -2.2500e-05])");
    free(got);
}

TEST(print_writes_the_text_and_a_newline)
{
    FILE *file = tmpfile();
    int out = dup(STDOUT_FILENO);
    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    int status = tr_print(row(1, 2)), none = tr_print(NULL);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    close(out);

    char text[64] = "";
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_int_equal(status, 0);
    assert_int_equal(none, 0);
    assert_string_equal(text, "tensor([1., 2.])\nNone\n");
}

TEST(without_memory_there_is_an_error_and_an_empty_text)
{
    assert_text_needs_memory((tr_to_string), "tr_to_string");
}
