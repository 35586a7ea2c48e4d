/* What stands between a rank's program and everybody else: passes on what it writes, ends it when told, tells how it
 * ended. One process for each rank, asleep while nothing happens. */
#ifndef LAUNCHER_GUARD_H
#define LAUNCHER_GUARD_H

#include "launcher/command.h"
#include "launcher/wire.h"

typedef struct {
    wire *line;      /* to trireme run; NULL: there is none */
    int silent_s;    /* the line is dead after so many seconds */
    int rank, ranks; /* ranks < 1: not known */
    bool tag;        /* every line begins with its rank */
    const char *log; /* the file for all that the program writes; NULL: it goes to trireme run */
    const command *program;
} guard_wish;

/* Runs the program to its end. Returns the exit status for mpirun. */
int guard_run(guard_wish wish);

#endif
