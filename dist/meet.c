#define _GNU_SOURCE /* syscall */
#include "dist/meet.h"

#include "dist/check.h"
#include "dist/watchdog.h"

#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <trireme/error.h>
#include <unistd.h>
#if defined(__linux__)
# include <linux/futex.h>
# include <sys/syscall.h>
#endif

enum { SPINS = 2000, /* some 40 us: longer than a meeting takes where everybody has a core */
       CROWDED_SPINS = 50,
       YIELDS = 1000,
       SLEEP_MS = 20 }; /* at most, so that neither a lost wake-up nor a dead rank holds anyone */

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Where the steps lie in a flag's word. */
static uint32_t *steps_of(dist_flag *f)
{
    const union {
        uint16_t word;
        uint8_t first;
    } order = {1};
    return (uint32_t *)(void *)&f->word + (order.first ? 0 : 1);
}

static void sleep_on(dist_flag *f, uint32_t steps)
{
    struct timespec most = {.tv_nsec = SLEEP_MS * 1000000L};
#if defined(__linux__)
    syscall(SYS_futex, steps_of(f), FUTEX_WAIT, steps, &most, NULL, 0); /* not the private one: ranks are processes */
#else
    (void)f, (void)steps;
    most.tv_nsec = 1000000;
    nanosleep(&most, NULL);
#endif
}

static void wake(dist_flag *f)
{
#if defined(__linux__)
    syscall(SYS_futex, steps_of(f), FUTEX_WAKE, 1 << 30, NULL, NULL, 0);
#else
    (void)f;
#endif
}

/* ---- who is missing ---- */

static bool came(const dist_meeting *m, int rank)
{
    uint32_t steps = (uint32_t)atomic_load_explicit(&m->flag[rank]->word, memory_order_acquire);
    return (int32_t)(steps - m->steps) >= 0;
}

/* "1, 3" */
static const char *missing(const dist_meeting *m, char *text, size_t bytes)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < m->host->ranks && used < bytes; i++)
        if (!came(m, i)) used += (size_t)snprintf(text + used, bytes - used, "%s%lld", used ? ", " : "", (long long)m->host->number[i]);
    return text;
}

/* "comparison: rank 2 has ended", of this collective: another rank's news, not its own failure. */
static bool passes_on(const char *why, const char *name)
{
    size_t n = strlen(name);
    return strncmp(why, name, n) == 0 && strncmp(why + n, ": rank ", 7) == 0;
}

static int find_failed(const dist_meeting *m)
{
    const char *name = dist_operation_name(m->operation);
    for (int i = 0; i < m->host->ranks; i++) {
        if (i == m->host->me || !atomic_load_explicit(&m->flag[i]->failed, memory_order_acquire)) continue;
        if (passes_on(m->flag[i]->why, name))
            tr_fail("%.400s", m->flag[i]->why);
        else
            tr_fail("%s: rank %lld failed: %.380s", name, (long long)m->host->number[i], m->flag[i]->why);
        return -1;
    }
    return 0;
}

static int find_dead(const dist_meeting *m)
{
    for (int i = 0; i < m->host->ranks; i++) {
        struct pollfd end = {.fd = m->death[i], .events = POLLIN};
        if (m->death[i] < 0 || poll(&end, 1, 0) <= 0 || came(m, i)) continue; /* it may have ended after its last step */
        tr_fail("%s: rank %lld has ended (process %ld)", dist_operation_name(m->operation), (long long)m->host->number[i],
                (long)m->flag[i]->pid);
        return -1;
    }
    return 0;
}

/* 0: wait on; -1: that is of no use. */
static int look_around(dist_meeting *m, double now)
{
    char who[200];
    if (find_failed(m) < 0) return -1;
    if (dist_watchdog_runs()) return 0; /* it knows more */
    if (m->limit > 0 && now - m->since > m->limit) {
        bool elsewhere = m->host->hosts > 1 && !came(m, 0); /* the leader adds this host to others */
        tr_fail("%s: rank %s has not come in %.3g s%s (TRIREME_TIMEOUT)", dist_operation_name(m->operation),
                missing(m, who, sizeof who), m->limit, elsewhere ? ", or waits for another host" : "");
        return -1;
    }
    if (now - m->looked < 1e-3 * SLEEP_MS) return 0;
    m->looked = now;
    return find_dead(m);
}

/* ---- waiting ---- */

static void sleep_until_posted(const dist_meeting *m, int rank)
{
    dist_flag *f = m->flag[rank];
    atomic_fetch_add(&f->sleepers, 1);
    uint32_t steps = (uint32_t)atomic_load(&f->word); /* after sleepers: who posts later sees us */
    if ((int32_t)(steps - m->steps) < 0) sleep_on(f, steps);
    atomic_fetch_sub(&f->sleepers, 1);
}

static int wait_for(dist_meeting *m, int rank, double seconds)
{
    for (int i = 0; i < m->spins && seconds != 0; i++, relax())
        if (came(m, rank)) return 1;
    double begin = dist_now();
    if (m->since == 0) m->since = m->looked = begin;
    for (int i = 0;; i++) {
        if (came(m, rank)) return 1;
        if (i % 64 == 0 || i > YIELDS || seconds == 0) {
            double now = dist_now();
            if (look_around(m, now) < 0) return -1;
            if (seconds >= 0 && now - begin >= seconds) return 0;
        }
        if (i < YIELDS)
            sched_yield();
        else
            sleep_until_posted(m, rank);
    }
}

/* Everybody has come: do they want the same?  All look at the same words, so all of them find the same. */
static void show(const dist_meeting *m, int rank, char *text, size_t bytes)
{
    const dist_asked *a = &m->flag[rank]->asked[m->works % 2];
    dist_operation operation = (dist_operation)(a->words[0] & 0xff);
    tr_dtype dtype = (tr_dtype)(a->words[0] >> 8 & 0xff);
    bool adds = operation == DIST_ALL_REDUCE || operation == DIST_REDUCE_SCATTER;
    if (operation == DIST_BARRIER || operation == DIST_LARGEST)
        snprintf(text, bytes, "%s", dist_operation_name(operation));
    else
        snprintf(text, bytes, "%s of %llu %s", dist_operation_name(operation), (unsigned long long)a->words[1], adds ? tr_dtype_name(dtype) : "bytes");
}

static bool all_digests_agree(const dist_meeting *m)
{
    uint64_t want = (uint64_t)m->digest << 32 | m->steps;
    for (int i = 0; i < m->host->ranks; i++)
        if (atomic_load_explicit(&m->flag[i]->word, memory_order_relaxed) != want) return false; /* or it is ahead */
    return true;
}

static int compare(dist_meeting *m)
{
    m->fresh = false;
    if (all_digests_agree(m)) return 1;
    const dist_asked *first = &m->flag[0]->asked[m->works % 2];
    for (int i = 1; i < m->host->ranks; i++) {
        char one[80], other[80], number[32], here[200], there[200];
        if (memcmp(first, &m->flag[i]->asked[m->works % 2], sizeof *first) == 0) continue;
        show(m, 0, one, sizeof one);
        show(m, i, other, sizeof other);
        int64_t rank = m->host->number[0], another = m->host->number[i];
        tr_fail(DIST_DIFFER "%s: rank %lld: %s%s; rank %lld: %s%s", dist_watchdog_number(number, sizeof number), (long long)rank, one,
                dist_watchdog_place(rank, here, sizeof here), (long long)another, other, dist_watchdog_place(another, there, sizeof there));
        return -1;
    }
    return 1;
}

int dist_meeting_wait(dist_meeting *m, double seconds)
{
    for (int i = 0; i < m->host->ranks; i++) {
        if (came(m, i)) continue;
        int status = wait_for(m, i, seconds);
        if (status <= 0) return status;
    }
    m->since = 0;
    if (m->host->pause) m->host->pause(m->host);
    return m->fresh ? compare(m) : 1;
}

void dist_meeting_post(dist_meeting *m)
{
    if (m->host->pause) m->host->pause(m->host);
    dist_flag *f = m->flag[m->host->me];
    atomic_store(&f->word, (uint64_t)m->digest << 32 | ++m->steps);
    if (atomic_load(&f->sleepers)) wake(f);
}

static uint32_t digest(const dist_asked *asked)
{
    uint64_t h = 0;
    for (int i = 0; i < 3; i++) h = (h ^ asked->words[i]) * 0x9e3779b97f4a7c15u, h ^= h >> 32;
    return (uint32_t)h;
}

void dist_meeting_begin(dist_meeting *m, dist_operation operation, dist_asked asked, double weight)
{
    m->works++;
    m->operation = operation;
    m->fresh = true;
    m->digest = digest(&asked);
    m->flag[m->host->me]->asked[m->works % 2] = asked;
    m->flag[m->host->me]->weight[m->works % 2] = weight;
}

void dist_meeting_fail(dist_meeting *m, const char *why)
{
    dist_flag *f = m->flag[m->host->me];
    if (atomic_load(&f->failed)) return;
    snprintf(f->why, sizeof f->why, "%s", why);
    atomic_store(&f->failed, 1);
    wake(f);
}

/* ---- opening and closing ---- */

/* Ranks that are threads of one process (fake.c) end with it. */
static int watch(int32_t pid)
{
#if defined(__linux__) && defined(SYS_pidfd_open)
    return pid == getpid() ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    return -1;
#endif
}

int dist_meeting_open(dist_meeting *m, dist_host *host, void *const *flag, double limit)
{
    size_t ranks = (size_t)host->ranks;
    *m = (dist_meeting){
        .host = host,
        .flag = calloc(ranks, sizeof *m->flag),
        .death = calloc(ranks, sizeof *m->death),
        .spins = host->crowded ? CROWDED_SPINS : SPINS,
        .operation = DIST_BARRIER,
        .limit = limit,
    };
    if (!m->flag || !m->death) {
        dist_meeting_close(m);
        tr_fail("out of memory: flags of %zu ranks", ranks);
        return -1;
    }
    for (int i = 0; i < host->ranks; i++) {
        m->flag[i] = flag[i];
        m->death[i] = -1;
    }
    m->flag[host->me]->pid = (int32_t)getpid();
    dist_meeting_post(m);
    if (dist_meeting_wait(m, -1) < 0) {
        dist_meeting_close(m);
        return -1;
    }
    for (int i = 0; i < host->ranks; i++) m->death[i] = watch(m->flag[i]->pid);
    return 0;
}

void dist_meeting_close(dist_meeting *m)
{
    for (int i = 0; m->host && m->death && i < m->host->ranks; i++)
        if (m->death[i] >= 0) close(m->death[i]);
    free(m->flag);
    free(m->death);
    m->flag = NULL;
    m->death = NULL;
}
