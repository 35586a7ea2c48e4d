/* posix_openpt */
#define _GNU_SOURCE
#include "test.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <trireme/report.h>
#include "report/bar.h"
#include "report/words.h"

/* ---- a line at a given width ---- */

static report_moment moment(void)
{
    return (report_moment){.title = "epoch 3", .unit = "samples", .note = "loss 0.1234", .done = 423, .steps = 1000, .rate = 12345, .seconds = 12, .note_columns = 11, .utf8 = true};
}

static const char *bar(report_moment m, int columns)
{
    static char line[REPORT_LINE];
    report_bar(line, &m, columns);
    return line;
}

TEST(wide_bar_says_everything)
{
    assert_string_equal(bar(moment(), 100),
                        "epoch 3  42% ▕████████████▋                 ▏   423/1000  12.3k samples/s   0:12 left  loss 0.1234");
}

TEST(narrow_bar_gives_up_count_then_rate_then_time)
{
    assert_string_equal(bar(moment(), 79), "epoch 3  42% ▕████▋      ▏   423/1000  12.3k samples/s   0:12 left  loss 0.1234");
    assert_string_equal(bar(moment(), 65), "epoch 3  42% ▕███▍    ▏  12.3k samples/s   0:12 left  loss 0.1234");
    assert_string_equal(bar(moment(), 49), "epoch 3  42% ▕███▊     ▏   0:12 left  loss 0.1234");
    assert_string_equal(bar(moment(), 39), "epoch 3  42% ▕████▋      ▏  loss 0.1234");
}

TEST(bar_never_passes_the_width)
{
    report_moment m = moment();
    for (int utf8 = 0; utf8 < 2; utf8++)
        for (int long_words = 0; long_words < 2; long_words++)
            for (int columns = 0; columns < 200; columns++) {
                m.utf8 = utf8;
                report_clean(m.title, sizeof m.title, long_words ? "損失 of a model with quite a title, 損失損失損失損失損失損失" : "t", utf8);
                report_clean(m.note, sizeof m.note, long_words ? "loss 0.12 accuracy 0.34 損失 and what else there is to tell 損失損失損失損失" : "", utf8);
                m.note_columns = report_columns(m.note);
                assert_in_range(report_columns(bar(m, columns)), 0, columns);
            }
}

TEST(bar_keeps_its_length_while_the_note_changes)
{
    report_moment m = moment();
    m.note_columns = 20;
    char *end_long = strstr(bar(m, 90), "▏ ");
    ptrdiff_t at = end_long - bar(m, 90);
    strcpy(m.note, "loss 0.1");
    assert_int_equal(strstr(bar(m, 90), "▏ ") - bar(m, 90), at);
}

TEST(bar_is_ascii_without_utf8)
{
    report_moment m = moment();
    m.utf8 = false;
    assert_string_equal(bar(m, 65), "epoch 3  42% [###>    ]  12.3k samples/s   0:12 left  loss 0.1234");
}

TEST(bar_fills_by_eighths_and_is_full_only_at_the_end)
{
    report_moment m = {.steps = 64, .seconds = -1, .utf8 = true};
    static const char *const tips[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    for (m.done = 0; m.done < 64; m.done++) {
        char cell[16];
        snprintf(cell, sizeof cell, "%s%s", m.done >= 8 ? "█" : "▕", tips[m.done % 8]);
        assert_non_null(strstr(bar(m, 15), cell)); /* "  0% ▕        ▏" with 8 cells */
        assert_null(strstr(bar(m, 15), "████████"));
    }
    assert_non_null(strstr(bar(m, 15), "████████"));
}

TEST(unknown_number_of_steps_shows_the_count)
{
    report_moment m = {.title = "reading", .done = 12, .seconds = 3, .rate = -1, .utf8 = true};
    assert_string_equal(bar(m, 79), "reading  12   0:03");
}

/* ---- words ---- */

TEST(words_cannot_move_the_cursor)
{
    char clean[64];
    report_clean(clean, sizeof clean, "a\nb\rc\x1b[2Jd\te\x7f\xc2\x9bz", true);
    assert_string_equal(clean, "a b c [2Jd e  z");
    report_clean(clean, sizeof clean, "\xff\xc3 é\xed\xa0\x80\xf8\xc0\xaf", true);
    assert_string_equal(clean, "?? é??????");
    report_clean(clean, sizeof clean, "é損", false);
    assert_string_equal(clean, "??");
    report_clean(clean, 4, "aéé", true);
    assert_string_equal(clean, "aé");
    report_clean(clean, sizeof clean, NULL, true);
    assert_string_equal(clean, "");
}

TEST(columns_are_counted_as_a_terminal_does)
{
    assert_int_equal(report_columns("loss"), 4);
    assert_int_equal(report_columns("é"), 1);
    assert_int_equal(report_columns("e\u0301"), 1); /* e and a combining accent */
    assert_int_equal(report_columns("損失"), 4);
    assert_int_equal(report_columns("█▏"), 2);
}

TEST(numbers_have_three_digits)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0.00"}, {0.4242, "0.42"}, {9.994, "9.99"}, {9.995, "10.0"}, {99.96, "100"}, {999.4, "999"}, {999.6, "1.00k"}, {12345, "12.3k"}, {1e6, "1.00M"}, {999.9e12, "1000T"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[16];
        report_si(text, cases[i].value);
        assert_string_equal(text, cases[i].text);
    }
}

TEST(times_are_read_as_on_a_clock)
{
    const struct {
        double seconds;
        const char *text;
    } cases[] = {{0, "0:00"}, {59.4, "0:59"}, {3599, "59:59"}, {3600, "1:00:00"}, {400000, "4d 15h"}, {-1, "-:--"}, {(double)INFINITY, "-:--"}, {(double)NAN, "-:--"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        report_clock(text, cases[i].seconds);
        assert_string_equal(text, cases[i].text);
    }
}

/* ---- on a terminal, and elsewhere ---- */

typedef struct {
    int master;
    FILE *slave;
} terminal;

static terminal open_terminal(int columns)
{
    terminal t = {.master = posix_openpt(O_RDWR | O_NOCTTY)};
    if (t.master < 0 || grantpt(t.master) || unlockpt(t.master)) skip_because("this system lends no pseudo-terminal");
    int slave = open(ptsname(t.master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    assert_int_equal(ioctl(slave, TIOCSWINSZ, &(struct winsize){.ws_row = 24, .ws_col = (unsigned short)columns}), 0);
    t.slave = fdopen(slave, "w");
    assert_non_null(t.slave);
    return t;
}

/* Everything that was written, and both ends closed. */
static char *read_and_close(terminal *t)
{
    static char text[1 << 16];
    size_t n = 0;
    fcntl(t->master, F_SETFL, O_NONBLOCK);
    for (ssize_t got; n + 1 < sizeof text && (got = read(t->master, text + n, sizeof text - 1 - n)) > 0;) n += (size_t)got;
    text[n] = '\0';
    fclose(t->slave);
    close(t->master);
    return text;
}

/* What a run of so many steps writes onto a stream. */
static void run(FILE *stream, const char *title, int steps, int pause_us, bool silent)
{
    tr_progress *p = tr_progress_new(title, steps, .unit = "samples", .stream = stream, .silent = silent);
    assert_non_null(p);
    for (int i = 0; i < steps; i++) {
        if (pause_us) nanosleep(&(struct timespec){.tv_nsec = 1000L * pause_us}, NULL);
        tr_progress_step(p, 64, "loss %.2f", 1.0 / (i + 1));
    }
    tr_progress_end(p);
}

static int count(const char *text, const char *part)
{
    int n = 0;
    for (; (text = strstr(text, part)); text += strlen(part)) n++;
    return n;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void use_terminal(const char *name, const char *locale)
{
    unsetenv("TRIREME_PROGRESS");
    unsetenv("LC_CTYPE");
    setenv("LC_ALL", locale, 1);
    setenv("TERM", name, 1);
}

TEST(terminal_shows_one_line_that_stays)
{
    static const int widths[] = {120, 80, 50, 40, 20};
    use_terminal("xterm", "C.UTF-8");
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        terminal t = open_terminal(widths[i]);
        double begin = now();
        run(t.slave, "epoch 1\nof 2", 30, 10000, false);
        int most = 3 + (int)(15 * (now() - begin)); /* the first, the last, 15 a second: so long as it took, 0.3 s or more */
        char *text = read_and_close(&t);

        assert_int_equal(count(text, "\n"), 1);
        int drawn = 0;
        for (char *line = strtok(text, "\r\n"); line; line = strtok(NULL, "\r\n")) {
            char *end = strstr(line, "\033[K");
            assert_non_null(end);
            *end = '\0';
            assert_in_range(report_columns(line), 1, widths[i] - 1);
            drawn++;
        }
        assert_in_range(drawn, 3, most);
    }
}

TEST(last_line_has_the_last_note_and_the_mean_rate)
{
    use_terminal("xterm", "C.UTF-8");
    terminal t = open_terminal(90);
    run(t.slave, "epoch 1", 4, 0, false);
    char *text = read_and_close(&t), *last = strrchr(text, '\r');
    while (last > text && last[1] == '\n') *last = '\0', last = strrchr(text, '\r'); /* the terminal's own \r\n */
    assert_non_null(strstr(last, "epoch 1 100% "));
    assert_non_null(strstr(last, "4/4"));
    assert_non_null(strstr(last, "samples/s  in 0.0 s  loss 0.25"));
}

TEST(dumb_terminal_and_file_get_plain_lines)
{
    use_terminal("dumb", "C");
    terminal t = open_terminal(80);
    run(t.slave, "epoch 1", 100, 0, false);
    char *text = read_and_close(&t);
    assert_int_equal(count(text, "\n"), 1);
    assert_null(strstr(text, "\033"));
    assert_memory_equal(text, "epoch 1 100%  100/100  ", 23);

    use_terminal("xterm", "C");
    FILE *file = tmpfile();
    char line[512] = "";
    run(file, "epoch 1", 100, 0, false);
    rewind(file);
    assert_non_null(fgets(line, sizeof line, file));
    assert_memory_equal(line, "epoch 1 100%  100/100  ", 23);
    assert_non_null(strstr(line, " loss 0.01\n"));
    assert_null(fgets(line, sizeof line, file));
    fclose(file);
}

TEST(environment_decides_where_it_speaks)
{
    static const struct {
        const char *asked;
        int returns;
    } cases[] = {{"bar", 3}, {"lines", 0}, {"none", 0}};
    use_terminal("xterm", "C");
    setenv("COLUMNS", "30", 1);
    for (size_t i = 0; i < 3; i++) {
        char text[1024] = "";
        FILE *file = tmpfile();
        setenv("TRIREME_PROGRESS", cases[i].asked, 1);
        run(file, "epoch 1", 5, 0, false);
        rewind(file);
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        assert_int_equal(count(text, "\r"), cases[i].returns);
        assert_int_equal(*text == '\0', i == 2);
        fclose(file);
    }
    unsetenv("COLUMNS");
}

TEST(silent_bar_says_nothing)
{
    use_terminal("xterm", "C.UTF-8");
    terminal t = open_terminal(80);
    run(t.slave, "epoch 1", 10, 0, true);
    assert_string_equal(read_and_close(&t), "");
    tr_progress_step(NULL, 1, NULL);
    tr_progress_end(NULL);
}

TEST(step_that_is_not_drawn_costs_next_to_nothing)
{
    enum { STEPS = 200000 };
    use_terminal("dumb", "C");
    FILE *file = tmpfile();
    struct timespec a, b;
    tr_progress *p = tr_progress_new("", STEPS, .stream = file);
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < STEPS; i++) tr_progress_step(p, 1, "%d", i);
    clock_gettime(CLOCK_MONOTONIC, &b);
    tr_progress_end(p);
    fclose(file);
    double each_ns = ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / STEPS;
    print_message("a step costs %.0f ns\n", each_ns);
    assert_true(each_ns < 5000); /* tens, but for sanitizers and memcheck */
}
