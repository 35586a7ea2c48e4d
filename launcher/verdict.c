#include "launcher/launcher.h"
#include "launcher/verdict.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BY_DEATH_MS = 1000 }; /* a rank that is said to have died is known to have within so long */

static const char JUDGED[] = " ends all ranks: "; /* a watchdog's report on others */

bool verdict_hears(verdict_rank *rank, const char *words)
{
    int number, of;
    unsigned long long group;
    if (sscanf(words, "ranks %d %d %llu", &number, &of, &group) != 3) return false; /* NOLINT(cert-err34-c) */
    rank->number = number;
    rank->of = of;
    rank->group = group;
    return true;
}

static bool together(const verdict_rank *a, const verdict_rank *b) { return !a->of == !b->of && a->group == b->group; }

int verdict_together(const verdict_rank *rank, int ranks) { return rank->of ? rank->of : ranks; }

/* The rank that `by` calls `number`, -1 if there is none. */
static int called(const verdict_rank *rank, int ranks, int by, int number)
{
    if (!rank[by].of) return number < ranks ? number : -1;
    for (int r = 0; r < ranks; r++)
        if (together(&rank[r], &rank[by]) && rank[r].number == number) return r;
    return -1;
}

/* "trireme: rank 1 on HOST failed first: WHY", what another had said before: WHY; NULL where it says something else. */
static const char *passed_on(const verdict_rank *rank)
{
    int at = 0;
    if (rank->said_ms) (void)sscanf(rank->words, "trireme: rank %*d on %*s failed first: %n", &at);
    return at ? rank->words + at : NULL;
}

static bool failed(const verdict_rank *r) { return r->lost || (r->ended && r->status != 0); }

/* When it failed of its own; -1: it did not. */
static int64_t own_failure_ms(const verdict_rank *r)
{
    if (!failed(r)) return -1;
    if (r->said_ms) return r->said_ms;
    return r->asked ? -1 : r->end_ms;
}

/* A rank that fails because another has died or failed says so: "rank 3 has ended", "rank 3 failed: why"; its watchdog, that
 * rank 3 "is stopped". That other one, -1 if there is none. */
static int blamed(const verdict_rank *rank, int ranks, int by)
{
    bool judged = strstr(rank[by].words, JUDGED) || passed_on(&rank[by]);
    for (int r = 0; r < ranks && verdict_is_disagreement(&rank[by]); r++) /* one that left the others' way by an error of its own */
        if (r != by && rank[r].said_ms && together(&rank[r], &rank[by]) && !verdict_is_disagreement(&rank[r]) && !strstr(rank[r].words, JUDGED)) return r;
    for (const char *at = passed_on(&rank[by]) ? rank[by].words : verdict_words(&rank[by]); (at = strstr(at, "rank ")); at += 5) {
        if (!isdigit((unsigned char)at[5])) continue;
        char *end;
        int other = called(rank, ranks, by, (int)strtol(at + 5, &end, 10));
        if (other < 0 || other == by) continue;
        const verdict_rank *r = &rank[other];
        bool died = !r->asked && (r->signal || r->lost) && r->end_ms <= rank[by].said_ms + BY_DEATH_MS;
        bool spoke = r->said_ms && strncmp(end, " failed", 7) == 0;
        if (judged && strncmp(end, " on ", 4) == 0) return other; /* it knows, though word of that end may not have come */
        if (failed(r) && (died || spoke)) return other;
    }
    return -1;
}

/* It left because it was told to stop: no failure where another rank has one. */
static bool made_room(const verdict_rank *r) { return r->ended && r->status == EXIT_STOPPED && !r->said_ms; }

static bool before(const verdict_rank *a, const verdict_rank *b)
{
    if (made_room(a) != made_room(b)) return made_room(b);
    return own_failure_ms(a) < own_failure_ms(b);
}

int verdict_first(const verdict_rank *rank, int ranks)
{
    int first = -1;
    for (int r = 0; r < ranks; r++)
        if (own_failure_ms(&rank[r]) >= 0 && (first < 0 || before(&rank[r], &rank[first]))) first = r;
    for (int steps = 0; first >= 0 && rank[first].said_ms && steps < ranks; steps++) { /* "rank 2 failed", which says that rank 1 did */
        int other = blamed(rank, ranks, first);
        if (other < 0) break;
        first = other;
    }
    if (first >= 0) return first;
    /* all were asked: who calls MPI_Abort exits by itself, the others by the signal they get for it */
    for (int r = 0; r < ranks && first < 0; r++)
        if (failed(&rank[r]) && !rank[r].signal && !rank[r].lost) first = r;
    return first;
}

/* Its signal was ours or mpirun's, and says nothing of it. */
static bool sent_home(const verdict_rank *r) { return r->asked && r->signal; }

int verdict_status(const verdict_rank *rank) { return rank->status > 0 && !sent_home(rank) ? rank->status : 1; }

/* Long words are cut, by the line that brings them. */
static bool is_whole(const verdict_rank *rank) { return strlen(rank->words) + 1 < sizeof rank->words; }

/* The clause's length without half a word at its end. */
static size_t whole(const char *clause, size_t length, const verdict_rank *by)
{
    bool cut = !is_whole(by) && clause[length] == '\0';
    while (cut && length > 0 && clause[length - 1] != ' ') length--;
    return length;
}

/* What another rank's report says of this one: "LIMIT rank 1 on HOST has not come to #7: its process 12 is stopped; rank 2 ...".
 * As "LIMIT it has not come to #7: its process 12 is stopped"; false if there is none. */
static bool told_by_others(char *text, size_t bytes, const verdict_rank *rank, int ranks, int which)
{
    char name[300];
    for (int by = 0; by < ranks; by++) {
        if (by == which || (rank[by].of && !together(&rank[by], &rank[which]))) continue;
        snprintf(name, sizeof name, "rank %d on %s ", rank[by].of ? rank[which].number : which, rank[which].host);
        const char *judged = strstr(rank[by].words, JUDGED), *why = judged ? judged + strlen(JUDGED) : passed_on(&rank[by]);
        if (!why || !strstr(rank[by].words, name)) continue;
        const char *clause = strstr(why, name);
        if (!clause) { /* what that rank itself said */
            snprintf(text, bytes, "%s", why);
            return true;
        }
        const char *first = strstr(why, "rank "); /* before it the limit, said once for all */
        clause += strlen(name);
        const char *next = strstr(clause, "; rank "), *more = strstr(clause, "; and ");
        if (!next || (more && more < next)) next = more;
        size_t length = next ? (size_t)(next - clause) : strlen(clause);
        static const char already[] = "failed first: "; /* its own sentence */
        bool said = strncmp(clause, already, strlen(already)) == 0;
        if (said) clause += strlen(already), length -= strlen(already);
        snprintf(text, bytes, "%.*s%s%.*s", (int)(first - why), why, said ? "" : "it ", (int)whole(clause, length, &rank[by]), clause);
        return true;
    }
    return false;
}

void verdict_how(char *text, size_t bytes, const verdict_rank *all, int ranks, int which)
{
    const verdict_rank *rank = &all[which];
    bool unheard = !rank->ended && !rank->lost; /* somebody else told of it */
    bool dragged = unheard || sent_home(rank) || (rank->lost && !rank->silent_s);
    if (dragged && told_by_others(text, bytes, all, ranks, which)) return;
    if (unheard || sent_home(rank) || (rank->lost && rank->said_ms && !rank->silent_s))
        snprintf(text, bytes, "with the error told above");
    else if (rank->signal)
        snprintf(text, bytes, "killed by signal %d (%s)", rank->signal, strsignal(rank->signal));
    else if (rank->ended)
        snprintf(text, bytes, "exit status %d%s", rank->status, rank->status ? "" : ", before the others were done");
    else if (rank->silent_s)
        snprintf(text, bytes, "no word from its host for %d s: down, or its network is", rank->silent_s);
    else
        snprintf(text, bytes, "lost: what watched over it on its host was killed");
}

const char *verdict_words(const verdict_rank *rank)
{
    static const char sign[] = "trireme: rank ";
    if (strncmp(rank->words, sign, strlen(sign)) != 0) return rank->words;
    const char *at = strstr(rank->words + strlen(sign), ": ");
    return at ? at + 2 : rank->words;
}

/* What it said, from behind the function that it called to the line that called it. */
static const char *matter(const verdict_rank *rank, size_t *length)
{
    const char *words = verdict_words(rank), *function = strncmp(words, "tr_", 3) == 0 ? strstr(words, ": ") : NULL;
    if (function) words = function + 2;
    const char *place = strrchr(words, '(');
    *length = place && is_whole(rank) && words[strlen(words) - 1] == ')' ? (size_t)(place - words) : strlen(words);
    return words;
}

bool verdict_all_say_the_same(const verdict_rank *rank, int ranks, int which)
{
    size_t length, of_first;
    const char *first = matter(&rank[which], &of_first);
    for (int r = 0; r < ranks; r++) {
        if (!together(&rank[r], &rank[which])) continue;
        const char *words = matter(&rank[r], &length);
        bool of_itself = rank[r].said_ms && !strstr(rank[r].words, JUDGED) && !passed_on(&rank[r]);
        bool as_long = length == of_first || !is_whole(&rank[which]) || !is_whole(&rank[r]);
        if (!of_itself || !as_long || strncmp(words, first, length < of_first ? length : of_first) != 0) return false;
    }
    return verdict_together(&rank[which], ranks) > 1;
}

bool verdict_is_disagreement(const verdict_rank *rank)
{
    return rank->said_ms && !strstr(rank->words, JUDGED) && strstr(verdict_words(rank), "ranks ask for different things");
}
