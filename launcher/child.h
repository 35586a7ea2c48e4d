/* A program that we start, and all that it writes. */
#ifndef LAUNCHER_CHILD_H
#define LAUNCHER_CHILD_H

#include <stddef.h>
#include <sys/types.h>

typedef struct {
    pid_t pid;  /* 0: none, or it has ended */
    int status; /* the exit status when it has, as a shell has it */
    int out;    /* owned: its standard output and error; -1: closed */
    char *text; /* owned: what it wrote so far, ended by a NUL */
    size_t bytes;
} child;

/* Starts it, with nothing to read. Exits where no process can be started. */
child child_start(const char *command, const char *const argv[]);

/* Takes what it has written and whether it has ended; waits for neither. */
void child_look(child *c);

/* Waits for its end, at most so long; then it gets SIGTERM, and SIGKILL. Its exit status, 124 if it took too long. */
int child_wait(child *c, int ms);

/* The last line that it wrote; where one of them says `word`, the first of these. "" if there is none. */
void child_said(const child *c, const char *word, char *line, size_t bytes);

/* Its lines joined, but for rules, blank ones and those that begin with `but`; cut at the end, "..." then. "" if there
 * are none. */
void child_words(const child *c, const char *but, char *text, size_t bytes);

void child_free(child *c);

#endif
