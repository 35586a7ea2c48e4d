/* What trireme run tells of a job: before it starts who sits where, at its end what became of it. */
#include "launcher/job_state.h"
#include "launcher/launcher.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void job_show_table(const job *j)
{
    int width = 4, shown = j->wish.ranks > 16 ? 16 : j->wish.ranks;
    for (int r = 0; r < shown; r++)
        if (plan_host_width(j->rank[r].host) > width) width = plan_host_width(j->rank[r].host);
    plan_print_head(stderr, width);
    for (int r = 0; r < shown; r++) {
        char *rest = NULL, *field[5] = {0};
        for (int f = 0; f < 5; f++) field[f] = strtok_r(f ? NULL : j->row[r], "\n", &rest);
        if (field[4]) plan_print_row(stderr, width, r, j->rank[r].host, field[0], atoi(field[1]), atoi(field[2]), atoi(field[3]), field[4]);
    }
    if (shown < j->wish.ranks) fprintf(stderr, "   ...  %d more\n", j->wish.ranks - shown);
}

static void say_who_is_missing(const job *j)
{
    char which[120] = "";
    int missing = 0;
    for (int r = 0; r < j->wish.ranks; r++) {
        if (j->row[r] || missing++ >= 8) continue;
        size_t used = strlen(which);
        snprintf(which + used, sizeof which - used, "%s%d", used ? ", " : "", r);
    }
    fprintf(stderr, "trireme run: rank%s %s%s of %d did not start within %d s\n", missing == 1 ? "" : "s", which, missing > 8 ? " ..." : "",
            j->wish.ranks, j->wish.start_s);
}

static void say_who_failed(const job *j, int first)
{
    char how[600];
    const verdict_rank *r = &j->rank[first];
    bool all = verdict_all_say_the_same(j->rank, j->wish.ranks, first) || verdict_is_disagreement(r);
    int together = verdict_together(r, j->wish.ranks);
    bool apart = r->of && (together != j->wish.ranks || r->number != first);
    char own[60] = "";
    if (apart) snprintf(own, sizeof own, " (%d of %d in its communicator)", r->number, r->of);
    verdict_how(how, sizeof how, j->rank, j->wish.ranks, first);
    if (!all && *verdict_words(r)) fprintf(stderr, "trireme run: rank %d said: %s\n", first, verdict_words(r));
    if (j->wish.log_folder) {
        char log[4096];
        log_path(log, sizeof log, j->wish.log_folder, first, j->wish.ranks);
        fprintf(stderr, "trireme run: its log, on %s: %s\n", r->host, log);
    }
    if (all)
        fprintf(stderr, "trireme run: all %d ranks%s: %s\n", together, together == j->wish.ranks ? "" : " of a communicator", verdict_words(r));
    else
        fprintf(stderr, "trireme run: rank %d of %d%s on %s failed first: %s\n", first, j->wish.ranks, own, r->host, how);
}

static void say_who_is_absent(const job *j)
{
    enum { TOLD = 8 };
    char words[200];
    int others = 0;
    for (int r = j->absent + 1; r < j->wish.ranks; r++) {
        if (!starts_lacks(j->start, j->wish.ranks, r) || others++ >= TOLD) continue;
        starts_words(words, sizeof words, &j->start[r]);
        fprintf(stderr, "trireme run: rank %d of %d on %s %s\n", r, j->wish.ranks, j->rank[r].host, words);
    }
    if (others > TOLD) fprintf(stderr, "trireme run: and %d more\n", others - TOLD);
    starts_words(words, sizeof words, &j->start[j->absent]);
    fprintf(stderr, "trireme run: rank %d of %d on %s failed first: after %.3g s (TRIREME_TIMEOUT) it %s\n", j->absent, j->wish.ranks, j->rank[j->absent].host,
            starts_limit(j->start, j->wish.ranks), words);
}

/* Each has left with TR_DIST_STOPPED, or was through. Ctrl-C means the end, not "later". */
static bool stopped_in_order(const job *j)
{
    int stopped = 0;
    for (int r = 0; r < j->wish.ranks; r++) {
        if (!j->rank[r].ended || (j->rank[r].status != 0 && j->rank[r].status != EXIT_STOPPED)) return false;
        stopped += j->rank[r].status == EXIT_STOPPED;
    }
    return stopped > 0 && j->signal != SIGINT;
}

static void say_it_stopped(const job *j)
{
    int by = j->signal ? j->signal : j->passed_on;
    const char *name = by == SIGUSR1 ? " by SIGUSR1" : by == SIGUSR2 ? " by SIGUSR2"
                                                   : by == SIGTERM   ? " by SIGTERM"
                                                   : by == SIGHUP    ? " by SIGHUP"
                                                                     : "";
    fprintf(stderr, "trireme run: told to stop%s, and stopped: start it again to go on\n", name);
}

job_end job_judge(const job *j)
{
    if (stopped_in_order(j)) {
        say_it_stopped(j);
        return (job_end){.status = EXIT_STOPPED};
    }
    int first = verdict_first(j->rank, j->wish.ranks), worst = 0;
    for (int r = 0; r < j->wish.ranks; r++)
        if (j->rank[r].lost || j->rank[r].status > worst) worst = j->rank[r].status > 0 ? j->rank[r].status : 1;
    if (j->signal) { /* ranks that wrote their checkpoint and left say so by their status */
        bool in_order = j->signal != SIGINT && j->over == j->wish.ranks && worst < 128 && worst != 1;
        if (in_order) return (job_end){.status = worst};
        fprintf(stderr, "trireme run: ended by signal %d (%s)\n", j->signal, strsignal(j->signal));
        return (job_end){.status = 128 + j->signal};
    }
    if (j->absent >= 0) {
        say_who_is_absent(j);
        return (job_end){.status = EXIT_FAILURE, .restart = true};
    }
    if (j->mpi_hangs) {
        fprintf(stderr, "trireme run: all %d ranks have come to tr_dist_init(), and MPI_Init does not end: is the network in the way?\n", j->wish.ranks);
        return (job_end){.status = EXIT_FAILURE, .restart = true};
    }
    if (first >= 0) {
        int status = verdict_status(&j->rank[first]);
        say_who_failed(j, first);
        return (job_end){.status = status, .restart = status != EXIT_USAGE && status != EXIT_CANNOT_EXECUTE && status != EXIT_NOT_FOUND};
    }
    if (j->late) {
        say_who_is_missing(j);
        return (job_end){.status = EXIT_FAILURE};
    }
    if (j->failed || worst) {
        fprintf(stderr, "trireme run: %s ended with status %d%s\n", j->wish.command->arg[0], j->mpirun_status,
                j->present < j->wish.ranks ? " before all ranks had started" : "");
        return (job_end){.status = j->mpirun_status ? j->mpirun_status : 1, .restart = j->present == j->wish.ranks};
    }
    return (job_end){.status = EXIT_SUCCESS};
}
