#define _GNU_SOURCE /* syscall */
#include "dist/watchdog.h"

#include "dist/check.h"

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
       WORDS = 112,
       OTHERS_END_MS = 1500 }; /* so long one waits to be ended by the rank that reports */

static struct {
    dist_transport *way; /* borrowed: watched; NULL: none */
    dist_board board;
    dist_page *mine;
    dist_ender *end;
    pthread_t thread;
    bool runs;
    int stop[2];         /* a pipe that ends the thread */
    struct pollfd *look; /* owned: rank i's process, and last the pipe */
    double limit, waited;
    int64_t progress;      /* of this rank, when it was last looked at */
    int64_t beat_ms;       /* the last one */
    int64_t claimed_since; /* another reports; 0: nobody */
} dog;

/* The words and place of this thread's next collective. */
static _Thread_local char label[WORDS];

bool dist_watchdog_runs(void) { return dog.runs; }

/* ---- what the rank notes ---- */

static bool is_message(const dist_work *w) { return w->operation == DIST_SEND || w->operation == DIST_RECEIVE; }

/* Cut where there is no more room.  (Not snprintf: a small collective takes no longer than that.) */
static void copy_text(char *to, size_t bytes, const char *from)
{
    if (!memccpy(to, from ? from : "", '\0', bytes)) to[bytes - 1] = '\0';
}

void dist_watchdog_label(const char *words) { copy_text(label, sizeof label, words); }

static void write_note(dist_note *note, const dist_work *w)
{
    note->operation = (int32_t)w->operation;
    note->dtype = (int32_t)w->dtype;
    note->n = w->n;
    note->peer = w->peer;
    const char *words = w->label ? w->label : label, *file = w->file;
    int line = w->line;
    if (!file) file = tr_here_(&line);
    if (strcmp(words, dist_operation_name(w->operation)) == 0) words = "";
    copy_text(note->label, sizeof note->label, words);
    copy_text(note->file, sizeof note->file, file);
    note->line = line;
}

void dist_watchdog_called(const dist_transport *way, dist_work *w)
{
    if (way != dog.way) return;
    dist_page *p = dog.mine;
    if (is_message(w)) {
        write_note(&p->message, w);
        return;
    }
    w->number = atomic_load_explicit(&p->called, memory_order_relaxed) + 1;
    dist_note *note = &p->note[w->number % DIST_NOTES];
    atomic_store_explicit(&note->number, 0, memory_order_relaxed);
    write_note(note, w);
    atomic_store_explicit(&note->number, w->number, memory_order_release);
    atomic_store_explicit(&p->called, w->number, memory_order_release);
}

void dist_watchdog_arrived(const dist_transport *way, const dist_work *w)
{
    if (way == dog.way && !is_message(w)) atomic_store_explicit(&dog.mine->arrived, w->number, memory_order_release);
}

void dist_watchdog_done(const dist_transport *way, const dist_work *w)
{
    if (way != dog.way) return;
    if (is_message(w))
        atomic_fetch_add_explicit(&dog.mine->messages, 1, memory_order_relaxed);
    else
        atomic_store_explicit(&dog.mine->done, w->number, memory_order_release);
}

void dist_watchdog_waits(const dist_transport *way, const dist_work *w)
{
    if (way != dog.way) return;
    int waits = !w ? 0 : is_message(w) ? 2
                                       : 1;
    atomic_store_explicit(&dog.mine->waits, waits, memory_order_release);
}

static int64_t under_way(void) { return atomic_load(&dog.mine->done) + 1; }

const char *dist_watchdog_number(char *text, size_t bytes)
{
    text[0] = '\0';
    if (dog.runs) snprintf(text, bytes, " in #%lld", (long long)under_way());
    return text;
}

const char *dist_watchdog_place(int64_t rank, char *text, size_t bytes)
{
    text[0] = '\0';
    if (!dog.runs || !dist_board_near(&dog.board, rank)) return text;
    const dist_note *note = dist_page_note(dist_board_page(&dog.board, rank), under_way());
    if (note && note->file[0]) snprintf(text, bytes, " at %s:%d", note->file, (int)note->line);
    return text;
}

/* ---- telling ---- */

static void name_first(char *line, size_t bytes)
{
    const dist_head *head = dist_board_head(&dog.board);
    int64_t blamed = atomic_load(&head->blamed) - 1;
    if (blamed >= 0) snprintf(line, bytes, "rank %lld on %s failed first: %s", (long long)blamed, head->host, head->why);
}

void dist_watchdog_failed(const char *why, char *line, size_t bytes)
{
    line[0] = '\0';
    if (!dog.runs || dist_board_claim(&dog.board, dog.board.rank, why)) return;
    dist_head *head = dist_board_head(&dog.board);
    atomic_store(&head->patient, 0);
    bool another = atomic_load(&head->blamed) != 1 + dog.board.rank;
    if (another && !strstr(head->why, DIST_DIFFER)) name_first(line, bytes);
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

static void tell_limit(void)
{
    static char table[DIST_REPORT];
    char verdict[700], why[1024];
    int64_t blamed = dist_verdict(&dog.board, verdict, sizeof verdict);
    /* Another host's watchdogs know better, and have the same limit. */
    if (blamed < 0 && dog.waited < dog.limit + 1e-3 * OTHERS_END_MS) return;
    dist_verdict_table(&dog.board, table, sizeof table);
    snprintf(why, sizeof why, "after %.3g s (TRIREME_TIMEOUT) %s", dog.limit, verdict);
    tell(blamed, why, table);
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
    int64_t passed = now_ms - dog.beat_ms, progress = atomic_load(&dog.mine->done) + atomic_load(&dog.mine->messages);
    bool waits = atomic_load(&dog.mine->waits) != 0;
    if (!waits || progress != dog.progress)
        dog.waited = 0;
    else
        dog.waited += 1e-3 * (double)(passed < MOST_MS ? passed : MOST_MS);
    dog.progress = progress;
    if (dog.limit > 0 && dog.waited > dog.limit) tell_limit();
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

static void *watch(void *unused)
{
    nfds_t all = (nfds_t)dog.board.world + 1;
    for (;;) {
        if (poll(dog.look, all, BEAT_MS) < 0) continue; /* stopped, and goes on */
        if (dog.look[all - 1].revents) return unused;
        int64_t now_ms = (int64_t)(1e3 * dist_now());
        atomic_store_explicit(&dog.mine->beat_ms, now_ms, memory_order_relaxed);
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
    dog.look = calloc((size_t)world + 1, sizeof *dog.look);
    if (!dog.look || pipe2(dog.stop, O_CLOEXEC) != 0) return -1;
    for (int64_t i = 0; i < world; i++) {
        bool watched = i != way->rank && dist_board_near(&dog.board, i);
        dog.look[i] = (struct pollfd){.fd = watched ? watch_process(atomic_load(&dist_board_page(&dog.board, i)->pid)) : -1, .events = POLLIN};
    }
    dog.look[world] = (struct pollfd){.fd = dog.stop[0], .events = POLLIN};
    dog.limit = dist_limit();
    dog.waited = 0;
    dog.claimed_since = 0;
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
    dist_board_close(&dog.board);
}

/* Tests take few ranks for a host (mpi_host.c). */
static int64_t group_of(const dist_transport *way)
{
    const char *wish = getenv("TRIREME_HOST_RANKS");
    int64_t ranks = wish ? strtoll(wish, NULL, 10) : 0;
    return ranks > 0 ? way->local_rank / ranks : 0;
}

int dist_watchdog_start(dist_transport *way, uint64_t token, dist_ender *end)
{
    if (way->world == 1) return 0;
    bool opened = dist_board_open(&dog.board, token, group_of(way), way->rank, way->world) == 0;
    if (dist_barrier(way) < 0) {
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
    dog.way = way;
    return 0;
}

void dist_watchdog_stop(void)
{
    if (!dog.runs) return;
    dog.way = NULL;
    dog.runs = false;
    atomic_store(&dog.mine->left, 1);
    ssize_t written = write(dog.stop[1], "", 1);
    (void)written;
    pthread_join(dog.thread, NULL);
    close_all();
}
