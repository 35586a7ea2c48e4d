// CTEST LIBRARIES trireme_launcher_parts LABELS launcher
/* Who is missing at tr_dist_init, from what the ranks' guards were told, and when. */
#include "launcher/starts.h"
#include "test.h"

#include <string.h>

enum { RANKS = 4 };
static rank_start rank[RANKS];

static void all_come_at(int64_t ms)
{
    memset(rank, 0, sizeof rank);
    for (int r = 0; r < RANKS; r++) starts_note(&rank[r], "init 60", ms);
}

TEST(who_has_not_come_is_found_after_the_limit_and_not_before)
{
    all_come_at(1000);
    rank[1] = rank[3] = (rank_start){0};
    assert_int_equal(starts_missing(rank, RANKS, 61000), -1);
    assert_int_equal(starts_missing(rank, RANKS, 61001), 1);
    assert_true(starts_lacks(rank, RANKS, 3));
    assert_false(starts_lacks(rank, RANKS, 2));
    assert_true(starts_limit(rank, RANKS) == 60);
}

TEST(nobody_is_missing_while_nobody_waits)
{
    memset(rank, 0, sizeof rank); /* programs of another kind */
    assert_int_equal(starts_missing(rank, RANKS, INT64_MAX / 2), -1);
    all_come_at(1000);
    assert_int_equal(starts_missing(rank, RANKS, INT64_MAX / 2), -1);
    rank[2] = (rank_start){0};
    for (int r = 0; r < RANKS; r++) starts_note(&rank[r], "up", 2000); /* alone: MPI was not started */
    assert_int_equal(starts_missing(rank, RANKS, INT64_MAX / 2), -1);
}

TEST(no_limit_is_no_limit)
{
    memset(rank, 0, sizeof rank);
    starts_note(&rank[0], "init 0", 0);
    assert_int_equal(starts_missing(rank, RANKS, INT64_MAX / 2), -1);
    assert_false(starts_hang(rank, RANKS, INT64_MAX / 2));
}

TEST(mpi_gets_three_times_as_long)
{
    all_come_at(0);
    assert_false(starts_hang(rank, RANKS, 180000));
    assert_true(starts_hang(rank, RANKS, 180001));
    for (int r = 0; r < RANKS; r++) starts_note(&rank[r], "up", 100);
    assert_false(starts_hang(rank, RANKS, 180001));
}

TEST(a_second_program_starts_anew)
{
    all_come_at(0);
    for (int r = 0; r < RANKS; r++) starts_note(&rank[r], "up", 100);
    for (int r = 0; r < RANKS - 1; r++) starts_note(&rank[r], "init 2", 1000);
    assert_int_equal(starts_missing(rank, RANKS, 2900), -1);
    assert_int_equal(starts_missing(rank, RANKS, 3100), 3);
}

TEST(what_its_program_does_is_told)
{
    char text[200];
    rank_start one = {.state = 'T'};
    starts_words(text, sizeof text, &one);
    assert_non_null(strstr(text, "has not come to tr_dist_init(), where others wait: its program is stopped"));
    one.state = 0;
    starts_words(text, sizeof text, &one);
    assert_string_equal(text, "has not come to tr_dist_init(), where others wait");
}
