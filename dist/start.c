#define _GNU_SOURCE /* pipe2 */
#include "dist/start.h"

#include "dist/settings.h"
#include "dist/transport.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LEAST_S = 5,       /* hosts do not start processes at one moment */
       LIMITS_IN_MPI = 3, /* of patience with MPI alone */
       LEAST_S_IN_MPI = 30,
       OTHERS_END_MS = 1500 /* so long one waits to be ended by the rank that reports */
};

static struct {
    int64_t rank, world, local; /* as the launcher says; local: ranks of this host, 0: not known */
    int64_t speaker;            /* the first rank of this host that waits; -1: not looked for */
    const char *job;            /* borrowed, its name; NULL: not known */
    int name;                   /* a socket that holds this rank's; -1: none */
    int stop[2];                /* a pipe that ends the thread */
    double limit;
    pthread_t thread;
    bool watches;
} start;

/* ---- the launcher's part on this host ---- */

/* "FD INODE": what stands at FD now may be something else. */
static int guard(void)
{
    const char *text = getenv("TRIREME_GUARD");
    int fd;
    unsigned long long inode;
    struct stat is;
    if (!text || sscanf(text, "%d %llu", &fd, &inode) != 2) return -1; /* NOLINT(cert-err34-c) */
    return fstat(fd, &is) == 0 && S_ISSOCK(is.st_mode) && is.st_ino == inode ? fd : -1;
}

static bool tell_guard(const char *words)
{
    int fd = guard();
    return fd >= 0 && send(fd, words, strlen(words), MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

/* ---- names ---- */

static int64_t number_in(const char *const *names, int64_t otherwise)
{
    for (; *names; names++) {
        const char *text = getenv(*names);
        if (text && *text >= '0' && *text <= '9') return strtoll(text, NULL, 10);
    }
    return otherwise;
}

static const char *text_in(const char *const *names)
{
    for (; *names; names++)
        if (getenv(*names)) return getenv(*names);
    return NULL;
}

/* In the system's own space of names, which holds one as long as its process lives. */
static socklen_t name_of(struct sockaddr_un *at, int64_t rank)
{
    *at = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(at->sun_path + 1, sizeof at->sun_path - 1, "trireme-%ld-%.60s-%lld", (long)getuid(), start.job, (long long)rank);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

static int hold_name(void)
{
    struct sockaddr_un at;
    int fd = start.job ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (fd >= 0 && bind(fd, (struct sockaddr *)&at, name_of(&at, start.rank)) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

static bool is_here(int64_t rank)
{
    struct sockaddr_un at;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool here = fd >= 0 && connect(fd, (struct sockaddr *)&at, name_of(&at, rank)) == 0;
    if (fd >= 0) close(fd);
    return here;
}

/* ---- telling ---- */

/* Who has not come, as far as this host can tell: their number, the first of those that have in *first. */
static int64_t missing(char *which, size_t bytes, int64_t *first)
{
    int64_t here = 0;
    size_t used = 0;
    *first = -1;
    which[0] = '\0';
    for (int64_t i = 0; i < start.world; i++) {
        bool came = is_here(i);
        here += came;
        if (came && *first < 0) *first = i;
        if (!came && start.local == start.world && used + 24 < bytes)
            used += (size_t)snprintf(which + used, bytes - used, "%s%lld", used ? ", " : "", (long long)i);
    }
    return start.local > here ? start.local - here : 0;
}

static void end_all(const char *why)
{
    char host[256] = "", line[1024];
    if (gethostname(host, sizeof host - 1) != 0) snprintf(host, sizeof host, "an unnamed host");
    int n = snprintf(line, sizeof line, "trireme: rank %lld of %lld on %s ends all ranks: after %.3g s (TRIREME_TIMEOUT) %s\n",
                     (long long)start.rank, (long long)start.world, host, start.limit, why);
    ssize_t written = write(STDERR_FILENO, line, (size_t)n);
    (void)written;
    _exit(1); /* there is no other way to tell a launcher before MPI runs */
}

/* Called again and again once the limit has passed. */
static void look(double waited)
{
    char which[200], why[600];
    int64_t first, absent = start.name >= 0 ? missing(which, sizeof which, &first) : 0;
    if (absent > 0) {
        if (start.speaker < 0) start.speaker = first;
        if (start.speaker != start.rank && waited < start.limit + 1e-3 * OTHERS_END_MS) return;
        if (which[0])
            snprintf(why, sizeof why, "rank%s %s of this host ha%s not come to tr_dist_init(), where the others wait",
                     absent == 1 ? "" : "s", which, absent == 1 ? "s" : "ve");
        else
            snprintf(why, sizeof why, "%lld of this host's %lld ranks ha%s not come to tr_dist_init(), where the others wait",
                     (long long)absent, (long long)start.local, absent == 1 ? "s" : "ve");
        end_all(why);
    }
    if (waited < fmax(LIMITS_IN_MPI * start.limit, LEAST_S_IN_MPI)) return;
    start.limit = waited;
    snprintf(why, sizeof why, "MPI_Init has not ended%s",
             start.local && start.local == start.world ? ", though all ranks are in it"
                                                       : ": a rank of another host has not come to tr_dist_init(), or the network is in the way");
    end_all(why);
}

static void *watch(void *unused)
{
    enum { STEP_MS = 100 };
    struct pollfd stop = {.fd = start.stop[0], .events = POLLIN};
    double waited = 0;
    while (poll(&stop, 1, STEP_MS) == 0) {
        waited += 1e-3 * STEP_MS; /* not the clock's: all may have been stopped meanwhile */
        if (waited > start.limit) look(waited);
    }
    return unused;
}

/* ---- both ends ---- */

static void read_launcher(dist_launch launch)
{
    static const char *const rank[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID", NULL};
    static const char *const local[] = {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", NULL};
    static const char *const job[] = {"PMIX_NAMESPACE", "PMI_JOBID", "SLURM_JOB_ID", NULL};
    start.rank = number_in(rank, -1);
    start.world = launch.ranks;
    start.local = number_in(local, 0);
    start.job = text_in(job);
    if (start.rank < 0 || start.world < 1) start.job = NULL;
}

static int start_thread(void)
{
    sigset_t all, before; /* the application's signals are not for this thread */
    if (pipe2(start.stop, O_CLOEXEC) != 0) return -1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&start.thread, NULL, watch, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status == 0) return 0;
    close(start.stop[0]);
    close(start.stop[1]);
    return -1;
}

void dist_start_begin(dist_launch launch)
{
    char words[40];
    start.limit = dist_limit() > 0 ? fmax(dist_limit(), LEAST_S) : 0;
    snprintf(words, sizeof words, "init %.17g", start.limit);
    if (launch.ranks == 1 || tell_guard(words) || start.limit <= 0) return;
    read_launcher(launch);
    start.speaker = -1;
    start.name = hold_name();
    start.watches = start_thread() == 0;
}

void dist_start_end(void)
{
    tell_guard("up");
    if (!start.watches) return;
    start.watches = false;
    close(start.stop[1]);
    pthread_join(start.thread, NULL);
    close(start.stop[0]);
    /* The name is held as long as the process lives: others may still be inside, and look. */
}

void dist_start_numbers(int64_t rank, int64_t world, uint64_t token)
{
    char words[64];
    snprintf(words, sizeof words, "ranks %d %d %" PRIu64, (int)rank, (int)world, token);
    tell_guard(words);
}
