/* Who is missing, and why it is thought so.
 *
 * A rank waits in collective k.  Those of its host that have not done k are judged; what is surest comes first:
 *
 *     has not come to k     its process has ended; is stopped; gives no sign of life
 *     has come to another   the notes of k say different things
 *     has not come to k     alive: stuck in code of its own, or slower than the limit
 *     has come to k         ended, stopped or silent in the middle of it
 *     has started k         and does something else, so that k is not brought on
 *
 * Ranks may be some collectives apart (a broadcast's root need not wait), so k is the one in which the last of those who
 * wait is waiting: nobody is blamed who waits himself. */
#include "dist/watchdog.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <trireme/error.h>

enum { SILENT_MS = 1500 }; /* a watchdog that has not beaten for fifteen beats */

typedef enum { ALIVE,
               SILENT,
               STOPPED,
               ENDED } life;

/* The letter of ps: R runs, S sleeps, D waits for a disk, T is stopped, Z has ended; 0 where nobody tells. */
static char state_of(int32_t pid)
{
    char name[64], text[512] = "";
    snprintf(name, sizeof name, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(name, "r");
    if (!file) return 0;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    const char *name_end = strrchr(text, ')'); /* the program's name may hold anything */
    return name_end && name_end[1] == ' ' ? name_end[2] : 0;
}

static double silent_s(const dist_page *p) { return dist_now() - 1e-3 * (double)atomic_load(&p->beat_ms); }

static life life_of(const dist_page *p)
{
    int32_t pid = atomic_load(&p->pid);
    char state = state_of(pid);
    if (state == 'Z' || state == 'X' || (kill(pid, 0) != 0 && errno == ESRCH)) return ENDED;
    if (state == 'T' || state == 't') return STOPPED;
    return silent_s(p) * 1e3 > SILENT_MS ? SILENT : ALIVE;
}

bool dist_verdict_ended(const dist_board *b, int64_t rank) { return life_of(dist_board_page(b, rank)) == ENDED; }

/* ---- words ---- */

static void add(char *text, size_t bytes, const char *format, ...) TR_PRINTF(3, 4);
static void add(char *text, size_t bytes, const char *format, ...)
{
    size_t used = strlen(text);
    va_list rest;
    va_start(rest, format);
    vsnprintf(text + used, bytes - used, format, rest); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(rest);
}

static void add_note(char *text, size_t bytes, const dist_note *note)
{
    dist_operation operation = (dist_operation)note->operation;
    bool adds = operation == DIST_ALL_REDUCE || operation == DIST_REDUCE_SCATTER;
    add(text, bytes, "%s", operation == DIST_LARGEST ? "comparison" : dist_operation_name(operation));
    if (operation != DIST_BARRIER && operation != DIST_LARGEST)
        add(text, bytes, " of %lld %s", (long long)note->n, adds ? tr_dtype_name((tr_dtype)note->dtype) : "bytes");
    if (operation == DIST_BROADCAST || operation == DIST_RECEIVE) add(text, bytes, " from rank %lld", (long long)note->peer);
    if (operation == DIST_SEND) add(text, bytes, " to rank %lld", (long long)note->peer);
    if (note->label[0]) add(text, bytes, " (%.111s)", note->label);
    if (note->file[0]) add(text, bytes, " at %.47s:%d", note->file, (int)note->line);
}

static void add_number(char *text, size_t bytes, const dist_page *p, int64_t number)
{
    const dist_note *note = dist_page_note(p, number);
    if (number < 1) {
        add(text, bytes, "no collective");
        return;
    }
    add(text, bytes, "#%lld ", (long long)number);
    if (note) add_note(text, bytes, note);
}

const char *dist_verdict_last(const dist_page *p, char *text, size_t bytes)
{
    text[0] = '\0';
    add_number(text, bytes, p, atomic_load(&p->called));
    return text;
}

static void add_life(char *text, size_t bytes, const dist_page *p)
{
    int32_t pid = atomic_load(&p->pid);
    char state = state_of(pid);
    switch (life_of(p)) {
    case ENDED: add(text, bytes, "its process %ld has ended", (long)pid); break;
    case STOPPED:
        add(text, bytes, "its process %ld is stopped (as by kill -STOP or a debugger), last sign of life %.1f s ago", (long)pid, silent_s(p));
        break;
    case SILENT: add(text, bytes, "its process %ld has given no sign of life for %.1f s", (long)pid, silent_s(p)); break;
    case ALIVE:
        add(text, bytes, "its process %ld is alive and %s", (long)pid,
            state == 'R'   ? "runs code of its own (an endless loop, or work that takes longer)"
            : state == 'D' ? "waits for a disk"
                           : "sleeps in code of its own (it waits for something else)");
        break;
    }
}

/* ---- judging ---- */

enum { INNOCENT,
       LEFT_ALONE,
       HALTED_INSIDE, /* + SILENT, STOPPED, ENDED */
       ELSEWHERE = HALTED_INSIDE + ENDED + 1,
       OTHERWISE,
       HALTED_OUTSIDE };

static bool in_collective(const dist_page *p) { return atomic_load(&p->waits) == 1; }

static int64_t waited_for(const dist_board *b)
{
    int64_t k = atomic_load(&dist_board_page(b, b->rank)->done) + 1;
    for (int64_t i = 0; i < b->world; i++) {
        const dist_page *p = dist_board_page(b, i);
        if (dist_board_near(b, i) && in_collective(p) && life_of(p) == ALIVE && atomic_load(&p->done) + 1 < k) k = atomic_load(&p->done) + 1;
    }
    return k;
}

static bool asks_otherwise(const dist_page *p, const dist_page *q, int64_t k)
{
    const dist_note *a = dist_page_note(p, k), *c = dist_page_note(q, k);
    return a && c && (a->operation != c->operation || a->dtype != c->dtype || a->n != c->n || a->peer != c->peer);
}

/* The rank that all are compared with: the first that has come to k. */
static const dist_page *first_to_come(const dist_board *b, int64_t k)
{
    for (int64_t i = 0; i < b->world; i++)
        if (dist_board_near(b, i) && atomic_load(&dist_board_page(b, i)->arrived) >= k) return dist_board_page(b, i);
    return dist_board_page(b, b->rank);
}

static int guilt(const dist_board *b, int64_t rank, int64_t k, const dist_page *first)
{
    const dist_page *p = dist_board_page(b, rank);
    if (!dist_board_near(b, rank) || atomic_load(&p->done) >= k) return INNOCENT;
    int halted = (int)life_of(p);
    if (atomic_load(&p->arrived) < k) return halted != ALIVE ? HALTED_OUTSIDE + halted : ELSEWHERE;
    if (asks_otherwise(p, first, k)) return OTHERWISE;
    if (halted != ALIVE) return HALTED_INSIDE + halted;
    return atomic_load(&p->waits) ? INNOCENT : LEFT_ALONE;
}

static void accuse(char *text, size_t bytes, const dist_page *p, int64_t rank, int64_t k, int how, const dist_page *first)
{
    add(text, bytes, "%srank %lld on %s ", text[0] ? "; " : "", (long long)rank, p->host);
    if (how == OTHERWISE) {
        add(text, bytes, "asks for ");
        add_number(text, bytes, p, k);
        add(text, bytes, " where others ask for ");
        add_number(text, bytes, first, k);
        return;
    }
    add(text, bytes, "%s ", how < ELSEWHERE ? "does not end" : "has not come to");
    add_number(text, bytes, first, k);
    add(text, bytes, ": ");
    if (how == ELSEWHERE && atomic_load(&p->waits) == 2) {
        add(text, bytes, "it waits in ");
        add_note(text, bytes, &p->message);
    } else {
        add_life(text, bytes, p);
    }
    bool started = how == LEFT_ALONE || (how == ELSEWHERE && atomic_load(&p->called) >= k);
    if (started) add(text, bytes, "; it has started it, but brings nothing on");
}

static bool all_near(const dist_board *b)
{
    for (int64_t i = 0; i < b->world; i++)
        if (!dist_board_near(b, i)) return false;
    return true;
}

static int64_t judge_collective(const dist_board *b, char *text, size_t bytes)
{
    enum { TOLD = 4 };
    int64_t k = waited_for(b), blamed = -1;
    const dist_page *first = first_to_come(b, k);
    int most = INNOCENT, told = 0;
    for (int64_t i = 0; i < b->world; i++) {
        int g = guilt(b, i, k, first);
        if (g > most) most = g, blamed = i;
    }
    for (int64_t i = blamed; i >= 0 && i < b->world; i++) {
        if (guilt(b, i, k, first) != most) continue;
        if (told++ < TOLD) accuse(text, bytes, dist_board_page(b, i), i, k, most, first);
    }
    if (told > TOLD) add(text, bytes, "; and %d more ranks", told - TOLD);
    if (blamed < 0) {
        add(text, bytes, "all ranks%s%s have come to ", all_near(b) ? "" : " of host ", all_near(b) ? "" : first->host);
        add_number(text, bytes, first, k);
        add(text, bytes, "%s", all_near(b) ? " and wait for each other" : ": a rank of another host is missing, or the network");
    }
    return blamed;
}

static int64_t judge_message(const dist_board *b, char *text, size_t bytes)
{
    const dist_page *mine = dist_board_page(b, b->rank);
    int64_t peer = mine->message.peer;
    bool near = peer >= 0 && peer < b->world && dist_board_near(b, peer);
    add(text, bytes, "rank %lld on %s has not met the ", (long long)peer, near ? dist_board_page(b, peer)->host : "another host");
    add_note(text, bytes, &mine->message);
    add(text, bytes, " of rank %lld", (long long)b->rank);
    if (!near) return peer;
    add(text, bytes, ": ");
    const dist_page *p = dist_board_page(b, peer);
    if (atomic_load(&p->waits) && life_of(p) == ALIVE) {
        add(text, bytes, "it waits in ");
        if (in_collective(p))
            add_number(text, bytes, p, atomic_load(&p->done) + 1);
        else
            add_note(text, bytes, &p->message);
    } else {
        add_life(text, bytes, p);
    }
    return peer;
}

int64_t dist_verdict(const dist_board *b, char *text, size_t bytes)
{
    text[0] = '\0';
    return atomic_load(&dist_board_page(b, b->rank)->waits) == 2 ? judge_message(b, text, bytes) : judge_collective(b, text, bytes);
}

void dist_verdict_table(const dist_board *b, char *text, size_t bytes)
{
    text[0] = '\0';
    for (int64_t i = 0; i < b->world; i++) {
        if (!dist_board_near(b, i)) continue;
        const dist_page *p = dist_board_page(b, i);
        int64_t called = atomic_load(&p->called), arrived = atomic_load(&p->arrived), done = atomic_load(&p->done);
        int waits = atomic_load(&p->waits);
        add(text, bytes, "trireme:   rank %lld on %s, process %ld: ", (long long)i, p->host, (long)atomic_load(&p->pid));
        if (waits == 2) {
            add(text, bytes, "waits in ");
            add_note(text, bytes, &p->message);
        } else {
            add(text, bytes, "%s", done == called ? "last did " : waits ? "waits in "
                                                                        : "has started ");
            add_number(text, bytes, p, done == called || !waits ? called : done + 1);
        }
        add(text, bytes, " [called %lld, arrived %lld, done %lld]", (long long)called, (long long)arrived, (long long)done);
        static const char *const lives[] = {"", ", silent", ", stopped", ", ended"};
        add(text, bytes, "%s\n", lives[life_of(p)]);
    }
}
