/* Starting, ending, and what happens in between when something goes wrong.
 *
 * A rank that has failed would leave the others waiting in their next collective for ever.  So it ends them: when it
 * reaches a collective with an error standing, when a collective itself fails, and when its process exits before
 * tr_dist_finish.  It says why in one line on stderr, "trireme: rank 1 of 2 on HOST: MESSAGE", and aborts the job.
 * An error that a program has looked at and cleared is its own affair.
 *
 * Only in tr_dist_finish may all ranks be in one place although one has failed.  There the failed one waits a moment for
 * the others: if they come, everybody is told and returns 1, and nothing need be aborted. */
#include "dist/check.h"
#include "dist/device.h"
#include "dist/launcher.h"
#include "dist/ranks.h"
#include "dist/settings.h"
#include "dist/start.h"
#include "dist/watch.h"
#include "dist/watchdog.h"
#include "dist/window.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <trireme/dist.h>
#include <unistd.h>

enum { FAILED_WAITS_SECONDS = 2, /* in tr_dist_finish, for the others to come too */
       ABORT_TAKES_SECONDS = 2,  /* at most */
       MESSAGE_BYTES = 1024 };

static struct {
    dist_transport *way; /* borrowed from the file that made it; NULL: alone */
    bool refused;        /* tr_dist_init failed */
    bool orphaned;       /* MPI was finalised before tr_dist_finish */
    bool checked;
    atomic_bool leaving; /* what is left of tr_dist_finish is for the transport alone */
    int generation;
    char host[256];
} ranks;

dist_transport *dist_way(void)
{
    if (ranks.refused) return tr_fail("tr_dist_init failed, so the ranks cannot meet");
    if (ranks.orphaned) return tr_fail("MPI_Finalize was called before tr_dist_finish(), so the ranks cannot meet any more");
    return ranks.way ? ranks.way : dist_alone();
}

int dist_generation(void) { return ranks.generation; }

bool dist_checked(void) { return ranks.checked && ranks.way; }

/* ---- ending all ranks ---- */

static void write_lines(const char *lines)
{
    ssize_t written = write(STDERR_FILENO, lines, strlen(lines)); /* one write, so that ranks' lines do not mix */
    (void)written;
}

/* Before it, if `first` is not "", who was to blame: trireme run takes the first line for the cause. */
static void say(const char *message, const char *first)
{
    char lines[2 * MESSAGE_BYTES + 1000];
    snprintf(lines, sizeof lines, "%s%s%strireme: rank %lld of %lld on %s: %.*s\n", first[0] ? "trireme: " : "", first, first[0] ? "\n" : "",
             (long long)ranks.way->rank, (long long)ranks.way->world, ranks.host, MESSAGE_BYTES, message);
    write_lines(lines);
}

/* The rank and its watchdog may both find an end; and an abort may itself call exit(), and so at_exit. */
static bool begin_the_end(void)
{
    static atomic_flag ending = ATOMIC_FLAG_INIT;
    static _Thread_local bool by_us;
    if (!atomic_flag_test_and_set(&ending)) return by_us = true;
    if (!by_us) sleep(2 * ABORT_TAKES_SECONDS); /* the other one ends this process */
    return false;
}

static void leave(int status)
{
    /* Aborting asks the launcher, which may be gone or slow: the alarm then ends this process, which the launcher notices. */
    sigset_t alarms;
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &alarms, NULL); /* the watchdog blocks all */
    signal(SIGALRM, SIG_DFL);
    alarm(ABORT_TAKES_SECONDS);
    dist_device_abort(ranks.way);
    ranks.way->abort(ranks.way, status);
}

static void end_all(const char *message, int status)
{
    char first[MESSAGE_BYTES + 400];
    if (!begin_the_end()) return;
    dist_watchdog_failed(message, first, sizeof first);
    fflush(NULL);
    say(message, first);
    leave(status);
}

/* The watchdog's: the rank itself may hold any lock, also a stream's. */
static void end_from_outside(const char *lines)
{
    if (!begin_the_end()) return;
    write_lines(lines);
    if (ranks.leaving) _exit(1); /* the transport may be gone, the launcher is not */
    leave(1);
}

static bool others_wait(void) { return ranks.way && ranks.way->world > 1 && !ranks.orphaned; }

void dist_stop_if_failed(void)
{
    if (others_wait() && tr_error_stands()) end_all(tr_error_message(), 1);
}

int dist_done(int status)
{
    if (status < 0) dist_stop_if_failed();
    return status;
}

/* The transport goes; MPI's end, which may come of it, finds none any more (dist_mpi_ends). */
static int let_go(dist_transport *way)
{
    ranks.way = NULL;
    return way->finish(way);
}

/* A process of a job that exits without tr_dist_finish. */
static void left_early(int status)
{
    if (!ranks.way || !ranks.way->ends_process) return;
    if (!others_wait()) {
        (void)let_go(ranks.way);
        return;
    }
    char message[128];
    snprintf(message, sizeof message, "exited with status %d before tr_dist_finish()", status);
    end_all(tr_error_stands() ? tr_error_message() : message, status ? status : 1);
}

#if defined(__GLIBC__)
static void at_exit(int status, void *unused)
{
    (void)unused;
    left_early(status);
}
static int watch_exit(void) { return on_exit(at_exit, NULL); }
#else
static void at_exit(void)
{
    left_early(1);
}
static int watch_exit(void) { return atexit(at_exit); }
#endif

/* ---- starting ---- */

static bool wants_checks(void)
{
    const char *wish = getenv("TRIREME_CHECK");
#ifdef NDEBUG
    return wish && strcmp(wish, "0") != 0;
#else
    return !wish || strcmp(wish, "0") != 0;
#endif
}

/* Checks are on everywhere if they are wanted anywhere; any number of one rank's serves to find each other by. */
static int agree(dist_transport *way, uint64_t *token, uint64_t wishes[DIST_WISHES])
{
    bool unread = dist_settings_check() < 0;
    uint64_t words[3 + DIST_WISHES] = {wants_checks(), 0, unread};
    if (getrandom(&words[1], sizeof words[1], GRND_NONBLOCK) < 0) words[1] = (uint64_t)getpid();
    dist_watch_wishes(&words[3]);
    if (dist_largest(way, words, 3 + DIST_WISHES, -1) < 0) return -1;
    ranks.checked = words[0];
    *token = words[1];
    memcpy(wishes, &words[3], sizeof *wishes * DIST_WISHES);
    if (!words[2]) return 0;
    if (!unread) tr_fail("tr_dist_init: another rank's environment holds what it cannot read");
    (void)let_go(way);
    return -1;
}

static int start(dist_transport *way)
{
    static bool watching;
    if (gethostname(ranks.host, sizeof ranks.host) != 0) snprintf(ranks.host, sizeof ranks.host, "an unnamed host");
    ranks.host[sizeof ranks.host - 1] = '\0';
    uint64_t token, wishes[DIST_WISHES];
    ranks.way = way;
    ranks.refused = !way || agree(way, &token, wishes) < 0 || dist_watchdog_start(way, token, end_from_outside) < 0 || dist_watch_start(way, token, wishes) < 0;
    if (ranks.refused) {
        ranks.way = NULL;
        return -1;
    }
    ranks.generation++;
    dist_start_numbers(way->rank, way->world, token);
    if (way->threads > 0 && !getenv("OMP_NUM_THREADS")) tr_set_num_threads(way->threads); /* a launcher's word stands */
    if (!watching) watching = watch_exit() == 0;
    return 0;
}

static bool started(const char *function)
{
    if (ranks.way) tr_fail("%s: the ranks have started already", function);
    return ranks.way;
}

/* N processes that MPI takes for N jobs of one rank each would all write the same files. */
static bool singletons(dist_launch launch, const dist_transport *way)
{
    return launch.ranks > 1 && way->world == 1;
}

/* Over MPI or through memory that ranks share. */
static int start_best(dist_transport *mpi) { return start(mpi ? dist_choose(mpi) : NULL); }

int(tr_dist_init)(int *argc, char ***argv)
{
    if (started("tr_dist_init")) return -1;
    dist_launch launch = dist_launcher();
    if (!launch.variable && !dist_mpi_runs()) return start(dist_alone());

    dist_start_begin(launch);
    bool joined = dist_mpi_runs(); /* then the application answers for what it started */
    dist_transport *way = dist_mpi_world(argc, argv);
    if (way && !joined && singletons(launch, way)) {
        char name[80];
        snprintf(name, sizeof name, "%s", way->name);
        way->finish(way);
        way = tr_fail("tr_dist_init: %s says that %lld ranks were started, but MPI sees one; start the program with the mpirun "
                      "of the MPI it is linked with (%s), or under Slurm with srun --mpi=pmix",
                      launch.variable, (long long)launch.ranks, name);
    }
    int status = start_best(way);
    dist_start_end();
    return status;
}

int(tr_dist_init_comm)(const void *mpi_comm)
{
    return started("tr_dist_init_comm") ? -1 : start_best(dist_mpi_join(mpi_comm));
}

int(tr_dist_init_fortran)(int mpi_comm)
{
    return started("tr_dist_init_fortran") ? -1 : start_best(dist_mpi_join_fortran(mpi_comm));
}

/* ---- finishing ---- */

/* What ranks share goes with MPI: what reads it stops, what lies there comes away. */
void dist_mpi_ends(void)
{
    if (!ranks.way || ranks.orphaned) return; /* they have finished, or are about to */
    dist_leave_memory();
    dist_watchdog_leaves();
    dist_watch_stop(ranks.way);
    dist_watchdog_stop();
    ranks.orphaned = true;
    ranks.generation++;
}

/* All ranks are here and some have failed: the lowest of them tells the others why. */
static void spread(dist_transport *way, int64_t culprit)
{
    char message[MESSAGE_BYTES] = "";
    snprintf(message, sizeof message, "rank %lld on %s: %s", (long long)way->rank, ranks.host, tr_error_message());
    if (tr_error_stands()) say(tr_error_message(), "");
    dist_broadcast(way, message, sizeof message, culprit);
    tr_fail("tr_dist_finish: %s", message); /* kept where no error stands; tr_finish tells the handler */
}

/* 0 if no rank has failed; 1 if one has and all are here; otherwise this does not return. */
static int agree_on_end(dist_transport *way)
{
    bool mine = tr_error_stands();
    uint64_t failed = mine ? (uint64_t)(way->world - way->rank) : 0; /* the largest is the lowest rank's */
    dist_watchdog_label("finish");
    if (mine) dist_watchdog_fails_in_peace(tr_error_message());
    int status = dist_check_within("tr_dist_finish", "finish", &failed, mine ? FAILED_WAITS_SECONDS : -1);
    if (status != 0) end_all(tr_error_message(), 1);
    if (failed) spread(way, way->world - (int64_t)failed);
    return failed ? 1 : 0;
}

int(tr_dist_finish)(void)
{
    dist_transport *way = ranks.way;
    int failed = 0;
    if (ranks.orphaned) tr_fail("tr_dist_finish: MPI_Finalize was called before it");
    if (others_wait()) failed = agree_on_end(way);
    if (way && !failed && !ranks.orphaned && (tr_is_traced_() || dist_ledger_speaks())) dist_device_seen(way);
    if (way && !failed && !ranks.orphaned && dist_done(dist_ledger_finish(way)) < 0) failed = 1;
    dist_leave_memory();
    ranks.leaving = true;
    dist_watchdog_leaves();
    if (way && dist_watch_stop(way) < 0) failed = 1;
    if (tr_finish() != 0) failed = 1;
    if (ranks.refused) failed = 1;
    ranks.way = NULL;
    ranks.refused = ranks.orphaned = false;
    ranks.generation++;
    dist_watchdog_finalizes();
    tr_forget_whole_steps_();
    if (way) dist_device_close(way);
    if (way && way->finish(way) < 0) failed = 1;
    dist_watchdog_stop();
    ranks.leaving = false;
    return failed;
}

/* ---- asking ---- */

static const dist_transport *here(void) { return ranks.way ? ranks.way : dist_alone(); }

/* Before ranks have started too: a program may want its device before MPI runs. */
tr_device tr_dist_device(void)
{
    int count = tr_cuda_device_count();
    int64_t local = ranks.way ? ranks.way->local_rank : dist_launcher_local_rank();
    return count > 0 ? tr_cuda((int)(local % count)) : tr_cpu();
}

int64_t tr_dist_rank(void) { return here()->rank; }
int64_t tr_dist_world(void) { return here()->world; }
int64_t tr_dist_local_rank(void) { return here()->local_rank; }
tr_shard tr_dist_shard(void) { return (tr_shard){here()->rank, here()->world}; }
const char *tr_dist_transport(void) { return here()->device ? here()->device->way : here()->name; }
