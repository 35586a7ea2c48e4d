#define _GNU_SOURCE /* sigaction */
#include "dist/stop.h"

#include "dist/check.h"
#include "dist/ranks.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <trireme/dist.h>

static volatile sig_atomic_t told; /* by a signal */
static atomic_bool agreed, heard;  /* by all ranks; since should_stop was last asked */
static atomic_int generation;      /* of the ranks that agreed (ranks.h) */

static void note(int signal)
{
    (void)signal;
    told = 1;
}

int(tr_dist_stop_on_signals)(void)
{
    static const int signals[] = {SIGTERM, SIGUSR1};
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < 2; i++) {
        if (sigaction(signals[i], &action, NULL) == 0) continue;
        tr_fail("tr_dist_stop_on_signals: signal %d: %s", signals[i], strerror(errno));
        return -1;
    }
    return 0;
}

int64_t dist_stop_wish(void) { return told; }

static void forget_others(void)
{
    if (generation == dist_generation()) return;
    generation = dist_generation();
    agreed = heard = false;
}

void dist_stop_heard(bool any)
{
    forget_others();
    heard = true;
    if (any) agreed = true;
}

bool(tr_dist_should_stop)(void)
{
    forget_others();
    bool ask = !heard && !agreed;
    heard = false;
    if (!ask) return agreed;
    dist_stop_if_failed();
    dist_transport *way = dist_way();
    uint64_t wish = (uint64_t)told;
    if (!way || dist_done(dist_check_within("tr_dist_should_stop", "should_stop", &wish, -1)) < 0) return true;
    agreed = wish != 0;
    return agreed;
}
