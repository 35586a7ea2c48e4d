/* What the tutorials draw: tensors, histograms, limits, several plots in one picture, animations. */
#include "pictures.h"

#include <math.h>
#include <trireme/ops.h>
#include "report/plot.h"

static bool have_gnuplot;

static void need_gnuplot(void)
{
    static bool asked;
    if (!asked) {
        tr_plot *p = tr_plot_new();
        have_gnuplot = tr_plot_save(p, in_folder("try.png")) == 0;
        tr_plot_free(p);
        unlink(in_folder("try.png"));
        asked = true;
    }
    if (!have_gnuplot) skip_because("gnuplot is not installed");
}

/* The two sizes that a PNG begins with. */
static void assert_png(const char *name, int width, int height)
{
    size_t bytes;
    const unsigned char *png = read_file(in_folder(name), &bytes);
    assert_memory_equal(png, "\x89PNG", 4);
    assert_int_equal(png[18] << 8 | png[19], width);
    assert_int_equal(png[22] << 8 | png[23], height);
}

/* ---- curves ---- */

TEST(tensors_are_drawn_in_row_major_order)
{
    tr_plot *p = tr_plot_new();
    tr_tensor *m = tr_t(tr_view(row(0, 1, 2, 3, 4, 5), TR_SHAPE(2, 3)));
    assert_int_equal(tr_plot_curve(p, tr_arange(0, 6, 1), m, .mark = TR_DOTTED, .legend = "m", .colour = "#12abEF", .width = 3), 0);
    assert_int_equal(tr_plot_curve(p, NULL, row(7, 8), .colour = "black"), 0);
    const report_curve *c = p->curves;
    assert_int_equal(c->n, 6);
    assert_true(c->y[1] > 2.9 && c->y[1] < 3.1 && c->x[5] > 4.9);
    assert_string_equal(c->colour, "#12abEF");
    assert_true(c->width > 2.9);
    assert_true(c[1].x[1] > 0.9 && c[1].x[1] < 1.1);
    assert_string_equal(c[1].colour, "#000000");
    tr_plot_free(p);
}

TEST(curves_that_cannot_be_drawn_are_refused)
{
    tr_plot *p = tr_plot_new();
    assert_int_equal(tr_plot_curve(p, row(1, 2), row(1, 2, 3)), -1);
    assert_error_says("x (2,) float32 and y (3,) float32 are not equally many");
    assert_int_equal(tr_plot_curve(p, NULL, tr_zeros(TR_SHAPE(2), .dtype = TR_COMPLEX64)), -1);
    assert_error_says("a complex number has no place on an axis");
    assert_int_equal(tr_plot_curve(p, NULL, row(1), .colour = "#12345"), -1);
    assert_error_says("no colour is called #12345");
    assert_int_equal(tr_plot_curve(p, NULL, row(1), .colour = "#123456' ; system('x')"), -1);
    assert_error_says("no colour is called");
    assert_int_equal(tr_plot_curve(p, NULL, row(1), .colour = "mauve"), -1);
    assert_error_says("mauve");
    assert_int_equal(tr_plot_curve(p, NULL, row(1), .width = -1), -1);
    assert_error_says("width -1");
    assert_int_equal(tr_plot_curve(p, NULL, row(1), .mark = (tr_mark)5), -1);
    assert_error_says("no mark has the number 5");
    assert_int_equal(tr_plot_curve(NULL, NULL, row(1)), -1);
    assert_error_says("tr_plot_curve");
    assert_int_equal(tr_plot_hist(p, row(1), .bins = -2), -1);
    assert_error_says("-2 bins");
    assert_int_equal(tr_plot_hist(p, NULL), -1);
    assert_error_says("tr_plot_hist");
    assert_int_equal(p->count, 0);
    tr_plot_free(p);
}

/* ---- histograms ---- */

static void assert_counts(const report_curve *c, int bins, double low, double high, const int *counts)
{
    assert_int_equal(c->n, 2 * bins + 2);
    assert_true(fabs(c->x[0] - low) < 1e-12 && fabs(c->x[2 * bins + 1] - high) < 1e-12);
    assert_true(!(c->y[0] > 0) && !(c->y[2 * bins + 1] > 0));
    for (int i = 0; i < bins; i++) {
        assert_int_equal((int)c->y[2 * i + 1], counts[i]);
        assert_int_equal((int)c->y[2 * i + 2], counts[i]);
        assert_true(fabs(c->x[2 * i + 2] - (low + (i + 1) * (high - low) / bins)) < 1e-12);
    }
}

TEST(histogram_counts_as_numpy_counts)
{
    tr_plot *p = tr_plot_new();
    /* numpy.histogram of the same, by NumPy */
    tr_plot_hist(p, row64(0, 0.1, 0.2, 0.3, 0.30000000000000004, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0));
    assert_counts(p->curves, 10, 0, 1, (int[]){1, 1, 2, 1, 1, 2, 1, 0, 1, 2});
    tr_plot_hist(p, row64(3, 3, 3));
    assert_counts(p->curves + 1, 10, 2.5, 3.5, (int[]){0, 0, 0, 0, 0, 3, 0, 0, 0, 0});
    tr_plot_hist(p, row64(-1, 5, 2, 2.9999, 3.0001, (double)NAN, (double)INFINITY), .bins = 3);
    assert_counts(p->curves + 2, 3, -1, 5, (int[]){1, 2, 2});
    tr_plot_hist(p, row64(0, 0.7, 0.5249999999999999), .bins = 4); /* which is the third border, and 2.9999 of four parts */
    assert_counts(p->curves + 3, 4, 0, 0.7, (int[]){1, 0, 0, 2});
    tr_plot_hist(p, tr_zeros(TR_SHAPE(0)), .bins = 2);
    assert_counts(p->curves + 4, 2, 0, 1, (int[]){0, 0});
    tr_plot_hist(p, row64(1e15, 1e15), .bins = 4);
    assert_counts(p->curves + 5, 4, 1e15 - 0.5, 1e15 + 0.5, (int[]){0, 0, 2, 0});
    tr_plot_free(p);
}

TEST(histogram_is_an_outline_in_characters)
{
    tr_plot *p = tr_plot_new();
    tr_plot_hist(p, row(0, 0, 0, 1), .bins = 2);
    tr_plot_add(p, 0, NULL, NULL, TR_LINE, NULL); /* a second curve: marks, not braille */
    assert_string_equal(drawn(p, 30, 10, "C"), "3 +**************\n"
                                               "  |*            *\n"
                                               "2 +*            *\n"
                                               "  |*            *\n"
                                               "  |*            *\n"
                                               "1 +*            **************\n"
                                               "  |*                         *\n"
                                               "0 +*                         *\n"
                                               "  ++------------+------------+\n"
                                               "   0           0.5           1\n");
    tr_plot_free(p);
}

/* ---- sizes and limits ---- */

TEST(inches_and_dots_make_pixels)
{
    need_gnuplot();
    tr_plot *p = tr_plot_new(.figsize = {4, 2}, .dpi = 50);
    tr_plot_curve(p, NULL, row(1, 2));
    assert_int_equal(tr_plot_save(p, in_folder("a.png")), 0);
    tr_plot_free(p);
    assert_png("a.png", 200, 100);
    files_in_folder(true);
}

TEST(impossible_sizes_and_limits_are_refused)
{
    static const struct {
        tr_plot_options options;
        const char *says;
    } cases[] = {
        {{.figsize = {4, 2}, .width = 3}, "not both"},
        {{.figsize = {4, 0}}, "4 x 0 inches"},
        {{.figsize = {-4, 2}}, "-4 x 2 inches"},
        {{.figsize = {400, 200}}, "400 x 200 inches"},
        {{.dpi = -1}, "-1 dots"},
        {{.xlim = {2, 1}}, "xlim from 2 to 1"},
        {{.ylim = {1, 1}}, "ylim from 1 to 1"},
        {{.ylim = {0, INFINITY}}, "ylim from 0 to inf"},
        {{.ylim = {NAN, 1}}, "ylim from nan to 1"},
        {{.log_y = true, .ylim = {0, 1}}, "ylim from 0 to 1 on a logarithmic axis"},
        {{.log_x = true, .xlim = {-1, 1}}, "xlim from -1 to 1 on a logarithmic axis"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null((tr_plot_new)(cases[i].options));
        assert_error_says(cases[i].says);
    }
}

TEST(limits_cut_what_lies_outside)
{
    tr_plot *p = tr_plot_new(.xlim = {0, 1}, .ylim = {0, 1});
    tr_plot_add(p, 2, (double[]){-1, 2}, (double[]){-1, 2}, TR_LINE, NULL);
    tr_plot_add(p, 3, (double[]){0.5, 3, -1e150}, (double[]){1, -3, 1e150}, TR_POINTS, NULL);
    assert_string_equal(drawn(p, 30, 10, "C"), "  1 +            +          **\n"
                                               "    |                   ****\n"
                                               "    |                ***\n"
                                               "    |            ****\n"
                                               "0.5 +         ***\n"
                                               "    |      ***\n"
                                               "    |  ****\n"
                                               "  0 +**\n"
                                               "    ++-----------+-----------+\n"
                                               "     0          0.5          1\n");
    tr_plot_free(p);
    for (double narrow = 1; narrow > 1e-149; narrow /= 1e10) {
        p = tr_plot_new(.xlim = {0, narrow}, .ylim = {-narrow, 0});
        tr_plot_add(p, 4, (double[]){-1e150, 1, 0, 1e150}, (double[]){1e150, -3, 0, -1e150}, TR_DASHED, NULL);
        (void)drawn(p, 30, 10, "C");
        tr_plot_free(p);
    }
}

TEST(limits_that_show_nothing_still_give_a_picture)
{
    need_gnuplot();
    tr_plot *p = tr_plot_new(.xlim = {10, 20}, .ylim = {-2, -1});
    for (int mark = TR_LINE; mark <= TR_LINE_POINTS; mark++) tr_plot_curve(p, NULL, row(1, 2), .mark = (tr_mark)mark, .legend = "x");
    assert_int_equal(tr_plot_save(p, in_folder("a.png")), 0);
    tr_plot_free(p);
    files_in_folder(true);
}

TEST(dashes_and_dots_go_on_over_short_pieces)
{
    for (int mark = TR_DASHED; mark <= TR_DOTTED; mark++) {
        tr_plot *p = tr_plot_new();
        tr_plot_curve(p, NULL, tr_zeros(TR_SHAPE(200)), .mark = (tr_mark)mark);
        tr_plot_curve(p, NULL, tr_zeros(TR_SHAPE(0)));
        assert_non_null(strstr(drawn(p, 60, 10, "C"), mark == TR_DASHED ? "**  **  **" : "*  *  *  *"));
        tr_plot_free(p);
    }
}

/* ---- figures ---- */

static tr_figure *two_panels(void)
{
    tr_figure *f = tr_figure_new(1, 2, .title = "it's 'two'", .figsize = {6, 3});
    tr_plot *left = tr_figure_plot(f, .title = "left", .log_y = true), *right = tr_figure_plot(f, .title = "right", .width = 9);
    tr_plot_curve(left, NULL, row(1, 10, 100), .legend = "loss");
    tr_plot_hist(right, row(1, 2, 2, 3));
    tr_plot_free(left); /* which is the figure's: nothing happens */
    return f;
}

TEST(figure_holds_all_its_plots)
{
    need_gnuplot();
    tr_figure *f = two_panels();
    assert_null(tr_figure_plot(f));
    assert_error_says("all 1 by 2 plots are there");
    assert_int_equal(tr_figure_save(f, in_folder("f.png")), 0);
    assert_png("f.png", 600, 300);
    assert_int_equal(tr_figure_save(f, in_folder("f.svg")), 0);
    size_t bytes;
    const char *svg = (const char *)read_file(in_folder("f.svg"), &bytes);
    static const char *const texts[] = {"it's 'two'", ">left<", ">right<", ">loss<"};
    for (int i = 0; i < 4; i++) assert_non_null(strstr(svg, texts[i]));
    tr_figure_free(f);
    files_in_folder(true);
}

TEST(figure_without_plots_is_a_picture)
{
    need_gnuplot();
    tr_figure *f = tr_figure_new(2, 2);
    assert_int_equal(tr_figure_save(f, in_folder("f.png")), 0);
    assert_png("f.png", 1040, 800);
    tr_figure_free(f);
    files_in_folder(true);
}

TEST(figure_in_characters_is_one_plot_below_the_other)
{
    tr_figure *f = two_panels();
    FILE *file = tmpfile();
    char text[4096];
    setenv("LC_ALL", "C", 1);
    assert_int_equal(tr_figure_text(f, file, 40, 12), 0);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    const char *title = strstr(text, "               it's 'two'\n"), *left = strstr(text, " left\n"), *right = strstr(text, "\n\n");
    assert_ptr_equal(title, text);
    assert_true(left > title && right > left);
    assert_non_null(strstr(right, " right\n"));
    tr_figure_free(f);
}

TEST(bad_figures_are_refused)
{
    assert_null(tr_figure_new(0, 2));
    assert_error_says("0 rows by 2 columns");
    assert_null(tr_figure_new(1, 21));
    assert_error_says("1 rows by 21 columns");
    tr_figure *f = tr_figure_new(1, 1);
    assert_null(tr_figure_plot(f, .xlim = {1, 0}));
    assert_error_says("tr_figure_plot: xlim");
    assert_int_equal(tr_figure_save(f, "f.gif"), -1);
    assert_error_says("tr_figure_save: f.gif ends neither");
    tr_figure_free(f);
    tr_figure_free(NULL);
    assert_int_equal(tr_figure_text(NULL, stdout, 0, 0), -1);
    assert_error_says("tr_figure_text");
}

/* ---- animations ---- */

/* Frames of a GIF: its image blocks, reached over the sizes of all others.  -1 if it does not end as it should. */
static int gif_frames(const unsigned char *gif, size_t bytes, int *hundredths)
{
    if (bytes < 13 || memcmp(gif, "GIF89a", 6) != 0) return -1;
    size_t at = 13 + (gif[10] & 0x80 ? 3u << ((gif[10] & 7) + 1) : 0);
    for (int frames = 0; at < bytes;) {
        int kind = gif[at];
        if (kind == 0x3B) return at + 1 == bytes ? frames : -1;
        if (kind == 0x21) {
            if (gif[at + 1] == 0xF9) *hundredths = gif[at + 4] | gif[at + 5] << 8;
            at += 2;
        } else if (kind == 0x2C) {
            frames++;
            at += 10 + (gif[at + 9] & 0x80 ? 3u << ((gif[at + 9] & 7) + 1) : 0) + 1;
        } else {
            return -1;
        }
        while (at < bytes && gif[at]) at += 1u + gif[at];
        at++;
    }
    return -1;
}

static tr_animation *some_frames(int n)
{
    tr_animation *a = tr_animation_new(.figsize = {3, 2});
    tr_tensor *x = tr_linspace(-1, 1, 30), *y = tr_randn(TR_SHAPE(30));
    for (int i = 0; i < n; i++) {
        char title[64];
        snprintf(title, sizeof title, "step %d", i);
        tr_plot *frame = tr_animation_frame(a, .title = title);
        tr_plot_curve(frame, x, y, .mark = TR_POINTS);
        tr_plot_curve(frame, x, tr_mul(x, 2.0 * i / n), .colour = "red");
    }
    return a;
}

TEST(two_hundred_frames_are_one_small_file)
{
    need_gnuplot();
    tr_animation *a = some_frames(200);
    assert_int_equal(tr_animation_save(a, in_folder("fit.gif")), 0);
    tr_animation_free(a);
    size_t bytes;
    int hundredths = 0;
    const unsigned char *gif = read_file(in_folder("fit.gif"), &bytes); /* at most 1 MiB */
    assert_int_equal(gif_frames(gif, bytes, &hundredths), 200);
    assert_int_equal(hundredths, 5);
    assert_int_equal(gif[6] | gif[7] << 8, 300);
    assert_int_equal(gif[8] | gif[9] << 8, 200);
    files_in_folder(true);
}

TEST(frames_share_the_axes_that_all_of_them_need)
{
    tr_animation *a = tr_animation_new();
    tr_plot *frames[] = {tr_animation_frame(a), tr_animation_frame(a, .ylim = {-7, 7})};
    tr_plot_curve(frames[0], NULL, row(0, 1));
    tr_plot_curve(frames[1], row(5, 100), row(0, 50));
    FILE *file = tmpfile();
    static char script[1 << 14];
    assert_int_equal(report_write_script(file, &(report_sheet){.plot = frames, .count = 2, .rows = 1, .columns = 1, .size = {300, 200, 1}, .milliseconds = 50}, REPORT_GIF), 0);
    script[fread(script, 1, sizeof script - 1, file)] = '\0';
    fclose(file);
    const char *first = strstr(script, "set xrange [-2:102]\nset yrange [-7.7:7.7]\n");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "set xrange [-2:102]\nset yrange [-7:7]\n"));
    tr_animation_free(a);
}

TEST(animation_in_characters_is_its_last_frame)
{
    tr_animation *a = some_frames(3);
    FILE *file = tmpfile();
    char text[4096];
    assert_int_equal(tr_animation_text(a, file, 40, 12), 0);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_non_null(strstr(text, "step 2\n"));
    assert_non_null(strstr(text, "(the last of 3 frames)\n"));
    tr_animation_free(a);
}

TEST(bad_animations_are_refused)
{
    tr_animation *a = tr_animation_new();
    assert_int_equal(tr_animation_save(a, "a.gif"), -1);
    assert_error_says("a.gif would have no frame");
    assert_int_equal(tr_animation_text(a, stdout, 0, 0), -1);
    assert_error_says("there is no frame");
    (void)tr_animation_frame(a);
    assert_int_equal(tr_animation_save(a, "a.png"), -1);
    assert_error_says("a.png does not end in .gif");
    tr_animation_free(a);
    tr_animation_free(NULL);
    assert_null(tr_animation_new(.milliseconds = -1));
    assert_error_says("-1 milliseconds");
}

TEST(without_gnuplot_figures_and_animations_say_1)
{
    tr_figure *f = two_panels();
    tr_animation *a = some_frames(2);
    setenv("PATH", folder, 1);
    int figure = tr_figure_save(f, in_folder("f.png")), animation = tr_animation_save(a, in_folder("a.gif"));
    setenv("PATH", search_path, 1);
    tr_figure_free(f);
    tr_animation_free(a);
    assert_int_equal(figure, 1);
    assert_int_equal(animation, 1);
    assert_int_equal(files_in_folder(true), 0);
}
