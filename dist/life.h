/* Whether a rank's process is alive, as far as that can be told without its help. */
#ifndef TRIREME_DIST_LIFE_H
#define TRIREME_DIST_LIFE_H

#include "dist/board.h"

/* The later, the surer that it brings nothing on. */
typedef enum {
    DIST_ALIVE,
    DIST_UNREACHED, /* nothing comes from its host */
    DIST_SILENT,    /* its watchdog has not beaten for fifteen beats, or does not answer though its host does */
    DIST_STOPPED,
    DIST_ENDED,
} dist_life;

dist_life dist_life_of(const dist_page *p);

/* The letter of ps: R runs, S sleeps, D waits for a disk, T is stopped, Z has ended; 0 where nobody tells. */
char dist_state_of(int32_t pid);

double dist_silent_s(const dist_page *p);

/* "its process 77 is stopped (as by kill -STOP or a debugger), last sign of life 3.1 s ago" */
const char *dist_life_words(const dist_page *p, char *text, size_t bytes);

#endif
