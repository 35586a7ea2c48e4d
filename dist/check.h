/* Do all ranks ask for the same?
 *
 * Collectives that differ do not fail, they hang, or add what does not belong together.  With TRIREME_CHECK=1 (the
 * default where the library is built without NDEBUG) every rank first says in a few words what it is about to do.  The
 * words' hash h travels in one small message: the largest h and the largest ~h of all ranks agree only if every h does.
 * Only when they differ do the words themselves travel, for the error that every rank then gets:
 *
 *     tr_all_reduce: ranks ask for different things in #8: rank 0: all_reduce float32 (3, 4) at a.c:9; rank 1: barrier at a.c:7 */
#ifndef TRIREME_DIST_CHECK_H
#define TRIREME_DIST_CHECK_H

#include <trireme/tensor.h>

/* How such errors begin: every rank gets them, and none of them failed first. */
#define DIST_DIFFER "ranks ask for different things"

/* Room for what a rank says. */
enum { DIST_WORDS = 160 };

/* Also what the watchdog calls what follows.  Collective, if checks are on.  0, or -1 with the same error standing on every rank. */
int dist_check(const char *function, const char *words);

/* The same with a limit, as dist_transport.largest: 1 if not every rank came.  *most becomes the largest of all ranks'
 * `most`.  Runs whether checks are on or not (with them off, words are not compared). */
int dist_check_within(const char *function, const char *words, uint64_t *most, double seconds);

/* 64-bit FNV-1a of a text. */
uint64_t dist_hash(const char *text);

#endif
