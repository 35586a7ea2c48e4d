#include "dist/check.h"
#include "dist/ranks.h"
#include "dist/watchdog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t dist_hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return h;
}

/* Every rank's words, told once for each run of neighbours that say the same. */
static int tell_difference(dist_transport *way, const char *function, const char *words)
{
    char mine[DIST_WORDS] = "", number[32];
    int line;
    const char *file = tr_here_(&line);
    if (file)
        snprintf(mine, sizeof mine, "%.100s at %.40s:%d", words, file, line);
    else
        snprintf(mine, sizeof mine, "%s", words);
    dist_watchdog_number(number, sizeof number);
    char *all = malloc((size_t)way->world * DIST_WORDS);
    if (!all) {
        tr_fail("%s: " DIST_DIFFER "%s; here: %s (out of memory for more)", function, number, mine);
        return -1;
    }
    int status = dist_all_gather(way, mine, all, DIST_WORDS);
    char text[900] = "";
    size_t used = 0;
    for (int64_t from = 0, to; from < way->world && status == 0 && used < sizeof text; from = to) {
        const char *said = all + from * DIST_WORDS;
        for (to = from + 1; to < way->world && strcmp(all + to * DIST_WORDS, said) == 0;) to++;
        char who[64];
        if (to - from == 1)
            snprintf(who, sizeof who, "rank %lld", (long long)from);
        else
            snprintf(who, sizeof who, "ranks %lld-%lld", (long long)from, (long long)(to - 1));
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s: %s", from ? "; " : "", who, said);
    }
    free(all);
    if (status == 0) tr_fail("%s: " DIST_DIFFER "%s: %s", function, number, text);
    return -1;
}

int dist_check_within(const char *function, const char *words, uint64_t *most, double seconds)
{
    dist_transport *way = dist_way();
    if (!way) return -1;
    uint64_t hash = dist_checked() ? dist_hash(words) : 0;
    uint64_t agreed[3] = {hash, ~hash, *most};
    int status = dist_largest(way, agreed, 3, seconds);
    if (status != 0) return status;
    *most = agreed[2];
    return agreed[0] == ~agreed[1] ? 0 : tell_difference(way, function, words);
}

int dist_check(const char *function, const char *words)
{
    uint64_t most = 0;
    dist_watchdog_label(words);
    return dist_checked() ? dist_check_within(function, words, &most, -1) : 0;
}
