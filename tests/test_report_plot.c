#include "pictures.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <trireme/report.h>
#include "report/run.h"

static tr_plot *some_plot(void)
{
    tr_plot *p = tr_plot_new(.title = "loss", .xlabel = "step", .ylabel = "loss", .width = 400, .height = 300);
    double y[50];
    for (int i = 0; i < 50; i++) y[i] = exp(-i / 10.0);
    assert_int_equal(tr_plot_add(p, 50, NULL, y, TR_LINE, "train"), 0);
    return p;
}

static void need_gnuplot(void)
{
    tr_plot *p = some_plot();
    int status = tr_plot_save(p, in_folder("try.png"));
    tr_plot_free(p);
    if (status == 1) skip_because("gnuplot is not installed");
    assert_int_equal(status, 0);
    unlink(in_folder("try.png"));
}

/* ---- pictures ---- */

TEST(png_has_its_signature_and_size)
{
    need_gnuplot();
    tr_plot *p = some_plot();
    assert_int_equal(tr_plot_save(p, in_folder("a.png")), 0);
    tr_plot_free(p);
    size_t bytes;
    const unsigned char *png = read_file(in_folder("a.png"), &bytes);
    assert_memory_equal(png, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x90\0\0\x01\x2c", 24); /* 400 by 300 */
    assert_memory_equal(png + bytes - 8, "IEND\xae\x42\x60\x82", 8);
    assert_int_equal(files_in_folder(true), 1); /* nothing else was left */
}

TEST(text_is_shown_as_it_is)
{
    static const char *const hostile[] = {"'; system('touch pwned'); '", "a_b^{c} {/Bold x}", "`touch pwned`", "@x $y %g \\n \\", "\"quoted\" 'too'", "'", "''", "~ # !touch pwned"};
    need_gnuplot();
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        tr_plot *p = tr_plot_new(.title = hostile[i], .xlabel = hostile[i], .ylabel = hostile[i]);
        tr_plot_add(p, 2, NULL, (double[]){1, 2}, TR_LINE, hostile[i]);
        int status = tr_plot_save(p, in_folder("hostile.svg"));
        tr_plot_free(p);
        if (status) print_error("%s: %s\n", hostile[i], tr_error_message());
        assert_int_equal(status, 0);

        size_t bytes;
        const char *text = (const char *)read_file(in_folder("hostile.svg"), &bytes);
        int shown = 0;
        for (; (text = strstr(text, hostile[i])); text += strlen(hostile[i])) shown++;
        assert_true(shown >= 4);
    }
    assert_int_equal(files_in_folder(true), 1); /* no "pwned" */
}

TEST(logarithmic_axes_are_labelled_with_powers_of_ten)
{
    need_gnuplot();
    tr_plot *p = tr_plot_new(.log_y = true);
    tr_plot_add(p, 2, NULL, (double[]){1e-4, 3}, TR_LINE, NULL);
    assert_int_equal(tr_plot_save(p, in_folder("log.svg")), 0);
    tr_plot_free(p);
    size_t bytes;
    const char *svg = (const char *)read_file(in_folder("log.svg"), &bytes);
    assert_non_null(strstr(svg, ">-4</tspan>")); /* raised above 10 */
    assert_non_null(strstr(svg, ">0</tspan>"));
    assert_null(strstr(svg, "0.0001"));
    assert_int_equal(files_in_folder(true), 1);
}

TEST(few_powers_of_ten_are_no_labels)
{
    const double ranks[] = {1, 2, 4, 8, 16}, rates[] = {1, 2, 4, 7, 13};
    need_gnuplot();
    tr_plot *p = tr_plot_new(.log_x = true);
    tr_plot_add(p, 5, ranks, rates, TR_LINE, "measured");
    assert_int_equal(tr_plot_save(p, in_folder("ranks.svg")), 0);
    size_t bytes;
    const char *svg = (const char *)read_file(in_folder("ranks.svg"), &bytes);
    static const char *const labels[] = {">1</tspan>", ">2</tspan>", ">5</tspan>", ">10</tspan>"};
    for (int i = 0; i < 4; i++) assert_non_null(strstr(svg, labels[i]));
    tr_plot_free(p);
}

TEST(text_may_have_lines_and_odd_bytes)
{
    need_gnuplot();
    char *long_title = malloc(10001);
    memset(long_title, 'x', 10000);
    long_title[10000] = '\0';
    static const char *const texts[] = {"one\ntwo", "\n", "\n\n'\n", "a\tb\x1b[31m\r", "\xff\xfe <&>", "ünïcödé"};
    for (size_t i = 0; i < 7; i++) {
        const char *text = i < 6 ? texts[i] : long_title;
        tr_plot *p = tr_plot_new(.title = text, .ylabel = text);
        tr_plot_add(p, 2, NULL, (double[]){1, 2}, TR_LINE, text);
        assert_int_equal(tr_plot_save(p, in_folder("b.svg")), 0);
        tr_plot_free(p);
    }
    free(long_title);
    files_in_folder(true);
}

TEST(file_name_is_never_a_command)
{
    static const char *const names[] = {"|touch pwned;.png", "it's \"a\" `name`.png", "new\nline.png", "~.png", "-.svg"};
    need_gnuplot();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tr_plot *p = some_plot();
        assert_int_equal(tr_plot_save(p, names[i]), 0);
        tr_plot_free(p);
        assert_int_equal(access(names[i], F_OK), 0);
    }
    assert_int_equal(files_in_folder(true), 5);
}

TEST(every_kind_of_data_gives_a_picture)
{
    const double nan = (double)NAN, inf = (double)INFINITY;
    static const double flat[] = {1, 1, 1}, one[] = {3}, negative[] = {-1, 0, 5}, huge[] = {-1e308, 1e150, -1e150}, tiny[] = {5e-324, 0, 1e-300}, nearly_flat[] = {1, 1 + 2.3e-16, 1};
    const double gaps[] = {1, nan, 2, 3, inf, -inf, 4}, none[] = {nan, nan};
    const struct {
        const double *y;
        int64_t n;
    } data[] = {{NULL, 0}, {flat, 3}, {one, 1}, {negative, 3}, {huge, 3}, {tiny, 3}, {tiny, 2}, {nearly_flat, 3}, {gaps, 7}, {none, 2}};
    need_gnuplot();
    for (int log = 0; log < 3; log++)
        for (size_t i = 0; i < sizeof data / sizeof *data; i++) {
            tr_plot *p = tr_plot_new(.log_x = log == 2, .log_y = log > 0);
            for (int mark = TR_LINE; mark <= TR_LINE_POINTS; mark++)
                assert_int_equal(tr_plot_add(p, data[i].n, NULL, data[i].y, (tr_mark)mark, "x"), 0);
            int status = tr_plot_save(p, in_folder("c.png"));
            tr_plot_free(p);
            if (status) print_error("data %zu, log %d: %s\n", i, log, tr_error_message());
            assert_int_equal(status, 0);
        }
    tr_plot *empty = tr_plot_new();
    assert_int_equal(tr_plot_save(empty, in_folder("c.png")), 0);
    tr_plot_free(empty);
    files_in_folder(true);
}

TEST(failure_keeps_the_old_picture)
{
    need_gnuplot();
    tr_plot *p = some_plot();
    FILE *old = fopen(in_folder("old.png"), "w");
    fputs("old", old);
    fclose(old);

    struct rlimit before, small;
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 5000; /* gnuplot's picture has more bytes, its script has fewer */
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    int status = tr_plot_save(p, in_folder("old.png"));
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);
    tr_plot_free(p);

    assert_int_equal(status, -1);
    assert_error_says("old.png");
    size_t bytes;
    assert_string_equal((const char *)read_file(in_folder("old.png"), &bytes), "old");
    assert_int_equal(files_in_folder(true), 1);
}

TEST(without_gnuplot_the_answer_is_1)
{
    tr_plot *p = some_plot();
    setenv("PATH", folder, 1);
    int status = tr_plot_save(p, in_folder("d.png"));
    setenv("PATH", search_path, 1);
    tr_plot_free(p);
    assert_int_equal(status, 1);
    assert_int_equal(files_in_folder(true), 0);
}

/* A gnuplot of our own; what tr_plot_save answers with it. */
static int save_with(const char *script)
{
    char path[512];
    snprintf(path, sizeof path, "%s", in_folder("gnuplot"));
    FILE *file = fopen(path, "w");
    fprintf(file, "#!/bin/sh\n%s\n", script);
    fclose(file);
    chmod(path, 0755);
    tr_plot *p = some_plot();
    setenv("PATH", folder, 1);
    int status = tr_plot_save(p, in_folder("e.png"));
    setenv("PATH", search_path, 1);
    tr_plot_free(p);
    assert_int_equal(files_in_folder(true), 1);
    return status;
}

TEST(what_gnuplot_complains_about_is_told)
{
    assert_int_equal(save_with("echo 'line 3: no such terminal' >&2; echo >&2; exit 1"), -1);
    assert_error_says("e.png: line 3: no such terminal");
    assert_int_equal(save_with("exit 1"), -1);
    assert_error_says("said nothing");
    assert_int_equal(save_with("echo PNG"), -1);
    assert_error_says("incomplete");
}

TEST(program_that_hangs_is_ended)
{
    int null = open("/dev/null", O_RDWR);
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    assert_int_equal(report_run((const char *const[]){"sleep", "60", NULL}, null, null, null, 0.1), REPORT_TOO_LONG);
    clock_gettime(CLOCK_MONOTONIC, &b);
    assert_in_range(b.tv_sec - a.tv_sec, 0, 20);
    close(null);
}

TEST(bad_calls_are_refused)
{
    tr_plot *p = some_plot();
    assert_int_equal(tr_plot_save(p, in_folder("f.gif")), -1);
    assert_error_says("ends neither in .png nor in .svg");
    assert_int_equal(tr_plot_save(p, "/nowhere/f.png"), -1);
    assert_error_says("/nowhere/f.png: No such file or directory");
    assert_int_equal(tr_plot_add(p, -1, NULL, (double[]){1}, TR_LINE, NULL), -1);
    assert_error_says("-1 points");
    assert_int_equal(tr_plot_add(p, INT64_MAX, NULL, (double[]){1}, TR_LINE, NULL), -1);
    assert_error_says("points");
    assert_int_equal(tr_plot_add(p, 1, NULL, NULL, TR_LINE, NULL), -1);
    assert_error_says("tr_plot_add");
    assert_int_equal(tr_plot_add(p, 1, NULL, (double[]){1}, (tr_mark)7, NULL), -1);
    assert_error_says("7");
    assert_int_equal(tr_plot_text(p, stdout, 10, 5), -1);
    assert_error_says("10 columns by 5 rows");
    tr_plot_free(p);
    assert_null(tr_plot_new(.width = 20000));
    assert_error_says("20000 x 0 pixels");
    assert_int_equal(tr_plot_save(NULL, "x.png"), -1);
    assert_error_says("tr_plot_save");
    tr_plot_free(NULL);
}

/* ---- characters ---- */

TEST(text_plot_is_ascii_where_it_must_be)
{
    tr_plot *p = tr_plot_new(.title = "squares", .xlabel = "x", .ylabel = "y");
    tr_plot_add(p, 5, NULL, (double[]){0, 1, 4, 9, 16}, TR_POINTS, "measured");
    tr_plot_add(p, 2, (double[]){0, 4}, (double[]){16, 0}, TR_LINE, "l\xc3\xafne");
    assert_string_equal(drawn(p, 40, 14, "C"),
                        "                  squares\n"
                        "y\n"
                        "15 ++++                                *\n"
                        "   |   +++++\n"
                        "   |        +++++\n"
                        "10 +             +++++        *\n"
                        "   |                  +++++\n"
                        " 5 +                  *    +++++\n"
                        "   |                            +++++\n"
                        " 0 +*        *                       +++\n"
                        "   ++--------+--------+-------+--------+\n"
                        "    0        1        2       3        4\n"
                        "                     x\n"
                        "            * measured   + l?ne\n");
    tr_plot_free(p);
}

TEST(single_curve_is_braille_where_it_can_be)
{
    tr_plot *p = tr_plot_new();
    tr_plot_add(p, 2, NULL, (double[]){0, 1}, TR_LINE, NULL);
    const char *text = drawn(p, 30, 10, "C.UTF-8");
    assert_non_null(strstr(text, "⠔⠊"));
    assert_non_null(strstr(text, "┤⡠"));
    assert_non_null(strstr(text, "└┬"));
    tr_plot_free(p);
}

TEST(text_plot_takes_any_numbers)
{
    const double nan = (double)NAN, inf = (double)INFINITY;
    const double data[][3] = {{nan, nan, nan}, {-1e150, 1e150, 1e308}, {inf, 1, -inf}, {0, 0, 0}, {5e-324, 0, 5e-324}, {-1e-300, -1e300, 1}, {1e15, 1e15 + 1, 1e15}};
    for (int log = 0; log < 3; log++)
        for (size_t i = 0; i < sizeof data / sizeof *data; i++)
            for (int columns = 30; columns < 200; columns += 17) {
                tr_plot *p = tr_plot_new(.log_x = log == 2, .log_y = log > 0, .title = "損失\n\x1b[2J");
                tr_plot_add(p, 3, data[(i + 1) % 7], data[i], TR_LINE, "curve");
                const char *text = drawn(p, columns, 10, "C");
                int lines = 0;
                for (const char *end; (end = strchr(text, '\n')); text = end + 1, lines++) assert_in_range(end - text, 0, columns);
                assert_int_equal(lines, 10);
                assert_string_equal(text, "");
                tr_plot_free(p);
            }
}

TEST(text_plot_to_a_full_disk_is_an_error)
{
    struct stat device;
    if (stat("/dev/full", &device) || !S_ISCHR(device.st_mode)) skip_because("no device /dev/full here");
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    tr_plot *p = some_plot();
    assert_int_equal(tr_plot_text(p, full, 0, 0), -1);
    assert_error_says("No space left on device");
    fclose(full);
    tr_plot_free(p);
}
