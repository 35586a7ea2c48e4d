/* Who has come to tr_dist_init, where ranks wait for each other inside MPI_Init and cannot see who is missing. The library
 * tells each rank's guard when it goes in and when it is out; programs of other kinds never do. */
#ifndef LAUNCHER_STARTS_H
#define LAUNCHER_STARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int in, out;      /* how often it went in, and came out */
    int64_t since_ms; /* it went in last */
    double limit_s;   /* how long it is willing to wait; 0: for ever */
    char state;       /* of its program: a letter of ps, X: it has ended; 0: not told */
} rank_start;

/* "init 60" or "up", heard now. */
void starts_note(rank_start *rank, const char *words, int64_t now_ms);

/* The first rank that one waits for longer than it is willing to; -1: none. */
int starts_missing(const rank_start *rank, int ranks, int64_t now_ms);

/* Nobody is missing, and yet one is in for three times as long, and half a minute at least: MPI. */
bool starts_hang(const rank_start *rank, int ranks, int64_t now_ms);

/* This one is missing too. */
bool starts_lacks(const rank_start *rank, int ranks, int one);

/* "has not come to tr_dist_init(), where others wait: its program is stopped" */
void starts_words(char *text, size_t bytes, const rank_start *missing);

/* The seconds that were too long. */
double starts_limit(const rank_start *rank, int ranks);

#endif
