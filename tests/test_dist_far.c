// CTEST LIBRARIES trireme_dist_internal LABELS mpi
/* What a watchdog learns of ranks on other hosts: processes play the hosts, one rank on each, and are alive, stopped, dead, or
 * somebody else. */
#include "dist/far.h"
#include "dist/life.h"
#include "test.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>

enum { RANKS = 4,
       TOKEN = 4711 };

/* What the hosts share, to exchange addresses by. */
static struct {
    _Atomic int came;
    char part[RANKS][sizeof(dist_address)];
} * table;

static int gather(dist_transport *way, dist_work *w, double seconds)
{
    (void)seconds;
    memcpy(table->part[way->rank], w->from, (size_t)w->n);
    atomic_fetch_add(&table->came, 1);
    while (atomic_load(&table->came) < RANKS) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    memcpy(w->into, table->part, RANKS * (size_t)w->n);
    return 1;
}

static dist_board board;
static dist_far far;
static pid_t child[RANKS];

/* The rank of a host of its own, waiting in its eighth collective. */
static void become(int rank)
{
    static char name[] = "host0";
    dist_transport way = {.rank = rank, .world = RANKS, .network = true, .advance = gather};
    assert_int_equal(dist_board_open(&board, (uint64_t)getpid(), rank, rank, RANKS), 0);
    dist_board_hide(&board);
    dist_page *mine = dist_board_page(&board, rank);
    name[4] = (char)('0' + rank);
    memcpy(mine->host, name, sizeof name);
    atomic_store(&mine->called, 8);
    atomic_store(&mine->arrived, 8);
    atomic_store(&mine->done, 7);
    atomic_store(&mine->waits, DIST_WAITS_COLLECTIVE);
    assert_int_equal(dist_far_open(&far, &way, TOKEN), 0);
}

static void answer_for_ever(int rank)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    become(rank);
    for (struct pollfd asked = {.fd = far.listening, .events = POLLIN};;)
        if (poll(&asked, 1, -1) > 0) dist_far_answer(&far, &board);
}

static void start(void)
{
    setenv("TRIREME_HOST_RANKS", "1", 1);
    table = mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(table != MAP_FAILED);
    for (int i = 1; i < RANKS; i++)
        if ((child[i] = fork()) == 0) answer_for_ever(i);
    become(0);
}

static void clear(void)
{
    for (int i = 1; i < RANKS; i++) {
        kill(child[i], SIGKILL);
        waitpid(child[i], NULL, 0);
    }
    dist_far_close(&far);
    dist_board_close(&board);
    munmap(table, sizeof *table);
    unsetenv("TRIREME_HOST_RANKS");
}

static const dist_page *look(dist_board *all, int rank)
{
    assert_int_equal(dist_far_look(&far, &board, all), 0);
    return dist_board_page(all, rank);
}

TEST(who_is_alive_tells_all)
{
    dist_board all;
    start();
    double begin = dist_now();
    for (int i = 1; i < RANKS; i++) {
        const dist_page *p = look(&all, i);
        assert_true(dist_board_known(&all, i));
        assert_false(dist_board_near(&all, i));
        assert_int_equal(dist_life_of(p), DIST_ALIVE);
        assert_int_equal(atomic_load(&p->pid), child[i]);
        assert_int_equal(atomic_load(&p->called), 8);
        assert_int_equal(p->host[4], '0' + i);
        dist_board_close(&all);
    }
    assert_true(dist_board_near(&board, 0));
    assert_true(dist_now() - begin < 5); /* nobody is waited for */
    clear();
}

TEST(a_stopped_process_and_a_dead_one_are_told_apart)
{
    dist_board all;
    char words[200];
    start();
    kill(child[1], SIGSTOP);
    kill(child[2], SIGKILL);
    waitpid(child[2], NULL, 0);
    const dist_page *p = look(&all, 1);
    assert_int_equal(dist_life_of(p), DIST_SILENT);
    assert_non_null(strstr(dist_life_words(p, words, sizeof words), " does not answer, though its host does: it is stopped"));
    assert_int_equal(dist_life_of(dist_board_page(&all, 2)), DIST_ENDED);
    assert_int_equal(dist_life_of(dist_board_page(&all, 3)), DIST_ALIVE);
    dist_board_close(&all);
    clear();
}

TEST(a_host_that_is_not_there_is_neither)
{
    dist_board all;
    start();
    snprintf(far.address[1].address, sizeof far.address[1].address, "255.255.255.255"); /* of no host */
    snprintf(far.address[2].address, sizeof far.address[2].address, "255.255.255.255,127.0.0.1");
    far.address[3].port = 0;
    assert_int_equal(dist_life_of(look(&all, 1)), DIST_UNREACHED);
    assert_int_equal(dist_life_of(dist_board_page(&all, 2)), DIST_ALIVE);
    assert_int_equal(dist_life_of(dist_board_page(&all, 3)), DIST_UNREACHED);
    dist_board_close(&all);
    clear();
}

static int call(int32_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval most = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

TEST(a_stranger_learns_nothing)
{
    dist_board all;
    dist_far_question question = {.token = TOKEN + 1};
    char byte;
    start();
    for (size_t bytes = 1; bytes <= sizeof question; bytes += sizeof question - 1) {
        int fd = call(far.address[1].port);
        assert_int_equal(send(fd, &question, bytes, 0), bytes);
        assert_true(recv(fd, &byte, 1, 0) <= 0);
        close(fd);
    }
    int silent = call(far.address[1].port); /* keeps nobody waiting */
    assert_int_equal(dist_life_of(look(&all, 1)), DIST_ALIVE);
    close(silent);
    dist_board_close(&all);
    clear();
}

/* At the place of rank 1 somebody else listens now, and talks. */
TEST(a_stranger_is_not_believed)
{
    dist_board all;
    start();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
    far.address[1].port = ntohs(at.sin_port);
    pid_t stranger = fork();
    if (stranger == 0) {
        char noise[4096];
        memset(noise, 0x5a, sizeof noise);
        int caller = accept(fd, NULL, NULL);
        ssize_t sent = send(caller, noise, sizeof noise, MSG_NOSIGNAL);
        _exit(sent != (ssize_t)sizeof noise);
    }
    assert_int_equal(dist_life_of(look(&all, 1)), DIST_UNREACHED);
    assert_int_equal(dist_life_of(dist_board_page(&all, 2)), DIST_ALIVE);
    kill(stranger, SIGKILL);
    waitpid(stranger, NULL, 0);
    close(fd);
    dist_board_close(&all);
    clear();
}
