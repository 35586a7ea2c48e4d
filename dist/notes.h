/* What the rank itself writes on its page of the board: which collective it asks for, and how far that is.
 *
 * work.c calls these for every transport; they write for the one that is watched, and nothing before the watchdog runs. */
#ifndef TRIREME_DIST_NOTES_H
#define TRIREME_DIST_NOTES_H

#include "dist/board.h"

/* From now on, on this board; the watchdog's. */
void dist_notes_begin(const dist_transport *way, const dist_board *board);
void dist_notes_end(void);

void dist_watchdog_called(const dist_transport *way, dist_work *w);
void dist_watchdog_arrived(const dist_transport *way, const dist_work *w);
void dist_watchdog_done(const dist_transport *way, const dist_work *w);
void dist_watchdog_waits(const dist_transport *way, const dist_work *w); /* NULL: no more */

/* What this thread's next collectives are for, in words: "gradients, bucket 0: 2.weight .. 2.bias".  Copied; cut at 111
 * characters. */
void dist_watchdog_label(const char *words);

/* For errors about the collective under way: " in #12", and " (finish) at train.c:30", what `rank` of this host called it for
 * and where; "" where that is not known. */
const char *dist_watchdog_number(char *text, size_t bytes);
const char *dist_watchdog_place(int64_t rank, char *text, size_t bytes);

#endif
