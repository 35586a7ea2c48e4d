#include "test.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <trireme/report.h>

static char path[64];

BEFORE_ALL
{
    strcpy(path, "/tmp/trireme_metrics_XXXXXX");
    int file = mkstemp(path);
    return file < 0 || close(file) ? 1 : 0;
}
AFTER_ALL { return unlink(path); }

static const char *contents(void)
{
    static char text[4096];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

TEST(file_is_the_header_and_the_rows)
{
    tr_metrics *m = tr_metrics_open(path, "step,loss,accuracy");
    assert_int_equal(tr_metrics_row(m, (double[]){0, 2.302585092994046, 0.1}, 3), 0);
    assert_int_equal(tr_metrics_row(m, (double[]){1e6, -1.5, 1}, 3), 0);
    assert_int_equal(tr_metrics_row(m, (double[]){(double)NAN, (double)INFINITY, -(double)INFINITY}, 3), 0);
    assert_int_equal(tr_metrics_close(m), 0);
    assert_string_equal(contents(), "step,loss,accuracy\n0,2.302585092994046,0.1\n1000000,-1.5,1\nnan,inf,-inf\n");
}

TEST(rows_are_appended_to_those_of_an_earlier_run)
{
    static const char *const others[] = {"step,loss,accuracy\n", "step\n", "step,los", "step,loss\n1,2"};
    assert_int_equal(unlink(path), 0);
    for (int run = 0; run < 2; run++) {
        tr_metrics *m = tr_metrics_append(path, "step,loss");
        assert_int_equal(tr_metrics_row(m, (double[]){run, 0.5}, 2), 0);
        assert_int_equal(tr_metrics_close(m), 0);
    }
    assert_string_equal(contents(), "step,loss\n0,0.5\n1,0.5\n");
    for (int i = 0; i < 4; i++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(others[i], file);
        fclose(file);
        assert_null(tr_metrics_append(path, "step,loss"));
        assert_error_says(i < 3 ? "does not begin with step,loss" : "is not whole");
        assert_string_equal(contents(), others[i]);
    }
}

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

TEST(a_run_that_is_resumed_writes_again_what_came_after_its_checkpoint)
{
    static const char *const before[] = {"step,loss\n1,0.5\n2,0.25\n3,9\n4,9\n", "step,loss\n1,0.5\n2,0.25\n", "step,loss\n1,0.5\n2,0.25\n3,", "step,loss\n1,0.5\n2,0.25\n10,9\n"};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        write_file(before[i]);
        tr_metrics *m = tr_metrics_resume(path, "step,loss", 2);
        assert_int_equal(tr_metrics_row(m, (double[]){3, 0.125}, 2), 0);
        assert_int_equal(tr_metrics_close(m), 0);
        assert_string_equal(contents(), "step,loss\n1,0.5\n2,0.25\n3,0.125\n");
    }
    assert_int_equal(tr_metrics_close(tr_metrics_resume(path, "step,loss", 0)), 0);
    assert_string_equal(contents(), "step,loss\n");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(tr_metrics_close(tr_metrics_resume(path, "step,loss", 7)), 0);
    assert_string_equal(contents(), "step,loss\n");
}

TEST(a_file_of_something_else_stays_as_it_is)
{
    write_file("letter\n5 dear all\n");
    assert_null(tr_metrics_resume(path, "step,loss", 2));
    assert_error_says("does not begin with step,loss");
    assert_string_equal(contents(), "letter\n5 dear all\n");
}

TEST(number_reads_back_as_itself)
{
    static const double values[] = {0.1f, 1.0 / 3, DBL_MAX, DBL_MIN, 5e-324, 9007199254740993.0, 1e22, 123456789012345678.0, -0.0, 0.1 + 0.2};
    enum { N = sizeof values / sizeof *values };
    tr_metrics *m = tr_metrics_open(path, "x");
    for (int i = 0; i < N; i++) assert_int_equal(tr_metrics_row(m, &values[i], 1), 0);
    assert_int_equal(tr_metrics_close(m), 0);
    const char *line = strchr(contents(), '\n');
    for (int i = 0; i < N; i++, line = strchr(line + 1, '\n')) {
        double back = strtod(line + 1, NULL);
        assert_memory_equal(&back, &values[i], sizeof back);
    }
}

TEST(rows_are_there_before_the_file_is_closed)
{
    pid_t child = fork();
    if (child == 0) {
        tr_metrics *m = tr_metrics_open(path, "step");
        tr_metrics_row(m, (double[]){7}, 1);
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_string_equal(contents(), "step\n7\n");
}

TEST(decimal_point_is_a_point_in_every_locale)
{
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8")) skip_because("no locale de_DE.UTF-8 here");
    tr_metrics *m = tr_metrics_open(path, "x");
    int status = tr_metrics_row(m, (double[]){0.5}, 1);
    setlocale(LC_NUMERIC, "C");
    assert_int_equal(status, 0);
    assert_int_equal(tr_metrics_close(m), 0);
    assert_string_equal(contents(), "x\n0.5\n");
}

TEST(wrong_number_of_values_is_refused)
{
    tr_metrics *m = tr_metrics_open(path, "step,loss");
    assert_int_equal(tr_metrics_row(m, (double[]){1, 2, 3}, 3), -1);
    assert_error_says("3 values for the 2 columns of");
    assert_int_equal(tr_metrics_row(m, NULL, 2), -1);
    assert_error_says("tr_metrics_row");
    assert_int_equal(tr_metrics_close(m), 0);
    assert_string_equal(contents(), "step,loss\n");
}

TEST(bad_header_or_path_is_refused)
{
    static const char *const headers[] = {"", ",", "a,,b", "a,b,", "a\nb", "a,\"b\""};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        assert_null(tr_metrics_open(path, headers[i]));
        assert_error_says("tr_metrics_open: column ");
    }
    assert_null(tr_metrics_open("/nowhere/at/all.csv", "a"));
    assert_error_says("/nowhere/at/all.csv: No such file or directory");
    assert_null(tr_metrics_open(NULL, "a"));
    assert_error_says("tr_metrics_open");
    assert_int_equal(tr_metrics_close(NULL), 0);
}

TEST(full_disk_is_an_error)
{
    struct stat full;
    if (stat("/dev/full", &full) || !S_ISCHR(full.st_mode)) skip_because("no device /dev/full here");
    assert_null(tr_metrics_open("/dev/full", "step"));
    assert_error_says("/dev/full: No space left on device");
}

TEST(row_that_does_not_fit_leaves_the_ones_before)
{
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 12; /* "step\n" and three rows, and half of a fourth */
    signal(SIGXFSZ, SIG_IGN);
    tr_metrics *m = tr_metrics_open(path, "step");
    setrlimit(RLIMIT_FSIZE, &small);
    int fits = 0;
    while (fits < 100 && tr_metrics_row(m, (double[]){fits < 3 ? fits : 1234}, 1) == 0) fits++;
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);

    assert_int_equal(fits, 3);
    assert_error_says("File too large");
    assert_int_equal(tr_metrics_row(m, (double[]){4}, 1), -1); /* although there would be room again */
    assert_error_says("could not be written");
    assert_int_equal(tr_metrics_close(m), -1);
    assert_error_says("could not be written");
    assert_string_equal(contents(), "step\n0\n1\n2\n");
}
