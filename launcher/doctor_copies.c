/* A pattern goes to every device, from each to each other one, and back; what comes is compared, and timed.
 *
 * A copy between two devices that comes back wrong, or never, is what broken IOMMU settings look like: training then
 * diverges or hangs without a word. */
#include "launcher/cuda.h"
#include "launcher/doctor.h"
#include "launcher/launcher.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_DEVICES = 64,
       WORDS = 8 << 20, /* 32 MiB: beyond every cache on the way */
       TIMES = 4,
       WRONG_SHOWN = 8 };

static const int64_t bytes = (int64_t)WORDS * (int64_t)sizeof(uint32_t);

typedef struct {
    findings *f;
    const core_device *on;
    int count;
    uint32_t *pattern, *back;                    /* owned: of the host */
    void *from[MOST_DEVICES], *to[MOST_DEVICES]; /* owned: of the devices */
    int64_t room[MOST_DEVICES][2];
    double up_gb[MOST_DEVICES], down_gb[MOST_DEVICES], across_gb[MOST_DEVICES * MOST_DEVICES];
    int pairs, wrong;
} copies;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The best of several counts: others use the machine, too. */
static void note_rate(double *gb, double begin_s)
{
    double seconds = now_s() - begin_s, rate = (double)bytes / (seconds > 1e-9 ? seconds : 1e-9) / 1e9;
    if (rate > *gb) *gb = rate;
}

/* Every word of every device's is another one. */
static void make_pattern(uint32_t *to, int device)
{
    for (uint32_t i = 0; i < WORDS; i++) to[i] = (i + 1) * 2654435761u + (uint32_t)device * 40503u;
}

static int64_t wrong_words(const copies *c)
{
    int64_t wrong = 0;
    for (int64_t i = 0; i < WORDS; i++) wrong += c->back[i] != c->pattern[i];
    return wrong;
}

static int failed(copies *c, const char *advice, const char *what)
{
    found(c->f, PROBLEM, "copies", advice, "%s: %s", what, cuda_error_text());
    return -1;
}

/* ---- between the host and a device ---- */

static int try_host(copies *c, int i)
{
    static const char advice[] = "have it replaced, or its slot looked at; does it happen to another GPU there?";
    char what[40];
    snprintf(what, sizeof what, "cuda:%d and the host", i);
    c->from[i] = c->on->take(i, bytes, &c->room[i][0], "trireme doctor");
    c->to[i] = c->from[i] ? c->on->take(i, bytes, &c->room[i][1], "trireme doctor") : NULL;
    if (!c->to[i]) return failed(c, "see what else runs there (nvidia-smi)", what);
    make_pattern(c->pattern, i);
    for (int t = 0; t < TIMES; t++) {
        double begin = now_s();
        if (c->on->to_device(i, c->from[i], c->pattern, bytes) < 0 || c->on->synchronize(i) < 0) return failed(c, advice, what);
        note_rate(&c->up_gb[i], begin);
        begin = now_s();
        if (c->on->from_device(i, c->back, c->from[i], bytes) < 0) return failed(c, advice, what);
        note_rate(&c->down_gb[i], begin);
    }
    int64_t wrong = wrong_words(c);
    if (wrong) found(c->f, PROBLEM, "copies", advice, "%s: %lld of %d words come back wrong", what, (long long)wrong, (int)WORDS);
    return 0;
}

/* ---- between two devices ---- */

/* c->pattern is what `from` holds. */
static int try_pair(copies *c, int from, int to)
{
    static const char advice[] = "switch IOMMU and PCIe ACS off (BIOS, kernel command line); NCCL_P2P_DISABLE=1 until then";
    char what[40];
    snprintf(what, sizeof what, "cuda:%d to cuda:%d", from, to);
    memset(c->back, 0, (size_t)bytes);
    if (c->on->to_device(to, c->to[to], c->back, bytes) < 0) return failed(c, advice, what);
    if (c->on->across(to, c->to[to], from, c->from[from], bytes) < 0) return failed(c, advice, what);
    if (c->on->from_device(to, c->back, c->to[to], bytes) < 0) return failed(c, advice, what);
    int64_t wrong = wrong_words(c);
    if (wrong && c->wrong++ < WRONG_SHOWN)
        found(c->f, PROBLEM, "copies", advice, "%s: %lld of %d words arrive wrong", what, (long long)wrong, (int)WORDS);
    for (int t = 0; t < TIMES; t++) {
        double begin = now_s();
        if (c->on->across(to, c->to[to], from, c->from[from], bytes) < 0 || c->on->synchronize(to) < 0) return failed(c, advice, what);
        note_rate(&c->across_gb[c->pairs], begin);
    }
    c->pairs++;
    return 0;
}

static int try_pairs(copies *c)
{
    for (int i = 0; i < c->count; i++) {
        make_pattern(c->pattern, i);
        for (int j = 0; j < c->count; j++)
            if (i != j && try_pair(c, i, j) < 0) return -1;
    }
    return 0;
}

/* ---- report ---- */

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A device or a pair at less than half the rate of most has something in its way. */
static void tell_rates(findings *f, const char *what, double *gb, int count)
{
    qsort(gb, (size_t)count, sizeof *gb, ascending);
    double least = gb[0], usual = gb[count / 2], most = gb[count - 1];
    if (least < 0.5 * usual)
        found(f, WARNING, "copies", "trireme topo shows what joins them; nvidia-smi -q shows PCIe lanes and generation", "%s: one at %.3g GB/s, most at %.3g", what, least, usual);
    else if (count == 1)
        found(f, FINE, "copies", NULL, "%s: %.3g GB/s, and right", what, most);
    else
        found(f, FINE, "copies", NULL, "%s: %.3g to %.3g GB/s, and right", what, least, most);
}

void doctor_copies(findings *f, const struct core_device *devices)
{
    copies c = {.f = f, .on = devices, .count = devices->count < MOST_DEVICES ? devices->count : MOST_DEVICES};
    int already = findings_count(f, PROBLEM), status = 0;
    c.pattern = need_memory(WORDS, sizeof *c.pattern);
    c.back = need_memory(WORDS, sizeof *c.back);
    for (int i = 0; i < c.count && status == 0; i++) status = try_host(&c, i);
    if (status == 0) status = try_pairs(&c);
    if (c.wrong > WRONG_SHOWN) found(f, PROBLEM, "copies", NULL, "and %d more pairs", c.wrong - WRONG_SHOWN);
    if (status == 0 && findings_count(f, PROBLEM) == already) {
        tell_rates(f, "from the host", c.up_gb, c.count);
        tell_rates(f, "to the host", c.down_gb, c.count);
        if (c.pairs) tell_rates(f, "between devices", c.across_gb, c.pairs);
    }
    for (int i = 0; i < c.count; i++) {
        if (c.to[i]) devices->give(i, c.to[i], c.room[i][1]);
        if (c.from[i]) devices->give(i, c.from[i], c.room[i][0]);
    }
    free(c.pattern);
    free(c.back);
}
