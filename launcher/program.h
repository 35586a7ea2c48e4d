/* A rank's program as a process of its own, and what connects it with its guard. */
#ifndef LAUNCHER_PROGRAM_H
#define LAUNCHER_PROGRAM_H

#include "launcher/command.h"

#include <stdbool.h>
#include <sys/types.h>

typedef struct {
    pid_t pid; /* and the number of its process group */
    int out;   /* owned: what it writes, not blocking */
    int err;   /* owned; -1: comes with out */
    int told;  /* owned: what the library tells (TRIREME_GUARD), a message at a time; -1: nothing comes */
} program;

/* `one`: standard output and error in one stream, in their order; `told`: the library is to tell. 0, or -1 with errno. */
int program_start(program *p, const command *what, bool one, bool told);

/* The letter of ps: R runs, S sleeps, D waits for a disk, T is stopped, Z has ended; 0 where nobody tells. */
char program_state(pid_t pid);

#endif
