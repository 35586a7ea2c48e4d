#define _GNU_SOURCE /* syscall */
#include "dist/watchdog.h"

#include "dist/check.h"
#include "dist/far.h"
#include "dist/settings.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trireme/error.h>
#include <unistd.h>
#if defined(__linux__)
# include <sys/syscall.h>
#endif

enum { BEAT_MS = 100,
       OTHERS_END_MS = 1500, /* so long one waits to be ended by the rank that reports */
       OTHERS_ASK_MS = 5000, /* and to be ended by one that asks other hosts before */
       ASK_AGAIN_MS = 2000 };

static struct {
    dist_board board;
    dist_far far;
    dist_page *mine;
    dist_ender *end;
    pthread_t thread;
    bool runs;
    int stop[2];         /* a pipe that ends the thread */
    struct pollfd *look; /* owned: rank i's process, then the pipe, and who asks from other hosts */
    double limit, waited;
    double ask_at;         /* other hosts, when it has waited so long */
    bool saw_end;          /* of a rank of another host */
    int64_t progress;      /* of this rank, when it was last looked at */
    int64_t beat_ms;       /* the last one */
    int64_t claimed_since; /* another reports; 0: nobody */
    int64_t stuck_since;   /* the looker found that it cannot go on; 0: it can */
} dog;

/* Who looks at the device. */
static struct {
    pthread_mutex_t lock;
    dist_looker *look;
    void *data;
} looker = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool dist_watchdog_runs(void) { return dog.runs; }

/* ---- telling ---- */

static void name_first(char *line, size_t bytes)
{
    const dist_head *head = dist_board_head(&dog.board);
    int64_t blamed = atomic_load(&head->blamed) - 1;
    char words[320];
    snprintf(words, sizeof words, "rank %lld on %s failed first: ", (long long)blamed, head->host);
    bool says_so = strncmp(head->why, words, strlen(words)) == 0; /* what a watchdog found begins like that */
    if (blamed >= 0) snprintf(line, bytes, "%s%s", says_so ? "" : words, head->why);
}

void dist_watchdog_failed(const char *why, char *line, size_t bytes)
{
    line[0] = '\0';
    if (!dog.runs || dist_board_claim(&dog.board, dog.board.rank, why)) return;
    dist_head *head = dist_board_head(&dog.board);
    atomic_store(&head->patient, 0);
    bool another = atomic_load(&head->blamed) != 1 + dog.board.rank;
    bool alike = strstr(head->why, DIST_DIFFER) || strncmp(head->why, why, sizeof head->why - 1) == 0; /* all found it together */
    if (another && !alike) name_first(line, bytes);
}

void dist_watchdog_fails_in_peace(const char *why)
{
    if (dog.runs && dist_board_claim(&dog.board, dog.board.rank, why)) atomic_store(&dist_board_head(&dog.board)->patient, 1);
}

/* One of several that found it: the others wait to be ended. */
static void tell(int64_t blamed, const char *why, const char *table)
{
    static char lines[DIST_REPORT + 2048];
    dist_head *head = dist_board_head(&dog.board);
    if (!dist_board_claim(&dog.board, blamed, why) && !atomic_exchange(&head->patient, 0)) return;
    snprintf(lines, sizeof lines, "%strireme: rank %lld of %lld on %s ends all ranks: %s\n", table, (long long)dog.board.rank,
             (long long)dog.board.world, dog.mine->host, why);
    tr_fail("%s", why); /* of this thread: what the transport tells the others */
    dog.end(lines);
}

static void tell_death(int64_t rank)
{
    char why[1024], last[400];
    const dist_page *p = dist_board_page(&dog.board, rank);
    snprintf(why, sizeof why, "rank %lld on %s failed first: its process %ld has ended before tr_dist_finish() without a word (killed, or crashed); it called last %s",
             (long long)rank, p->host, (long)atomic_load(&p->pid), dist_verdict_last(p, last, sizeof last));
    tell(rank, why, "");
}

static void tell_who_is_missing(const dist_board *b)
{
    static char table[DIST_REPORT];
    char verdict[1200], why[1400];
    int64_t blamed = dist_verdict(b, verdict, sizeof verdict);
    dist_verdict_table(b, table, sizeof table);
    snprintf(why, sizeof why, "after %.3g s (TRIREME_TIMEOUT) %s", dog.limit, verdict);
    tell(blamed, why, table);
}

static bool somebody_has_ended(const dist_board *b)
{
    bool ended = false;
    for (int64_t i = 0; i < b->world; i++) ended = ended || dist_board_page(b, i)->told == DIST_TOLD_ENDED;
    return ended;
}

/* Over several hosts the first of each host's ranks that wait asks, and of all that wait the first tells; the others do
 * both later, should those be stuck themselves. */
static void look_for_culprit(void)
{
    double late = dog.waited - dog.limit;
    if (!dog.far.address) {
        tell_who_is_missing(&dog.board);
        return;
    }
    bool overdue = late > 1e-3 * OTHERS_ASK_MS;
    if (dog.waited < dog.ask_at || (!overdue && dist_verdict_first_waiting(&dog.board) != dog.board.rank)) return;
    dog.ask_at = dog.waited + 1e-3 * ASK_AGAIN_MS;
    dist_board all;
    if (dist_far_look(&dog.far, &dog.board, &all) < 0) return;
    bool end_is_new = !dog.saw_end && somebody_has_ended(&all); /* the launcher, or who it was that told, ends us too */
    dog.saw_end = dog.saw_end || end_is_new;
    if (overdue || (!end_is_new && dist_verdict_first_waiting(&all) == dog.board.rank)) tell_who_is_missing(&all);
    dist_board_close(&all);
}

/* ---- watching ---- */

static void look_at_deaths(void)
{
    for (int64_t i = 0; i < dog.board.world; i++) {
        if (dog.look[i].fd < 0 || !dog.look[i].revents) continue;
        close(dog.look[i].fd);
        dog.look[i].fd = -1;
        if (!atomic_load(&dist_board_page(&dog.board, i)->left)) tell_death(i);
    }
}

/* Time in which this process did not run does not count: the others may have been stopped as well. */
static void look_at_the_time(int64_t now_ms)
{
    enum { MOST_MS = 5 * BEAT_MS };
    int64_t passed = now_ms - dog.beat_ms, progress = atomic_load(&dog.mine->done) + atomic_load(&dog.mine->ended) + atomic_load(&dog.mine->messages);
    bool waits = atomic_load(&dog.mine->waits) != 0 || dist_device_waits(dog.mine);
    if (!waits || progress != dog.progress)
        dog.waited = dog.ask_at = 0;
    else
        dog.waited += 1e-3 * (double)(passed < MOST_MS ? passed : MOST_MS);
    dog.progress = progress;
    if (dog.limit > 0 && dog.waited > dog.limit) look_for_culprit();
}

/* Somebody has failed, and would have ended us by now. */
static void look_at_others(int64_t now_ms)
{
    const dist_head *head = dist_board_head(&dog.board);
    if (!atomic_load(&head->claimed) || atomic_load(&head->patient)) {
        dog.claimed_since = 0;
        return;
    }
    if (!dog.claimed_since) dog.claimed_since = now_ms;
    if (now_ms - dog.claimed_since < OTHERS_END_MS) return;
    char line[1400] = "another rank ends all", text[1600];
    name_first(line, sizeof line);
    snprintf(text, sizeof text, "trireme: rank %lld of %lld on %s ends: %s\n", (long long)dog.board.rank, (long long)dog.board.world,
             dog.mine->host, line);
    dog.end(text);
}

/* A device's way may say itself that it has failed, which often is another rank's end: that is told better by who saw it. */
static void look_at_device(int64_t now_ms)
{
    char why[1024];
    int64_t begun = 0, ended = 0;
    pthread_mutex_lock(&looker.lock);
    const char *trouble = looker.look ? looker.look(looker.data, &begun, &ended) : NULL;
    atomic_store_explicit(&dog.mine->ended, ended, memory_order_relaxed);
    atomic_store_explicit(&dog.mine->begun, begun, memory_order_release);
    if (trouble) snprintf(why, sizeof why, "rank %lld on %s: %s", (long long)dog.board.rank, dog.mine->host, trouble);
    pthread_mutex_unlock(&looker.lock);
    if (trouble && !dog.stuck_since) dog.stuck_since = now_ms;
    if (trouble && now_ms - dog.stuck_since >= OTHERS_END_MS) tell(dog.board.rank, why, "");
}

void dist_watchdog_looks(dist_looker *look, void *data)
{
    pthread_mutex_lock(&looker.lock);
    looker.look = look;
    looker.data = data;
    pthread_mutex_unlock(&looker.lock);
}

static void *watch(void *unused)
{
    nfds_t ranks = (nfds_t)dog.board.world;
    const struct pollfd *stop = &dog.look[ranks], *asked = stop + 1;
    for (;;) {
        if (poll(dog.look, ranks + 2, BEAT_MS) < 0) continue; /* stopped, and goes on */
        if (stop->revents) return unused;
        if (asked->revents) dist_far_answer(&dog.far, &dog.board);
        int64_t now_ms = (int64_t)(1e3 * dist_now());
        atomic_store_explicit(&dog.mine->beat_ms, now_ms, memory_order_relaxed);
        look_at_device(now_ms);
        look_at_deaths();
        look_at_the_time(now_ms);
        look_at_others(now_ms);
        dog.beat_ms = now_ms;
    }
}

/* ---- starting and stopping ---- */

static int watch_process(int32_t pid)
{
#if defined(__linux__) && defined(SYS_pidfd_open)
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    return -1;
#endif
}

static int start_thread(void)
{
    sigset_t all, before; /* the application's signals are not for this thread */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&dog.thread, NULL, watch, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status == 0 ? 0 : -1;
}

static int open_all(dist_transport *way)
{
    int64_t world = way->world;
    dog.look = calloc((size_t)world + 2, sizeof *dog.look);
    if (!dog.look || pipe2(dog.stop, O_CLOEXEC) != 0) return -1;
    for (int64_t i = 0; i < world; i++) {
        bool watched = i != way->rank && dist_board_near(&dog.board, i);
        dog.look[i] = (struct pollfd){.fd = watched ? watch_process(atomic_load(&dist_board_page(&dog.board, i)->pid)) : -1, .events = POLLIN};
    }
    dog.look[world] = (struct pollfd){.fd = dog.stop[0], .events = POLLIN};
    dog.look[world + 1] = (struct pollfd){.fd = dog.far.listening, .events = POLLIN};
    dog.limit = dist_limit();
    dog.waited = dog.ask_at = 0;
    dog.saw_end = false;
    dog.claimed_since = dog.stuck_since = 0;
    dog.beat_ms = (int64_t)(1e3 * dist_now());
    return start_thread();
}

static void close_all(void)
{
    for (int64_t i = 0; dog.look && i < dog.board.world; i++)
        if (dog.look[i].fd >= 0) close(dog.look[i].fd);
    for (int i = 0; i < 2; i++)
        if (dog.stop[i] > 0) close(dog.stop[i]);
    free(dog.look);
    dog.look = NULL;
    dog.stop[0] = dog.stop[1] = 0;
    dist_far_close(&dog.far);
    dist_board_close(&dog.board);
}

/* Tests take few ranks for a host (mpi_host.c). */
static int64_t group_of(const dist_transport *way)
{
    int64_t ranks = dist_host_ranks();
    return ranks > 0 ? way->local_rank / ranks : 0;
}

int dist_watchdog_start(dist_transport *way, uint64_t token, dist_ender *end)
{
    if (way->world == 1) return 0;
    bool opened = dist_board_open(&dog.board, token, group_of(way), way->rank, way->world) == 0;
    if (dist_barrier(way) < 0 || dist_far_open(&dog.far, way, token) < 0) {
        close_all();
        return -1;
    }
    dist_board_hide(&dog.board);
    if (opened) dog.mine = dist_board_page(&dog.board, way->rank);
    dog.end = end;
    if (!opened || open_all(way) < 0) {
        if (opened) atomic_store(&dog.mine->pid, 0);
        close_all();
        return 0;
    }
    dog.runs = true;
    dist_notes_begin(way, &dog.board);
    return 0;
}

void dist_watchdog_leaves(void)
{
    if (!dog.runs) return;
    dist_notes_end();
    atomic_store(&dog.mine->left, 1);
}

void dist_watchdog_finalizes(void)
{
    if (dog.runs) atomic_store(&dog.mine->waits, DIST_WAITS_END);
}

void dist_watchdog_stop(void)
{
    if (!dog.runs) return;
    dog.runs = false;
    ssize_t written = write(dog.stop[1], "", 1);
    (void)written;
    pthread_join(dog.thread, NULL);
    atomic_store(&dog.mine->waits, 0);
    atomic_store(&dog.mine->left, 2);
    close_all();
}
