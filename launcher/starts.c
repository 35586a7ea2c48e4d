#include "launcher/starts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void starts_note(rank_start *rank, const char *words, int64_t now_ms)
{
    if (strncmp(words, "init ", 5) == 0) {
        rank->in++;
        rank->since_ms = now_ms;
        rank->limit_s = strtod(words + 5, NULL);
    } else if (rank->out < rank->in) {
        rank->out = rank->in;
    }
}

/* For longer than so many limits, and so many seconds. */
static bool waits(const rank_start *rank, int64_t now_ms, double limits, double seconds)
{
    double waited_s = 1e-3 * (double)(now_ms - rank->since_ms);
    return rank->in > rank->out && rank->limit_s > 0 && waited_s > limits * rank->limit_s && waited_s > seconds;
}

/* The start that most have come to: a script may run one program after another. */
static int last_start(const rank_start *rank, int ranks)
{
    int last = 0;
    for (int r = 0; r < ranks; r++)
        if (rank[r].in > last) last = rank[r].in;
    return last;
}

bool starts_lacks(const rank_start *rank, int ranks, int one) { return rank[one].in < last_start(rank, ranks); }

int starts_missing(const rank_start *rank, int ranks, int64_t now_ms)
{
    int first = -1, last = last_start(rank, ranks);
    bool waited_for = false;
    for (int r = ranks - 1; r >= 0; r--) {
        if (rank[r].in < last)
            first = r;
        else if (waits(&rank[r], now_ms, 1, 0))
            waited_for = true;
    }
    return waited_for ? first : -1;
}

bool starts_hang(const rank_start *rank, int ranks, int64_t now_ms)
{
    for (int r = 0; r < ranks; r++)
        if (waits(&rank[r], now_ms, 3, 30)) return true;
    return false;
}

double starts_limit(const rank_start *rank, int ranks)
{
    double least = 0;
    for (int r = 0; r < ranks; r++)
        if (rank[r].in > rank[r].out && rank[r].limit_s > 0 && (least == 0 || rank[r].limit_s < least)) least = rank[r].limit_s;
    return least;
}

void starts_words(char *text, size_t bytes, const rank_start *missing)
{
    const char *program;
    switch (missing->state) {
    case 0: program = ""; break;
    case 'R': program = ": its program runs (an endless loop, or work that takes longer)"; break;
    case 'D': program = ": its program waits for a disk"; break;
    case 'T':
    case 't': program = ": its program is stopped (as by kill -STOP or a debugger)"; break;
    case 'Z':
    case 'X': program = ": its program has ended"; break;
    default: program = ": its program sleeps (it waits for something else)"; break;
    }
    snprintf(text, bytes, "has not come to tr_dist_init(), where others wait%s", program);
}
