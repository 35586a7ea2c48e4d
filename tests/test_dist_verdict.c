// CTEST LIBRARIES trireme_dist_internal LABELS mpi
/* Who is blamed, on a board that is written by hand, with processes that are alive, stopped and dead. */
#include "dist/watchdog.h"
#include "test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RANKS = 4 };

static dist_board board;
static pid_t child[RANKS]; /* rank 0 is this process */
static char text[2048];

static void write_note(int rank, int64_t number, dist_operation operation, int64_t n, const char *file)
{
    dist_note *note = &dist_board_page(&board, rank)->note[number % DIST_NOTES];
    *note = (dist_note){.operation = (int32_t)operation, .dtype = TR_FLOAT32, .n = n, .line = 10 + rank};
    snprintf(note->file, sizeof note->file, "%s", file);
    atomic_store(&note->number, number);
}

/* All have done seven sums and wait in the eighth. */
static void everybody_waits_in_eight(void)
{
    board = (dist_board){.world = RANKS, .memory = calloc(RANKS + 1, DIST_PAGE)};
    assert_non_null(board.memory);
    for (int i = 0; i < RANKS; i++) {
        dist_page *p = dist_board_page(&board, i);
        child[i] = i == 0 ? getpid() : fork();
        if (child[i] == 0) {
            sleep(30);
            _exit(0);
        }
        atomic_store(&p->pid, child[i]);
        snprintf(p->host, sizeof p->host, "h");
        atomic_store(&p->beat_ms, (int64_t)(1e3 * dist_now()));
        atomic_store(&p->called, 8);
        atomic_store(&p->arrived, 8);
        atomic_store(&p->done, 7);
        atomic_store(&p->waits, 1);
        write_note(i, 7, DIST_BARRIER, 0, "step.c");
        write_note(i, 8, DIST_ALL_REDUCE, 5, "step.c");
    }
}

static void clear(void)
{
    for (int i = 1; i < RANKS; i++) {
        kill(child[i], SIGKILL);
        waitpid(child[i], NULL, 0);
    }
    free(board.memory);
}

static void has_not_come(int rank)
{
    dist_page *p = dist_board_page(&board, rank);
    atomic_store(&p->called, 7);
    atomic_store(&p->arrived, 7);
    atomic_store(&p->waits, 0);
    write_note(rank, 8, DIST_BARRIER, 0, "older.c");
    atomic_store(&p->note[8 % DIST_NOTES].number, 0);
}

static void signal_and_wait(int rank, int number)
{
    kill(child[rank], number);
    for (int i = 0; i < 200; i++) {
        siginfo_t info = {0};
        if (waitid(P_PID, (id_t)child[rank], &info, WSTOPPED | WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid) return;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

static void assert_blames(int64_t rank, const char *words)
{
    int64_t blamed = dist_verdict(&board, text, sizeof text);
    if (blamed != rank || !strstr(text, words)) print_error("rank %lld: %s\n", (long long)blamed, text);
    assert_int_equal(blamed, rank);
    assert_non_null(strstr(text, words));
}

TEST(nobody_is_blamed_who_waits)
{
    everybody_waits_in_eight();
    assert_blames(-1, "all ranks have come to #8 all_reduce of 5 float32 at step.c:10 and wait for each other");
    clear();
}

TEST(the_one_that_has_not_come_is_blamed_and_what_it_does)
{
    everybody_waits_in_eight();
    has_not_come(2);
    assert_blames(2, "rank 2 on h has not come to #8 all_reduce of 5 float32 at step.c:10: its process");
    assert_blames(2, "is alive and ");
    clear();
}

TEST(a_dead_one_is_surer_than_a_stopped_one_and_that_than_one_that_is_late)
{
    everybody_waits_in_eight();
    for (int i = 1; i < RANKS; i++) has_not_come(i);
    assert_blames(1, "; rank 2 on h has not come to ");
    signal_and_wait(2, SIGSTOP);
    assert_blames(2, "is stopped");
    signal_and_wait(3, SIGKILL);
    assert_blames(3, "has ended");
    clear();
}

TEST(no_sign_of_life_is_told_from_being_late)
{
    everybody_waits_in_eight();
    has_not_come(1);
    has_not_come(3);
    atomic_store(&dist_board_page(&board, 3)->beat_ms, (int64_t)(1e3 * dist_now()) - 9000);
    assert_blames(3, "has given no sign of life for 9.0 s");
    clear();
}

TEST(a_rank_that_counts_more_is_not_missing_and_one_that_waits_earlier_tells_where)
{
    everybody_waits_in_eight();
    for (int i = 0; i < 2; i++) {
        dist_page *p = dist_board_page(&board, i); /* a broadcast's root, say: gone on to 9 */
        atomic_store(&p->called, 9);
        atomic_store(&p->arrived, 9);
        atomic_store(&p->done, 8);
    }
    has_not_come(3);
    assert_blames(3, "has not come to #8");
    clear();
}

/* Ranks have gone on, their devices have not. */
static void all_devices_are_in_eight(void)
{
    everybody_waits_in_eight();
    for (int i = 0; i < RANKS; i++) {
        dist_page *p = dist_board_page(&board, i);
        atomic_store(&p->called, 9);
        atomic_store(&p->arrived, 9);
        atomic_store(&p->done, 9);
        atomic_store(&p->waits, 0);
        atomic_store(&p->begun, 8);
        atomic_store(&p->ended, 7);
        write_note(i, 9, DIST_BARRIER, 0, "later.c");
    }
}

TEST(devices_that_wait_for_each_other_are_nobody_s_fault)
{
    all_devices_are_in_eight();
    assert_blames(-1, "all ranks have come to #8 all_reduce of 5 float32 at step.c:10 and wait for each other; their devices are in it");
    dist_verdict_table(&board, text, sizeof text);
    assert_non_null(strstr(text, "last did #9 barrier at later.c:10, its device is in #8"));
    clear();
}

TEST(a_rank_whose_device_has_not_come_is_blamed)
{
    all_devices_are_in_eight();
    atomic_store(&dist_board_page(&board, 2)->begun, 7); /* it was asked, and does something else */
    assert_blames(2, "rank 2 on h does not end #8 all_reduce of 5 float32 at step.c:10: its process");
    assert_blames(2, "its device has not begun it");
    has_not_come(3);
    atomic_store(&dist_board_page(&board, 3)->begun, 7);
    atomic_store(&dist_board_page(&board, 3)->done, 7);
    assert_blames(3, "rank 3 on h has not come to #8 all_reduce of 5 float32 at step.c:10");
    clear();
}

TEST(a_rank_that_waits_earlier_than_devices_tells_where)
{
    all_devices_are_in_eight();
    dist_page *one = dist_board_page(&board, 1), *other = dist_board_page(&board, 3);
    atomic_store(&one->called, 7); /* waits itself in 7, for rank 3 */
    atomic_store(&one->arrived, 7);
    atomic_store(&one->done, 6);
    atomic_store(&one->waits, DIST_WAITS_COLLECTIVE);
    atomic_store(&one->begun, 5);
    atomic_store(&one->ended, 5);
    atomic_store(&other->called, 6);
    atomic_store(&other->arrived, 6);
    atomic_store(&other->done, 6);
    atomic_store(&other->begun, 5);
    atomic_store(&other->ended, 5);
    assert_blames(3, "rank 3 on h has not come to #7");
    clear();
}

TEST(who_asks_for_something_else_is_named_beside_the_others)
{
    everybody_waits_in_eight();
    write_note(1, 8, DIST_BARRIER, 0, "other.c");
    assert_blames(1, "rank 1 on h asks for #8 barrier at other.c:11 where others ask for #8 all_reduce of 5 float32 at step.c:10");
    clear();
}

TEST(who_started_it_and_does_something_else_is_not_taken_for_one_that_waits)
{
    everybody_waits_in_eight();
    atomic_store(&dist_board_page(&board, 2)->waits, 0);
    assert_blames(2, "it has started it, but brings nothing on");
    clear();
}

TEST(other_hosts_ranks_are_not_judged)
{
    everybody_waits_in_eight();
    atomic_store(&dist_board_page(&board, 3)->pid, 0);
    assert_blames(-1, "all ranks of host h have come to #8 all_reduce of 5 float32 at step.c:10: a rank of another host is missing");
    clear();
}

TEST(a_message_that_does_not_come_names_the_other_end)
{
    everybody_waits_in_eight();
    dist_page *p = dist_board_page(&board, 0);
    atomic_store(&p->waits, 2);
    p->message = (dist_note){.operation = DIST_RECEIVE, .n = 16, .peer = 3};
    assert_blames(3, "rank 3 on h has not met the receive of 16 bytes from rank 3 of rank 0: it waits in #8 all_reduce");
    clear();
}

TEST(the_table_has_a_line_for_each_rank)
{
    everybody_waits_in_eight();
    has_not_come(2);
    signal_and_wait(2, SIGSTOP);
    dist_verdict_table(&board, text, sizeof text);
    assert_non_null(strstr(text, "rank 0 on h, process "));
    assert_non_null(strstr(text, "waits in #8 all_reduce of 5 float32 at step.c:10 [called 8, arrived 8, done 7]\n"));
    assert_non_null(strstr(text, "last did #7 barrier at step.c:12 [called 7, arrived 7, done 7], stopped\n"));
    clear();
}
