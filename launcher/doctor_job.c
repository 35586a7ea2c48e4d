#include "launcher/bench.h"
#include "launcher/command.h"
#include "launcher/doctor.h"
#include "launcher/launcher.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION_MS = 10000,
       JOB_MS = 60000 }; /* beside what ranks have to start */

/* ---- mpirun ---- */

/* The version behind `mark`, "4.1.4"; "" if there is none. */
static void version_behind(const char *text, const char *mark, char version[32])
{
    const char *at = strstr(text, mark);
    size_t length = at ? strspn(at + strlen(mark), "0123456789.") : 0;
    snprintf(version, 32, "%.*s", (int)(length < 31 ? length : 31), at ? at + strlen(mark) : "");
}

void doctor_mpirun(findings *f, const char *mpi)
{
    static const char advice[] = "put the mpirun of that MPI first on PATH, or name it: TRIREME_MPIRUN";
    char mpirun[PATH_MAX], line[200], ours[32], theirs[32];
    if (mpirun_find(mpirun, sizeof mpirun) != 0) {
        found(f, WARNING, "mpirun", "install Open MPI (Debian, Ubuntu: apt install openmpi-bin)", "none: only one rank can be started");
        return;
    }
    const char *const argv[] = {mpirun, "--version", NULL};
    child c = child_start("doctor", argv);
    int status = child_wait(&c, VERSION_MS);
    child_said(&c, "Open MPI) ", line, sizeof line);
    version_behind(line, "Open MPI) ", ours);
    version_behind(mpi, "Open MPI v", theirs);
    if (status != 0)
        found(f, PROBLEM, "mpirun", "is it installed whole?", "%s does not work: %s", mpirun, line);
    else if (*mpi && *theirs && !*ours)
        found(f, PROBLEM, "mpirun", advice, "%s is not Open MPI's, but libtrireme-dist's MPI is: each rank would think it is alone", mpirun);
    else if (*theirs && strcmp(ours, theirs) != 0)
        found(f, WARNING, "mpirun", advice, "%s is Open MPI %s, libtrireme-dist's MPI is %s", mpirun, ours, theirs);
    else
        found(f, FINE, "mpirun", NULL, "%s: %s", mpirun, line);
    child_free(&c);
}

/* ---- sums ---- */

static const char *time_text(double seconds, char text[24])
{
    snprintf(text, 24, "%.3g %s", seconds < 1e-3 ? 1e6 * seconds : 1e3 * seconds, seconds < 1e-3 ? "us" : "ms");
    return text;
}

void doctor_add_mpirun(const child *run, char *line, size_t bytes)
{
    char words[200];
    size_t used = strlen(line);
    if (!strstr(line, " ended with status ")) return;
    child_words(run, "trireme run: ", words, sizeof words);
    snprintf(line + used, bytes - used, ", and wrote%s %s", *words ? ":" : "", *words ? words : "nothing");
}

/* Why a job that did not work did not: what trireme run says of who failed and why, or else what was written last. */
static void tell_failure(findings *f, const child *c, int status)
{
    char line[280];
    child_said(c, " said: ", line, sizeof line);
    if (!strstr(line, " said: ")) child_said(c, "trireme run: ", line, sizeof line);
    doctor_add_mpirun(c, line, sizeof line);
    const char *advice = "try TRIREME_TRANSPORT=mpi; between hosts, name the network they share: -x OMPI_MCA_btl_tcp_if_include=eth0";
    if (strstr(line, "NCCL")) advice = "-x NCCL_DEBUG=INFO tells more; -x NCCL_SOCKET_IFNAME=eth0 names the network; TRIREME_DEVICE_TRANSPORT=host goes without it";
    if (status == 124)
        found(f, PROBLEM, "job", advice, "sums over the ranks do not end: %s", line);
    else if (status == EXIT_USAGE || status == EXIT_NOT_FOUND)
        found(f, PROBLEM, "job", NULL, "cannot be started: %s", line);
    else
        found(f, PROBLEM, "job", advice, "fails with status %d: %s", status, line);
}

void doctor_job(findings *f, const doctor_options *o)
{
    char self[PATH_MAX], worker[PATH_MAX], number[3][16];
    launcher_self(self, sizeof self);
    if (!bench_worker_stands(worker, sizeof worker)) {
        found(f, WARNING, "job", "install it whole", "not tried: trireme was installed without %s", strrchr(worker, '/') + 1);
        return;
    }
    snprintf(number[0], sizeof number[0], "%d", o->wish.ranks);
    snprintf(number[1], sizeof number[1], "%d", o->start_s);
    snprintf(number[2], sizeof number[2], "%d", o->wish.threads);
    const char **argv = need_memory(20 + 2 * o->sents, sizeof *argv);
    int args = 0;
    const char *begin[] = {self, "run", "--quiet", "-n", number[0], "--start-timeout", number[1]};
    for (size_t i = 0; i < sizeof begin / sizeof *begin; i++) argv[args++] = begin[i];
    if (o->hosts || o->hostfile) {
        argv[args++] = o->hosts ? "--hosts" : "--hostfile";
        argv[args++] = o->hosts ? o->hosts : o->hostfile;
    }
    if (o->wish.threads) {
        argv[args++] = "--threads";
        argv[args++] = number[2];
    }
    if (o->wish.oversubscribe) argv[args++] = "--oversubscribe";
    for (int i = 0; i < o->sents; i++) {
        argv[args++] = "-x";
        argv[args++] = o->sent[i];
    }
    argv[args++] = worker;
    argv[args++] = "check";
    setenv("TRIREME_TIMEOUT", "20", 0); /* whoever misses a sum is missed soon */

    char line[280], small_text[24], large_text[24], device[32];
    int ranks = 0, on = 0, used = 0;
    double small = 0, large = 0;
    child c = child_start("doctor", argv);
    int status = child_wait(&c, 1000 * o->start_s + JOB_MS);
    child_said(&c, "check ranks ", line, sizeof line);
    if (status == 0 && sscanf(line, "check ranks %d hosts %d device %31s %lf %lf %n", &ranks, &on, device, &small, &large, &used) == 5 && used)
        found(f, FINE, "job", NULL, "sums over %d rank%s of %d host%s on %s are right: %s for a number, %s for 4 MiB; %s", ranks, ranks == 1 ? "" : "s", on, on == 1 ? "" : "s", device,
              time_text(small, small_text), time_text(large, large_text), line + used);
    else
        tell_failure(f, &c, status);
    child_free(&c);
    free(argv);
}
