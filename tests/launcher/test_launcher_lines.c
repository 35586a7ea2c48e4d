// CTEST LIBRARIES trireme_launcher_parts LABELS launcher
/* Output stays whole: lines are handed on by the line, whatever pieces they came in. */
#include "test.h"

#include "launcher/lines.h"

#include <stdio.h>
#include <stdlib.h>

static char got[200000];

/* What was handed on, each piece in brackets. */
static void collect(void *to, const char *text, size_t bytes)
{
    (void)to;
    size_t used = strlen(got);
    snprintf(got + used, sizeof got - used, "<%.*s>", (int)bytes, text);
}

static lines fresh(const char *tag)
{
    got[0] = 0;
    return (lines){.write = collect, .tag = tag, .sign = "trireme: rank "};
}

static void add(lines *l, const char *text) { lines_add(l, text, strlen(text)); }

TEST(a_line_waits_for_its_end)
{
    lines l = fresh("");
    add(&l, "one\ntw");
    add(&l, "o");
    assert_string_equal(got, "<one\n>");
    add(&l, "\nthree\nfour");
    assert_string_equal(got, "<one\n><two\nthree\n>");
    lines_flush(&l);
    assert_string_equal(got, "<one\n><two\nthree\n><four>");
    lines_flush(&l);
    assert_string_equal(l.last, "four");
    lines_free(&l);
}

TEST(a_progress_bar_ends_its_line_with_a_carriage_return)
{
    lines l = fresh("");
    add(&l, "\r10 %\r20");
    assert_string_equal(got, "<\r10 %\r>");
    lines_free(&l);
}

TEST(each_line_begins_with_its_tag)
{
    lines l = fresh("[1] ");
    add(&l, "one\n\ntwo\r");
    assert_string_equal(got, "<[1] one\n[1] \n>");
    lines_flush(&l);
    assert_string_equal(got, "<[1] one\n[1] \n><[1] two\r\n>");
    lines_free(&l);
}

TEST(a_line_without_an_end_goes_in_pieces)
{
    lines l = fresh("");
    char *much = calloc(1, 70001);
    memset(much, 'x', 70000);
    add(&l, much);
    assert_int_equal(strlen(got), 70002);
    assert_int_equal(l.bytes, 0);
    free(much);
    lines_free(&l);
}

TEST(last_words_are_remembered)
{
    lines l = fresh("");
    add(&l, "trireme: rank 1 of 2 on node1: lr is nan\nafter\n\n  \n");
    assert_string_equal(l.last, "after");
    assert_string_equal(l.said, "trireme: rank 1 of 2 on node1: lr is nan");
    lines_free(&l);
}

TEST(open_mpis_trace_is_nobodys_last_word)
{
    lines l = fresh("");
    add(&l, "out of luck\n[vm:12] *** Process received signal ***\n[vm:12] Signal: Segmentation fault (11)\n"
            "[vm:12] Failing at address: (nil)\n[vm:12] [ 0] /lib/libc.so.6(+0x3c050)[0x7fda7ce35050]\n[vm:12] *** End of error message ***\n");
    assert_string_equal(l.last, "out of luck");
    add(&l, "[1, 2]\n[a] b\n");
    assert_string_equal(l.last, "[a] b");
    lines_free(&l);
}
