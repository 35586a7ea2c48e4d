/* Who is missing, and why it is thought so.
 *
 * A rank waits in collective k.  Those that have not done k are judged, of other hosts if their watchdogs were asked (far.h);
 * what is surest comes first:
 *
 *     has not come to k     its process has ended; is stopped; gives no sign of life
 *     has come to another   the notes of k say different things
 *     has not come to k     alive: stuck in code of its own, or slower than the limit
 *     has come to k         ended, stopped or silent in the middle of it
 *     has started k         and does something else, so that k is not brought on
 *     nobody knows          its host cannot be reached
 *
 * A device may wait in k too, when its rank has long gone on (underway.h); then k is done when the devices have done it, and
 * who has come to it but whose device has not begun it is stuck in what it was asked before.
 *
 * Ranks may be some collectives apart (a broadcast's root need not wait), so k is the one in which the last of those who
 * wait is waiting: nobody is blamed who waits himself. */
#include "dist/life.h"
#include "dist/watchdog.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <trireme/error.h>

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
    add(text, bytes, "%s", dist_operation_name(operation));
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
    add(text, bytes, "#%lld%s", (long long)number, note ? " " : "");
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
    char words[200];
    add(text, bytes, "%s", dist_life_words(p, words, sizeof words));
}

/* ---- judging ---- */

enum { INNOCENT,
       UNREACHED,
       LEFT_ALONE,
       DEVICE_ELSEWHERE,
       HALTED_INSIDE, /* + a dist_life */
       ELSEWHERE = HALTED_INSIDE + DIST_ENDED + 1,
       OTHERWISE,
       HALTED_OUTSIDE };

static bool in_collective(const dist_page *p) { return atomic_load(&p->waits) == DIST_WAITS_COLLECTIVE; }

static bool waits(const dist_page *p) { return atomic_load(&p->waits) || dist_device_waits(p); }

/* Where a rank waits, itself or its device. */
static int64_t waits_in(const dist_page *p)
{
    int64_t own = atomic_load(&p->done) + 1, its_device = atomic_load(&p->begun);
    return dist_device_waits(p) && (its_device < own || !in_collective(p)) ? its_device : own;
}

static int64_t waited_for(const dist_board *b)
{
    int64_t k = waits_in(dist_board_page(b, b->rank));
    for (int64_t i = 0; i < b->world; i++) {
        const dist_page *p = dist_board_page(b, i);
        bool in_one = in_collective(p) || dist_device_waits(p);
        if (dist_board_known(b, i) && in_one && dist_life_of(p) == DIST_ALIVE && waits_in(p) < k) k = waits_in(p);
    }
    return k;
}

static bool is_of_devices(const dist_board *b, int64_t k)
{
    for (int64_t i = 0; i < b->world; i++) {
        const dist_page *p = dist_board_page(b, i);
        if (dist_board_known(b, i) && dist_device_waits(p) && atomic_load(&p->begun) == k) return true;
    }
    return false;
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
        if (dist_board_known(b, i) && atomic_load(&dist_board_page(b, i)->arrived) >= k) return dist_board_page(b, i);
    return dist_board_page(b, b->rank);
}

static int guilt(const dist_board *b, int64_t rank, int64_t k, const dist_page *first)
{
    const dist_page *p = dist_board_page(b, rank);
    bool of_devices = is_of_devices(b, k);
    if (!dist_board_known(b, rank) || (of_devices ? atomic_load(&p->ended) : atomic_load(&p->done)) >= k) return INNOCENT;
    int halted = (int)dist_life_of(p);
    if (halted == DIST_UNREACHED) return UNREACHED;
    if (atomic_load(&p->arrived) < k) return halted != DIST_ALIVE ? HALTED_OUTSIDE + halted : ELSEWHERE;
    if (asks_otherwise(p, first, k)) return OTHERWISE;
    if (halted != DIST_ALIVE) return HALTED_INSIDE + halted;
    if (of_devices) return atomic_load(&p->begun) >= k || waits(p) ? INNOCENT : DEVICE_ELSEWHERE;
    return atomic_load(&p->waits) ? INNOCENT : LEFT_ALONE;
}

/* Nobody saw its page: where it is, is not known. */
static bool tells_nothing(const dist_page *p) { return p->told == DIST_TOLD_ENDED || p->told == DIST_TOLD_MUTE || p->told == DIST_TOLD_UNREACHED; }

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
    add(text, bytes, "%s ", tells_nothing(p) ? "is missing in" : how < ELSEWHERE ? "does not end"
                                                                                 : "has not come to");
    add_number(text, bytes, first, k);
    add(text, bytes, ": ");
    if (how == ELSEWHERE && atomic_load(&p->waits) == DIST_WAITS_MESSAGE) {
        add(text, bytes, "it waits in ");
        add_note(text, bytes, &p->message);
    } else {
        add_life(text, bytes, p);
    }
    bool started = how == LEFT_ALONE || (how == ELSEWHERE && atomic_load(&p->called) >= k);
    if (started) add(text, bytes, "; it has started it, but brings nothing on");
    if (how == DEVICE_ELSEWHERE) add(text, bytes, "; its device has not begun it, and is still at what it was asked before");
}

static bool all_known(const dist_board *b)
{
    for (int64_t i = 0; i < b->world; i++)
        if (!dist_board_known(b, i)) return false;
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
        add(text, bytes, "all ranks%s%s have come to ", all_known(b) ? "" : " of host ", all_known(b) ? "" : first->host);
        add_number(text, bytes, first, k);
        add(text, bytes, "%s", all_known(b) ? " and wait for each other" : ": a rank of another host is missing, or the network");
        if (is_of_devices(b, k)) add(text, bytes, "; their devices are in it");
    }
    return blamed;
}

/* ---- messages ---- */

static int64_t judge_message(const dist_board *b, char *text, size_t bytes)
{
    const dist_page *mine = dist_board_page(b, b->rank);
    int64_t peer = mine->message.peer;
    bool known = peer >= 0 && peer < b->world && dist_board_known(b, peer);
    add(text, bytes, "rank %lld on %s has not met the ", (long long)peer, known ? dist_board_page(b, peer)->host : "another host");
    add_note(text, bytes, &mine->message);
    add(text, bytes, " of rank %lld", (long long)b->rank);
    if (!known) return peer;
    add(text, bytes, ": ");
    const dist_page *p = dist_board_page(b, peer);
    if (atomic_load(&p->waits) && dist_life_of(p) == DIST_ALIVE) {
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

/* ---- the end ---- */

static int guilt_at_end(const dist_board *b, int64_t rank)
{
    const dist_page *p = dist_board_page(b, rank);
    if (!dist_board_known(b, rank) || atomic_load(&p->left) == 2 || p->told == DIST_TOLD_ENDED) return INNOCENT;
    dist_life life = dist_life_of(p);
    if (life == DIST_UNREACHED) return UNREACHED;
    bool came = atomic_load(&p->waits) == DIST_WAITS_END;
    if (life != DIST_ALIVE) return (came ? HALTED_INSIDE : HALTED_OUTSIDE) + (int)life;
    return came ? INNOCENT : ELSEWHERE;
}

static int64_t judge_end(const dist_board *b, char *text, size_t bytes)
{
    int64_t blamed = -1;
    int most = INNOCENT;
    for (int64_t i = 0; i < b->world; i++) {
        int g = guilt_at_end(b, i);
        if (g > most) most = g, blamed = i;
    }
    if (blamed < 0) {
        add(text, bytes, "MPI_Finalize does not end, though %s ranks have come to it", all_known(b) ? "all" : "this host's");
        return -1;
    }
    const dist_page *p = dist_board_page(b, blamed);
    add(text, bytes, "rank %lld on %s %s MPI_Finalize, at the end of tr_dist_finish(): ", (long long)blamed, p->host,
        most < ELSEWHERE ? "does not end" : "has not come to");
    add_life(text, bytes, p);
    return blamed;
}

int64_t dist_verdict(const dist_board *b, char *text, size_t bytes)
{
    text[0] = '\0';
    switch (atomic_load(&dist_board_page(b, b->rank)->waits)) {
    case DIST_WAITS_MESSAGE: return judge_message(b, text, bytes);
    case DIST_WAITS_END: return judge_end(b, text, bytes);
    default: return judge_collective(b, text, bytes);
    }
}

int64_t dist_verdict_first_waiting(const dist_board *b)
{
    for (int64_t i = 0; i < b->world; i++) {
        const dist_page *p = dist_board_page(b, i);
        if (dist_board_known(b, i) && waits(p) && dist_life_of(p) == DIST_ALIVE) return i;
    }
    return -1;
}

/* ---- the table ---- */

static void add_row(char *text, size_t bytes, const dist_page *p)
{
    static const char *const lives[] = {"", ", unreached", ", silent", ", stopped", ", ended"};
    int64_t called = atomic_load(&p->called), arrived = atomic_load(&p->arrived), done = atomic_load(&p->done);
    int waiting = atomic_load(&p->waits);
    if (tells_nothing(p)) {
        add_life(text, bytes, p);
        return;
    }
    if (waiting == DIST_WAITS_MESSAGE) {
        add(text, bytes, "waits in ");
        add_note(text, bytes, &p->message);
    } else if (waiting == DIST_WAITS_END) {
        add(text, bytes, "waits in MPI_Finalize");
    } else {
        add(text, bytes, "%s", done == called ? "last did " : waiting ? "waits in "
                                                                      : "has started ");
        add_number(text, bytes, p, done == called || !waiting ? called : done + 1);
    }
    if (dist_device_waits(p)) add(text, bytes, ", its device is in #%lld", (long long)atomic_load(&p->begun));
    add(text, bytes, " [called %lld, arrived %lld, done %lld]%s", (long long)called, (long long)arrived, (long long)done, lives[dist_life_of(p)]);
}

void dist_verdict_table(const dist_board *b, char *text, size_t bytes)
{
    enum { LONGEST = 512 };
    text[0] = '\0';
    for (int64_t i = 0; i < b->world; i++) {
        const dist_page *p = dist_board_page(b, i);
        if (!dist_board_known(b, i)) continue;
        if (bytes - strlen(text) < LONGEST) {
            add(text, bytes, "trireme:   and others\n");
            return;
        }
        add(text, bytes, "trireme:   rank %lld on %s, process %ld: ", (long long)i, p->host, (long)atomic_load(&p->pid));
        add_row(text, bytes, p);
        add(text, bytes, "\n");
    }
}
