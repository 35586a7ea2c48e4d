#define _GNU_SOURCE /* memccpy */
#include "dist/notes.h"

#include <stdio.h>
#include <string.h>
#include <trireme/error.h>

enum { WORDS = 112 };

static struct {
    const dist_transport *way; /* borrowed: watched; NULL: none */
    const dist_board *board;   /* borrowed */
    dist_page *mine;
} now;

/* The words and place of this thread's next collective. */
static _Thread_local char label[WORDS];

void dist_notes_begin(const dist_transport *way, const dist_board *board)
{
    now.board = board;
    now.mine = dist_board_page(board, board->rank);
    now.way = way;
}

void dist_notes_end(void) { now.way = NULL; }

static bool is_message(const dist_work *w) { return w->operation == DIST_SEND || w->operation == DIST_RECEIVE; }

/* Cut where there is no more room.  (Not snprintf: a small collective takes no longer than that.) */
static void copy_text(char *to, size_t bytes, const char *from)
{
    if (!memccpy(to, from ? from : "", '\0', bytes)) to[bytes - 1] = '\0';
}

void dist_watchdog_label(const char *words) { copy_text(label, sizeof label, words); }

static void write_note(dist_note *note, const dist_work *w)
{
    note->operation = (int32_t)w->operation;
    note->dtype = (int32_t)w->dtype;
    note->n = w->n;
    note->peer = w->peer;
    const char *words = w->label ? w->label : label, *file = w->file;
    int line = w->line;
    if (!file) file = tr_here_(&line);
    if (strcmp(words, dist_operation_name(w->operation)) == 0) words = "";
    copy_text(note->label, sizeof note->label, words);
    copy_text(note->file, sizeof note->file, file);
    note->line = line;
}

void dist_watchdog_called(const dist_transport *way, dist_work *w)
{
    if (way != now.way) return;
    dist_page *p = now.mine;
    if (is_message(w)) {
        write_note(&p->message, w);
        return;
    }
    w->number = atomic_load_explicit(&p->called, memory_order_relaxed) + 1;
    dist_note *note = &p->note[w->number % DIST_NOTES];
    atomic_store_explicit(&note->number, 0, memory_order_relaxed);
    write_note(note, w);
    atomic_store_explicit(&note->number, w->number, memory_order_release);
    atomic_store_explicit(&p->called, w->number, memory_order_release);
}

void dist_watchdog_arrived(const dist_transport *way, const dist_work *w)
{
    if (way == now.way && !is_message(w)) atomic_store_explicit(&now.mine->arrived, w->number, memory_order_release);
}

void dist_watchdog_done(const dist_transport *way, const dist_work *w)
{
    if (way != now.way) return;
    if (is_message(w))
        atomic_fetch_add_explicit(&now.mine->messages, 1, memory_order_relaxed);
    else
        atomic_store_explicit(&now.mine->done, w->number, memory_order_release);
}

void dist_watchdog_waits(const dist_transport *way, const dist_work *w)
{
    if (way != now.way) return;
    dist_waits waits = !w ? DIST_WAITS_NOT : is_message(w) ? DIST_WAITS_MESSAGE
                                                           : DIST_WAITS_COLLECTIVE;
    atomic_store_explicit(&now.mine->waits, (int)waits, memory_order_release);
}

static int64_t under_way(void) { return atomic_load(&now.mine->done) + 1; }

const char *dist_watchdog_number(char *text, size_t bytes)
{
    text[0] = '\0';
    if (now.way) snprintf(text, bytes, " in #%lld", (long long)under_way());
    return text;
}

const char *dist_watchdog_place(int64_t rank, char *text, size_t bytes)
{
    text[0] = '\0';
    if (!now.way || !dist_board_near(now.board, rank)) return text;
    const dist_note *note = dist_page_note(dist_board_page(now.board, rank), under_way());
    if (!note) return text;
    const char *operation = dist_operation_name((dist_operation)note->operation);
    bool says_more = note->label[0] && strncmp(note->label, operation, strlen(operation)) != 0;
    if (says_more) snprintf(text, bytes, " (%s)", note->label);
    size_t used = strlen(text);
    if (note->file[0]) snprintf(text + used, bytes - used, " at %s:%d", note->file, (int)note->line);
    return text;
}
