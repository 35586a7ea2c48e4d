// CTEST LIBRARIES trireme_launcher_parts LABELS launcher
/* Who failed first, in the orders in which ends are heard of. */
#include "test.h"

#include "launcher/verdict.h"

#include <stdio.h>

static verdict_rank ended(int status, int signal, bool asked, int64_t ms)
{
    return (verdict_rank){.host = "node1", .ended = true, .status = status, .signal = signal, .asked = asked, .end_ms = ms};
}

static verdict_rank saying(verdict_rank r, int64_t ms, const char *words)
{
    r.said_ms = ms;
    snprintf(r.words, sizeof r.words, "%s", words);
    return r;
}

static verdict_rank lost(int64_t ms, bool asked)
{
    return (verdict_rank){.host = "node2", .lost = true, .asked = asked, .end_ms = ms, .silent_s = 5};
}

#define FIRST(...) verdict_first((verdict_rank[]){__VA_ARGS__}, (int)(sizeof((verdict_rank[]){__VA_ARGS__}) / sizeof(verdict_rank)))

TEST(a_job_that_goes_well_has_no_culprit)
{
    assert_int_equal(FIRST(ended(0, 0, false, 5), ended(0, 0, false, 7)), -1);
}

TEST(the_first_to_fail_unasked_is_it)
{
    assert_int_equal(FIRST(ended(1, 0, false, 9), ended(3, 0, false, 5)), 1);
    assert_int_equal(FIRST(ended(143, 15, true, 2), ended(137, 9, false, 5)), 1);
    assert_int_equal(FIRST(ended(0, 0, false, 1), ended(137, 9, false, 5), ended(1, 0, false, 6)), 1);
}

TEST(who_made_room_is_not_it_where_another_failed)
{
    assert_int_equal(FIRST(ended(75, 0, false, 5), ended(4, 0, false, 9)), 1);
    assert_int_equal(FIRST(ended(137, 9, true, 9), ended(75, 0, false, 5)), 1); /* the other did not follow, and was killed */
}

TEST(who_says_why_is_it_though_all_were_asked_to_end)
{
    /* the library aborts: mpirun asks everybody to end, the speaker too */
    assert_int_equal(FIRST(ended(143, 15, true, 20), saying(ended(1, 0, true, 21), 10, "trireme: rank 1 of 2 on node1: lr is nan")), 1);
}

TEST(words_of_a_rank_that_ends_well_blame_nobody)
{
    assert_int_equal(FIRST(saying(ended(0, 0, false, 20), 10, "trireme: rank 0 of 2 on node1: slow"), ended(4, 0, false, 30)), 1);
}

TEST(a_rank_that_tells_of_anothers_death_is_not_it)
{
    verdict_rank teller = saying(ended(1, 0, false, 12), 10, "trireme: rank 0 of 3 on node1: rank 2 has died in all_reduce");
    assert_int_equal(FIRST(teller, ended(143, 15, true, 30), ended(137, 9, false, 11)), 2); /* though it is heard of first */
    assert_int_equal(FIRST(teller, ended(143, 15, true, 30), ended(0, 0, false, 11)), 0);   /* unless that other is well */
    assert_int_equal(FIRST(teller, ended(143, 15, true, 30), ended(137, 9, true, 11)), 0);  /* or was killed for it */
}

TEST(a_rank_that_passes_on_anothers_failure_is_not_it)
{
    verdict_rank teller = saying(ended(1, 0, true, 12), 10, "trireme: rank 0 of 2 on node1: all_reduce: rank 1 failed: lr is nan");
    verdict_rank failing = saying(ended(1, 0, true, 13), 11, "trireme: rank 1 of 2 on node1: lr is nan");
    assert_int_equal(FIRST(teller, failing), 1);
}

TEST(blame_is_followed_to_its_end)
{
    verdict_rank zero = saying(ended(1, 0, true, 12), 10, "trireme: rank 0 of 3 on h: largest: rank 2 failed: rank 1 on h failed first");
    verdict_rank two = saying(ended(1, 0, true, 13), 11, "trireme: rank 2 of 3 on h ends all ranks: rank 1 on h failed first: its process 12 has ended");
    assert_int_equal(FIRST(zero, ended(134, 6, true, 20), two), 1);
}

TEST(a_watchdogs_word_about_another_counts_though_that_one_was_sent_home)
{
    const char *stopped = "trireme: rank 0 of 2 on h ends all ranks: after 2 s (TRIREME_TIMEOUT) rank 1 on h has not come to #7 "
                          "broadcast of 4 bytes from rank 0: its process 12 is stopped";
    const char *nobody = "trireme: rank 0 of 2 on h ends all ranks: all ranks of host h have come to #7 broadcast of 4 bytes from rank 1";
    assert_int_equal(FIRST(saying(ended(1, 0, false, 5), 4, stopped), ended(143, 15, true, 6)), 1);
    assert_int_equal(FIRST(saying(ended(1, 0, false, 5), 4, nobody), ended(143, 15, true, 6)), 0);
    assert_int_equal(FIRST(saying(ended(1, 0, false, 5), 4, stopped), (verdict_rank){.host = "h"}), 1); /* nothing was heard of it */
}

TEST(a_lost_host_is_it_but_not_when_we_sent_it_home)
{
    assert_int_equal(FIRST(ended(143, 15, true, 9), lost(5, false)), 1);
    assert_int_equal(FIRST(lost(9, true), ended(3, 0, false, 5)), 1);
}

TEST(who_calls_mpi_abort_exits_while_the_others_are_killed)
{
    assert_int_equal(FIRST(ended(143, 15, true, 5), ended(7, 0, true, 6), ended(143, 15, true, 4)), 1);
    assert_int_equal(FIRST(ended(143, 15, true, 5), ended(143, 15, true, 6)), -1);
}

TEST(a_failure_is_never_status_0)
{
    verdict_rank gone = lost(1, false), killed = ended(137, 9, false, 1);
    assert_int_equal(verdict_status(&gone), 1);
    assert_int_equal(verdict_status(&killed), 137);
}

TEST(it_is_said_how_and_what)
{
    char how[200];
    verdict_rank r = saying(ended(137, 9, false, 1), 1, "trireme: rank 1 of 2 on node1: tr_add: (2) + (3)");
    verdict_how(how, sizeof how, &r, 1, 0);
    assert_string_equal(how, "killed by signal 9 (Killed)");
    assert_string_equal(verdict_words(&r), "tr_add: (2) + (3)");
    r = saying(ended(143, 15, true, 9), 1, "trireme: rank 1 of 2 on node1: stuck");
    verdict_how(how, sizeof how, &r, 1, 0);
    assert_string_equal(how, "with the error told above"); /* the signal came after */
    assert_int_equal(verdict_status(&r), 1);
    r = lost(1, false);
    verdict_how(how, sizeof how, &r, 1, 0);
    assert_non_null(strstr(how, "no word from its host for 5 s"));
    assert_string_equal(verdict_words(&r), "");
}

static const char stopped[] = "trireme: rank 0 of 2 on h ends all ranks: after 2 s (TRIREME_TIMEOUT) rank 1 on h has not come to #7 all_reduce: "
                              "its process 12 is stopped; it has started it, but brings nothing on";

static const char *how_of_1(const char *report, verdict_rank one)
{
    static char how[600];
    verdict_rank rank[] = {saying(ended(1, 0, false, 5), 4, report), one};
    snprintf(rank[1].host, sizeof rank[1].host, "h");
    verdict_how(how, sizeof how, rank, 2, 1);
    return how;
}

TEST(why_a_rank_failed_stands_in_the_report_of_another)
{
    const char *why = "after 2 s (TRIREME_TIMEOUT) it has not come to #7 all_reduce: its process 12 is stopped; it has started it, but brings nothing on";
    verdict_rank down = {.lost = true, .end_ms = 6}; /* the line went down */
    char more[600];
    snprintf(more, sizeof more, "%s; rank 2 on h has not come to #7", stopped);
    assert_string_equal(how_of_1(stopped, down), why);
    assert_string_equal(how_of_1(more, down), why);
    assert_string_equal(how_of_1(stopped, ended(143, 15, true, 6)), why);
    assert_string_equal(how_of_1(stopped, (verdict_rank){.host = "h"}), why);
    assert_string_equal(how_of_1(stopped, ended(3, 0, false, 3)), "exit status 3"); /* which it said itself */
    assert_non_null(strstr(how_of_1(stopped, lost(6, false)), "no word from its host"));
    assert_string_equal(how_of_1("trireme: rank 0 of 2 on h ends all ranks: rank 1 on h failed first: its process 12 has ended", down), "its process 12 has ended");
}

TEST(nobody_is_blamed_for_what_all_say)
{
    verdict_rank rank[] = {saying(ended(1, 0, false, 5), 4, "trireme: rank 0 of 2 on h: tr_barrier: ranks differ: 1, 2 (a.c:1)"),
                           saying(ended(1, 0, true, 5), 4, "trireme: rank 1 of 2 on h: tr_all_reduce: ranks differ: 1, 2 (a.c:9)")};
    assert_true(verdict_all_say_the_same(rank, 2, 0));
    assert_false(verdict_all_say_the_same(rank, 1, 0));
    verdict_rank cut[] = {rank[0], rank[1]};
    for (int r = 0; r < 2; r++) memset(cut[r].words + strlen(cut[r].words), '.', sizeof cut[r].words - 1 - strlen(cut[r].words));
    for (int r = 0; r < 2; r++) memcpy(strchr(cut[r].words, '('), "......", 6); /* no place of the caller */
    assert_true(verdict_all_say_the_same(cut, 2, 0));
    assert_false(verdict_all_say_the_same((verdict_rank[]){rank[0], ended(1, 0, true, 5)}, 2, 0));
    assert_false(verdict_all_say_the_same((verdict_rank[]){rank[0], saying(ended(1, 0, true, 5), 4, "trireme: rank 1 of 2 on h: lr is nan")}, 2, 0));
}

TEST(nor_where_ranks_disagree_and_one_was_the_first_to_say_it)
{
    verdict_rank one = saying(ended(1, 0, false, 5), 4, "trireme: rank 1 of 3 on h: tr_barrier: ranks ask for different things in #4: rank 0: barrier; rank 1: all_reduce (a.c:9)");
    assert_true(verdict_is_disagreement(&one));
    assert_false(verdict_is_disagreement(&(verdict_rank){.words = "ranks ask for different things"}));
    one = saying(ended(1, 0, false, 5), 4, "trireme: rank 1 of 3 on h: lr is nan");
    assert_false(verdict_is_disagreement(&one));
    one = saying(ended(1, 0, false, 5), 4, "trireme: rank 1 of 3 on h ends all ranks: rank 2 on h failed first: ranks ask for different things");
    assert_false(verdict_is_disagreement(&one));
}

TEST(who_left_the_others_way_by_an_error_of_its_own_is_it)
{
    verdict_rank differs = saying(ended(1, 0, false, 5), 4, "trireme: rank 0 of 2 on h: ranks ask for different things in #4: rank 0: all_reduce; rank 1: comparison (finish)");
    assert_int_equal(FIRST(differs, saying(ended(1, 0, true, 7), 6, "trireme: rank 1 of 2 on h: lr is nan")), 1);
    assert_int_equal(FIRST(differs, saying(ended(1, 0, true, 7), 6, differs.words)), 0);
}

TEST(a_rank_that_passes_on_what_another_said_before_is_not_it)
{
    verdict_rank rank[] = {saying(ended(1, 0, false, 5), 4, "trireme: rank 1 on h failed first: tr_add: (2) + (3)"), ended(143, 15, true, 6)};
    char how[200];
    snprintf(rank[1].host, sizeof rank[1].host, "h");
    assert_int_equal(verdict_first(rank, 2), 1);
    verdict_how(how, sizeof how, rank, 2, 1);
    assert_string_equal(how, "tr_add: (2) + (3)");
    rank[0] = saying(ended(1, 0, false, 5), 4, "trireme: rank 1 on h failed first: after 2 s (TRIREME_TIMEOUT) rank 1 on h has not come to #7: its process 12 is stopped");
    verdict_how(how, sizeof how, rank, 2, 1);
    assert_string_equal(how, "after 2 s (TRIREME_TIMEOUT) it has not come to #7: its process 12 is stopped"); /* which a third one judged */
    rank[1] = saying(ended(1, 0, true, 6), 5, "trireme: rank 1 of 2 on h: tr_add: (2) + (3)");
    assert_int_equal(verdict_first(rank, 2), 1);
    assert_false(verdict_all_say_the_same(rank, 2, 1));
}

/* Ranks 2 and 3 of four train, and call each other 0 and 1; so do the other two. */
TEST(ranks_are_found_by_the_numbers_of_their_own_communicator)
{
    verdict_rank rank[] = {ended(143, 15, true, 6), ended(143, 15, true, 6), saying(ended(1, 0, false, 5), 4, stopped), ended(143, 15, true, 6)};
    char how[600], words[40];
    for (int r = 0; r < 4; r++) {
        snprintf(rank[r].host, sizeof rank[r].host, "h");
        snprintf(words, sizeof words, "ranks %d 2 %d", r % 2, 7 + r / 2);
        assert_true(verdict_hears(&rank[r], words));
    }
    assert_int_equal(verdict_first(rank, 4), 3);
    verdict_how(how, sizeof how, rank, 4, 3);
    assert_non_null(strstr(how, "it has not come to #7"));
    verdict_how(how, sizeof how, rank, 4, 1);
    assert_null(strstr(how, "it has not come to #7"));
    assert_int_equal(verdict_together(&rank[3], 4), 2);

    for (int r = 2; r < 4; r++) rank[r] = saying(rank[r], 4, "trireme: rank 0 of 2 on h: tr_barrier: ranks differ");
    assert_true(verdict_all_say_the_same(rank, 4, 2));
    assert_false(verdict_all_say_the_same(rank, 4, 0));
    assert_false(verdict_hears(&rank[0], "init 60"));
}
